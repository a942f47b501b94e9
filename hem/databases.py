"""A role and a database for each service, made before its migrations run: two migration jobs that race for CREATE both fail."""

from collections.abc import Mapping

import asyncpg

HAS_ROLE = "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)"
HAS_DATABASE = "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)"


async def prepare(dsn: str, passwords: Mapping[str, str]) -> dict[str, str]:
    """Give every service of `passwords` its own role and database, both `hem_<service>`, open to nobody else.

    `dsn` is the superuser's. Returns service → its database's address. Harmless when all is there already.
    """
    connection = await asyncpg.connect(dsn, ssl=False)
    try:
        for service, password in passwords.items():
            name = f"hem_{service}"
            if not await connection.fetchval(HAS_ROLE, name):
                await connection.execute(f'CREATE ROLE "{name}" LOGIN')
            quoted = await connection.fetchval("SELECT quote_literal($1::text)", password)
            await connection.execute(f'ALTER ROLE "{name}" PASSWORD {quoted}')
            if not await connection.fetchval(HAS_DATABASE, name):
                await connection.execute(f'CREATE DATABASE "{name}" OWNER "{name}" STRATEGY file_copy')
            await connection.execute(f'REVOKE ALL ON DATABASE "{name}" FROM PUBLIC')
    finally:
        await connection.close()
    server = dsn.rpartition("@")[2].partition("/")[0]
    return {
        service: f"postgres://hem_{service}:{password}@{server}/hem_{service}"
        for service, password in passwords.items()
    }
