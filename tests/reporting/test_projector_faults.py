"""The projector against what goes wrong: garbage, topics made anew, lost places, a database that goes away."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from hem.stack.folder import free_ports
from schemas.topics import TOPICS
from services.chassis.service import Service
from services.chassis.testkit import OPERATOR, Bus, MovableClock, Start, eventually, running, settings_for
from services.reporting import projector
from services.reporting.app import service
from services.reporting.projector import Listener
from services.reporting.service import projection
from tests.reporting.landlord import (
    NOON,
    Landlord,
    Settled,
    counts,
    moved_in,
    send_to,
)

NewDatabase = Callable[[Service], Awaitable[str]]

GARBAGE: list[tuple[bytes | None, list[tuple[str, bytes | None]]]] = [
    (b"\x00\xff garbage", []),
    (b"{}", [("ce_id", None), ("ce_type", b"\xff")]),
    (None, [("ce_specversion", b"1.0"), ("ce_id", b"x")]),
    (b"[]", [("content-type", b"image/png")]),
    (b"", []),
]


async def test_garbage_is_parked_and_later_events_flow(
    bus: Bus, start: Start, landlord: Landlord, settled: Settled
) -> None:
    reporting = await start(service)
    await landlord.area()
    for value, headers in GARBAGE:
        for partition in range(TOPICS["tenancy.events"].partitions):
            await bus.raw("tenancy.events", value, key=b"t1", headers=headers, partition=partition)
    await landlord.households(5, of=5)
    await settled(reporting)
    assert await counts(reporting) == (5, 5)
    rows = (await reporting.client.get("/ops/reporting/parked", headers=OPERATOR)).json()
    assert len(rows) == 4 * len(GARBAGE)
    assert all(row["reason"] and row["detail"] for row in rows)
    copies = await eventually("copies of what is parked", lambda: _copies(bus, 4 * len(GARBAGE)))
    assert copies


async def _copies(bus: Bus, wanted: int) -> bool:
    return len(await bus.records("reporting.dlq")) == wanted


@pytest.mark.parametrize("where", ["decode", "touch"])
async def test_a_record_that_spoils_its_batch_is_parked_alone(
    start: Start, landlord: Landlord, settled: Settled, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    real = getattr(projection, where)

    def broken(first: Any, *rest: Any, **named: Any) -> Any:
        if first.key == b"t3" if where == "decode" else rest[0].id == "in-3":
            raise RuntimeError("a defect of ours")
        return real(first, *rest, **named)

    monkeypatch.setattr(projection, where, broken)
    reporting = await start(service)
    await landlord.area()
    await landlord.households(10, of=10)
    await settled(reporting)
    assert await counts(reporting) == (9, 9)
    rows = (await reporting.client.get("/ops/reporting/parked", headers=OPERATOR)).json()
    assert {(row["key"], row["reason"]) for row in rows} == {("t3", "defect")}
    monkeypatch.undo()
    for row in rows:
        answer = await reporting.client.post(f"/ops/reporting/parked/{row['id']}/replay", headers=OPERATOR)
        assert answer.status_code == 200, answer.text
    assert await counts(reporting) == (10, 10)


async def _remake(bus: Bus, topic: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bus.servers)
    await admin.start()
    try:
        name, partitions = f"{bus.prefix}{topic}", TOPICS[topic].partitions
        await admin.delete_topics([name])

        async def made() -> bool:
            found = await admin.create_topics([NewTopic(name, partitions, 1)])
            return bool(found.topic_errors[0][1] == 0)

        await eventually("the topic to be made anew", made)

        async def led() -> bool:
            (described,) = await admin.describe_topics([name])
            return len(described["partitions"]) == partitions and all(p["leader"] >= 0 for p in described["partitions"])

        await eventually("leaders", led)
    finally:
        await admin.close()


@pytest.mark.parametrize("longer", [False, True])
async def test_a_topic_made_anew_is_an_alarm_and_not_a_jump(
    bus: Bus, landlord: Landlord, settled: Settled, new_database: NewDatabase, longer: bool
) -> None:
    settings = settings_for(service, bus, database_url=await new_database(service))
    clock = MovableClock(NOON)
    async with running(service, settings, clock) as reporting:
        await landlord.area()
        await landlord.households(8, of=8)
        await settled(reporting)
    await _remake(bus, "tenancy.events")
    if longer:
        for number in range(100, 160):
            await bus.send(moved_in(number))

    app = service.app(settings, clock=clock)
    async with app.router.lifespan_context(app):
        ctx = app.state.ctx

        async def alarmed() -> str:
            said = ctx.health.report().get("reporting.projector", "")
            return said if "made anew" in said else ""

        said = await eventually("the alarm", alarmed)
        assert "tenancy.events" in said
        assert "hem rebuild" in said
        assert not ctx.health.ready
        assert await ctx.db.pool.fetchval("select count(*) from fact where topic = 'tenancy.events'") == 8


async def test_nothing_is_read_from_the_position_kafka_believes_in(bus: Bus, landlord: Landlord) -> None:
    """Reverting the pause in `Projector.take` hands out records of the committed position during the assignment."""
    for number in range(50):
        await send_to(bus, "tenancy.events", moved_in(number), partition=0)
    partition = TopicPartition(f"{bus.prefix}tenancy.events", 0)
    group = f"{bus.prefix}trap"
    consumer = AIOKafkaConsumer(bootstrap_servers=bus.servers, group_id=group, enable_auto_commit=False)
    await consumer.start()
    consumer.assign([partition])
    await consumer.commit({partition: 20})
    await consumer.stop()

    consumer = AIOKafkaConsumer(
        bootstrap_servers=bus.servers, group_id=group, enable_auto_commit=False, auto_offset_reset="none"
    )
    taken: list[Any] = []

    class Only(projector.Projector):
        def __init__(self) -> None:
            self._consumer = consumer

        def forget(self) -> None:
            pass

        def _say_how_it_is(self) -> None:
            pass

        def take(self, partitions: list[TopicPartition]) -> None:
            super().take(partitions)
            taken.extend(partitions)

    consumer.subscribe([partition.topic], listener=Listener(Only()))
    await consumer.start()
    try:
        while not taken:
            assert not await consumer.getmany(timeout_ms=50)
        for _ in range(10):
            assert not await consumer.getmany(timeout_ms=50)
        assert consumer.paused() == consumer.assignment()
    finally:
        await consumer.stop()


async def test_a_process_that_lost_its_place_applies_nothing(
    start: Start, landlord: Landlord, settled: Settled, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fence: without it, offsets set back by another process would jump ahead again and facts be lost."""
    monkeypatch.setattr(projector, "IDLE_SECONDS", 3600)  # only the fence can notice
    reporting = await start(service)
    await landlord.area()
    await landlord.households(5, of=5)
    await settled(reporting)
    async with reporting.ctx.db.transaction() as tx:
        await tx.execute("truncate fact, standing, tally")
        await tx.execute("update projection_offset set next_offset = 0, fingerprint = null")
    await landlord.households(35, of=35, first=5)
    await settled(reporting)
    assert await counts(reporting) == (40, 40)


async def test_postgres_away_is_waited_for(
    start: Start, landlord: Landlord, settled: Settled, monkeypatch: pytest.MonkeyPatch
) -> None:
    reporting = await start(service)
    await landlord.area()
    await settled(reporting)
    real = projection.apply
    gone = asyncio.Event()

    async def apply(tx: Any, *args: Any, **more: Any) -> Any:
        if not gone.is_set():
            gone.set()
            await tx.connection.execute("select pg_terminate_backend(pg_backend_pid())")
        return await real(tx, *args, **more)

    monkeypatch.setattr(projector, "apply", apply)
    await landlord.households(5, of=5)
    await settled(reporting)
    assert gone.is_set()
    assert await counts(reporting) == (5, 5)
    assert not (await reporting.client.get("/ops/reporting/parked", headers=OPERATOR)).json()


@pytest.mark.parametrize("away", [True, False])
async def test_kafka_away_and_topics_absent_are_waited_for_in_plain_words(
    bus: Bus, new_database: NewDatabase, away: bool
) -> None:
    servers = f"127.0.0.1:{free_ports(1)[0]}" if away else bus.servers
    elsewhere = Bus(servers, "absent.", bus.producer)
    app = service.app(settings_for(service, elsewhere, database_url=await new_database(service)))
    expected = (
        f"waiting: Kafka at {servers} does not answer"
        if away
        else f"waiting: topics {', '.join(f'absent.{name}' for name in projector.topics()[:3])} and "
        f"{len(projector.topics()) - 3} more are not there: make the topics with `hem topics apply`"
    )
    async with app.router.lifespan_context(app):

        async def said() -> bool:
            return app.state.ctx.health.report().get("reporting.projector") == expected

        await eventually(expected, said)


async def test_a_record_that_the_kafka_client_can_not_decode_is_stepped_over(
    bus: Bus, start: Start, landlord: Landlord, settled: Settled
) -> None:
    reporting = await start(service)
    await landlord.area()
    await landlord.households(5, of=5)
    await settled(reporting)
    await bus.undecodable("tenancy.events", partition=0)
    await landlord.households(30, of=30, first=5)
    await settled(reporting)
    assert await counts(reporting) == (35, 35)
    [row] = (await reporting.client.get("/ops/reporting/parked", headers=OPERATOR)).json()
    assert row["reason"] == "unreadable"
