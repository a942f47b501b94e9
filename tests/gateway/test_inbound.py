"""Publishers that write to their own Kafka topic: validated as over HTTP, let in once, or parked with the reason."""

from collections.abc import Callable
from typing import Any

from schemas.tenancy import TenantMovedIn
from services.chassis.testkit import OPERATOR, Bus, Running
from services.gateway.domain.door import Publisher
from services.gateway.service import publishers
from tests.gateway.inbound_kit import binary, parked, register, structured, topic_made

MANY = 40
Make = Callable[..., dict[str, Any]]


async def test_both_modes_come_in_and_what_is_wrong_is_parked_with_its_fields(
    gateway: Running, bus: Bus, move_in: Make
) -> None:
    await register(gateway)
    topic = await topic_made(gateway, bus)
    for event, mode in ((move_in("t-1"), binary), (move_in("t-2"), structured)):
        value, headers = mode(event)
        await bus.raw(topic, value, headers=headers, key=event["subject"].encode())
    wrong = move_in("t-3", data={"moved_in_on": "yesterday"}, id="row-3")
    value, headers = binary(wrong)
    partition, offset = await bus.raw(topic, value, headers=headers)

    await bus.expect(TenantMovedIn, 2)
    [row] = await parked(gateway)
    assert (row["partition"], row["offset"], row["event_id"]) == (partition, offset, "row-3")
    assert row["reason"] == "invalid"
    assert [error[0] for error in row["errors"]] == ["data.moved_in_on"]
    assert "yesterday" not in str(row)


async def test_what_was_parked_comes_in_when_its_publisher_may_send_it(
    gateway: Running, bus: Bus, move_in: Make, make_key: Callable[..., Any]
) -> None:
    await register(gateway, allow=("se.vatterhem.TenantMovedOut.v1",))
    topic = await topic_made(gateway, bus)
    for number in range(MANY):
        value, headers = binary(move_in(f"t-{number}"))
        await bus.raw(topic, value, headers=headers)
    waiting = await parked(gateway, count=MANY)
    assert {row["reason"] for row in waiting} == {"type-not-allowed"}

    async with gateway.ctx.db.transaction() as tx:
        await tx.execute("update publisher set allow = '{all}'")
    own = {"authorization": f"Bearer {await make_key()}"}
    listed = (await gateway.client.get("/publishers/me/parked", headers=own)).json()
    assert listed["waiting"] == {"type-not-allowed": MANY}
    first = listed["parked"][0]["id"]
    answer = await gateway.client.post("/publishers/me/parked/replay", json={"ids": [first]}, headers=own)
    assert answer.json() == {"replayed": 1, "refused": 0, "gone": 0, "left": 0}, answer.text
    done = await gateway.client.post(
        "/publishers/housing/parked/replay", data={"reason": "type-not-allowed"}, headers=OPERATOR
    )
    assert done.headers["location"] == f"/publishers/housing/parked?replayed={MANY - 1}&refused=0&gone=0&left=0"
    await bus.expect(TenantMovedIn, MANY)
    settled = await parked(gateway, count=MANY, state="replayed")
    assert {row["settled_by"] for row in settled} == {"publisher housing", "operator"}


async def test_who_has_retired_is_not_read_any_more(gateway: Running, bus: Bus, move_in: Make) -> None:
    await register(gateway)
    await register(gateway, "other")
    topic, other = await topic_made(gateway, bus), await topic_made(gateway, bus, "other")
    async with gateway.ctx.db.transaction() as tx:
        assert await publishers.retire(tx, Publisher("housing"))
    value, headers = binary(move_in("t-1"))
    await bus.raw(topic, value, headers=headers)
    value, headers = binary(move_in("t-2", source="urn:test:other"))
    await bus.raw(other, value, headers=headers)
    [event] = await bus.expect(TenantMovedIn)
    assert event.data.tenancy_id == "t-2"
    assert not await gateway.ctx.db.pool.fetchval("select count(*) from inbound_parked")
    assert (await gateway.client.get("/publishers/housing/parked", headers=OPERATOR)).status_code == 200
    replayed = await gateway.client.post("/publishers/housing/parked/replay", data={"all": "yes"}, headers=OPERATOR)
    assert replayed.status_code == 409
