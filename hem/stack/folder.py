"""A data folder that one process at a time may use, on a disk with room, and the ports beside it."""

import errno
import fcntl
import os
import random
import shutil
import socket
from collections.abc import Collection
from pathlib import Path
from typing import Self

from hem.stack.errors import StackError

MIN_FREE_BYTES = 300 * 2**20
OWN_PORTS = (20_000, 32_000)


class FolderLock:
    """An flock on `<folder>/hem.lock`, held until closed.

    Children inherit `fd` (pass it on), so the lock outlives us for as long as a child still writes to the folder:
    two brokers on one folder destroy each other's data.
    """

    def __init__(self, folder: Path, part: str) -> None:
        self.path = folder / "hem.lock"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self.fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StackError(f"{part} can't use the data folder {folder}: {error.strerror}.") from error
        try:
            fcntl.flock(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            owner = self.path.read_text().strip()
            os.close(self.fd)
            raise StackError(_in_use(folder, owner)) from error
        try:
            os.ftruncate(self.fd, 0)
            os.write(self.fd, str(os.getpid()).encode())
        except OSError as error:
            os.close(self.fd)
            raise StackError(f"{part} can't write to the data folder {folder}: {error.strerror}.") from error

    def close(self) -> None:
        os.close(self.fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _in_use(folder: Path, owner: str) -> str:
    """What is said of a locked folder; `owner`: what the lock file names. Its children hold the lock a moment longer than it lives."""
    if owner.isdigit() and not _runs(int(owner)):
        return f"The Hem that used the data folder {folder} (process {owner}) is still stopping; try again in a few seconds."
    return (
        f"The data folder {folder} is in use by another Hem (process {owner or 'unknown'}). "
        "Stop that one first, or set HEM_HOME to another folder."
    )


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        return True
    return True


def check_room(folder: Path, part: str, *, least: int = MIN_FREE_BYTES) -> None:
    """Raise StackError when fewer than `least` bytes are free where `folder` is or will be: a broker on a full disk stops mid-write."""
    free = shutil.disk_usage(next(place for place in (folder, *folder.absolute().parents) if place.exists())).free
    if free < least:
        raise StackError(
            f"The disk is nearly full: {free // 2**20} MB free at {folder}, and {part} needs at least {least // 2**20} MB. "
            "Make room, or set HEM_HOME to a folder on another disk."
        )


def check_port(port: int, part: str, setting: str) -> None:
    """Raise StackError when something listens on 127.0.0.1:`port` already; `setting` names what moves the part elsewhere."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            what = (
                f"Port {port} for {part} needs rights that we don't have (ports below 1024 often do). Set"
                if error.errno == errno.EACCES
                else f"Port {port} for {part} is taken by another program. Stop it, or set"
            )
            raise StackError(f"{what} {setting} to a free port.") from error


def is_free(port: int) -> bool:
    """Whether nothing listens on 127.0.0.1:`port` just now."""
    try:
        check_port(port, "", "")
    except StackError:
        return False
    return True


def free_ports(count: int, *, but: Collection[int] = ()) -> list[int]:
    """`count` different TCP ports, none in `but`, that are free on 127.0.0.1 now, below the range the kernel gives to outgoing connections."""
    found: set[int] = set()
    while len(found) < count:
        port = random.randint(*OWN_PORTS)
        if port not in but and is_free(port):
            found.add(port)
    return list(found)
