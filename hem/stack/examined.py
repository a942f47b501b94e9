"""What a start on this machine needs, for `hem doctor`."""

import shutil

from hem import doctor
from hem.door import Door, DoorError
from hem.home import Home, door_port
from hem.stack.errors import StackError
from hem.stack.folder import check_port, check_room
from hem.stack.jars import kafka_jars
from hem.stack.postgres import find_binaries
from services.chassis.migrate import MigrationError, dbmate


def checks(home: Home) -> list[doctor.Check]:
    """The data folder, the programs, and the door of this home."""
    return [
        ("Data folder", lambda: _folder(home)),
        ("PostgreSQL", lambda: str(find_binaries())),
        ("Kafka", lambda: f"{len(kafka_jars())} jars, every one as listed"),
        ("Migrations", _migrations),
        ("Door", lambda: _door(home)),
    ]


def _folder(home: Home) -> str:
    home.make()
    check_room(home.root, "Hem")
    return f"{home.root}, {shutil.disk_usage(home.root).free // 2**20} MB free"


def _migrations() -> str:
    try:
        return dbmate()
    except MigrationError as error:
        raise StackError(f"{error}. `make run` installs it.") from error


def _door(home: Home) -> str:
    with Door(home) as door:
        try:
            door.request("GET", "/health/live")
        except DoorError:
            check_port(door_port(), "Hem's pages", "HEM_PORT")
            return f"Hem is not running; port {door_port()} is free"
    return doctor.door(home, logs=str(home.logs))
