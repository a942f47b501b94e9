"""How a publication is made: what stands in the figures, what may be told of it, and what is hidden."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from fractions import Fraction
from functools import cached_property

from services.chassis.clock import local_date
from services.chassis.postgres import Connection
from services.reporting.definitions import Goal
from services.reporting.definitions.measures import AnyMeasure, CohortRatioMeasure, OfficialMeasure
from services.reporting.domain import tables
from services.reporting.domain.figures import UNKNOWN_AREA, Status, Tally, status_of
from services.reporting.domain.landlord import Landlord
from services.reporting.domain.periods import Period
from services.reporting.domain.publication import Basis, Behind, Content, Row, Told, slice_of
from services.reporting.domain.tables import AREA, COMPANY, EVENTS, OUTSIDE, WITHIN, Settled, Slice, Table
from services.reporting.repository import governance, publications, tallies
from services.reporting.repository.tallies import Asked
from services.reporting.service import figures, lineage
from services.reporting.service.figures import FROM_THE_BEGINNING, way_of
from services.reporting.service.shapes import Figure, MeasureReport

STAY_EVERY = 5.0  # seconds; a transaction that is quiet for 30 is ended


@dataclass(frozen=True, slots=True)
class Made:
    """A publication as it would be: its figures in order, and what stands behind the company's."""

    rows: list[Row]
    behind: list[Behind]


@dataclass(frozen=True, slots=True)
class Before:
    """What has been published of the year so far, of people; and of the same period a year before and of the period."""

    tables: list[Table]
    year_before: Mapping[tuple[str, str, Slice], Row]
    same: list[list[Row]]


@dataclass
class _Part:
    """One measure on its way into a publication."""

    goal: Goal
    measure: AnyMeasure
    report: MeasureReport
    behind: list[lineage.Behind] = field(default_factory=list)
    settled: Settled | None = None
    within: Mapping[str, tuple[int, int]] | None = None
    hidden: frozenset[Slice] = frozenset()

    @cached_property
    def is_share(self) -> bool:
        """Whether the numerators are some of those in the denominators: of an index they may be points."""
        found = (figure.tally for figure in self.report.every)
        return self.measure.is_ratio and all(0 <= tally.numerator <= tally.denominator for tally in found)


async def make(connection: Connection, goals: Iterable[Goal], period: Period, now: datetime, number: int) -> Made:
    """What the publication with this `number` of the period tells, as it stands `now`.

    A yearly measure is told with its year, and a goal that is being filled from history isn't told.
    """
    before = await _before(connection, period, now)
    landlord = await governance.landlord(connection)
    parts = [
        _Part(report.goal, measures.measure, measures)
        for report in await figures.reports(connection, goals, period, now)
        for measures in report.measures
        if measures.company.period == period and measures.company.status is not Status.FILLING
    ]
    for part in parts:
        behind, more = await lineage.behind(connection, part.report.company)
        part.behind = [] if more else behind
        if is_about_people(part.goal, part.measure):
            part.within = await _within(connection, part, landlord, now)
            counted = _counted(part, period, number)
            part.settled = tables.settle(counted, [t for t in before.tables if t.measure == counted.measure])
    deciding = asyncio.create_task(asyncio.to_thread(_decide, parts, before.tables))
    while not (await asyncio.wait({deciding}, timeout=STAY_EVERY))[0]:
        await publications.stay(connection)
    deciding.result()
    rows: list[Row] = []
    for part in parts:
        maker = _Rows(part, before)
        rows += [maker.row(len(rows) + n, figure) for n, figure in enumerate(part.report.every)]
    return Made(rows, [row for part in parts for row in _behind(part)])


def is_about_people(goal: Goal, measure: AnyMeasure) -> bool:
    """Whether disclosure control looks at a measure. Official statistics have been through their publisher's own."""
    counts = goal.counts if measure.counts is None else measure.counts
    return counts == "people" and not isinstance(measure, OfficialMeasure)


def key_of(goal: str, measure: str) -> str:
    """The name of a measure's tables."""
    return f"{goal}/{measure}"


async def _before(connection: Connection, period: Period, now: datetime) -> Before:
    made = await publications.of_year(connection, period.first.year)
    told = await publications.told(connection, [publication.id for publication in made])
    behind = await publications.lineage(connection, [publication.id for publication in made])
    found: list[Table] = []
    for publication in made:
        mine = [one for one in told if one.publication == publication.id]
        events = [one for id, one in behind if id == publication.id]
        found += _stored(mine, events, publication.period, publication.number)
    earlier = await publications.latest(connection, period.before(), now)
    rows = [] if earlier is None else await publications.figures(connection, earlier.id)
    same = [await publications.figures(connection, p.id) for p in made if p.period == period]
    return Before(found, {(row.goal, row.measure, row.slice): row for row in rows}, same)


def _stored(told: Sequence[Told], behind: Sequence[Behind], period: Period, number: int) -> list[Table]:
    """The tables of a publication, as they were."""
    by_measure: dict[tuple[str, str], list[Told]] = {}
    for one in told:
        by_measure.setdefault((one.goal, one.measure), []).append(one)
    found = []
    for (goal, measure), cells in by_measure.items():
        basis = next(cell.basis for cell in cells if cell.basis is not None)
        events = {(EVENTS, b.role, b.type, b.source): b for b in behind if (b.goal, b.measure) == (goal, measure)}
        amounts = {cell.slice: cell.told for cell in cells} | {s: (0, b.events) for s, b in events.items()}
        hidden = {cell.slice for cell in cells if not cell.shown} | {s for s, b in events.items() if not b.shown}
        found.append(_table(key_of(goal, measure), basis, (period, number), amounts, frozenset(hidden)))
    return found


def _table(
    measure: str,
    basis: Basis,
    of: tuple[Period, int],
    amounts: Mapping[Slice, tuple[int, int]],
    hidden: frozenset[Slice] | None,
) -> Table:
    """`of`: the period, and the number among its publications."""
    every = dict(amounts)
    adds_up = frozenset(slice for slice in amounts if slice[:1] == (AREA,))
    if basis.within is not None:
        adds_up = frozenset()
        for area, within in basis.within.items():
            there = amounts.get((AREA, area), (0, 0))
            if within == there:
                adds_up |= {(AREA, area)}
            elif any(within):
                every[WITHIN, area], every[OUTSIDE, area] = within, (there[0] - within[0], there[1] - within[1])
                adds_up |= {(WITHIN, area)}
    return Table(
        measure=measure,
        population=basis.population,
        period=of[0],
        number=of[1],
        threshold=basis.threshold,
        sensitive=basis.sensitive,
        is_share=basis.is_share,
        closing=basis.closing,
        adds_up=adds_up,
        amounts=every,
        hidden=hidden,
    )


async def _within(
    connection: Connection, part: _Part, landlord: Landlord, now: datetime
) -> dict[str, tuple[int, int]] | None:
    """Of a goal with a programme: for each area, the part of its figure where and when the programme ran."""
    goal, measure, period = part.goal, part.measure, part.report.company.period
    if goal.programme is None or "area" not in goal.dimensions:
        return None
    as_of = local_date(now)
    first = FROM_THE_BEGINNING if measure.cumulative else period.first
    asked = Asked(goal.id, measure.id, first, goal.programme, as_of)
    counts = (await tallies.counts(connection, [asked], period.last, as_of))[goal.id, measure.id]
    found: dict[str, tuple[int, int]] = {}
    for figure in part.report.areas:
        area = figure.area or ""
        mine = [
            count
            for count in counts
            if count.scoped
            and (count.area == area or (area == UNKNOWN_AREA and count.area and not landlord.is_defined(count.area)))
        ]
        found[area] = _amounts(part, Tally.of(mine))
    return found


def _counted(part: _Part, period: Period, number: int) -> Table:
    """The measure's table as it stands, with how many events are behind the company's figure."""
    amounts = {slice_of(f.area, f.dimension): _amounts(part, f.tally) for f in part.report.every}
    amounts |= {(EVENTS, b.role.value, b.type, b.source): (0, b.count) for b in part.behind}
    return _table(key_of(part.goal.id, part.measure.id), _basis(part), (period, number), amounts, None)


def _basis(part: _Part) -> Basis:
    goal, measure = part.goal, part.measure
    return Basis(
        _population(goal, measure),
        goal.min_n,
        goal.sensitive,
        part.is_share,
        measure.cumulative,
        None if part.within is None else dict(part.within),
    )


def _population(goal: Goal, measure: AnyMeasure) -> str:
    """Names whom a measure is of. Goals that put the same people in their cohorts by the same events share one."""
    if not isinstance(measure, CohortRatioMeasure):
        return key_of(goal.id, measure.id)
    parts = (
        measure.enters,
        *measure.leaves,
        *measure.attributes,
        *([measure.revised_by] if measure.revised_by else []),
    )
    return " ".join(one.model_dump_json(exclude_defaults=True) for one in parts)


def _amounts(part: _Part, tally: Tally) -> tuple[int, int]:
    return (tally.numerator if part.is_share else 0, way_of(part.measure).members(tally))


def _decide(parts: Sequence[_Part], earlier: Sequence[Table]) -> None:
    """Hides what has to be hidden, population by population: they have no number in common."""
    groups: dict[str, list[_Part]] = {}
    for part in parts:
        if part.settled is not None:
            groups.setdefault(part.settled.table.population, []).append(part)
    for population, same in groups.items():
        new = [part.settled.table for part in same if part.settled is not None]
        before = [table for table in earlier if table.population == population]
        for part, hidden in zip(same, tables.decide(new, before), strict=True):
            part.hidden = hidden
            if part.settled is not None and part.settled.untold:
                part.hidden = frozenset(part.settled.table.amounts)


def _behind(part: _Part) -> list[Behind]:
    goal, measure = part.goal.id, part.measure.id
    if part.settled is None:
        return [Behind(goal, measure, b.role.value, b.type, b.source, b.count, True) for b in part.behind]
    table = part.settled.table
    return [
        Behind(goal, measure, slice[1], slice[2], slice[3], members, (slice not in part.hidden))
        for slice, (_, members) in table.amounts.items()
        if slice[:1] == (EVENTS,)
    ]


class _Rows:
    """Makes the rows of one measure."""

    def __init__(self, part: _Part, before: Before) -> None:
        self.part, self.before = part, before
        self.way = way_of(part.measure)
        self.names = (part.goal.id, part.measure.id)
        self.same = [{row.slice: row for row in rows if (row.goal, row.measure) == self.names} for rows in before.same]

    def row(self, position: int, figure: Figure) -> Row:
        settled, slice = self.part.settled, slice_of(figure.area, figure.dimension)
        if settled is None:
            return self._open(position, figure)
        amounts = settled.table.of(slice)
        tally = self._told(figure, slice, amounts)
        shown = tally is not None and slice not in self.part.hidden
        tally = tally or figure.tally
        value = self.way.value(tally)
        told_before = self._told_before(slice)
        content = replace(
            self._content(figure),
            told_tally=(tally.numerator, tally.denominator),
            told_spread=tally.spread,
            told_value=value,
            told_before=told_before,
            told_status=_status(self.part, figure, tally, value, told_before, shown=shown),
            deferred=slice in settled.deferred,
            basis=self._basis() if slice == COMPANY else None,
        )
        return self._row(position, figure, content, people=True, shown=shown, told=amounts)

    def _open(self, position: int, figure: Figure) -> Row:
        """A figure about things: told as it stands."""
        amounts = (figure.tally.numerator, figure.tally.denominator)
        return self._row(position, figure, self._content(figure), people=False, shown=True, told=amounts)

    def _row(
        self, position: int, figure: Figure, content: Content, *, people: bool, shown: bool, told: tuple[int, int]
    ) -> Row:
        goal, measure = self.names
        before = self.same[-1].get(slice_of(figure.area, figure.dimension)) if self.same else None
        if before is not None:
            was = before.content.told_value if before.shown else None
            now = content.told_value if shown else None
            if was != now:
                content = replace(content, changed=True, was=was)
        return Row(position, goal, measure, figure.area, figure.dimension, people, shown, told, content)

    def _content(self, figure: Figure) -> Content:
        return Content(
            version=figure.goal.version,
            area_name=figure.area_name,
            in_programme=figure.in_programme,
            tally=(figure.tally.numerator, figure.tally.denominator),
            told_tally=(figure.tally.numerator, figure.tally.denominator),
            status=figure.status,
            told_status=figure.status,
            value=figure.value,
            told_value=figure.value,
            spread=figure.tally.spread,
            told_spread=figure.tally.spread,
            before=figure.before,
            told_before=figure.before,
            target=figure.target,
            targets=figure.targets,
            provisional=figure.provisional,
            ripe_on=figure.ripe_on,
            trend=tuple(figure.trend),
            breaks=figure.breaks,
            flags=figure.flags,
            range=figure.range,
        )

    def _told(self, figure: Figure, slice: Slice, amounts: tuple[int, int]) -> Tally | None:
        """The tally that makes these amounts: of now, of an earlier publication, or of the amounts themselves. None: the
        figure can't be made of them."""
        if amounts == _amounts(self.part, figure.tally):
            return replace(figure.tally, waiting=0)
        for rows in reversed(self.same):
            row = rows.get(slice)
            if row is not None and row.told == amounts:
                return Tally(*row.content.told_tally, spread=row.content.told_spread)
        if self.part.is_share:
            return Tally(*amounts)
        simple = not self.way.ratio and not self.way.median and self.way.scale == 1
        return Tally(amounts[1]) if simple else None

    def _told_before(self, slice: Slice) -> Fraction | None:
        row = self.before.year_before.get((*self.names, slice))
        return row.content.told_value if row is not None and row.shown else None

    def _basis(self) -> Basis:
        """Of what is told: where areas repeat what was told before, so do their parts."""
        basis = _basis(self.part)
        if basis.within is None or self.part.settled is None:
            return basis
        table = self.part.settled.table
        return replace(basis, within={area: table.of((WITHIN, area)) for area in basis.within})


def _status(
    part: _Part, figure: Figure, tally: Tally, value: Fraction | None, before: Fraction | None, *, shown: bool
) -> Status:
    """Where the figure as told stands; while it may still rise, it isn't missed."""
    if not shown:
        return Status.SUPPRESSED
    has_data = value is not None and figure.status is not Status.NO_DATA
    found = status_of(
        tally,
        value,
        way_of(part.measure),
        target=figure.target if figure.in_programme else None,
        before=before,
        passed=(1, 1),
        hidden=False,
        has_data=has_data,
    )
    waits = figure.provisional and found is Status.MISSED and figure.status in (Status.ON_TRACK, Status.BEHIND)
    return figure.status if waits else found
