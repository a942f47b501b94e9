"""What benchmarks/gateway.py measures the door beside: a FastAPI endpoint that inserts the same rows and asks nothing.

`python -m benchmarks.plain PORT DSN`, served as our services are. One transaction a request, each table's rows in one go.
"""

import hashlib
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import asyncpg
import uvicorn
from fastapi import FastAPI, Response

from schemas.tenancy import TenantMovedIn
from services.chassis.outbox import shard_of

TOPIC = TenantMovedIn.topic
IDENTITY = "insert into identity (source, id, fingerprint, type, topic, subject, accepted_at) values ($1, $2, $3, $4, $5, $6, $7)"
AGGREGATE = "insert into aggregate (topic, key, seq) values ($1, $2, $3)"
OUTBOX = """
    insert into outbox (event_id, topic, key, seq, shard, headers, payload, personal)
    values ($1, $2, $3, $4, $5, $6, $7, false)
"""

Json = dict[str, Any]


def app(dsn: str) -> FastAPI:
    """POST /events takes one event or a list of them, as JSON."""

    @asynccontextmanager
    async def lifespan(made: FastAPI) -> AsyncIterator[None]:
        async with asyncpg.create_pool(dsn, min_size=10, max_size=10) as made.state.pool:
            yield

    made = FastAPI(lifespan=lifespan, openapi_url=None)

    @made.post("/events")
    async def publish(events: Json | list[Json]) -> Response:
        listed = events if isinstance(events, list) else [events]
        now = datetime.now(UTC)
        async with made.state.pool.acquire() as connection, connection.transaction():
            await connection.executemany(IDENTITY, [_identity(event, now) for event in listed])
            await connection.executemany(AGGREGATE, [(TOPIC, event["subject"], 1) for event in listed])
            await connection.executemany(OUTBOX, [_outgoing(event) for event in listed])
        said = [{"id": event["id"], "source": event["source"], "status": "accepted"} for event in listed]
        return Response(json.dumps(said if isinstance(events, list) else said[0]), 202, media_type="application/json")

    return made


def _identity(event: Json, now: datetime) -> tuple[Any, ...]:
    fingerprint = hashlib.sha256(json.dumps(event["data"]).encode()).digest()
    return event["source"], event["id"], fingerprint, event["type"], TOPIC, event["subject"], now


def _outgoing(event: Json) -> tuple[Any, ...]:
    headers = [(f"ce_{name}", value) for name, value in event.items() if name != "data"]
    payload, shard = json.dumps(event["data"]).encode(), shard_of(event["subject"])
    return event["id"], TOPIC, event["subject"], 1, shard, json.dumps(headers), payload


if __name__ == "__main__":
    uvicorn.run(app(sys.argv[2]), host="127.0.0.1", port=int(sys.argv[1]), log_config=None, access_log=False)
