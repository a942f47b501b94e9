"""Stocks: how much there is on a day, by what has been opened, changed and closed up to then."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from typing import NamedTuple

from services.reporting.domain.clauses import Clause
from services.reporting.domain.rules import Rule, others_of
from services.reporting.domain.states import Cell, Contribution, State, Version, add

DAY = timedelta(days=1)


class Step(NamedTuple):
    """From `day` on there is `level`, by (area, other dimensions). Sorted, a closing the day after comes first."""

    day: date
    rank: int
    precedence: tuple[int, int, str, str]
    level: dict[tuple[str, tuple[str | None, ...]], int]


@dataclass(frozen=True)
class Steps:
    """One side of a stock. `opens`: statements of a level, each standing until the next; what a later clause says is
    never displaced by an earlier one. `closes`: from its day on there
    is nothing, or from the day after for one named in `the_day_after`. `ends`: the field of `opens` with its own last
    day. `each`: (list field of opens, its amount, {dimension number: field}): the level is told line by line."""

    opens: tuple[Clause, ...]
    closes: tuple[Clause, ...] = ()
    the_day_after: frozenset[str] = frozenset()
    unless: tuple[Clause, ...] = ()
    ends: str | None = None
    each: tuple[str, str, tuple[tuple[int, str], ...]] | None = None

    @property
    def clauses(self) -> tuple[Clause, ...]:
        return (*self.opens, *self.closes, *self.unless)


Level = dict[tuple[str, tuple[str | None, ...]], int]


@dataclass(frozen=True)
class Stock(Rule):
    """Numerator and, where there is one, denominator: what of it there is counts only while the denominator is there."""

    numerator: Steps
    denominator: Steps | None = None
    attributes: tuple[Clause, ...] = ()
    of_denominator: bool = field(default=False, kw_only=True)  # the levels are a denominator's own

    @cached_property
    def clauses(self) -> tuple[Clause, ...]:  # type: ignore[override]
        return (*self.numerator.clauses, *(self.denominator.clauses if self.denominator else ()), *self.attributes)

    def contribution(self, state: State) -> Contribution:
        up = self._steps(self.numerator, state)
        down = self._steps(self.denominator, state) if self.denominator else None
        counts: Contribution = {}
        before_up: Level = {}
        before_down: Level = {}
        for day in sorted({step.day for step in (*up, *(down or ()))}):
            now_up, now_down = _at(up, day), _at(down, day) if down is not None else {}
            if down is not None and not any(now_down.values()):
                now_up = {}
            for key in now_up.keys() | before_up.keys() | now_down.keys() | before_down.keys():
                change = now_up.get(key, 0) - before_up.get(key, 0)
                of = now_down.get(key, 0) - before_down.get(key, 0)
                is_new = key in now_up.keys() - before_up.keys() or key in now_down.keys() - before_down.keys()
                if change or of or is_new:  # a level of zero is told too
                    n, d = (0, change) if self.of_denominator else (change, of)
                    add(counts, Cell(*key, day, day), n, d)
            before_up, before_down = now_up, now_down
        return counts

    def _steps(self, side: Steps, state: State) -> list[Step]:
        if any(v.holds for clause in side.unless for v in self.versions(clause, state)):
            return []
        found = []
        for number, clause in enumerate(side.opens):
            revised = [
                w.day for later in side.opens[number + 1 :] for w in self.versions(later, state) if w.day is not None
            ]
            for v in self.versions(clause, state):
                if v.day is None or any(day <= v.day for day in revised):
                    continue
                first = date.fromisoformat(v.day)
                last = clause.said(v, side.ends) if side.ends else None
                ended = last is not None and last < v.day
                level = self._level(side, clause, v, state) if v.holds and not ended else {}
                found.append(Step(first, 1, v[:4], level))
                if last is not None:
                    found.append(Step(_after(date.fromisoformat(last)), 0, v[:4], {}))
        for clause in side.closes:
            after = clause.name in side.the_day_after
            for v in self.versions(clause, state):
                if v.day is not None and v.holds:
                    day = date.fromisoformat(v.day)
                    found.append(Step(_after(day) if after else day, 0 if after else 2, v[:4], {}))
        return sorted(found, key=lambda step: step[:3])

    def _level(self, side: Steps, clause: Clause, version: Version, state: State) -> Level:
        around = [v for attribute in self.attributes for v in self.versions(attribute, state)]
        area = version.area or next((v.area for v in around if v.area is not None), None) or ""
        others = others_of([version, *around], len(version.others))
        if side.each is None:
            return {(area, others): version.adds}
        lines, amount, dimensions = side.each
        level: Level = {}
        for line in clause.said(version, lines) or ():
            values = list(others)
            for number, name in dimensions:
                values[number] = line.get(name)
            key = (area, tuple(values))
            level[key] = level.get(key, 0) + int(line[amount])
        return level


def _after(day: date) -> date:
    """The day after; of the last there is, itself."""
    return day + DAY if day < date.max else day


def _at(steps: list[Step], day: date) -> Level:
    """The level on a day: what the last step up to it says."""
    level: Level = {}
    for step in steps:
        if step.day > day:
            break
        level = step.level
    return level
