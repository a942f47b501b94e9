"""The projector with one cohort goal beside peers that do the same work on the same topics, in the same round.

FastStream handles a message in a transaction, with an inbox, eight at once; Quix Streams writes what has come of a partition
in one transaction, a checkpoint every 5,000 messages. Both keep their offsets in Kafka. A peer that isn't done within its
limit is stopped, and its rate is over what it has done. Peers' packages are put into an environment of their own.
"""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median

import asyncpg

from benchmarks.harness import Measured, rounds, write
from benchmarks.reporting import events as told
from benchmarks.reporting.projector import COHORT_GOAL, Bench, cpu_seconds, fill
from hem.stack.kafka import Kafka
from hem.stack.postgres import Postgres

PACKAGES = ("faststream[kafka]==0.7.8", "quixstreams==3.28.1", "asyncpg==0.32.0", "psycopg[binary]==3.3.9", "uvloop")
FOLDER = Path(__file__).parent
LIMITS = {"naive": 20.0, "quix": 30.0}
AIMS = {"naive": (100, None), "quix": (2.5, 2.5)}
TITLES = {"naive": "FastStream per message, 8 workers", "quix": "Quix Streams"}
STARTED_WITHIN = 60.0
MOVED_IN = "se.vatterhem.TenantMovedIn.v1"


async def measure(count: int, events: int) -> str:
    """Gives the section written to RESULTS.md."""
    with tempfile.TemporaryDirectory(prefix="hem-bench-") as folder:
        kafka, postgres = Kafka(Path(folder) / "kafka"), Postgres(Path(folder) / "postgres")
        python = await environment(Path(folder) / "peers")
        await asyncio.gather(kafka.start(), postgres.start())
        try:
            return await _measure(python, kafka.servers, postgres.dsn, count, events)
        finally:
            await asyncio.gather(kafka.stop(), postgres.stop())


async def environment(folder: Path) -> Path:
    """A virtual environment with the peers' packages; gives its Python."""
    python = folder / "bin" / "python"
    for argv in (
        [sys.executable, "-m", "venv", str(folder)],
        [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PACKAGES],
    ):
        process = await asyncio.create_subprocess_exec(*argv)
        assert await asyncio.wait_for(process.wait(), 300) == 0, argv
    return python


async def _measure(python: Path, servers: str, dsn: str, count: int, events: int) -> str:
    made = told.governance() + told.cohort(events)
    await fill(servers, made, "p.")
    bench = Bench(servers, dsn, "p.", made)
    peers = Peers(python, servers, bench, sorted({"p." + topic for topic, _ in made}))
    contenders: dict[str, Callable[[], Awaitable[float]]] = {
        "projector": lambda: bench.projector("projector", [COHORT_GOAL]),
        "quix": lambda: peers.run("quix"),
        "naive": lambda: peers.run("naive"),
    }
    found = await rounds(contenders, count, lambda line: print(line, flush=True))
    (spent, _) = bench.cost["projector"]
    measured = []
    for name, (wall, cpu) in AIMS.items():
        ratios = [ours / theirs for ours, theirs in zip(found["projector"], found[name], strict=True)]
        measured.append(Measured(f"projector / {TITLES[name]}: events/s, in one round", "×", ratios, f"≥ {wall}"))
        costs = [theirs / ours for ours, theirs in zip(spent, peers.cpu[name], strict=True)]
        aim = f"≥ {cpu}" if cpu else None
        measured.append(Measured(f"{TITLES[name]} / projector: processor, without Postgres", "×", costs, aim))
    measured.append(Measured("projector with one goal", "events/s", found["projector"]))
    measured += [Measured(TITLES[name], "events/s", found[name]) for name in AIMS]
    facts = {"events": bench.events, **{f"{TITLES[n]}, events done": median(d) for n, d in peers.done.items()}}
    return write("reporting-peers", (__doc__ or "").partition("\n\n")[2].strip(), measured, facts)


class Peers:
    """The peers, each run on a new database and from the start of the topics."""

    def __init__(self, python: Path, servers: str, bench: Bench, topics: list[str]) -> None:
        self._python, self._servers, self._bench, self._topics = python, servers, bench, topics
        self._number = 0
        self.cpu: dict[str, list[float]] = {name: [] for name in AIMS}
        self.done: dict[str, list[int]] = {name: [] for name in AIMS}

    async def run(self, name: str) -> float:
        """Facts a second from the first commit seen to the last, or to the limit."""
        dsn = await self._bench.database()
        connection = await asyncpg.connect(dsn)
        await connection.execute(await asyncio.to_thread((FOLDER / "tables.sql").read_text, encoding="utf-8"))
        self._number += 1
        process = await asyncio.create_subprocess_exec(
            str(self._python), str(FOLDER / f"{name}.py"), self._servers, dsn, f"{name}-{self._number}", *self._topics,
            stdout=asyncio.subprocess.DEVNULL, env=dict(os.environ),
        )  # fmt: skip
        try:
            first = await self._facts(connection, process, 1, time.monotonic() + STARTED_WITHIN)
            began, warm = time.perf_counter(), cpu_seconds(process.pid)
            all_of_it = len(self._bench.rows)
            last = await self._facts(connection, process, all_of_it, time.monotonic() + LIMITS[name])
            taken, spent = time.perf_counter() - began, cpu_seconds(process.pid) - warm
            members = await connection.fetchval("select coalesce(sum(denominator), 0)::bigint from peer_tally")
            moved_in = sum(row.type == MOVED_IN for row in self._bench.rows)
            assert last > first, f"{name} did nothing"
            assert members == moved_in if last == all_of_it else members, f"{name} counted {members} of {moved_in}"
            self.cpu[name].append(spent * 100_000 / (last - first))
            self.done[name].append(last)
            return (last - first) / taken
        finally:
            await connection.close()
            if process.returncode is None:
                process.kill()
                await process.wait()

    @staticmethod
    async def _facts(
        connection: "asyncpg.Connection[asyncpg.Record]", process: asyncio.subprocess.Process, least: int, until: float
    ) -> int:
        """How many there are, once there are that many or the time is up."""
        while True:
            assert process.returncode is None, "the peer has ended"
            found = int(await connection.fetchval("select count(*) from peer_fact"))
            if found >= least or time.monotonic() > until:
                return found
            await asyncio.sleep(0.25)
