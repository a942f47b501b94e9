"""What governance.events say of the company: areas, programmes, targets and steering documents."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from services.reporting.domain.periods import Period

Comparison = Literal[">", ">=", "<=", "increase", "done"]


@dataclass(frozen=True, slots=True)
class Target:
    """A goal's target for an area (None: the company), in the goal's unit. `increase` and `done` have no value."""

    goal: str
    measure: str | None
    area: str | None
    comparison: Comparison
    value: Decimal | None
    unit: str
    valid_from: date
    valid_to: date | None
    document: str
    revises: bool = False
    dimension: str | None = None  # "name=value" of another dimension than the area

    def runs_within(self, first: date, last: date) -> bool:
        return self.valid_from <= last and (self.valid_to is None or self.valid_to >= first)


@dataclass(frozen=True, slots=True)
class Programme:
    """A programme that runs in an area from its first to its last day, both included. No last day: it runs on."""

    programme: str
    area: str
    first: date
    last: date | None

    def runs_within(self, period: Period) -> bool:
        return self.first <= period.last and (self.last is None or self.last >= period.first)


@dataclass(frozen=True, slots=True)
class Area:
    """What an area is from a day on."""

    id: str
    name: str
    valid_from: date


@dataclass(frozen=True, slots=True)
class Document:
    """A steering document (styrdokument). `replaced_on`: the first day another applied instead."""

    id: str
    title: str
    adopted_by: str
    valid_from: date
    valid_to: date | None
    applies_until_replaced: bool
    replaced_on: date | None


@dataclass(frozen=True, slots=True)
class Landlord:
    """What governance.events say: areas, programmes, targets and steering documents."""

    areas: tuple[Area, ...]
    programmes: tuple[Programme, ...]
    targets: tuple[Target, ...]
    documents: tuple[Document, ...]

    def name_of(self, area: str, on: date) -> str:
        """What the area was called that day; before its first, what it was called first."""
        defined = sorted((a for a in self.areas if a.id == area), key=lambda a: a.valid_from)
        begun = [a for a in defined if a.valid_from <= on]
        return begun[-1].name if begun else defined[0].name if defined else area

    def runs_in(self, programme: str | None, area: str, period: Period) -> bool:
        """Whether the programme (None: no programme needed) runs in the area on any day of the period."""
        return programme is None or any(
            p.programme == programme and p.area == area and p.runs_within(period) for p in self.programmes
        )

    def is_defined(self, area: str) -> bool:
        return any(a.id == area for a in self.areas)

    def targets_of(
        self, goal: str, measure: str, unit: str, area: str | None, dimension: str | None = None
    ) -> list[Target]:
        """All targets of a slice, in the order in which they come to apply."""
        since = {document.id: document.valid_from for document in self.documents}
        found = [
            t
            for t in self.targets
            if (t.goal, t.area, t.dimension, t.unit) == (goal, area, dimension, unit) and t.measure in (None, measure)
        ]
        return sorted(found, key=lambda t: (t.valid_from, t.revises, since.get(t.document, date.min), t.document))

    def target(
        self, goal: str, measure: str, unit: str, area: str | None, on: date, *, dimension: str | None = None
    ) -> Target | None:
        """The target in force that day: the one that began last. A revised one leaves nothing of those before it.

        Of two documents' targets that began the same day, the one of the document that came later.
        """
        return in_force(self.targets_of(goal, measure, unit, area, dimension), on)


def in_force(targets: Iterable[Target], on: date) -> Target | None:
    """Of the targets of one slice, in order, the one that applies that day."""
    for target in reversed([t for t in targets if t.valid_from <= on]):
        if target.valid_to is None or on <= target.valid_to:
            return target
        if target.revises:
            return None
    return None


def document_applies(document: Document | None, on: date) -> bool:
    """Whether a steering document is in force that day, or past its date and applying until it is replaced."""
    if document is None or on < document.valid_from:
        return False
    if document.replaced_on is not None and on >= document.replaced_on:
        return False
    return document.valid_to is None or on <= document.valid_to or document.applies_until_replaced
