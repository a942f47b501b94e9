"""The containers of docker-compose.yml, from outside, in a project, with a port and secrets of their own.

Seconds of `docker compose up -d --wait` on built images: first with empty volumes, then again with what the first made.
Idle, a minute after that: memory of each of the five services as `docker stats` counts it (without file cache that nobody
uses), and processor time over a minute, health checks included. Own layers: an image's size without its Python base.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2

from benchmarks.harness import Measured, write
from hem.routing import SERVICES
from hem.stack.folder import free_ports

ROOT = Path(__file__).resolve().parent.parent
BASE = "python:3.13-slim-trixie"
QUIET, OVER = 60, 60  # seconds


def measure(count: int) -> str:
    """Gives the section written to RESULTS.md. `count` rounds of starting, the last of them measured idle."""
    first: list[float] = []
    again: list[float] = []
    with project() as run:
        run("docker", "compose", "build")
        for number in range(count):
            first.append(_seconds_up(run))
            run("docker", "compose", "down")
            again.append(_seconds_up(run))
            if number + 1 < count:
                run("docker", "compose", "down", "--volumes")
        time.sleep(QUIET)
        memory, processor = _idle(run)
        sizes = _own_layers(run)
    return write(
        "compose",
        (__doc__ or "").partition("\n\n")[2].strip(),
        [
            Measured("up --wait, empty volumes", "s", first, "≤ 60 s"),
            Measured("up --wait, with data", "s", again, "≤ 60 s"),
            Measured("memory of the five services, idle", "MB", [sum(memory.values())], "≤ 700 MB"),
            *(Measured(f"… {service}", "MB", [memory[service]]) for service in SERVICES),
            Measured("processor of the five services, idle", "% of one core", [sum(processor.values())], "< 5 %"),
            *(Measured(f"… {service}", "%", [processor[service]]) for service in SERVICES),
            *(Measured(f"own layers of {name}", "MB", [size]) for name, size in sizes.items()),
        ],
        {},
    )


class Run:
    """Runs commands in the repository with an environment."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = environment

    def __call__(self, *argv: str) -> str:
        ended = subprocess.run(
            argv, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=900, check=False
        )
        assert ended.returncode == 0, f"{' '.join(argv)}: {ended.stderr}"
        return ended.stdout


@contextmanager
def project() -> Iterator[Run]:
    """A compose project of its own; everything it made is removed in the end."""
    with tempfile.TemporaryDirectory(prefix="hem-bench-") as folder:
        (port,) = free_ports(1)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("HEM_", "COMPOSE_"))}
        own = {"COMPOSE_PROJECT_NAME": f"hem-bench-{os.getpid()}", "COMPOSE_DISABLE_ENV_FILE": "true"}
        own["HEM_VERSION"] = "bench"  # images of its own
        run = Run(kept | own | {"HEM_PORT": str(port), "HEM_SECRETS": f"{folder}/secrets"})
        run(sys.executable, "scripts/make_secrets.py")
        try:
            yield run
        finally:
            run("docker", "compose", "down", "--volumes", "--remove-orphans")
            run("docker", "image", "rm", *(f"hem-{name}:bench" for name in (*SERVICES, "hem")))


def _seconds_up(run: Run) -> float:
    began = time.perf_counter()
    run("docker", "compose", "up", "-d", "--wait")
    return time.perf_counter() - began


def _idle(run: Run) -> tuple[dict[str, float], dict[str, float]]:
    """(MB, percent of one core) of each service over `OVER` seconds."""
    ids = {service: run("docker", "compose", "ps", "--quiet", service).strip() for service in SERVICES}
    transport = httpx2.HTTPTransport(
        uds=os.environ.get("DOCKER_HOST", "").removeprefix("unix://") or "/var/run/docker.sock"
    )
    with httpx2.Client(transport=transport, base_url="http://engine", timeout=30) as engine:

        def counted() -> dict[str, tuple[float, dict[str, Any]]]:
            # one-shot: the counters as they are, without a second look a second later.
            parameters = {"stream": "false", "one-shot": "true"}
            return {
                service: (time.monotonic(), engine.get(f"/containers/{id_}/stats", params=parameters).json())
                for service, id_ in ids.items()
            }

        before = counted()
        time.sleep(OVER)
        after = counted()
    processor = {
        service: 100 * (_nanoseconds(now) - _nanoseconds(before[service][1])) / 1e9 / (at - before[service][0])
        for service, (at, now) in after.items()
    }
    return {service: _memory_mb(now) for service, (_, now) in after.items()}, processor


def _nanoseconds(stats: dict[str, Any]) -> int:
    used: int = stats["cpu_stats"]["cpu_usage"]["total_usage"]
    return used


def _memory_mb(stats: dict[str, Any]) -> float:
    memory = stats["memory_stats"]
    unused = memory["stats"].get("total_inactive_file", memory["stats"].get("inactive_file", 0))
    return float(memory["usage"] - unused) / 1e6


def _own_layers(run: Run) -> dict[str, float]:
    """MB of each of our images, without those of its base."""
    config = json.loads(run("docker", "compose", "--profile", "tools", "config", "--format", "json"))["services"]
    images = {name: config[name]["image"] for name in (*SERVICES, "hem")}
    size = {
        image: int(run("docker", "image", "inspect", "--format", "{{.Size}}", image))
        for image in (*images.values(), BASE)
    }
    return {name: (size[image] - size[BASE]) / 1e6 for name, image in images.items()}
