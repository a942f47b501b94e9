"""A data folder that one process at a time may use, on a disk with room, and the ports beside it."""

import fcntl
import os
import random
import shutil
import socket
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
            owner = self.path.read_text().strip() or "unknown"
            os.close(self.fd)
            raise StackError(
                f"The data folder {folder} is in use by another Hem (process {owner}). "
                "Stop that one first, or set HEM_HOME to another folder."
            ) from error
        os.ftruncate(self.fd, 0)
        os.write(self.fd, str(os.getpid()).encode())

    def close(self) -> None:
        os.close(self.fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def check_room(folder: Path, part: str, *, least: int = MIN_FREE_BYTES) -> None:
    """Raise StackError when fewer than `least` bytes are free where `folder` lies: a broker on a full disk stops mid-write."""
    free = shutil.disk_usage(folder).free
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
            raise StackError(
                f"Port {port} for {part} is taken by another program. Stop it, or set {setting} to a free port."
            ) from error


def is_free(port: int) -> bool:
    """Whether nothing listens on 127.0.0.1:`port` just now."""
    try:
        check_port(port, "", "")
    except StackError:
        return False
    return True


def free_ports(count: int) -> list[int]:
    """`count` different TCP ports that are free on 127.0.0.1 now, below the range the kernel gives to outgoing connections."""
    found: set[int] = set()
    while len(found) < count:
        port = random.randint(*OWN_PORTS)
        if is_free(port):
            found.add(port)
    return list(found)
