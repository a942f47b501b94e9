"""The data of every released version still works: databases migrate, records are read, figures and contacts are the same."""

import asyncio
import base64
import gzip
import json
from datetime import date
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from hem.stack.postgres import find_binaries
from schemas.tenancy import TenantMovedIn
from services.chassis.migrate import migrate
from services.chassis.testkit import (
    OPERATOR,
    Bus,
    MovableClock,
    Running,
    Start,
    eventually,
    running,
    settings_for,
    with_database,
)
from services.notifications.app import service as notifications
from services.reporting.app import service as reporting

VERSIONS = sorted(folder.parent for folder in Path(__file__).parent.glob("*/figures.json"))
GOAL = "/api/goals/housing-introduction-offered"


@pytest.fixture(params=VERSIONS, ids=lambda folder: folder.name)
def kept(request: pytest.FixtureRequest) -> Path:
    folder: Path = request.param
    return folder


async def test_databases_of_the_version_migrate_and_keep_their_figures_and_contacts(
    kept: Path, bus: Bus, clock: MovableClock, postgres_dsn: str
) -> None:
    await republish(kept, bus)
    keys = json.loads((kept / "master-keys.json").read_text())
    databases = {}
    for service in (reporting, notifications):
        databases[service.name] = await restore(kept / f"{service.name}.sql.gz", service.name, postgres_dsn)
        await asyncio.to_thread(migrate, databases[service.name], service.folder)
    # The offsets belong to the version's own Kafka: the facts are there, and the topics are not read again.
    settings = settings_for(
        notifications, bus, database_url=databases["notifications"], master_key=keys["notifications"], mode="hold"
    )
    async with running(notifications, settings, clock) as letters:
        before = await decided(letters)
        assert all(before.values()), "the export holds nothing to compare"
        await letters.caught_up(bus)
        await settled(letters)
        assert await decided(letters) == before
        await contacts_open(letters)
        await bus.publish(new_household(clock.now().date()))

        async def listed() -> bool:
            return bool(await letters.ctx.db.pool.fetchval("select count(*) from todo where tenancy_id = 'after'"))

        await eventually("a household that moves in after the upgrade to be listed", listed)
    connection = await asyncpg.connect(databases["reporting"])
    await connection.execute("truncate projection_offset")
    await connection.close()
    settings = settings_for(reporting, bus, database_url=databases["reporting"], master_key=keys["reporting"])
    async with running(reporting, settings, clock) as figures:
        await eventually("the version's figures", lambda: same_figures(kept, figures.client))


async def test_records_of_the_version_give_the_same_figures_from_nothing(kept: Path, bus: Bus, start: Start) -> None:
    await republish(kept, bus)
    service = await start(reporting)
    await eventually("the version's figures", lambda: same_figures(kept, service.client))
    assert (await service.client.get("/ops/reporting/parked", headers=OPERATOR)).json() == []


async def republish(kept: Path, bus: Bus) -> None:
    for line in unpacked(kept / "topics.ndjson.gz").splitlines():
        topic, partition, key, headers, value = json.loads(line)
        await bus.raw(
            topic, decode(value), key=decode(key), headers=[(n, decode(v)) for n, v in headers], partition=partition
        )


async def restore(dump: Path, service: str, dsn: str) -> str:
    name = f"upgrade_{service}_{dump.parent.name}".replace(".", "_")
    admin = await asyncpg.connect(dsn)
    await admin.execute(f'drop database if exists "{name}"')
    await admin.execute(f'create database "{name}"')
    await admin.close()
    database = with_database(dsn, name)
    psql = await asyncio.create_subprocess_exec(
        str(find_binaries() / "psql"), "--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=1", database,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    await psql.communicate(unpacked(dump))
    assert psql.returncode == 0
    return database


async def same_figures(kept: Path, client: Any) -> bool:
    """Whether the API answers as it did in the version; fields that came later are left out of the comparison."""
    wanted = json.loads((kept / "figures.json").read_text())
    found = (await client.get("/api/goals", params={"period": "2019"})).json()
    by_key = {(f["goal"], f["measure"], f["area"]): f for f in found}
    return all(like(f, by_key.get((f["goal"], f["measure"], f["area"]), {})) for f in wanted)


def like(wanted: dict[str, Any], found: dict[str, Any]) -> bool:
    """Whether a figure says what it said; its target may say more."""
    target = found.get("target") and {name: found["target"].get(name) for name in wanted["target"] or ()}
    return {**{name: found.get(name) for name in COMPARED}, "target": target} == {
        name: wanted[name] for name in COMPARED
    }


def new_household(today: date) -> TenantMovedIn:
    return TenantMovedIn(
        tenancy_id="after", tenant_ref="after", area_id="oxnehaga", moved_in_on=today, contact_rule="letter_only"
    )


async def decided(service: Running) -> dict[str, list[Any]]:
    """What notifications has decided: every message, offer and line of the to-do list, without when it was looked at last."""
    pool = service.ctx.db.pool
    columns = {
        "message": "message_id, occasion, subject, version, state, queued_at, settled_at",
        "offer": "tenancy_id, occasion, channel, offered_on",
        "todo": "tenancy_id, area_id, moved_in_on, opened_at, due_on, state, offered_on",
    }
    return {table: await pool.fetch(f"select {names} from {table} order by 1, 2") for table, names in columns.items()}


async def settled(service: Running) -> None:
    """Waits until notifications has thought about everything again that is due now."""

    async def probe() -> bool:
        due = "select count(*) from reconsider where due_at <= $1"
        return await service.ctx.db.pool.fetchval(due, service.ctx.clock.now()) == 0

    await eventually("everything due to be reconsidered", probe)


COMPARED = ("value", "numerator", "denominator", "target", "status")


async def contacts_open(service: Running) -> None:
    """Every contact that was sealed by the version can be opened with its keys."""
    async with service.ctx.db.transaction() as tx:
        rows = await tx.fetch("select household, sealed from contact")
        assert rows
        for row in rows:
            assert b"example.org" in await tx.unseal(row["household"], row["sealed"])


def decode(value: str | None) -> bytes | None:
    return None if value is None else base64.b64decode(value)


def unpacked(file: Path) -> bytes:
    return gzip.decompress(file.read_bytes())
