"""What a publication says of itself, and what it says of a figure that has been changed."""

from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from typing import Literal, get_args

from services.reporting.domain.figures import Break, Point, Status
from services.reporting.domain.landlord import Target
from services.reporting.domain.periods import Period

Reason = Literal["late_events", "corrected_events", "definition_changed", "source_revised", "error", "other"]
REASONS: tuple[Reason, ...] = get_args(Reason)


@dataclass(frozen=True, slots=True)
class Signature:
    """Who did something: the name and the role that their session shows. Never contact details."""

    by: str
    role: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Publication:
    """What was made public of a period at one time. `reason`: of a change after the period was closed."""

    id: int
    period: Period
    number: int
    as_of: datetime
    published: Signature
    reason: Reason | None = None
    approved: Signature | None = None


@dataclass(frozen=True, slots=True)
class Basis:
    """What a publication's table was made by, so that later ones can be checked against it. See `tables.Table`.

    `within`: for each area of a goal with a programme, (numerator, denominator) of where and when it ran.
    """

    population: str
    threshold: int
    sensitive: bool
    is_share: bool
    closing: bool
    within: dict[str, tuple[int, int]] | None


@dataclass(frozen=True, slots=True)
class Content:
    """The rest of a published figure: see `service.shapes.Figure`.

    `tally` (numerator, denominator), `value`, …: as counted, for staff. `told_…`: as told, where it is shown. `deferred`: the change
    since it was last told is too small to be told by itself. `changed`, `was`: it isn't what the
    period's publication before this one told.
    `basis`: with the company's figure of a goal about people.
    """

    version: int
    area_name: str | None
    in_programme: bool
    tally: tuple[int, int]
    told_tally: tuple[int, int]
    status: Status
    told_status: Status
    value: Fraction | None
    told_value: Fraction | None
    spread: tuple[tuple[int, int], ...]
    told_spread: tuple[tuple[int, int], ...]
    before: Fraction | None
    told_before: Fraction | None
    target: Target | None
    targets: tuple[Target, ...]
    provisional: bool
    ripe_on: date | None
    trend: tuple[Point, ...]
    breaks: tuple[Break, ...]
    flags: tuple[str, ...]
    range: tuple[Fraction, Fraction] | None
    deferred: bool = False
    changed: bool = False
    was: Fraction | None = None
    basis: Basis | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A figure of a publication. `people`: it is about people. `told`: (how many achieved, how many there are), as the
    publication has them; of a figure that isn't `shown`, what it would have told."""

    position: int
    goal: str
    measure: str
    area: str | None
    dimension: tuple[str, str] | None
    people: bool
    shown: bool
    told: tuple[int, int]
    content: Content

    @property
    def slice(self) -> tuple[str, ...]:
        return slice_of(self.area, self.dimension)


@dataclass(frozen=True, slots=True)
class Told:
    """Of a publication's figure about people, what later ones are checked against. `basis`: with the company's."""

    publication: int
    goal: str
    measure: str
    slice: tuple[str, ...]
    shown: bool
    told: tuple[int, int]
    basis: Basis | None


@dataclass(frozen=True, slots=True)
class Behind:
    """How many events of a type and source stand behind a published figure of the company, and whether that is told."""

    goal: str
    measure: str
    role: str
    type: str
    source: str
    events: int
    shown: bool


def slice_of(area: str | None, dimension: tuple[str, str] | None) -> tuple[str, ...]:
    """Whom a figure is for, as `tables.Slice`."""
    return ("area", area) if area is not None else dimension or ()
