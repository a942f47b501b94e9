"""How fast figures are answered: `python -m services.reporting` over tallies of 5 million facts, asked over HTTP.

Tallies of every goal that has any, of three years by day and twelve areas (or values of its other dimension), six in a
row's denominator, and a million subjects' standing are put in by SQL. Requests are sent at a fixed rate, whether or not those
before have been answered (open loop), and timed from when they should have been sent, by a client on the same cores.
"""

import asyncio
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import asyncpg

from benchmarks.harness import Measured, new_database, write
from benchmarks.reporting.events import governance
from benchmarks.reporting.projector import COHORT_GOAL, environment, fill
from hem.stack.folder import free_ports
from hem.stack.kafka import Kafka
from hem.stack.postgres import Postgres
from services.reporting.app import service
from services.reporting.definitions import load
from services.reporting.domain.clauses import JOINT

AREAS = [f"area-{number}" for number in range(1, 13)]
SUBJECTS = 1_000_000
FRONT_PAGE = "The front page of `hem up --demo`, asked at the door thirty times, one after the other."
READY_WITHIN, ANSWERED_WITHIN = 300.0, 20.0
ONE = f"/api/goals/{COHORT_GOAL}?period=2019&area={AREAS[0]}"
ALL = "/api/v1/figures?period=2019&by=area&limit=5000"
SEED_TALLY = """
    insert into tally (goal, measure, area, others, day, since, bucket, numerator, denominator)
    select goal, measure, area, others, day, day, bucket, floor(random() * (of + 1)), of
    from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::int[], $6::int[])
        as m (goal, measure, area, others, bucket, of),
        (select day::date from generate_series('2017-01-01'::date, '2019-12-31', '1 day') as day) as days
"""
SEED_STANDING = """
    insert into standing (ledger, subject, area, day, state)
    select $1, 'subject-' || n, 'area-' || (1 + n % 12), '2017-01-01'::date + n % 1095, '{}' from generate_series(1, $2::int) n
"""


async def measure(seconds: int) -> str:
    """Gives the section written to RESULTS.md."""
    with tempfile.TemporaryDirectory(prefix="hem-bench-") as folder:
        kafka, postgres = Kafka(Path(folder) / "kafka"), Postgres(Path(folder) / "postgres")
        await asyncio.gather(kafka.start(), postgres.start())
        try:
            measured, rows = await _asked(kafka.servers, postgres.dsn, seconds)
        finally:
            await asyncio.gather(kafka.stop(), postgres.stop())
    facts = {"rows of tally": rows, "rows of standing": SUBJECTS, "seconds a rate": seconds}
    section = write("reporting-queries", (__doc__ or "").partition("\n\n")[2].strip(), measured, facts)
    return section + "\n" + write("reporting-front-page", FRONT_PAGE, await _front_page(), {})


async def _asked(servers: str, dsn: str, seconds: int) -> tuple[list[Measured], int]:
    await fill(servers, governance(AREAS), "q.")
    database = await new_database(dsn, "bench_queries", service.folder)
    connection = await asyncpg.connect(database)
    port = free_ports(1)[0]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.reporting", env=environment(servers, database, "q.", port),
        stdout=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + READY_WITHIN
        while (await connection.fetchval("select count(*) from area")) < len(AREAS) or not (
            await connection.fetchval("select count(*) from goal_definition")
        ):
            assert process.returncode is None, "reporting has ended"
            assert time.monotonic() < deadline, "reporting isn't ready"
            await asyncio.sleep(0.2)
        rows = await _seed(connection)
        print(f"{rows:,} rows of tally", flush=True)
        client = Client(port)
        figures = await _checked(client)
        measured = []
        for name, path, rate, aims in (
            ("one goal in one area", ONE, 200, (None, "< 20 ms")),
            (f"all goals × areas × 12 months ({figures} figures)", ALL, 50, ("< 8.6 ms", "< 80 ms")),
        ):
            alone = [await client.get(path) for _ in range(20)]
            measured.append(Measured(f"{name}: one request at a time, p50", "ms", [quantile(alone, 0.5)]))
            took, unanswered = await client.open_loop(path, rate, seconds)
            print(f"{name}: {quantile(took, 0.5):.1f} ms, p99 {quantile(took, 0.99):.1f} ms", flush=True)
            for share, aim in zip((0.5, 0.99), aims, strict=True):
                measured.append(Measured(f"{name}: {rate}/s, p{share * 100:.0f}", "ms", [quantile(took, share)], aim))
            measured.append(Measured(f"{name}: {rate}/s, refused or unanswered", "%", [unanswered * 100], "0"))
        page = [await client.get("/?period=2019") for _ in range(10)]
        measured.append(
            Measured("front page over the same, one at a time, p50", "ms", [quantile(page, 0.5)], "< 150 ms")
        )
        client.close()
        return measured, rows
    finally:
        await connection.close()
        await _ended(process, signal.SIGTERM)


async def _seed(connection: "asyncpg.Connection[asyncpg.Record]") -> int:
    rows = list(_places())
    await connection.execute(SEED_TALLY, *map(list, zip(*rows, strict=True)))
    await connection.execute(SEED_STANDING, f"{COHORT_GOAL}/share", SUBJECTS)
    await connection.execute("vacuum analyze tally")
    await connection.execute("vacuum analyze standing")
    await connection.execute("checkpoint")
    return int(await connection.fetchval("select count(*) from tally"))


def _places() -> Iterator[tuple[str, str, str, str, int, int]]:
    """(goal, measure, area, others, bucket, denominator) of what has a row each day."""
    for goal in load():
        by_area = "area" in goal.dimensions
        for measure in goal.measures:
            if measure.kind in {"official_statistic", "parity", "freshness"}:
                continue
            of = 1 if measure.kind in {"stock", "milestone"} else 6
            for number, area in enumerate(AREAS if by_area or goal.others else [""]):
                others = JOINT.join(f"value-{number % (3 if by_area else 12)}" for _ in goal.others)
                yield goal.id, measure.id, area if by_area else "", others, number * (measure.kind == "duration"), of


async def _checked(client: "Client") -> int:
    """How many figures there are in all; each request gives what it should."""
    one, everything = json.loads(await client.body(ONE)), json.loads(await client.body(ALL))
    assert one["denominator"] == 6 * 365, one
    found = everything["figures"]
    assert everything["next"] is None, len(found)
    assert {figure["area"] for figure in found} == set(AREAS), len(found)
    return len(found)


class Refused(Exception):
    """An answer other than 200."""


class Client:
    """HTTP/1.1 to one port, over as many kept connections as are needed at once."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def body(self, path: str) -> bytes:
        """Raises `Refused`."""
        while self._free and self._free[-1][0].at_eof():
            self._free.pop()[1].close()  # the server keeps an idle connection for some seconds
        reader, writer = self._free.pop() if self._free else await asyncio.open_connection("127.0.0.1", self._port)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: */*\r\n\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        body = await reader.readexactly(int(head.partition("content-length: ")[2].partition("\r")[0]))
        self._free.append((reader, writer))
        if not head.startswith("http/1.1 200"):
            raise Refused(f"{path}: {head[9:12]} {body[:200]!r}")
        return body

    async def get(self, path: str) -> float:
        """Milliseconds."""
        started = time.perf_counter()
        await self.body(path)
        return (time.perf_counter() - started) * 1000

    async def open_loop(self, path: str, rate: int, seconds: int) -> tuple[list[float], float]:
        """(milliseconds of each, the part refused or not answered within `ANSWERED_WITHIN` of the last being sent)."""
        took: list[float] = []

        async def one(due: float) -> None:
            with suppress(Refused, OSError, asyncio.IncompleteReadError):
                await self.body(path)
                took.append((time.perf_counter() - due) * 1000)

        sent, began = [], time.perf_counter()
        for number in range(rate * seconds):
            due = began + number / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            sent.append(asyncio.create_task(one(due)))
        done, pending = await asyncio.wait(sent, timeout=ANSWERED_WITHIN)
        for task in pending:
            task.cancel()
        for task in done:
            task.result()
        assert took, f"{path}: nothing answered"
        return took, 1 - len(took) / len(sent)

    def close(self) -> None:
        for _, writer in self._free:
            writer.close()


async def _front_page() -> list[Measured]:
    async with _demo() as client:
        took = [await client.get("/") for _ in range(30)]
        size = len(await client.body("/"))
    return [
        Measured("front page of the demo at the door, p50", "ms", [quantile(took, 0.5)], "< 150 ms"),
        Measured("front page of the demo at the door, slowest of 30", "ms", [max(took)]),
        Measured("front page of the demo, not compressed", "kB", [size / 1000], "< 100 kB"),
    ]


@asynccontextmanager
async def _demo() -> AsyncIterator[Client]:
    """The door of `hem up --demo`, when its figures stand still."""
    with tempfile.TemporaryDirectory(prefix="hem-bench-") as folder:
        (port,) = free_ports(1)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "hem.cli", "up", "--demo", env={**os.environ, "HEM_HOME": folder, "HEM_PORT": str(port)},
            stdout=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        client = Client(port)
        try:
            deadline, last, since = time.monotonic() + READY_WITHIN, b"", time.monotonic()
            while not last or time.monotonic() - since < 5:
                assert process.returncode is None, "hem up has ended"
                assert time.monotonic() < deadline, "the demo isn't ready"
                await asyncio.sleep(0.3)
                try:
                    page = await client.body("/api/goals?period=2019")
                except (OSError, Refused, asyncio.IncompleteReadError, ValueError):
                    continue
                told = b"".join(str(f["value"]).encode() for f in json.loads(page))
                if told != last:
                    last, since = told, time.monotonic()
            yield client
        finally:
            client.close()
            await _ended(process, signal.SIGINT)


async def _ended(process: asyncio.subprocess.Process, how: signal.Signals) -> None:
    if process.returncode is None:
        process.send_signal(how)
        try:
            await asyncio.wait_for(process.wait(), 30)
        except TimeoutError:
            process.kill()


def quantile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]
