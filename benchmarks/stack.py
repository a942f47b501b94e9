"""The whole stack on one machine, from outside: `hem up --demo` as a newcomer runs it.

Seconds to the first figure: from the command to a goal with a value at the door, on a machine where everything has
been fetched and unpacked before. Event to figure: TenantMovedIn posted one by one at 100 a second; from the gateway's
202 to the first answer of the goal API that counts it, asked every 10 ms. Resident memory: the proportional share
(PSS) of the command and all its children, after the demo year and after the load.
"""

import asyncio
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import uuid4

import httpx2

from benchmarks.harness import Measured, write
from hem.stack.folder import free_ports

GOAL = "housing-introduction-offered"
RATE = 100  # events a second
AREA = "oxnehaga"
READY_WITHIN = 300.0


async def measure(seconds: int) -> str:
    """Gives the section written to RESULTS.md."""
    with tempfile.TemporaryDirectory(prefix="hem-bench-") as folder:
        (port,) = free_ports(1)
        environment = {**os.environ, "HEM_HOME": folder, "HEM_PORT": str(port)}
        started = time.perf_counter()
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "hem.cli", "up", "--demo", env=environment, stdout=asyncio.subprocess.DEVNULL
        )
        try:
            async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as door:
                await _first_figure(door, process)
                first = time.perf_counter() - started
                await _settled(door, "2019")
                after_demo = sum(_memory_mb(process.pid))
                delays = await _delays(door, Path(folder), seconds)
                after_load = sum(_memory_mb(process.pid))
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGINT)
                await asyncio.wait_for(process.wait(), 30)
    return write(
        "stack",
        (__doc__ or "").partition("\n\n")[2].strip(),
        [
            Measured("command → first figure", "s", [first], "≤ 20 s"),
            Measured("accepted event → figure, p50", "ms", [_quantile(delays, 0.50)], "≤ 250 ms"),
            Measured("accepted event → figure, p99", "ms", [_quantile(delays, 0.99)], "≤ 1,000 ms"),
            Measured("memory after the demo year", "MB", [after_demo], "≤ 900 MB"),
            Measured("memory after the load", "MB", [after_load], "≤ 900 MB"),
        ],
        {"events timed": len(delays), "events/s": RATE},
    )


async def _first_figure(door: httpx2.AsyncClient, process: asyncio.subprocess.Process) -> None:
    deadline = time.monotonic() + READY_WITHIN
    while time.monotonic() < deadline:
        assert process.returncode is None, "hem up has ended"
        if await _denominator(door, "2019") is not None:
            return
        await asyncio.sleep(0.05)
    raise TimeoutError("no figure")


async def _settled(door: httpx2.AsyncClient, period: str, least: int = 1) -> int:
    """Waits until the denominator is at least that and has stood still for three seconds."""
    last, since = 0, time.monotonic()
    while last < least or time.monotonic() - since < 3:
        await asyncio.sleep(0.2)
        now = await _denominator(door, period) or 0
        if now != last:
            last, since = now, time.monotonic()
    return last


@dataclass(slots=True)
class _Load:
    """When each event was accepted, in order, and when the figure first counted that many."""

    accepted: list[float] = field(default_factory=list)
    counted: list[float] = field(default_factory=list)


async def _delays(door: httpx2.AsyncClient, home: Path, seconds: int) -> list[float]:
    """Milliseconds from acceptance to figure, event by event in order of acceptance."""
    token = (home / "secrets" / "operator-token").read_text(encoding="utf-8").strip()
    answer = await door.post(
        "/ops/gateway/keys",
        json={"publisher": "bench", "allow": ["all"], "sources": ["urn:bench"]},
        headers={"Authorization": f"Bearer {token}"},
    )
    answer.raise_for_status()
    headers = {"Authorization": f"Bearer {answer.json()['key']}", "Content-Type": "application/cloudevents+json"}
    today = datetime.now(UTC).date()
    period = str(today.year)
    first = [_move_in(today) for _ in range(10)]  # a figure about fewer than five isn't shown
    for event in first:
        (await door.post("/events", json=event, headers=headers)).raise_for_status()
    base = await _settled(door, period, len(first))
    load, count = _Load(), seconds * RATE
    watching = asyncio.create_task(_watch(door, period, base, count, load))
    posts: set[asyncio.Task[None]] = set()
    began = time.perf_counter()
    for number in range(count):
        await asyncio.sleep(max(0.0, began + number / RATE - time.perf_counter()))
        posts.add(asyncio.create_task(_post(door, _move_in(today), headers, load)))
    await asyncio.gather(*posts)
    await asyncio.wait_for(watching, 60)
    accepted = sorted(load.accepted)
    return [max(0.0, (seen - at) * 1000) for at, seen in zip(accepted, load.counted, strict=True)]


async def _post(door: httpx2.AsyncClient, event: dict[str, object], headers: dict[str, str], load: _Load) -> None:
    answer = await door.post("/events", json=event, headers=headers)
    answer.raise_for_status()
    load.accepted.append(time.perf_counter())


async def _watch(door: httpx2.AsyncClient, period: str, base: int, count: int, load: _Load) -> None:
    while len(load.counted) < count:
        counted = (await _denominator(door, period) or 0) - base
        now = time.perf_counter()
        load.counted.extend([now] * (counted - len(load.counted)))
        await asyncio.sleep(0.01)


async def _denominator(door: httpx2.AsyncClient, period: str) -> int | None:
    try:
        answer = await door.get(f"/api/goals/{GOAL}", params={"period": period, "area": AREA})
    except httpx2.HTTPError:
        return None
    found: int | None = answer.json()["denominator"] if answer.status_code == 200 else None
    return found


def _move_in(on: date) -> dict[str, object]:
    tenancy = str(uuid4())
    return {
        "specversion": "1.0",
        "id": str(uuid4()),
        "source": "urn:bench",
        "type": "se.vatterhem.TenantMovedIn.v1",
        "subject": tenancy,
        "time": datetime.now(UTC).isoformat(),
        "datacontenttype": "application/json",
        "data": {
            "tenancy_id": tenancy,
            "tenant_ref": str(uuid4()),
            "area_id": AREA,
            "moved_in_on": on.isoformat(),
            "contact_rule": "letter_only",
        },
    }


def _memory_mb(pid: int) -> Iterator[float]:
    """The PSS of a process and of everything below it."""
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    except OSError:
        return
    yield next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")) / 1024
    for child in children:
        yield from _memory_mb(int(child))


def _quantile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]
