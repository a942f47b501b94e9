"""docs/first-hour.md, walked from top to bottom by a publisher who has only that page."""

import asyncio
import json
import os
import re
import sys
from pathlib import Path

import pytest

from services.chassis.testkit import eventually
from tests.architecture.repository import ROOT
from tests.flows.stack import hem_up

pytestmark = pytest.mark.timeout(180)


async def test_every_command_of_the_page_does_what_the_page_says(tmp_path: Path) -> None:
    blocks = re.findall(r"^```sh\n(.*?)^```$", (ROOT / "docs/first-hour.md").read_text(), re.MULTILINE | re.DOTALL)
    assert len(blocks) == 10
    async with hem_up(tmp_path / "home") as hem:
        (tmp_path / "hem").write_text(f'#!/bin/sh\nexec {sys.executable} -m hem.cli "$@"\n')
        (tmp_path / "hem").chmod(0o755)
        env = hem.env | {"HEM": hem.url, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
        walk = await asyncio.create_subprocess_exec(
            "bash", "-c", "set -euo pipefail\n" + "\n".join(blocks), cwd=tmp_path, env=env,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        async with asyncio.timeout(120):
            said = (await walk.communicate())[0].decode()
        assert walk.returncode == 0, said
        assert "area is not known: did you mean area_id?" in said
        assert "would be refused" in said

        numbers = json.loads(await hem.cli("publishers", "show", "lease-system", "--json"))
        live, tests = numbers["last_30_days"], numbers["last_30_days_of_tests"]
        # Eleven move-ins and a SourceChecked.
        assert (live["accepted"], live["duplicate"], tests["accepted"]) == (12, 1, 1)
        assert live["refused"] == {"invalid": 1, "conflict": 1}
        assert numbers["standing"] == "heard"

        async def moved() -> bool:
            [own] = [
                row
                for row in json.loads(await hem.cli("goals", "--json"))
                if row["area"] == "oxnehaga" and row["goal"] == "housing-introduction-offered"
            ]
            return own["denominator"] == 11

        await eventually("the figure to move", moved)
