"""The projector beside a raw COPY of the same rows, on real Kafka and Postgres with fsync on.

The projector is `python -m services.reporting` as it runs in production: facts, exact deduplication, states, tallies and
offsets; with no goal, with one cohort goal, and with all goals over a mix of what they count. The COPY puts the same fact
rows, ready in memory and without the duplicates, into a table with the same primary key, 5,000 a transaction. Peers read
the same topics. Each round has a new database; the topics are filled once.
"""

import asyncio
import base64
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import asyncpg
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from benchmarks.harness import Measured, new_database, rounds, write
from benchmarks.reporting import events as told
from benchmarks.reporting.events import Sent
from hem.stack.folder import free_ports
from hem.stack.kafka import Kafka
from hem.stack.postgres import Postgres
from schemas.kafka import to_record
from schemas.topics import TOPICS
from services.reporting.app import service
from services.reporting.definitions import load
from services.reporting.repository.facts import FACT_COLUMNS, FactRow

TRANSACTION = 5_000
AIMS = {"facts": 0.30, "one goal": 0.22, "all goals": 0.15}
COHORT_GOAL = "housing-introduction-offered"


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
    sets = {"c.": told.governance() + told.cohort(events), "m.": told.governance() + told.mix(events)}
    for prefix, made in sets.items():
        print(f"filling the topics with {len(made):,} events", flush=True)
        await fill(servers, made, prefix)
    cohort, mix = (Bench(servers, dsn, prefix, made) for prefix, made in sets.items())
    contenders: dict[str, Callable[[], Awaitable[float]]] = {
        "COPY": cohort.copy,
        "facts": lambda: cohort.projector("facts", []),
        "one goal": lambda: cohort.projector("one goal", [COHORT_GOAL]),
        "COPY of the mix": mix.copy,
        "all goals": lambda: mix.projector("all goals", sorted(load().by_id)),
    }
    found = await rounds(contenders, count, lambda line: print(line, flush=True))
    measured = []
    for name, aim in AIMS.items():
        beside = found["COPY of the mix" if name == "all goals" else "COPY"]
        ratios = [p / c for p, c in zip(found[name], beside, strict=True)]
        measured.append(Measured(f"{name} / COPY, in one round", "", ratios, f"≥ {aim}"))
    measured += [Measured(name, "events/s", found[name]) for name in contenders]
    for name, (cpu, memory) in {**cohort.cost, **mix.cost}.items():
        measured.append(Measured(f"{name}: processor of the projector", "s per 100,000 events", cpu))
        measured.append(Measured(f"{name}: its memory at the end", "MB", memory, "< 250 MB"))
    facts = {"events": cohort.events, "of them duplicates": cohort.events - len(cohort.rows)}
    return write("reporting-projector", (__doc__ or "").partition("\n\n")[2].strip(), measured, facts)


async def fill(servers: str, made: Sequence[Sent], prefix: str) -> None:
    """Makes all topics, their names with `prefix` before, and sends the events."""
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    await admin.create_topics(
        [NewTopic(prefix + t.name, t.partitions, 1, topic_configs=t.config()) for t in TOPICS.values()]
    )
    await admin.close()
    producer = AIOKafkaProducer(bootstrap_servers=servers, acks="all", linger_ms=20, max_batch_size=2**18)
    await producer.start()
    try:
        for at in range(0, len(made), 5_000):
            sending = []
            for topic, event in made[at : at + 5_000]:
                record = to_record(event)
                sending.append(
                    await producer.send(prefix + topic, record.value, key=record.key, headers=record.headers)
                )
            await asyncio.gather(*sending)
    finally:
        await producer.stop()


def _row(event: Any) -> FactRow:
    return FactRow(
        event.source, event.id, event.type, event.data.topic, 0, 0, event.subject, event.time, event.recordedtime,
        event.sequence, event.history, event.data.json_bytes(),
    )  # fmt: skip


class Bench:
    """Contenders over one set of events, in topics of one prefix. `cost`: (processor seconds per 100,000 events, MB) of
    each projector, a value a round."""

    def __init__(self, servers: str, dsn: str, prefix: str, made: Sequence[Sent]) -> None:
        self._servers, self._dsn, self.prefix = servers, dsn, prefix
        self.events = len(made)
        self.rows = [_row(event) for event in {event.id: event for _, event in made}.values()]
        self.cost: dict[str, tuple[list[float], list[float]]] = {}
        self._number = 0

    async def copy(self) -> float:
        """Rows a second."""
        connection = await asyncpg.connect(await self.database())
        try:
            await connection.execute("create table copied (like fact, primary key (source, event_id))")
            started = time.perf_counter()
            for at in range(0, len(self.rows), TRANSACTION):
                await connection.copy_records_to_table(
                    "copied", records=self.rows[at : at + TRANSACTION], columns=FACT_COLUMNS
                )
            return len(self.rows) / (time.perf_counter() - started)
        finally:
            await connection.close()

    async def projector(self, name: str, goals: list[str]) -> float:
        """Events a second, from the first commit seen to the last event committed."""
        dsn = await self.database()
        connection = await asyncpg.connect(dsn)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "benchmarks.reporting.projecting", *goals, env=environment(self._servers, dsn, self.prefix),
            stdout=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            first, applied, warm = None, 0, 0.0
            while applied < self.events:
                assert process.returncode is None, "the projector has ended"
                await asyncio.sleep(0.02)
                applied = await connection.fetchval(
                    "select coalesce(sum(next_offset), 0)::bigint from projection_offset"
                )
                if applied and first is None:
                    first, warm = (time.perf_counter(), applied), cpu_seconds(process.pid)
            assert first is not None
            taken = time.perf_counter() - first[0]
            facts = await connection.fetchval("select count(*) from fact")
            assert facts == len(self.rows), f"{facts} facts of {len(self.rows)}"
            tallied = await connection.fetchval("select count(distinct goal) from tally")
            assert bool(tallied) == bool(goals), f"{tallied} goals with figures"
            cpu, memory = self.cost.setdefault(name, ([], []))
            cpu.append((cpu_seconds(process.pid) - warm) * 100_000 / (self.events - first[1]))
            memory.append(resident_mb(process.pid))
            return float((self.events - first[1]) / taken)
        finally:
            await connection.close()
            if process.returncode is None:
                process.terminate()
                await process.wait()

    async def database(self) -> str:
        self._number += 1
        return await new_database(self._dsn, f"bench_{self.prefix[0]}_{self._number}", service.folder)


def environment(servers: str, dsn: str, prefix: str, port: int | None = None) -> dict[str, str]:
    """What a reporting process is started with."""
    return {
        **os.environ,
        "HEM_REPORTING_DATABASE_URL": dsn,
        "HEM_REPORTING_MASTER_KEY": base64.b64encode(bytes(32)).decode(),
        "HEM_REPORTING_PORT": str(port or free_ports(1)[0]),
        "HEM_KAFKA_SERVERS": servers,
        "HEM_TOPIC_PREFIX": prefix,
        "HEM_SESSION_SECRET": "x" * 40,
        "HEM_OPERATOR_TOKEN": "x" * 40,
        "HEM_LOOPBACK": "true",
        "HEM_LOG_LEVEL": "error",
    }


def cpu_seconds(pid: int) -> float:
    """Processor time of one process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mb(pid: int) -> float:
    """Resident memory of one process."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0
