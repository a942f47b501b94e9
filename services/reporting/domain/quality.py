"""What may be wrong with an event that can be read all the same, and with a system that isn't heard. Pure.

Such an event counts like any other and is never dropped: what is found is shown, with what its sender can do.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise
from statistics import median
from typing import Any, NamedTuple, get_args

from schemas.catalogue import MODELS
from services.chassis.clock import local_date
from services.reporting.domain.facts import Fact, Identity, identity, precedence, withdrawn_among

CLOCK_TOLERANCE = timedelta(minutes=5)
EARLIEST = date(1950, 1, 1)
EARLIEST_TIME = datetime(1950, 1, 1, tzinfo=UTC)
SOON = timedelta(days=400)  # what has happened may be told of some months ahead
PLANNED = timedelta(days=40 * 365)
PLANS = frozenset(
    {
        "planned_start_on",
        "due_on",
        "opens_on",
        "closes_on",
        "window_from",
        "window_to",
        "valid_from",
        "valid_to",
        "from",
    }
)
"""Fields of what is to be, by their names in the event: far ahead is no fault, nor is a beginning long ago."""
RHYTHM = 12  # pauses that say how often a system is usually heard
ENOUGH = 4  # pauses before anything is usual


class Kind(StrEnum):
    """What was found in an event."""

    IMPOSSIBLE_DATE = "impossible_date"  # a day that can't be meant
    CLOCK_AHEAD = "clock_ahead"  # it says that it happened after we had it


class Finding(NamedTuple):
    """One thing found in one event. `field`: of its data, or `time`. `said`: what stood there. `received`: when it came."""

    source: str
    event_id: str
    kind: Kind
    field: str
    said: str
    type: str
    topic: str
    subject: str
    received: datetime


def surely_near(received: datetime) -> date:
    """A day that no event told of at `received` or later is too far ahead by."""
    return min(received.date(), date.max - SOON) + SOON


def may_be_amiss(type: str, time: datetime, received: datetime, data: Mapping[str, Any], *, near: date) -> bool:
    """False where `findings` would find nothing: asked of every event, so that few are looked into. `near`: as given by
    `surely_near` for this event or an earlier one."""
    if time > received or time < EARLIEST_TIME:
        return True
    for attribute, _field in _days_of(type):
        day = data.get(attribute)
        if day is not None and not EARLIEST <= day <= near:
            return True
    return False


def findings(fact: Fact, received: datetime) -> Iterator[Finding]:
    """What may be wrong with an event that came at `received`. The same event gives the same, whenever asked."""
    if fact.time - received > CLOCK_TOLERANCE and not _is_a_day(fact.time, received):
        yield _found(fact, Kind.CLOCK_AHEAD, "time", fact.time.isoformat(), received)
    elif fact.time < EARLIEST_TIME:
        yield _found(fact, Kind.IMPOSSIBLE_DATE, "time", fact.time.isoformat(), received)
    latest = surely_near(received)
    for attribute, field in _days_of(fact.type):
        day = fact.data.get(attribute)
        if day is not None and not EARLIEST <= day <= latest and not _is_possible_plan(field, day, received):
            yield _found(fact, Kind.IMPOSSIBLE_DATE, field, day.isoformat(), received)


def _found(fact: Fact, kind: Kind, field: str, said: str, received: datetime) -> Finding:
    return Finding(fact.source, fact.id, kind, field, said, fact.type, fact.topic, fact.subject, received)


def _is_a_day(time: datetime, received: datetime) -> bool:
    """Whether the time stands for the day it was told on: a whole hour, as of those who know only the day."""
    return time.minute == time.second == time.microsecond == 0 and local_date(time) == local_date(received)


def _is_possible_plan(field: str, day: date, received: datetime) -> bool:
    return field in PLANS and day <= min(received.date(), date.max - PLANNED) + PLANNED


@lru_cache(maxsize=1000)
def _days_of(type: str) -> tuple[tuple[str, str], ...]:
    """(attribute, name in the event) of the fields of a type that hold a day."""
    model = MODELS.get(type)
    if model is None:
        return ()
    return tuple(
        (name, field.alias or name) for name, field in model.model_fields.items() if _holds_a_day(field.annotation)
    )


def _holds_a_day(annotation: Any) -> bool:
    return annotation is date or any(_holds_a_day(part) for part in get_args(annotation))


@dataclass(frozen=True, slots=True)
class Gap:
    """A pause that was longer than usual: the last day before it and the first after (None: it goes on).

    `usual`: days between two times, as they were before it.
    """

    after: date
    until: date | None
    days: int
    usual: float


def gaps(days: Iterable[date], today: date) -> list[Gap]:
    """The pauses of a system that used to be heard more often, by the days it was heard; the latest first.

    A pause is one when it is more than two and a half times the usual one and longer by more than four days: a weekend
    or a holiday is none.
    """
    heard = sorted({day for day in days if day <= today})
    pauses = [(later - earlier).days for earlier, later in pairwise(heard)]
    found: list[Gap] = []
    for number, (after, until) in enumerate(zip(heard, [*heard[1:], None], strict=False)):
        before = pauses[max(number - RHYTHM, 0) : number]
        length = ((until or today) - after).days
        if len(before) >= ENOUGH and _is_long(length, usual := float(median(before))):
            found.append(Gap(after, until, length, usual))
    return found[::-1]


def _is_long(days: int, usual: float) -> bool:
    return days > 2.5 * usual and days > usual + 4


class Heard(StrEnum):
    """How it is with a system that is registered."""

    HEARD = "heard"
    SILENT = "silent"
    NEVER = "never"
    RETIRED = "retired"
    UNREGISTERED = "unregistered"


def interval_of(text: str) -> timedelta:
    """An ISO 8601 duration of days or hours, as `schemas.fields.Interval`: `P7D`, `PT6H`."""
    if text.startswith("PT"):
        return timedelta(hours=int(text[2:-1]))
    return timedelta(days=int(text[1:-1]))


def how_heard(last: datetime | None, interval: str | None, retired: date | None, now: datetime) -> Heard:
    """`interval`: how long it may be silent; None: nobody has registered it. `retired`: its last day, where it has one."""
    if retired is not None and local_date(now) > retired:
        return Heard.RETIRED
    if interval is None:
        return Heard.UNREGISTERED
    if last is None:
        return Heard.NEVER
    return Heard.SILENT if now - last > interval_of(interval) else Heard.HEARD


def mended(facts: Iterable[tuple[Fact, tuple[Any, ...]]]) -> set[Identity]:
    """Those of `facts`, each with what it is about, that are taken back or that another of the same stands in place of."""
    facts = list(facts)
    standing: dict[tuple[Any, ...], Fact] = {}
    for fact, about in facts:
        other = standing.get(about)
        if other is None or precedence(fact) > precedence(other):
            standing[about] = fact
    withdrawn = withdrawn_among(fact for fact, _ in facts)
    return withdrawn | {identity(fact) for fact, about in facts if identity(fact) != identity(standing[about])}
