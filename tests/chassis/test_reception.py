"""Replicas, order, traces and stopping."""

import asyncio
from datetime import date
from typing import Any

from schemas.event import Event
from schemas.governance import ProgrammeStarted
from schemas.notifications import HousingIntroductionOffered
from services.chassis.errors import Unfit
from services.chassis.testkit import (
    OPERATOR,
    Bus,
    MovableClock,
    NewDatabase,
    Running,
    Start,
    eventually,
    running,
    settings_for,
)
from tests.chassis.echo import Echo, MoveIn


async def test_a_trace_goes_on_through_inbox_outbox_and_kafka_each_event_its_own(
    bus: Bus, start: Start, echo: Echo, move_in: MoveIn
) -> None:
    """FastStream's middleware would give a whole batch one new trace."""
    traces = [f"{number:032x}" for number in range(1, 6)]
    for number, trace in enumerate(traces):
        await bus.publish(move_in(f"t-{number}"), traceparent=f"00-{trace}-00000000000000aa-01")
    await bus.publish(move_in("t-junk"), traceparent="junk")
    service = await start(echo.service)
    await service.caught_up(bus)
    found = {e.data.tenancy_id: e.traceparent or "" for e in await bus.events(HousingIntroductionOffered)}
    assert {number: found[f"t-{number}"].split("-")[1] for number in range(5)} == dict(enumerate(traces))
    assert found["t-junk"].split("-")[1] not in traces


async def test_two_replicas_share_the_partitions_and_no_effect_comes_twice(
    bus: Bus, start: Start, echo: Echo, move_in: MoveIn
) -> None:
    first = await start(echo.service)
    sending = asyncio.create_task(publish_all(bus, move_in, 300))
    second = await start(echo.service, database_url=first.settings.database_url)
    await sending
    for replica in (first, second):
        await replica.caught_up(bus)
    counts = await offers_written(first)
    assert counts == {f"t-{n}": 1 for n in range(300)}


async def publish_all(bus: Bus, move_in: MoveIn, count: int) -> None:
    for number in range(count):
        await bus.publish(move_in(f"t-{number}"))


async def offers_written(service: Running) -> dict[str, int]:
    """Tenancy → how many offers stand in the outbox: what the service meant to say, before Kafka may repeat it."""
    rows = await service.ctx.db.pool.fetch("select key, count(*) from outbox group by key")
    return {row["key"]: row["count"] for row in rows}


async def test_a_stop_in_the_middle_of_the_work_loses_nothing_and_doubles_nothing(
    bus: Bus, echo: Echo, move_in: MoveIn, new_database: NewDatabase, clock: MovableClock
) -> None:
    settings = settings_for(echo.service, bus, database_url=await new_database(echo.service))
    await publish_all(bus, move_in, 600)
    async with running(echo.service, settings, clock):

        async def under_way() -> bool:
            return len(echo.seen) >= 20

        await eventually("some work", under_way)
    async with running(echo.service, settings, clock) as again:
        await again.caught_up(bus)
        assert await offers_written(again) == {f"t-{n}": 1 for n in range(600)}


async def test_on_an_ordered_topic_later_events_of_a_key_wait_behind_a_parked_one(
    bus: Bus, start: Start, echo: Echo
) -> None:
    broken = {"yes"}

    def fail(event: Event[Any]) -> None:
        if broken and event.data.from_.month == 1:
            raise Unfit("test", "January can't be handled yet")

    echo.fail = fail
    months = [programme(month) for month in (1, 2, 3)]
    for data in months:
        await bus.publish(data)
    service = await start(echo.service)
    await service.caught_up(bus)

    handled = service.client
    rows = (await handled.get("/ops/notifications/parked", headers=OPERATOR)).json()
    assert [row["reason"] for row in rows] == ["test", "behind", "behind"]

    broken.clear()
    behind = await handled.post(f"/ops/notifications/parked/{rows[1]['id']}/replay", headers=OPERATOR)
    assert behind.status_code == 409
    assert str(rows[0]["id"]) in behind.json()["detail"]
    echo.seen.clear()
    answer = await handled.post(f"/ops/notifications/parked/{rows[0]['id']}/replay", headers=OPERATOR)
    assert answer.json()["followed"] == [row["id"] for row in rows[1:]]
    assert [event.data.from_.month for event in echo.seen] == [1, 2, 3]


def programme(month: int) -> ProgrammeStarted:
    return ProgrammeStarted(programme="housing_introduction", area_id="oxnehaga", from_=date(2019, month, 1))
