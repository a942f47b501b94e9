"""The contract tests that a publisher copies into its own CI, run against a gateway that answers on a port."""

import asyncio
import json
import os
import shutil
import sys
from pathlib import Path

import uvicorn

from hem.stack.folder import free_ports
from services.chassis.testkit import Running
from tests.hem.serving import served

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "contract-test"
WITHIN = 60.0


async def pytest_says(folder: Path, hem: str) -> tuple[int, str]:
    here = Path(sys.executable).parent
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-ra"),
        cwd=folder,
        env={**os.environ, "HEM_URL": hem, "PATH": f"{here}{os.pathsep}{os.environ['PATH']}"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(WITHIN):
            said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return process.returncode, said.decode()


async def test_they_pass_for_good_events_and_name_what_is_wrong(gateway: Running, tmp_path: Path) -> None:
    folder = tmp_path / "ours"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    [port] = free_ports(1)
    settings = uvicorn.Config(gateway.app, port=port, lifespan="off", log_level="critical")
    good = json.loads((folder / "events" / "moved-in.json").read_text())
    wrong = good | {"data": good["data"] | {"moved_in_on": "soon"}}
    (folder / "events" / "a-wrong-day.json").write_text(json.dumps(wrong))
    (folder / "events" / "another-subject.json").write_text(json.dumps(good | {"subject": "tenancy-2"}))
    async with served(uvicorn.Server(settings)) as address:
        code, said = await pytest_says(folder, f"http://{address}")
    assert code == 1
    assert "FAILED test_events.py::test_the_data_fits_its_schema[a-wrong-day]" in said
    assert "$.moved_in_on: 'soon'" in said
    assert "FAILED test_events.py::test_the_whole_event_would_be_let_in[another-subject]" in said
    assert "[moved-in]" not in said
    assert "3 failed, 7 passed" in said, said
