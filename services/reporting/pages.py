"""The pages: all goals, one goal, the events behind it, and the life of one subject."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from babel.dates import format_date, format_datetime, format_timedelta
from fastapi import Request, Response
from starlette.exceptions import HTTPException

from services.chassis.clock import STOCKHOLM
from services.chassis.web import Ctx, Permission, Router, language, page, translations, visitor
from services.reporting import charts, repository, service
from services.reporting.domain import WITHDRAWN, Contribution, Fact, contribution, fold, precedence
from services.reporting.figures import Document, Landlord, Status
from services.reporting.records import stored_fact
from services.reporting.routes import GOALS, Wrong, goal_of, lineage_asked_for, next_page, parameter, period_of, told
from services.reporting.service import Figure

router = Router()
NOT_SHOWN_FIELDS = {"tenant_ref", "transferred_from", "building_id", "dwelling_id"}


@dataclass(frozen=True, slots=True)
class Row:
    """A goal and target on the front page."""

    figure: Figure
    address: str
    spark: charts.Spark


@dataclass(frozen=True, slots=True)
class Section:
    """The goals of one steering document; `document` is None when governance has not told of it."""

    id: str
    document: Document | None
    rows: list[Row]


@router.get("/", permission=Permission.FIGURES)
async def show_goals(request: Request, ctx: Ctx) -> Response:
    try:
        async with ctx.db.transaction() as tx:
            years, _default = await service.periods(tx.connection, GOALS, tx.now())
            period = await period_of(request, tx.connection, ctx)
            landlord = await repository.landlord(tx.connection)
            reports = await service.reports(tx.connection, GOALS, period, tx.now())
    except Wrong as wrong:
        raise _as_page(wrong, request) from wrong
    rows = [_row(figure) for report in reports for figure in _judged(report)]
    counts = [(status.value, sum(row.figure.status is status for row in rows)) for status in Status]
    return page(
        request,
        "goals.html",
        years=sorted({*years, period.first.year}),
        period=period,
        sections=_sections(rows, landlord),
        counts=counts,
        has_data=bool(years),
        watermark=_watermark(request, ctx.clock.now()),
    )


@router.get("/goals/{id}", permission=Permission.FIGURES)
async def show_goal(request: Request, ctx: Ctx, id: str) -> Response:
    try:
        goal = goal_of(id)
        area = parameter(request, "area", allowed={"period", "area"})
        async with ctx.db.transaction() as tx:
            period = await period_of(request, tx.connection, ctx)
            years, _default = await service.periods(tx.connection, GOALS, tx.now())
            landlord = await repository.landlord(tx.connection)
            report = await service.report(tx.connection, goal, period, tx.now(), landlord)
            with told():
                figure = report.of(area)
            behind, more = await service.behind(tx.connection, figure)
    except Wrong as wrong:
        raise _as_page(wrong, request) from wrong
    target = _target_value(figure)
    document_id = figure.target.document if figure.target else goal.document
    return page(
        request,
        "goal.html",
        figure=figure,
        texts=goal.text(language(request)),
        target_value=target,
        chart=charts.chart(figure.trend, period.month_ends(), target),
        month=lambda day: format_date(day, "LLL", locale=language(request)).rstrip("."),
        rows=[_row(a) for a in _target_first(report.areas) if a.status is not Status.NO_DATA or a.in_programme],
        years=sorted({*years, period.first.year}),
        document=next((d for d in landlord.documents if d.id == document_id), None),
        behind=behind,
        more_behind=more,
        short=short_type,
        lineage=f"/goals/{id}/events?{_query(figure)}",
        company=f"/goals/{id}?{urlencode({'period': period.label})}",
        crumbs=[(_("Goals", request), f"/?period={period.first.year}")],
        watermark=_watermark(request, figure.as_of, goal.version),
    )


@router.get("/goals/{id}/events", permission=Permission.FIGURES)
async def show_events(request: Request, ctx: Ctx, id: str) -> Response:
    try:
        figure, role, found = await lineage_asked_for(request, ctx, id)
    except Wrong as wrong:
        raise _as_page(wrong, request) from wrong
    goal, period = figure.goal, figure.period
    here = f"/goals/{id}?{_query(figure)}"
    return page(
        request,
        "events.html",
        figure=figure,
        texts=goal.text(language(request)),
        entries=found.entries,
        role=role,
        roles=[(None, f"{here.replace('?', '/events?')}")]
        + [(r, f"{here.replace('?', '/events?')}&role={r}") for r in ("numerator", "denominator", "excluded")],
        next=next_page(request, figure, found.next),
        short=short_type,
        moment=_moment(request),
        may_see_subjects=visitor(request).may(Permission.EVENTS),
        crumbs=[(_("Goals", request), f"/?period={period.first.year}"), (goal.text(language(request)).title, here)],
        watermark=_watermark(request, figure.as_of, goal.version),
    )


@dataclass(frozen=True, slots=True)
class Step:
    """One event of a subject's life: how long after the one before, what it said, what it did to each goal."""

    fact: Fact
    after: str | None
    fields: list[tuple[str, Any]]
    effects: list[str]


@router.get("/subjects/{subject}", permission=Permission.EVENTS)
async def show_subject(request: Request, ctx: Ctx, subject: str) -> Response:
    async with ctx.db.transaction() as tx:
        rows = await repository.facts_about(tx.connection, [subject], WITHDRAWN)
        landlord = await repository.landlord(tx.connection)
    facts = sorted((stored_fact(row) for row in rows[subject]), key=lambda f: (f.time, precedence(f)))
    if not facts:
        raise HTTPException(404)
    return page(
        request,
        "subject.html",
        subject=subject,
        steps=_life(request, subject, facts, landlord),
        short=short_type,
        moment=_moment(request),
        crumbs=[(_("Goals", request), "/")],
    )


def _life(request: Request, subject: str, facts: Sequence[Fact], landlord: Landlord) -> list[Step]:
    steps = []
    for number, fact in enumerate(facts):
        gap = fact.time - facts[number - 1].time if number else None
        effects = []
        for goal in GOALS:
            before = contribution(fold(goal.rule, subject, facts[:number]))
            after = contribution(fold(goal.rule, subject, facts[: number + 1]))
            if before != after:
                effects.append(_effect(request, goal.text(language(request)).title, before, after, landlord))
        fields = [
            (name, str(value).lower() if isinstance(value, bool) else value)
            for name, value in fact.data.items()
            if name not in NOT_SHOWN_FIELDS and value is not None
        ]
        steps.append(Step(fact, _gap(request, gap), fields, effects))
    return steps


def _effect(request: Request, title: str, before: Contribution, after: Contribution, landlord: Landlord) -> str:
    """What one event did to one goal's figure, in a sentence."""
    was = next(iter(before), None)
    now = next(iter(after), None)
    if was is None and now is not None:
        counted = any(n for n, _ in after.values())
        text = (
            _("Joins {place}: one more in the denominator and the numerator.", request)
            if counted
            else _("Joins {place}: one more in the denominator.", request)
        )
    elif now is None:
        text = _("Leaves the figure: no longer counted.", request)
    elif was is not None and (was.area, was.day) != (now.area, now.day):
        text = _("Moves to {place}.", request)
    elif sum(n for n, _ in after.values()) > sum(n for n, _ in before.values()):
        text = _("Counts as reached: one more in the numerator.", request)
    elif sum(n for n, _ in after.values()) < sum(n for n, _ in before.values()):
        text = _("No longer counts as reached: one fewer in the numerator.", request)
    else:
        text = _("Counts from another day.", request)
    place = f"{landlord.name_of(now.area, now.day)} {now.day.year}" if now is not None else ""
    return f"{title}: {text.format(place=place)}"


def _judged(report: service.Report) -> list[Figure]:
    """What the front page shows of a goal: each area with a target, and the company when it has one or no area has."""
    areas = [figure for figure in report.areas if figure.target is not None and figure.in_programme]
    return [*([report.company] if report.company.target is not None or not areas else []), *areas]


def _sections(rows: Sequence[Row], landlord: Landlord) -> list[Section]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        target = row.figure.target
        found.setdefault(target.document if target else row.figure.goal.document, []).append(row)
    documents = {document.id: document for document in landlord.documents}
    return [Section(id, documents.get(id), rows) for id, rows in found.items()]


def _target_first(areas: Sequence[Figure]) -> list[Figure]:
    """Areas with a target, then the others in the order they have."""
    return sorted(areas, key=lambda figure: figure.target is None)


def _row(figure: Figure) -> Row:
    spark = charts.spark(figure.trend, len(figure.period.month_ends()), _target_value(figure))
    return Row(figure, f"/goals/{figure.goal.id}?{_query(figure)}", spark)


def _query(figure: Figure) -> str:
    return urlencode({"period": figure.period.label, **({"area": figure.area} if figure.area else {})})


def _target_value(figure: Figure) -> float | None:
    target = figure.target
    return None if target is None or target.value is None else float(target.value)


def short_type(type: str) -> str:
    """`se.vatterhem.TenantMovedIn.v1` → `TenantMovedIn`."""
    return type.removeprefix("se.vatterhem.").rpartition(".")[0] or type


def _moment(request: Request) -> Any:
    tongue = language(request)

    def written(moment: datetime) -> str:
        return str(format_datetime(moment.astimezone(STOCKHOLM), "yyyy-MM-dd HH:mm:ss", locale=tongue))

    return written


def _gap(request: Request, gap: timedelta | None) -> str | None:
    if gap is None:
        return None
    if gap < timedelta(seconds=1):
        return _("at once", request)
    return _("after {gap}", request).format(gap=format_timedelta(gap, locale=language(request), threshold=2))


def _watermark(request: Request, as_of: datetime, version: int | None = None) -> str:
    local = as_of.astimezone(STOCKHOLM)
    text = _("True up to {moment}.", request).format(moment=f"{local:%Y-%m-%d %H:%M}")
    return text if version is None else f"{text} {_('Definition', request)} {version}."


def _as_page(wrong: Wrong, request: Request) -> HTTPException:
    """The same for people: what isn't there, in their language, and what is."""
    said = _(wrong.title, request)
    if wrong.instead:
        said = _("{what}. Choose among: {names}.", request).format(what=said, names=", ".join(wrong.instead))
    return HTTPException(wrong.status, said)


def _(message: str, request: Request) -> str:
    return translations(request).gettext(message)
