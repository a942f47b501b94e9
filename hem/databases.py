"""A role and a database for each service, made before its migrations run: two migration jobs that race for CREATE both fail."""

import asyncio
import hashlib
import hmac
import secrets
import time
from base64 import b64encode
from collections.abc import Mapping
from urllib.parse import quote, urlsplit

import asyncpg

from hem.stack.errors import StackError
from services.chassis.errors import Never, is_temporary
from services.chassis.schema import explain

HAS_ROLE = "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)"
HAS_DATABASE = "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)"
SCRAM_ROUNDS = 4096  # PostgreSQL's own number


async def prepare(
    dsn: str, passwords: Mapping[str, str], *, password: str | None = None, within: float = 0
) -> dict[str, str]:
    """Give every service of `passwords` its own role and database, both `hem_<service>`, open to nobody else.

    `dsn` is the superuser's, `password` theirs where the address has none. Returns service → its database's address. Harmless
    when all is there already; a changed password is set. StackError when the server isn't there `within` seconds, or refuses us.
    """
    connection = await _connected(dsn, password, within)
    try:
        for service, secret in passwords.items():
            name = f"hem_{service}"
            if not await connection.fetchval(HAS_ROLE, name):
                await connection.execute(f'CREATE ROLE "{name}" LOGIN')
            await connection.execute(f"ALTER ROLE \"{name}\" PASSWORD '{verifier(secret)}'")
            if not await connection.fetchval(HAS_DATABASE, name):
                await connection.execute(f'CREATE DATABASE "{name}" OWNER "{name}" STRATEGY file_copy')
            await connection.execute(f'REVOKE ALL ON DATABASE "{name}" FROM PUBLIC')
    except asyncpg.PostgresError as error:
        raise StackError(f"PostgreSQL at {_place(dsn)} refuses to make the databases: {error}.") from error
    finally:
        await connection.close()
    return {
        service: f"postgres://hem_{service}:{quote(secret, safe='')}@{_place(dsn)}/hem_{service}"
        for service, secret in passwords.items()
    }


def verifier(password: str) -> str:
    """What PostgreSQL keeps of a password (SCRAM-SHA-256): sent instead of it, so that the password is in no log of the server."""
    salt = secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, SCRAM_ROUNDS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    salt64, stored64, server64 = (b64encode(part).decode() for part in (salt, stored, server))
    return f"SCRAM-SHA-256${SCRAM_ROUNDS}:{salt64}${stored64}:{server64}"


async def _connected(dsn: str, password: str | None, within: float) -> asyncpg.Connection:
    deadline = time.monotonic() + within
    while True:
        try:
            return await asyncpg.connect(dsn, password=password, timeout=10)
        except ValueError:  # its words may quote the address, and with it a password
            raise StackError(
                "The address of PostgreSQL is none, or its options are wrong: postgres://role@host:port/database is one."
            ) from None
        except asyncpg.InvalidAuthorizationSpecificationError as error:
            raise StackError(
                f"PostgreSQL at {_place(dsn)} does not let us in: {error}. A server keeps the superuser's password that its data "
                "were made with: give that one, or set the new one there."
            ) from error
        except Exception as error:
            why = explain(error, dsn, "HEM_POSTGRES")
            if isinstance(why, Never):
                raise StackError(f"{why}.") from error
            if not is_temporary(error):
                raise StackError(f"PostgreSQL at {_place(dsn)} refuses us: {error}.") from error
            if time.monotonic() > deadline:
                raise StackError(f"{why} (waited {within:.0f} s). Is it running?") from error
        await asyncio.sleep(0.5)


def _place(dsn: str) -> str:
    """Host and port, without who and by what password."""
    return urlsplit(dsn).netloc.rpartition("@")[2]
