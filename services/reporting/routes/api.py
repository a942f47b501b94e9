"""The JSON API (docs/api.md). What is wrong is an RFC 9457 problem that names what there is.

`/api/v1/…` is the API; `/api/goals…` is what it was before it had a version, and stays as it was.
"""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from fastapi import Request, Response
from fastapi.responses import JSONResponse

from services.chassis.web import Ctx, Permission, Router
from services.chassis.web.words import N_
from services.reporting.audience import audience_of
from services.reporting.definitions import Goal
from services.reporting.exports import tables
from services.reporting.repository import notes
from services.reporting.routes import asked
from services.reporting.routes.asking import (
    Wrong,
    goal_of,
    parameter,
    told,
    words,
)
from services.reporting.service import recent
from services.reporting.service.shapes import Figure, Report
from services.reporting.service.shelf import in_force

router = Router()
PAGE = 500
PAGE_AT_MOST = 5000
PAGING = frozenset({"cursor", "limit"})


@router.get("/api/v1/goals", permission=Permission.PUBLIC)
async def list_goals(request: Request, ctx: Ctx) -> Response:
    """The goals and how each is counted."""
    try:
        parameter(request, "goal", allowed=())
    except Wrong as wrong:
        return wrong.answer
    async with ctx.db.transaction() as tx:
        goals = await in_force(ctx, tx.connection)
    return JSONResponse({"goals": [_definition(goal, request) for goal in goals]})


@router.get("/api/v1/goals/{id}", permission=Permission.PUBLIC)
async def show_goal(request: Request, ctx: Ctx, id: str) -> Response:
    """How one goal is counted."""
    try:
        parameter(request, "goal", allowed=())
        async with ctx.db.transaction() as tx:
            goal = goal_of(await in_force(ctx, tx.connection), id)
    except Wrong as wrong:
        return wrong.answer
    return JSONResponse(_definition(goal, request))


@router.get("/api/v1/figures", permission=Permission.PUBLIC)
async def list_figures(request: Request, ctx: Ctx) -> Response:
    """Figures by goal, measure, area, breakdown and period, a page at a time: `next` is the next page's address, or null."""
    try:
        found = await asked.figures(request, ctx, PAGING)
        start, limit = _page(request, found.figures)
    except Wrong as wrong:
        return wrong.answer
    said = asked.in_json(request, found)
    unchanged, headers = asked.kept_by_client(request, found, said)
    if unchanged:
        return unchanged
    texts = words(request)
    shown = found.figures[start : start + limit]
    more = start + limit < len(found.figures)
    title = texts.text(N_("Goals"))
    return JSONResponse(
        {
            "as_of": tables.moment(found.as_of),
            "citation": tables.citation(title, found.as_of, asked.address(request, found), texts),
            "figures": said[start : start + limit],
            "next": _next(request, shown[-1]) if more else None,
        },
        headers=headers,
    )


def _page(request: Request, figures: Sequence[Figure]) -> tuple[int, int]:
    """(where to begin, how many) of a page of figures: after the one that `cursor` names, whatever has come in between.

    Raises `Wrong`.
    """
    cursor = request.query_params.get("cursor")
    try:
        limit = int(request.query_params.get("limit") or PAGE)
        if not 1 <= limit <= PAGE_AT_MOST:
            raise ValueError("limit")
        start = [asked.name_of(figure) for figure in figures].index(cursor) + 1 if cursor else 0
    except ValueError as error:
        detail = f"limit is a number from 1 to {PAGE_AT_MOST}; cursor comes from next of the page before."
        raise Wrong(400, "unknown-page", N_("There is no such page of figures"), detail) from error
    return start, limit


def _next(request: Request, last: Figure) -> str:
    kept = [(k, v) for k, v in request.query_params.multi_items() if v and k != "cursor"]
    if not request.query_params.get("period"):
        kept.append(("period", last.period.label))
    return f"{request.url.path}?{urlencode([*kept, ('cursor', asked.name_of(last))])}"


@router.get("/api/goals", permission=Permission.FIGURES)
async def list_main_figures(request: Request, ctx: Ctx) -> Response:
    """Every goal's main figures for a period: the company's, then each area's; with `area`, that area's alone."""
    try:
        area = parameter(request, "area", allowed={"period", "area"})
        async with ctx.db.transaction() as tx:
            goals = await in_force(ctx, tx.connection)
            audience = audience_of(request, ctx)
            mark = await notes.mark(tx.connection, tx.now())
            (period, *_) = await asked.periods(request, ctx, tx, audience, mark)
            reports = await recent.reports(ctx, tx, audience, period, mark, goals)
        chosen = [figure for r in reports for figure in (r.main.company, *r.main.areas)]
        if area is not None:
            chosen = asked.in_area(chosen, area)
    except Wrong as wrong:
        return wrong.answer
    texts = words(request)
    return JSONResponse([tables.as_json(figure, texts) for figure in chosen])


@router.get("/api/goals/{id}", permission=Permission.FIGURES)
async def show_figure(request: Request, ctx: Ctx, id: str) -> Response:
    """One goal's main figure; without `area` the company's, with those of all areas in `areas`."""
    try:
        async with ctx.db.transaction() as tx:
            goals = await in_force(ctx, tx.connection)
            goal = goal_of(goals, id)
            area = parameter(request, "area", allowed={"period", "area"})
            audience = audience_of(request, ctx)
            mark = await notes.mark(tx.connection, tx.now())
            (period, *_) = await asked.periods(request, ctx, tx, audience, mark)
            reports = await recent.reports(ctx, tx, audience, period, mark, [goal])
        if not reports:
            raise Wrong(404, "no-figure", N_("There is no such figure"), "Nothing has been published for that.")
        with told():
            return JSONResponse(_main(reports[0], area, request))
    except Wrong as wrong:
        return wrong.answer


def _main(report: Report, area: str | None, request: Request) -> dict[str, Any]:
    texts = words(request)
    figure = tables.as_json(report.of(area=area), texts)
    if area is None:
        figure["areas"] = [tables.as_json(one, texts) for one in report.main.areas]
    return figure


def _definition(goal: Goal, request: Request) -> dict[str, Any]:
    """How a goal is counted, in the reader's language."""
    about = tables.about(goal, words(request).language)
    return {
        "goal": about.goal,
        "title": about.title,
        "version": about.version,
        "since": about.since,
        "document": about.document,
        "definition": about.definition,
        "population": about.population,
        "source": about.source,
        "counts": goal.counts,
        "least_shown": about.threshold or None,
        "dimensions": list(goal.dimensions),
        "measures": [
            {
                "measure": part.id,
                "title": part.title,
                "unit": part.unit,
                "numerator": part.numerator,
                "denominator": part.denominator,
            }
            for part in about.parts
        ],
        "events": list(about.events),
    }
