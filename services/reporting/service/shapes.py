"""A figure and how figures stand together: by slice, by measure, by goal."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from fractions import Fraction

from services.chassis.clock import local_date
from services.reporting.definitions import Goal
from services.reporting.definitions.measures import AnyMeasure
from services.reporting.domain.figures import SILENT, UNKNOWN_AREA, Break, Count, Point, Status, Tally
from services.reporting.domain.landlord import Landlord, Target
from services.reporting.domain.periods import Period

SWEDISH_LAST = "åäö"


class UnknownSlice(LookupError):
    """A measure, an area or a value of another dimension that there is no figure of. `known`: those there are."""

    def __init__(self, what: str, known: Sequence[str]) -> None:
        super().__init__(f"there is no {what}")
        self.known = list(known)


@dataclass(frozen=True, slots=True)
class PublishedAs:
    """How a figure was published. `restated`: it was changed after its period was closed, from `was` (None: it had no
    value), for `reason`. `deferred`: it repeats what was published before, because the change since then is too small to
    be told. `number`: of the period's publications. `closed`: it stays as it is."""

    on: date
    as_of: datetime
    definition_version: int
    restated: bool = False
    deferred: bool = False
    number: int = 1
    was: Fraction | None = None
    reason: str | None = None
    closed: bool = False


@dataclass(frozen=True, slots=True)
class Figure:
    """One measure of a goal for a period and a slice: the company, an area, or one value of another dimension.

    `value`, `before` (the same a year before) in the measure's unit; None: none. `tally` is the truth; what may be shown
    of it is None in `shown` when there is no data or too few, and `value_shown` likewise.
    """

    goal: Goal
    measure: AnyMeasure
    period: Period
    area: str | None
    area_name: str | None
    dimension: tuple[str, str] | None
    in_programme: bool
    tally: Tally
    value: Fraction | None
    before: Fraction | None
    status: Status
    target: Target | None
    targets: tuple[Target, ...]
    provisional: bool
    ripe_on: date | None
    as_of: datetime
    trend: list[Point]
    breaks: tuple[Break, ...] = ()
    flags: tuple[str, ...] = ()
    published: PublishedAs | None = None
    range: tuple[Fraction, Fraction] | None = None

    @property
    def shown(self) -> Tally | None:
        return None if self.status in SILENT else self.tally

    @property
    def value_shown(self) -> Fraction | None:
        return None if self.status in SILENT else self.value


@dataclass(frozen=True, slots=True)
class MeasureReport:
    """A measure's figures: the company's, each area's in order of name, and by each other dimension its values'."""

    measure: AnyMeasure
    company: Figure
    areas: list[Figure]
    by: dict[str, list[Figure]] = field(default_factory=dict)

    @property
    def every(self) -> list[Figure]:
        return [self.company, *self.areas, *(figure for figures in self.by.values() for figure in figures)]


@dataclass(frozen=True, slots=True)
class Report:
    """A goal's figures for a period, the main measure first."""

    goal: Goal
    measures: list[MeasureReport]

    @property
    def main(self) -> MeasureReport:
        return self.measures[0]

    @property
    def company(self) -> Figure:
        return self.main.company

    @property
    def areas(self) -> list[Figure]:
        return self.main.areas

    def of(
        self, measure: str | None = None, area: str | None = None, dimension: tuple[str, str] | None = None
    ) -> Figure:
        """Raises `UnknownSlice`."""
        by_id = {report.measure.id: report for report in self.measures}
        if measure is not None and measure not in by_id:
            raise UnknownSlice(f"measure {measure!r}", list(by_id))
        report = self.main if measure is None else by_id[measure]
        if area is not None:
            return _one(report.areas, lambda f: f.area, area, "area")
        if dimension is not None:
            figures = report.by.get(dimension[0], [])
            return _one(figures, lambda f: f.dimension and f.dimension[1], dimension[1], dimension[0])
        return report.company


def _one(figures: Sequence[Figure], named: Callable[[Figure], str | None], name: str, what: str) -> Figure:
    for figure in figures:
        if named(figure) == name:
            return figure
    raise UnknownSlice(f"{what} {name!r}", [named(figure) or "" for figure in figures])


@dataclass(frozen=True, slots=True)
class Known:
    """What the figures of all measures are made from."""

    period: Period
    now: datetime
    landlord: Landlord
    counts: Mapping[tuple[str, str], list[Count]]
    first_days: Mapping[tuple[str, str], date]
    filling: set[str]
    areas: list[str]

    @property
    def as_of(self) -> date:
        return local_date(self.now)

    @property
    def on(self) -> date:
        """The day of the period by which it is judged: today, or its nearest day."""
        return min(self.period.last, max(self.as_of, self.period.first))

    def in_order(self, areas: Iterable[str]) -> list[str]:
        return sorted(areas, key=lambda a: (a == UNKNOWN_AREA, swedish(self.landlord.name_of(a, self.on))))


def swedish(text: str) -> list[int]:
    """A key that puts å, ä and ö last: Postgres and Python know no Swedish here."""
    return [
        SWEDISH_LAST.find(letter) + 0x110000 if letter in SWEDISH_LAST else ord(letter) for letter in text.casefold()
    ]
