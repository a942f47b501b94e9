"""What is a person's is readable only while their key exists."""

import base64
import secrets

import pytest

from schemas.tenancy import TenantContactChanged
from services.chassis.errors import Erased, Unfit
from services.chassis.testkit import Bus, Start, eventually
from services.chassis.vault import Vault


def contact(ref: str = "ref-1", email: str = "eva@example.org") -> TenantContactChanged:
    return TenantContactChanged(tenant_ref=ref, name="Eva Påhittad", email=email, language="sv")


async def test_sealed_bytes_come_back_for_the_same_person_only(start: Start, echo) -> None:
    service = await start(echo.service)
    async with service.ctx.db.transaction() as tx:
        sealed = await tx.seal("ref-1", b"secret")
        await tx.seal("ref-2", b"other")
        assert b"secret" not in sealed
        assert await tx.unseal("ref-1", sealed) == b"secret"
        with pytest.raises(Unfit):
            await tx.unseal("ref-2", sealed)


async def test_an_erased_person_is_gone_and_refused_for_ever(start: Start, echo) -> None:
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


async def test_another_master_key_opens_nothing(start: Start, echo) -> None:
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


async def test_personal_rows_wait_sealed_and_are_gone_when_sent(bus: Bus, start: Start, echo) -> None:
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


async def test_what_an_erased_person_was_about_to_say_is_not_sent(bus: Bus, start: Start, echo) -> None:
    service = await start(echo.service)
    async with service.ctx.db.transaction() as tx:
        tx.publish(contact("ref-1"))
        tx.publish(contact("ref-2"))
        await tx.erase("ref-1")
    await bus.expect(TenantContactChanged, tenant_ref="ref-2")
    await eventually("an empty outbox", lambda: nothing_left(service))
    assert {e.subject for e in await bus.events(TenantContactChanged)} == {"ref-2"}


async def nothing_left(service) -> bool:
    return await service.ctx.db.pool.fetchval("select count(*) from outbox") == 0
