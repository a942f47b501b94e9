"""Replicas of the version before go on beside the new one until they are replaced: the new schema lets them."""

import asyncio
import json
from pathlib import Path

import asyncpg
import pytest

from services.chassis.migrate import migrate
from services.chassis.service import Service
from services.gateway.app import service as gateway
from services.notifications.app import service as notifications
from services.reporting.app import service as reporting

from .test_upgrades import restore

BEFORE = Path(__file__).parent / "0.3.0"
STATEMENTS: dict[str, list[str]] = json.loads((BEFORE / "statements.json").read_text())
"""By service, all that version's SQL constants, in one line each."""
WRITTEN = """
    select table_name || '.' || column_name as name,
        is_nullable = 'YES' or column_default is not null or is_identity = 'YES' as may_be_left_out
    from information_schema.columns where table_schema = 'public'
"""


@pytest.mark.parametrize("service", [gateway, notifications, reporting], ids=lambda service: service.name)
async def test_every_statement_of_the_version_before_still_works(service: Service, postgres_dsn: str) -> None:
    database = await restore(BEFORE / f"{service.name}.sql.gz", f"beside_{service.name}", postgres_dsn)
    before = await columns(database)
    await asyncio.to_thread(migrate, database, service.folder)
    after = await columns(database)
    assert before.keys() <= after.keys()
    tables = {name.partition(".")[0] for name in before}
    unknown_then = {n: left_out for n, left_out in after.items() if n.partition(".")[0] in tables and n not in before}
    assert [name for name, left_out in unknown_then.items() if not left_out] == []
    connection = await asyncpg.connect(database)
    try:
        for statement in STATEMENTS["chassis"] + STATEMENTS[service.name]:
            await connection.execute(f"explain (generic_plan) {statement}")
    finally:
        await connection.close()


async def columns(database: str) -> dict[str, bool]:
    """Each table's columns, and whether a row can be written without."""
    connection = await asyncpg.connect(database)
    try:
        return {row["name"]: row["may_be_left_out"] for row in await connection.fetch(WRITTEN)}
    finally:
        await connection.close()
