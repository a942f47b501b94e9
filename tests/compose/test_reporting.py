"""Reporting in its container: what the public sees, goals from a folder, and pictures and files from a sealed image."""

import json

import httpx2
import pytest

from services.chassis.testkit import eventually
from tests.architecture.repository import ROOT
from tests.compose.driver import Compose
from tests.flows.door import GOAL

pytestmark = pytest.mark.timeout(400)
ADDED = "homes-in-a-folder"
GUIDE = ROOT / "docs" / "add-a-goal.md"
HAS = {
    "/api/v1/figures.xlsx": b"PK",
    f"/api/v1/chart.png?goal={GOAL}": b"\x89PNG",
    "/yearly/drafts/2019/sv.pdf": b"%PDF",
}


async def test_whoever_is_not_signed_in_sees_what_was_published_and_nothing_live(hem: Compose) -> None:
    [container] = await hem.containers("reporting")
    assert "HEM_REPORTING_PUBLIC_FIGURES=published" in container["Config"]["Env"]
    asked = {"goal": GOAL, "period": "2017"}
    async with httpx2.AsyncClient(base_url=hem.url, timeout=30, trust_env=False) as nobody:
        assert (await nobody.get("/api/v1/figures", params=asked)).json()["figures"] == []
        assert (await hem.client.get("/api/v1/figures", params=asked)).json()["figures"]
        assert (await nobody.get("/live?period=2017")).status_code == 401
        assert (await nobody.get("/api/goals")).status_code == 401
        assert (await nobody.post("/publications/2017/publish", data={"sure": "yes"})).status_code == 401
        made = await hem.client.post("/publications/2017/publish", data={"sure": "yes"})
        assert made.status_code == 303, made.text
        assert (await nobody.get("/api/v1/figures", params=asked)).json()["figures"]


async def test_a_goal_in_the_folder_counts_without_a_restart(hem: Compose) -> None:
    assert await hem.inside("reporting", "sh", "-c", "echo x >/goals/written", code=None)
    text = GUIDE.read_text().partition("```yaml\n")[2].partition("```")[0]
    assert "housing-introduction-in-time" in text
    file = hem.goals / f"{ADDED}.yaml"
    file.write_text(text.replace("housing-introduction-in-time", ADDED))
    file.chmod(0o644)

    async def known() -> bool:
        return (await hem.client.get(f"/api/v1/goals/{ADDED}")).status_code == 200

    await eventually("the goal of the file", known, within=60)
    listed = json.loads(await hem.cli("goals", "--json", "--period", "2019"))
    assert ADDED in {figure["goal"] for figure in listed}


async def test_pictures_workbooks_and_reports_are_made_in_a_sealed_container(hem: Compose) -> None:
    for path, begins in HAS.items():
        answer = await hem.client.get(path)
        assert answer.status_code == 200, (path, answer.text)
        assert answer.content.startswith(begins), path
