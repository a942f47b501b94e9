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

from services.chassis.backoff import Backoff
from services.chassis.context import Context
from services.chassis.errors import Erased, is_temporary
from services.chassis.outbox import CHANNEL, SHARDS
from services.chassis.postgres import prepare

log = structlog.get_logger(__name__)

LOCK_SPACE = 7001
BATCH = 500
ACKNOWLEDGED_WITHIN = 3.0
# A process that was stopped between reading and sending must not send what another has taken over.
SEND_WITHIN = 2.0
POLL_EVERY = 1.0
SESSION = {
    # Frees the locks of a holder that has been stopped. Longer than a send takes, shorter than anybody's patience.
    "idle_session_timeout": "4s",
    "idle_in_transaction_session_timeout": "4s",
    "tcp_user_timeout": "4000",
}

TAKE_SHARD = "select pg_try_advisory_lock($1, $2)"
UNSENT = """
    select id, topic, key, headers, payload, personal, extract(epoch from clock_timestamp() - created_at)::float8 as age
    from outbox
    where shard = any($1::smallint[]) and sent_at is null order by id limit $2
"""
MARK_SENT = "update outbox set sent_at = clock_timestamp() where id = any($1::bigint[])"
# A person's rows are not kept once they are delivered.
DELETE_SENT = "delete from outbox where id = any($1::bigint[])"
LISTEN = f"listen {CHANNEL}"


async def run(ctx: Context) -> None:
    """Sends until cancelled. Reports its state to health as "relay"."""
    backoff = Backoff()
    while True:
        try:
            async with AsyncExitStack() as stack:
                session = await _session(stack, ctx)
                producer = await _producer(stack, ctx)
                ctx.health.ok("relay")
                await _send_for_ever(ctx, session, producer, backoff)
        except Exception as error:
            ctx.health.bad("relay", f"sending has stopped and is tried again: {type(error).__name__}: {error}")
            level = log.warning if is_temporary(error) else log.exception
            level("relay begins again at the first unsent row", error=type(error).__name__)
            await backoff.wait()


async def _session(stack: AsyncExitStack, ctx: Context) -> "Session":
    connection = await asyncpg.connect(
        ctx.settings.database_url, timeout=5, command_timeout=10, server_settings=SESSION
    )
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
        for shard in set(range(SHARDS)) - set(self.shards):
            if await self.connection.fetchval(TAKE_SHARD, LOCK_SPACE, shard):
                self.shards.append(shard)
        self.next_attempt = time.monotonic() + POLL_EVERY


async def _send_for_ever(ctx: Context, session: Session, producer: AIOKafkaProducer, backoff: Backoff) -> None:
    while True:
        await session.take_free_shards()
        read_at = time.monotonic()
        rows = await session.connection.fetch(UNSENT, session.shards, BATCH)
        ctx.metrics.waiting.set(rows[0]["age"] if rows else 0)
        if rows:
            await _send(ctx, session, producer, rows, read_at)
            backoff.reset()
        else:
            await session.knocked()


async def _send(ctx: Context, session: Session, producer: AIOKafkaProducer, rows: list[Any], read_at: float) -> None:
    acknowledgements = []
    done = []
    async with asyncio.timeout(ACKNOWLEDGED_WITHIN):
        for row in rows:
            erased, payload = await _open(ctx, session, row)
            if time.monotonic() - read_at > SEND_WITHIN:
                break
            done.append(row)
            if not erased:
                headers = [(name, value.encode()) for name, value in row["headers"]]
                acknowledgements.append(
                    await producer.send(ctx.topic(row["topic"]), payload, key=row["key"].encode(), headers=headers)
                )
        await asyncio.gather(*acknowledgements)
    await session.connection.execute(DELETE_SENT, [row["id"] for row in done if row["personal"]])
    await session.connection.execute(MARK_SENT, [row["id"] for row in done if not row["personal"]])
    ctx.metrics.sent.add(len(acknowledgements))


async def _open(ctx: Context, session: Session, row: Any) -> tuple[bool, bytes | None]:
    """(erased?, payload) of a row: what an erased person's record said is not sent any more."""
    if not row["personal"] or row["payload"] is None:
        return False, row["payload"]
    try:
        return False, await ctx.db.vault.unseal(session.connection, row["key"], row["payload"])
    except Erased:
        return True, None
