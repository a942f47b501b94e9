"""docs/add-a-goal.md, done as it says: a goal comes to a Hem that runs, and changes, without a restart."""

import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from services.chassis.testkit import MovableClock, Running, Start, eventually
from services.reporting.app import service
from services.reporting.definitions import parse
from tests.reporting.landlord import Landlord, Settled

GUIDE = Path(__file__).parents[2] / "docs" / "add-a-goal.md"
ID = "housing-introduction-in-time"
SHOWN = re.findall(r"```yaml\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)


async def shares(reporting: Running) -> list[tuple[int, int]] | None:
    """[(numerator, denominator)] of the company; None while there is no such goal, or it is being counted."""
    answer = await reporting.client.get(f"/api/goals/{ID}", params={"period": "2019"})
    if answer.status_code == 404:
        return None
    found: dict[str, Any] = answer.json()
    return None if found["status"] == "filling" else [(found["numerator"], found["denominator"])]


async def becomes(reporting: Running, numerator: int, denominator: int) -> None:
    async def probe() -> bool:
        return await shares(reporting) == [(numerator, denominator)]

    await eventually(f"{numerator} of {denominator}", probe)


async def test_a_goal_is_added_counted_from_history_and_changed(
    start: Start, landlord: Landlord, settled: Settled, clock: MovableClock, tmp_path: Path
) -> None:
    clock.set(datetime(2020, 5, 1, 12, tzinfo=UTC))
    await landlord.area()
    reporting = await start(service, goals=tmp_path)
    await landlord.households(6, of=10)
    await settled(reporting)
    assert await shares(reporting) is None

    file = tmp_path / f"{ID}.yaml"
    [text] = SHOWN
    (tmp_path / "wrong.yaml").write_text("id: [", encoding="utf-8")  # and keeps nothing else out
    file.write_text(text, encoding="utf-8")
    await becomes(reporting, 6, 10)  # offered two days after moving in
    await landlord.household(20, on=date(2019, 4, 1))
    await becomes(reporting, 7, 11)

    file.write_text(text.replace("version: 1", "version: 2").replace("days: 14", "days: 1"), encoding="utf-8")
    await becomes(reporting, 0, 11)


def test_the_guide_shows_what_works() -> None:
    [text] = SHOWN
    goal = parse(f"{ID}.yaml", text)
    assert (goal.id, goal.measures[0].kind) == (ID, "cohort_ratio")
    for name in re.findall(r"`([a-z]+(?:-[a-z]+)+)`", GUIDE.read_text(encoding="utf-8").partition("| kind | is")[2]):
        assert (GUIDE.parents[1] / "services/reporting/goals" / f"{name}.yaml").exists(), name
