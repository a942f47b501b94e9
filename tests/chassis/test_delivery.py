"""Each event has its effect once, whatever comes with it, before it or again."""

from typing import Any

from schemas.event import Event
from schemas.kafka import to_record
from schemas.notifications import HousingIntroductionOffered
from schemas.tenancy import TenantMovedIn
from services.chassis.errors import Unfit
from services.chassis.testkit import OPERATOR, Bus, Start, event_of, eventually
from tests.chassis.echo import Echo, MoveIn


async def test_an_event_has_its_effect_and_the_effect_is_published(
    bus: Bus, start: Start, echo: Echo, move_in: MoveIn
) -> None:
    await bus.publish(move_in("t-1"))
    service = await start(echo.service)
    [offered] = await bus.expect(HousingIntroductionOffered, tenancy_id="t-1")
    assert offered.source == "urn:hem:notifications"
    assert offered.sequence == 1
    await service.caught_up(bus)
    assert len(await bus.events(HousingIntroductionOffered)) == 1


async def test_the_same_event_again_has_no_second_effect(bus: Bus, start: Start, echo: Echo, move_in: MoveIn) -> None:
    event = await bus.publish(move_in("t-1"))
    await bus.send(event, event)
    service = await start(echo.service)
    await bus.send(event)
    await bus.publish(move_in("t-2"))
    await bus.expect(HousingIntroductionOffered, tenancy_id="t-2")
    await service.caught_up(bus)
    assert [e.data.tenancy_id for e in await bus.events(HousingIntroductionOffered)].count("t-1") == 1


async def test_what_can_not_be_read_is_parked_with_a_reason_and_the_rest_flows(
    bus: Bus, start: Start, echo: Echo, move_in: MoveIn
) -> None:
    good = to_record(event_of(move_in("t-0")))
    typed = [("ce_type", TenantMovedIn.type.encode())]
    await bus.raw("tenancy.events", b"\x00\xff garbage", partition=0)
    await bus.raw("tenancy.events", b"123", headers=good.headers, partition=0)
    await bus.raw("tenancy.events", b"", headers=good.headers, partition=0)
    await bus.raw("tenancy.events", None, key=b"t-0", headers=good.headers, partition=0)
    await bus.raw("tenancy.events", None, key=b"t-0", partition=0)
    await bus.raw("tenancy.events", good.value, key=b"\xff\x00", headers=[*typed, ("ce_id", None)], partition=0)
    await bus.raw("tenancy.events", good.value, headers=[*typed, ("ce_id", b"\xff\xfe")], partition=0)
    wrong_type = [(k, b"text/plain" if k == "content-type" else v) for k, v in good.headers]
    await bus.raw("tenancy.events", good.value, headers=wrong_type, partition=0)
    for number in range(4):
        await bus.publish(move_in(f"good-{number}"))

    service = await start(echo.service)
    await service.caught_up(bus)

    assert len(await bus.events(HousingIntroductionOffered)) == 4
    rows = (await service.client.get("/ops/notifications/parked", headers=OPERATOR)).json()
    assert [row["offset"] for row in rows] == list(range(8))
    assert all(row["reason"] and row["detail"] for row in rows)
    copies = await bus.records("notifications.dlq")
    assert len(copies) == 8
    assert {name for name, _ in copies[0].headers} >= {"hem_origin", "hem_reason", "hem_detail"}


async def test_a_failing_event_is_parked_alone_and_can_be_replayed(
    bus: Bus, start: Start, echo: Echo, move_in: MoveIn
) -> None:
    def refuse_second(event: Event[Any]) -> None:
        if event.data.tenancy_id == "t-2":
            raise Unfit("test", "not this one")

    echo.fail = refuse_second
    for number in range(1, 5):
        await bus.publish(move_in(f"t-{number}"))
    service = await start(echo.service)
    await service.caught_up(bus)
    assert sorted(e.data.tenancy_id for e in await bus.events(HousingIntroductionOffered)) == ["t-1", "t-3", "t-4"]

    [row] = (await service.client.get("/ops/notifications/parked", headers=OPERATOR)).json()
    assert (row["reason"], row["key"]) == ("test", "t-2")
    replay = f"/ops/notifications/parked/{row['id']}/replay"
    assert (await service.client.post(replay, headers=OPERATOR)).status_code == 409

    echo.fail = lambda _event: None
    assert (await service.client.post(replay, headers=OPERATOR)).json()["state"] == "replayed"
    await bus.expect(HousingIntroductionOffered, tenancy_id="t-2")
    assert (await service.client.post(replay, headers=OPERATOR)).status_code == 409


async def test_a_dependency_that_is_down_makes_events_wait_and_parks_nothing(
    bus: Bus, start: Start, echo: Echo, move_in: MoveIn
) -> None:
    attempts = []

    def down_at_first(event: Event[Any]) -> None:
        attempts.append(event)
        if len(attempts) < 3:
            raise ConnectionRefusedError

    echo.fail = down_at_first
    await bus.publish(move_in("t-1"))
    service = await start(echo.service)
    await bus.expect(HousingIntroductionOffered, tenancy_id="t-1")
    assert (await service.client.get("/ops/notifications/parked", headers=OPERATOR)).json() == []
    assert len(attempts) == 3


async def test_the_inbox_and_the_offsets_may_both_be_lost_only_at_the_price_of_the_natural_key(
    bus: Bus, start: Start, echo: Echo, move_in: MoveIn
) -> None:
    """The echo has no natural key, so an emptied inbox repeats the effect: this is what the keys are for."""
    event = await bus.publish(move_in("t-1"))
    service = await start(echo.service)
    await bus.expect(HousingIntroductionOffered)
    async with service.ctx.db.transaction() as tx:
        await tx.execute("delete from inbox")
    await bus.send(event)
    await bus.expect(HousingIntroductionOffered, count=2)


async def test_no_contact_is_readable_in_the_database_or_the_dead_letters(bus: Bus, start: Start, echo: Echo) -> None:
    await bus.raw("tenancy.contacts", b'{"email":"eva@example.org"', key=b"ref-1", partition=0)
    service = await start(echo.service)

    async def parked() -> list[dict[str, Any]]:
        return (await service.client.get("/ops/notifications/parked", headers=OPERATOR)).json()

    await eventually("the broken contact to be parked", parked)
    stored = await service.ctx.db.pool.fetchval("select payload from parked")
    assert b"example" not in stored
    await service.caught_up(bus)
    assert await bus.records("notifications.dlq") == []
