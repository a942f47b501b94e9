"""The door beside a plain FastAPI endpoint that inserts the same rows, on real Postgres with fsync on.

Both are one process of uvicorn with uvloop; events are TenantMovedIn of their own tenancies, structured one by one over 16
connections or in batches of 500 over 4. The plain one (`benchmarks/plain.py`) inserts what the door does into identity,
aggregate and outbox and asks nothing: no key, no schema, no sources, no duplicates, no tally. The door is
`python -m services.gateway` as it runs in production, with the relay waiting for Kafka; beside that once with Kafka, where
the same process sends on what it lets in. Each run has a new database.
"""

import asyncio
import base64
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import httpx2
import orjson
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from benchmarks.harness import Measured, new_database, rounds, write
from hem.stack.folder import free_ports
from hem.stack.kafka import Kafka
from hem.stack.postgres import Postgres
from schemas.http import BATCH, STRUCTURED
from schemas.tenancy import TenantMovedIn
from schemas.topics import TOPICS
from services.gateway.app import service

SIZE, AIM = 500, 0.7
SECONDS, WARMING = 5.0, 1.0
LINES = {1: 16, SIZE: 4}
MADE = {1: 12_000, SIZE: 200}
TOKEN = "t" * 40
NOWHERE = "127.0.0.1:9"


async def measure(count: int) -> str:
    """Gives the section written to RESULTS.md."""
    with tempfile.TemporaryDirectory(prefix="hem-bench-") as folder:
        kafka, postgres = Kafka(Path(folder) / "kafka"), Postgres(Path(folder) / "postgres")
        await postgres.start()
        try:
            return await _measure(kafka, postgres.dsn, count)
        finally:
            await postgres.stop()


async def _measure(kafka: Kafka, dsn: str, count: int) -> str:
    bench = _Bench(dsn)

    def say(line: str) -> None:
        print(line, flush=True)

    contenders = {
        "plain, singles": lambda: bench.plain(1),
        "door, singles": lambda: bench.door(1),
        "plain, batches": lambda: bench.plain(SIZE),
        "door, batches": lambda: bench.door(SIZE),
    }
    found = await rounds(contenders, count, say)
    await kafka.start()
    try:
        await _make_topics(kafka.servers)
        sending = await rounds({"sending on": lambda: bench.door(SIZE, kafka.servers)}, count, say)
    finally:
        await kafka.stop()
    return write(
        "gateway",
        (__doc__ or "").partition("\n\n")[2].strip(),
        [
            Measured("batches: door / plain, in one round", "", _ratios(found, "batches"), f"≥ {AIM}"),
            Measured("batches of 500, door", "events/s", found["door, batches"]),
            Measured("batches of 500, plain", "events/s", found["plain, batches"]),
            Measured("batches of 500, door that sends on to Kafka", "events/s", sending["sending on"]),
            Measured("singles: door / plain, in one round", "", _ratios(found, "singles")),
            Measured("singles, door", "events/s", found["door, singles"]),
            Measured("singles, plain", "events/s", found["plain, singles"]),
        ],
        {"seconds a run": SECONDS},
    )


def _ratios(found: dict[str, list[float]], what: str) -> list[float]:
    return [door / plain for door, plain in zip(found[f"door, {what}"], found[f"plain, {what}"], strict=True)]


class _Bench:
    """The two contenders: each call is one run on a new database, and gives events a second."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._number = 0
        self._bodies = {size: _bodies(size) for size in MADE}

    async def plain(self, size: int) -> float:
        (port,) = free_ports(1)
        dsn = await self._database()
        async with _running(port, ["benchmarks.plain", str(port), dsn]):
            return await _load(port, self._bodies[size], size, "application/json")

    async def door(self, size: int, kafka: str = NOWHERE) -> float:
        (port,) = free_ports(1)
        environment = {
            "HEM_GATEWAY_DATABASE_URL": await self._database(),
            "HEM_GATEWAY_MASTER_KEY": base64.b64encode(bytes(32)).decode(),
            "HEM_GATEWAY_PORT": str(port),
            "HEM_GATEWAY_RATE_LIMIT": "1000000000",
            "HEM_KAFKA_SERVERS": kafka,
            "HEM_SESSION_SECRET": "x" * 40,
            "HEM_OPERATOR_TOKEN": TOKEN,
            "HEM_LOG_LEVEL": "error",
        }
        async with _running(port, ["services.gateway"], environment):
            key = await _key(port)
            return await _load(port, self._bodies[size], size, BATCH if size > 1 else STRUCTURED, key)

    async def _database(self) -> str:
        self._number += 1
        return await new_database(self._dsn, f"bench_{self._number}", service.folder)


def _bodies(size: int) -> list[bytes]:
    """Requests' bodies, made before anything is timed."""
    batches = ([_event() for _ in range(size)] for _ in range(MADE[size]))
    return [orjson.dumps(batch if size > 1 else batch[0]) for batch in batches]


def _event() -> dict[str, object]:
    tenancy, now = str(uuid4()), datetime.now(UTC)
    return {
        "specversion": "1.0",
        "id": str(uuid4()),
        "source": "urn:bench",
        "type": TenantMovedIn.type,
        "subject": tenancy,
        "time": now.isoformat(),
        "datacontenttype": "application/json",
        "data": {
            "tenancy_id": tenancy,
            "tenant_ref": str(uuid4()),
            "area_id": "oxnehaga",
            "moved_in_on": now.date().isoformat(),
            "contact_rule": "any",
        },
    }


@asynccontextmanager
async def _running(port: int, module: Sequence[str], environment: dict[str, str] | None = None) -> AsyncIterator[None]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", *module, env={**os.environ, **(environment or {})}, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        async with asyncio.timeout(30):
            while not await _answers(port):
                assert process.returncode is None, f"{module[0]} has ended"
                await asyncio.sleep(0.05)
        yield
    finally:
        process.terminate()
        await process.wait()


async def _answers(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


async def _key(port: int) -> str:
    order = {"publisher": "bench", "allow": ["all"], "sources": ["urn:bench"]}
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
        answer = await client.post("/ops/gateway/keys", json=order, headers={"Authorization": f"Bearer {TOKEN}"})
    answer.raise_for_status()
    return str(answer.json()["key"])


async def _load(port: int, bodies: list[bytes], size: int, media_type: str, key: str = "none") -> float:
    """Events a second that were answered 202, after a second of warming up."""
    left = iter(bodies)
    done: list[float] = []
    begun = time.perf_counter()

    async def line() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for body in left:
            writer.write(_request(body, media_type, key))
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 202"), head
            length = int(head.lower().partition(b"content-length:")[2].partition(b"\r")[0])
            await reader.readexactly(length)
            done.append(time.perf_counter() - begun)
            if done[-1] > SECONDS + WARMING:
                break
        writer.close()

    await asyncio.gather(*(line() for _ in range(LINES[size])))
    timed = [at for at in done if at > WARMING]
    return size * len(timed) / (timed[-1] - WARMING)


def _request(body: bytes, media_type: str, key: str) -> bytes:
    return (
        f"POST /events HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: {media_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


async def _make_topics(servers: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    await admin.create_topics([NewTopic(t.name, t.partitions, 1, topic_configs=t.config()) for t in TOPICS.values()])
    await admin.close()
