"""Whatever stands in a topic: it is parked, and what comes before, beside and after it flows."""

import json
import os
from typing import Any

import pytest
from aiokafka import TopicPartition
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from schemas.event import Event
from schemas.kafka import to_record
from schemas.notifications import HousingIntroductionOffered
from services.chassis import parked
from services.chassis.consumer import CarefulConsumer, Unreadable
from services.chassis.parked import Arrived
from services.chassis.testkit import OPERATOR, Bus, Running, Start, event_of, eventually
from tests.chassis.echo import Echo, MoveIn


async def parked_rows(service: Running) -> list[dict[str, Any]]:
    return (await service.client.get("/ops/notifications/parked", headers=OPERATOR)).json()


async def test_a_record_that_the_kafka_client_can_not_decode_is_stepped_over(
    bus: Bus, start: Start, echo: Echo, move_in: MoveIn
) -> None:
    """aiokafka raises for all partitions at once, for ever, and loses what it had taken from the others."""
    service = await start(echo.service)
    for number in range(20):
        await bus.publish(move_in(f"before-{number}"))
    await bus.undecodable("tenancy.events", partition=0)
    await bus.undecodable("tenancy.events", partition=1)
    for number in range(40):
        await bus.publish(move_in(f"after-{number}"))
    await service.caught_up(bus)
    assert len({e.data.tenancy_id for e in await bus.events(HousingIntroductionOffered)}) == 60
    assert [row["reason"] for row in await parked_rows(service)] == ["unreadable"] * 2
    assert service.ctx.health.ready


async def test_what_was_taken_from_others_comes_again_when_stepping_over_fails(bus: Bus, move_in: MoveIn) -> None:
    """Keeping the place of what is stepped over needs Postgres, which may be away just then."""
    tried: list[TopicPartition] = []

    async def away_at_second(partition: TopicPartition, _offset: int) -> None:
        tried.append(partition)
        if len(tried) == 2:
            raise ConnectionRefusedError

    keys: list[bytes] = []

    async def send(number: int, partition: int) -> None:
        record = to_record(event_of(move_in(f"t-{number}")))
        await bus.raw("tenancy.events", record.value, key=record.key, headers=record.headers, partition=partition)

    for number in range(20):
        await send(number, partition=number % 4)
    for number in (1, 2):
        await bus.undecodable("tenancy.events", partition=number)
    consumer = careful_consumer(bus, away_at_second)

    async def taken() -> set[bytes]:
        found = await consumer.getmany(timeout_ms=100)
        keys.extend(record.key for records in found.values() for record in records)
        return set(keys)

    async def two_tries() -> bool:
        await taken()
        return len(tried) > 1

    await consumer.start()
    try:
        with pytest.raises(ConnectionRefusedError):
            await eventually("a second try, which fails", two_tries)
        failed = tried[-1]
        consumer.pause(failed)  # so that others are heard from before it is
        for partition in {0, 1, 2, 3} - {failed.partition}:
            await send(100 + partition, partition)

        async def others() -> bool:
            return sum(key.startswith(b"t-10") for key in await taken()) == 3

        await eventually("what came later", others)
        consumer.resume(failed)

        async def everything() -> bool:
            return len(await taken()) == 23 or len(tried) > 2

        await eventually("everything", everything)
    finally:
        await consumer.stop()
    assert len(keys) == len(set(keys)) == 23


def careful_consumer(bus: Bus, unreadable: Unreadable) -> CarefulConsumer:
    consumer = CarefulConsumer(
        unreadable=unreadable,
        bootstrap_servers=bus.servers,
        group_id=f"{bus.prefix}careful",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    consumer.assign([TopicPartition(f"{bus.prefix}tenancy.events", number) for number in range(4)])
    return consumer


Headers = list[tuple[str, bytes | None]]
ODD: dict[str, tuple[bytes, Headers, bytes]] = {
    "binary key": (os.urandom(3000), [], b"garbage"),
    "long key": (b"k" * 100_000, [], b"garbage"),
    "large header": (b"k", [("ce_id", os.urandom(900_000))], b"garbage"),
    "many headers": (b"k", [(f"ce_{n}", b"x" * 1000) for n in range(800)], b"garbage"),
    "large value": (b"k", [], os.urandom(1_000_000)),
    "nuls": (b"k\x00", [("a\x00b", b"\x00")], b"\x00"),
}


@pytest.mark.parametrize("what", list(ODD))
async def test_a_record_of_odd_size_or_bytes_is_parked_and_stops_nothing(
    bus: Bus, start: Start, echo: Echo, move_in: MoveIn, what: str
) -> None:
    key, headers, value = ODD[what]
    await bus.raw("tenancy.events", value, key=key, headers=headers)
    await bus.raw("tenancy.contacts", value, key=key, headers=headers)
    for number in range(10):
        await bus.publish(move_in(f"t-{number}"))
    service = await start(echo.service)
    await service.caught_up(bus)
    assert len(await bus.events(HousingIntroductionOffered)) == 10
    rows = await parked_rows(service)
    assert len(rows) == 2
    for row in rows:
        shown = await service.client.get(f"/ops/notifications/parked/{row['id']}", headers=OPERATOR)
        assert shown.status_code == 200
        assert row["topic"] != "tenancy.contacts" or shown.json()["data"] is None


some_headers = some.lists(some.tuples(some.text(max_size=20), some.none() | some.binary(max_size=50)), max_size=4)


async def test_every_record_can_be_parked(start: Start, echo: Echo) -> None:
    service = await start(echo.service)
    records = []

    @settings(max_examples=80, suppress_health_check=list(HealthCheck), database=None)
    @given(some.none() | some.binary(max_size=600), some_headers, some.none() | some.binary(max_size=200))
    def collect(key: bytes | None, headers: Headers, value: bytes | None) -> None:
        records.append((key, headers, value))

    collect()
    for topic in ("tenancy.events", "tenancy.contacts"):
        for offset, (key, headers, value) in enumerate(records):
            storable = [(name.encode("utf-8", "replace").decode(), content) for name, content in headers]
            async with service.ctx.db.transaction() as tx:
                await parked.park(tx, "notifications", Arrived(topic, 0, offset, key, storable, value), "test", "x")
    assert await service.ctx.db.pool.fetchval("select count(*) from parked") == 2 * len(records)


async def test_an_event_on_another_types_topic_is_parked(bus: Bus, start: Start, echo: Echo, move_in: MoveIn) -> None:
    """A contact written to a kept topic would otherwise be handled there, and parked in clear when that fails."""
    record = to_record(event_of(move_in("t-1")))
    await bus.raw("governance.events", record.value, key=record.key, headers=record.headers)
    service = await start(echo.service)
    await service.caught_up(bus)
    assert [row["reason"] for row in await parked_rows(service)] == ["wrong_topic"]


async def test_a_defect_that_is_an_oserror_is_no_dependency(
    bus: Bus, start: Start, echo: Echo, move_in: MoveIn
) -> None:
    def missing_template(event: Event[Any]) -> None:
        raise FileNotFoundError("letter.html")

    echo.fail = missing_template
    await bus.publish(move_in("t-1"))
    service = await start(echo.service)
    rows = await eventually("the event to be parked", lambda: parked_rows(service))
    assert [(row["reason"], row["detail"]) for row in rows] == [("defect", "FileNotFoundError")]


async def test_no_value_leaves_in_a_span(bus: Bus, start: Start, echo: Echo, move_in: MoveIn) -> None:
    def quote(event: Event[Any]) -> None:
        raise ValueError("Key (email)=(eva@example.org) already exists")

    echo.fail = quote
    exporter = InMemorySpanExporter()
    service = await start(echo.service)
    service.tracing.add_span_processor(SimpleSpanProcessor(exporter))
    await bus.publish(move_in("t-1"))
    await eventually("the event to be parked", lambda: parked_rows(service))
    spans = [json.loads(span.to_json()) for span in exporter.get_finished_spans()]
    assert any(span["status"]["status_code"] == "ERROR" for span in spans)
    assert "eva@example.org" not in json.dumps(spans)
