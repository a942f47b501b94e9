"""Figures that a request of the API names: which goals, periods and slices, for whom, and the answer that a client may keep."""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from fastapi import Request, Response

from services.chassis.clock import local_date
from services.chassis.context import Context
from services.chassis.transaction import Transaction
from services.chassis.web import language
from services.chassis.web.words import N_
from services.reporting.audience import Audience, audience_of
from services.reporting.domain.notes import Note
from services.reporting.domain.periods import Period
from services.reporting.exports import tables
from services.reporting.exports.tables import figures_of
from services.reporting.repository import notes
from services.reporting.routes.asking import Wrong, among, as_of, goals_asked_for, parameter, periods_of, words
from services.reporting.service import reading, recent
from services.reporting.service.shapes import Figure
from services.reporting.service.shelf import in_force

FILTERS = frozenset({"goal", "measure", "area", "by", "period", "as_of"})
WHOLE = "company"


@dataclass(frozen=True, slots=True)
class Found:
    """Figures, what staff have noted of their goals, and the moment it is true for."""

    figures: Sequence[Figure]
    notes: Sequence[Note]
    as_of: datetime
    audience: Audience


async def periods(request: Request, ctx: Context, tx: Transaction, audience: Audience, mark: str) -> list[Period]:
    """The periods asked for, or what the audience sees first, as of `mark`. Raises `Wrong`.

    Which years there are is a sum over all tallies: it is made only for a request that names no period, or a wrong one.
    """
    if any(request.query_params.getlist("period")):
        with suppress(Wrong):
            return periods_of(request, (), Period.year(tx.now().year))
    return periods_of(request, *await recent.periods(ctx, tx, audience, mark))


async def figures(request: Request, ctx: Context, also: frozenset[str] = frozenset()) -> Found:
    """The figures that the request names. `also`: parameters that it may have besides the filters. Raises `Wrong`."""
    measure = parameter(request, "measure", allowed=FILTERS | also)
    area, by = (request.query_params.get(name) or None for name in ("area", "by"))
    audience = audience_of(request, ctx)
    moment = as_of(request, ctx)
    async with ctx.db.transaction() as tx:
        known = await in_force(ctx, tx.connection)
        goals = goals_asked_for(request, known)
        by_name: dict[str, Figure] = {}  # a yearly measure is told for the year, whichever parts of it are asked for
        mark = await notes.mark(tx.connection, tx.now())
        for period in await periods(request, ctx, tx, audience, mark):
            if moment is None:
                reports = await recent.reports(ctx, tx, audience, period, mark, goals)
            else:
                reports = await reading.read(ctx, tx, audience, goals, period, moment)
            by_name |= {name_of(figure): figure for figure in figures_of(reports)}
        now = moment or tx.now()
        said = await notes.standing(tx.connection, [goal.id for goal in goals], now)
    found = list(by_name.values())
    kept = [f for f in found if _is_of(f, by) and f.measure.id == (measure or f.measure.id)]
    if measure and not kept and found:
        there = sorted({figure.measure.id for figure in found})
        raise Wrong(404, "unknown-measure", N_("There is no such measure"), f"There is {among(there)}.", measures=there)
    if area is not None:
        kept = in_area(kept, area)
    return Found(kept, said, now, audience)


def name_of(figure: Figure) -> str:
    """What names a figure among all."""
    dimension = "=".join(figure.dimension) if figure.dimension else ""
    return "~".join((figure.period.label, figure.goal.id, figure.measure.id, figure.area or "", dimension))


def _is_of(figure: Figure, by: str | None) -> bool:
    """Whether a figure is one of the breakdown asked for: of the company, by area or by another dimension."""
    if by is None:
        return True
    return by == (figure.dimension[0] if figure.dimension else WHOLE if figure.area is None else "area")


def in_area(figures: Sequence[Figure], area: str) -> list[Figure]:
    """Those of an area. Raises `Wrong` naming the areas there are."""
    known = sorted({figure.area for figure in figures if figure.area})
    if area not in known:
        raise Wrong(404, "unknown-area", N_("There is no such area"), f"There is {among(known)}.", areas=known)
    return [figure for figure in figures if figure.area == area]


def in_json(request: Request, found: Found) -> list[dict[str, Any]]:
    """The figures as the API tells them."""
    texts = words(request)
    return [tables.as_json(figure, texts, found.notes) for figure in found.figures]


def kept_by_client(
    request: Request, found: Found, said: Sequence[dict[str, Any]]
) -> tuple[Response | None, dict[str, str]]:
    """The answer 304 where the client has these figures (`said`: as JSON) already, and the headers of an answer that it
    may keep.

    The tag is weak: it names the figures and the language, not the second they were counted.
    """
    timeless = [{**one, "as_of": None} for one in said]
    named = [request.url.path, sorted(request.query_params.multi_items()), language(request), timeless]
    tag = f'W/"{sha256(json.dumps(named, sort_keys=True).encode()).hexdigest()[:32]}"'
    headers = {
        "etag": tag,
        "cache-control": "no-cache" if found.audience is Audience.PUBLIC else "private, no-cache",
        "vary": "accept-language, authorization, cookie",
        "content-language": language(request),
    }
    known = {part.strip().removeprefix("W/") for part in request.headers.get("if-none-match", "").split(",")}
    if tag.removeprefix("W/") in known or "*" in known:
        return Response(status_code=304, headers=headers), headers
    return None, headers


def address(request: Request, found: Found) -> str:
    """Where the same can be read again: the address of this request, absolute, with the day it is true for."""
    return str(request.url.include_query_params(as_of=local_date(found.as_of).isoformat()))
