"""What is a person's is readable only while their key exists."""

import asyncio
import base64
import secrets

import pytest

from schemas.tenancy import TenantContactChanged
from services.chassis import housekeeping
from services.chassis.errors import Erased, Unfit
from services.chassis.testkit import Bus, MovableClock, Running, Start, eventually
from services.chassis.vault import Vault
from tests.chassis.echo import Echo


def contact(ref: str = "ref-1", email: str = "eva@example.org") -> TenantContactChanged:
    return TenantContactChanged(tenant_ref=ref, name="Eva Påhittad", email=email, language="sv")


async def test_sealed_bytes_come_back_for_the_same_person_only(start: Start, echo: Echo) -> None:
    service = await start(echo.service)
    async with service.ctx.db.transaction() as tx:
        sealed = await tx.seal("ref-1", b"secret")
        await tx.seal("ref-2", b"other")
        assert b"secret" not in sealed
        assert await tx.unseal("ref-1", sealed) == b"secret"
        with pytest.raises(Unfit):
            await tx.unseal("ref-2", sealed)


async def test_an_erased_person_is_gone_and_refused_for_ever(start: Start, echo: Echo) -> None:
    service = await start(echo.service)
    async with service.ctx.db.transaction() as tx:
        sealed = await tx.seal("ref-1", b"secret")
        await tx.erase("ref-1")
        await tx.erase("never-met")
        with pytest.raises(Erased):
            await tx.unseal("ref-1", sealed)
        with pytest.raises(Erased):
            await tx.seal("never-met", b"late")
        assert await tx.erased(["ref-1", "never-met", "ref-2"]) == {"ref-1", "never-met"}


async def test_another_master_key_opens_nothing(start: Start, echo: Echo) -> None:
    service = await start(echo.service)
    async with service.ctx.db.transaction() as tx:
        sealed = await tx.seal("ref-1", b"secret")
        other = Vault(secrets.token_bytes(32))
        with pytest.raises(Unfit, match="master key"):
            await other.unseal(tx.connection, "ref-1", sealed)
        assert other.fingerprint(b"x") != tx.fingerprint(b"x")


def test_a_master_key_of_the_wrong_size_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Vault.from_base64(base64.b64encode(b"short").decode())


async def test_personal_rows_wait_sealed_and_are_gone_when_sent(bus: Bus, start: Start, echo: Echo) -> None:
    service = await start(echo.service)
    async with service.ctx.db.transaction() as tx:
        tx.publish(contact())
        await tx.flush()
        waiting = await tx.fetchrow("select payload, personal from outbox")
        assert waiting is not None
        assert waiting["personal"]
        assert b"example" not in waiting["payload"]
    [sent] = await bus.expect(TenantContactChanged)
    assert sent.data.email == "eva@example.org"
    await eventually("the row to be gone", lambda: nothing_left(service))


async def test_what_an_erased_person_was_about_to_say_is_not_sent(bus: Bus, start: Start, echo: Echo) -> None:
    service = await start(echo.service)
    async with service.ctx.db.transaction() as tx:
        tx.publish(contact("ref-1"))
        tx.publish(contact("ref-2"))
        await tx.erase("ref-1")
    await bus.expect(TenantContactChanged, tenant_ref="ref-2")
    await eventually("an empty outbox", lambda: nothing_left(service))
    assert {e.subject for e in await bus.events(TenantContactChanged)} == {"ref-2"}


async def nothing_left(service: Running) -> bool:
    return await service.ctx.db.pool.fetchval("select count(*) from outbox") == 0


async def test_an_erasure_waits_for_whoever_is_sealing_and_comes_after(bus: Bus, start: Start, echo: Echo) -> None:
    """Otherwise a contact could be sealed under a key that is gone, and sent after the tombstone."""
    service = await start(echo.service)
    erased_at: list[str] = []

    async def erase() -> None:
        async with service.ctx.db.transaction() as tx:
            await tx.erase("ref-1")
            erased_at.append("erased")

    async with service.ctx.db.transaction() as tx:
        await tx.seal("ref-1", b"made before")
    async with service.ctx.db.transaction() as tx:
        await tx.seal("ref-1", b"secret")
        erasing = asyncio.create_task(erase())

        async def waits() -> bool:
            return await service.ctx.db.pool.fetchval(
                "select count(*) > 0 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
            )

        await eventually("the erasure to wait", waits)
        assert not erased_at
    await erasing
    assert erased_at


async def test_housekeeping_deletes_what_its_time_is_over_for_and_nothing_else(
    start: Start, echo: Echo, clock: MovableClock
) -> None:
    service = await start(echo.service)
    async with service.ctx.db.transaction() as tx:
        for days in (1, 8, 91):
            await tx.execute(OLD_ROWS.format(days=days))
    for statement in housekeeping.PRUNE:
        await housekeeping.prune(service.ctx.db, statement)
    pool = service.ctx.db.pool
    assert await pool.fetchval("select array_agg(event_id order by event_id) from outbox") == ["1", "unsent"]
    assert await pool.fetchval("select array_agg(event_id order by event_id) from inbox") == ["1", "8"]
    assert await pool.fetchval("select array_agg(nonce order by nonce) from used_sign_in") == ["1"]


OLD_ROWS = """
    with sent as (
        insert into outbox (event_id, topic, key, seq, shard, headers, payload, sent_at)
        values ('{days}', 'tenancy.events', 'k', {days}, 0, '[]', '', now() - interval '{days} days')
    ), waiting as (
        insert into outbox (event_id, topic, key, seq, shard, headers, payload, created_at)
        select 'unsent', 'x', 'k', 0, 0, '[]', '', now() - interval '99 days' where {days} = 1
    )
    , signed_in as (insert into used_sign_in values ('{days}', now() - interval '{days} days' + interval '1 hour'))
    insert into inbox values ('notifications', 'urn:x', '{days}', now() - interval '{days} days')
"""
