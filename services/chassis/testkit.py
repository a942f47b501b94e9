"""What tests of a service stand on: a database and topics per test on real Postgres and Kafka, a clock that moves.

A pytest plugin. The repository's conftest gives `kafka_servers` and `postgres_dsn`, started once per run.
"""

import asyncio
import base64
import itertools
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg
import httpx2
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from fastapi import FastAPI
from opentelemetry.sdk.trace import TracerProvider

from schemas.event import Event, EventData
from schemas.kafka import from_record, to_record
from schemas.topics import TOPICS
from services.chassis.context import Context
from services.chassis.ids import uuid7
from services.chassis.migrate import migrate
from services.chassis.service import Service
from services.chassis.settings import ServiceSettings

PATIENCE = 20.0
UNDECODABLE = """
import asyncio, sys
from aiokafka import AIOKafkaProducer

class Name(str):
    def encode(self, *_):
        return b"\\xff\\xfe"

async def main(servers, topic, partition):
    async with AIOKafkaProducer(bootstrap_servers=servers) as producer:
        await producer.send_and_wait(topic, b"garbage", headers=[(Name("ab"), b"x")], partition=int(partition))

asyncio.run(main(*sys.argv[1:]))
"""
Data = TypeVar("Data", bound=EventData)
MASTER_KEY = base64.b64encode(bytes(range(32))).decode()
OPERATOR_TOKEN = "operator-token-of-the-tests-0123456789"
OPERATOR = {"Authorization": f"Bearer {OPERATOR_TOKEN}"}


class MovableClock:
    """A clock that stands where the test puts it and runs on from there only when told."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def move(self, by: timedelta) -> None:
        self._now += by

    def set(self, to: datetime) -> None:
        self._now = to


T = TypeVar("T")


async def eventually(
    what: str | Callable[[], str], probe: Callable[[], Awaitable[T | None]], within: float = PATIENCE
) -> T:
    """Asks `probe` until it gives something true; fails the test naming `what` when it hasn't within the seconds."""
    deadline = time.monotonic() + within
    while True:
        found = await probe()
        if found:
            return found
        if time.monotonic() > deadline:
            named = what if isinstance(what, str) else what()
            pytest.fail(f"waited {within:g} s for: {named}; last seen: {found!r}")
        await asyncio.sleep(0.02)


@dataclass
class Bus:
    """Kafka as a test sees it: topics of its own, publishing, and what has been published."""

    servers: str
    prefix: str
    producer: AIOKafkaProducer

    async def publish(self, data: EventData, **attributes: Any) -> Event[Any]:
        """Publishes as another system would, past the gateway. Attributes default to a new id and the present."""
        event = event_of(data, **attributes)
        await self.send(event)
        return event

    async def send(self, *events: Event[Any]) -> None:
        """Publishes events as they are, in this order."""
        for event in events:
            record = to_record(event)
            await self.raw(event.data.topic, record.value, key=record.key, headers=record.headers)

    async def raw(
        self,
        topic: str,
        value: bytes | None,
        *,
        key: bytes | None = None,
        headers: Sequence[tuple[str, bytes | None]] = (),
        partition: int | None = None,
    ) -> tuple[int, int]:
        """Sends any bytes to a topic of the catalogue. Returns (partition, offset)."""
        sent = await self.producer.send_and_wait(
            f"{self.prefix}{topic}", value, key=key, headers=list(headers), partition=partition
        )
        return sent.partition, sent.offset

    async def undecodable(self, topic: str, partition: int = 0) -> None:
        """Sends a record that the Kafka client itself can't decode: a header whose name is not UTF-8.

        From another process, because aiokafka's compiled part can't be talked into writing one.
        """
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            UNDECODABLE,
            self.servers,
            f"{self.prefix}{topic}",
            str(partition),
            env={**os.environ, "AIOKAFKA_NO_EXTENSIONS": "1"},
        )
        assert await process.wait() == 0

    async def records(self, topic: str) -> list[ConsumerRecord]:
        """Everything on a topic so far, by partition and offset."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self.servers, auto_offset_reset="earliest")
        await consumer.start()
        try:
            name = f"{self.prefix}{topic}"
            partitions = [TopicPartition(name, p) for p in range(TOPICS[topic].partitions)]
            consumer.assign(partitions)
            ends = await consumer.end_offsets(partitions)
            found: list[ConsumerRecord] = []
            for partition in partitions:
                while await consumer.position(partition) < ends[partition]:
                    for batch in (await consumer.getmany(partition, timeout_ms=100)).values():
                        found.extend(batch)
            return sorted(found, key=lambda r: (r.partition, r.offset))
        finally:
            await consumer.stop()

    async def events(self, data: type[Data]) -> list[Event[Data]]:
        """The events of one type on its topic so far, repeats included."""
        found = [from_record(r.key, r.value, r.headers) for r in await self.records(data.topic)]
        return [cast("Event[Data]", event) for event in found if isinstance(event.data, data)]

    async def expect(self, data: type[Data], count: int = 1, **fields: Any) -> list[Event[Data]]:
        """Waits until at least `count` events of a type with these field values have come; gives each once.

        A relay that was stopped sends again what it hadn't marked as sent: repeats are no more events.
        """

        async def probe() -> list[Event[Data]]:
            matching = [e for e in await self.events(data) if all(getattr(e.data, k) == v for k, v in fields.items())]
            different = {(event.source, event.id, event.test): event for event in matching}
            return list(different.values()) if len(different) >= count else []

        return await eventually(f"{count} × {data.__name__} {fields or ''}", probe)


@dataclass
class Running:
    """A service that runs inside the test: `client` talks to it over ASGI as a browser on this machine would."""

    service: Service
    app: FastAPI
    client: httpx2.AsyncClient
    settings: ServiceSettings
    tracing: TracerProvider

    @property
    def ctx(self) -> Context:
        context: Context = self.app.state.ctx
        return context

    async def caught_up(self, bus: Bus) -> None:
        """Waits until the service's consumer group has taken in everything that is on its topics, and sent its own."""

        async def probe() -> bool:
            unsent = await self.ctx.db.pool.fetchval("select count(*) from outbox where sent_at is null")
            return unsent == 0 and await _lag(bus, self.ctx.group, self.service.hears) == 0

        await eventually(f"{self.service.name} to catch up", probe)


Start = Callable[..., Awaitable[Running]]
NewDatabase = Callable[[Service], Awaitable[str]]


def event_of(data: Data, **attributes: Any) -> Event[Data]:
    """An event around `data` from a made-up publisher."""
    now = datetime.now(UTC)
    return Event.of(data, **{"id": str(uuid7(now)), "source": "urn:test:publisher", "time": now, **attributes})


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock(datetime.now(UTC))


@pytest.fixture
async def bus(kafka_servers: str) -> AsyncIterator[Bus]:
    """Kafka with the whole catalogue's topics, made for this test alone and gone after it: one broker serves the whole run."""
    prefix = f"t{uuid4().hex[:8]}."
    await make_topics(kafka_servers, prefix)
    producer = AIOKafkaProducer(bootstrap_servers=kafka_servers, acks="all")
    await producer.start()
    try:
        yield Bus(kafka_servers, prefix, producer)
    finally:
        await producer.stop()
        await remove_topics(kafka_servers, prefix)


async def remove_topics(servers: str, prefix: str) -> None:
    """Removes what `make_topics` made, where it is still there."""
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    try:
        await admin.delete_topics([name for name in await admin.list_topics() if name.startswith(prefix)])
    finally:
        await admin.close()


async def make_topics(servers: str, prefix: str) -> None:
    """Makes every topic of the catalogue, and waits until each partition has a leader."""
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    try:
        await admin.create_topics(
            [NewTopic(f"{prefix}{t.name}", t.partitions, 1, topic_configs=t.config()) for t in TOPICS.values()]
        )

        async def all_led() -> bool:
            found = await admin.describe_topics([f"{prefix}{name}" for name in TOPICS])
            return all(p["leader"] >= 0 for topic in found for p in topic["partitions"]) and all(
                len(topic["partitions"]) == TOPICS[topic["topic"].removeprefix(prefix)].partitions for topic in found
            )

        await eventually("leaders of new topics", all_led)
    finally:
        await admin.close()


@pytest.fixture(scope="session")
def templates(postgres_dsn: str) -> dict[str, str]:
    """Service → the name of its migrated template database, filled as services are first asked for."""
    return {}


_numbers = itertools.count()


@pytest.fixture
async def new_database(postgres_dsn: str, templates: dict[str, str]) -> NewDatabase:
    """Makes a fresh, migrated database for a service. Gives its DSN."""

    async def make(service: Service) -> str:
        admin = await asyncpg.connect(postgres_dsn)
        try:
            if service.name not in templates:
                template = f"template_{service.name}"
                await admin.execute(f'create database "{template}"')
                await asyncio.to_thread(migrate, with_database(postgres_dsn, template), service.folder)
                templates[service.name] = template
            name = f"test_{service.name}_{next(_numbers)}"
            await admin.execute(f'create database "{name}" template "{templates[service.name]}" strategy file_copy')
        finally:
            await admin.close()
        return with_database(postgres_dsn, name)

    return make


@pytest.fixture
async def start(bus: Bus, new_database: NewDatabase, clock: MovableClock) -> AsyncIterator[Start]:
    """`await start(service, **settings)`: the service on a database of its own, stopped when the test ends.

    `database_url=…` starts a second replica beside the first, or the same again after a stop.
    """
    async with AsyncExitStack() as stack:

        async def begin(service: Service, **overrides: Any) -> Running:
            overrides.setdefault("database_url", await new_database(service))
            return await stack.enter_async_context(running(service, settings_for(service, bus, **overrides), clock))

        yield begin


def settings_for(service: Service, bus: Bus, **overrides: Any) -> ServiceSettings:
    """The settings of a service in a test."""
    defaults = {
        "master_key": MASTER_KEY,
        "kafka_servers": bus.servers,
        "topic_prefix": bus.prefix,
        "session_secret": "session-secret-of-the-tests-0123456789",
        "operator_token": OPERATOR_TOKEN,
        "loopback": True,
    }
    return service.settings(**{**defaults, **overrides})


@asynccontextmanager
async def running(service: Service, settings: ServiceSettings, clock: MovableClock) -> AsyncIterator[Running]:
    """Runs a service until the block ends, as SIGTERM would end it."""
    tracing = TracerProvider()
    app = service.app(settings, clock=clock, tracing=tracing)
    transport = httpx2.ASGITransport(app=app, client=("127.0.0.1", 50000), raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000", timeout=30) as client,
    ):
        found = Running(service, app, client, settings, tracing)

        async def ready() -> bool:
            return (await client.get("/health/ready")).status_code == 200

        await eventually(f"{service.name} to be ready", ready)
        yield found


def with_database(dsn: str, name: str) -> str:
    """The same server's DSN for another database."""
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{name}"))


async def _lag(bus: Bus, group: str, topics: Sequence[str]) -> int:
    consumer = AIOKafkaConsumer(bootstrap_servers=bus.servers)
    admin = AIOKafkaAdminClient(bootstrap_servers=bus.servers)
    await consumer.start()
    await admin.start()
    try:
        partitions = [TopicPartition(f"{bus.prefix}{t}", p) for t in topics for p in range(TOPICS[t].partitions)]
        ends = await consumer.end_offsets(partitions)
        done = await admin.list_consumer_group_offsets(group, partitions=partitions)
        return sum(ends[p] - max(done[p].offset, 0) if p in done else ends[p] for p in partitions)
    finally:
        await admin.close()
        await consumer.stop()
