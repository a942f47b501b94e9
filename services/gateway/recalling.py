"""Reads once, from their beginning, the topics that tell of areas, places and contracts: what passed the door before the
gateway kept account of it, as in a database of 0.2.0 or one that was restored without its tables.
"""

import asyncio
from collections.abc import Sequence

from aiokafka import ConsumerRecord, TopicPartition

from schemas.errors import Malformed
from schemas.kafka import from_record
from schemas.withdrawal import EventWithdrawn
from services.chassis import kafka
from services.chassis.consumer import CarefulConsumer
from services.chassis.context import Context
from services.chassis.workers import name_of
from services.gateway.domain.known import TELLING, TOPICS_TELLING
from services.gateway.repository import known as repository
from services.gateway.service import known as service

AT_ONCE = 500
WANTED = {name.encode() for name in (*TELLING, EventWithdrawn.type)}


async def run(ctx: Context) -> None:
    """Reads what hasn't been read, and then waits until cancelled."""
    async with ctx.db.transaction() as tx:
        unread = sorted(TOPICS_TELLING - await repository.topics_read(tx))
    if unread:
        await kafka.cluster_id(ctx, unread)
        await _read(ctx, unread)
    ctx.health.ok(name_of(run))
    await asyncio.Event().wait()


async def _read(ctx: Context, topics: Sequence[str]) -> None:
    # Without a group it is given all partitions.
    names = [ctx.topic(topic) for topic in topics]
    consumer = CarefulConsumer(*names, bootstrap_servers=ctx.settings.kafka_servers, unreadable=_pass_over)
    try:
        await consumer.start()
        partitions = list(consumer.assignment())
        for partition, begin in (await consumer.beginning_offsets(partitions)).items():
            consumer.seek(partition, begin)
        ends = await consumer.end_offsets(partitions)
        while unread := [p for p in partitions if await consumer.position(p) < ends[p]]:
            for records in (await consumer.getmany(*unread, timeout_ms=1000, max_records=AT_ONCE)).values():
                await _note(ctx, records)
        async with ctx.db.transaction() as tx:
            await repository.mark_read(tx, topics)
    finally:
        await consumer.stop()


async def _note(ctx: Context, records: Sequence[ConsumerRecord]) -> None:
    events = []
    for record in records:
        if dict(record.headers).get("ce_type") not in WANTED:
            continue
        try:
            event = from_record(record.key, record.value, record.headers)
        except Malformed:  # its readers have parked it
            continue
        if not event.test:
            events.append(event)
    async with ctx.db.transaction() as tx:
        await service.note_events(tx, events)


async def _pass_over(_partition: TopicPartition, _offset: int) -> None:
    """A record that can't be decoded tells nothing here."""
