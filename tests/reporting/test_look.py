"""The pages in a real browser: phone and desktop, light and dark, Swedish; nothing sticks out, axe finds nothing."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest
from playwright.async_api import Page

from schemas.governance import SteeringDocumentAdopted
from services.chassis.testkit import OPERATOR, Bus, MovableClock, Running, Start
from services.reporting.app import service
from services.reporting.routes import live
from tests.browser import DESKTOP, DOOR, MARKS, PHONE, Scheme, answer_by, faults, launch
from tests.reporting.landlord import GOAL, Landlord, Settled, cancelled, failed, moved_in

pytestmark = MARKS
PAGES = {
    "goals": "/?period=2019",
    "goals-of-area": "/?period=2019-Q3&area=raslatt",
    "goal": f"/goals/{GOAL}?period=2019&area=oxnehaga",
    "company": f"/goals/{GOAL}?period=2019",
    "suppressed": f"/goals/{GOAL}?period=2019&area=ekhagen",
    "under-way": f"/goals/{GOAL}?period=2020&area=oxnehaga",
    "notes": f"/goals/{GOAL}/notes?area=oxnehaga",
    "nothing": f"/goals/{GOAL}?area=nowhere",
}
AS_STAFF = {"notes"}
SEEN: tuple[tuple[int, Scheme], ...] = ((DESKTOP, "light"), (PHONE, "dark"))
"""Both widths and both sets of colours: no colour depends on the width."""


@pytest.fixture
async def reporting(start: Start, landlord: Landlord, settled: Settled, bus: Bus, clock: MovableClock) -> Running:
    clock.set(datetime(2020, 5, 1, 12, 2, tzinfo=UTC))
    random = Random(1)
    await bus.publish(
        SteeringDocumentAdopted(
            document_id="integration-goals-2019", title="Integrationsmål 2019", adopted_by="board",
            valid_from=date(2019, 1, 15), applies_until_replaced=True,
        )
    )  # fmt: skip
    await landlord.area()
    for place, name, households, share in [("raslatt", "Råslätt", 30, 0.6), ("ekhagen", "Ekhagen", 3, 1)]:
        await landlord.area(place, name, target=None, programme=False)
        for number in range(households):
            day = date(2019, 1, 1) + timedelta(days=random.randrange(365))
            identity = 1000 + number + (500 if place == "ekhagen" else 0)
            await landlord.household(identity, offered=random.random() < share, on=day, area=place)
    for number in range(60):
        day = date(2019, 1, 1) + timedelta(days=number * 365 // 60)
        await landlord.household(number, offered=random.random() < 0.75 + number / 240, on=day)
    await landlord.households(20, of=22, first=300, on=date(2020, 4, 10))
    await bus.send(cancelled(5), failed(1), moved_in(7, id="correction", on=date(2019, 2, 2)))
    reporting = await start(service, made_up=True)
    await settled(reporting)
    said = {"area": "oxnehaga", "day": "2019-07-03", "text": "Två värdar på semester"}
    await reporting.client.post(f"/goals/{GOAL}/notes", data=said, headers=OPERATOR)
    return reporting


@pytest.fixture
async def browser_page(reporting: Running, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Page]:
    """A page whose requests are answered by the service itself; a stream when it has ended, so that it ends at once."""
    monkeypatch.setattr(live, "ENDS_AFTER", 1)
    async with launch() as browser:
        context = await browser.new_context(locale="sv-SE")
        await answer_by(context, reporting.client)
        yield await context.new_page()


@pytest.mark.timeout(180)
async def test_every_page_at_every_size(browser_page: Page) -> None:
    problems: list[str] = []
    browser_page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    for width, scheme in SEEN:
        await browser_page.emulate_media(color_scheme=scheme)
        await browser_page.set_viewport_size({"width": width, "height": 900})
        for name, address in PAGES.items():
            await browser_page.set_extra_http_headers(OPERATOR if name in AS_STAFF else {})
            await browser_page.goto(f"{DOOR}{address}")
            problems += await faults(browser_page, name)
    assert [p for p in problems if "404" not in p] == []


async def test_a_figure_that_changes_is_marked_and_told(browser_page: Page, bus: Bus) -> None:
    await browser_page.set_viewport_size({"width": DESKTOP, "height": 900})
    await browser_page.goto(f"{DOOR}/?period=2019&document=integration-goals-2019")
    row = browser_page.locator("li[data-figure]", has_text="Bointroduktion till nyinflyttade")
    before, place = await row.inner_text(), await row.bounding_box()
    assert await browser_page.locator(".changed").count() == 0
    await bus.send(*(moved_in(number, on=date(2019, 12, 1)) for number in range(400, 420)))
    await browser_page.locator("li.changed").wait_for(timeout=20_000)  # the browser comes back by itself
    assert await row.inner_text() != before
    assert await row.bounding_box() == place, "it never jumps"
    told = await browser_page.locator("p.heard").inner_text()
    assert told.startswith("Bointroduktion till nyinflyttade, Öxnehaga: ")
    assert await browser_page.locator("p.heard").get_attribute("role") == "status"
