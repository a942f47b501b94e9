"""The main job in containers: a year is published while sending is on hold, then sent, and counted as it is anywhere else."""

import json
from pathlib import Path
from typing import Any

import pytest

from hem.demo.people import REFUSED_DOMAIN
from hem.demo.year import make_year
from hem.routing import SERVICES
from services.chassis.testkit import eventually
from tests.compose.driver import LONG_RUNNING, SOURCES, Compose
from tests.flows.door import GOAL, reachable, settled
from tests.flows.landlord import batches, recount
from tests.flows.stack import hem_up

pytestmark = pytest.mark.timeout(900)


def year() -> list[dict[str, Any]]:
    """The demo's year, with addresses that MailDev takes: it refuses nobody."""
    told = json.dumps(make_year().events).replace(f"@{REFUSED_DOMAIN}", "@example.org")
    return json.loads(told)


async def test_everything_is_healthy_and_only_nginx_is_published_and_only_here(hem: Compose) -> None:
    running = {c["Config"]["Labels"]["com.docker.compose.service"]: c for c in await hem.containers(*LONG_RUNNING)}
    assert set(running) == set(LONG_RUNNING)
    assert {name: c["State"]["Health"]["Status"] for name, c in running.items()} == dict.fromkeys(running, "healthy")
    jobs = [c for c in await hem.containers() if not c["State"]["Running"]]
    assert {c["State"]["ExitCode"] for c in jobs} == {0}
    published = {
        (c["Config"]["Labels"]["com.docker.compose.service"], where["HostIp"])
        for c in await hem.containers()
        for bound in (c["NetworkSettings"]["Ports"] or {}).values()
        for where in bound or ()
    }
    assert published == {("nginx", "127.0.0.1")}
    assert await hem.ready() == {"code": 200, "status": "ready", "services": dict.fromkeys(SERVICES, "ready")}


async def test_a_year_is_held_then_sent_and_the_figure_is_that_of_a_recount(holding: Compose) -> None:
    hem = holding
    before = await hem.mails()
    for batch in batches(year(), 500):
        await hem.publish(batch)
    due = reachable(hem.made)
    households = recount(hem.made, set(), "oxnehaga", 2019)[1]

    async def held() -> bool:
        figure = await hem.figure()
        counted = figure.get("denominator") == households
        return counted and queued_of(await hem.metrics()) + len(before) >= len(due)

    await eventually(f"{len(due)} letters to be held", held, within=60)
    assert await hem.mails() == before

    await hem.up(HEM_NOTIFICATIONS_MODE="send", HEM_NOTIFICATIONS_SMTP_FROM="welcome@example.org")
    await hem.one_mail_each(await settled(hem, hem.made))
    figure = await hem.figure()
    assert figure["numerator"] > 100
    assert set((await hem.mails()).values()) == {1}
    listed = json.loads(await hem.cli("goals", "--json", "--period", "2019"))
    [own] = [f for f in listed if (f["goal"], f["area"]) == (GOAL, "oxnehaga")]
    assert without_moment(own) == without_moment(figure)


async def test_the_embedded_stack_gives_the_same_figures_for_the_same_events(sending: Compose, tmp_path: Path) -> None:
    if not sending.made:
        await sending.publish(year())
    await settled(sending, sending.made)
    async with hem_up(tmp_path / "home") as embedded:
        await embedded.make_key(*SOURCES)
        for batch in batches(sending.made, 500):
            await embedded.publish(batch)
        await settled(embedded, sending.made)
        here, there = [json.loads(await hem.cli("goals", "--json", "--period", "2019")) for hem in (sending, embedded)]
        assert len([figure for figure in here if figure["denominator"]]) > 1
        assert [without_moment(figure) for figure in here] == [without_moment(figure) for figure in there]


def without_moment(figure: dict[str, Any]) -> dict[str, Any]:
    """The figure without when it was asked for."""
    return {name: value for name, value in figure.items() if name != "as_of"}


def queued_of(metrics: str) -> float:
    return sum(float(line.split()[-1]) for line in metrics.splitlines() if line.startswith("hem_messages_queued"))
