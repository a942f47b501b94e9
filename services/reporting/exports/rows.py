"""What every export holds: a row for each figure, in one shape, and what is said about its goals. Nothing hidden is here.

The order and the names of `COLUMNS` are a promise to whoever reads the files; new columns are added at the end.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction

from services.chassis.clock import STOCKHOLM

COLUMNS = (
    "goal", "measure", "period", "area", "dimension", "value", "unit", "numerator", "denominator", "status",
    "provisional", "target", "comparison", "as_of", "definition_version", "published_on", "notes", "title", "area_name",
)  # fmt: skip
Cell = str | int | bool | Decimal | date | None

DECIMALS = 6  # of a value that has no end, such as 137 of 150 in per cent
BETWEEN_NOTES = " · "
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u2028\u2029\ufeff]")
_FORMULA = re.compile(r"\s*[=+\-@\t\r\n＝＋－＠]")


@dataclass(frozen=True, slots=True)
class Row:
    """One figure. `value` in `unit` (90 for 90 %); it and its parts are None when there is nothing that may be shown."""

    goal: str
    measure: str
    period: str
    area: str | None
    dimension: tuple[str, str] | None
    value: Fraction | None
    unit: str
    decimals: int
    numerator: Fraction | None
    denominator: Fraction | None
    status: str
    provisional: bool
    target: Decimal | None
    comparison: str | None
    as_of: datetime
    definition_version: int
    published_on: date | None
    notes: tuple[str, ...]
    title: str
    area_name: str | None

    def cells(self) -> list[Cell]:
        """The row's values in the order of `COLUMNS`. Text is as it came; a writer makes it harmless (`safe`)."""
        return [
            self.goal,
            self.measure,
            self.period,
            self.area,
            "=".join(self.dimension) if self.dimension else None,
            exact(self.value),
            self.unit,
            exact(self.numerator),
            exact(self.denominator),
            self.status,
            self.provisional,
            None if self.target is None else exact(Fraction(self.target)),
            self.comparison,
            self.as_of.astimezone(STOCKHOLM).isoformat(timespec="seconds"),
            self.definition_version,
            self.published_on,
            BETWEEN_NOTES.join(self.notes) or None,
            self.title,
            self.area_name,
        ]


@dataclass(frozen=True, slots=True)
class Part:
    """A measure of a goal, in words: what is counted, and out of what (None where it isn't a share)."""

    id: str
    title: str
    unit: str
    numerator: str | None
    denominator: str | None


@dataclass(frozen=True, slots=True)
class About:
    """A goal, in words. `events`: the types of event that it is made of; `threshold`: 0 where it isn't about people."""

    goal: str
    title: str
    version: int
    since: str
    document: str
    definition: str
    population: str
    source: str
    threshold: int
    parts: tuple[Part, ...]
    events: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Everything an export tells. `citation` names it ready to be quoted; `address` is where it was read."""

    title: str
    rows: Sequence[Row]
    about: Sequence[About]
    as_of: datetime
    citation: str
    address: str


def exact(value: Fraction | None) -> int | Decimal | None:
    """The number as it is written: whole where it is whole, else rounded to `DECIMALS` without zeros at the end."""
    if value is None:
        return None
    if value.denominator == 1:
        return value.numerator
    rounded = (Decimal(value.numerator) / Decimal(value.denominator)).quantize(Decimal(1).scaleb(-DECIMALS))
    return rounded.normalize() if rounded else 0


def safe(text: str) -> str:
    """Text that a spreadsheet shows and never runs: what looks like a formula begins with an apostrophe.

    Names of areas and texts of staff are written by others, and the file is opened on somebody's own computer.
    """
    seen = _UNSEEN.sub(" ", text)
    return f"'{seen}" if _FORMULA.match(seen) else seen
