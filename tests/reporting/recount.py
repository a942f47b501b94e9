"""Every figure recounted the slow way: plain loops over the list of events, for one period and one day at a time.

Nothing of services/reporting is used here, so that an error there can't be made here too. What a goal counts stands in
`recount_work`, `recount_homes`, `recount_areas` and `recount_company`, one function a measure; `README.md` beside them
says how definitions are read that leave something open.

An event counts once (`source`, `id`), unless it is a test or has been taken back. Of those that say the same thing, the
one that corrects the others holds. What is dated after the day that figures are true for says nothing yet.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from fractions import Fraction
from statistics import median
from typing import Any, Literal, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from schemas.event import Event, EventData
from schemas.governance import AreaDefined
from schemas.withdrawal import EventWithdrawn

Data = TypeVar("Data", bound=EventData)
STOCKHOLM = ZoneInfo("Europe/Stockholm")
Kind = Literal["share", "count", "difference", "median"]
NOBODY = "unknown"
"""The area that stands for all that nobody has defined."""

# The field that dates an event. Where there is none of them, it is its year or its own time.
DATED = (
    "moved_in_on", "offered_on", "held_on", "started_on", "completed_on", "sold_on", "registered_on", "let_on",
    "published_on", "set_on", "awarded_on", "ended_on", "opened_on", "closed_on", "from_", "on",
    "counted_on", "revised_on", "planned_on", "sent_on", "made_on", "answered_on", "proposed_on", "accepted_on",
    "signed_on", "cancelled_on", "vacated_on", "declined_on", "withdrawn_on", "interrupted_on", "moved_out_on", "retired_on",
    "replaced_on",
)  # fmt: skip


class Sent(NamedTuple):
    """An event and the topic it went to."""

    topic: str
    event: Event[Any]


@dataclass(frozen=True)
class Period:
    """First and last day."""

    first: date
    last: date

    @staticmethod
    def of(label: str) -> "Period":
        year, _, part = label.partition("-")
        months = range(1, 13)
        if part.startswith("Q"):
            months = range(3 * int(part[1]) - 2, 3 * int(part[1]) + 1)
        elif part:
            months = range(int(part), int(part) + 1)
        after = date(int(year) + months[-1] // 12, months[-1] % 12 + 1, 1)
        return Period(date(int(year), months[0], 1), after - timedelta(days=1))

    def __contains__(self, day: date | None) -> bool:
        return day is not None and self.first <= day <= self.last


@dataclass(frozen=True)
class Row:
    """One thing that counts: `top` of `bottom` (none where there is nothing to divide by), or how many `days` it took.

    `area`: none, where it is of no area. `ours`: whether it belongs to the company's figure.
    """

    top: Fraction | int = 1
    bottom: Fraction | int | None = None
    area: str | None = None
    by: tuple[tuple[str, str], ...] = ()
    ours: bool = True
    days: int | None = None


@dataclass(frozen=True)
class Counted:
    """What a figure should be. `value`: none where there is nothing to say."""

    numerator: Fraction
    denominator: Fraction | None
    value: Fraction | None


class World:
    """What stands, looked at on a day."""

    def __init__(self, standing: Sequence[Event[Any]], as_of: date) -> None:
        self.as_of = as_of
        self._standing = standing
        self._said: dict[type[EventData], list[Event[Any]]] = defaultdict(list)
        for event in standing:
            self._said[type(event.data)].append(event)

    def until(self, day: date) -> "World":
        """The same, looked at earlier."""
        return World(self._standing, min(day, self.as_of))

    def events(self, model: type[Data]) -> list[Event[Data]]:
        """Those of a type that are dated up to the day, in order of time."""
        return [event for event in self._said[model] if day_of(event) <= self.as_of]

    def ever_events(self, model: type[Data]) -> list[Event[Data]]:
        return list(self._said[model])

    def of(self, model: type[Data]) -> list[Data]:
        """What they say."""
        return [event.data for event in self.events(model)]

    def ever(self, model: type[Data]) -> list[Data]:
        """What those say that only describe, link, cancel or revoke: it holds whenever they are dated."""
        return [event.data for event in self._said[model]]

    def areas(self) -> set[str]:
        """Those that anybody has defined."""
        return {area.area_id for area in self.ever(AreaDefined)}


def standing(sent: Iterable[Sent]) -> list[Event[Any]]:
    """What holds of all that was sent, in order of time."""
    once: dict[tuple[str, str], Sent] = {}
    for one in sent:
        if not one.event.test:
            once.setdefault((one.event.source, one.event.id), one)
    taken_back = {
        (one.topic, one.event.subject, one.event.source, one.event.data.withdrawn_id)
        for one in once.values()
        if isinstance(one.event.data, EventWithdrawn) and one.event.data.withdrawn_source == one.event.source
    }
    holds: dict[Any, Event[Any]] = {}
    for topic, event in once.values():
        if isinstance(event.data, EventWithdrawn):
            continue
        if (topic, event.subject, event.source, event.id) in taken_back:
            continue
        # A later revision of an observation is told beside the earlier one, which held until it was published.
        about = (event.type, event.data.identity, getattr(event.data, "revision", None))
        if about not in holds or strength(event) > strength(holds[about]):
            holds[about] = event
    return sorted(holds.values(), key=lambda event: (event.time, event.id))


def strength(event: Event[Any]) -> tuple[int, datetime, str, str]:
    """Of two that say the same thing, the stronger holds."""
    return (-1 if event.sequence is None else event.sequence, event.time, event.id, event.source)


def local_day(moment: datetime) -> date:
    return moment.astimezone(STOCKHOLM).date()


def day_of(event: Event[Any]) -> date:
    """The day an event is about."""
    for name in DATED:
        value = getattr(event.data, name, None)
        if value is not None:
            return value
    month = getattr(event.data, "month", None)
    if month is not None:
        return Period.of(month).first
    year = getattr(event.data, "year", None)
    return local_day(event.time) if year is None else date(year, 1, 1)


def exact(number: float) -> Fraction:
    """A number as it was written."""
    return Fraction(str(number))


Count = Callable[[World, Period], Iterable[Row]]


@dataclass
class Measures:
    """(goal, measure) → its kind and how it is counted."""

    known: dict[tuple[str, str], tuple[Kind, Count]] = field(default_factory=dict)

    def counts(self, goal: str, measure: str, kind: Kind) -> Callable[[Count], Count]:
        def enter(count: Count) -> Count:
            assert (goal, measure) not in self.known
            self.known[goal, measure] = (kind, count)
            return count

        return enter


MEASURES = Measures()
counts = MEASURES.counts

Slice = tuple[str, str] | None
"""None: the company; ("area", "oxnehaga"); ("occupation", "7111")."""


class Recount:
    """All figures of what was `sent`, as they are true for a day."""

    def __init__(self, sent: Iterable[Sent], as_of: date) -> None:
        self._world = World(standing(sent), as_of)

    def figures(self, goal: str, measure: str, period: str | Period) -> dict[Slice, Counted]:
        """Every slice of a measure that there is anything to say about, and the company always."""
        kind, count = MEASURES.known[goal, measure]
        rows: dict[Slice, list[Row]] = defaultdict(list)
        rows[None] = []
        known = self._world.areas()
        for row in count(self._world, Period.of(period) if isinstance(period, str) else period):
            if row.ours:
                rows[None].append(row)
            if row.area is not None:
                rows["area", row.area if row.area in known else NOBODY].append(row)
            for dimension in row.by:
                rows[dimension].append(row)
        return {slice: counted(kind, of) for slice, of in rows.items()}

    def told(self, goal: str, measure: str, last: date) -> bool:
        """Whether anything, be it zero, was said of a measure up to a day."""
        _, count = MEASURES.known[goal, measure]
        return any(True for _ in count(self._world, Period(date(1900, 1, 1), last)))


def counted(kind: Kind, rows: Sequence[Row]) -> Counted:
    top = sum((Fraction(row.top) for row in rows), Fraction())
    bottom = sum((Fraction(row.bottom) for row in rows if row.bottom is not None), Fraction())
    match kind:
        case "count":
            return Counted(top, None, top)
        case "median":
            days = [row.days for row in rows if row.days is not None]
            return Counted(Fraction(len(days)), None, Fraction(median(days)) if days else None)
        case "share":
            return Counted(top, bottom, 100 * top / bottom if bottom else None)
        case "difference":
            return Counted(top, None, top if rows else None)
