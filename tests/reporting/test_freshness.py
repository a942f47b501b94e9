"""*systems-connected* against a recount: random registers and random silences, month by month."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from schemas.community import VisitCounted
from schemas.event import Event
from schemas.gateway import PublisherRegistered, PublisherRetired
from services.chassis.testkit import Bus, MovableClock, Start
from services.reporting.app import service
from services.reporting.definitions import load
from services.reporting.domain.periods import Period
from services.reporting.service import figures
from services.reporting.service.shapes import Figure
from tests.reporting.landlord import Settled

STOCKHOLM = ZoneInfo("Europe/Stockholm")
GOAL = load().by_id["systems-connected"]
PUBLISHERS = ["housing", "property", "schools"]
Sides = tuple[int, int]


def history(chance: Random) -> list[Event[Any]]:
    """Three publishers of 2019, registered, changed and retired at random, each heard in bursts."""
    events: list[Event[Any]] = []

    def say(data: Any, at: datetime, source: str = "urn:hem:gateway") -> None:
        events.append(Event.of(data, id=f"e{len(events)}", source=source, time=at, recordedtime=at))

    for publisher in PUBLISHERS:
        sources = [f"urn:{publisher}:{letter}" for letter in "ab"]
        first = date(2019, 1, 1) + timedelta(days=chance.randrange(120))
        for change in range(chance.randint(1, 3)):
            day = first + timedelta(days=70 * change)
            told = PublisherRegistered(
                publisher=publisher,
                sources=tuple(chance.sample(sources, chance.randint(1, 2))),
                expected_interval=chance.choice(["P1D", "P7D", "PT6H", "P30D"]),
                from_=day,
            )
            say(told, _at(chance, day))
        if chance.random() < 0.6:
            gone = first + timedelta(days=chance.randrange(40, 260))
            say(PublisherRetired(publisher=publisher, retired_on=gone), _at(chance, gone))
        for source in sources:
            for _ in range(chance.randint(0, 14)):
                day = date(2019, 1, 1) + timedelta(
                    days=chance.choice([30, 58, 89, 150, 211, 303]) + chance.randrange(20)
                )
                at = _at(chance, day)
                say(VisitCounted(meeting_place_id=f"{source}-{at:%j}", visits=1, on=day), at, source)
    return events


def _at(chance: Random, day: date) -> datetime:
    return datetime.combine(day, time(chance.randrange(1, 22), chance.randrange(60)), UTC)


def recount(events: Sequence[Event[Any]], publisher: str | None, moment: datetime) -> Sides:
    """Sources heard within the interval, and all that are registered: straight over the events."""
    on = moment.astimezone(STOCKHOLM).date()
    fresh = registered = 0
    for name in PUBLISHERS if publisher is None else [publisher]:
        told = [e for e in events if isinstance(e.data, PublisherRegistered) and e.data.publisher == name]
        told = [e for e in told if e.data.from_ <= on]
        if not told:
            continue
        latest = max(told, key=lambda e: e.data.from_).data
        retired = [
            e.data.retired_on for e in events if isinstance(e.data, PublisherRetired) and e.data.publisher == name
        ]
        if any(latest.from_ <= day < on for day in retired):
            continue
        hours = {"P1D": 24, "P7D": 168, "PT6H": 6, "P30D": 720}[latest.expected_interval]
        for source in latest.sources:
            registered += 1
            heard = [
                e.recordedtime for e in events if e.source == source and e.recordedtime and e.recordedtime <= moment
            ]
            fresh += bool(heard) and moment - max(heard) <= timedelta(hours=hours)
    return fresh, registered


@pytest.mark.parametrize("seed", [1, 2])
async def test_every_month_of_every_publisher_is_that_of_the_recount(
    bus: Bus, start: Start, settled: Settled, clock: MovableClock, seed: int
) -> None:
    chance = Random(seed)
    events = history(chance)
    sent = [*events, *chance.sample(events, 10)]
    chance.shuffle(sent)
    reporting = await start(service)
    for event in sent:
        await bus.send(event)
    await settled(reporting)
    seen: set[Sides] = set()
    for period in [Period.year(2019), *Period.year(2019).months()]:
        moment = datetime.combine(period.last + timedelta(days=1), time(), STOCKHOLM) - timedelta(microseconds=1)
        async with reporting.ctx.db.transaction() as tx:
            report = await figures.report(tx.connection, GOAL, period, clock.now())
        found: dict[str | None, Figure] = {f.dimension[1]: f for f in report.main.by["publisher"] if f.dimension}
        found[None] = report.company
        wanted = {p: recount(events, p, moment) for p in (None, *PUBLISHERS)}
        assert {p: (f.tally.numerator, f.tally.denominator) for p, f in found.items()} == {
            p: sides for p, sides in wanted.items() if p is None or sides[1]
        }, period.label
        seen |= set(wanted.values())
    assert len(seen) > 4, "a history that tells little"
