"""From the outbox to Kafka: in order, at least once, without a transaction open across a send.

One session per process holds advisory locks on the shards it sends for. It reads from the first unsent row on, sends,
waits for every acknowledgement and marks the rows; on any error it drops both the session and the producer and begins
again at the first unsent row. A relay that was stopped and wakes up late can therefore only repeat a prefix of what the
next one sends: duplicates, never another order. Reasons for each setting: docs/decisions/0005-outbox-and-relay.md.
"""

import asyncio
import time
from contextlib import AsyncExitStack, suppress
from typing import Any

import asyncpg
import structlog
from aiokafka import AIOKafkaProducer

from schemas.topics import TOPICS
from services.chassis import kafka
from services.chassis.backoff import Backoff
from services.chassis.context import Context
from services.chassis.errors import Unavailable, describe, is_temporary
from services.chassis.outbox import CHANNEL, SHARDS
from services.chassis.postgres import prepare
from services.chassis.seldom import Seldom

log = structlog.get_logger(__name__)

LOCK_SPACE = 7001
BATCH = 500
ACKNOWLEDGED_WITHIN = 3.0
# A process that was stopped between reading and sending must not send what another has taken over.
SEND_WITHIN = 2.0
POLL_EVERY = 1.0
WATCH_EVERY = 5.0
ASK_KAFKA_AFTER = 10.0  # seconds with nothing to send: a broker that goes away is noticed all the same
SESSION = {
    # Frees the locks of a holder that has been stopped. Longer than a send takes, shorter than anybody's patience.
    "idle_session_timeout": "4s",
    "idle_in_transaction_session_timeout": "4s",
    "tcp_user_timeout": "4000",
}

TAKE_SHARDS = "select shard from unnest($2::int[]) shard where pg_try_advisory_lock($1, shard)"
UNSENT = """
    select id, topic, key, headers, payload, personal, private
    from outbox
    where shard = any($1::smallint[]) and sent_at is null order by id limit $2
"""
OLDEST = """
    select extract(epoch from clock_timestamp() - created_at)::float8 from outbox
    where sent_at is null order by id limit 1
"""
MARK_SENT = "update outbox set sent_at = clock_timestamp() where id = any($1::bigint[])"
# A person's rows, and private ones, are not kept once they are delivered.
DELETE_SENT = "delete from outbox where id = any($1::bigint[])"


async def run(ctx: Context) -> None:
    """Sends until cancelled. Reports its state to health as "relay"."""
    backoff, news = Backoff(), Seldom()
    writes = [topic.name for topic in TOPICS.values() if ctx.name in topic.writers]
    while True:
        try:
            await kafka.cluster_id(ctx, writes)
            async with AsyncExitStack() as stack:
                session = await _session(stack, ctx)
                producer = await _producer(stack, ctx)
                await _send_for_ever(ctx, session, producer, backoff)
        except Exception as error:
            ctx.health.bad("relay", f"sending has stopped and is tried again: {describe(error)}")
            if not is_temporary(error):
                log.exception("relay begins again at the first unsent row", error=describe(error))
            elif news(describe(error)):
                log.warning("relay begins again at the first unsent row", error=describe(error))
            await backoff.wait()


async def watch(ctx: Context) -> None:
    """Measures how long the first unsent record has waited, also while Kafka is away and by whoever holds no shard."""
    age = ctx.metrics.meter.create_gauge(
        "hem_outbox_oldest_age", unit="s", description="age of the oldest unsent record"
    )
    while True:
        age.set(await ctx.db.pool.fetchval(OLDEST) or 0)
        await asyncio.sleep(WATCH_EVERY)


async def _session(stack: AsyncExitStack, ctx: Context) -> "Session":
    connection = await asyncpg.connect(ctx.settings.dsn, timeout=5, command_timeout=10, server_settings=SESSION)
    stack.callback(connection.terminate)
    await prepare(connection)
    session = Session(connection)
    await connection.add_listener(CHANNEL, session.wake)
    return session


async def _producer(stack: AsyncExitStack, ctx: Context) -> AIOKafkaProducer:
    producer = AIOKafkaProducer(
        bootstrap_servers=ctx.settings.kafka_servers,
        enable_idempotence=True,
        acks="all",
        linger_ms=2,
        max_batch_size=65536,
        request_timeout_ms=10000,
        retry_backoff_ms=100,
        metadata_max_age_ms=30000,
    )
    stack.push_async_callback(_stop, producer)
    await producer.start()
    return producer


async def _stop(producer: AIOKafkaProducer) -> None:
    """`stop` flushes first, which never ends while the broker is away: the sender is cancelled before."""
    sender = producer._sender.sender_task  # noqa: SLF001 (aiokafka has no other way to stop without a flush)
    if sender is not None:
        sender.cancel()
    try:
        async with asyncio.timeout(3.0):
            await producer.stop()
    except Exception:
        log.warning("a producer did not stop cleanly")


class Session:
    """The relay's own connection: the shards it holds, and the knock on the door."""

    def __init__(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        self.connection = connection
        self.shards: list[int] = []
        self.next_attempt = 0.0
        self._knock = asyncio.Event()

    def wake(self, *_: object) -> None:
        self._knock.set()

    async def knocked(self) -> None:
        # Not wait_for: on Python 3.11 it loses a cancellation that comes together with the knock.
        with suppress(TimeoutError):
            async with asyncio.timeout(POLL_EVERY):
                await self._knock.wait()
        self._knock.clear()

    async def take_free_shards(self) -> None:
        if len(self.shards) == SHARDS or time.monotonic() < self.next_attempt:
            return
        others = sorted(set(range(SHARDS)) - set(self.shards))
        self.shards += [row["shard"] for row in await self.connection.fetch(TAKE_SHARDS, LOCK_SPACE, others)]
        self.next_attempt = time.monotonic() + POLL_EVERY


async def _send_for_ever(ctx: Context, session: Session, producer: AIOKafkaProducer, backoff: Backoff) -> None:
    heard_at = time.monotonic()
    while True:
        await session.take_free_shards()
        rows = await session.connection.fetch(UNSENT, session.shards, BATCH)
        if rows:
            await _send(ctx, session, producer, rows)
            backoff.reset()
            heard_at = time.monotonic()
        elif time.monotonic() - heard_at > ASK_KAFKA_AFTER:
            async with asyncio.timeout(ACKNOWLEDGED_WITHIN):
                await producer.client.fetch_all_metadata()
            backoff.reset()
            heard_at = time.monotonic()
            continue  # Postgres has heard nothing from us meanwhile: with the wait, its patience might end
        ctx.health.ok("relay")
        if not rows:
            await session.knocked()


async def _send(ctx: Context, session: Session, producer: AIOKafkaProducer, rows: list[Any]) -> None:
    read_at = time.monotonic()
    sealed = [(row["key"], row["payload"]) for row in rows if row["personal"] and row["payload"] is not None]
    opened = iter(await ctx.db.vault.unseal_many(session.connection, sealed))
    acknowledgements = []
    done = []
    async with asyncio.timeout(ACKNOWLEDGED_WITHIN):
        for row in rows:
            payload = row["payload"]
            if row["personal"] and payload is not None:
                payload = next(opened)
                if payload is None:  # what an erased person's record said is not sent any more
                    done.append(row)
                    continue
            elif row["private"] and payload is not None:
                payload = ctx.db.vault.unseal_private(row["topic"], payload)
            if time.monotonic() - read_at > SEND_WITHIN:
                break
            headers = [(name, value.encode()) for name, value in row["headers"]]
            acknowledgements.append(
                await producer.send(ctx.topic(row["topic"]), payload, key=row["key"].encode(), headers=headers)
            )
            done.append(row)
        await asyncio.gather(*acknowledgements)
    if not done:
        raise Unavailable("this process's time: it was stopped between reading and sending")
    for statement, secret in ((DELETE_SENT, True), (MARK_SENT, False)):
        if ids := [row["id"] for row in done if (row["personal"] or row["private"]) is secret]:
            await session.connection.execute(statement, ids)
    ctx.metrics.sent.add(len(acknowledgements))
