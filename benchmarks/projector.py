"""The projector with the cohort goal beside a raw COPY of the same rows, on real Kafka and Postgres with fsync on.

The projector is `python -m services.reporting` as it runs in production: facts, exact deduplication, subject states,
rollup and offsets. The COPY puts the same fact rows, ready in memory and without the duplicates, into a table with the
same primary key, 5,000 a transaction. Each round has a new database; the topics are filled once.
"""

import asyncio
import base64
import os
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import asyncpg
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from benchmarks.harness import Measured, new_database, rounds, write
from hem.stack.kafka import Kafka
from hem.stack.postgres import Postgres
from schemas.event import Event
from schemas.kafka import to_record
from schemas.notifications import HousingIntroductionOffered
from schemas.tenancy import TenantMovedIn
from schemas.topics import TOPICS
from services.chassis.ids import uuid7
from services.reporting.app import service
from services.reporting.repository.facts import FACT_COLUMNS, FactRow

TRANSACTION = 5_000
AIM = 0.15
Sent = tuple[str, Event[TenantMovedIn | HousingIntroductionOffered]]


async def measure(count: int, events: int) -> str:
    """Gives the section written to RESULTS.md."""
    with tempfile.TemporaryDirectory(prefix="hem-bench-") as folder:
        kafka, postgres = Kafka(Path(folder) / "kafka"), Postgres(Path(folder) / "postgres")
        await asyncio.gather(kafka.start(), postgres.start())
        try:
            return await _measure(kafka.servers, postgres.dsn, count, events)
        finally:
            await asyncio.gather(kafka.stop(), postgres.stop())


async def _measure(servers: str, dsn: str, count: int, events: int) -> str:
    made = _events(events)
    print(f"filling the topics with {len(made):,} events", flush=True)
    await _fill(servers, made)
    unique = {event.id: event for _, event in made}
    bench = _Bench(servers, dsn, len(made), [_row(event) for event in unique.values()])
    found = await rounds(
        {"projector": bench.projector, "COPY": bench.copy}, count, lambda line: print(line, flush=True)
    )
    ratios = [p / c for p, c in zip(found["projector"], found["COPY"], strict=True)]
    return write(
        "projector",
        (__doc__ or "").partition("\n\n")[2].strip(),
        [
            Measured("projector / COPY, in one round", "", ratios, f"≥ {AIM}"),
            Measured("projector with the cohort goal", "events/s", found["projector"]),
            Measured("raw COPY", "rows/s", found["COPY"]),
            Measured("projector, CPU", "s per 100,000 events", bench.cpu),
            Measured("projector, resident memory at the end", "MB", bench.memory),
        ],
        {"events": len(made), "of them duplicates": len(made) - len(unique)},
    )


def _events(count: int) -> list[Sent]:
    """Move-ins and offers of a year, mostly in order, 1 % of them twice."""
    chance = random.Random(2019)
    start = datetime(2019, 1, 1, 8, tzinfo=UTC)
    areas = ["oxnehaga", "raslatt", "osterangen", "ekhagen", "soder", "vaster", "huskvarna"]
    made: list[Sent] = []
    households = count * 100 // 195
    for number in range(households):
        moved = start + timedelta(days=365 * number / households)
        area, tenancy = chance.choice(areas), str(uuid7(moved))
        made.append(("tenancy.events", Event.of(
            TenantMovedIn(
                tenancy_id=tenancy, tenant_ref=str(uuid7(moved)), area_id=area, moved_in_on=moved.date(),
                contact_rule="any",
            ),
            id=str(uuid7(moved)), source="urn:bench:housing", time=moved, recordedtime=moved,
        )))  # fmt: skip
        if chance.random() < 0.93:
            offered = moved + timedelta(hours=chance.expovariate(1 / 20))
            made.append(("notifications.events", Event.of(
                HousingIntroductionOffered(
                    tenancy_id=tenancy, area_id=area, offered_on=min(offered.date(), date(2020, 12, 31)), channel="email"
                ),
                id=str(uuid7(offered)), source="urn:hem:notifications", time=offered, recordedtime=offered, sequence=1,
            )))  # fmt: skip
        if chance.random() < 0.02:
            made.append(chance.choice(made[-50:]))
    return made


async def _fill(servers: str, made: Sequence[Sent]) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    await admin.create_topics([NewTopic(t.name, t.partitions, 1, topic_configs=t.config()) for t in TOPICS.values()])
    await admin.close()
    producer = AIOKafkaProducer(bootstrap_servers=servers, acks="all", linger_ms=20, max_batch_size=2**18)
    await producer.start()
    try:
        for at in range(0, len(made), 5_000):
            sending = []
            for topic, event in made[at : at + 5_000]:
                record = to_record(event)
                sending.append(await producer.send(topic, record.value, key=record.key, headers=record.headers))
            await asyncio.gather(*sending)
    finally:
        await producer.stop()


def _row(event: Event[TenantMovedIn | HousingIntroductionOffered]) -> FactRow:
    return FactRow(
        event.source, event.id, event.type, event.data.topic, 0, 0, event.subject, event.time, event.recordedtime,
        event.sequence, event.history, event.data.json_bytes(),
    )  # fmt: skip


class _Bench:
    """The two contenders. `cpu`, `memory`: of the projector's process, a value a round."""

    def __init__(self, servers: str, dsn: str, events: int, rows: list[FactRow]) -> None:
        self._servers, self._dsn, self._events, self._rows = servers, dsn, events, rows
        self._number = 0
        self.cpu: list[float] = []
        self.memory: list[float] = []

    async def copy(self) -> float:
        """Rows a second."""
        dsn = await self._database()
        connection = await asyncpg.connect(dsn)
        try:
            await connection.execute("create table copied (like fact, primary key (source, event_id))")
            started = time.perf_counter()
            for at in range(0, len(self._rows), TRANSACTION):
                await connection.copy_records_to_table(
                    "copied", records=self._rows[at : at + TRANSACTION], columns=FACT_COLUMNS
                )
            return len(self._rows) / (time.perf_counter() - started)
        finally:
            await connection.close()

    async def projector(self) -> float:
        """Events a second, from the first commit seen to the last event committed."""
        dsn = await self._database()
        connection = await asyncpg.connect(dsn)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "services.reporting", env=self._environment(dsn), stdout=asyncio.subprocess.DEVNULL
        )
        try:
            first, applied = None, 0
            while applied < self._events:
                assert process.returncode is None, "the projector has ended"
                await asyncio.sleep(0.02)
                applied = await connection.fetchval(
                    "select coalesce(sum(next_offset), 0)::bigint from projection_offset"
                )
                if applied and first is None:
                    first = (time.perf_counter(), applied)
            assert first is not None
            taken = time.perf_counter() - first[0]
            facts = await connection.fetchval("select count(*) from fact")
            assert facts == len(self._rows), f"{facts} facts of {len(self._rows)}"
            self.cpu.append(_cpu_seconds(process.pid) * 100_000 / self._events)
            self.memory.append(resident_mb(process.pid))
            return float((self._events - first[1]) / taken)
        finally:
            await connection.close()
            process.terminate()
            await process.wait()

    async def _database(self) -> str:
        self._number += 1
        return await new_database(self._dsn, f"bench_{self._number}", service.folder)

    def _environment(self, dsn: str) -> dict[str, str]:
        return {
            **os.environ,
            "HEM_REPORTING_DATABASE_URL": dsn,
            "HEM_REPORTING_MASTER_KEY": base64.b64encode(bytes(32)).decode(),
            "HEM_REPORTING_PORT": "0",
            "HEM_KAFKA_SERVERS": self._servers,
            "HEM_SESSION_SECRET": "x" * 40,
            "HEM_OPERATOR_TOKEN": "x" * 40,
            "HEM_LOG_LEVEL": "error",
        }


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mb(pid: int) -> float:
    """Resident memory of one process."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0
