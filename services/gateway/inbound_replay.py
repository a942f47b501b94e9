"""Parked records of publishers' own topics, let in again: read anew from the topic, for as long as that has them."""

import asyncio
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from services.chassis.context import Context
from services.chassis.errors import Unavailable
from services.chassis.transaction import Transaction
from services.gateway.domain.door import Answer, Publisher
from services.gateway.domain.inbound import Choice, Fault, Parked, ParkedId, fault_of, topic_of
from services.gateway.entrance import let_in
from services.gateway.inbound import read, spot_of
from services.gateway.service import inbound as service
from services.gateway.service import publishers

READ_WITHIN = 20.0  # seconds, while somebody waits for the answer
AT_ONCE = 500


class NotOnKafka(Exception):
    """The publisher isn't registered for Kafka any more."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """How many came in, were refused once more, are no longer in the topic, and are left for another time."""

    let_in: int
    refused: int
    gone: int
    left: int


@dataclass(slots=True)
class _Found:
    records: dict[ParkedId, ConsumerRecord] = field(default_factory=dict)
    gone: list[ParkedId] = field(default_factory=list)
    unreadable: int = 0


async def replay(ctx: Context, publisher: Publisher, choice: Choice, by: str) -> Replayed:
    """Lets in what may come in by now, with the publisher's rights of today; what is refused again says why now.

    Raises `NotOnKafka`, `TooMany`, and `Unavailable` where Kafka can't be read.
    """
    async with ctx.db.transaction() as tx:
        registered = await publishers.find(tx, publisher)
        chosen, waiting = await service.chosen(tx, publisher, choice)
    topic = topic_of(publisher)
    if registered is None or registered.retired_at is not None or not registered.kafka or topic is None:
        raise NotOnKafka(publisher)
    found = await _reread(ctx, ctx.topic(topic), chosen)
    ids, sender = list(found.records), registered.sender("kafka")
    submissions = await asyncio.to_thread(read, list(found.records.values()))
    again: list[tuple[ParkedId, Fault]] = []

    async def conclude(tx: Transaction, answers: Sequence[Answer]) -> None:
        told = zip(ids, submissions, answers, strict=True)
        faults = [(parked, fault_of(sender, sent, answer)) for parked, sent, answer in told]
        again[:] = [(parked, fault) for parked, fault in faults if fault is not None]
        good = [parked for parked, fault in faults if fault is None]
        await service.conclude(tx, let_in=good, gone=found.gone, again=again, by=by)

    await let_in(ctx, sender, submissions, note=conclude)
    refused = len(again) + found.unreadable
    return Replayed(len(ids) - len(again), refused, len(found.gone), waiting - len(chosen))


async def _reread(ctx: Context, topic: str, chosen: Sequence[Parked]) -> _Found:
    found = _Found()
    by_partition: dict[TopicPartition, list[Parked]] = defaultdict(list)
    for parked in sorted(chosen, key=lambda each: (each.spot.partition, each.spot.offset)):
        by_partition[TopicPartition(topic, parked.spot.partition)].append(parked)
    if not by_partition:
        return found
    consumer = AIOKafkaConsumer(
        bootstrap_servers=ctx.settings.kafka_servers, auto_offset_reset="none", fetch_max_wait_ms=100
    )
    try:
        async with asyncio.timeout(READ_WITHIN):
            await consumer.start()
            consumer.assign(list(by_partition))
            begins = await consumer.beginning_offsets(list(by_partition))
            ends = await consumer.end_offsets(list(by_partition))
            for partition, some in by_partition.items():
                there = range(begins[partition], ends[partition])
                await _reread_partition(consumer, partition, some, there, found)
                consumer.pause(partition)
    except (KafkaError, TimeoutError, OSError) as error:
        raise Unavailable("the publisher's topic in Kafka") from error
    finally:
        await consumer.stop()
    return found


async def _reread_partition(
    consumer: AIOKafkaConsumer, partition: TopicPartition, some: Sequence[Parked], there: range, found: _Found
) -> None:
    wanted = [parked.spot.offset for parked in some if parked.spot.offset in there]
    records, undecodable = await _records(consumer, partition, wanted)
    for parked in some:
        record = records.get(parked.spot.offset)
        if parked.spot.offset in undecodable:
            found.unreadable += 1
        # In a topic that was made anew another record stands there, of another time.
        elif record is None or spot_of(record).written_at != parked.spot.written_at:
            found.gone.append(parked.id)
        else:
            found.records[parked.id] = record


async def _records(
    consumer: AIOKafkaConsumer, partition: TopicPartition, wanted: Sequence[int]
) -> tuple[dict[int, ConsumerRecord], set[int]]:
    """Those of the `wanted` offsets (ascending) that are there, and which the Kafka client can't decode."""
    records, undecodable, left = dict[int, ConsumerRecord](), set[int](), deque(wanted)
    place, at_once = -AT_ONCE, AT_ONCE
    while left:
        if left[0] >= place + AT_ONCE:  # nearer ones are quicker to read on to than to ask for
            place = left[0]
            consumer.seek(partition, place)
        try:
            got = (await consumer.getmany(partition, timeout_ms=500, max_records=at_once)).get(partition, [])
        except UnicodeDecodeError:
            if at_once == 1:
                undecodable.add(place)
                place += 1
            at_once = 1
            consumer.seek(partition, place)
        else:
            records |= {record.offset: record for record in got if record.offset in wanted}
            place = got[-1].offset + 1 if got else await consumer.position(partition)
        while left and left[0] < place:
            left.popleft()
    return records, undecodable
