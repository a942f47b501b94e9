"""`hem validate TOPIC`: a topic as a publisher fills it, read before anybody else reads it."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from typer.testing import CliRunner, Result

from hem.cli import app
from services.chassis.testkit import Bus
from tests.gateway.inbound_kit import binary, structured

TOPIC = "statistics.events"  # any of those a test has: who validates takes one of their own
Make = Callable[..., dict[str, Any]]


async def validate(bus: Bus, *options: str, topic: str = TOPIC) -> Result:
    command = ["validate", f"{bus.prefix}{topic}", "--kafka", bus.servers, *options]
    return await asyncio.to_thread(CliRunner().invoke, app, command)


async def test_every_record_of_a_topic_is_told_as_the_gateway_would(bus: Bus, move_in: Make) -> None:
    assert "There is no event in" in (await validate(bus)).output
    same = move_in("t-1", id="one")
    for event, mode in (
        (same, binary),
        (same, structured),
        (move_in("t-2", data={"moved_in_on": "yesterday", "colour": "red"}), structured),
        (move_in("t-3", source="urn:hem:gateway"), binary),
        (move_in("t-4", id="one"), binary),
    ):
        value, headers = mode(event)
        await bus.raw(TOPIC, value, headers=headers, partition=0)
    await bus.undecodable(TOPIC)
    value, headers = binary(move_in("t-5"))
    await bus.raw(TOPIC, value, headers=headers, key=b"t-6", partition=1)

    done = await validate(bus, "--json")
    assert done.exit_code == 1, done.output
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(each["partition"], each["offset"]) for each in found] == [(0, n) for n in range(6)] + [(1, 0)]
    assert [each["ok"] for each in found] == [True, True, False, False, False, False, False]
    assert [[error["field"] for error in each["errors"]] for each in found] == [
        [], [], ["data.moved_in_on"], ["source"], ["id"], [], ["key"],
    ]  # fmt: skip
    assert found[5]["unreadable"] == "a header's name is not UTF-8"

    spoken = (await validate(bus, "--limit", "3")).stdout
    assert "record 0/2: data.moved_in_on: expected a date" in spoken
    assert spoken.endswith("2 as they should be, 1 would be refused\n")


async def test_what_is_not_there_is_said(bus: Bus) -> None:
    gone = await validate(bus, topic="nothing")
    assert (gone.exit_code, "There is no topic" in gone.output) == (1, True)
    away = await asyncio.to_thread(CliRunner().invoke, app, ["validate", "inbound.housing", "--kafka", "127.0.0.1:1"])
    assert (away.exit_code, "Kafka does not answer at 127.0.0.1:1" in away.output) == (1, True)
