"""The to-do page and the letters in a real browser: no fault that axe finds, nothing wider than a phone.

HEM_PICTURES=<folder> keeps pictures of them.
"""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, Route, async_playwright

from schemas.governance import AreaDefined
from services.chassis.testkit import Bus, Running
from services.chassis.web import Role
from services.chassis.web.session import SESSION_COOKIE, seal_session
from services.notifications.letters import Letters
from tests.notifications.town import MOVED_IN, Household, Notify, State, becomes, programme

CHROMIUM = "/usr/bin/chromium"
DOOR = "http://127.0.0.1:8000"
PHONE, DESKTOP = 320, 1100

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="needs Debian's chromium"),
    pytest.mark.filterwarnings("default::ResourceWarning"),
]


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        await chromium.close()


async def look_at(page: Page, name: str) -> None:
    """Fails on what axe calls a violation of WCAG, and on a page that must be pushed sideways."""
    found = await Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]})
    assert not found.response["violations"], (name, found.generate_report())
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{name} is too wide"
    if folder := os.environ.get("HEM_PICTURES"):
        await page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [PHONE, DESKTOP])
async def test_letters(browser: Browser, width: int, scheme: str) -> None:
    for language in ("sv", "ar", "en"):
        letter = Letters().introduction(name="Amina Ek", wanted=language, landlord="Vätterhem")
        page = await browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)  # type: ignore[arg-type]
        await page.set_content(letter.html)
        await look_at(page, f"letter-{language}-{width}-{scheme}")
        start = await page.locator("p").first.evaluate("e => getComputedStyle(e).direction")
        assert start == ("rtl" if language == "ar" else "ltr")
        await page.close()


@pytest.mark.parametrize("width", [PHONE, DESKTOP])
async def test_the_to_do_page(notify: Notify, bus: Bus, browser: Browser, width: int) -> None:
    running = await notify()
    homes = [Household(), Household(area="raslatt"), Household()]
    for area, name in (("oxnehaga", "Öxnehaga"), ("raslatt", "Råslätt")):
        await bus.publish(AreaDefined(area_id=area, name=name, municipality_code="0680", valid_from=MOVED_IN))
        await bus.publish(programme(area))
    for home in homes:
        await bus.publish(home.moved_in())
    for home in homes:
        await becomes(running, home.tenancy, State(todo="open"))
    page = await visit(running, browser, width)
    for name, language in (("todo", "sv"), ("todo-en", "en")):
        await page.goto(f"{DOOR}/todo?lang={language}")
        await look_at(page, f"{name}-{width}")
    await page.goto(f"{DOOR}/todo?lang=sv")
    await page.get_by_role("link", name=f"Markera att den har erbjudits: {homes[0].tenancy}").click()
    await look_at(page, f"todo-ask-{width}")
    await page.get_by_role("button", name="Ja, den har erbjudits").click()
    await page.wait_for_url("**/todo?offered=*")
    await look_at(page, f"todo-marked-{width}")
    await page.get_by_role("link", name="Erbjudna").click()
    await look_at(page, f"todo-offered-{width}")
    await page.goto(f"{DOOR}/todo?area=huskvarna")
    await look_at(page, f"todo-empty-{width}")
    await page.close()


async def visit(running: Running, browser: Browser, width: int) -> Page:
    """A page signed in as area staff, whose requests the running service answers."""
    session = seal_session(running.settings, "test", [Role.AREA_STAFF], running.ctx.clock.now())
    context = await browser.new_context(viewport={"width": width, "height": 800}, locale="sv")
    await context.add_cookies([{"name": SESSION_COOKIE, "value": session, "url": DOOR}])

    async def answer(route: Route) -> None:
        asked = route.request
        got = await running.client.request(
            asked.method, asked.url, headers=await asked.all_headers(), content=asked.post_data_buffer
        )
        headers = {name: value for name, value in got.headers.items() if name != "content-length"}
        await route.fulfill(status=got.status_code, headers=headers, body=got.content)

    await context.route("**/*", answer)
    return await context.new_page()
