"""A lease snapshot of 100,000 rows: the first one, and a year's worth of changes in the next, on real Postgres and Kafka.

The gateway is `python -m services.gateway` as it runs in production, fsync on. It is sent the CSV over HTTP as
`hem connect run` sends it, and timed from the first byte sent until the run has ended: read, compared, published to the
outbox. In the first file all is new (a move-in and, for nineteen of twenty, a contact for each lease); in the second 2 %
are gone, 2 % new and 1 % have another address. Each round has a new database.
"""

import asyncio
import base64
import csv
import io
import os
import random
import sys
import tempfile
import time
from pathlib import Path

import httpx2
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from benchmarks.harness import Measured, new_database, write
from benchmarks.reporting.projector import resident_mb
from hem.stack.folder import free_ports
from hem.stack.kafka import Kafka
from hem.stack.postgres import Postgres
from schemas.topics import TOPICS
from services.gateway.app import service

AIM_SECONDS = 30
TOKEN = "x" * 40
COLUMNS = (
    "lease",
    "tenant",
    "area",
    "building",
    "dwelling",
    "moved_in",
    "name",
    "email",
    "phone",
    "language",
    "protected",
)
CONFIGURED = """
kind: leases
publisher: housing-system
source: urn:bench:housing
options:
  columns: {lease: lease, tenant: tenant, area: area, building: building, dwelling: dwelling, moved_in: moved_in,
    name: name, email: email, phone: phone, language: language, protected: protected}
"""


async def measure(count: int, rows: int) -> str:
    """Gives the section written to RESULTS.md."""
    with tempfile.TemporaryDirectory(prefix="hem-bench-") as folder:
        kafka, postgres = Kafka(Path(folder) / "kafka"), Postgres(Path(folder) / "postgres")
        await asyncio.gather(kafka.start(), postgres.start())
        try:
            await _make_topics(kafka.servers)
            bench = _Bench(kafka.servers, postgres.dsn, Path(folder), rows)
            for number in range(count):
                await bench.round(number)
                print(f"round {number + 1} of {count}: {bench.first[-1]:.1f} s, {bench.next[-1]:.1f} s", flush=True)
        finally:
            await asyncio.gather(kafka.stop(), postgres.stop())
    return write(
        "leases",
        (__doc__ or "").partition("\n\n")[2].strip(),
        [
            Measured("the next file, compared and published", "s", bench.next, f"< {AIM_SECONDS} s"),
            Measured("the next file", "rows/s", [rows / seconds for seconds in bench.next]),
            Measured("the first file, all of it published", "s", bench.first),
            Measured("the first file", "events/s", [bench.events / seconds for seconds in bench.first]),
            Measured("the gateway's memory at its highest", "MB", bench.peak),
            Measured("the gateway's memory before the first file", "MB", bench.idle),
        ],
        {"rows": rows, "MB of CSV": round(len(bench.files[0]) / 1e6, 1)},
    )


class _Bench:
    def __init__(self, servers: str, dsn: str, folder: Path, rows: int) -> None:
        self.servers, self.dsn, self.folder = servers, dsn, folder
        self.files = _files(rows)
        self.events = 0
        self.first: list[float] = []
        self.next: list[float] = []
        self.peak: list[float] = []
        self.idle: list[float] = []

    async def round(self, number: int) -> None:
        dsn, port = await new_database(self.dsn, f"bench_{number}", service.folder), free_ports(1)[0]
        connectors = self.folder / "connectors"
        connectors.mkdir(exist_ok=True)
        (connectors / "leases.yaml").write_text(CONFIGURED, encoding="utf-8")
        environment = _environment(dsn, self.servers, port, connectors)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "services.gateway", env=environment, stdout=asyncio.subprocess.DEVNULL
        )
        try:
            async with httpx2.AsyncClient(
                base_url=f"http://127.0.0.1:{port}", headers={"authorization": f"Bearer {TOKEN}"}, timeout=60
            ) as client:
                await _ready(client)
                agreed = {
                    "publisher": "housing-system",
                    "owner": "bench",
                    "contact": "bench@example.se",
                    "allow": ["all"],
                    "rate_limit": 10_000_000,
                }
                (await client.post("/ops/gateway/publishers", json=agreed)).raise_for_status()
                self.idle.append(resident_mb(process.pid))
                seconds, counts = await _run(client, self.files[0])
                self.first.append(seconds)
                self.events = counts["TenantMovedIn"] + counts["TenantContactChanged"]
                seconds, _ = await _run(client, self.files[1])
                self.next.append(seconds)
            self.peak.append(_peak_mb(process.pid))
        finally:
            process.terminate()
            await process.wait()


async def _run(client: httpx2.AsyncClient, file: bytes) -> tuple[float, dict[str, int]]:
    started = time.perf_counter()
    path = "/ops/gateway/connectors/leases/runs"
    ordered = await client.post(path, params={"filename": "leases.csv"}, content=file)
    ordered.raise_for_status()
    while True:
        said = (await client.get(f"{path}/{ordered.json()['run']}")).raise_for_status().json()
        if said["state"] not in ("waiting", "running"):
            assert said["state"] == "done", said
            return time.perf_counter() - started, said["counts"]
        await asyncio.sleep(0.1)


async def _ready(client: httpx2.AsyncClient) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            if (await client.get("/health/ready")).status_code == 200:
                return
        except httpx2.HTTPError:
            pass
        assert time.monotonic() < deadline, "the gateway isn't ready after a minute"
        await asyncio.sleep(0.1)


async def _make_topics(servers: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    await admin.create_topics([NewTopic(t.name, t.partitions, 1, topic_configs=t.config()) for t in TOPICS.values()])
    await admin.close()


def _files(rows: int) -> tuple[bytes, bytes]:
    """The first export, and the next. Nobody in it exists."""
    chance = random.Random(2019)
    now = [_lease(number, chance) for number in range(rows)]
    first = _csv(now)
    later = now[rows // 50 :]
    for row in chance.sample(later, rows // 100):
        row["email"] = f"new-{row['email']}" if row["email"] else ""
    later += [_lease(rows + number, chance) for number in range(rows // 50)]
    return first, _csv(later)


def _lease(number: int, chance: random.Random) -> dict[str, str]:
    return {
        "lease": f"K{number:08}",
        "tenant": f"T{number:08}",
        "area": chance.choice(("oxnehaga", "raslatt", "osterangen", "ekhagen")),
        "building": f"b-{number // 30}",
        "dwelling": f"d-{number}",
        "moved_in": f"{chance.randint(1985, 2019)}-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}",
        "name": f"Test Testsson {number}",
        "email": f"test.testsson.{number}@example.se" if chance.random() < 0.95 else "",
        "phone": "",
        "language": chance.choice(("sv", "ar", "so", "en")),
        "protected": "",
    }


def _csv(rows: list[dict[str, str]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, delimiter=";")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def _environment(dsn: str, servers: str, port: int, connectors: Path) -> dict[str, str]:
    return {
        **os.environ,
        "HEM_GATEWAY_DATABASE_URL": dsn,
        "HEM_GATEWAY_MASTER_KEY": base64.b64encode(bytes(32)).decode(),
        "HEM_GATEWAY_PORT": str(port),
        "HEM_GATEWAY_CONNECTORS": str(connectors),
        "HEM_KAFKA_SERVERS": servers,
        "HEM_SESSION_SECRET": TOKEN,
        "HEM_OPERATOR_TOKEN": TOKEN,
        "HEM_LOG_LEVEL": "error",
    }


def _peak_mb(pid: int) -> float:
    """The highest that the resident memory of a process has been."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0
