"""Measures whose figures aren't sums over subjects: official statistics, freshness of sources, documents in force."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, timedelta
from fractions import Fraction
from functools import cache

from schemas.event import EventData
from schemas.gateway import PublisherRegistered, PublisherRetired
from services.chassis.clock import STOCKHOLM, local_date
from services.chassis.postgres import Connection
from services.reporting.definitions import Goal
from services.reporting.definitions.measures import AnyMeasure, FreshnessMeasure, OfficialMeasure, ShareMeasure
from services.reporting.domain import published
from services.reporting.domain.facts import WITHDRAWN, Fact, standing_data
from services.reporting.domain.figures import Break, Point, Status, Tally, Way, meets, status_of
from services.reporting.domain.landlord import Target, document_applies, in_force
from services.reporting.domain.official import OfficialPoint, OfficialSeries, Promise, Statistics
from services.reporting.domain.periods import Period
from services.reporting.domain.quality import interval_of
from services.reporting.records import stored_data, stored_fact
from services.reporting.repository import facts, governance, quality
from services.reporting.repository.statistics import Told
from services.reporting.repository.statistics import told as told_so_far
from services.reporting.service.shapes import Figure, Known, MeasureReport

RATIO = Way(ratio=True)
TREND_YEARS = 10
Said = list[tuple[Fact, EventData]]


async def official(connection: Connection, goal: Goal, measure: OfficialMeasure, known: Known) -> MeasureReport:
    """The series of the municipality (for the company) and of each area."""
    statistics = await statistics_of(connection, measure)

    def figure(area: str | None) -> Figure:
        series = statistics.series(measure.promise, area, Period.year(known.period.first.year), known.as_of)
        return _official(goal, measure, known, area, series)

    return MeasureReport(measure, figure(None), [figure(area) for area in known.in_order(known.areas)])


async def years(connection: Connection, goals: Iterable[Goal], as_of: date) -> set[int]:
    """The years that official statistics of some goal are about, as they are published by a day."""
    measures = [measure for goal in goals for measure in goal.measures if isinstance(measure, OfficialMeasure)]
    found: set[int] = set()
    for measure in measures:
        statistics = await statistics_of(connection, measure)
        found |= {period.first.year for period in statistics.periods(measure.promise, as_of)}
    return found


async def statistics_of(connection: Connection, measure: OfficialMeasure) -> Statistics:
    """What is published that bears on a measure, and what the areas are made of: read again when more has come."""
    told = await told_so_far(connection)
    known = _known.get(measure.promise)
    if known is None or known[0] != told or not told:
        known = _known[measure.promise] = (told, await _statistics(connection, measure))
    return known[1]


_known: dict[Promise, tuple[Told, Statistics]] = {}
"""A country's worth of regions takes a second to read, and changes a few times a year."""


async def _statistics(connection: Connection, measure: OfficialMeasure) -> Statistics:
    decided = _said(await governance.governance_facts(connection))
    extents = published.extents(decided)
    rows = await facts.facts_about(connection, sorted(measure.promise.subjects(extents)), WITHDRAWN)
    observed = _said([row for subject in rows.values() for row in subject])
    return Statistics(published.observations(observed), extents)


def _said(rows: Sequence[facts.FactRow]) -> Said:
    return [(stored_fact(row), data) for row in rows if (data := stored_data(row)) is not None]


def _official(goal: Goal, measure: OfficialMeasure, known: Known, area: str | None, series: OfficialSeries) -> Figure:
    point, before = series.latest, series.year_before
    targets = known.landlord.targets_of(goal.id, measure.id, measure.unit, area)
    target = in_force(targets, known.on)
    reason = series.reason if point is None else point.reason
    flags = (*(() if point is None else point.flags), *(() if reason is None else (reason,)))
    year = Period.year(known.period.first.year)
    value, was = (None if point is None else point.value), (None if before is None else before.value)
    return Figure(
        goal=goal,
        measure=measure,
        period=year if point is None else point.period,
        area=area,
        area_name=None if area is None else known.landlord.name_of(area, known.on),
        dimension=None,
        in_programme=True,
        tally=_tally(point),
        value=value,
        before=was,
        status=_official_status(point, target, was, is_over=year.is_over(known.as_of)),
        target=target,
        targets=tuple(targets),
        provisional=point is not None and point.preliminary,
        ripe_on=None,
        as_of=known.now,
        trend=[Point(p.period.last, p.value) for p in series.points],
        breaks=tuple(Break(b.on, b.reason, b.before, b.after) for b in series.breaks),
        flags=flags,
        range=_range(point),
    )


def _tally(point: OfficialPoint | None) -> Tally:
    if point is None or point.numerator is None or point.denominator is None:
        return Tally()
    return Tally(round(point.numerator), round(point.denominator))


def _range(point: OfficialPoint | None) -> tuple[Fraction, Fraction] | None:
    if point is None or point.value is not None or point.low is None or point.high is None:
        return None
    return point.low, point.high


def _official_status(
    point: OfficialPoint | None, target: Target | None, before: Fraction | None, *, is_over: bool
) -> Status:
    if point is None or point.low is None:
        return Status.NO_DATA
    if target is None:
        return Status.INFORMATION
    met = point.meets(lambda value: bool(meets(value, target, before)))
    if met is None or (target.comparison == "increase" and before is None):
        return Status.INFORMATION
    return Status.MET if met else Status.MISSED if is_over else Status.BEHIND


async def freshness(connection: Connection, goal: Goal, measure: FreshnessMeasure, known: Known) -> MeasureReport:
    """Registered sources heard from within their agreed interval ÷ registered sources."""
    register = _said(await quality.register(connection))
    heard: dict[str, list[datetime]] = {}
    for day in sorted(await quality.heard_days(connection), key=lambda day: day.last):
        heard.setdefault(day.source, []).append(day.last)

    @cache
    def registered(on: date) -> list[PublisherRegistered]:
        return _registered(register, on)

    def is_fresh(source: str, moment: datetime, interval: timedelta) -> bool:
        before = bisect_right(heard.get(source, []), moment)
        return before > 0 and moment - heard[source][before - 1] <= interval

    def tally(moment: datetime, publisher: str | None) -> Tally:
        expected = [one for one in registered(local_date(moment)) if publisher in (None, one.publisher)]
        sources = [(source, interval_of(one.expected_interval)) for one in expected for source in one.sources]
        return Tally(sum(is_fresh(source, moment, interval) for source, interval in sources), len(sources))

    publishers = sorted({one.publisher for one in registered(known.on)})
    return MeasureReport(
        measure,
        _at_moments(goal, measure, known, None, lambda moment: tally(moment, None)),
        [],
        {
            "publisher": [
                _at_moments(goal, measure, known, ("publisher", name), lambda moment, name=name: tally(moment, name))  # type: ignore[misc]
                for name in publishers
            ]
        },
    )


def _registered(register: Said, on: date) -> list[PublisherRegistered]:
    """What holds of each publisher that isn't retired, by the day."""
    said = standing_data(register)
    latest: dict[str, PublisherRegistered] = {}
    for one in sorted((d for d in said if isinstance(d, PublisherRegistered)), key=lambda d: d.from_):
        if one.from_ <= on:
            latest[one.publisher] = one
    for gone in (d for d in said if isinstance(d, PublisherRetired)):
        if gone.publisher in latest and latest[gone.publisher].from_ <= gone.retired_on < on:
            del latest[gone.publisher]
    return list(latest.values())


async def documents(connection: Connection, goal: Goal, measure: ShareMeasure, known: Known) -> MeasureReport:
    """Goals with a steering document in force ÷ goals with a target in force."""
    by_id = {document.id: document for document in known.landlord.documents}
    slices: dict[tuple[str, str | None, str | None, str | None], list[Target]] = {}
    for target in sorted(known.landlord.targets, key=lambda t: (t.valid_from, t.revises, t.document)):
        slices.setdefault((target.goal, target.measure, target.area, target.dimension), []).append(target)

    def tally(moment: datetime) -> Tally:
        on = local_date(moment)
        standing = [t for targets in slices.values() if (t := in_force(targets, on)) is not None]
        goals = {target.goal for target in standing}
        backed = {target.goal for target in standing if document_applies(by_id.get(target.document), on)}
        return Tally(len(backed), len(goals))

    return MeasureReport(measure, _at_moments(goal, measure, known, None, tally), [])


def _at_moments(
    goal: Goal, measure: AnyMeasure, known: Known, dimension: tuple[str, str] | None, tally: Callable[[datetime], Tally]
) -> Figure:
    """A figure that is true at a moment: at the period's end, or now while it is under way."""
    period = known.period
    begun = period.first <= known.as_of
    now = tally(_end(period.last, known.now))
    before = RATIO.value(tally(_end(period.before().last, known.now)))
    targets = known.landlord.targets_of(
        goal.id, measure.id, measure.unit, None, None if dimension is None else f"{dimension[0]}={dimension[1]}"
    )
    target = in_force(targets, known.on)
    value = RATIO.value(now) if begun else None
    return Figure(
        goal=goal,
        measure=measure,
        period=period,
        area=None,
        area_name=None,
        dimension=dimension,
        in_programme=True,
        tally=now,
        value=value,
        before=before,
        status=status_of(
            now, value, RATIO, target=target, before=before, passed=period.passed(known.as_of), hidden=False,
            has_data=begun,
        ),
        target=target,
        targets=tuple(targets),
        provisional=not period.is_over(known.as_of),
        ripe_on=None,
        as_of=known.now,
        trend=[
            Point(end, RATIO.value(tally(_end(end, known.now))))
            for end in period.month_ends()
            if end.replace(day=1) <= known.as_of
        ],
    )  # fmt: skip


def _end(day: date, now: datetime) -> datetime:
    """The last moment of a day in Stockholm, or now when that is still to come."""
    midnight = datetime.combine(day + timedelta(days=1), datetime.min.time(), STOCKHOLM)
    return min(midnight - timedelta(microseconds=1), now)
