"""Every command of docs/operate/compose.md, from top to bottom, in a fresh clone as an operator has it."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.architecture.repository import ROOT, tracked_files
from tests.compose.driver import Compose

PAGE = "docs/operate/compose.md"
SETTINGS_OF_THE_TEST_ALONE = ("COMPOSE_DISABLE_ENV_FILE",)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone of a repository that holds what this one's working tree does."""
    origin, clone = tmp_path / "origin", tmp_path / "clone"
    for path in tracked_files():
        copy = origin / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
        copy.chmod(path.stat().st_mode)
    git = ("git", "-c", "user.name=test", "-c", "user.email=test@example.org")
    for command in (["init", "-q"], ["add", "--all"], ["commit", "-q", "-m", "all"], ["clone", "-q", ".", str(clone)]):
        subprocess.run([*git, *command], cwd=origin, check=True, timeout=60)
    return clone


@pytest.mark.timeout(900)
async def test_every_command_of_the_page_works_from_top_to_bottom(engine: None, clone: Path) -> None:
    operator = Compose("page", clone / "deploy", at=clone)
    for name in SETTINGS_OF_THE_TEST_ALONE:
        del operator.env[name]
    script = "set -euxo pipefail\n" + "\n".join(commands((clone / PAGE).read_text()))
    try:
        said = await operator.run("bash", "-c", script, within=800)
        assert len(re.findall(r'"status": ?"accepted"', said)) == 2
        assert "/sign-in?code=" in said
        assert 'hem_service_up{service="reporting"} 1' in said
        assert not await operator.containers()
        assert (await operator.run("docker", "volume", "ls", "-q", "--filter", f"name={operator.name}")).strip() == ""
    finally:
        await operator.client.aclose()
        await operator.remove()


def commands(page: str) -> list[str]:
    """The shell blocks of a page."""
    found = re.findall(r"^```sh\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert len(found) > 5
    return found
