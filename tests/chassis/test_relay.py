"""What leaves the outbox: everything, in order, and again only as duplicates."""

import asyncio
from datetime import date
from types import SimpleNamespace
from typing import Any

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from schemas.notifications import HousingIntroductionOffered
from services.chassis import relay
from services.chassis.health import Health
from services.chassis.outbox import SHARDS
from services.chassis.testkit import (
    Bus,
    MovableClock,
    NewDatabase,
    Running,
    Start,
    eventually,
    make_topics,
    settings_for,
)
from services.chassis.transaction import Transaction
from tests.chassis.echo import Echo

MEND = "make the topics with `hem topics apply`"


def offered(tenancy: str) -> HousingIntroductionOffered:
    return HousingIntroductionOffered(
        tenancy_id=tenancy, area_id="oxnehaga", offered_on=date(2019, 3, 2), channel="email"
    )


async def unsent(service: Running) -> int:
    return await service.ctx.db.pool.fetchval("select count(*) from outbox where sent_at is null")


async def all_sent(service: Running) -> None:
    async def probe() -> bool:
        return await unsent(service) == 0

    await eventually("an empty outbox", probe)


async def test_a_transaction_that_commits_late_is_sent_though_later_ones_have_gone(
    bus: Bus, start: Start, echo: Echo
) -> None:
    """A relay that remembers the highest id it has sent would pass the late one by for ever."""
    service = await start(echo.service)
    may_commit = asyncio.Event()
    published = asyncio.Event()

    async def slow() -> None:
        async with service.ctx.db.transaction() as tx:
            tx.publish(offered("slow"))
            await tx.flush()
            published.set()
            await may_commit.wait()

    waiting = asyncio.create_task(slow())
    await published.wait()
    async with service.ctx.db.transaction() as tx:
        tx.publish(offered("quick"))
    await bus.expect(HousingIntroductionOffered, tenancy_id="quick")
    may_commit.set()
    await waiting
    await bus.expect(HousingIntroductionOffered, tenancy_id="slow")


async def test_events_of_one_aggregate_leave_in_the_order_of_their_commits_without_gaps(
    bus: Bus, start: Start, echo: Echo
) -> None:
    service = await start(echo.service)
    second = await start(echo.service, database_url=service.settings.database_url)

    async def write(running: Running, count: int) -> None:
        for number in range(count):
            async with running.ctx.db.transaction() as tx:
                for tenancy in ("a", "b", "c") if number % 2 else ("c", "b", "a"):
                    tx.publish(offered(tenancy))

    await asyncio.gather(*(write(running, 20) for running in (service, second) for _ in range(3)))
    await all_sent(service)
    events = await bus.events(HousingIntroductionOffered)
    for tenancy in ("a", "b", "c"):
        first_seen = list(dict.fromkeys(e.sequence for e in events if e.data.tenancy_id == tenancy))
        assert first_seen == list(range(1, 121))


async def test_the_shards_of_a_holder_that_is_stopped_are_free_in_seconds(
    bus: Bus, start: Start, echo: Echo, new_database: NewDatabase
) -> None:
    """A process under SIGSTOP keeps its session and its locks: only Postgres can end it."""
    dsn = await new_database(echo.service)
    stopped = await asyncpg.connect(dsn, server_settings=relay.SESSION)
    taken = await stopped.fetch(relay.TAKE_SHARDS, relay.LOCK_SPACE, list(range(SHARDS)))
    assert len(taken) == SHARDS
    service = await start(echo.service, database_url=dsn)
    async with service.ctx.db.transaction() as tx:
        tx.publish(offered("t-1"))
    assert await unsent(service) == 1
    await bus.expect(HousingIntroductionOffered, tenancy_id="t-1")
    stopped.terminate()


async def test_a_record_over_the_topics_limit_stops_nothing_once_the_limit_is_mended(
    bus: Bus, start: Start, echo: Echo
) -> None:
    """Such a record poisons an idempotent producer: it must be made anew, or every later send fails as well."""
    service = await start(echo.service)
    async with service.ctx.db.transaction() as tx:
        tx.publish(offered("before"))
    await all_sent(service)
    await limit(bus, "notifications.events", 300)
    async with service.ctx.db.transaction() as tx:
        for number in range(20):
            tx.publish(offered(f"after-{number}"))

    async def said() -> bool:
        return (service.ctx.health.report()["relay"]) != "ok"

    await eventually("the relay to say that it is stuck", said)
    assert (await service.client.get("/health/ready")).status_code == 503
    await limit(bus, "notifications.events", 1048576)
    await all_sent(service)
    assert {e.data.tenancy_id for e in await bus.events(HousingIntroductionOffered)} >= {"before", "after-19"}


async def limit(bus: Bus, topic: str, size: int) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bus.servers)
    await admin.start()
    try:
        name = f"{bus.prefix}{topic}"
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, {"max.message.bytes": str(size)})])
    finally:
        await admin.close()


async def test_what_a_rolled_back_transaction_or_savepoint_said_is_never_sent(
    bus: Bus, start: Start, echo: Echo
) -> None:
    service = await start(echo.service)

    async def fail(tx: Transaction) -> None:
        async with tx.savepoint():
            tx.publish(offered("savepoint"))
            raise LookupError

    async with service.ctx.db.transaction() as tx:
        tx.publish(offered("kept"))
        try:
            await fail(tx)
        except LookupError:
            tx.publish(offered("after"))
    try:
        async with service.ctx.db.transaction() as tx:
            tx.publish(offered("rolled-back"))
            raise LookupError
    except LookupError:
        pass
    await all_sent(service)
    events = await bus.events(HousingIntroductionOffered)
    assert sorted(e.data.tenancy_id for e in events) == ["after", "kept"]


class Quiet:
    """Nothing to send: stands for the session with its connection, the producer with its client, and the backoff."""

    def __init__(self) -> None:
        self.connection = self.client = self
        self.shards: list[int] = []
        self.calls: list[str] = []

    async def take_free_shards(self) -> None:
        if len(self.calls) > 3:
            raise LookupError

    async def fetch(self, *_: Any) -> list[Any]:
        self.calls.append("postgres")
        return []

    async def fetch_all_metadata(self) -> None:
        self.calls.append("kafka")

    def reset(self) -> None:
        self.calls.append("reset")

    async def knocked(self) -> None:
        self.calls.append("wait")


async def test_with_nothing_to_send_a_kafka_that_answers_ends_the_long_pauses_and_postgres_is_asked_before_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The session would end where a slow answer and the wait together last longer than Postgres puts up with."""
    monkeypatch.setattr(relay, "ASK_KAFKA_AFTER", -1.0)
    quiet: Any = Quiet()
    context: Any = SimpleNamespace(health=Health())
    with pytest.raises(LookupError):
        await relay._send_for_ever(context, quiet, quiet, quiet)
    assert quiet.calls[:4] == ["postgres", "kafka", "reset", "postgres"]


async def test_a_topic_that_is_missing_is_waited_for_and_never_made(
    kafka_servers: str, bus: Bus, echo: Echo, new_database: NewDatabase, clock: MovableClock
) -> None:
    """FastStream's default makes the topic of a typo, whatever the cluster's own setting says."""
    nowhere = Bus(kafka_servers, "missing.", bus.producer)
    settings = settings_for(echo.service, nowhere, database_url=await new_database(echo.service))
    app = echo.service.app(settings, clock=clock)
    async with app.router.lifespan_context(app):
        ctx = app.state.ctx
        async with ctx.db.transaction() as tx:
            tx.publish(offered("t-1"))

        async def tried() -> bool:
            report = ctx.health.report()
            return {report[part].rpartition(": topics")[2] for part in ("relay", "reception")} == {
                " missing.notifications.dlq, missing.notifications.events, missing.surveys.invitations are not there: "
                + MEND,
                " missing.governance.events, missing.tenancy.contacts, missing.tenancy.events are not there: " + MEND,
            }

        await eventually("relay and reception to say which topics are missing", tried)
        assert not [name for name in await all_topics(kafka_servers) if name.startswith("missing.")]

        await make_topics(kafka_servers, "missing.")
        await nowhere.expect(HousingIntroductionOffered, tenancy_id="t-1")


async def all_topics(servers: str) -> list[str]:
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    try:
        return await admin.list_topics()
    finally:
        await admin.close()
