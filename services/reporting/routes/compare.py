"""Goals beside areas, and areas beside years."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from fastapi import Request, Response

from services.chassis.context import Context
from services.chassis.transaction import Transaction
from services.chassis.web import Ctx, Permission, Router, page
from services.chassis.web.words import N_
from services.reporting.audience import audience_of
from services.reporting.definitions import Goal
from services.reporting.domain.figures import Status
from services.reporting.domain.periods import Period
from services.reporting.routes.asking import Wrong, as_page, goal_of, parameter
from services.reporting.routes.choosing import period_and_years
from services.reporting.routes.goals import watermark
from services.reporting.routes.names import area_called
from services.reporting.routes.rows import address_of
from services.reporting.service import reading
from services.reporting.service.shapes import Figure, MeasureReport, Report
from services.reporting.service.shelf import in_force
from services.reporting.written import Written

router = Router()
YEARS_AT_MOST = 12
Cell = tuple[Figure | None, str | None]


@dataclass(frozen=True, slots=True)
class Beside:
    """A row of the table: a goal's measure or an area, and its figures in the order of the columns."""

    label: str
    unit: str
    address: str
    cells: list[Cell]


@router.get("/compare", permission=Permission.PUBLIC)
async def show_comparison(request: Request, ctx: Ctx) -> Response:
    """With `goal` (`goal-id` or `goal-id/measure`) areas × years; else goals × areas of a `period`."""
    try:
        asked = parameter(request, "goal", allowed={"goal", "period"})
        async with ctx.db.transaction() as tx:
            goals = await in_force(ctx, tx.connection)
            period, years = await period_and_years(request, ctx, tx, audience_of(request, ctx))
            if asked is None:
                reports = await reading.read(ctx, tx, audience_of(request, ctx), goals, period)
                shown = _goals_by_area(reports, period, Written.of(request))
            else:
                goal = goal_of(goals, asked.partition("/")[0])
                found = await _years(request, ctx, tx, goal, years[-YEARS_AT_MOST:])
                shown = _areas_by_year(goal, asked.partition("/")[2], found, Written.of(request))
    except Wrong as wrong:
        raise as_page(wrong, request) from wrong
    say = Written.of(request)
    return page(
        request,
        "compare.html",
        **shown,
        period=period,
        years=sorted({*years, period.first.year}),
        choices=_choices(goals, say),
        chosen=asked,
        written=say,
        watermark=watermark(say, ctx.clock.now()),
        crumbs=[(say.say("Areas"), f"/areas?period={period.label}")],
    )


async def _years(
    request: Request, ctx: Context, tx: Transaction, goal: Goal, years: Sequence[int]
) -> list[tuple[Period, Report]]:
    found = []
    for year in years:
        period = Period.year(year)
        found += [(period, r) for r in await reading.read(ctx, tx, audience_of(request, ctx), [goal], period)]
    return found


def _goals_by_area(reports: Sequence[Report], period: Period, say: Written) -> dict[str, Any]:
    """Goals that some area has data for; the areas that some goal has data for."""
    known: dict[str, str] = {}
    for figure in (figure for report in reports for figure in report.main.areas if _says(figure)):
        known.setdefault(figure.area or "", area_called(figure.area or "", figure.area_name, say))
    order = _in_order(reports, known)
    rows = []
    for report in reports:
        by_area = {figure.area: figure for figure in report.main.areas}
        if any(_says(figure) for figure in by_area.values()):
            cells = [_cell(by_area.get(area)) for area in order]
            rows.append(
                Beside(
                    report.goal.text(say.language).title,
                    "",
                    f"/compare?{urlencode({'goal': report.goal.id})}",
                    [*cells, _cell(report.main.company)],
                )
            )
    columns: list[tuple[str, str | None]] = [
        (known[area], f"/areas/{quote(area, safe='')}?period={period.label}") for area in order
    ]
    return {
        "title": say.say(N_("Areas beside each other {year}"), year=period.label),
        "measure": None,
        "columns": [*columns, (say.say(N_("The whole company")), None)],
        "rows": rows,
        "codes": _codes(rows),
        "breaks": [],
    }


def _areas_by_year(goal: Goal, measure: str, found: Sequence[tuple[Period, Report]], say: Written) -> dict[str, Any]:
    """One measure: its areas and the company beside the years. Raises `Wrong` for a measure that isn't there."""
    id = measure or goal.main.id
    if id not in {one.id for one in goal.measures}:
        known = [one.id for one in goal.measures]
        raise Wrong(404, "unknown-measure", N_("There is no such measure"), ", ".join(known), measures=known)
    reports = [(period, _of(report, id)) for period, report in found]
    names: dict[str | None, str] = {}
    for _period, each in reports:
        for figure in each.areas:
            if _says(figure):
                names[figure.area] = area_called(figure.area or "", figure.area_name, say)
    rows = []
    for area, name in [*names.items(), (None, say.say(N_("The whole company")))]:
        cells = [_cell(next((f for f in (*each.areas, each.company) if f.area == area), None)) for _p, each in reports]
        last = reports[-1][0].label if reports else ""
        query = urlencode({"period": last, "measure": id, **({"area": area} if area else {})})
        rows.append(Beside(name, "", f"/goals/{goal.id}?{query}", cells))
    texts = goal.text(say.language)
    title = texts.title if id == goal.main.id else f"{texts.title}: {texts.measures[id].title}"
    return {
        "title": title,
        "measure": id,
        "columns": [(period.label, f"/goals/{goal.id}?period={period.label}") for period, _each in reports],
        "rows": rows if any(figure for row in rows for figure, _address in row.cells) else [],
        "codes": _codes(rows),
        "breaks": _breaks(reports, say),
    }


def _of(report: Report, measure: str) -> MeasureReport:
    return next(each for each in report.measures if each.measure.id == measure)


def _breaks(reports: Iterable[tuple[Period, MeasureReport]], say: Written) -> list[str]:
    """Where the years may not be compared, in words, each once."""
    said: dict[str, None] = {}
    for _period, each in reports:
        for figure in (each.company, *each.areas):
            for seam in figure.breaks:
                words = say.say(
                    N_("From {day} the series is another: {why}."), day=say.day(seam.on), why=say.why_broken(seam)
                )
                said[words] = None
    return list(said)


def _says(figure: Figure) -> bool:
    return figure.status not in (Status.NO_DATA, Status.FILLING)


def _cell(figure: Figure | None) -> Cell:
    return figure, None if figure is None else address_of(figure)


def _in_order(reports: Iterable[Report], known: Iterable[str]) -> list[str]:
    """The areas in the order that reports have them."""
    wanted = set(known)
    order: dict[str, None] = {}
    for report in reports:
        order |= {figure.area: None for figure in report.main.areas if figure.area in wanted}
    return list(order)


def _codes(rows: Iterable[Beside]) -> list[str]:
    """The statuses that the table shows, in the order of `Status`."""
    seen = {figure.status for row in rows for figure, _address in row.cells if figure is not None}
    return [status.value for status in Status if status in seen]


def _choices(goals: Iterable[Goal], say: Written) -> list[tuple[str, str]]:
    """What a reader may choose: each goal by area, and each of its measures beside the main one."""
    found = []
    for goal in goals:
        if "area" not in goal.dimensions:
            continue
        texts = goal.text(say.language)
        found.append((goal.id, texts.title))
        found += [
            (f"{goal.id}/{one.id}", f"{texts.title}: {texts.measures[one.id].title}")
            for one in goal.measures
            if one.id != goal.main.id
        ]
    return found
