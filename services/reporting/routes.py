"""The goal API and what operators ask of reporting. Answers are JSON; what is wrong is an RFC 9457 problem."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

from aiokafka import AIOKafkaConsumer, TopicPartition
from fastapi import Request, Response
from fastapi.responses import JSONResponse

from schemas.topics import TOPICS
from services.chassis.context import Context
from services.chassis.web import Ctx, Permission, Router, language, problem
from services.chassis.web.words import N_
from services.reporting import projector, repository, service
from services.reporting.definitions import Goal, Goals, load
from services.reporting.domain import Role
from services.reporting.figures import Period, UnknownPeriod
from services.reporting.repository import Partition
from services.reporting.service import Figure, Lineage, Place, UnknownArea

router = Router()
GOALS: Goals = load()
PAGE = 100
PAGE_AT_MOST = 1000


class Wrong(Exception):
    """A request that can't be answered: the problem that says why, and what exists instead."""

    def __init__(self, status: int, slug: str, title: str, detail: str, **extra: Any) -> None:
        super().__init__(detail)
        self.status, self.title = status, title
        self.instead: list[str] = next((value for value in extra.values() if isinstance(value, list)), [])
        self.answer = problem(status, slug, title, detail, **extra)


@router.get("/api/goals", permission=Permission.FIGURES)
async def list_figures(request: Request, ctx: Ctx) -> Response:
    """Every goal's figures for a period: the company's, then each area's; with `area`, that area's alone."""
    try:
        area = parameter(request, "area", allowed={"period", "area"})
        async with ctx.db.transaction() as tx:
            period = await period_of(request, tx.connection, ctx)
            reports = await service.reports(tx.connection, GOALS, period, tx.now())
        with told():
            chosen = [[r.of(area)] if area else [r.company, *r.areas] for r in reports]
    except Wrong as wrong:
        return wrong.answer
    return JSONResponse([figure.to_json(language(request)) for figures in chosen for figure in figures])


@router.get("/api/goals/{id}", permission=Permission.FIGURES)
async def show_figure(request: Request, ctx: Ctx, id: str) -> Response:
    """One goal's figure; without `area` the company's, with those of all areas in `areas`."""
    try:
        goal = goal_of(id)
        area = parameter(request, "area", allowed={"period", *goal.dimensions})
        async with ctx.db.transaction() as tx:
            period = await period_of(request, tx.connection, ctx)
            report = await service.report(tx.connection, goal, period, tx.now())
        with told():
            figure = report.of(area).to_json(language(request))
    except Wrong as wrong:
        return wrong.answer
    if area is None:
        figure["areas"] = [a.to_json(language(request)) for a in report.areas]
    return JSONResponse(figure)


async def lineage_asked_for(request: Request, ctx: Ctx, id: str) -> tuple[Figure, Role | None, Lineage]:
    """The figure that a request names, the role it asks for, and a page of the events behind it. Raises `Wrong`."""
    goal = goal_of(id)
    area = parameter(request, "area", allowed={"period", "role", "cursor", "limit", *goal.dimensions})
    role, start, limit = paging(request)
    async with ctx.db.transaction() as tx:
        period = await period_of(request, tx.connection, ctx)
        report = await service.report(tx.connection, goal, period, tx.now())
        with told():
            figure = report.of(area)
        return figure, role, await service.lineage(tx.connection, figure, role=role, start=start, limit=limit)


@router.get("/api/goals/{id}/events", permission=Permission.FIGURES)
async def list_events(request: Request, ctx: Ctx, id: str) -> Response:
    """The events behind a figure, a page at a time: `next` is the address of the following page, or null."""
    try:
        figure, _, found = await lineage_asked_for(request, ctx, id)
    except Wrong as wrong:
        return wrong.answer
    events = [
        {
            "id": part.fact.id,
            "source": part.fact.source,
            "type": part.fact.type,
            "time": part.fact.time.isoformat(),
            "role": part.role.value,
            "reason": part.reason,
        }
        for _, part in found.entries
    ]
    return JSONResponse({"events": events, "next": next_page(request, figure, found.next)})


@router.post("/ops/reporting/rebuild", permission=Permission.OPERATE)
async def rebuild(ctx: Ctx) -> Response:
    """Forgets all figures and has the topics read again from the start."""
    ends = await _ends(ctx)
    async with ctx.db.transaction() as tx:
        await repository.start_rebuild(tx.connection, ends, tx.now())
    return JSONResponse({"state": "running", "read": 0, "of": sum(ends.values())}, status_code=202)


@router.get("/ops/reporting/rebuild", permission=Permission.OPERATE)
async def rebuild_state(ctx: Ctx) -> Response:
    """How far the latest rebuild has come, in records."""
    async with ctx.db.transaction() as tx:
        read, of = await repository.rebuild_progress(tx.connection)
    return JSONResponse({"state": "done" if read >= of else "running", "read": read, "of": of})


async def _ends(ctx: Context) -> dict[Partition, int]:
    """Where each partition that reporting reads ends now."""
    consumer = AIOKafkaConsumer(bootstrap_servers=ctx.settings.kafka_servers)
    try:
        await consumer.start()
        ours = {
            TopicPartition(ctx.topic(name), part): (name, part)
            for name in projector.topics()
            for part in range(TOPICS[name].partitions)
        }
        ends = await consumer.end_offsets(list(ours))
        return {ours[partition]: end for partition, end in ends.items()}
    finally:
        await consumer.stop()


def goal_of(id: str) -> Goal:
    """Raises `Wrong` naming the goals there are."""
    goal = GOALS.by_id.get(id)
    if goal is None:
        known = sorted(GOALS.by_id)
        raise Wrong(404, "unknown-goal", N_("There is no such goal"), f"There is {_among(known)}.", goals=known)
    return goal


async def period_of(request: Request, connection: Any, ctx: Context) -> Period:
    """The period asked for, or the latest year with data. Raises `Wrong` saying how a period is written."""
    asked = request.query_params.get("period")
    years, default = await service.periods(connection, GOALS, ctx.clock.now())
    if not asked:
        return default
    try:
        return Period.parse(asked)
    except UnknownPeriod as error:
        exist = [str(year) for year in years]
        raise Wrong(400, "unknown-period", N_("There is no such period"), f"{error}.", periods=exist) from error


def parameter(request: Request, name: str, *, allowed: set[str]) -> str | None:
    """The value of a query parameter, None when absent or empty. Raises `Wrong` for a parameter nobody declared."""
    unknown = sorted(request.query_params.keys() - allowed - {"lang"})
    if unknown:
        detail = f"{', '.join(unknown)} can't be asked for here; these can: {', '.join(sorted(allowed))}."
        raise Wrong(400, "unknown-parameter", N_("A parameter isn't known"), detail, parameters=sorted(allowed))
    return request.query_params.get(name) or None


def paging(request: Request) -> tuple[Role | None, Place | None, int]:
    """(role, where to begin, how many) of a page of lineage. Raises `Wrong`."""
    query = request.query_params
    try:
        role = Role(query["role"]) if query.get("role") else None
        start = Place.parse(query["cursor"]) if query.get("cursor") else None
        limit = int(query.get("limit") or PAGE)
        if not 1 <= limit <= PAGE_AT_MOST:
            raise ValueError("limit")
    except (ValueError, OverflowError) as error:
        detail = (
            f"role is one of {', '.join(Role)}; limit is a number from 1 to {PAGE_AT_MOST}; "
            "cursor comes from next of the page before."
        )
        raise Wrong(400, "unknown-page", N_("There is no such page of events"), detail) from error
    return role, start, limit


def next_page(request: Request, figure: Figure, place: Place | None) -> str | None:
    """The address of the page that begins at `place`, with the period spelled out."""
    if place is None:
        return None
    kept = {k: v for k, v in request.query_params.items() if v}
    return f"{request.url.path}?{urlencode({**kept, 'period': figure.period.label, 'cursor': str(place)})}"


@contextmanager
def told() -> Iterator[None]:
    """Turns an unknown area into the problem that names those there are."""
    try:
        yield
    except UnknownArea as error:
        detail = f"There is {_among(error.known)}."
        raise Wrong(404, "unknown-area", N_("There is no such area"), detail, areas=error.known) from error


def _among(names: list[str]) -> str:
    return ", ".join(names) if names else "none yet"
