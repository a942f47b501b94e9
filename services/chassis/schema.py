"""Whether the database is the one this code was written for: looked at before anything works with it."""

import re
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import structlog

from services.chassis.backoff import Backoff
from services.chassis.context import Context
from services.chassis.errors import Never, NotYet, describe, is_temporary
from services.chassis.seldom import Seldom

log = structlog.get_logger(__name__)

PART = "schema"
OF_ALL = Path(__file__).parent / "migrations"
APPLIED = "select version from schema_migrations"
ANSWER_WITHIN = 3.0
LONGEST_PAUSE = 2.0  # between looks: what everything else waits for is noticed soon


async def until_right(ctx: Context, folder: Path, waits: Callable[[], None]) -> None:
    """Returns when the database has this code's schema. Raises `Never` where waiting is in vain.

    Calls `waits` whenever it has to. Health's part "schema" says what for, and transactions raise it until then. Only
    a start looks: a newer schema that comes while this process runs doesn't stop it.
    """
    backoff, news = Backoff(most=LONGEST_PAUSE), Seldom()
    while True:
        try:
            await look(ctx.settings.dsn, folder)
        except NotYet as why:
            ctx.db.held_back = why
            ctx.health.bad(PART, f"waiting: {why}")
            if news(str(why)):
                log.warning("the start waits", why=str(why))
            waits()
            await backoff.wait()
        else:
            ctx.db.held_back = None
            return


async def look(dsn: str, folder: Path) -> None:
    """Raises `NotYet` where the database or its schema may still come, `Never` where it can't be worked with."""
    known, applied = versions(OF_ALL, folder / "migrations"), await applied_versions(dsn, folder.name)
    refuse_newer(dsn, known, applied)
    if lacking := known - applied:
        many = "1 migration" if len(lacking) == 1 else f"{len(lacking)} migrations"
        raise NotYet(f"{_database(dsn)} lacks {many}, run the migration job: python -m services.{folder.name} migrate")


def refuse_newer(dsn: str, known: set[str], applied: set[str]) -> None:
    """Raises `Never` where the database has migrations that this code doesn't."""
    unknown = applied - known
    if not unknown:
        return
    named = ", ".join(sorted(unknown))
    if known <= applied:
        raise Never(
            f"{_database(dsn)} was migrated by a newer Hem: {named}; "
            "start that version, or restore the copy taken before the upgrade"
        )
    raise Never(
        f"{_database(dsn)} is another service's or another version's: it has {named}, which this one doesn't know, "
        f"and lacks {', '.join(sorted(known - applied))}"
    )


def versions(*folders: Path) -> set[str]:
    """The versions of the migrations in `folders`: the digits their names begin with."""
    found = (re.match(r"\d+", file.name) for folder in folders for file in folder.glob("*.sql"))
    return {match.group() for match in found if match}


async def applied_versions(dsn: str, service: str) -> set[str]:
    """The versions dbmate has noted as applied. Raises as `explain` does."""
    try:
        connection = await asyncpg.connect(dsn, timeout=ANSWER_WITHIN, command_timeout=ANSWER_WITHIN)
        try:
            return {row["version"] for row in await connection.fetch(APPLIED)}
        except asyncpg.UndefinedTableError:
            return set()
        finally:
            connection.terminate()
    except Exception as error:
        raise explain(error, dsn, setting_of(service)) from error


async def until_there(dsn: str, service: str, within: float) -> set[str]:
    """`applied_versions`, asked for up to `within` seconds. Raises the last `NotYet` then, and `Never` at once."""
    backoff, deadline = Backoff(most=LONGEST_PAUSE), time.monotonic() + within
    while True:
        try:
            return await applied_versions(dsn, service)
        except NotYet:
            if time.monotonic() >= deadline:
                raise
            await backoff.wait()


def setting_of(service: str) -> str:
    """How the variables with the address of a service's database begin."""
    return f"HEM_{service.upper()}_DATABASE"


def explain(error: Exception, dsn: str, setting: str) -> NotYet | Never:
    """What keeps us from Postgres, in a sentence without secrets: what may still come, or what no waiting mends.

    `dsn` came from the variables <setting>_URL and <setting>_PASSWORD.
    """
    if never := _what_no_waiting_mends(error, dsn, setting):
        return Never(never)
    if coming := _what_may_come(error, dsn):
        return NotYet(coming)
    other = f"Postgres at {_host(dsn)} can't be used ({describe(error)})"
    if is_temporary(error):
        return NotYet(other)
    log.error("Postgres can't be used", exc_info=error)
    return Never(other)


def _what_no_waiting_mends(error: Exception, dsn: str, setting: str) -> str | None:
    at, url = f"Postgres at {_host(dsn)}", f"{setting}_URL"
    match error:
        case asyncpg.InvalidPasswordError():
            return f"{at} refuses the password of the role {_role(dsn)}: look at {setting}_PASSWORD and {url}"
        case asyncpg.InvalidAuthorizationSpecificationError():
            return f"{at} does not let the role {_role(dsn)} in: look at {url}, and at pg_hba.conf there"
        case asyncpg.InsufficientPrivilegeError():
            return f"the role {_role(dsn)} may not use {_database(dsn)}: `hem databases apply` gives it the right"
        case asyncpg.ClientConfigurationError():
            return f"{url} can't be used: its options are wrong"
        case FileNotFoundError() | NotADirectoryError() | IsADirectoryError() | PermissionError():
            return f"a file that {url} names (sslrootcert, sslcert or sslkey) can't be read ({error.strerror})"
        case ssl.SSLCertVerificationError():
            return f"{at} has no certificate that {url} (sslmode, sslrootcert) asks for"
        case ConnectionError() if "SSL" in str(error):
            return f"{at} has no TLS, which sslmode in {url} asks for"
        case _:
            return None


def _what_may_come(error: Exception, dsn: str) -> str | None:
    at = f"Postgres at {_host(dsn)}"
    match error:
        case asyncpg.InvalidCatalogNameError():
            return f"{_database(dsn)} is not there at {_host(dsn)}: make it with `hem databases apply`"
        case asyncpg.CannotConnectNowError():
            return f"{at} is starting or stopping"
        case asyncpg.TooManyConnectionsError():
            return f"{at} has no connection left"
        case OSError() if is_temporary(error):
            return f"{at} does not answer"
        case _:
            return None


def _host(dsn: str) -> str:
    parts = urlsplit(dsn)
    return f"{parts.hostname}:{parts.port or 5432}"


def _role(dsn: str) -> str:
    return urlsplit(dsn).username or "of this user"


def _database(dsn: str) -> str:
    return f"the database {urlsplit(dsn).path.strip('/')}"
