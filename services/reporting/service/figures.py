"""The figures as they are counted now: every goal's, for a period, by area and by its other dimensions."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from fractions import Fraction

from services.chassis.clock import local_date
from services.chassis.postgres import Connection
from services.reporting.definitions import Goal, Goals
from services.reporting.definitions.checks import tells_area
from services.reporting.definitions.measures import (
    AnyMeasure,
    CohortRatioMeasure,
    CountedMeasure,
    DurationMeasure,
    FreshnessMeasure,
    OfficialMeasure,
    ShareMeasure,
    StockMeasure,
)
from services.reporting.domain.figures import (
    STILL_TO_REACH,
    UNKNOWN_AREA,
    Count,
    Point,
    Status,
    Tally,
    Way,
    average,
    by_year,
    company_tells_of_few,
    is_too_few,
    status_of,
    trend,
)
from services.reporting.domain.landlord import in_force
from services.reporting.domain.periods import Period, asked_about
from services.reporting.repository import governance, tallies
from services.reporting.repository.tallies import Asked
from services.reporting.service import outside
from services.reporting.service.shapes import Figure, Known, MeasureReport, Report

FROM_THE_BEGINNING = date(1900, 1, 1)


async def report(connection: Connection, goal: Goal, period: Period, now: datetime) -> Report:
    """All figures of a goal for a period, as they stand `now`."""
    [found] = await reports(connection, [goal], period, now)
    return found


async def reports(connection: Connection, goals: Iterable[Goal], period: Period, now: datetime) -> list[Report]:
    """The reports of goals for a period, as they stand `now`."""
    goals = list(goals)
    counted = [(goal, measure) for goal in goals for measure in goal.measures if _is_counted(measure)]
    as_of = local_date(now)
    landlord = await governance.landlord(connection)
    asked = [_asked(goal, measure, period, as_of) for goal, measure in counted]
    counts = await tallies.counts(connection, asked, period_of(None, period).last, as_of) if asked else {}
    known = Known(
        period,
        now,
        landlord,
        counts,
        await tallies.first_days(connection, [(goal.id, measure.id) for goal, measure in counted], as_of),
        await tallies.filling(connection),
        sorted({area.id for area in landlord.areas}),
    )
    found = []
    for goal in goals:
        measures = []
        for measure in goal.measures:
            match measure:
                case OfficialMeasure():
                    measures.append(await outside.official(connection, goal, measure, known))
                case FreshnessMeasure():
                    measures.append(await outside.freshness(connection, goal, measure, known))
                case ShareMeasure(governance="documents"):
                    measures.append(await outside.documents(connection, goal, measure, known))
                case StockMeasure(average=True):
                    steps = await tallies.steps(connection, goal.id, measure.id, period.last, as_of)
                    measures.append(_Maker(goal, measure, known, steps).report())
                case _:
                    measures.append(_Maker(goal, measure, known).report())
        found.append(Report(goal, measures))
    return found


def _is_counted(measure: AnyMeasure) -> bool:
    """Whether its figures come from tallies."""
    return not isinstance(measure, OfficialMeasure | FreshnessMeasure) and not (
        isinstance(measure, ShareMeasure) and measure.governance is not None
    )


def way_of(measure: AnyMeasure) -> Way:
    """How a measure's values are made of its tallies."""
    return Way(
        ratio=measure.is_ratio,
        median=isinstance(measure, DurationMeasure),
        scale=measure.scale * measure.per,
        grows=isinstance(measure, CountedMeasure) and measure.kind != "milestone",
    )


def period_of(measure: AnyMeasure | None, period: Period) -> Period:
    """The period that a measure is told for: a yearly one's is the whole year. None: the widest."""
    return Period.year(period.first.year) if measure is None or measure.yearly else period


def _asked(goal: Goal, measure: AnyMeasure, period: Period, as_of: date) -> Asked:
    whole = measure.cumulative or measure.yearly
    first = FROM_THE_BEGINNING if whole else period.before().first
    return Asked(goal.id, measure.id, first, goal.programme, as_of - _reach(measure))


def _reach(measure: AnyMeasure) -> timedelta:
    """For how long what has entered may still be reached."""
    if isinstance(measure, CohortRatioMeasure) and measure.within is not None:
        return timedelta(days=measure.within.days + 31 * measure.within.months)
    return STILL_TO_REACH


Steps = Sequence[tuple[str, tuple[str, ...], date, int]]


class _Maker:
    """Makes the figures of one measure."""

    def __init__(self, goal: Goal, measure: AnyMeasure, known: Known, steps: Steps | None = None) -> None:
        self.goal, self.measure, self.known, self.steps = goal, measure, known, steps
        self.period = period_of(measure, known.period)
        self.way = way_of(measure)
        self.threshold = goal.threshold if measure.counts is None else goal.min_n if measure.counts == "people" else 0
        self.counts = known.counts[goal.id, measure.id]
        if not isinstance(measure, CohortRatioMeasure):
            self.counts = [_not_waiting(count) for count in self.counts]

    def report(self) -> MeasureReport:
        areas = self._areas() if "area" in self.goal.dimensions and tells_area(self.measure) else []
        company = self._whole()
        parts = [
            (
                Tally.of(self._within([c for c in self._of_area(f.area or "") if c.scoped])),
                f.status is Status.SUPPRESSED,
            )
            for f in areas
        ]
        hidden = not self.measure.given_totals and company_tells_of_few(
            parts, self.way, self.threshold, sensitive=self.goal.sensitive
        )
        return MeasureReport(
            self.measure, self._figure(company, hidden=hidden), areas, {d: self._by(d) for d in self.goal.others}
        )

    def _whole(self) -> list[Count]:
        counts = [count for count in self.counts if count.scoped]
        if self.measure.given_totals:
            return [count for count in counts if not count.area and not any(count.others)]
        return counts

    def _of_area(self, area: str) -> list[Count]:
        landlord, given = self.known.landlord, self.measure.given_totals
        return [
            count
            for count in self.counts
            if (count.area == area or (area == UNKNOWN_AREA and count.area and not landlord.is_defined(count.area)))
            and not (given and any(count.others))
        ]

    def _areas(self) -> list[Figure]:
        unknown = any(c.area and not self.known.landlord.is_defined(c.area) for c in self.counts)
        areas = [*self.known.areas, *([UNKNOWN_AREA] if unknown else [])]
        return [self._figure(self._of_area(area), area=area) for area in self.known.in_order(areas)]

    def _by(self, dimension: str) -> list[Figure]:
        number = self.goal.others.index(dimension)
        scoped = [count for count in self.counts if count.scoped and len(count.others) > number]
        if self.measure.given_totals:
            alone = self.goal.others[:number] + self.goal.others[number + 1 :]
            scoped = [
                c
                for c in scoped
                if not c.area and not (alone and any(v for i, v in enumerate(c.others) if i != number))
            ]
        values = sorted({count.others[number] for count in scoped if count.others[number]})
        return [
            self._figure([c for c in scoped if c.others[number] == value], dimension=(dimension, value))
            for value in values
        ]

    def _within(self, counts: Sequence[Count], period: Period | None = None) -> list[Count]:
        period = period or self.period
        return [c for c in counts if c.month <= period.last and (self.measure.cumulative or c.month >= period.first)]

    def _figure(
        self, counts: Sequence[Count], *, area: str | None = None, dimension: tuple[str, str] | None = None,
        hidden: bool = False,
    ) -> Figure:  # fmt: skip
        known, goal, measure, way = self.known, self.goal, self.measure, self.way
        tally = Tally.of(self._within(counts))
        in_programme = area is None or known.landlord.runs_in(goal.programme, area, self.period)
        targets = known.landlord.targets_of(
            goal.id, measure.id, measure.unit, area, None if dimension is None else f"{dimension[0]}={dimension[1]}"
        )
        target = in_force(targets, known.on)
        hidden = hidden or self._few(tally)
        value = self._value(counts, tally, self.period, area, dimension)
        before = self._before(counts, area, dimension)
        has_data = value is not None and self._has_data(self.period)
        status = (
            Status.FILLING
            if goal.id in known.filling
            else status_of(
                tally, value, way, target=target if in_programme else None, before=before, passed=self._passed(),
                hidden=hidden, has_data=has_data,
            )
        )  # fmt: skip
        ripe_on = self._ripe_on()
        flags = ("unknown_area",) if area == UNKNOWN_AREA else ()
        return Figure(
            goal=goal,
            measure=measure,
            period=self.period,
            area=area,
            area_name=None
            if area is None
            else area
            if area == UNKNOWN_AREA
            else known.landlord.name_of(area, known.on),
            dimension=dimension,
            in_programme=in_programme,
            tally=tally,
            value=value if has_data else None,
            before=before,
            status=status,
            target=target,
            targets=tuple(targets),
            provisional=known.as_of <= (ripe_on or self.period.last),
            ripe_on=ripe_on,
            as_of=known.now,
            trend=[] if hidden or not has_data else self._trend(counts, area, dimension),
            flags=(*flags, *(("proxy",) if goal.proxy else ())),
        )

    def _few(self, tally: Tally) -> bool:
        return is_too_few(tally, self.way, self.threshold, sensitive=self.goal.sensitive)

    def _value(
        self, counts: Sequence[Count], tally: Tally, period: Period, area: str | None, dimension: tuple[str, str] | None
    ) -> Fraction | None:
        if self.steps is None:
            return self.way.value(tally)
        last = min(period.last, self.known.as_of)
        number = None if dimension is None else self.goal.others.index(dimension[0])
        mine = [
            (day, change)
            for place, others, day, change in self.steps
            if (area is None or place == area)
            and (number is None or dimension is None or others[number] == dimension[1])
        ]
        mean = average(mine, period.first, last) if last >= period.first else None
        return None if mean is None else mean / self.way.scale

    def _before(self, counts: Sequence[Count], area: str | None, dimension: tuple[str, str] | None) -> Fraction | None:
        """The same a year before; None without data then, or too few."""
        period = self.period.before()
        if not self._has_data(period):
            return None
        tally = Tally.of(self._within(counts, period))
        return None if self._few(tally) else self._value(counts, tally, period, area, dimension)

    def _has_data(self, period: Period) -> bool:
        """Whether anything was said of the measure by then: without that, nothing is not the same as zero."""
        first = self.known.first_days.get((self.goal.id, self.measure.id))
        if isinstance(self.measure, CountedMeasure) and self.measure.kind == "milestone":
            return period.first <= self.known.as_of
        return first is not None and first <= period.last and period.first <= self.known.as_of

    def _passed(self) -> tuple[int, int]:
        if isinstance(self.measure, CountedMeasure) and self.measure.done_within == "next_year":
            next_year = Period.year(self.period.first.year + 1)
            (passed, days), (more, of) = self.period.passed(self.known.as_of), next_year.passed(self.known.as_of)
            return passed + more, days + of
        return self.period.passed(self.known.as_of)

    def _ripe_on(self) -> date | None:
        if isinstance(self.measure, CohortRatioMeasure) and self.measure.within is not None:
            return self.measure.within.wait.last(self.period.last)
        return None

    def _trend(self, counts: Sequence[Count], area: str | None, dimension: tuple[str, str] | None) -> list[Point]:
        if not self.measure.yearly and self.steps is None:
            return trend(
                self._within(counts), self.way, self.period.month_ends(), self.known.as_of, self.threshold,
                sensitive=self.goal.sensitive,
            )  # fmt: skip
        first = self.known.first_days.get((self.goal.id, self.measure.id), self.period.first).year
        values: dict[int, Fraction | None] = {}
        for year in range(max(first, self.period.last.year - 9), self.period.last.year + 1):
            tally = Tally.of(self._within(counts, Period.year(year)))
            few = self._few(tally)
            values[year] = None if few else self._value(counts, tally, Period.year(year), area, dimension)
        return by_year(values)


def _not_waiting(count: Count) -> Count:
    """Only a cohort's members are waited for."""
    if not count.waiting:
        return count
    return Count(
        count.area, count.others, count.scoped, count.month, count.bucket, count.numerator, count.denominator, 0
    )


async def periods(connection: Connection, goals: Goals, now: datetime) -> tuple[list[int], Period]:
    """The years with data, and the period to show when none is asked for: see `asked_about`.

    Official statistics go back for decades: their years are told from the first that anything is counted in.
    """
    as_of = local_date(now)
    found = await tallies.years(connection, [goal.id for goal in goals], as_of)
    least = {goal.id: max(goal.threshold, 1) for goal in goals}
    years = sorted({last.year for _, _, last in found})
    enough = asked_about([(goal, last) for goal, members, last in found if members >= least[goal]], as_of)
    default = Period.year(enough or max(years, default=as_of.year))
    official = await outside.years(connection, goals, as_of)
    return sorted({*years, *(year for year in official if year >= min(years, default=year))}), default
