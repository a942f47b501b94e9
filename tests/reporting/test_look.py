"""The pages in a real browser: phone and desktop, light and dark, Swedish; nothing sticks out, axe finds nothing.

`HEM_PICTURES=folder` keeps what was seen.
"""

import os
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, Request, Route, async_playwright

from schemas.governance import SteeringDocumentAdopted
from services.chassis.testkit import OPERATOR, Bus, MovableClock, Running, Start
from services.reporting.app import service
from tests.reporting.landlord import GOAL, Landlord, Settled, cancelled, failed, moved_in

CHROMIUM = Path("/usr/bin/chromium")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="needs Debian's chromium"),
    pytest.mark.filterwarnings("default::ResourceWarning"),
]
WCAG = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]
PAGES = {
    "goals": "/?period=2019",
    "goal": f"/goals/{GOAL}?period=2019&area=oxnehaga",
    "company": f"/goals/{GOAL}?period=2019",
    "suppressed": f"/goals/{GOAL}?period=2019&area=ekhagen",
    "under-way": f"/goals/{GOAL}?period=2020&area=oxnehaga",
    "events": f"/goals/{GOAL}/events?period=2019&area=oxnehaga&limit=40",
    "subject": "/subjects/t1",
    "nothing": f"/goals/{GOAL}?area=nowhere",
}


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
    for place, name, households, share in [("raslatt", "Råslätt", 90, 0.6), ("ekhagen", "Ekhagen", 3, 1)]:
        await landlord.area(place, name, target=None, programme=False)
        for number in range(households):
            day = date(2019, 1, 1) + timedelta(days=random.randrange(365))
            identity = 1000 + number + (500 if place == "ekhagen" else 0)
            await landlord.household(identity, offered=random.random() < share, on=day, area=place)
    for number in range(150):
        day = date(2019, 1, 1) + timedelta(days=number * 365 // 150)
        await landlord.household(number, offered=random.random() < 0.75 + number / 600, on=day)
    await landlord.households(20, of=22, first=300, on=date(2020, 4, 10))
    await bus.send(cancelled(5), failed(1), moved_in(7, id="correction", on=date(2019, 2, 2)))
    reporting = await start(service, made_up=True)
    await settled(reporting)
    return reporting


@pytest.fixture
async def browser_page(reporting: Running) -> AsyncIterator[Page]:
    """A page whose requests are answered by the service itself."""

    async def answer(route: Route, request: Request) -> None:
        split = urlsplit(request.url)
        headers = {**request.headers, **(OPERATOR if split.path.startswith("/subjects") else {})}
        reply = await reporting.client.get(f"{split.path}?{split.query}", headers=headers)
        await route.fulfill(status=reply.status_code, headers=dict(reply.headers), body=reply.content)

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        page = await browser.new_page(locale="sv-SE")
        await page.route("**/*", answer)
        yield page
        await browser.close()


@pytest.mark.timeout(180)
async def test_every_page_at_every_size(browser_page: Page) -> None:
    pictures = os.environ.get("HEM_PICTURES")
    problems: list[str] = []
    browser_page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    for scheme in ("light", "dark"):
        await browser_page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        for width in (1280, 360):
            await browser_page.set_viewport_size({"width": width, "height": 900})
            for name, address in PAGES.items():
                await browser_page.goto(f"http://127.0.0.1:8000{address}")
                wide = await browser_page.evaluate("document.documentElement.scrollWidth")
                if wide > width:
                    problems.append(f"{name} at {width} is {wide} wide")
                results = await Axe().run(browser_page, options={"runOnly": WCAG})
                problems += [
                    f"{name} {scheme} {width}: {v['id']} {v['nodes'][0]['html']}"
                    for v in results.response["violations"]
                ]
                if pictures:
                    await browser_page.screenshot(path=f"{pictures}/{name}-{width}-{scheme}.png", full_page=True)
    assert [p for p in problems if "404" not in p] == []
