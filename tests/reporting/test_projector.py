"""The projector on real Kafka and Postgres: whatever order, repetition or fault, the figure of the facts."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import date, timedelta
from random import Random
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from schemas.event import Event
from schemas.topics import TOPICS
from services.chassis.service import Service
from services.chassis.testkit import OPERATOR, Bus, MovableClock, Running, Start, eventually, running, settings_for
from services.reporting import projection, projector
from services.reporting.app import service
from services.reporting.projector import Listener
from tests.reporting.landlord import (
    NOON,
    Landlord,
    Settled,
    cancelled,
    ends,
    failed,
    figure,
    moved_in,
    offered_to,
    send_to,
    withdraw,
)

NewDatabase = Callable[[Service], Awaitable[str]]
Counts = tuple[int | None, int | None]


async def counts(reporting: Running, area: str = "oxnehaga") -> Counts:
    found = await figure(reporting, area)
    return found["numerator"], found["denominator"]


async def test_duplicates_count_once(bus: Bus, start: Start, landlord: Landlord, settled: Settled) -> None:
    reporting = await start(service)
    await landlord.area()
    for _ in range(3):
        await landlord.households(9, of=10)
        await settled(reporting)  # a repetition in a later batch too
    assert await counts(reporting) == (9, 10)


async def test_a_duplicate_that_was_forgotten_is_caught_by_the_table(
    bus: Bus, start: Start, landlord: Landlord, settled: Settled, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.reporting.projection.Recent.__contains__", lambda self, key: False)
    reporting = await start(service)
    await landlord.area()
    for _ in range(2):
        await landlord.households(9, of=10)
        await settled(reporting)
    assert await counts(reporting) == (9, 10)


async def test_offers_may_come_before_move_ins(bus: Bus, start: Start, landlord: Landlord, settled: Settled) -> None:
    reporting = await start(service)
    for number in range(6):
        await bus.send(offered_to(number))
    await settled(reporting)
    assert (await figure(reporting, None))["status"] == "no_data"
    await landlord.area()
    for number in range(6):
        await bus.send(moved_in(number))
    await settled(reporting)
    assert await counts(reporting) == (6, 6)


async def test_a_late_move_in_lands_in_its_own_year(start: Start, landlord: Landlord, settled: Settled) -> None:
    reporting = await start(service)
    await landlord.area()
    await landlord.households(5, of=5, on=date(2020, 2, 1))
    await settled(reporting)
    await landlord.households(6, of=6, first=10, on=date(2019, 12, 31))
    await settled(reporting)
    assert await counts(reporting) == (6, 6)
    assert (await figure(reporting, period="2020"))["denominator"] == 5


async def test_a_correction_moves_a_household(bus: Bus, start: Start, landlord: Landlord, settled: Settled) -> None:
    reporting = await start(service)
    await landlord.area()
    await landlord.area("raslatt", "Råslätt", target=None, programme=False)
    await landlord.households(10, of=10)
    await bus.send(moved_in(0, area="raslatt", id="correction", time=NOON + timedelta(hours=1)))
    await bus.send(moved_in(1, area="raslatt", id="older", time=NOON - timedelta(hours=1)))
    await settled(reporting)
    assert await counts(reporting) == (9, 9)
    assert (await figure(reporting, "raslatt"))["status"] == "suppressed"


async def test_a_withdrawal_takes_back_before_and_after(
    bus: Bus, start: Start, landlord: Landlord, settled: Settled
) -> None:
    reporting = await start(service)
    await landlord.area()
    await landlord.households(10, of=10)
    await settled(reporting)
    await withdraw(bus, moved_in(0))
    await withdraw(bus, offered_to(1))
    await withdraw(bus, moved_in(50))  # not come yet
    await settled(reporting)
    assert await counts(reporting) == (8, 9)
    await bus.send(moved_in(50), offered_to(50))
    await settled(reporting)
    assert await counts(reporting) == (8, 9)
    assert await reporting.ctx.db.pool.fetchval("select count(*) from early_withdrawal") == 0


async def test_withdrawing_a_failure_under_another_key_restores_the_offer(
    bus: Bus, start: Start, landlord: Landlord, settled: Settled
) -> None:
    reporting = await start(service)
    await landlord.area()
    await landlord.households(10, of=10)
    await bus.send(failed(0))
    await settled(reporting)
    assert await counts(reporting) == (9, 10)
    await withdraw(bus, failed(0))
    await settled(reporting)
    assert await counts(reporting) == (10, 10)


async def test_cancelled_before_it_moved_in(bus: Bus, start: Start, landlord: Landlord, settled: Settled) -> None:
    reporting = await start(service)
    await landlord.area()
    await bus.send(cancelled(0))
    await settled(reporting)
    await landlord.households(10, of=10)
    await settled(reporting)
    assert await counts(reporting) == (9, 9)


async def test_two_replicas_share_the_partitions_and_agree(
    bus: Bus, start: Start, landlord: Landlord, settled: Settled
) -> None:
    one = await start(service, batch=7)
    await landlord.area()
    await landlord.households(30, of=40)
    two = await start(service, database_url=one.settings.database_url, batch=7)
    for number in [*range(40, 80), *range(20, 30), *range(60, 70)]:  # some of it twice, half in the wrong order
        first, second = moved_in(number), offered_to(number)
        await bus.send(*((first, second) if number % 2 else (second, first)))
    await settled(one)
    assert await counts(one) == await counts(two) == (80 - 10, 80)
    shared = await eventually("both to have partitions", lambda: _members_with_partitions(bus, one.ctx.group))
    assert shared == 2


async def _members_with_partitions(bus: Bus, group: str) -> int:
    admin = AIOKafkaAdminClient(bootstrap_servers=bus.servers)
    await admin.start()
    try:
        (described,) = await admin.describe_consumer_groups([group])
        members = described.groups[0][5]
        return 2 if sum(len(member[4]) > 8 for member in members) == 2 else 0
    finally:
        await admin.close()


async def test_any_shuffle_gives_what_an_independent_recount_gives(
    bus: Bus, start: Start, landlord: Landlord, settled: Settled
) -> None:
    random = Random(3)
    reporting = await start(service, batch=50)
    await landlord.area()
    events: list[Event[Any]] = []
    for number in range(120):
        events.append(moved_in(number, on=date(2019, 1, 1) + timedelta(days=random.randrange(500))))
        if random.random() < 0.8:
            events.append(offered_to(number))
        if random.random() < 0.1:
            events.append(cancelled(number))
        if random.random() < 0.1:
            events.append(failed(number, after=timedelta(days=random.choice([1, 3]))))
    taken_back = random.sample(events, 15)
    sent = [*events, *random.sample(events, 40)]
    random.shuffle(sent)
    for event in sent:
        await bus.send(event)
    for event in taken_back:
        await withdraw(bus, event)
    await settled(reporting)
    assert await counts(reporting) == recount([e for e in events if e not in taken_back])


def recount(events: Iterable[Event[Any]]) -> Counts:
    """Numerator and denominator of 2019, counted the simple way."""
    by_name: dict[str, dict[str, Event[Any]]] = {}
    for event in events:
        name = type(event.data).__name__
        about = event.data.about if name == "NotificationFailed" else event.subject
        by_name.setdefault(name, {})[about] = event
    moved, offers = by_name["TenantMovedIn"], by_name["HousingIntroductionOffered"]
    cohort = {t for t, e in moved.items() if e.data.moved_in_on.year == 2019} - by_name["MoveInCancelled"].keys()
    bounced = {t for t, e in by_name["NotificationFailed"].items() if t in offers and e.time > offers[t].time}
    return len((cohort & offers.keys()) - bounced), len(cohort)


async def test_a_rebuild_gives_the_same_figures(bus: Bus, start: Start, landlord: Landlord, settled: Settled) -> None:
    reporting = await start(service)
    await landlord.area()
    await landlord.households(18, of=20)
    await withdraw(bus, moved_in(3))
    await bus.send(failed(4))
    await settled(reporting)
    before = await reporting.client.get("/api/goals", params={"period": "2019"})
    await reporting.ctx.db.pool.execute("update rollup set numerator = 0")

    answer = await reporting.client.post("/ops/reporting/rebuild", headers=OPERATOR)
    assert answer.status_code == 202

    async def done() -> bool:
        state = (await reporting.client.get("/ops/reporting/rebuild", headers=OPERATOR)).json()
        assert 0 <= state["read"] <= state["of"] == sum((await ends(bus)).values())
        return bool(state["state"] == "done")

    await eventually("the rebuild to end", done)
    after = await reporting.client.get("/api/goals", params={"period": "2019"})
    assert before.json() == after.json()
    assert before.json()[0]["numerator"] == 16


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


@pytest.mark.parametrize("where", ["decode", "merge"])
async def test_a_record_that_spoils_its_batch_is_parked_alone(
    start: Start, landlord: Landlord, settled: Settled, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    real = getattr(projection, "decode" if where == "decode" else "place")

    def broken(first: Any, *rest: Any) -> Any:
        if first.key == b"t3" if where == "decode" else "in-3" in str(first):
            raise RuntimeError("a defect of ours")
        return real(first, *rest)

    monkeypatch.setattr(projection, "decode" if where == "decode" else "place", broken)
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
        await tx.execute("truncate fact, subject_state, rollup")
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
