"""What the page of one goal shows, put together for its template."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from urllib.parse import urlencode

from fastapi import Request, Response

from services.chassis.clock import STOCKHOLM
from services.chassis.context import Context
from services.chassis.transaction import Transaction
from services.chassis.web import Permission, page, visitor
from services.chassis.web.words import N_
from services.reporting import charts
from services.reporting.audience import Audience, audience_of
from services.reporting.domain.figures import UNKNOWN_AREA, Status
from services.reporting.domain.landlord import Landlord
from services.reporting.domain.notes import Action, Note
from services.reporting.exports.footnotes import footnotes
from services.reporting.exports.tables import citation
from services.reporting.picture import Picture, reach
from services.reporting.repository import governance
from services.reporting.repository import notes as noted
from services.reporting.routes.asking import as_of, goal_of, parameter, told, words
from services.reporting.routes.choosing import parts_of, period_and_years
from services.reporting.routes.names import short_type
from services.reporting.routes.rows import Row, areas_of, document_of, key_of, row_of
from services.reporting.service import notes, published, reading
from services.reporting.service.shapes import Figure, MeasureReport, Report, UnknownSlice, swedish
from services.reporting.service.shelf import in_force
from services.reporting.written import Written, is_by_year

CHOICES = ("period", "measure", "area", "sort", "as_of")
CARDS_AT_MOST = 12
UPDATED: Mapping[str, str] = {
    "live": N_("as events come in; published quarterly"),
    "monthly": N_("monthly"),
    "quarterly": N_("quarterly"),
    "yearly": N_("yearly"),
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the table of areas, and the address that sorts by it."""

    label: str
    address: str
    sorted: Literal["ascending", "descending"] | None
    number: bool = True


async def show(request: Request, ctx: Context, id: str) -> Response:
    """The page. Raises `Wrong`."""
    audience, say = audience_of(request, ctx), Written.of(request)
    area, moment = parameter(request, "area", allowed=CHOICES), as_of(request, ctx)
    measure = request.query_params.get("measure") or None
    async with ctx.db.transaction() as tx:
        goals = await in_force(ctx, tx.connection)
        goal = goal_of(goals, id)
        period, years = await period_and_years(request, ctx, tx, audience)
        parts = await parts_of(tx, audience, period)
        landlord = await governance.landlord(tx.connection)
        found = await reading.read(ctx, tx, audience, [goal], period, moment)
        mark = await noted.mark(tx.connection, tx.now())
        said = await noted.standing(tx.connection, [goal.id], moment or tx.now())
        linked = await notes.known_actions(tx.connection) if any(note.action for note in said) else {}
        figure = _asked_for(found, measure, area)
        behind = await _behind(tx, figure, audience)
        told_before = await _told_before(tx, figure, audience)
    labels = sorted({*(str(year) for year in years), str(period.first.year)})
    shown: dict[str, Any] = {"goal": goal, "texts": goal.text(say.language), "say": say, "period": period, "parts": []}
    shown["crumbs"] = [(say.say(N_("Goals")), f"/?period={period.first.year}")]
    if figure is None:
        shown["years"] = [(label, f"/goals/{id}?period={label}") for label in labels]
        shown["parts"] = [(say.part(p), f"/goals/{id}?period={p.label}", p == period) for p in parts]
        return page(request, "unpublished.html", **shown)
    report = found[0]
    shown["years"] = [(label, _elsewhere(figure, period=label)) for label in labels]
    if not is_by_year(figure):
        shown["parts"] = [(say.part(p), _elsewhere(figure, period=p.label), p == period) for p in parts]
    is_live = audience is Audience.STAFF and moment is None
    in_view = [note for note in notes.applying(said, area) if _is_in_view(note, figure)]
    shown |= _the_figure(figure, in_view, say)
    shown |= _why(figure, in_view, linked, request)
    shown |= _areas(request, report, figure, say)
    shown |= _aims(report, figure, say)
    shown |= behind | {"since": _since(figure, told_before, say)}
    shown |= _definition(figure, landlord, request, say)
    return page(
        request,
        "goal.html",
        **shown,
        measures=[
            (goal.text(say.language).measures[m.measure.id].title, row_of(m.company, say)) for m in report.measures
        ],
        dimensions=_dimensions(_of_measure(report, figure), say),
        live=f"/live?{urlencode({'goal': goal.id, **_query(figure)})}" if is_live else None,
        seen=mark,
        is_staff=audience is Audience.STAFF,
        watermark=_watermark(figure, say),
    )


def _asked_for(found: Sequence[Report], measure: str | None, area: str | None) -> Figure | None:
    """None where nothing is published. Raises `Wrong`."""
    if not found:
        return None
    with told():
        return found[0].of(measure, area)


async def _told_before(tx: Transaction, figure: Figure | None, audience: Audience) -> Figure | None:
    """The same figure as it was last published; None where it wasn't, or where that is what is shown."""
    if figure is None or audience is Audience.PUBLIC or figure.published is not None:
        return None
    try:
        for report in await published.reports(tx.connection, [figure.goal], figure.period, figure.as_of):
            return report.of(figure.measure.id, figure.area, figure.dimension)
    except UnknownSlice:
        return None
    return None


def _since(figure: Figure, told_before: Figure | None, say: Written) -> str | None:
    """When it was published, and what has changed since."""
    was = told_before or figure
    if was.published is None:
        return None
    day, value = say.day(was.published.on), say.value(was)
    if told_before is None:
        return say.say(N_("Published {day}."), day=day)
    if say.value(figure) == value:
        return say.say(N_("Published {day}; the same since."), day=day)
    return say.say(N_("Published {day} as {value}; changed since."), day=day, value=value)


async def _behind(tx: Transaction, figure: Figure | None, audience: Audience) -> dict[str, Any]:
    """The events behind the figure, counted by type, part and source."""
    if figure is None:
        return {}
    rows, more = await reading.behind(tx, audience, figure)
    one_by_one = f"/goals/{figure.goal.id}/events?{urlencode(_query(figure))}"
    return {
        "behind": [(row.type, row.role.value, row.source, row.count) for row in rows],
        "more_behind": more,
        "lineage": one_by_one if audience is Audience.STAFF else None,
        "short": short_type,
    }


def picture_of(figure: Figure, said: Sequence[Note], say: Written) -> tuple[Picture, str, str]:
    """The chart for a wide and for a narrow place; empty where there is no curve to draw."""
    picture = say.picture(figure, said)
    if sum(dot.value is not None for dot in picture.dots) < 1 or len(picture.ticks) < 2:
        return picture, "", ""
    wide = charts.chart(picture, charts.WIDE, "chart wide")
    return picture, wide, charts.chart(picture, charts.NARROW, "chart narrow")


def _the_figure(figure: Figure, said: Sequence[Note], say: Written) -> dict[str, Any]:
    _, wide, narrow = picture_of(figure, said, say)
    texts = figure.goal.text(say.language)
    name = texts.title
    if figure.measure.id != figure.goal.main.id:
        name = f"{name}: {say.measure(figure).title}"
    if figure.area is not None:
        name = f"{name}, {say.place(figure)}"
    aims = []
    if figure.before is not None and figure.value_shown is not None:
        value = say.amount(figure.before, figure.measure.unit, figure.measure.decimals)
        aims.append(say.say(N_("The year before: {value}."), value=value))
    if figure.shown is not None and figure.shown.waiting:
        n = say.count(figure.shown.waiting, figure)
        aims.append(say.say(N_("{n} {things} may still be reached in time."), n=n, things=say.measure(figure).things))
    days = [(say.until(point.on, figure), point.value) for point in figure.trend]
    unit, decimals = figure.measure.unit, figure.measure.decimals
    return {
        "figure": figure,
        "key": key_of(figure),
        "name": name,
        "mtexts": say.measure(figure),
        "aims": aims,
        "chart": wide,
        "narrow": narrow,
        "caption": say.caption(figure),
        "notes_drawn": said[: charts.MARKS],
        "points": [(day, "–" if value is None else say.amount(value, unit, decimals)) for day, value in days],
        "company": _elsewhere(figure, area=None),
        "downloads": _downloads(figure, drawn=bool(wide)),
    }


def _aims(report: Report, figure: Figure, say: Written) -> dict[str, Any]:
    """The target in a sentence; where the company has none and areas have, how each of those stands."""
    of = _of_measure(report, figure)
    rows = [row_of(one, say) for one in areas_of(of) if one.target is not None and one.in_programme]
    if figure.area is not None or figure.target is not None or not rows:
        target = say.target(figure)
        return {"target": f"{target[:1].upper()}{target[1:]}.", "aimed": [], "standing": []}
    statuses = [row.figure.status.value for row in rows]
    return {"target": "", "aimed": rows, "standing": [(s.value, statuses.count(s.value)) for s in Status]}


def _is_in_view(note: Note, figure: Figure) -> bool:
    """Whether the note's day is one of those that the page tells of."""
    return note.day <= figure.period.last and (is_by_year(figure) or note.day >= figure.period.first)


def _why(figure: Figure, said: Sequence[Note], linked: Mapping[str, Action], request: Request) -> dict[str, Any]:
    who = visitor(request)
    return {
        "notes": [(note, linked.get(note.action or "")) for note in reversed(said)],
        "may_write": who.may(Permission.REPORT),
        "may_see_events": who.may(Permission.EVENTS),
        "write": f"/goals/{figure.goal.id}/notes" + (f"?{urlencode({'area': figure.area})}" if figure.area else ""),
    }


def _areas(request: Request, report: Report, figure: Figure, say: Written) -> dict[str, Any]:
    """Small multiples on one scale, and the same as a table that can be sorted."""
    of = _of_measure(report, figure)
    known = [f for f in areas_of(of) if f.status is not Status.NO_DATA or (f.in_programme and f.area != UNKNOWN_AREA)]
    if not known:
        return {"areas": [], "cards": [], "columns": [], "about_areas": "", "before": None}
    span = reach(say.picture(one) for one in known)
    rows = [row_of(one, say, span=span) for one in known]
    first = sorted(rows, key=lambda row: (row.figure.target is None, not row.figure.in_programme))
    chosen = request.query_params.get("sort") or ""
    about = N_("Areas with a target first; the others are shown for comparison.")
    if figure.goal.programme is not None:
        about = N_("The company's figure covers areas where the programme runs; the others are for comparison.")
    return {
        "areas": _sorted(first, chosen),
        "cards": first[:CARDS_AT_MOST] if len(known) > 1 else [],
        "columns": [
            Column(say.say(N_("Area")), *_by(figure, chosen, "name", "-name"), number=False),
            Column(say.say(N_("Figure")), *_by(figure, chosen, "-value", "value")),
            Column(say.say(N_("The year before")), *_by(figure, chosen, "-before", "before")),
            Column(say.say(N_("Status")), *_by(figure, chosen, "status", "-status"), number=False),
        ],
        "about_areas": say.say(about),
        "before": lambda f: "–" if f.before is None else say.amount(f.before, f.measure.unit, f.measure.decimals),
    }


def _by(figure: Figure, chosen: str, once: str, again: str) -> tuple[str, Literal["ascending", "descending"] | None]:
    """(address, how it is sorted now) of a column that sorts first one way and, chosen again, the other."""
    other = again if chosen == once else once
    now: Literal["ascending", "descending"] | None = None
    if chosen in (once, again):
        now = "descending" if chosen.startswith("-") else "ascending"
    return f"{_elsewhere(figure, sort=other)}#areas", now


def _sorted(rows: Sequence[Row], by: str) -> list[Row]:
    """`by`: name, value, before or status, a minus before it for the other way; those without a value come last."""
    order = list(Status)
    values: Mapping[str, Callable[[Figure], Any]] = {
        "name": lambda f: swedish(f.area_name or ""),
        "value": lambda f: f.value_shown,
        "before": lambda f: f.before,
        "status": lambda f: order.index(f.status),
    }
    value = values.get(by.removeprefix("-"))
    if value is None:
        return list(rows)
    with_value = [row for row in rows if value(row.figure) is not None]
    without = [row for row in rows if value(row.figure) is None]
    return [*sorted(with_value, key=lambda row: value(row.figure), reverse=by.startswith("-")), *without]


def _of_measure(report: Report, figure: Figure) -> MeasureReport:
    return next(of for of in report.measures if of.measure.id == figure.measure.id)


def _dimensions(of: MeasureReport, say: Written) -> list[tuple[str, list[tuple[str, Figure]]]]:
    return [(say.dimension(name), [(say.member(f), f) for f in found]) for name, found in of.by.items() if found]


def _definition(figure: Figure, landlord: Landlord, request: Request, say: Written) -> dict[str, Any]:
    document = document_of(figure)
    title = figure.goal.text(say.language).title
    where = str(request.url.replace(query=urlencode({**_query(figure), "as_of": _day(figure.as_of)})))
    return {
        "document": next((d for d in landlord.documents if d.id == document), None),
        "changes": [say.applied(target, figure.measure) for target in figure.targets]
        if len(figure.targets) > 1
        else [],
        "updated": say.say(UPDATED[figure.goal.frequency]),
        "citation": citation(f"{title} {figure.period.label}", figure.as_of, where, words(request)),
        "footnotes": footnotes(figure, words(request)),
    }


def _downloads(figure: Figure, *, drawn: bool) -> list[tuple[str, str]]:
    """(name, address) of the same figures as files, and of the chart as a picture."""
    query = urlencode({"goal": figure.goal.id, "period": figure.period.label})
    chart = urlencode({"goal": figure.goal.id, **_query(figure)})
    files = [("CSV", "figures.csv"), ("XLSX", "figures.xlsx"), ("JSON-stat", "figures.jsonstat"), ("JSON", "figures")]
    pictures = [("SVG", "chart.svg"), ("PNG", "chart.png")] if drawn else []
    return [
        *((name, f"/api/v1/{file}?{query}") for name, file in files),
        *((name, f"/api/v1/{file}?{chart}") for name, file in pictures),
    ]


def _query(figure: Figure) -> dict[str, str]:
    main = figure.measure.id == figure.goal.main.id
    said = {"period": figure.period.label, "measure": None if main else figure.measure.id, "area": figure.area}
    return {name: value for name, value in said.items() if value}


def _elsewhere(figure: Figure, **changed: str | None) -> str:
    """This page's address with something changed."""
    kept = {**_query(figure), **changed}
    return f"/goals/{figure.goal.id}?{urlencode({name: value for name, value in kept.items() if value})}"


def _day(moment: datetime) -> str:
    return f"{moment.astimezone(STOCKHOLM):%Y-%m-%d}"


def _watermark(figure: Figure, say: Written) -> str:
    local = figure.as_of.astimezone(STOCKHOLM)
    text = say.say(N_("True up to {moment}."), moment=f"{local:%Y-%m-%d %H:%M}")
    return f"{text} {say.say(N_('Definition'))} {figure.goal.version}."
