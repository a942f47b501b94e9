"""The tables of publications: one measure of one period, by slice. How they hang together, and what may be told anew.

A change since an earlier publication is told when it is of nobody or of as many as the threshold, in every number; else
the earlier figure is told again (it is *deferred*), until the changes add up to enough.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, product
from math import prod

from services.reporting.domain import disclosure
from services.reporting.domain.disclosure import Cell, Quantity, Sum, World
from services.reporting.domain.periods import Period

Slice = tuple[str, ...]
"""Whom a figure is for: () the company, ("area", id), (dimension, member).

("events", role, type, source): how many events are behind the company's. ("within", area), ("outside", area): the part of
an area's where and when the goal's programme ran, and the rest; nobody tells them, but sums may give them away.
"""
COMPANY: Slice = ()
AREA, EVENTS, WITHIN, OUTSIDE = "area", "events", "within", "outside"
Amounts = tuple[int, int]
"""(how many achieved, how many there are); of a count (0, how many)."""
NOBODY: Amounts = (0, 0)
CHOICES_AT_MOST = 256


@dataclass(frozen=True, slots=True)
class Table:
    """A measure of a goal about people, in one publication.

    `population`: names those it is of; tables of the same one count the same people. `is_share`: whether there is a
    numerator. `adds_up`: the slices whose people are the company's. `closing`: it is of the period's end and doesn't add up
    over time. `hidden`: slices that aren't shown; None: not decided yet. `number`: of the period's publications.
    """

    measure: str
    population: str
    period: Period
    number: int
    threshold: int
    sensitive: bool
    is_share: bool
    closing: bool
    adds_up: frozenset[Slice]
    amounts: Mapping[Slice, Amounts]
    hidden: frozenset[Slice] | None = None

    @property
    def tells(self) -> bool:
        """Whether any of it is shown."""
        return self.hidden is None or bool(self.amounts.keys() - self.hidden)

    def of(self, slice: Slice) -> Amounts:
        return self.amounts.get(self.named(slice) or slice, NOBODY)

    def named(self, slice: Slice) -> Slice | None:
        """What a slice is called here: where the programme ran all the time, an area is its own part within, and where it
        never ran, the part outside. None: there is no such."""
        if slice in self.amounts or slice[:1] not in ((WITHIN,), (OUTSIDE,)):
            return slice
        area = (AREA, slice[1])
        is_within = area in self.adds_up
        return area if area in self.amounts and is_within is (slice[0] == WITHIN) else None

    def members(self, slice: Slice) -> Quantity:
        return ("members", self.measure, slice, self.period.label, self.number)

    def achieved(self, slice: Slice) -> Quantity:
        return ("achieved", self.measure, slice, self.period.label, self.number)

    def cell(self, slice: Slice) -> Cell:
        achieved, members = self.of(slice)
        if not self.is_share or slice[:1] == (EVENTS,):
            return Cell(self.members(slice), members, None, None, self.threshold, self.sensitive)
        return Cell(self.members(slice), members, self.achieved(slice), achieved, self.threshold, self.sensitive)


@dataclass(frozen=True, slots=True)
class Settled:
    """What a publication tells, shown or hidden. `deferred`: slices that repeat what was told before. `untold`: nothing
    could be told without showing a change of a few, and all of it is to be hidden."""

    table: Table
    deferred: frozenset[Slice] = frozenset()
    untold: bool = False


def settle(counted: Table, earlier: Sequence[Table]) -> Settled:
    """What may be told of what was counted, after the same year's `earlier` tables of the measure, oldest first.

    The events behind are told only where nothing is deferred: their number would tell by how much.
    """
    implied = list(_implied(counted, [table for table in earlier if table.tells]))

    def may(slice: Slice, amounts: Amounts) -> bool:
        apart = (_is_apart(amounts, before.get(slice, NOBODY), counted.threshold) for before in implied)
        return 0 <= amounts[0] <= max(amounts[1], 0) and all(apart)

    slices = {*counted.amounts, *chain.from_iterable(implied)}
    figures = sorted(slice for slice in slices if slice[:1] != (EVENTS,))
    if all(may(slice, counted.of(slice)) for slice in slices):
        return Settled(counted)
    if all(may(slice, counted.of(slice)) for slice in figures):
        return Settled(replace(counted, amounts={slice: counted.of(slice) for slice in figures}))
    by_area = _by_area(counted, implied, figures, may)
    if by_area is not None:
        return by_area
    for before in implied:
        told = {slice: before.get(slice, NOBODY) for slice in figures}
        if all(may(slice, amounts) for slice, amounts in told.items()):
            return _deferred(counted, told)
    return Settled(counted, untold=True)


def _deferred(counted: Table, told: Mapping[Slice, Amounts]) -> Settled:
    return Settled(replace(counted, amounts=told), frozenset(s for s in told if told[s] != counted.of(s)))


def _by_area(
    counted: Table,
    implied: Sequence[Mapping[Slice, Amounts]],
    slices: Iterable[Slice],
    may: Callable[[Slice, Amounts], bool],
) -> Settled | None:
    """Each area by itself, and the company as their sum; None where there are other dimensions, which would tell."""
    told: dict[Slice, Amounts] = {}
    areas: dict[str, list[Slice]] = {}
    for slice in slices:
        if slice != COMPANY:
            if slice[0] not in (AREA, WITHIN, OUTSIDE):
                return None
            areas.setdefault(slice[1], []).append(slice)
    for same in areas.values():
        for source in (counted.amounts, *implied):
            chosen = {slice: source.get(slice, NOBODY) for slice in same}
            if all(may(slice, amounts) for slice, amounts in chosen.items()):
                told |= chosen
                break
        else:
            return None
    company = counted.of(COMPANY)
    for slice in counted.adds_up:
        company = _plus(company, told.get(slice, NOBODY), counted.of(slice))
    told[COMPANY] = company
    if not may(COMPANY, company):
        return None
    return _deferred(counted, told)


def _is_apart(now: Amounts, before: Amounts, threshold: int) -> bool:
    return all(n == b or abs(n - b) >= threshold for n, b in zip(now, before, strict=True))


def _plus(to: Amounts, add: Amounts, take: Amounts) -> Amounts:
    return to[0] + add[0] - take[0], to[1] + add[1] - take[1]


def _implied(of: Table, earlier: Sequence[Table]) -> Iterable[Mapping[Slice, Amounts]]:
    """What earlier publications say of the period: outright, the newest first, then by the periods around it."""
    for table in reversed(earlier):
        if table.period == of.period:
            yield _combined([], [table], of.amounts)
    every: dict[Period, list[Table]] = {}
    for table in reversed(earlier):
        every.setdefault(table.period, []).append(table)
    for whole, parts in _covers(of.closing, {*every, of.period}):
        others = [period for period in parts if period != of.period]
        if of.period == whole and all(period in every for period in parts):
            for chosen in _choices([every[period] for period in parts]):
                yield _combined([], chosen, of.amounts)
        elif of.period in parts and whole in every and all(period in every for period in others):
            for table, *chosen in _choices([every[whole], *(every[period] for period in others)]):
                yield _combined(chosen, [table], of.amounts)


def _choices(every: Sequence[Sequence[Table]]) -> Iterable[Sequence[Table]]:
    """One table of each, in every way; where those are too many, the newest of all, and each older one among them."""
    if prod(map(len, every)) <= CHOICES_AT_MOST:
        yield from product(*every)
        return
    newest = [tables[0] for tables in every]
    yield newest
    for number, tables in enumerate(every):
        for table in tables[1:]:
            yield [*newest[:number], table, *newest[number + 1 :]]


def _combined(less: Sequence[Table], tables: Sequence[Table], also: Iterable[Slice] = ()) -> Mapping[Slice, Amounts]:
    """By slice, of any of the tables and those `also`, the sum of `tables` without those that are `less`."""
    slices = {*also, *chain.from_iterable(table.amounts for table in (*less, *tables))}
    return {
        slice: (
            sum(t.of(slice)[0] for t in tables) - sum(t.of(slice)[0] for t in less),
            sum(t.of(slice)[1] for t in tables) - sum(t.of(slice)[1] for t in less),
        )
        for slice in slices
    }


def _latest(tables: Iterable[Table]) -> dict[Period, Table]:
    return {table.period: table for table in tables}


def _covers(closing: bool, periods: Iterable[Period]) -> Iterable[tuple[Period, tuple[Period, ...]]]:
    """(period, those it is made of): quarters of months, a year of quarters, of months, of what there is of both.

    `closing`: a period's end is its last month's end.
    """
    there = set(periods)
    found: dict[tuple[Period, tuple[Period, ...]], None] = {}
    for period in there:
        months = tuple(period.months())
        if len(months) == 1:
            continue
        covers = [months]
        if len(months) == 12:
            quarters = [(quarter_of(months[n]), months[n : n + 3]) for n in range(0, 12, 3)]
            covers.append(tuple(quarter for quarter, _ in quarters))
            covers.append(tuple(chain.from_iterable((q,) if q in there else its for q, its in quarters)))
        for cover in covers:
            found[period, cover[-1:] if closing else cover] = None
    return found


def quarter_of(month: Period) -> Period:
    return Period.parse(f"{month.first.year}-Q{(month.first.month + 2) // 3}")


def decide(new: Sequence[Table], earlier: Sequence[Table]) -> list[frozenset[Slice]]:
    """What to hide of each new table, given all earlier ones of the year, oldest first.

    An empty slice is hidden only where all of its table is.
    """
    tables = [*earlier, *new]
    derived, sums = derived_and_sums(tables)
    told: list[Cell] = []
    hidden: list[Cell] = []
    open_: list[Cell] = []
    places: list[tuple[str, Slice]] = []
    for table in tables:
        for slice in table.amounts:
            cell = table.cell(slice)
            if slice[:1] in ((WITHIN,), (OUTSIDE,)):
                derived.append(cell)
            elif table.hidden is None:
                open_.append(cell)
                places.append((table.measure, slice))
            else:
                (hidden if slice in table.hidden else told).append(cell)
    told += [cell for cell in derived if cell.members == 0]
    derived = [cell for cell in derived if cell.members]
    choice = disclosure.hide(open_, World(told, hidden, derived, sums))
    if choice is None:
        return [frozenset(table.amounts) for table in new]
    chosen = [places[number] for number in choice]
    return [frozenset(slice for measure, slice in chosen if measure == table.measure) for table in new]


def derived_and_sums(tables: Sequence[Table]) -> tuple[list[Cell], list[Sum]]:
    """What can be worked out although nobody tells it, and the sums that all tables of a year stand in, oldest first."""
    derived: list[Cell] = []
    sums: list[Sum] = []
    by_measure: dict[str, list[Table]] = {}
    for table in tables:
        by_measure.setdefault(table.measure, []).append(table)
        sums += _across(table)
    sums += _same_people(tables)
    for same in by_measure.values():
        sums += _again(same)
        more, those = _over_time(same)
        derived += more
        sums += those
    return derived, sums


def _each(
    tables: Sequence[Table], whole: Table, whole_slice: Slice, parts: Sequence[tuple[Table, Slice]]
) -> Iterable[Sum]:
    """The sum of members, and of those who achieved."""
    yield Sum(whole.members(whole_slice), tuple(table.members(slice) for table, slice in parts))
    if all(table.is_share for table in tables):
        yield Sum(whole.achieved(whole_slice), tuple(table.achieved(slice) for table, slice in parts))


def _across(table: Table) -> Iterable[Sum]:
    """The company as its areas, as each other dimension's members, and as the events behind it."""
    groups: dict[tuple[str, ...], list[Slice]] = {(AREA,): sorted(table.adds_up)}
    for slice in table.amounts:
        if slice and slice[0] not in (AREA, EVENTS, WITHIN, OUTSIDE):
            groups.setdefault(slice[:1], []).append(slice)
        elif slice[:1] == (WITHIN,):
            yield from _each([table], table, (AREA, slice[1]), [(table, slice), (table, (OUTSIDE, slice[1]))])
    for slices in groups.values():
        if slices:
            yield from _each([table], table, COMPANY, [(table, slice) for slice in slices])
    for role in ("numerator", "denominator"):
        events = tuple(table.members(slice) for slice in table.amounts if slice[:2] == (EVENTS, role))
        if events:
            is_numerator = role == "numerator" and table.is_share
            yield Sum(table.achieved(COMPANY) if is_numerator else table.members(COMPANY), events)


def _same_people(tables: Sequence[Table]) -> Iterable[Sum]:
    """What tables of one population and period have in common: how many people there are."""
    latest: dict[tuple[str, Period], Table] = {}
    for table in tables:
        before = latest.get((table.population, table.period))
        if before is not None and before.measure != table.measure:
            for slice in before.amounts.keys() & table.amounts.keys():
                if slice[:1] != (EVENTS,):
                    yield Sum(table.members(slice), (before.members(slice),))
        latest[table.population, table.period] = table


def _again(same: Sequence[Table]) -> Iterable[Sum]:
    """A period told again: what was hidden, or is the same, is known to be as it was."""
    latest: dict[Period, Table] = {}
    for table in same:
        before = latest.get(table.period)
        if before is not None:
            for slice in {*before.amounts, *table.amounts}:
                if before.of(slice) == table.of(slice) or (before.hidden and slice in before.hidden):
                    yield from _each([before, table], table, slice, [(before, slice)])
        latest[table.period] = table


def _over_time(same: Sequence[Table]) -> tuple[list[Cell], list[Sum]]:
    """A period as its parts; where not all of them are told, with what is left."""
    derived: list[Cell] = []
    sums: list[Sum] = []
    latest = _latest(same)
    for whole, parts in _covers(same[0].closing, latest):
        of, there = latest[whole], [latest[period] for period in parts if period in latest]
        if not there:
            continue
        rest = None
        if len(there) < len(parts):
            combined = _combined(there, [of])
            left = {slice: (a, of_all) for slice, (a, of_all) in combined.items() if 0 <= a <= of_all}
            rest = replace(of, number=-len(derived) - 1, amounts=left, hidden=frozenset(left))
            derived += [rest.cell(slice) for slice in left]
        slices = set(chain.from_iterable(table.amounts for table in (of, *there)))
        for slice in slices:
            if rest is None or slice in rest.amounts:
                those = [(table, table.named(slice)) for table in ([*there, rest] if rest else there)]
                each = [(table, named) for table, named in those if named is not None]
                if (whole_slice := of.named(slice)) is not None:
                    sums += _each([of, *there], of, whole_slice, each)
    return derived, sums
