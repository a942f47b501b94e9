"""Nothing is lost and nothing doubled: when containers are killed, when there are two of one, and over a restart with data."""

import asyncio
import re
from functools import partial

import pytest

from services.chassis.testkit import eventually
from tests.compose.driver import LONG_RUNNING, Compose
from tests.compose.load import households, under_load
from tests.flows.door import settled

pytestmark = [pytest.mark.timeout(600), pytest.mark.faults]

# Killed one group after the other; all but MailDev are in one.
TOGETHER = [
    ("kafka",), ("postgres",), ("nginx",), ("gateway", "placements", "surveys"), ("notifications", "reporting", "overview"),
]  # fmt: skip
GROUPS = "/opt/kafka/bin/kafka-consumer-groups.sh"


async def test_each_container_is_killed_once_while_events_flow(sending: Compose) -> None:
    hem = sending
    async with under_load(hem, 4, "k"):
        assert {victim for victims in TOGETHER for victim in victims} == {*LONG_RUNNING} - {"maildev"}
        for victims in TOGETHER:
            await kill_and_see_them_back(hem, *victims)
    await hem.one_mail_each(await settled(hem, hem.made))
    # MailDev keeps mails in memory alone, so it is killed between two counts: what waits for it is sent when it is back.
    await hem.keep_mails()
    await kill_and_see_them_back(hem, "maildev")
    await hem.publish(households(10, "m"))
    await hem.one_mail_each(await settled(hem, hem.made))


async def test_two_of_a_service_share_the_work_while_events_flow(sending: Compose) -> None:
    hem = sending
    async with under_load(hem, 6, "s") as load:
        await hem.up("--scale", "reporting=2", "--scale", "notifications=2")
        for service in ("reporting", "notifications"):
            await eventually(f"both of {service} to have partitions", partial(shared, hem, service))
            assert (await hem.ready())["services"][service] == "2 of 2 ready"
            assert len(instances(await hem.metrics(), service)) == 2
        await load.flows()
    await hem.one_mail_each(await settled(hem, hem.made))
    await hem.up()
    async with under_load(hem, 7, "t"):
        assert (await hem.ready())["services"]["reporting"] == "ready"
    await hem.one_mail_each(await settled(hem, hem.made))


async def test_down_and_up_again_gives_the_same_figure_and_sends_nothing_again(sending: Compose) -> None:
    hem = sending
    if not hem.made:
        await hem.publish(households(10, "b"))
    await settled(hem, hem.made)
    before = await hem.figure()
    await hem.keep_mails()
    mails = await hem.mails()
    await hem.compose("down", within=120)
    assert not await hem.containers()
    await hem.up()
    after = await hem.figure()
    assert after | {"as_of": ""} == before | {"as_of": ""}
    # A household that moves in now: when it has been sent to, everything before it has been decided on.
    await hem.publish(households(1, "a"))
    offers = await settled(hem, hem.made)
    assert {who for _, who in (await hem.mails()).keys() - mails.keys()} == {"a-t0@example.org"}
    await hem.one_mail_each(offers)


async def kill_and_see_them_back(hem: Compose, *services: str) -> None:
    before = {service: (await hem.containers(service))[0]["State"]["StartedAt"] for service in services}
    await asyncio.gather(*(hem.kill(service) for service in services))

    async def back() -> bool:
        states = {service: (await hem.containers(service))[0]["State"] for service in services}
        return all(
            state["StartedAt"] != before[service] and state["Health"]["Status"] == "healthy"
            for service, state in states.items()
        )

    await eventually(f"{services} to be back", back, within=90)
    await eventually("everything to be ready", lambda: is_ready(hem), within=60)


async def is_ready(hem: Compose) -> bool:
    return (await hem.ready())["code"] == 200


async def shared(hem: Compose, group: str) -> bool:
    """Whether the group has two members and each has partitions."""
    said = await hem.inside("kafka", GROUPS, "--bootstrap-server", "localhost:9092", "--describe", "--members", "--group", group)  # fmt: skip
    counts = [int(line.split()[-1]) for line in said.splitlines() if line.startswith(group)]
    return len(counts) == 2 and all(counts)


def instances(metrics: str, service: str) -> set[str]:
    """The replicas of a service that gave their metrics."""
    samples = [line for line in metrics.splitlines() if f'service="{service}"' in line]
    return {found[1] for line in samples if (found := re.search(r'instance="([^"]+)"', line))}
