"""Publishes that somebody has moved in, to a publisher's own topic: two events as they should be, one in each mode, and
one with a mistake, to see what Hem says of it.

Needs aiokafka: python publish_by_kafka.py localhost:9092 inbound.housing urn:example:housing
"""

import asyncio
import json
import sys
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from aiokafka import AIOKafkaProducer

Event = dict[str, Any]
Record = tuple[bytes, list[tuple[str, bytes]]]
"""Value and headers."""


def moved_in(source: str, day: str) -> Event:
    tenancy = f"t-{uuid4()}"
    return {
        "specversion": "1.0",
        "id": str(uuid4()),
        "source": source,
        "type": "se.vatterhem.TenantMovedIn.v1",
        "subject": tenancy,
        "time": datetime.now(UTC).isoformat(),
        "data": {
            "tenancy_id": tenancy,
            "tenant_ref": str(uuid4()),
            "area_id": "oxnehaga",
            "moved_in_on": day,
            "contact_rule": "any",
        },
    }


def binary(event: Event) -> Record:
    """Attributes as headers, the data as the value."""
    headers = [(f"ce_{name}", value.encode()) for name, value in event.items() if name != "data"]
    return json.dumps(event["data"]).encode(), [*headers, ("content-type", b"application/json")]


def structured(event: Event) -> Record:
    """The whole event as the value."""
    return json.dumps(event).encode(), [("content-type", b"application/cloudevents+json")]


async def main(servers: str, topic: str, source: str) -> None:
    events = [
        (moved_in(source, "2026-11-01"), binary),
        (moved_in(source, "2026-11-02"), structured),
        (moved_in(source, "last week"), binary),
    ]
    # With idempotence a repeated send makes no second record, and everybody's acknowledgement is waited for.
    async with AIOKafkaProducer(bootstrap_servers=servers, enable_idempotence=True) as producer:
        for event, mode in events:
            value, headers = mode(event)
            # The key is the subject: what is about one tenancy is then read in the order it was written.
            place = await producer.send_and_wait(topic, value, key=event["subject"].encode(), headers=headers)
            print(f"{event['id']} is record {place.partition}/{place.offset}")  # noqa: T201


asyncio.run(main(*sys.argv[1:]))
