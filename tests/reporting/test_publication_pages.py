"""The pages of publications, in a browser: a dark phone, a light desktop."""

from datetime import UTC, date, datetime

from services.chassis.testkit import OPERATOR, MovableClock, Start
from services.chassis.web.session import SESSION_COOKIE, seal_session
from services.reporting.app import service
from tests.browser import DESKTOP, MARKS, PHONE, Scheme, answer_by, faults, launch
from tests.reporting.landlord import Landlord, Settled

pytestmark = MARKS


async def test_the_pages_of_publications(
    start: Start, landlord: Landlord, clock: MovableClock, settled: Settled
) -> None:
    clock.set(datetime(2020, 2, 1, 12, tzinfo=UTC))
    number = 0
    for area, of in (("small", 3), ("middle", 12), ("large", 20)):
        await landlord.area(area, area.title())
        for _ in range(of):
            number += 1
            await landlord.household(number, on=date(2019, 3, 5), area=area)
    reporting = await start(service, public_figures="published")
    await settled(reporting)
    for path in ("2019-03/publish", "2019/publish", "2019/approve", "2019/close"):
        await reporting.client.post(f"/publications/{path}", data={"sure": "yes"}, headers=OPERATOR)
    for more in range(100, 110):
        await landlord.household(more, offered=False, area="large")
    await settled(reporting)
    draft = "/publications/2019/draft"
    await reporting.client.post(
        "/publications/2019/publish", data={"sure": "1", "reason": "late_events"}, headers=OPERATOR
    )
    for more in range(110, 120):
        await landlord.household(more, offered=False, area="middle")
    await settled(reporting)
    cookie = seal_session(reporting.ctx.settings, "Made Up", ["coordinator"], clock.now())
    found: list[str] = []
    async with launch() as browser:
        looks: tuple[tuple[int, Scheme], ...] = ((PHONE, "dark"), (DESKTOP, "light"))
        for width, scheme in looks:
            context = await browser.new_context(
                viewport={"width": width, "height": 900}, color_scheme=scheme, locale="sv-SE"
            )
            await answer_by(context, reporting.client)
            await context.add_cookies([{"name": SESSION_COOKIE, "value": cookie, "url": "http://127.0.0.1:8000"}])
            page = await context.new_page()
            for name, path in (
                ("publications", "/publications"),
                ("publication", "/publications/2019"),
                ("draft", draft),
            ):
                await page.goto(f"http://127.0.0.1:8000{path}")
                found += await faults(page, name)
            await context.close()
    assert found == []
