"""Durations: how many days from one event to another, counted per number of days so that a median adds up."""

from dataclasses import dataclass
from datetime import date
from functools import cached_property

from services.reporting.domain.clauses import Clause
from services.reporting.domain.rules import Rule, others_of
from services.reporting.domain.states import Cell, Contribution, State, add


@dataclass(frozen=True)
class Duration(Rule):
    """Days from the earliest `start` to each `end`, on the day of the end. An end before its start counts nothing: one of
    the two days is wrong, which is for data quality to say."""

    start: Clause
    end: Clause

    @cached_property
    def clauses(self) -> tuple[Clause, ...]:  # type: ignore[override]
        return (self.start, self.end)

    def contribution(self, state: State) -> Contribution:
        starts = [v for v in self.versions(self.start, state) if v.holds and v.day is not None]
        first = min(starts, key=lambda v: (v.day or "", *v[:4]), default=None)
        if first is None:
            return {}
        counts: Contribution = {}
        for end in self.versions(self.end, state):
            if end.holds and end.day is not None:
                day = date.fromisoformat(end.day)
                days = (day - date.fromisoformat(first.day or "")).days
                if days >= 0:
                    others = others_of([end, first], len(end.others))
                    add(counts, Cell(end.area or first.area or "", others, day, day, days), 1, 0)
        return counts
