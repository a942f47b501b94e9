"""The events behind a figure, a page at a time, for staff: what a request asks for, and the answer to programs."""

from typing import Any
from urllib.parse import urlencode

from fastapi import Request, Response
from fastapi.responses import JSONResponse

from services.chassis.web import Ctx, Permission, Router
from services.chassis.web.words import N_
from services.reporting.audience import Audience
from services.reporting.domain.rules import Part, Role
from services.reporting.routes.asking import Wrong, goal_of, only_for_staff, parameter, told
from services.reporting.routes.choosing import period_and_years
from services.reporting.service import lineage, reading
from services.reporting.service.lineage import Lineage, Place
from services.reporting.service.shapes import Figure
from services.reporting.service.shelf import in_force

router = Router()
PAGE = 100
PAGE_AT_MOST = 1000
PAGING = ("period", "area", "measure", "role", "cursor", "limit")


async def lineage_asked_for(request: Request, ctx: Ctx, id: str) -> tuple[Figure, Role | None, Lineage]:
    """The figure that a request names, the role it asks for, and a page of the events behind it. Raises `Wrong`.

    The figure is the company's, or of an `area`, or of a value of another dimension, which its name is asked for by.
    """
    only_for_staff(request, ctx)
    async with ctx.db.transaction() as tx:
        goals = await in_force(ctx, tx.connection)
        goal = goal_of(goals, id)
        area = parameter(request, "area", allowed=(*PAGING, *goal.others))
        dimension = next(((d, request.query_params[d]) for d in goal.others if request.query_params.get(d)), None)
        role, start, limit = paging(request)
        period, _ = await period_and_years(request, ctx, tx, Audience.STAFF)
        (report,) = await reading.read(ctx, tx, Audience.STAFF, [goal], period)
        with told():
            figure = report.of(request.query_params.get("measure") or None, area, dimension)
        return figure, role, await lineage.lineage(tx.connection, figure, role=role, start=start, limit=limit)


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


@router.get("/api/goals/{id}/events", permission=Permission.FIGURES)
async def list_events(request: Request, ctx: Ctx, id: str) -> Response:
    """The events behind a figure, a page at a time: `next` is the address of the following page, or null."""
    try:
        figure, _, found = await lineage_asked_for(request, ctx, id)
    except Wrong as wrong:
        return wrong.answer
    events = [_as_json(part) for _, part in found.entries]
    return JSONResponse({"events": events, "next": next_page(request, figure, found.next)})


router.add_api_route("/api/v1/goals/{id}/events", list_events, permission=Permission.FIGURES)


def _as_json(part: Part) -> dict[str, Any]:
    return {
        "id": part.fact.id,
        "source": part.fact.source,
        "type": part.fact.type,
        "time": part.fact.time.isoformat(),
        "role": part.role.value,
        "reason": part.reason,
    }
