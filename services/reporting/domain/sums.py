"""Counts, sums, shares and indices: what each event adds to numerator and denominator."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from services.reporting.domain.clauses import Clause
from services.reporting.domain.rules import Rule, others_of
from services.reporting.domain.states import Cell, Contribution, State, Version, add


@dataclass(frozen=True)
class Counted(Rule):
    """Every fact of `counted` that stands and holds adds its amounts on its day.

    `requires`: nothing unless these hold. `attributes`: give area and dimensions that the counted event lacks. `unless`:
    nothing while any of these stands. `latest_by`: of several facts about the subject only the one with the greatest
    value of this field counts (`day`: by its day), a later one taking the place of the one before from its day on.
    `undone_by`: a clause that takes back the fact with the same value of that field. `once`: several facts count as one,
    from the first day on; with `at_most`, (clause, field), as many as that says. `dated_by`: one of `requires` or `attributes`, on whose day it counts.
    """

    counted: tuple[Clause, ...]
    requires: tuple[Clause, ...] = ()
    attributes: tuple[Clause, ...] = ()
    unless: tuple[Clause, ...] = ()
    latest_by: str | None = None
    undone_by: tuple[Clause, str] | None = None
    once: bool = False
    at_most: tuple[Clause, str] | None = None
    dated_by: Clause | None = None

    @cached_property
    def clauses(self) -> tuple[Clause, ...]:  # type: ignore[override]
        undone = () if self.undone_by is None else (self.undone_by[0],)
        cap = () if self.at_most is None or self.at_most[0] in self.attributes else (self.at_most[0],)
        return (*self.counted, *self.requires, *self.attributes, *self.unless, *undone, *cap)

    def contribution(self, state: State) -> Contribution:
        if not all(self._holds(clause, state) for clause in self.requires):
            return {}
        if any(self._holds(clause, state) for clause in self.unless):
            return {}
        counts: Contribution = {}
        if self.latest_by is not None:
            return self._latest(state, counts)
        standing = [v for clause in self.counted for v in self.versions(clause, state) if v.holds and v.day is not None]
        if self.once:
            standing.sort(key=lambda v: (v.day or "", *v[:4]))
            standing = standing[: self._most(state)]
        for version in standing:
            self._put(counts, version, state)
        return counts

    def _latest(self, state: State, counts: Contribution) -> Contribution:
        """Each statement counts from its day until the next one's."""
        for clause in self.counted:
            standing = self._in_order(clause, state)
            for number, version in enumerate(standing):
                if version.holds and not self._is_undone(clause, version, state):
                    self._put(counts, version, state)
                    if number + 1 < len(standing):
                        until = max(standing[number + 1].day or "", version.day or "")
                        self._put(counts, version, state, times=-1, since=until)
        return counts

    def _in_order(self, clause: Clause, state: State) -> Sequence[Version]:
        field = self.latest_by or "day"
        found = [v for v in self.versions(clause, state) if v.day is not None]
        if field == "day":
            return sorted(found, key=lambda v: (v.day or "", *v[:4]))
        return sorted(found, key=lambda v: (clause.said(v, field), *v[:4]))

    def _is_undone(self, clause: Clause, version: Version, state: State) -> bool:
        if self.undone_by is None:
            return False
        by, field = self.undone_by
        return any(v.holds and by.said(v, field) == clause.said(version, field) for v in self.versions(by, state))

    def _most(self, state: State) -> int:
        if self.at_most is None:
            return 1
        clause, field = self.at_most
        return max((int(clause.said(v, field)) for v in self.versions(clause, state)), default=1)

    def _put(self, counts: Contribution, version: Version, state: State, *, times: int = 1, since: str = "") -> None:
        """Adds what a version says, `times` over, from its day or from `since`."""
        area, others = version.area, version.others
        if self.requires or self.attributes:
            around = [v for clause in (*self.requires, *self.attributes) for v in self.versions(clause, state)]
            area = area or next((v.area for v in around if v.area is not None), None)
            others = others_of([version, *around], len(others))
        day = version.day or ""
        if self.dated_by is not None:
            day = min((v.day for v in self.versions(self.dated_by, state) if v.holds and v.day), default=day)
            since = max(since, version.day or "")
        cell = Cell(area or "", others, date.fromisoformat(day), date.fromisoformat(max(since, day)))
        add(counts, cell, times * version.adds, times * version.of)

    def _holds(self, clause: Clause, state: State) -> bool:
        return any(version.holds for version in self.versions(clause, state))
