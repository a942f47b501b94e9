"""The catalogue's pages in a real browser: on a dark desktop and a light phone, Swedish; nothing sticks out, axe finds nothing."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx2
import pytest
from playwright.async_api import Page

from services.chassis.testkit import OPERATOR, Running
from tests.browser import DESKTOP, DOOR, MARKS, PHONE, Scheme, answer_by, faults, launch

pytestmark = MARKS
DRAFT = "se.vatterhem.TenantInfluenceAgreementEnded.v1"
PAGES = {
    "events": "/schemas",
    "event": "/schemas/se.vatterhem.TenantMovedIn.v1",
    "draft": f"/schemas/{DRAFT}",
    "topic": "/topics/surveys.invitations",
    "systems": "/systems",
    "system": "/systems/notifications",
    "publisher": "/systems/housing",
    "field": "/fields?q=area_id",
    "journeys": "/journeys",
    "journey": "/journeys/a-tenant-moves-in",
}


@pytest.fixture
async def browser_page(gateway: Running) -> AsyncIterator[Page]:
    async with launch() as browser:
        context = await browser.new_context(locale="sv-SE")
        await answer_by(context, gateway.client)
        await context.set_extra_http_headers(OPERATOR)
        yield await context.new_page()


@pytest.mark.timeout(240)
async def test_every_page_at_every_size(
    gateway: Running,
    browser_page: Page,
    post: Callable[..., Awaitable[httpx2.Response]],
    move_in: Callable[..., dict[str, Any]],
) -> None:
    await post([move_in("t-1"), move_in("t-2")])
    said = {"said": "Vem skriver under, om föreningen är vilande?\nDet står inte."}
    await gateway.client.post(f"/schemas/{DRAFT}/comments", data=said, headers=OPERATOR)
    problems: list[str] = []
    browser_page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    ways: tuple[tuple[Scheme, int], ...] = (("dark", DESKTOP), ("light", PHONE))
    for scheme, width in ways:
        await browser_page.emulate_media(color_scheme=scheme)
        await browser_page.set_viewport_size({"width": width, "height": 900})
        for name, address in PAGES.items():
            await browser_page.goto(f"{DOOR}{address}")
            problems += await faults(browser_page, name)
        await browser_page.goto(f"{DOOR}{PAGES['event']}")
        await browser_page.fill("#event", '{"specversion": "1.0", "id": 7}')
        await browser_page.click("form[action$='/try#try'] button")
        await browser_page.wait_for_selector("#try + .notice")
        problems += await faults(browser_page, "tried")
    assert problems == []
