"""A service stands by itself: its image holds the schemas, the chassis, its own folder and its own lock, and no more."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.repository import ROOT, services

UV = ROOT / ".venv" / "tool" / "bin" / "uv"

# -I and -S leave out the caller's folder, PYTHONPATH and site-packages, and so this repository, which is installed there.
LOAD = """
import importlib, sys
sys.path[:0] = [{house!r}, {packages!r}]
app = importlib.import_module("services.{service}.app")
assert app.__file__.startswith({house!r}), app.__file__
assert app.service.name == {service!r}
for stranger in {strangers!r}:
    try:
        importlib.import_module(stranger)
    except ModuleNotFoundError:
        continue
    raise SystemExit(stranger + " was found")
"""


def install(lock: Path, target: Path) -> None:
    """What the lock pins, into `target`: from uv's cache if it is all there, as it is after `make test`, else fetched."""
    arguments = ["--quiet", "--no-deps", "--require-hashes", "--link-mode", "symlink", "-r", str(lock)]
    command = [str(UV), "pip", "install", "--python", sys.executable, "--target", str(target), *arguments]
    ended = subprocess.run([*command, "--offline"], capture_output=True, text=True, timeout=60, check=False)
    if ended.returncode != 0:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
    assert ended.returncode == 0, ended.stderr


@pytest.mark.timeout(300)
@pytest.mark.parametrize("service", services())
def test_a_service_loads_from_its_own_folder_and_lock(tmp_path: Path, service: str) -> None:
    house, packages = tmp_path / "house", tmp_path / "packages"
    (house / "services").mkdir(parents=True)
    shutil.copy(ROOT / "services" / "__init__.py", house / "services")
    for part in ("schemas", "services/chassis", f"services/{service}"):
        shutil.copytree(ROOT / part, house / part, ignore=shutil.ignore_patterns("__pycache__"))
    install(ROOT / "locks" / f"{service}.txt", packages)

    strangers = ["hem", "pytest", *(f"services.{other}" for other in services() if other != service)]
    program = LOAD.format(house=str(house), packages=str(packages), service=service, strangers=strangers)
    environment = {"PATH": os.defpath, "PYTHONDONTWRITEBYTECODE": "1"}
    ended = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program],
        cwd=house, env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
