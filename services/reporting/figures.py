"""From counts to a figure: periods, targets, status and what may not be shown. Pure functions, exact arithmetic."""

import re
from calendar import monthrange
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Literal

Comparison = Literal[">", ">=", "<=", "increase", "done"]
Counts = Literal["people", "things"]

# A household that has just moved in may still be reached: it doesn't put a year behind before this many days have gone.
STILL_TO_REACH = timedelta(days=30)


class Status(StrEnum):
    MET = "met"
    ON_TRACK = "on_track"
    BEHIND = "behind"
    MISSED = "missed"
    NO_DATA = "no_data"
    SUPPRESSED = "suppressed"
    INFORMATION = "information"


class UnknownPeriod(ValueError):
    """Text that names no period."""


@dataclass(frozen=True, slots=True)
class Period:
    """A calendar year, quarter or month: `2019`, `2019-Q2` or `2019-05`."""

    label: str
    first: date
    last: date

    @staticmethod
    def parse(text: str) -> "Period":
        """Raises `UnknownPeriod`, which says what is accepted."""
        found = re.fullmatch(r"([12]\d{3})(?:-(?:Q([1-4])|(0[1-9]|1[0-2])))?", text.strip().upper(), re.ASCII)
        if found is None:
            raise UnknownPeriod(f"{text!r} is not a period; write a year, quarter or month: 2019, 2019-Q2 or 2019-05")
        year, quarter, month = int(found[1]), found[2], found[3]
        if quarter:
            return Period._of(found[0], year, 3 * int(quarter) - 2, 3 * int(quarter))
        if month:
            return Period._of(found[0], year, int(month), int(month))
        return Period._of(found[0], year, 1, 12)

    @staticmethod
    def year(year: int) -> "Period":
        return Period._of(str(year), year, 1, 12)

    @staticmethod
    def _of(label: str, year: int, first: int, last: int) -> "Period":
        return Period(label, date(year, first, 1), date(year, last, monthrange(year, last)[1]))

    def month_ends(self) -> list[date]:
        """The last day of each month of the period, in order."""
        months = range(self.first.month, self.last.month + 1)
        return [date(self.first.year, month, monthrange(self.first.year, month)[1]) for month in months]

    def is_over(self, as_of: date) -> bool:
        return as_of > self.last


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

    def is_met_by(self, numerator: int, denominator: int) -> bool | None:
        """Whether a share in per cent satisfies the target, exactly; None when the target has no value to meet."""
        if self.value is None:
            return None
        share = Fraction(100 * numerator, denominator)
        match self.comparison:
            case ">":
                return share > Fraction(self.value)
            case ">=":
                return share >= Fraction(self.value)
            case "<=":
                return share <= Fraction(self.value)
            case _:
                return None


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

    def target(self, goal: str, measure: str, unit: str, area: str | None, on: date) -> Target | None:
        """The target in force that day: the one that began last. A revised one leaves nothing of those before it.

        Of two documents' targets that began the same day, the one of the document that came later.
        """
        since = {document.id: document.valid_from for document in self.documents}
        begun = [
            t
            for t in self.targets
            if (t.goal, t.area, t.unit) == (goal, area, unit) and t.measure in (None, measure) and t.valid_from <= on
        ]
        for target in sorted(
            begun, key=lambda t: (t.valid_from, t.revises, since.get(t.document, date.min), t.document), reverse=True
        ):
            if target.valid_to is None or on <= target.valid_to:
                return target
            if target.revises:
                return None
        return None


@dataclass(frozen=True, slots=True)
class Count:
    """Part of the rollup: what joined the cohort in the month of `day`.

    `scoped`: on days when the goal's programme ran in the area. `waiting`: those of the last days not yet reached.
    """

    area: str
    scoped: bool
    day: date
    numerator: int
    denominator: int
    waiting: int


@dataclass(frozen=True, slots=True)
class Tally:
    numerator: int = 0
    denominator: int = 0
    waiting: int = 0

    @staticmethod
    def of(counts: Iterable[Count]) -> "Tally":
        counts = list(counts)
        return Tally(
            sum(c.numerator for c in counts), sum(c.denominator for c in counts), sum(c.waiting for c in counts)
        )

    @property
    def share(self) -> float | None:
        """Per cent."""
        return float(Fraction(100 * self.numerator, self.denominator)) if self.denominator > 0 else None


def status_of(tally: Tally, *, target: Target | None, is_over: bool, hidden: bool) -> Status:
    """Where a figure stands. While the period is under way it is on track if reaching the newest would be enough."""
    if tally.denominator == 0:
        return Status.NO_DATA
    if hidden:
        return Status.SUPPRESSED
    met = target.is_met_by(tally.numerator, tally.denominator) if target else None
    if target is None or met is None:
        return Status.INFORMATION
    if met:
        return Status.MET
    if is_over:
        return Status.MISSED
    reachable = target.is_met_by(tally.numerator + tally.waiting, tally.denominator)
    return Status.ON_TRACK if reachable else Status.BEHIND


def is_too_few(tally: Tally, threshold: int) -> bool:
    """Whether a figure is about so few that it could tell of one of them. `threshold` 0: it isn't about people."""
    return 0 < tally.denominator < threshold


def company_tells_of_few(scoped_by_area: Sequence[tuple[Tally, bool]], threshold: int) -> bool:
    """Whether the company's figure less the areas shown would leave fewer than the threshold.

    `scoped_by_area`: for each area its part of the company's figure, and whether the area's own figure is hidden.
    """
    left = sum(tally.denominator for tally, hidden in scoped_by_area if hidden)
    return 0 < left < threshold


@dataclass(frozen=True, slots=True)
class Point:
    """The figure of those who had joined by a month's end. `share` in per cent; None: no data, or too few to show."""

    on: date
    share: float | None


def trend(counts: Sequence[Count], period: Period, as_of: date, threshold: int) -> list[Point]:
    """The share of those who had joined the cohort by each month's end, up to the month of `as_of`.

    It follows the subject, as the figure does: what is done for a household counts from the month it joined, whenever
    it was done. The last point is the figure itself.
    """
    points = []
    for end in (end for end in period.month_ends() if end.replace(day=1) <= as_of):
        tally = Tally.of([count for count in counts if count.day <= end])
        points.append(Point(end, None if is_too_few(tally, threshold) else tally.share))
    return points
