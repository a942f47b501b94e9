"""A Kafka consumer that no record can stop.

aiokafka raises for a header whose name is not UTF-8, again and again at the same place, for all partitions at once; and
what it had already taken from the others is lost. This one goes back to what it handed out last, reads record by record
up to the bad one, and steps over it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import ConsumerStoppedError, KafkaError

from services.chassis import parked
from services.chassis.context import Context
from services.chassis.parked import Arrived

UNREADABLE = "a header's name is not UTF-8; the bytes are only in the topic, at this offset"

log = structlog.get_logger(__name__)

Unreadable = Callable[[TopicPartition, int], Awaitable[None]]
Found = dict[TopicPartition, list[ConsumerRecord]]
CAREFULLY = 100  # records of a partition read one by one before trying at full speed again
ANSWER_WITHIN_MS = 500


def park_unreadable(ctx: Context) -> Unreadable:
    """Keeps that there was a record which the Kafka client can't decode: its place is all that is known of it."""

    async def park(partition: TopicPartition, offset: int) -> None:
        record = Arrived(ctx.catalogue_name(partition.topic), partition.partition, offset, None, (), None)
        async with ctx.db.transaction() as tx:
            await parked.park(tx, ctx.name, record, "unreadable", UNREADABLE)
        ctx.metrics.parked.add(1)

    return park


class CarefulConsumer(AIOKafkaConsumer):  # type: ignore[misc]
    """AIOKafkaConsumer; `unreadable(partition, offset)` is told of each record stepped over, before it is."""

    def __init__(self, *topics: str, unreadable: Unreadable, **options: Any) -> None:
        super().__init__(*topics, **options)
        self._unreadable = unreadable
        self._assigned: frozenset[TopicPartition] = frozenset()
        self._next: dict[TopicPartition, int] = {}  # where each partition goes on after what was handed out
        self._astray = False  # positions may be past what nobody was handed

    def seek(self, partition: TopicPartition, offset: int) -> None:
        super().seek(partition, offset)
        self._next[partition] = offset

    async def getmany(self, *partitions: TopicPartition, timeout_ms: int = 0, max_records: int | None = None) -> Found:
        self._forget_what_moved()
        if self._astray:
            await self._go_back()
        try:
            found: Found = await super().getmany(*partitions, timeout_ms=timeout_ms, max_records=max_records)
        except UnicodeDecodeError:
            self._astray = True
            return await self._carefully()
        except (KafkaError, ConsumerStoppedError):
            self._astray = True
            raise
        except Exception:
            self._astray = True
            log.exception("records can't be fetched")
            await asyncio.sleep(1)  # whoever asks again at once must not spin
            raise
        for partition, records in found.items():
            self._next[partition] = records[-1].offset + 1
        return found

    async def _carefully(self) -> Found:
        """What is there, up to the first record of each partition that can't be decoded; the next call begins behind it."""
        places = await self._go_back()
        ends = await self.end_offsets(list(places.keys() - self.paused()))
        found, after = Found(), dict(places)
        self._astray = True  # until what is taken here is handed out
        for partition, end in ends.items():
            records, after[partition] = await self._one_by_one(partition, places[partition], end)
            if records:
                found[partition] = records
        self._next.update(after)
        self._astray = False
        return found

    async def _go_back(self) -> dict[TopicPartition, int]:
        """Puts every partition where it goes on after what was handed out. Gives where that is."""
        places = {partition: await self._place(partition) for partition in self.assignment()}
        for partition, place in places.items():
            super().seek(partition, place)
        self._astray = False
        return places

    async def _one_by_one(self, partition: TopicPartition, place: int, end: int) -> tuple[list[ConsumerRecord], int]:
        """Records from `place` on, and where to go on. At `end` nothing is waited for: of many partitions most are empty."""
        records: list[ConsumerRecord] = []
        try:
            while place < end and len(records) < CAREFULLY:
                got = await super().getmany(partition, timeout_ms=ANSWER_WITHIN_MS, max_records=1)
                if not got:
                    break
                records.extend(got[partition])
                place = records[-1].offset + 1
        except UnicodeDecodeError:
            log.warning("a record is stepped over", topic=partition.topic, partition=partition.partition, offset=place)
            await self._unreadable(partition, place)
            place += 1
            super().seek(partition, place)
        return records, place

    async def _place(self, partition: TopicPartition) -> int:
        if partition in self._next:
            return self._next[partition]
        committed: int | None = await self.committed(partition)
        if committed is not None:
            return committed
        begin: int = (await self.beginning_offsets([partition]))[partition]
        return begin

    def _forget_what_moved(self) -> None:
        assigned = frozenset(self.assignment())
        if assigned != self._assigned:
            self._next = {partition: offset for partition, offset in self._next.items() if partition in assigned}
            self._assigned = assigned
