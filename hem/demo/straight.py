"""The past of our own services, written to their topics by somebody else: only here, and only of a made-up landlord.

Nobody but a service may write its topic; in containers Kafka sees to it. But the services that tell of placements and
surveys are not built yet, and what those that are built would have told of 2018 can't be told by them today.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

from aiokafka import AIOKafkaProducer

from schemas.event import Event, EventData
from schemas.kafka import to_record


def write(kafka: str, events: Sequence[Event[EventData]]) -> None:
    """Write each to the topic of its type, in order, and wait until Kafka has them. Twice is once for who reads: same ids.

    One that doesn't say when it was recorded is recorded now.
    """
    asyncio.run(_write(kafka, events))


async def _write(kafka: str, events: Sequence[Event[EventData]]) -> None:
    now = datetime.now(UTC)
    async with AIOKafkaProducer(bootstrap_servers=kafka, acks="all", linger_ms=20) as producer:
        for event in events:
            record = to_record(event.model_copy(update={"recordedtime": event.recordedtime or now}))
            await producer.send(event.data.topic, key=record.key, value=record.value, headers=record.headers)
