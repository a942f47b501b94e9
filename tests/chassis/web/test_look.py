"""The shell's own pages in a real browser: at the size of a phone and of a desk, in light and dark."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Page

from services.chassis.web import Role, make_sign_in_link
from tests.browser import DESKTOP, DOOR, MARKS, PHONE, SCHEMES, answer_by, faults, launch

from .conftest import House

pytestmark = MARKS


@pytest.fixture
async def page(house: House) -> AsyncIterator[Page]:
    async with launch() as browser, house.visit() as client:
        context = await browser.new_context(locale="sv-SE")
        await answer_by(context, client)
        yield await context.new_page()


@pytest.mark.timeout(120)
async def test_the_shells_own_pages(page: Page, house: House) -> None:
    link = make_sign_in_link(house.settings, service="shelltest", roles=Role, now=house.clock.now())
    pages = {
        "sign-in-how": f"{DOOR}/sign-in?lang=sv",
        "sign-in-how-en": f"{DOOR}/sign-in?lang=en",
        "sign-in-yes": f"{link}&lang=sv",
        "sign-in-stale": f"{DOOR}/sign-in?code=old&lang=sv",
        "problem-404": f"{DOOR}/nowhere?lang=sv",
        "problem-404-en": f"{DOOR}/nowhere?lang=en",
        "problem-422": f"{DOOR}/number/seven?lang=sv",
    }
    found: list[str] = []
    headings: dict[str, str] = {}
    for scheme in SCHEMES:
        await page.emulate_media(color_scheme=scheme)
        for width in (PHONE, DESKTOP):
            await page.set_viewport_size({"width": width, "height": 900})
            for name, address in pages.items():
                await page.goto(address)
                found += await faults(page, name)
                headings[name] = await page.locator("h1").inner_text()
    assert found == []
    assert headings["problem-404"] == "Här finns ingenting"
    assert headings["problem-404-en"] == "There is nothing here"
    assert headings["sign-in-yes"] == "Logga in"


async def test_the_other_language_of_a_strange_address_is_on_this_site(page: Page) -> None:
    await page.goto(f"{DOOR}//evil.example/x?lang=sv")
    await page.get_by_role("link", name="English").click()
    await page.get_by_role("heading", name="There is nothing here").wait_for()
    assert page.url == f"{DOOR}//evil.example/x?lang=en"
