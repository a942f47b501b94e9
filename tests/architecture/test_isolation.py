"""A service stands by itself: its image holds the schemas, the chassis, its own folder and its own lock, and no more.

The command line does too, with hem/ for its folder and locks/cli.txt.
"""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import httpx2
import pytest

from hem.stack.folder import free_ports
from services.chassis.testkit import MASTER_KEY, Bus, eventually, with_database
from tests.architecture.repository import ROOT, services

UV = ROOT / ".venv" / "tool" / "bin" / "uv"

# -I and -S leave out the caller's folder, PYTHONPATH and site-packages, and so this repository, which is installed there.
LOAD = """
import importlib
assert importlib.import_module({module!r}).__file__.startswith({house!r})
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


@dataclass
class House:
    """A folder with one service or the command line in it, and its packages beside."""

    folder: Path
    packages: Path

    def command(self, program: str, *arguments: str) -> list[str]:
        start = f"import sys; sys.path[:0] = [{str(self.folder)!r}, {str(self.packages)!r}]\n"
        return [sys.executable, "-I", "-S", "-c", start + program, *arguments]


def build(folder: Path, own: str, lock: str) -> House:
    built = House(folder / "house", folder / "packages")
    (built.folder / "services").mkdir(parents=True)
    shutil.copy(ROOT / "services" / "__init__.py", built.folder / "services")
    for part in ("schemas", "services/chassis", own):
        shutil.copytree(ROOT / part, built.folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    install(ROOT / "locks" / f"{lock}.txt", built.packages)
    return built


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", services())
async def test_a_service_finds_itself_and_nobody_else(name: str, tmp_path: Path) -> None:
    house = build(tmp_path, f"services/{name}", name)
    strangers = ["hem", "pytest", *(f"services.{other}" for other in services() if other != name)]
    await run(house, {}, LOAD.format(module=f"services.{name}.app", house=str(house.folder), strangers=strangers))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("module", ["hem.cli", "hem.overview"])
async def test_the_command_line_needs_no_service_and_no_embedded_part(module: str, tmp_path: Path) -> None:
    house = build(tmp_path, "hem", "cli")
    strangers = ["pytest", "aiosmtpd", "jgo", *(f"services.{name}" for name in services())]
    await run(house, {}, LOAD.format(module=module, house=str(house.folder), strangers=strangers))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", services())
async def test_a_service_migrates_starts_and_is_ready(name: str, tmp_path: Path, postgres_dsn: str, bus: Bus) -> None:
    house = build(tmp_path, f"services/{name}", name)
    [port] = free_ports(1)
    database = f"isolated_{name}"
    admin = await asyncpg.connect(postgres_dsn)
    await admin.execute(f'create database "{database}"')
    await admin.close()
    own = {"DATABASE_URL": with_database(postgres_dsn, database), "MASTER_KEY": MASTER_KEY, "PORT": str(port)}
    environment = {f"HEM_{name.upper()}_{key}": value for key, value in own.items()} | {
        "HEM_KAFKA_SERVERS": bus.servers,
        "HEM_TOPIC_PREFIX": bus.prefix,
        "HEM_SESSION_SECRET": "s" * 32,
        "HEM_OPERATOR_TOKEN": "o" * 32,
    }
    start = f"import runpy; runpy.run_module('services.{name}', run_name='__main__', alter_sys=True)"
    await run(house, environment, start, "migrate")
    process = await asyncio.create_subprocess_exec(
        *house.command(start), cwd=house.folder, env={**PLAIN, **environment}, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:

            async def ready() -> bool:
                assert process.returncode is None, "the service ended"
                try:
                    return (await client.get("/health/ready")).status_code == 200
                except httpx2.HTTPError:
                    return False

            await eventually(f"{name} to be ready", ready, within=60)
        process.terminate()
        async with asyncio.timeout(10):
            assert await process.wait() in (0, -signal.SIGTERM)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


PLAIN = {"PATH": os.defpath, "PYTHONDONTWRITEBYTECODE": "1"}


async def run(house: House, environment: dict[str, str], program: str, *arguments: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *house.command(program, *arguments), cwd=house.folder, env={**PLAIN, **environment},
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(60):
        _, said = await process.communicate()
    assert process.returncode == 0, said.decode()
