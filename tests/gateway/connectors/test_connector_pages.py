"""The pages of connectors in a real browser, in Swedish: send a file, look first, publish, confirm what is held."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser

from schemas.tenancy import TenantMovedIn
from services.chassis.testkit import OPERATOR, Bus
from services.chassis.web import Role
from services.chassis.web.session import SESSION_COOKIE, seal_session
from tests.browser import DOOR, MARKS, answer_by, faults, launch
from tests.gateway.connectors.estate import Estate, as_csv, lease

pytestmark = MARKS


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with launch() as chromium:
        yield chromium


async def send(estate: Estate, file: bytes, **fields: str) -> str:
    """Sends a file as the page's form does, and gives the address it leads to when the run has ended."""
    answer = await estate.gateway.client.post(
        "/connectors/leases/runs", files={"file": ("kontrakt.csv", file, "text/csv")}, data=fields, headers=OPERATOR
    )
    assert answer.status_code == 303, answer.text
    address = answer.headers["location"]
    await estate.ended(int(address.rpartition("/")[2]))
    return str(address)


@pytest.mark.parametrize("width", [320, 1100])
async def test_a_file_is_looked_at_published_and_held(estate: Estate, bus: Bus, browser: Browser, width: int) -> None:
    (estate.folder / "wrong.yaml").write_text("kind: lease", encoding="utf-8")
    gateway = estate.gateway
    rows = [lease(n) for n in range(30)]
    file = as_csv([*rows, lease(40, Inflyttad="1/3/2019")])
    looked, published = await send(estate, file, dry_run="1"), await send(estate, file)
    held = await send(estate, as_csv(rows[:10]))

    context = await browser.new_context(viewport={"width": width, "height": 800}, locale="sv-SE")
    await answer_by(context, gateway.client)
    cookie = seal_session(gateway.settings, "Eva", [Role.OPERATOR, Role.COORDINATOR], gateway.ctx.clock.now())
    await context.add_cookies([{"name": SESSION_COOKIE, "value": cookie, "url": DOOR}])
    page = await context.new_page()
    found = []
    for name, address in {
        "list": "/connectors?lang=sv",
        "wrong": "/connectors/wrong",
        "one": "/connectors/leases",
        "looked": looked,
        "published": published,
        "held": held,
    }.items():
        await page.goto(f"{DOOR}{address}")
        found += await faults(page, f"connector-{name}")
        said = await page.content()
        assert "Testsson" not in said
        assert "K-1" not in said
    await page.get_by_role("button", name="Filen stämmer: publicera").click()
    await page.get_by_text("TenantMovedOut").wait_for(timeout=15_000)
    event = (await bus.expect(TenantMovedIn, 30))[0]
    await page.goto(f"{DOOR}/connectors/.lease?tenancy={event.data.tenancy_id}")
    await page.get_by_text("K-").wait_for(timeout=5_000)
    found += await faults(page, "connector-lease")
    assert not found, found
