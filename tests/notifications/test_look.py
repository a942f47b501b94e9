"""The to-do page and the letters in a real browser: no fault that axe finds, nothing wider than a phone.

HEM_PICTURES=<folder> keeps pictures of them.
"""

import re
from collections.abc import AsyncIterator, Sequence
from email.message import EmailMessage

import pytest
from playwright.async_api import Browser, Page

from schemas.governance import AreaDefined
from services.chassis.testkit import Bus, Running, eventually
from services.chassis.web import Role
from services.chassis.web.session import SESSION_COOKIE, seal_session
from services.notifications.letters import Letters
from tests.browser import DOOR, MARKS, PAGE, WCAG, Scheme, answer_by, faults, launch
from tests.notifications.town import MOVED_IN, Household, MailServer, Notify, State, becomes, programme

PHONE, DESKTOP = 320, 1100

pytestmark = MARKS


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with launch() as chromium:
        yield chromium


async def look_at(page: Page, name: str, rules: Sequence[str] = PAGE) -> None:
    """Fails on what axe calls a violation, and on a page that must be pushed sideways."""
    found = await faults(page, name, rules)
    assert not found, found


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [PHONE, DESKTOP])
async def test_letters(browser: Browser, width: int, scheme: str) -> None:
    for language in ("sv", "ar", "en"):
        letter = Letters().introduction(name="Amina Ek", wanted=language, landlord="Vätterhem")
        page = await browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)  # type: ignore[arg-type]
        await page.set_content(letter.html)
        await look_at(page, f"letter-{language}", WCAG)
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
        await look_at(page, name)
    await page.goto(f"{DOOR}/todo?lang=sv")
    await page.get_by_role("link", name=f"Markera att den har erbjudits: {homes[0].tenancy}").click()
    await look_at(page, "todo-ask")
    await page.get_by_role("button", name="Ja, den har erbjudits").click()
    await page.wait_for_url("**/todo?offered=*")
    await look_at(page, "todo-marked")
    await page.get_by_role("link", name="Erbjudna").click()
    await look_at(page, "todo-offered")
    await page.goto(f"{DOOR}/todo?area=huskvarna")
    await look_at(page, "todo-empty")
    await page.close()


@pytest.mark.parametrize(("width", "scheme"), [(PHONE, "dark"), (DESKTOP, "light")])
async def test_following_a_goal(
    notify: Notify, mail_server: MailServer, browser: Browser, width: int, scheme: Scheme
) -> None:
    running = await notify()
    context = await browser.new_context(viewport={"width": width, "height": 800}, locale="sv", color_scheme=scheme)
    await answer_by(context, running.client)
    page = await context.new_page()
    await page.goto(f"{DOOR}/watch/meeting-places")
    await look_at(page, "watch")
    await page.get_by_label("Din e-postadress").fill("anna@example.se")
    await page.get_by_role("button", name="Följ målet").click()
    await page.wait_for_url("**sent=true*")
    await look_at(page, "watch-sent")

    async def arrived() -> EmailMessage | None:
        return mail_server.mails[0] if mail_server.mails else None

    html = (await eventually("the mail", arrived)).get_body(("html",))
    assert html is not None
    yes, stop = re.findall(r'href="[^"]*(/watch/[^"]+)"', html.get_content())
    for address, button, name in ((yes, "Ja, följ målet", "watch-yes"), (stop, "Ja, sluta", "watch-stop")):
        await page.goto(f"{DOOR}{address}")
        await look_at(page, name)
        await page.get_by_role("button", name=button).click()
        await page.get_by_role("link", name="Till målet").wait_for()
        await look_at(page, f"{name}-done")
    letter = await context.new_page()
    await letter.set_content(html.get_content())
    await look_at(letter, "watch-letter", WCAG)
    await context.close()


async def visit(running: Running, browser: Browser, width: int) -> Page:
    """A page signed in as area staff, whose requests the running service answers."""
    session = seal_session(running.settings, "test", [Role.AREA_STAFF], running.ctx.clock.now())
    context = await browser.new_context(viewport={"width": width, "height": 800}, locale="sv")
    await context.add_cookies([{"name": SESSION_COOKIE, "value": session, "url": DOOR}])
    await answer_by(context, running.client)
    return await context.new_page()
