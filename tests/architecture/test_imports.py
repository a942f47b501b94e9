"""The import rules hold, cover every service, and notice a breach."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.repository import ROOT, project, services


def lint_imports(folder: Path, contract: str | None = None) -> subprocess.CompletedProcess[str]:
    chosen = ["--contract", contract] if contract else []
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-logo", "--no-cache", *chosen]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=50, check=False)


def test_the_import_rules_hold() -> None:
    ended = lint_imports(ROOT)
    assert ended.returncode == 0, ended.stdout


def test_the_rules_of_the_rooms_cover_every_service() -> None:
    contracts = {one["id"]: one for one in project()["tool"]["importlinter"]["contracts"]}
    assert contracts["rooms"]["containers"] == [f"services.{name}" for name in services()]


@pytest.mark.parametrize(
    ("contract", "file", "line"),
    [
        ("house", "schemas/planted.py", "import services"),
        ("house", "services/chassis/planted.py", "import hem"),
        ("services", "services/gateway/planted.py", "import services.reporting"),
        ("services", "services/chassis/planted.py", "import services.gateway"),
        ("services", "services/unlisted/__init__.py", ""),
        ("rooms", "services/gateway/domain/door.py", "import services.gateway.repository"),
        ("domain", "services/gateway/domain/door.py", "import fastapi"),
        ("domain", "services/gateway/domain/door.py", "import services.chassis"),
    ],
)
def test_a_breach_is_noticed(tmp_path: Path, contract: str, file: str, line: str) -> None:
    for folder in ("services", "schemas", "hem"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    planted = tmp_path / file
    planted.parent.mkdir(exist_ok=True)
    with planted.open("a") as end:
        end.write(f"\n{line}\n")
    ended = lint_imports(tmp_path, contract)
    assert ended.returncode != 0, ended.stdout
