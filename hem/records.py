"""The records of a Kafka topic as they stand there now, read once and with nobody's consumer group."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from hem.stack.errors import StackError

ANSWER_WITHIN = 15.0
AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Found:
    """A record and its place. `readable` is false for one that the Kafka client can't decode."""

    partition: int
    offset: int
    key: bytes | None = None
    value: bytes | None = None
    headers: tuple[tuple[str, bytes | None], ...] = ()
    readable: bool = True


async def read(servers: str, topic: str, *, limit: int, within: float) -> AsyncIterator[Found]:
    """At most `limit` records, partition by partition from each beginning to where it ended at the start.

    StackError when Kafka, or the topic, isn't there, or when reading takes longer than `within` seconds.
    """
    consumer = AIOKafkaConsumer(bootstrap_servers=servers, request_timeout_ms=int(ANSWER_WITHIN * 1000))
    try:
        async with asyncio.timeout(within):
            left = limit
            for partition, begin, end in await _spans(consumer, servers, topic):
                async for record in _between(consumer, partition, begin, min(end, begin + left)):
                    left -= 1
                    yield record
                if left == 0:
                    break
    except TimeoutError:
        raise StackError(
            f"Reading {topic} took more than {within:.0f} s. Let it read less with --limit, or longer with --within."
        ) from None
    except KafkaError as error:
        raise StackError(f"Kafka at {servers} does not let {topic} be read ({type(error).__name__}).") from error
    finally:
        await consumer.stop()


async def _spans(consumer: AIOKafkaConsumer, servers: str, topic: str) -> list[tuple[TopicPartition, int, int]]:
    partitions = [TopicPartition(topic, number) for number in await _partitions(servers, topic)]
    await consumer.start()
    consumer.assign(partitions)
    begins, ends = await consumer.beginning_offsets(partitions), await consumer.end_offsets(partitions)
    return [(partition, begins[partition], ends[partition]) for partition in partitions]


async def _partitions(servers: str, topic: str) -> list[int]:
    admin = AIOKafkaAdminClient(bootstrap_servers=servers, request_timeout_ms=int(ANSWER_WITHIN * 1000))
    try:
        await admin.start()
        [found] = await admin.describe_topics([topic])
    except (KafkaError, ValueError) as error:
        raise StackError(f"Kafka does not answer at {servers} ({error}). Is it running?") from error
    finally:
        await admin.close()
    if found["error_code"]:
        raise StackError(f"There is no topic {topic} at {servers}, or none that may be read.")
    return sorted(each["partition"] for each in found["partitions"])


async def _between(consumer: AIOKafkaConsumer, partition: TopicPartition, begin: int, end: int) -> AsyncIterator[Found]:
    """Each record of these offsets. aiokafka raises for a header's name that is no UTF-8: then they come one by one."""
    place, at_once = begin, AT_ONCE
    consumer.seek(partition, place)
    while place < end:
        try:
            got = (await consumer.getmany(partition, timeout_ms=500, max_records=at_once)).get(partition, [])
        except UnicodeDecodeError:
            if at_once == 1:
                yield Found(partition.partition, place, readable=False)
                place += 1
            at_once = 1
            consumer.seek(partition, place)
            continue
        for record in got:
            if record.offset < end:
                yield Found(record.partition, record.offset, record.key, record.value, tuple(record.headers))
            place = record.offset + 1
        if not got and await consumer.position(partition) >= end:
            return  # what is left is marks of transactions, or has been compacted away
