"""What a publication says of itself, and what it says of a figure that has been changed."""

from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from typing import Literal, get_args

Reason = Literal["late_events", "corrected_events", "definition_changed", "source_revised", "error", "other"]
REASONS: tuple[Reason, ...] = get_args(Reason)


@dataclass(frozen=True, slots=True)
class Restated:
    """What a figure was before it was restated, in its measure's unit (None: it had no value), and why."""

    before: Fraction | None
    on: date
    reason: Reason


@dataclass(frozen=True, slots=True)
class PublishedAs:
    """The publication that a figure comes from. `number`: 1 for the first of its period. `definition_version`: of the
    goal, then. `restated`: when the figure has been changed after the period was closed. `closed`: it stays as it is."""

    on: date
    as_of: datetime
    number: int
    definition_version: int
    restated: Restated | None = None
    closed: bool = False
