"""What every measure in a goal file has, and how its clauses are made."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from services.reporting.definitions.clauses import FINE, AnyAmount, ClauseData, Slug, Strict, wire_names
from services.reporting.domain.clauses import Clause
from services.reporting.domain.figures import Counts
from services.reporting.domain.rules import Rule

Unit = Literal["%", "points", "number", "sek", "hours", "days", "index", "date", "done"]


@dataclass(frozen=True, slots=True)
class Ledger:
    """What is kept for one rule of a measure. `name` is its key in subject_state."""

    name: str
    goal: str
    measure: str
    rule: Rule


class Group(Strict):
    """Named lists of clauses; makes clauses of them, with the fields that others look up kept."""

    def groups(self) -> Iterator[tuple[str, ClauseData]]:
        """(name, clause) of every clause: its own name, or its group's with a number from the second on."""
        for group in type(self).model_fields:
            said = getattr(self, group)
            listed = said if isinstance(said, list) else [said]
            for number, data in enumerate(listed):
                if isinstance(data, ClauseData):
                    yield data.name or (group if number == 0 else f"{group}{number + 1}"), data

    def kept(self, name: str) -> tuple[str, ...]:
        """The fields of a clause, by their names in Python, that look-ups need."""
        by_name = dict(self.groups())
        fields = [
            d.look_up.partition(".")[2] for d in by_name.values() if d.look_up and d.look_up.startswith(f"{name}.")
        ]
        return tuple(dict.fromkeys(wire_names(by_name[name].model)[field] for field in fields))

    def clauses(
        self, group: str, dimensions: Sequence[str], *, prefix: str = "", extra: Sequence[str] = (), adds: AnyAmount = 0,
        scale: int = 1, by_identity: bool = False, as_denominator: bool = False,
    ) -> tuple[Clause, ...]:  # fmt: skip
        said = getattr(self, group)
        own = said if isinstance(said, list) else [said]
        found = []
        for name, data in self.groups():
            if any(data is one for one in own):
                kept = tuple(dict.fromkeys((*self.kept(name), *extra)))
                clause = data.clause(
                    name, dimensions=dimensions, extra=kept, adds=adds, scale=scale, by_identity=by_identity,
                    as_denominator=as_denominator,
                )  # fmt: skip
                found.append(clause)
        return tuple(found)

    @property
    def is_fine(self) -> bool:
        return any(data.is_fine for _, data in self.groups())


class Common(Group):
    """What every measure has. `per`: the sum is divided by it (60: minutes to hours). `decimals`: shown."""

    id: Slug
    unit: Unit
    decimals: int = Field(1, ge=0, le=3)
    per: int = Field(1, ge=1)
    counts: Counts | None = None  # where it counts other than the goal does
    yearly: bool = False  # the trend is by year, and a part of a year shows the year's figure

    cumulative: bool = False
    given_totals: bool = False

    @property
    def reads(self) -> tuple[str, ...]:
        """The types of event that it is made of beside those of its ledgers."""
        return ()

    def ledgers(self, goal: str, dimensions: Sequence[str]) -> tuple[Ledger, ...]:
        return (Ledger(f"{goal}/{self.id}", goal, self.id, self.rule(dimensions)),)

    def rule(self, dimensions: Sequence[str]) -> Rule:
        raise NotImplementedError

    @property
    def scale(self) -> int:
        """Parts of a unit that the rollup counts in."""
        return FINE if self.is_fine else 1

    @property
    def is_ratio(self) -> bool:
        """Whether it is a numerator ÷ a denominator."""
        return False
