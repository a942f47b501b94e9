"""Real Kafka and PostgreSQL for the tests: each started once per run, by the first test that asks, and gone at the end."""

import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import settings

ENOUGH_MEMORY_BYTES = 2**30
START_WITHIN = 120  # the first run ever fetches Kafka

# The same examples every time, so that a red run is about the change. New ones: --hypothesis-profile default
settings.register_profile("steady", derandomize=True)
settings.load_profile("steady")

pytest_plugins = ["services.chassis.testkit", "tests.skipping"]


@pytest.fixture(scope="session")
def kafka_servers(stack_folder: Path) -> Iterator[str]:
    """The bootstrap address of the run's Kafka."""
    with part("kafka", stack_folder) as servers:
        yield servers


@pytest.fixture(scope="session")
def postgres_dsn(stack_folder: Path) -> Iterator[str]:
    """The superuser's DSN of the run's PostgreSQL (no password, fsync off)."""
    with part("postgres", stack_folder) as dsn:
        yield dsn


@pytest.fixture(scope="session")
def stack_folder() -> Iterator[Path]:
    """Where the parts keep their data: in memory where there is room (containers often give 64 MB), else on disk."""
    memory = Path("/dev/shm")  # noqa: S108 (a folder of our own is made in it)
    in_memory = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free >= ENOUGH_MEMORY_BYTES
    with tempfile.TemporaryDirectory(prefix="hem-test-", dir=memory if in_memory else None) as folder:
        yield Path(folder)


@contextmanager
def part(name: str, folder: Path) -> Iterator[str]:
    """Run `python -m hem.stack <name>`, giving the address it prints when it is ready."""
    argv = [sys.executable, "-m", "hem.stack", name, str(folder / name), "--scratch"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        ready, _, _ = select.select([process.stdout], [], [], START_WITHIN)
        address = process.stdout.readline().strip() if ready else ""
        if not address:
            process.kill()
            pytest.exit(f"{name} could not be started for the tests: {process.stderr.read().strip()}", returncode=3)
        try:
            yield address
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(20)
