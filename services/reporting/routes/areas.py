"""Areas: each with everything that is measured in it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from fastapi import Request, Response
from starlette.exceptions import HTTPException

from services.chassis.clock import local_date
from services.chassis.context import Context
from services.chassis.transaction import Transaction
from services.chassis.web import Ctx, Permission, Router, page
from services.reporting.audience import Audience, audience_of
from services.reporting.domain.figures import UNKNOWN_AREA, Status
from services.reporting.domain.landlord import Area, Document
from services.reporting.domain.periods import Period
from services.reporting.repository import governance
from services.reporting.repository.quality import HeardOf
from services.reporting.routes.asking import Wrong, as_page
from services.reporting.routes.choosing import period_and_years
from services.reporting.routes.goals import watermark
from services.reporting.routes.names import area_called, short_type
from services.reporting.routes.rows import address_of, document_of, row_of
from services.reporting.service import quality, reading
from services.reporting.service.extents import extents_of
from services.reporting.service.shapes import Figure, Report
from services.reporting.service.shelf import in_force
from services.reporting.written import Written

router = Router()
JUDGED = (Status.MET, Status.ON_TRACK, Status.BEHIND, Status.MISSED)
WITHOUT = (Status.NO_DATA, Status.FILLING)


@dataclass(frozen=True, slots=True)
class Listed:
    """An area in the list: how many of its figures stand where."""

    name: str
    address: str
    measured: int
    with_target: int
    counts: list[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Line:
    """One figure of an area, as its row shows it."""

    figure: Figure
    address: str
    title: str
    spark: str


@dataclass(frozen=True, slots=True)
class Part:
    """The figures of an area that one steering document asks for; no title where governance has not told of it."""

    id: str
    title: str | None
    rows: list[Line]


@router.get("/areas", permission=Permission.PUBLIC)
async def show_areas(request: Request, ctx: Ctx) -> Response:
    """Every area, and how its goals stand."""
    async with ctx.db.transaction() as tx:
        period, years, reports = await _reports(request, ctx, tx)
    say = Written.of(request)
    by_area: dict[str, list[Figure]] = {}
    for report in reports:
        for figure in report.main.areas:
            by_area.setdefault(figure.area or "", []).append(figure)
    return page(
        request,
        "areas.html",
        period=period,
        years=years,
        areas=[_listed(found, period, say) for found in by_area.values()],
        watermark=watermark(say, ctx.clock.now()),
    )


@router.get("/areas/{id}", permission=Permission.PUBLIC)
async def show_area(request: Request, ctx: Ctx, id: str) -> Response:
    """Everything about one area: its figures by steering document, what it is, and who tells of it."""
    is_staff = audience_of(request, ctx) is Audience.STAFF
    async with ctx.db.transaction() as tx:
        period, years, reports = await _reports(request, ctx, tx)
        landlord = await governance.landlord(tx.connection)
        found = [f for report in reports for measure in report.measures for f in measure.areas if f.area == id]
        if not found and not landlord.is_defined(id):
            raise HTTPException(404)
        extents = await extents_of(tx.connection, id)
        told = await quality.told_of(tx.connection, id) if is_staff else []
        day = min(period.last, max(local_date(tx.now()), period.first))
    say = Written.of(request)
    shown = [figure for figure in found if figure.status not in WITHOUT]
    name = next((figure.area_name for figure in found if figure.area_name), None) or landlord.name_of(id, day)
    return page(
        request,
        "area.html",
        id=id,
        name=area_called(id, name, say),
        is_unknown=id == UNKNOWN_AREA,
        period=period,
        years=years,
        counts=_counts(shown),
        sections=_parts(shown, landlord.documents, say),
        without=[(_title(figure, say), address_of(figure)) for figure in found if figure.status in WITHOUT],
        written=say,
        told=_latest(told),
        crumbs=[(say.say("Areas"), f"/areas?period={period.label}")],
        watermark=watermark(say, ctx.clock.now()),
        short=short_type,
        defined=_named(area for area in landlord.areas if area.id == id),
        regions=extents[-1].parts if extents else (),
        programmes=sorted((p for p in landlord.programmes if p.area == id), key=lambda p: (p.first, p.programme)),
    )


async def _reports(request: Request, ctx: Context, tx: Transaction) -> tuple[Period, list[int], list[Report]]:
    """The period asked for, the years there are, and what the visitor may see of every goal."""
    goals, audience = await in_force(ctx, tx.connection), audience_of(request, ctx)
    try:
        period, years = await period_and_years(request, ctx, tx, audience)
    except Wrong as wrong:
        raise as_page(wrong, request) from wrong
    reports = await reading.read(ctx, tx, audience, goals, period)
    return period, sorted({*years, period.first.year}), reports


def _listed(found: Sequence[Figure], period: Period, say: Written) -> Listed:
    first = found[0]
    shown = [figure for figure in found if figure.status not in WITHOUT]
    return Listed(
        area_called(first.area or "", first.area_name, say),
        f"/areas/{quote(first.area or '', safe='')}?period={period.label}",
        len(shown),
        sum(figure.status in JUDGED for figure in shown),
        _counts(shown),
    )


def _counts(found: Iterable[Figure]) -> list[tuple[str, int]]:
    statuses = [figure.status for figure in found]
    return [(status.value, statuses.count(status)) for status in Status]


def _parts(found: Iterable[Figure], documents: Sequence[Document], say: Written) -> list[Part]:
    """By steering document, the latest first."""
    known = {document.id: document for document in documents}
    by_document: dict[str, list[Figure]] = {}
    for figure in found:
        by_document.setdefault(document_of(figure), []).append(figure)
    order = sorted(by_document, key=lambda id: (id not in known, -_since(known.get(id)), id))
    return [
        Part(id, known[id].title if id in known else None, [_line(figure, say) for figure in by_document[id]])
        for id in order
    ]


def _since(document: Document | None) -> int:
    return document.valid_from.toordinal() if document else 0


def _line(figure: Figure, say: Written) -> Line:
    row = row_of(figure, say)
    return Line(figure, row.address, _title(figure, say), row.spark)


def _title(figure: Figure, say: Written) -> str:
    """The goal's title; for a measure beside the main one its own."""
    title = figure.goal.text(say.language).title
    return title if figure.measure.id == figure.goal.main.id else f"{title}: {say.measure(figure).title}"


def _named(defined: Iterable[Area]) -> list[Area]:
    """The names that an area has had, each since it got it: a definition may change its regions alone."""
    in_order = sorted(defined, key=lambda area: area.valid_from)
    return [
        area
        for before, area in zip([None, *in_order], in_order, strict=False)
        if not before or before.name != area.name
    ]


def _latest(told: Iterable[HeardOf]) -> list[HeardOf]:
    return sorted(told, key=lambda one: one.last, reverse=True)
