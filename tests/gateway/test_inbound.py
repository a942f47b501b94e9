"""Publishers that write to their own Kafka topic: validated as over HTTP, let in once, or parked with the reason."""

from collections.abc import Callable
from typing import Any

from schemas.tenancy import TenantMovedIn
from services.chassis.testkit import Bus, Running
from tests.gateway.inbound_kit import binary, parked, register, structured, topic_made

Make = Callable[..., dict[str, Any]]


async def test_both_modes_come_in_and_what_is_wrong_is_parked_with_its_fields(
    gateway: Running, bus: Bus, move_in: Make
) -> None:
    await register(gateway)
    topic = await topic_made(gateway, bus)
    for event, mode in ((move_in("t-1"), binary), (move_in("t-2"), structured)):
        value, headers = mode(event)
        await bus.raw(topic, value, headers=headers, key=event["subject"].encode())
    wrong = move_in("t-3", data={"moved_in_on": "yesterday"}, id="wrong")
    value, headers = binary(wrong)
    partition, offset = await bus.raw(topic, value, headers=headers)

    await bus.expect(TenantMovedIn, 2)
    [row] = await parked(gateway)
    assert (row["partition"], row["offset"], row["event_id"]) == (partition, offset, "wrong")
    assert row["reason"] == "invalid"
    assert [error[0] for error in row["errors"]] == ["data.moved_in_on"]
    assert "yesterday" not in str(row)
