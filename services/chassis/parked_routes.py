"""/ops/<service>/parked: what could not be handled, for the operator to replay or discard; pages to browsers, JSON to machines."""

from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import Form, Path, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.responses import RedirectResponse

from schemas.topics import SERVICES, TOPICS
from services.chassis import parked, settling
from services.chassis.context import Context
from services.chassis.errors import Unfit, describe, is_temporary
from services.chassis.settling import State
from services.chassis.web import Ctx, Permission, Router, page, problem, visitor
from services.chassis.web.problem import refusal, wants_page

PAGE = 100
LISTED = 1000
AT_ONCE = 200
"""Replayed in one request: each is a transaction of its own."""
DISCARDED_AT_ONCE = 10_000
TOLD = 10
RowId = Annotated[int, Path(ge=1, lt=2**63)]
Number = Annotated[int, Field(ge=1, lt=2**63)]
Code = Annotated[str | None, Field(max_length=128)]


class Filters(BaseModel):
    """What the list shows; all of it is in the page's address. `done` and `count`: what was just decided."""

    state: State = "open"
    reason: Code = None
    topic: Code = None
    page: int = Field(1, ge=1, le=10_000)
    done: Literal["replayed", "discarded"] | None = None
    count: int = Field(0, ge=0, le=1_000_000)

    def query(self, **changed: Any) -> str:
        """The list's address below its path with these filters, some of them changed; what is usual is left out."""
        said = self.model_copy(update={"done": None, "count": 0, **changed}).model_dump(exclude_defaults=True)
        return f"?{urlencode(said)}" if said else "?"


class Decision(BaseModel):
    """A form sent from the pages. `of`: the chosen ones, or all of the reason (and topic) up to the number `upto`, which
    is the last that the page counted. `sure`: the question was answered."""

    do: Literal["replay", "discard"]
    of: Literal["chosen", "all"] = "chosen"
    id: list[Number] = Field([], max_length=PAGE)
    reason: Code = None
    topic: Code = None
    upto: int = Field(0, ge=0, lt=2**63)
    sure: bool = False

    @property
    def filters(self) -> Filters:
        return Filters(reason=self.reason or None, topic=self.topic or None)


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a record was not settled."""

    id: int
    status: int
    slug: str
    title: str
    detail: str
    reason: str | None = None

    def answer(self) -> Response:
        if self.reason is None:
            return problem(self.status, self.slug, self.title, self.detail)
        return problem(self.status, self.slug, self.title, self.detail, reason=self.reason)


def parked_routes(service: str) -> Router:
    """The list, one record, and the ways to settle; every one of them is the operator's."""
    router, base = Router(), f"/ops/{service}/parked"

    @router.get(base, permission=Permission.OPERATE)
    async def list_parked(request: Request, ctx: Ctx, filters: Annotated[Filters, Query()]) -> Response:
        if wants_page(request):
            return await _list_page(request, ctx, filters)
        async with ctx.db.transaction() as tx:
            found = await settling.rows(tx, filters.state, filters.reason, filters.topic, most=LISTED)
        return JSONResponse([_json(asdict(row)) for row in found])

    @router.get(base + "/{parked_id}", permission=Permission.OPERATE)
    async def show_parked(request: Request, ctx: Ctx, parked_id: RowId) -> Response:
        async with ctx.db.transaction() as tx:
            row = await parked.details(tx, parked_id)
        if row is None:
            return refusal(request, 404) if wants_page(request) else _missing(parked_id).answer()
        return _record_page(request, ctx, row) if wants_page(request) else JSONResponse(_json(row))

    @router.post(base + "/{parked_id}/replay", permission=Permission.OPERATE)
    async def replay_parked(request: Request, ctx: Ctx, parked_id: RowId) -> Response:
        """Also replays, in order, what was parked only because it came behind this one."""
        refused, followed = await _replay_with_followers(request, ctx, parked_id)
        if refused is not None:
            return refused.answer()
        return JSONResponse({"id": parked_id, "state": "replayed", "followed": followed})

    @router.post(base + "/{parked_id}/discard", permission=Permission.OPERATE)
    async def discard_parked(request: Request, ctx: Ctx, parked_id: RowId) -> Response:
        refused = await _discard(ctx, parked_id, _who(request))
        return refused.answer() if refused else JSONResponse({"id": parked_id, "state": "discarded"})

    @router.post(base, permission=Permission.OPERATE)
    async def decide(request: Request, ctx: Ctx, decision: Annotated[Decision, Form()]) -> Response:
        """What the pages send: one record, those chosen, or all of a reason."""
        return await _decide(request, ctx, decision)

    return router


async def _decide(request: Request, ctx: Context, decision: Decision) -> Response:
    numbers = await _meant(ctx, decision)
    if not numbers:
        return await _list_page(request, ctx, decision.filters, status=422, none_chosen=True)
    if decision.do == "discard" and not decision.sure:
        return _question(request, ctx, decision, numbers)
    if decision.do == "discard":
        async with ctx.db.transaction() as tx:
            done = len(await settling.discard(tx, numbers, _who(request)))
        return RedirectResponse(decision.filters.query(done="discarded", count=done), 303)
    replayed, refused = await _replay_many(request, ctx, numbers)
    if refused:
        return await _list_page(request, ctx, decision.filters, status=409, replayed=replayed, refused=refused)
    return RedirectResponse(decision.filters.query(done="replayed", count=replayed), 303)


async def _list_page(
    request: Request,
    ctx: Context,
    filters: Filters,
    *,
    status: int = 200,
    none_chosen: bool = False,
    replayed: int = 0,
    refused: tuple[Refused, ...] = (),
) -> Response:
    async with ctx.db.transaction() as tx:
        counts = await settling.counts(tx)
        found = await settling.rows(
            tx, filters.state, filters.reason, filters.topic, most=PAGE + 1, skip=(filters.page - 1) * PAGE
        )
    here = [c for c in counts if c.state == filters.state]
    shown = [c for c in here if filters.reason in {None, c.reason} and filters.topic in {None, c.topic}]
    return page(
        request,
        "parked.html",
        status,
        service=ctx.name,
        services=SERVICES,
        filters=filters,
        states=_summed(counts, "state"),
        reasons=_summed([c for c in here if filters.topic in {None, c.topic}], "reason"),
        topics=_summed([c for c in here if filters.reason in {None, c.reason}], "topic"),
        rows=found[:PAGE],
        all_of=sum(c.count for c in shown) if filters.state == "open" and filters.reason else 0,
        upto=max((c.last for c in shown), default=0),
        next=filters.query(page=filters.page + 1) if len(found) > PAGE else None,
        previous=filters.query(page=filters.page - 1) if filters.page > 1 else None,
        none_chosen=none_chosen,
        replayed=replayed,
        refused=refused[:TOLD],
        refused_count=len(refused),
    )


def _record_page(request: Request, ctx: Context, row: dict[str, Any]) -> Response:
    masked = settling.is_masked(row["topic"])
    return page(request, "parked_record.html", row=row, masked=masked, service=ctx.name, crumbs=[_crumb(ctx)])


def _question(request: Request, ctx: Context, decision: Decision, numbers: list[int]) -> Response:
    return page(
        request,
        "parked_discard.html",
        decision=decision,
        numbers=numbers,
        told=numbers[:TOLD],
        service=ctx.name,
        back=f"/ops/{ctx.name}/parked{decision.filters.query()}",
        crumbs=[_crumb(ctx)],
    )


def _crumb(ctx: Context) -> tuple[str, str]:
    return ctx.name, f"/ops/{ctx.name}/parked"


def _summed(counts: list[settling.Count], by: Literal["state", "reason", "topic"]) -> dict[str, int]:
    """How many there are of each, the most first."""
    found: dict[str, int] = {}
    for one in counts:
        found[getattr(one, by)] = found.get(getattr(one, by), 0) + one.count
    return dict(sorted(found.items(), key=lambda pair: -pair[1]))


async def _discard(ctx: Context, parked_id: int, by: str) -> Refused | None:
    async with ctx.db.transaction() as tx:
        found = await parked.details(tx, parked_id)
        if found is None:
            return _missing(parked_id)
        if found["state"] != "open":
            return _settled(parked_id, found["state"])
        await settling.discard(tx, [parked_id], by)
    return None


async def _meant(ctx: Context, decision: Decision) -> list[int]:
    """The numbers a decision is about, in the order they were parked."""
    if decision.of == "chosen":
        return sorted(set(decision.id))
    if not decision.reason:
        return []
    most = AT_ONCE if decision.do == "replay" else DISCARDED_AT_ONCE
    async with ctx.db.transaction() as tx:
        return await settling.numbers_of(tx, decision.reason, decision.topic or None, upto=decision.upto, most=most)


async def _replay_many(request: Request, ctx: Context, numbers: list[int]) -> tuple[int, tuple[Refused, ...]]:
    """How many were handled again, those that waited behind included, and why others weren't."""
    done: set[int] = set()
    refused = []
    for number in numbers:
        if number in done:
            continue
        why, followed = await _replay_with_followers(request, ctx, number)
        if why is None:
            done |= {number, *followed}
        else:
            refused.append(why)
    return len(done), tuple(refused)


async def _replay_with_followers(request: Request, ctx: Context, parked_id: int) -> tuple[Refused | None, list[int]]:
    """Handles one record again, and in order what was parked only because it came behind it."""
    replay = partial(_replay, request, ctx)
    refused, behind = await replay(parked_id)
    followed: list[int] = []
    while refused is None and behind is not None:
        follower = behind
        stopped, behind = await replay(follower)
        if stopped is not None:
            break
        followed.append(follower)
    return refused, followed


async def _replay(request: Request, ctx: Context, parked_id: int) -> tuple[Refused | None, int | None]:
    """Handles one record again. Gives why not, if it could not be, and the number of the next that waited behind it."""
    try:
        async with ctx.db.transaction() as tx:
            found = await parked.take(tx, parked_id)
            if found is None:
                return _missing(parked_id), None
            if found.state != "open":
                return _settled(parked_id, found.state), None
            first = await parked.earlier(tx, ctx.name, parked_id, found.record)
            if first is not None and ctx.name in TOPICS[found.record.topic].ordered:
                return _behind(parked_id, first), None
            await request.app.state.replay(ctx, found.record, tx)
            await settling.settle(tx, parked_id, "replayed", _who(request))
            return None, await parked.next_behind(tx, ctx.name, found.record)
    except Exception as error:
        if is_temporary(error):
            raise
        reason = error.reason if isinstance(error, Unfit) else "defect"
        title = "The record still can't be handled"
        return Refused(parked_id, 409, "still-unfit", title, describe(error), reason), None


def _who(request: Request) -> str:
    return visitor(request).name or "operator"


def _missing(number: int) -> Refused:
    return Refused(number, 404, "not-found", "No such parked record", f"Nothing is parked under the number {number}.")


def _settled(number: int, state: str) -> Refused:
    return Refused(number, 409, "settled", "Already settled", f"This record has been {state} before.")


def _behind(number: int, first: int) -> Refused:
    detail = f"Replay or discard number {first} of the same key first."
    return Refused(number, 409, "behind", "Something waits before it", detail)


def _json(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()}
