"""Rounds, medians and spread: what every measurement here is made and written with.

Contenders take turns within a round and every other round goes backwards, so that a noisy minute or a warm cache
doesn't favour one. Trust the ratios inside a round more than the figures beside each other.
"""

import asyncio
import json
import os
import platform
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from services.chassis.migrate import migrate

RESULTS = Path(__file__).parent / "results"
TABLES = Path(__file__).parent / "RESULTS.md"


@dataclass(frozen=True, slots=True)
class Measured:
    """One quantity over the rounds, in `unit`. `aim`: what it should be, in words; none where it is only noted."""

    name: str
    unit: str
    values: list[float]
    aim: str | None = None

    @property
    def line(self) -> str:
        low, high = min(self.values), max(self.values)
        spread = "" if len(self.values) == 1 else f"{_short(low)}–{_short(high)}"
        return f"| {self.name} | {_short(median(self.values))} {self.unit} | {spread} | {len(self.values)} | {self.aim or ''} |"


async def rounds(
    contenders: Mapping[str, Callable[[], Awaitable[float]]], count: int, say: Callable[[str], None]
) -> dict[str, list[float]]:
    """Each contender once a round, in turn; in reverse every other round. Gives each one's values in round order."""
    found: dict[str, list[float]] = {name: [] for name in contenders}
    names = list(contenders)
    for number in range(count):
        for name in names if number % 2 == 0 else reversed(names):
            value = await contenders[name]()
            found[name].append(value)
            say(f"round {number + 1} of {count}: {name} {_short(value)}")
    return found


async def new_database(dsn: str, name: str, service: Path) -> str:
    """A database of that name on the server of `dsn`, with the migrations of the service in that folder. Gives its DSN."""
    admin = await asyncpg.connect(dsn)
    await admin.execute(f"create database {name}")
    await admin.execute("checkpoint")  # what it cost to make it is written before anything is timed
    await admin.close()
    made = urlunsplit(urlsplit(dsn)._replace(path=f"/{name}"))
    await asyncio.to_thread(migrate, made, service)
    return made


def write(benchmark: str, what: str, measured: Sequence[Measured], facts: Mapping[str, object]) -> str:
    """Keeps the results as JSON and in RESULTS.md, one section a benchmark; gives the section."""
    RESULTS.mkdir(exist_ok=True)
    record = {
        "benchmark": benchmark,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "facts": dict(facts),
        "measured": [{**asdict(m), "median": median(m.values)} for m in measured],
    }
    (RESULTS / f"{benchmark}.json").write_text(
        json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    said = ", ".join(f"{name} {value}" for name, value in {**facts, **machine()}.items())
    section = "\n".join(
        [
            f"## {benchmark}",
            "",
            what,
            "",
            f"{record['at']}; {said}.",
            "",
            "| what | median | from–to | rounds | aim |",
            "| --- | --- | --- | --- | --- |",
            *(m.line for m in measured),
            "",
        ]
    )
    _put(section, benchmark)
    return section


def machine() -> dict[str, object]:
    load = os.getloadavg()[0]
    return {"cores": os.cpu_count(), "load": round(load, 1), "python": platform.python_version()}


def _put(section: str, benchmark: str) -> None:
    """Replaces the benchmark's own section of RESULTS.md, or adds it."""
    head = "# Measured\n\nMade by `make bench`; see `benchmarks/harness.py` for how. Aims are those of the issue.\n\n"
    text = TABLES.read_text(encoding="utf-8") if TABLES.exists() else head
    before, mark, after = text.partition(f"## {benchmark}\n")
    rest = "" if not mark or "\n## " not in after else "## " + after.split("\n## ", 1)[1]
    TABLES.write_text(f"{before.rstrip()}\n\n{section}\n{rest}".rstrip() + "\n", encoding="utf-8")


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
