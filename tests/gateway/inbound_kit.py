"""What the tests of publishers' own topics share: records as a publisher writes them, and a topic to write them to."""

import json
from typing import Any

from services.chassis.testkit import Bus, Running, eventually
from services.gateway.domain.door import Publisher
from services.gateway.domain.publishers import Agreed
from services.gateway.service import publishers

Json = dict[str, Any]
Headers = list[tuple[str, bytes | None]]
SOURCE = "urn:test:housing"


async def register(
    gateway: Running, name: str = "housing", *, allow: tuple[str, ...] = ("all",), **agreed: Any
) -> None:
    """Registers a publisher for Kafka, with the source `urn:test:<name>`."""
    terms = Agreed(owner="the tests", contact="tests@example.se", allow=allow, kafka=True, **agreed)
    async with gateway.ctx.db.transaction() as tx:
        await publishers.register(tx, Publisher(name), terms, [f"urn:test:{name}"])


async def topic_made(gateway: Running, bus: Bus, name: str = "housing") -> str:
    """Waits for the publisher's topic; its name without the installation's prefix."""

    async def probe() -> bool:
        partitions = await bus.producer.client.fetch_all_metadata()
        return bool(partitions.partitions_for_topic(f"{bus.prefix}inbound.{name}"))

    await eventually(f"the topic of {name}", probe)
    return f"inbound.{name}"


def binary(event: Json) -> tuple[bytes, Headers]:
    """Value and headers of an event in binary mode."""
    headers: Headers = [
        (f"ce_{name}", str(value).encode()) for name, value in event.items() if name not in ("data", "datacontenttype")
    ]
    return json.dumps(event["data"]).encode(), [*headers, ("content-type", b"application/json")]


def structured(event: Json) -> tuple[bytes, Headers]:
    return json.dumps(event).encode(), [("content-type", b"application/cloudevents+json; charset=utf-8")]


async def parked(gateway: Running, name: str = "housing", *, count: int = 1, state: str = "open") -> list[Json]:
    """Waits until so many records of the publisher are parked in that state, and gives them by offset."""

    async def probe() -> list[Json]:
        rows = await gateway.ctx.db.pool.fetch(
            'select * from inbound_parked where publisher = $1 and state = $2 order by partition, "offset"', name, state
        )
        return [dict(row) for row in rows] if len(rows) >= count else []

    found: list[Json] = await eventually(f"{count} parked of {name}", probe)
    assert len(found) == count
    return found
