"""From Kafka to the figures: reads every topic that reporting may, and applies what it reads exactly once.

Offsets are kept in Postgres, in the transaction of what they count for; Kafka's own are for lag tools only. Every trap
stepped round here is in docs/decisions and has a test in tests/reporting that fails when it is stepped into.
"""

import asyncio
import gc
import time
from collections.abc import Iterable, Mapping

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from schemas.kafka import Malformed
from schemas.topics import TOPICS
from services.chassis import kafka
from services.chassis.backoff import Backoff
from services.chassis.consumer import CarefulConsumer, park_unreadable
from services.chassis.context import Context
from services.chassis.errors import NotYet, Unfit, describe, is_temporary
from services.chassis.parked import Arrived
from services.chassis.transaction import Transaction
from services.reporting.records import fingerprint
from services.reporting.repository import offsets as positions
from services.reporting.repository.offsets import Offset, Partition
from services.reporting.service import projection
from services.reporting.service.filling import fill_what_was_missed
from services.reporting.service.projection import (
    SERVICE,
    Applied,
    Arrival,
    Batch,
    DefinitionsMoved,
    Fenced,
    Recent,
    apply,
    is_race,
    read,
)
from services.reporting.service.shelf import in_force

log = structlog.get_logger(__name__)

Found = dict[TopicPartition, list[Arrival]]
PART = "reporting.projector"
CHUNK = 2_000  # records decoded before others have a turn
IDLE_SECONDS = 1.0
WAIT_MS = 500  # for the first record; what comes is handed out at once
MEND = "Find out why; then `hem rebuild reporting` reads the topics again from the start."


def topics() -> list[str]:
    """The topics reporting reads, by their names in the catalogue."""
    return sorted(t.name for t in TOPICS.values() if SERVICE in t.readers and not t.personal and not t.private)


async def run(ctx: Context) -> None:
    """Projects until cancelled. Raises when Kafka can't be reached; the chassis starts it again."""
    ctx.health.expect(PART)
    # Two batches are a quarter of a million small objects that die together. Below that threshold the collector would
    # walk them, and all that is cached besides, again and again: a quarter of the time.
    gc.freeze()
    gc.set_threshold(300_000, 20, 100)
    try:
        cluster = await kafka.cluster_id(ctx, topics())
    except NotYet as why:
        ctx.health.bad(PART, f"waiting: {why}")
        raise
    async with ctx.db.transaction() as tx:  # what has been decided is kept; what follows from it, this version knows
        await projection.decide(tx.connection)
    consumer = CarefulConsumer(
        unreadable=park_unreadable(ctx),
        bootstrap_servers=ctx.settings.kafka_servers,
        group_id=ctx.group,
        enable_auto_commit=False,
        auto_offset_reset="none",
        session_timeout_ms=10_000,
        heartbeat_interval_ms=1_000,
        rebalance_timeout_ms=20_000,
        max_poll_interval_ms=120_000,
        max_partition_fetch_bytes=2**20,
        metadata_max_age_ms=30_000,
    )
    projector = Projector(ctx, consumer, cluster)
    consumer.subscribe([ctx.topic(name) for name in topics()], listener=Listener(projector))
    try:
        await consumer.start()
        while True:
            await projector.step()
    finally:
        await projector.stop()
        await consumer.stop()


class Listener(ConsumerRebalanceListener):  # type: ignore[misc]
    """Stops new partitions before anything can be read from the position that Kafka believes in."""

    def __init__(self, projector: "Projector") -> None:
        self._projector = projector

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        self._projector.forget()

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        # Not a coroutine, so nothing can come between: with an await before the pause, records of the wrong
        # position would be handed out meanwhile.
        self._projector.take(list(assigned))


class Projector:
    """One consumer, the partitions it has, and how far each is applied."""

    def __init__(self, ctx: Context, consumer: AIOKafkaConsumer, cluster: str) -> None:
        self._ctx = ctx
        self._consumer = consumer
        self._cluster = cluster
        self._generation = 0
        self._unplaced: set[TopicPartition] = set()
        self._next: dict[TopicPartition, int] = {}
        self._told: dict[TopicPartition, int] = {}  # what Kafka was told last
        self._unverified: dict[TopicPartition, bytes] = {}
        self._alarms: dict[TopicPartition, str] = {}
        self._recent = Recent()
        self._ahead: asyncio.Task[tuple[int, Found]] | None = None
        self._backoff = Backoff()
        self._idle_since = self._committed_at = time.monotonic()
        self._lag = ctx.metrics.meter.create_gauge(
            "hem_projection_lag", description="records of this process's partitions not yet applied"
        )

    def forget(self) -> None:
        self._generation += 1
        self._unplaced, self._next, self._unverified, self._alarms = set(), {}, {}, {}
        self._recent.clear()

    def take(self, partitions: list[TopicPartition]) -> None:
        self.forget()
        self._consumer.pause(*partitions)
        for partition in partitions:
            self._consumer.seek(partition, 0)  # a position to be paused at; the real one comes from Postgres
        self._unplaced = set(partitions)
        if not partitions:
            self._say_how_it_is()

    async def step(self) -> None:
        """Places new partitions, or applies what has come while the next is already being read."""
        if self._unplaced:
            # A read that began before would take what comes from the new places, and be thrown away as of the old ones.
            await self.stop()
            self._ahead = None
            await self._place()
        ahead, self._ahead = self._ahead or self._read_ahead(), None
        generation, found = await ahead
        batch = self._expected(found) if generation == self._generation else {}
        if batch:
            self._ahead = self._read_ahead()
            await self._apply(batch)
            self._idle_since = time.monotonic()
        elif time.monotonic() - self._idle_since >= IDLE_SECONDS:
            self._idle_since = time.monotonic()
            await self._look_for_rebuild()
        await self._tell_kafka()

    async def stop(self) -> None:
        if self._ahead is not None:
            self._ahead.cancel()
            await asyncio.wait([self._ahead])

    async def _place(self) -> None:
        """Begins each new partition where Postgres says, after a look at whether the log is still the same one."""
        generation, partitions = self._generation, sorted(self._unplaced)
        try:
            offsets = await self._offsets(partitions)
            begins = await self._consumer.beginning_offsets(partitions)
            ends = await self._consumer.end_offsets(partitions)
        except Exception as error:
            if not is_temporary(error):
                raise
            await self._wait("offsets can't be read", error)
            return
        if generation != self._generation:
            return  # assigned anew meanwhile
        self._backoff.reset()
        for partition in partitions:
            self._place_one(partition, offsets[self._ours(partition)], begins[partition], ends[partition])
        self._unplaced = set()
        self._say_how_it_is()

    def _place_one(self, partition: TopicPartition, offset: Offset, begin: int, end: int) -> None:
        where = f"{partition.topic}/{partition.partition}"
        if offset.cluster != self._cluster:
            self._alarm(partition, f"{where} was read from cluster {offset.cluster}, and this is {self._cluster}.")
        elif offset.next > end:
            self._alarm(partition, f"{where} was read up to {offset.next} and ends at {end}: it was made anew.")
        elif offset.fingerprint is not None and begin > offset.next:
            self._alarm(partition, f"{where} was read up to {offset.next} and begins at {begin}: records are gone.")
        else:
            self._next[partition] = start = max(offset.next, begin)
            if offset.fingerprint is not None and start > begin:
                self._unverified[partition] = offset.fingerprint
                start -= 1
            self._consumer.seek(partition, start)
            self._consumer.resume(partition)

    async def _offsets(self, partitions: list[TopicPartition]) -> Mapping[Partition, Offset]:
        async with self._ctx.db.transaction() as tx:
            ours = [self._ours(partition) for partition in partitions]
            for topic, part in ours:
                await tx.execute(positions.START_OFFSET, topic, part, self._cluster)
            await fill_what_was_missed(tx)
            return await positions.offsets(tx.connection, ours)

    def _read_ahead(self) -> "asyncio.Task[tuple[int, Found]]":
        return asyncio.create_task(self._read())

    async def _read(self) -> tuple[int, Found]:
        """What has come, decoded: soon when little comes, up to a whole batch when much is waiting.

        With the generation it was read in: after partitions have moved it says nothing about where to go on.
        """
        generation, found = self._generation, Found()
        most, total, wait = self._ctx.settings.batch, 0, WAIT_MS
        while total < most:
            try:
                got = await self._consumer.getmany(timeout_ms=wait, max_records=min(most - total, CHUNK))
            except OffsetOutOfRangeError as error:
                self._out_of_range(error)
                break
            for partition, records in got.items():
                topic = self._ctx.catalogue_name(partition.topic)
                found.setdefault(partition, []).extend(read(record, topic) for record in records)
            count = sum(map(len, got.values()))
            total += count
            if count == 0:
                break
            wait = 0
            await asyncio.sleep(0)  # pages are served by the same loop
        return generation, found

    def _out_of_range(self, error: OffsetOutOfRangeError) -> None:
        for partition, offset in error.args[0].items():
            if partition in self._next:
                where = f"{partition.topic}/{partition.partition}"
                self._alarm(partition, f"{where} has no offset {offset} any more: it was made anew.")
        self._say_how_it_is()

    def _expected(self, found: Found) -> Batch:
        """The records to apply: of placed partitions, from the next offset on, in a log that is still the same."""
        batch: dict[Partition, list[Arrival]] = {}
        for partition, arrivals in found.items():
            if partition not in self._next or not arrivals:
                continue
            first, last_applied = arrivals[0].record, self._unverified.pop(partition, None)
            if last_applied is not None and fingerprint(first) != last_applied:
                where = f"{partition.topic}/{partition.partition}"
                self._alarm(partition, f"{where} holds another record at {first.offset}: it was made anew.")
                self._say_how_it_is()
                continue
            new = [arrival for arrival in arrivals if arrival.record.offset >= self._next[partition]]
            if new:
                batch[self._ours(partition)] = new
        return batch

    async def _apply(self, batch: Batch) -> None:
        """Applies a batch, however long Postgres takes to be there; in halves where a record spoils it."""
        generation = self._generation
        while generation == self._generation:
            try:
                await self._commit(batch)
            except DefinitionsMoved:
                continue  # between our reading them and the lock
            except Fenced:
                log.info("offsets have moved, reading them again")
                self._place_again()
            except Exception as error:
                if is_temporary(error) or is_race(error):
                    await self._wait("a batch can't be applied yet", error)
                    continue
                await self._apply_in_halves(batch, error)
            return

    async def _apply_in_halves(self, batch: Batch, error: Exception) -> None:
        every = [(partition, arrival) for partition, arrivals in batch.items() for arrival in arrivals]
        if len(every) == 1:
            (topic, _), arrival = every[0]
            log.error("a record can't be applied", topic=topic, offset=arrival.record.offset, exc_info=error)
            await self._commit(batch, defect=describe(error))
            return
        middle = len(every) // 2
        for half in (every[:middle], every[middle:]):
            some: dict[Partition, list[Arrival]] = {}
            for partition, arrival in half:
                some.setdefault(partition, []).append(arrival)
            await self._apply(some)

    async def _commit(self, batch: Batch, defect: str | None = None) -> None:
        started = time.monotonic()
        believed = {self._ours(partition): offset for partition, offset in self._next.items()}
        if not batch.keys() <= believed.keys():
            return  # no longer ours
        with self._ctx.tracer.start_as_current_span("project"):
            async with self._ctx.db.transaction() as tx:
                goals = await in_force(self._ctx, tx.connection)
                applied: Applied = await apply(tx, goals, batch, believed=believed, recent=self._recent, defect=defect)
        self._recent.add(applied.identities)
        for (topic, part), arrivals in batch.items():
            partition = TopicPartition(self._ctx.topic(topic), part)
            if partition in self._next:
                self._next[partition] = arrivals[-1].record.offset + 1
        self._backoff.reset()
        self._say_how_it_is()
        metrics = self._ctx.metrics
        metrics.received.add(sum(map(len, batch.values())))
        metrics.handled.add(applied.facts)
        metrics.parked.add(applied.parked)
        metrics.tests.add(applied.tests)
        metrics.batch_duration.record(time.monotonic() - started)

    async def _look_for_rebuild(self) -> None:
        """Whether offsets were set back, or partitions read on, by somebody else."""
        believed = {self._ours(partition): offset for partition, offset in self._next.items()}
        alarmed = [self._ours(partition) for partition in self._alarms]
        try:
            async with self._ctx.db.transaction() as tx:
                stored = await positions.offsets(tx.connection, [*believed, *alarmed])
        except Exception as error:
            if not is_temporary(error):
                raise
            await self._wait("offsets can't be read", error)
            return
        self._backoff.reset()
        self._say_how_it_is()
        moved = any(p not in stored or stored[p].next != offset for p, offset in believed.items())
        if moved or any(p not in stored for p in alarmed):
            self._place_again()

    def _place_again(self) -> None:
        self.take(list(self._consumer.assignment()))

    async def _tell_kafka(self) -> None:
        """Commits to Kafka what Postgres has committed: for those who watch lag, never read by us."""
        if time.monotonic() - self._committed_at < IDLE_SECONDS:
            return
        self._committed_at = time.monotonic()
        try:
            self._lag.set(sum(max((self._consumer.highwater(p) or 0) - n, 0) for p, n in self._next.items()))
            if self._next and self._next != self._told:
                told = dict(self._next)
                async with asyncio.timeout(5):
                    await self._consumer.commit(told)
                self._told = told
        except (KafkaError, TimeoutError) as error:
            log.debug("Kafka didn't take the offsets", error=describe(error))

    def _alarm(self, partition: TopicPartition, what: str) -> None:
        log.error("a topic isn't the one that was read", topic=partition.topic, partition=partition.partition, why=what)
        self._alarms[partition] = what
        self._next.pop(partition, None)
        self._consumer.pause(partition)

    def _say_how_it_is(self) -> None:
        if self._alarms:
            self._ctx.health.bad(PART, " ".join([*sorted(self._alarms.values()), MEND]))
        else:
            self._ctx.health.ok(PART)

    async def _wait(self, what: str, error: Exception) -> None:
        log.warning(what, error=describe(error))
        self._ctx.metrics.waits.add(1)
        if not is_race(error):
            self._ctx.health.bad(PART, f"waiting: {describe(error)}")
        await self._backoff.wait()

    def _ours(self, partition: TopicPartition) -> Partition:
        return self._ctx.catalogue_name(partition.topic), partition.partition


async def replay(ctx: Context, record: Arrived, tx: Transaction) -> None:
    """Projects a parked record again, now that it can be read. Raises `Unfit` where it still can't."""
    try:
        await projection.replay(tx, await in_force(ctx, tx.connection), record)
    except Malformed as malformed:
        raise Unfit(malformed.code, malformed.detail) from malformed
