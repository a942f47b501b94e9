"""Alerts in a running service: raised once and cleared once whatever happens, and never of what isn't shown."""

import asyncio
from datetime import UTC, date, datetime
from typing import Any

import pytest

from schemas.reporting import AlertCleared, AlertRaised
from services.chassis.testkit import Bus, MovableClock, Running, Start, eventually
from services.reporting import alerting
from services.reporting.app import service
from services.reporting.repository import alerts as repository
from services.reporting.routes.alerts import RULES
from tests.browser import CHROMIUM, DESKTOP, DOOR, PHONE, SCHEMES, answer_by, faults, launch
from tests.reporting.landlord import GOAL, Landlord, Settled, offered_to

RAISED, CLEARED = RULES.by_id["behind_pace"].raise_after, RULES.by_id["behind_pace"].clear_after
PAGE = {"accept": "text/html"}


@pytest.fixture
async def reporting(start: Start, landlord: Landlord, clock: MovableClock) -> Running:
    clock.set(datetime(2019, 6, 1, 12, tzinfo=UTC))
    await landlord.area()
    return await start(service)


async def look(reporting: Running) -> None:
    """One look, waiting for whoever else looks at the same moment."""

    async def probe() -> bool:
        async with reporting.ctx.db.transaction() as tx:
            return await alerting.look(reporting.ctx, tx, RULES)

    await eventually("a look of our own", probe)


class CrashError(Exception):
    pass


async def look_and_crash(reporting: Running) -> None:
    async with reporting.ctx.db.transaction() as tx:
        await alerting.look(reporting.ctx, tx, RULES)
        raise CrashError


async def stored(reporting: Running) -> list[tuple[str, bool]]:
    """(area, whether it stands) of every alert of the pace."""
    async with reporting.ctx.db.transaction() as tx:
        found = await repository.alerts(tx.connection, goal=GOAL, limit=100)
    return [(alert.thing.area, alert.cleared_at is None) for alert in found if alert.rule == "behind_pace"]


async def told(bus: Bus, type: type[Any]) -> list[Any]:
    """The events of a type about the goal so far, repeats left out."""
    return list({event.id: event.data for event in await bus.events(type) if event.data.goal_id == GOAL}.values())


async def test_two_replicas_raise_it_once_and_clear_it_once(
    start: Start, reporting: Running, landlord: Landlord, settled: Settled, clock: MovableClock
) -> None:
    bus = landlord.bus
    other = await start(service, database_url=reporting.settings.dsn)
    await landlord.households(5, of=10, on=date(2019, 3, 1))
    await settled(reporting)
    await asyncio.gather(look(reporting), look(other))
    assert await stored(reporting) == [], "it has only just begun"
    clock.move(RAISED)
    await asyncio.gather(*(look(one) for one in (reporting, other) * 2))
    (raised,) = await bus.expect(AlertRaised, goal_id=GOAL)
    assert (raised.data.dimension, raised.data.period, raised.data.rule) == (
        {"area": "oxnehaga"},
        "2019",
        "behind_pace",
    )
    assert (raised.data.measure, raised.data.raised_on) == ("share", date(2019, 6, 1) + RAISED)
    clock.move(4 * RAISED)
    await asyncio.gather(look(reporting), look(other))
    await bus.send(*(offered_to(number) for number in range(5, 10)))
    await settled(reporting)
    await look(other)
    assert await stored(reporting) == [("oxnehaga", True)], "it is over only when it has been for a while"
    clock.move(CLEARED)
    await asyncio.gather(*(look(one) for one in (reporting, other) * 2))
    (cleared,) = await bus.expect(AlertCleared, goal_id=GOAL)
    assert cleared.data.alert_id == raised.data.alert_id
    await other.caught_up(bus)
    assert [len(await told(bus, type)) for type in (AlertRaised, AlertCleared)] == [1, 1]


async def test_a_crash_before_the_commit_raises_nothing_and_the_next_look_does(
    bus: Bus, reporting: Running, landlord: Landlord, settled: Settled, clock: MovableClock
) -> None:
    await landlord.households(5, of=10, on=date(2019, 3, 1))
    await settled(reporting)
    await look(reporting)
    clock.move(RAISED)
    with pytest.raises(CrashError):
        await look_and_crash(reporting)
    await look(reporting)
    await look(reporting)
    await bus.expect(AlertRaised, goal_id=GOAL)
    await reporting.caught_up(bus)
    assert len(await told(bus, AlertRaised)) == 1
    assert await stored(reporting) == [("oxnehaga", True)]


async def test_what_is_not_shown_raises_nothing_and_a_page_never_tells_a_figure(
    reporting: Running, landlord: Landlord, settled: Settled, clock: MovableClock
) -> None:
    await landlord.area("raslatt", "Råslätt")
    await landlord.households(3, of=31, on=date(2019, 3, 1))
    await landlord.households(0, of=4, area="raslatt", first=50, on=date(2019, 3, 1))
    await settled(reporting)
    await look(reporting)
    clock.move(RAISED)
    await look(reporting)
    assert await stored(reporting) == [("oxnehaga", True)]
    page = (await reporting.client.get("/alerts", headers=PAGE)).text.split("<main")[1]
    assert "Efter i takt" in page
    assert f"/goals/{GOAL}?period=2019" in page
    assert "Öxnehaga" in page
    assert "Råslätt" not in page
    for figure in ("31", "9,7", "28"):
        assert figure not in page.split("<details")[0]
    found = (await reporting.client.get("/api/v1/alerts", params={"goal": GOAL})).json()
    assert [(a["rule"], a["dimensions"], a["cleared_at"]) for a in found["alerts"]] == [
        ("behind_pace", {"area": "oxnehaga"}, None)
    ]
    assert found["next"] is None
    assert (await reporting.client.get("/api/v1/alerts?standing=perhaps")).status_code == 400
    assert (await reporting.client.get("/api/v1/alerts?goal=nothing")).status_code == 404


async def test_what_was_behind_is_over_when_its_year_is(
    reporting: Running, landlord: Landlord, settled: Settled, clock: MovableClock
) -> None:
    await landlord.households(5, of=10, on=date(2019, 3, 1))
    await settled(reporting)
    await look(reporting)
    clock.move(RAISED)
    await look(reporting)
    clock.set(datetime(2020, 1, 2, 12, tzinfo=UTC))
    await look(reporting)
    clock.move(CLEARED)
    await look(reporting)
    assert await stored(reporting) == [("oxnehaga", False)]
    listed: list[str] = []
    address: str | None = f"/api/v1/alerts?limit=1&goal={GOAL}"
    while address:
        page = (await reporting.client.get(address)).json()
        listed += [alert["alert"] for alert in page["alerts"]]
        address = page["next"]
    assert len(listed) == len(set(listed)) >= 1


async def test_the_worker_looks_when_figures_have_changed(
    start: Start, bus: Bus, landlord: Landlord, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alerting, "LOOK_EVERY", 0.05)
    monkeypatch.setattr(alerting, "ANEW_AFTER", 0.05)
    monkeypatch.setattr(alerting, "REST", 0.0)
    clock.set(datetime(2019, 6, 1, 12, tzinfo=UTC))
    await landlord.area()
    reporting = await start(service)
    await landlord.households(5, of=10, on=date(2019, 3, 1))

    async def watched() -> bool:
        async with reporting.ctx.db.transaction() as tx:
            return any(w.thing.goal == GOAL for w in await repository.watches(tx.connection))

    await eventually("the rule to be seen to hold", watched)
    clock.move(RAISED)
    await bus.expect(AlertRaised, goal_id=GOAL, rule="behind_pace")


@pytest.mark.browser
@pytest.mark.skipif(not CHROMIUM.exists(), reason="needs Debian's chromium")
@pytest.mark.filterwarnings("default::ResourceWarning")
async def test_the_list_fits_every_screen(
    reporting: Running, landlord: Landlord, settled: Settled, clock: MovableClock
) -> None:
    await landlord.households(5, of=10, on=date(2019, 3, 1))
    await settled(reporting)
    await look(reporting)
    clock.move(RAISED)
    await look(reporting)
    problems: list[str] = []
    async with launch() as browser:
        context = await browser.new_context(locale="sv-SE")
        await answer_by(context, reporting.client)
        page = await context.new_page()
        for scheme, width in ((SCHEMES[0], DESKTOP), (SCHEMES[1], PHONE), (SCHEMES[0], 320)):
            await page.emulate_media(color_scheme=scheme)
            await page.set_viewport_size({"width": width, "height": 900})
            for name, address in (("alerts", "/alerts"), ("alerts-none", "/alerts?standing=no")):
                await page.goto(f"{DOOR}{address}")
                problems += await faults(page, name)
    assert problems == []
