"""Nobody who isn't signed in can work out what isn't shown, from all that has been published; nobody who is sees too few."""

import asyncio
import random
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from schemas.event import Event
from schemas.governance import AreaDefined, ProgrammeStarted
from services.chassis.testkit import OPERATOR, Bus, MovableClock, Running, Start
from services.reporting.app import service
from services.reporting.domain import disclosure
from tests.reporting.attacker import Attack, Public, look
from tests.reporting.landlord import Settled, moved_in, offered_to

PERIODS = ("2019-01", "2019-02", "2019-03", "2019-Q1", "2019-04", "2019-06", "2019-Q2", "2019-Q3", "2019")
RAN = {
    "a0": date(2019, 1, 1),
    "a1": date(2019, 1, 1),
    "a2": date(2019, 1, 1),
    "a3": date(2019, 1, 1),
    "a4": date(2019, 2, 12),
}
AREAS = [*RAN, "a5", "a6"]
MIN_N = 5


async def a_landlord(bus: Bus, seed: int) -> None:
    """Seven areas, in most months with few that move in; four with the programme all the year, one from February on."""
    rng = random.Random(seed)
    for area in AREAS:
        data = AreaDefined(area_id=area, name=area.upper(), municipality_code="0680", valid_from=date(2010, 1, 1))
        await bus.publish(data)
    for area, first in RAN.items():
        await bus.publish(ProgrammeStarted(programme="housing_introduction", area_id=area, from_=first))
    events: list[Event[Any]] = []
    number = 0
    for area in AREAS:
        for month in range(1, 13):
            for _ in range(rng.choice((0, 1, 1, 2, 3, 4, 6, 8))):
                number += 1
                on = date(2019, month, rng.randint(1, 28))
                events.append(moved_in(number, on=on, area=area))
                if rng.random() < 0.7:
                    events.append(offered_to(number, on=on, area=area))
    for start in range(0, len(events), 100):
        await asyncio.gather(*(bus.send(event) for event in events[start : start + 100]))


async def publish_all(
    start: Start, bus: Bus, clock: MovableClock, settled: Settled, seed: int
) -> tuple[Running, Public]:
    """The periods published one after the other, a day between, and all that a visitor has then seen."""
    clock.set(datetime(2020, 2, 1, 12, tzinfo=UTC))
    await a_landlord(bus, seed)
    reporting = await start(service, public_figures="published")
    await settled(reporting)
    for period in PERIODS:
        answer = await reporting.client.post(f"/publications/{period}/publish", data={"sure": "yes"}, headers=OPERATOR)
        assert answer.status_code == 303, answer.text
        clock.move(timedelta(days=1))
    public = Public()
    await look(reporting.client, public, PERIODS, [date(2020, 2, 1) + timedelta(days=n) for n in (2, len(PERIODS))])
    return reporting, public


@pytest.mark.parametrize("seed", [1, 2])
async def test_nothing_hidden_can_be_worked_out(
    start: Start, bus: Bus, clock: MovableClock, settled: Settled, seed: int
) -> None:
    _, public = await publish_all(start, bus, clock, settled, seed)
    assert len(public.hidden) > 20
    assert sum(pairs != [(0, 0)] for pairs in public.shown.values()) > 20
    for (goal, period), pairs in public.on_pages.items():
        told = {pair for where, those in public.shown.items() if where[:2] == (goal, period) for pair in those}
        assert pairs <= told, f"the page of {goal} {period} says {pairs - told}"
    assert Attack(public, 2019, RAN).worked_out(MIN_N) == []


async def test_the_attack_finds_what_is_hidden_alone(
    start: Start, bus: Bus, clock: MovableClock, settled: Settled, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disclosure, "complement", lambda known, choice: choice)
    _, public = await publish_all(start, bus, clock, settled, 1)
    assert len(Attack(public, 2019, RAN).worked_out(MIN_N)) > 10
