"""Private topics (codes of surveys): nothing of what they say is readable in the database or copied, and none of it stays."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from schemas.event import Event
from schemas.invitations import InvitationIssued
from schemas.kafka import to_record
from services.chassis import housekeeping
from services.chassis.errors import Unfit
from services.chassis.service import Service
from services.chassis.testkit import OPERATOR, Bus, MovableClock, Running, Start, event_of, eventually
from tests.chassis.echo import Echo

CODE = "HJKM-2345"


def invitation() -> InvitationIssued:
    return InvitationIssued(invitation_id="i-1", survey_id="s-1", tenancy_id="t-1", code=CODE)


@pytest.fixture
def letters(echo: Echo) -> Service:
    return replace(echo.service, reactions={InvitationIssued: echo.note})


async def parked_rows(service: Running) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await service.client.get("/ops/notifications/parked", headers=OPERATOR)).json()
    return found


async def test_a_code_waits_sealed_and_is_gone_when_sent(bus: Bus, start: Start, letters: Service) -> None:
    service = await start(letters)
    async with service.ctx.db.transaction() as tx:
        tx.publish(invitation())
        await tx.flush()
        waiting = await tx.fetchval("select payload from outbox")
        assert CODE.encode() not in waiting
        assert await tx.fetchval("select count(*) from person_key") == 0
    [sent] = await bus.expect(InvitationIssued)
    assert sent.data.code == CODE

    async def nothing_left() -> bool:
        return await service.ctx.db.pool.fetchval("select count(*) from outbox") == 0

    await eventually("the row to be gone", nothing_left)


async def test_a_parked_code_is_shown_and_copied_nowhere_and_handled_when_mended(
    bus: Bus, start: Start, letters: Service, echo: Echo
) -> None:
    def refuse(event: Event[Any]) -> None:
        raise Unfit("test", "not yet")

    echo.fail = refuse
    await bus.send(event_of(invitation()))
    service = await start(letters)
    await service.caught_up(bus)
    [row] = await parked_rows(service)
    kept = await service.ctx.db.pool.fetchrow("select payload, sealed from parked")
    assert kept is not None
    assert kept["sealed"]
    assert CODE.encode() not in kept["payload"]
    shown = (await service.client.get(f"/ops/notifications/parked/{row['id']}", headers=OPERATOR)).json()
    assert (shown["headers"], shown["data"]) == (None, None)
    assert await bus.records("notifications.dlq") == []

    echo.fail = lambda _event: None
    answer = await service.client.post(f"/ops/notifications/parked/{row['id']}/replay", headers=OPERATOR)
    assert answer.json()["state"] == "replayed"
    assert echo.seen[-1].data.code == CODE


async def test_what_is_parked_goes_when_the_topics_own_time_is_over(
    bus: Bus, start: Start, letters: Service, clock: MovableClock
) -> None:
    broken = to_record(event_of(invitation()))
    await bus.raw("surveys.invitations", b"{}", key=broken.key, headers=broken.headers)
    service = await start(letters)
    await service.caught_up(bus)
    for days, left in ((59, 1), (2, 0)):
        clock.move(timedelta(days=days))
        for statement in housekeeping.PRUNE:
            await housekeeping.prune(service.ctx.db, statement)
        assert len(await parked_rows(service)) == left
