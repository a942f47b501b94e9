"""Publishers' own topics when things go wrong: hostile records, parts that are away, topics that lose what they had."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition

from schemas.tenancy import TenantMovedIn
from services.chassis.consumer import CarefulConsumer
from services.chassis.testkit import OPERATOR, Bus, Running, Start, eventually
from services.gateway.app import service
from services.gateway.domain.inbound import PARTITIONS, config
from tests.gateway.conftest import Cable
from tests.gateway.inbound_kit import binary, parked, register, structured, topic_made

Make = Callable[..., dict[str, Any]]


@asynccontextmanager
async def admin_of(bus: Bus) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bus.servers)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


async def send(bus: Bus, topic: str, event: dict[str, Any], *, partition: int | None = None) -> tuple[int, int]:
    value, headers = binary(event)
    return await bus.raw(topic, value, headers=headers, partition=partition)


async def test_no_record_stops_those_behind_it(gateway: Running, bus: Bus, move_in: Make, contact: Make) -> None:
    await register(gateway)
    topic = await topic_made(gateway, bus)
    value, headers = binary(move_in())
    await bus.raw(topic, b"\xff\xfe", headers=[("content-type", None), ("ce_id", b"\xff")], partition=0)
    await bus.raw(topic, None, headers=headers, key=b"t-1", partition=0)
    await bus.raw(topic, value, headers=[*headers, ("ce_sequence", None)], partition=0)
    await bus.raw(topic, value, headers=headers, key=b"another", partition=0)
    await bus.raw(topic, b"[]", headers=[("content-type", b"application/cloudevents-batch+json")], partition=0)
    await bus.undecodable(topic)
    secret = contact(email="amina.testsson@example.se")
    value, headers = structured(secret | {"data": secret["data"] | {"language": "not a language at all"}})
    await bus.raw(topic, value, headers=headers, partition=0)
    value, headers = binary(secret | {"subject": "ref-2", "id": "amina.testsson@example.se", "source": "urn:amina"})
    ages_ago = -(10**16)
    await bus.producer.send_and_wait(f"{bus.prefix}{topic}", value, headers=headers, partition=0, timestamp_ms=ages_ago)
    await send(bus, topic, move_in("t-9"), partition=0)

    await bus.expect(TenantMovedIn, 1, tenancy_id="t-9")
    found = await parked(gateway, count=8)
    assert [row["offset"] for row in found] == list(range(8))
    assert [row["reason"] for row in found] == [
        "unreadable", "invalid", "unreadable", "invalid", "media-type", "undecodable", "invalid", "invalid",
    ]  # fmt: skip
    assert [row["errors"][0][0] for row in found if row["errors"]][1:] == [
        "data", "sequence", "key", "content-type", "data.language", "subject",
    ]  # fmt: skip
    assert "amina" not in str(found)


async def test_nobody_sends_by_kafka_what_is_another_s_or_hem_s_own(
    gateway: Running, bus: Bus, move_in: Make, erasure: Make
) -> None:
    await register(gateway, "procurement")
    await register(gateway, allow=("se.vatterhem.TenantMovedIn.v1",))
    topic = await topic_made(gateway, bus)
    await send(bus, topic, move_in("t-1", source="urn:test:procurement"), partition=0)
    await send(bus, topic, move_in("t-2", source="urn:hem:gateway"), partition=0)
    await send(bus, topic, move_in("t-3", source="urn:test:free"), partition=0)
    await send(bus, topic, erasure(), partition=0)
    offered = {"tenancy_id": "t-1", "area_id": "oxnehaga", "offered_on": "2019-03-01", "channel": "email"}
    own = move_in(type="se.vatterhem.HousingIntroductionOffered.v1") | {"data": offered}
    await send(bus, topic, own, partition=0)
    assert [row["reason"] for row in await parked(gateway, count=5)] == [
        "source-not-allowed", "source-not-allowed", "source-not-allowed", "type-not-allowed", "type-not-allowed",
    ]  # fmt: skip
    assert not await gateway.ctx.db.pool.fetchval("select count(*) from identity")


async def test_what_is_away_is_waited_for_and_what_comes_twice_counts_once(
    gateway: Running, bus: Bus, *, cable: Cable, move_in: Make, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object) -> None:
        raise KafkaError

    await register(gateway)
    topic = await topic_made(gateway, bus)
    monkeypatch.setattr(CarefulConsumer, "commit", refuse)
    async with cable.pulled():
        await send(bus, topic, move_in("t-1", id="one"))
        await send(bus, topic, move_in("t-2", data={"moved_in_on": "yesterday"}))
    await bus.expect(TenantMovedIn, 1)
    [bad] = await parked(gateway)
    assert bad["reason"] == "invalid"

    # Nothing was committed to Kafka: whoever reads next gets all of it again.
    monkeypatch.undo()
    await start(service, database_url=gateway.settings.database_url)
    await send(bus, topic, move_in("t-3"))
    await bus.expect(TenantMovedIn, 1, tenancy_id="t-3")
    assert len(await bus.events(TenantMovedIn)) == 2
    assert len(await parked(gateway)) == 1


async def test_a_publisher_s_pace_is_waited_for_and_holds_up_nobody_else(
    gateway: Running, bus: Bus, clock: Any, move_in: Make
) -> None:
    await register(gateway, rate_limit=1)
    topic = await topic_made(gateway, bus)
    await send(bus, topic, move_in("t-1"))
    await bus.expect(TenantMovedIn, 1, tenancy_id="t-1")
    await send(bus, topic, move_in("t-2"))
    await register(gateway, "other")  # while the gateway runs
    other = await topic_made(gateway, bus, "other")
    await send(bus, other, move_in("t-3", source="urn:test:other"))
    await bus.expect(TenantMovedIn, 1, tenancy_id="t-3")
    assert "t-2" not in {event.data.tenancy_id for event in await bus.events(TenantMovedIn)}
    assert not await gateway.ctx.db.pool.fetchval("select count(*) from inbound_parked")


async def test_what_a_topic_has_lost_is_told_and_one_made_anew_is_read_from_its_start(
    gateway: Running, bus: Bus, move_in: Make
) -> None:
    await register(gateway)
    topic = await topic_made(gateway, bus)
    partition, offset = await send(bus, topic, move_in("t-1", data={"moved_in_on": "yesterday"}), partition=0)
    [row] = await parked(gateway)
    name = f"{bus.prefix}{topic}"
    async with admin_of(bus) as admin:
        await admin.delete_records({TopicPartition(name, partition): RecordsToDelete(before_offset=offset + 1)})
        answer = await gateway.client.post(
            "/publishers/housing/parked/replay", data={"id": row["id"]}, headers=OPERATOR
        )
        assert answer.headers["location"].endswith("?replayed=0&refused=0&gone=1&left=0")
        await admin.delete_topics([name])

        async def made_anew() -> bool:
            made = await admin.create_topics([NewTopic(name, PARTITIONS, 1, topic_configs=config())])
            return [code for _, code, *_ in made.topic_errors] == [0]

        await eventually("the topic to be made anew", made_anew)
    await eventually("the producer to know it", bus.producer.client.fetch_all_metadata)
    await send(bus, topic, move_in("t-2"), partition=0)
    await bus.expect(TenantMovedIn, 1, tenancy_id="t-2")
