"""From publishers' own Kafka topics to the door: what comes there is validated and let in as over HTTP, or set aside.

At least once, and the identities of the door make it once: Kafka is told how far we are only when what came before is
committed. A record that is no good is set aside with the reason, on its publisher's page; a dependency that is down,
and a publisher's own pace, are waited for, each partition for itself, so that nobody waits for anybody else.
"""

import asyncio
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from schemas import inbound as records_of
from services.chassis import kafka
from services.chassis.consumer import CarefulConsumer
from services.chassis.context import Context
from services.chassis.errors import NotYet, describe, is_temporary
from services.chassis.seldom import Seldom
from services.chassis.transaction import Transaction
from services.gateway import inbound_topics
from services.gateway.domain.door import Answer, Publisher, Sender, Submission, submission
from services.gateway.domain.inbound import BROKEN, FIRST_PART, STEPPED_OVER, Fault, Spot, fault_of, missed
from services.gateway.entrance import TooMany, let_in
from services.gateway.service import inbound as service
from services.gateway.service import publishers

log = structlog.get_logger(__name__)

LOOK_EVERY = 2.0  # seconds between looks at who is registered
MAKE_EVERY = 60.0  # and at whether their topics are there
MAKE_AGAIN = 5.0  # where one is not
STOP_WITHIN = 3.0
WAIT_MS = 500
BATCH = 500  # records of one partition in one transaction
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 10.0


async def run(ctx: Context) -> None:
    """Reads until cancelled. Raises when Kafka can't be reached; the chassis starts it again."""
    while True:
        if await _topics(ctx):
            await kafka.cluster_id(ctx, ())
            await _read_while_any(ctx)
        await asyncio.sleep(LOOK_EVERY)


async def _read_while_any(ctx: Context) -> None:
    reader = Reader(ctx)
    try:
        await reader.look()
        if not reader.reads:
            raise NotYet("none of the publishers' own topics is there")
        await reader.consumer.start()
        while reader.topics:
            await reader.step()
    finally:
        with suppress(Exception):  # with Kafka away it would wait for it to hear that we leave
            async with asyncio.timeout(STOP_WITHIN):
                await reader.consumer.stop()


async def _topics(ctx: Context) -> dict[str, Publisher]:
    """The topics to read, by their names in Kafka."""
    async with ctx.db.transaction() as tx:
        return {ctx.topic(name): publisher for name, publisher in (await service.topics(tx)).items()}


class Listener(ConsumerRebalanceListener):  # type: ignore[misc]
    """Stops new partitions before anything can be read from the position that Kafka believes in."""

    def __init__(self, reader: "Reader") -> None:
        self._reader = reader

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        self._reader.take([])

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        self._reader.take(list(assigned))  # not a coroutine, so nothing can come between


class Reader:
    """One consumer, the topics it has asked for, and which of its partitions wait until when."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self.consumer: AIOKafkaConsumer = CarefulConsumer(
            unreadable=self._unreadable,
            bootstrap_servers=ctx.settings.kafka_servers,
            group_id=ctx.group,
            enable_auto_commit=False,
            auto_offset_reset="none",
            session_timeout_ms=10_000,
            heartbeat_interval_ms=1_000,
            rebalance_timeout_ms=20_000,
            max_poll_interval_ms=120_000,
            max_partition_fetch_bytes=2**20,
            metadata_max_age_ms=5_000,  # a topic that was made anew is seen again so soon
        )
        self.topics: dict[str, Publisher] = {}
        self._asked: set[str] = set()
        self._read: set[str] = set()
        self._looked_at = self._made_at = float("-inf")
        self._unplaced: set[TopicPartition] = set()
        self._anew: set[TopicPartition] = set()
        self._waits: dict[TopicPartition, float] = {}
        self._pauses: dict[TopicPartition, float] = {}
        self._news = Seldom()
        self._lag = ctx.metrics.meter.create_gauge(
            "hem_inbound_lag", description="records of publishers' own topics that this process has not read yet"
        )

    @property
    def reads(self) -> bool:
        """Whether there is any topic to read."""
        return bool(self._read)

    async def look(self) -> None:
        """Asks who is registered now; makes the topics that are missing, and reads those there are."""
        if time.monotonic() - self._looked_at < LOOK_EVERY:
            return
        self.topics = await _topics(self._ctx)
        patience = MAKE_EVERY if self.topics.keys() == self._read else MAKE_AGAIN
        if self.topics and (self.topics.keys() != self._asked or time.monotonic() - self._made_at > patience):
            there = await inbound_topics.make(self._ctx, self.topics)
            self._asked, self._made_at = set(self.topics), time.monotonic()
            if there != self._read and there:
                self._read = there
                self.consumer.subscribe(sorted(there), listener=Listener(self))
                log.info("publishers' own topics are read", topics=len(there))
        self._looked_at = time.monotonic()
        self._lag.set(await self._behind())

    def take(self, partitions: Sequence[TopicPartition]) -> None:
        """Has these, and no others, paused until it is known where each goes on."""
        self._waits, self._pauses = {}, {}
        self._unplaced = set(partitions)
        if partitions:
            self.consumer.pause(*partitions)
            for partition in partitions:
                self.consumer.seek(partition, 0)  # a position to be paused at

    async def step(self) -> None:
        """Places new partitions, and takes in what has come."""
        try:
            await self.look()
            await self._place()
            self._go_on()
            found = await self.consumer.getmany(timeout_ms=WAIT_MS, max_records=BATCH)
        except OffsetOutOfRangeError as error:
            self._anew |= set(error.args[0])
            self.take(list(self.consumer.assignment()))
            return
        for partition, records in found.items():
            await self._receive(partition, records)

    async def _place(self) -> None:
        """Begins each new partition where the group left it. What was lost before anybody read it is told."""
        partitions = sorted(self._unplaced)
        if not partitions:
            return
        begins = await self.consumer.beginning_offsets(partitions)
        ends = await self.consumer.end_offsets(partitions)
        left = {partition: await self.consumer.committed(partition) for partition in partitions}
        if self._unplaced != set(partitions):
            return  # assigned anew meanwhile
        for partition in partitions:
            begin, offset = begins[partition], left[partition]
            if offset is not None and (partition in self._anew or offset > ends[partition]):
                log.warning("a topic was made anew and is read from its start", topic=partition.topic)
                offset = None
            if offset is not None and offset < begin:
                await self._park(self._owner(partition), Spot(partition.partition, offset, None), missed(offset, begin))
            if partition in self._unplaced:  # still
                self.consumer.seek(partition, max(offset or 0, begin))
                self.consumer.resume(partition)
                self._unplaced.discard(partition)
                self._anew.discard(partition)

    def _go_on(self) -> None:
        now = time.monotonic()
        for partition in [each for each, until in self._waits.items() if until <= now]:
            del self._waits[partition]
            self.consumer.resume(partition)

    async def _receive(self, partition: TopicPartition, records: Sequence[ConsumerRecord]) -> None:
        """Has what became of these records committed, here and in Kafka; or goes back to the first one and waits."""
        self._ctx.metrics.received.add(len(records))
        try:
            wait = await self._let_in(partition, records)
        except TooMany as too_many:
            wait = float(too_many.retry_after)
        except Exception as error:
            if not is_temporary(error):
                raise
            if self._news(describe(error)):
                log.warning("publishers' own topics wait", error=describe(error))
            self._ctx.metrics.waits.add(1)
            wait = self._pauses.get(partition, FIRST_PAUSE)
            self._pauses[partition] = min(wait * 2, LONGEST_PAUSE)
        else:
            if not wait:
                self._pauses.pop(partition, None)
        if partition not in self.consumer.assignment() or partition in self._unplaced:
            return  # moved meanwhile: whoever has it now reads on from what was committed
        if wait:
            self.consumer.pause(partition)
            self.consumer.seek(partition, records[0].offset)
            self._waits[partition] = time.monotonic() + wait
            return
        try:
            await self.consumer.commit({partition: records[-1].offset + 1})
        except KafkaError as error:  # they come again, and the door knows them
            log.info("Kafka didn't take an offset", error=describe(error))

    async def _let_in(self, partition: TopicPartition, records: Sequence[ConsumerRecord]) -> float:
        """Lets in what may come in and parks the rest. Seconds to wait before it can be tried, 0 when it is done."""
        async with self._ctx.db.transaction() as tx:
            found = await publishers.find(tx, self._owner(partition))
        if found is None or not found.kafka or found.retired_at is not None:
            return LOOK_EVERY  # soon it isn't read any more
        sender = found.sender("kafka")
        submissions = await asyncio.to_thread(read, records)
        parked = await self._judge(sender, records, submissions)
        self._ctx.metrics.handled.add(len(records) - parked)
        self._ctx.metrics.parked.add(parked)
        return 0

    async def _judge(self, sender: Sender, records: Sequence[ConsumerRecord], submissions: Sequence[Submission]) -> int:
        """Lets in what may come in and sets the rest aside, in one transaction. How many were set aside.

        Where one of them breaks the door, it alone is kept out.
        """
        parked = 0

        async def park(tx: Transaction, answers: Sequence[Answer]) -> None:
            nonlocal parked
            told = zip(records, submissions, answers, strict=True)
            judged = [(spot_of(record), fault_of(sender, sent, answer)) for record, sent, answer in told]
            faults = [(spot, fault) for spot, fault in judged if fault is not None]
            await service.park(tx, sender.publisher, faults)
            parked = len(faults)

        try:
            await let_in(self._ctx, sender, submissions, note=park)
        except Exception as error:
            if is_temporary(error) or isinstance(error, TooMany):
                raise
            if len(records) == 1:
                log.exception("a record can't be let in: a defect", offset=records[0].offset)
                await self._park(sender.publisher, spot_of(records[0]), BROKEN)
                return 1
            middle = len(records) // 2
            first = await self._judge(sender, records[:middle], submissions[:middle])
            return first + await self._judge(sender, records[middle:], submissions[middle:])
        return parked

    async def _park(self, publisher: Publisher, spot: Spot, fault: Fault) -> None:
        async with self._ctx.db.transaction() as tx:
            await service.park(tx, publisher, [(spot, fault)])

    def _owner(self, partition: TopicPartition) -> Publisher:
        return Publisher(self._ctx.catalogue_name(partition.topic).removeprefix(FIRST_PART))

    async def _unreadable(self, partition: TopicPartition, offset: int) -> None:
        await self._park(self._owner(partition), Spot(partition.partition, offset, None), STEPPED_OVER)
        self._ctx.metrics.parked.add(1)

    async def _behind(self) -> int:
        """Records of our partitions that are known of and not handed out yet."""
        behind = 0
        for partition in self.consumer.assignment() - self._unplaced:
            behind += max((self.consumer.highwater(partition) or 0) - await self.consumer.position(partition), 0)
        return behind


def read(records: Sequence[ConsumerRecord]) -> list[Submission]:
    """The records as the door takes them."""
    return [submission(records_of.read(record.key, record.value, record.headers)) for record in records]


def spot_of(record: ConsumerRecord) -> Spot:
    """Where a record stands, and when it was written: a client may say any number, and some are no time."""
    written_at = None
    with suppress(ValueError, OverflowError, OSError):
        written_at = datetime.fromtimestamp(record.timestamp / 1000, UTC)
    return Spot(record.partition, record.offset, written_at)
