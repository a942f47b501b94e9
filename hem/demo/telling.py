"""How the made-up landlord's systems tell what happened: events with a source, an id and a moment of their own.

Seeded like the rest: one system tells the same events with the same ids every time.
"""

import random
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from schemas.event import Event, EventData
from schemas.withdrawal import EventWithdrawn

STOCKHOLM = ZoneInfo("Europe/Stockholm")
SOURCES = "urn:vatterhem:made-up:"
"""How the source of everything that is made up begins."""
AGAIN = 0.02
"""The share of events that come twice, as from a system that did not hear the answer."""


class Teller:
    """One system of the made-up landlord. `events` are in the order told; all are history: nobody is written to.

    `named`: what the ids are named for, where two tell for one source.
    """

    def __init__(self, system: str, *, named: str | None = None) -> None:
        self.named = named or system
        self.source = f"{SOURCES}{system}"
        self.rng = random.Random(f"{self.named} 2018-2020")
        self.events: list[Event[EventData]] = []
        self._told = 0

    def tell(self, data: EventData, on: date, *, subject: str | None = None) -> str:
        """Tell it on a day, at some hour of work. Returns the event's id."""
        self._told += 1
        event = Event.of(
            data,
            id=f"made-up-{self.named}-{self._told:05d}",
            source=self.source,
            time=datetime.combine(on, time(7 + self._told % 10, self._told % 60), STOCKHOLM),
            subject=subject,
            history=True,
        )
        self.events += [event, event] if self.rng.random() < AGAIN else [event]
        return event.id

    def say(self, model: type[EventData], on: date, **data: Any) -> str:
        """Tell what `data` says as an event of type `model`. Returns its id."""
        return self.tell(model.model_validate(data), on)

    def take_back(self, event_id: str, subject: str, on: date) -> None:
        """Say that an event should never have been sent."""
        withdrawal = EventWithdrawn(withdrawn_source=self.source, withdrawn_id=event_id, reason="registered_in_error")
        self.tell(withdrawal, on, subject=subject)


def as_sent(event: Event[EventData]) -> dict[str, Any]:
    """The event as a publisher sends it, in structured mode."""
    return {
        "specversion": "1.0",
        "id": event.id,
        "source": event.source,
        "type": event.type,
        "subject": event.subject,
        "time": event.time.isoformat(),
        "datacontenttype": "application/json",
        "history": event.history,
        "data": orjson.loads(event.data.json_bytes()),
    }


def weekdays(first: date, last: date, weekday: int, *, every: int = 1) -> Iterator[date]:
    """Each `weekday` (0 is Monday) from `first` to `last`, or each second of them, and so on. July is left out."""
    day = first + timedelta(days=(weekday - first.weekday()) % 7)
    while day <= last:
        if day.month != 7:
            yield day
        day += timedelta(weeks=every)


def spread(rng: random.Random, count: int, first: date, last: date) -> list[date]:
    """`count` days of work between the two, in order."""
    days = [first + timedelta(days=rng.randint(0, (last - first).days)) for _ in range(count)]
    return sorted(
        day - timedelta(days=max(0, day.weekday() - 4)) if day > first + timedelta(days=1) else day for day in days
    )


def shared_out(rng: random.Random, total: int, weights: Sequence[float]) -> list[int]:
    """`total` in parts about as large as the weights; they sum to it."""
    parts = [0] * len(weights)
    for chosen in rng.choices(range(len(weights)), weights, k=total):
        parts[chosen] += 1
    return parts
