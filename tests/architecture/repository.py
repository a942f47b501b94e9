"""The repository as the architecture tests see it."""

import subprocess
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def tracked_files() -> list[Path]:
    """Every file that git has, or would take at the next `git add`."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=True).stdout
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


def services() -> list[str]:
    """Names of the services that have code; the chassis is not one."""
    return sorted(found.parent.name for found in ROOT.glob("services/*/__init__.py") if found.parent.name != "chassis")


def project() -> dict[str, Any]:
    """pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text())
