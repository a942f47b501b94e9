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
    """The rest of a published figure: see `service.figures.Figure`.

    `value`, `spread`, `status`, `trend`: as counted, for staff. `told_…`: as told, where it is shown. `deferred`: the change
    since it was last told is too small to be told by itself. `restated`, `was`: what it was before the restatement.
    `basis`: with the company's figure of a goal about people.
    """

    version: int
    area_name: str | None
    in_programme: bool
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
    deferred: bool = False
    restated: bool = False
    was: Fraction | None = None
    basis: Basis | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A figure of a publication. `counted`: (numerator, denominator) as they stood; `told`: as the publication has them."""

    position: int
    goal: str
    measure: str
    area: str | None
    dimension: tuple[str, str] | None
    shown: bool
    counted: tuple[int, int]
    told: tuple[int, int]
    content: Content


@dataclass(frozen=True, slots=True)
class BehindRow:
    """How many events of a type and source stand behind a published figure of the company; None: not shown."""

    goal: str
    measure: str
    role: str
    type: str
    source: str
    events: int | None
