"""What Kafka and PostgreSQL have in common here: a server that is our child and keeps data in a folder of its own."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

from hem.stack.child import Child, until_listening
from hem.stack.folder import FolderLock, check_port, check_room

READY_WITHIN = 60.0


class DataServer(ABC):
    """A server on 127.0.0.1:`port` whose `folder` is locked from before its launch until it has ended."""

    name: ClassVar[str]
    title: ClassVar[str]
    port_variable: ClassVar[str]

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        self._lock: FolderLock | None = None
        self._child: Child | None = None

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child else None

    async def start(self) -> None:
        """Return when clients are answered. Raises StackError: folder locked or damaged, disk full, port taken."""
        check_room(self.folder, self.title)
        self._lock = self._lock or FolderLock(self.folder, self.title)
        try:
            check_port(self.port, self.title, self.port_variable)
            child = await self._prepare(self._lock.fd)
            await child.start()
            self._child = child
            await until_listening(child, self.port, within=READY_WITHIN)
            await self._until_answering(child)
        except BaseException:
            await self.stop()
            raise

    async def wait(self) -> int:
        """The server's exit code, once it has ended."""
        if self._child is None:
            raise RuntimeError(f"{self.title} was never started")
        return await self._child.wait()

    async def stop(self) -> None:
        if self._child is not None:
            await self._child.stop()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def kill(self) -> None:
        """SIGKILL, as a fault would; the folder stays ours for another start()."""
        if self._child is not None:
            self._child.kill()

    @abstractmethod
    async def _prepare(self, lock: int) -> Child:
        """Makes or checks the data, and gives the process to start, which inherits the descriptor `lock`."""

    @abstractmethod
    async def _until_answering(self, child: Child) -> None:
        """Waits until a client gets an answer. Raises StackError with the server's last words."""
