"""The pages of reporting in a real browser, without JavaScript: on a phone and a desk, light and dark, both ways of writing.

HEM_PICTURES=<folder> keeps pictures of them.
"""

from collections.abc import AsyncIterator
from itertools import cycle, product

import pytest
from playwright.async_api import Browser, Page

from schemas.community import AreaGroupMet, MeetingPlaceOpened
from schemas.governance import AreaDefined, TargetSet
from schemas.tenancy import TenantContactErased
from services.chassis.testkit import Running
from services.chassis.web import Role
from services.chassis.web.session import SESSION_COOKIE, seal_session
from tests.browser import DOOR, MARKS, SCHEMES, answer_by, faults, launch

PHONE, DESKTOP = 390, 1280

pytestmark = MARKS


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with launch() as chromium:
        yield chromium


async def visit(gateway: Running, browser: Browser) -> Page:
    """A page without JavaScript of somebody with every role."""
    session = seal_session(gateway.settings, "operator", Role, gateway.ctx.clock.now())
    context = await browser.new_context(
        locale="sv-SE", viewport={"width": PHONE, "height": 844}, reduced_motion="reduce"
    )
    await context.add_cookies([{"name": SESSION_COOKIE, "value": session, "url": DOOR}])
    await answer_by(context, gateway.client)
    return await context.new_page()


@pytest.mark.timeout(180)
async def test_a_day_of_reporting(gateway: Running, browser: Browser) -> None:
    page = await visit(gateway, browser)
    found: list[str] = []
    sights = cycle(product((PHONE, DESKTOP), SCHEMES))

    async def look(name: str) -> None:
        width, scheme = next(sights)
        await page.set_viewport_size({"width": width, "height": 844})
        await page.emulate_media(color_scheme=scheme)
        found.extend(await faults(page, f"report-{name}"))
        assert await page.locator("script").count() == 0, "it works without"

    await page.goto(f"{DOOR}/report/{AreaDefined.type}?lang=sv")
    await page.get_by_label("Namn", exact=True).fill("Öxnehaga")
    await page.get_by_role("button", name="Lägg till en rad").click()
    await page.get_by_label("Andel").fill("1,5")
    await page.get_by_role("button", name="Skicka rapporten").click()
    await page.get_by_role("heading", name="Något behöver rättas").wait_for()
    await look("mistakes")
    await page.get_by_role("button", name="Ta bort rad 1").click()
    assert await page.get_by_label("Namn", exact=True).input_value() == "Öxnehaga"
    await page.get_by_label("Område").fill("oxnehaga")
    await page.get_by_label("Kommunkod").fill("0680")
    await page.get_by_label("Kommunkod").press("Enter")
    await page.get_by_text("Tack, rapporten är skickad.").wait_for()

    await page.goto(f"{DOOR}/report/{MeetingPlaceOpened.type}")
    await page.get_by_label("Område", exact=True).select_option(label="Öxnehaga")
    await page.get_by_label("Slag", exact=True).select_option(label="Konsthall")
    await look("form")
    await page.get_by_role("button", name="Skicka rapporten").click()
    await page.get_by_text("Tack, rapporten är skickad.").wait_for()
    await look("sent")
    await page.get_by_role("link", name="Ta tillbaka den").click()
    await look("withdraw")
    await page.goto(f"{DOOR}/report/mine")
    await look("mine")
    await page.get_by_role("link", name="Mötesplats öppnad").click()
    await page.get_by_role("link", name="Rätta den").click()
    await look("correct")
    for name, kind in (("boxes", AreaGroupMet), ("target", TargetSet), ("erase", TenantContactErased)):
        await page.goto(f"{DOOR}/report/{kind.type}")
        await look(name)
    await page.goto(f"{DOOR}/report")
    await look("choose")
    for address in ("/report", f"/report/{AreaGroupMet.type}", "/report/mine"):
        await page.goto(f"{DOOR}{address}?lang=en")
        await page.evaluate("document.documentElement.dir = 'rtl'")
        found.extend(await faults(page, f"report-rtl{address.replace('/', '-')[:20]}"))
    assert found == []
