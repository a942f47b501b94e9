"""A goal file that comes while events flow: counted from then on, and filled from what was known before."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import structlog

from services.chassis.service import Service
from services.chassis.testkit import Bus, Running, Start, eventually
from services.reporting.app import service
from services.reporting.definitions import shipped
from services.reporting.service import filling
from tests.reporting.landlord import Landlord, Settled, failed, moved_in, offered_to, withdraw

NewDatabase = Callable[[Service], Awaitable[str]]
OFFERED = (shipped() / "housing-introduction-offered.yaml").read_text(encoding="utf-8")
LATE = OFFERED.replace("id: housing-introduction-offered", "id: offered-anew", 1)


@pytest.fixture(autouse=True)
def look_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filling, "LOOK_EVERY", 0.1)


async def share(reporting: Running, goal: str) -> dict[str, Any]:
    answer = await reporting.client.get(f"/api/goals/{goal}", params={"period": "2019", "area": "oxnehaga"})
    found: dict[str, Any] = answer.json() if answer.status_code == 200 else {"status": answer.status_code}
    return found


async def equal(reporting: Running, settled: Settled) -> tuple[int, int]:
    """Waits until both goals say the same; what they say."""
    await settled(reporting)
    seen: list[Any] = []

    async def same() -> bool:
        old, new = await share(reporting, "housing-introduction-offered"), await share(reporting, "offered-anew")
        seen[:] = [old, new]
        return new["status"] not in ("filling", 404) and all(new[k] == old[k] for k in ("numerator", "denominator"))

    await eventually(lambda: f"the same: {seen}", same)
    found = await share(reporting, "offered-anew")
    return found["numerator"], found["denominator"]


@pytest.mark.parametrize("processes", [1, 2])
async def test_a_goal_that_comes_while_events_flow_counts_all_of_them(
    bus: Bus, start: Start, landlord: Landlord, settled: Settled, *, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    processes: int,
) -> None:  # fmt: skip
    monkeypatch.setattr(filling, "CHUNK", 7)
    reporting = await start(service, goals=tmp_path)
    for _ in range(processes - 1):
        await start(service, goals=tmp_path, database_url=reporting.settings.database_url)
    await landlord.area()
    await landlord.households(30, of=40)
    await withdraw(bus, offered_to(2))
    await bus.send(failed(3))
    await settled(reporting)
    flowing = asyncio.create_task(landlord.households(25, of=30, first=100))
    (tmp_path / "offered-anew.yaml").write_text(LATE, encoding="utf-8")
    await flowing
    await withdraw(bus, moved_in(5))
    assert await equal(reporting, settled) == (28 - 1 + 25, 39 + 30)


async def test_what_is_taken_back_while_a_goal_is_filled_is_left_out(
    bus: Bus, start: Start, landlord: Landlord, settled: Settled, *, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filling, "CHUNK", 5)
    reporting = await start(service, goals=tmp_path)
    await landlord.area()
    await landlord.households(20, of=20)
    await settled(reporting)
    held = asyncio.Event()
    real = filling._merge

    async def slowly(*args: Any) -> None:
        held.set()
        await real(*args)

    monkeypatch.setattr(filling, "_merge", slowly)
    (tmp_path / "offered-anew.yaml").write_text(LATE, encoding="utf-8")
    await asyncio.wait_for(held.wait(), 20)
    for number in range(20):
        await withdraw(bus, offered_to(number))
    await settled(reporting)
    assert await equal(reporting, settled) == (0, 20)


async def test_filling_that_is_cut_off_goes_on_in_another_process(
    bus: Bus, start: Start, landlord: Landlord, settled: Settled, *, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filling, "CHUNK", 3)
    reporting = await start(service, goals=tmp_path)
    await landlord.area()
    await landlord.households(10, of=20)
    await settled(reporting)
    real, done = filling._merge, 0

    async def broken(*args: Any) -> None:
        nonlocal done
        await real(*args)
        done += 1
        if done == 3:
            raise ConnectionResetError("the database went away")

    monkeypatch.setattr(filling, "_merge", broken)
    (tmp_path / "offered-anew.yaml").write_text(LATE, encoding="utf-8")
    assert await equal(reporting, settled) == (10, 20)
    assert done > 3


async def test_a_changed_definition_is_taken_over_by_its_version(
    start: Start, landlord: Landlord, settled: Settled, tmp_path: Path
) -> None:
    reporting = await start(service, goals=tmp_path)
    await landlord.area()
    await landlord.households(6, of=10)
    await settled(reporting)
    file = tmp_path / "offered-anew.yaml"
    file.write_text(LATE, encoding="utf-8")
    assert await equal(reporting, settled) == (6, 10)
    stricter = LATE.replace("day: offered_on}", "day: offered_on, where: {channel: letter}}")
    with structlog.testing.capture_logs() as logs:
        file.write_text(stricter, encoding="utf-8")
        await eventually("the complaint", lambda: said(logs, "raise it"))
    assert (await share(reporting, "offered-anew"))["numerator"] == 6
    file.write_text(stricter.replace("version: 2", "version: 3"), encoding="utf-8")

    async def anew() -> bool:
        found = await share(reporting, "offered-anew")
        return (found["numerator"], found["denominator"], found["definition_version"]) == (0, 10, 3)

    await eventually("the figures by the new definition", anew)
    file.write_text(LATE, encoding="utf-8")  # as a replica of an older image has it
    (tmp_path / "wrong.yaml").write_text("id: wrong\n", encoding="utf-8")
    other = await start(service, goals=tmp_path, database_url=reporting.settings.database_url)
    assert await anew()
    assert (await share(other, "offered-anew"))["definition_version"] == 3


async def said(logs: list[Any], what: str) -> bool:
    return any(what in str(log["event"]) for log in logs)


async def test_what_an_older_replica_applied_is_found_and_counted(
    bus: Bus, start: Start, landlord: Landlord, settled: Settled
) -> None:
    """0.3.0 stores facts and offsets, and knows no ledgers: as if these had come through such a replica."""
    first = await start(service)
    await landlord.area()
    await landlord.households(10, of=10)
    await settled(first)
    async with first.ctx.db.transaction() as tx:
        await tx.execute("truncate standing, tally, heard")
    again = await start(service, database_url=first.settings.database_url)

    async def whole() -> bool:
        found = await share(again, "housing-introduction-offered")
        return (found["numerator"], found["denominator"]) == (10, 10)

    await eventually("what was missed", whole)
