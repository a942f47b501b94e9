"""What could not be handled, as a page: what waits and why, and one, some or all of a reason settled, with who and when."""

import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from schemas.event import Event
from schemas.notifications import HousingIntroductionOffered
from schemas.tenancy import TenantContactChanged
from services.chassis.errors import Unfit
from services.chassis.testkit import OPERATOR, Bus, MovableClock, Running, Start
from services.chassis.web.session import SESSION_COOKIE, seal_session
from tests.browser import DESKTOP, MARKS, PHONE, answer_by, faults, launch
from tests.chassis.echo import Echo, MoveIn

LIST = "/ops/notifications/parked"
HTML = {"Accept": "text/html", "Accept-Language": "en"}
BROWSER = OPERATOR | HTML
Parked = Callable[..., Awaitable[Running]]


@pytest.fixture
def parked(bus: Bus, start: Start, echo: Echo, move_in: MoveIn) -> Parked:
    """`await parked(no_area=3, odd_date=1)`: a service that has set aside so many move-ins for each reason; `echo.fail`
    mends it."""

    async def make(**counts: int) -> Running:
        def fail(event: Event[Any]) -> None:
            reason, _, rest = str(event.data.subject).rpartition("-")
            if reason in counts:
                raise Unfit(reason, f"number {rest} can't be handled yet")

        echo.fail = fail
        for reason, count in counts.items():
            for number in range(count):
                await bus.publish(move_in(f"{reason}-{number}"))
        running = await start(echo.service)
        await running.caught_up(bus)
        return running

    return make


async def shown(running: Running, address: str = LIST, **headers: str) -> str:
    answer = await running.client.get(address, headers=BROWSER | headers)
    assert answer.status_code == 200, answer.text
    return " ".join(answer.text.split())


async def send(running: Running, **fields: Any) -> httpx2.Response:
    return await running.client.post(LIST, data=fields, headers=BROWSER)


async def numbers(running: Running, state: str = "open", **filters: str) -> list[int]:
    answer = await running.client.get(LIST, params={"state": state, **filters}, headers=OPERATOR)
    return [row["id"] for row in answer.json()]


async def test_it_shows_what_waits_by_reason_and_the_address_filters(parked: Parked) -> None:
    running = await parked(no_area=3, odd_date=1)
    page = await shown(running)
    assert len(re.findall('name="id"', page)) == 4
    assert re.search(r"<code>no_area</code>&nbsp;<span class=\"num\">3</span>", page)
    assert len(re.findall('name="id"', await shown(running, f"{LIST}?reason=odd_date"))) == 1
    assert 'name="id"' not in await shown(running, f"{LIST}?topic=property.events")
    for service in ("gateway", "placements", "surveys", "reporting"):
        assert f'href="/ops/{service}/parked"' in page
    refused = await running.client.get(LIST, headers=HTML)
    assert refused.status_code == 401
    assert "no_area" not in refused.text


async def test_chosen_ones_are_handled_again_and_the_page_says_who_did_it_and_when(
    parked: Parked, bus: Bus, echo: Echo, clock: MovableClock
) -> None:
    running = await parked(no_area=3)
    first, second, third = await numbers(running)
    echo.fail = lambda _event: None
    clock.move(timedelta(minutes=5))
    session = seal_session(running.settings, "Ada Påhittad", ["operator"], clock.now())
    cookie = {"Cookie": f"{SESSION_COOKIE}={session}"}
    answer = await running.client.post(LIST, data={"do": "replay", "id": [first, third]}, headers=HTML | cookie)
    assert answer.status_code == 303
    assert "2 events were handled again" in await shown(running, f"{LIST}{answer.headers['location']}")
    await bus.expect(HousingIntroductionOffered, 2)
    assert await numbers(running) == [second]
    settled = await running.client.get(LIST, params={"state": "replayed"}, headers=OPERATOR)
    assert [(row["settled_by"], row["settled_at"]) for row in settled.json()] == [
        ("Ada Påhittad", clock.now().isoformat())
    ] * 2
    assert "by Ada Påhittad" in await shown(running, f"{LIST}?state=replayed")
    assert "Ada Påhittad" in await shown(running, f"{LIST}/{first}")


async def test_what_still_can_not_be_handled_stays_and_the_page_says_why(parked: Parked, echo: Echo) -> None:
    running = await parked(no_area=2, odd_date=1)
    mended = echo.fail

    def only_dates(event: Event[Any]) -> None:
        if "odd_date" in event.data.subject:
            mended(event)

    echo.fail = only_dates
    answer = await send(running, do="replay", id=await numbers(running))
    assert answer.status_code == 409
    assert "odd_date: number 0 can&#39;t be handled yet" in answer.text
    assert await numbers(running) == await numbers(running, reason="odd_date")
    assert len(await numbers(running, "replayed")) == 2


async def test_discarding_is_asked_about_first_and_means_what_the_page_counted(
    parked: Parked, bus: Bus, move_in: MoveIn
) -> None:
    running = await parked(no_area=2, odd_date=1)
    upto = max(await numbers(running, reason="no_area"))
    await bus.publish(move_in("no_area-7"))
    await running.caught_up(bus)
    everything = {"do": "discard", "of": "all", "reason": "no_area", "upto": upto}
    asked = await send(running, **everything)
    assert asked.status_code == 200
    assert "Discard 2 events for good?" in asked.text
    assert len(await numbers(running)) == 4
    done = await send(running, **everything, sure="true")
    assert done.status_code == 303
    assert len(await numbers(running, "discarded")) == 2
    assert len(await numbers(running, reason="no_area")) == 1, "what came after the page was shown was discarded unseen"
    await send(running, do="discard", id=await numbers(running, "discarded"), sure="true")
    assert len(await numbers(running)) == 2


async def test_nothing_chosen_is_said_and_another_sites_form_is_refused(parked: Parked) -> None:
    running = await parked(no_area=1)
    assert (await send(running, do="replay")).status_code == 422
    other = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
    fields = {"do": "discard", "id": (await numbers(running))[0], "sure": "true"}
    assert (await running.client.post(LIST, data=fields, headers=BROWSER | other)).status_code == 403
    assert len(await numbers(running)) == 1


async def test_a_persons_record_is_masked(bus: Bus, start: Start, echo: Echo) -> None:
    def fail(event: Event[Any]) -> None:
        raise Unfit("test", "not yet")

    echo.fail = fail
    await bus.publish(
        TenantContactChanged(tenant_ref="ref-secret", name="Ada Påhittad", email="ada@example.se", language="sv")
    )
    running = await start(echo.service)
    await running.caught_up(bus)
    [number] = await numbers(running)
    for address in (LIST, f"{LIST}/{number}"):
        for headers in (BROWSER, OPERATOR):
            said = (await running.client.get(address, headers=headers)).text
            assert "tenancy.contacts" in said
            assert not re.search("ref-secret|Ada|example.se", said)


class TestLook:
    pytestmark = MARKS

    async def test_it_fits_the_screen_and_axe_finds_nothing(self, parked: Parked) -> None:
        running = await parked(no_area=3, odd_date=2)
        first = (await numbers(running))[0]
        found: list[str] = []
        async with launch() as browser:
            for width in (PHONE, DESKTOP):
                context = await browser.new_context(
                    viewport={"width": width, "height": 900}, locale="sv-SE", extra_http_headers=OPERATOR
                )
                await answer_by(context, running.client)
                page = await context.new_page()
                for name, address in (("parked", f"{LIST}?reason=no_area"), ("parked-record", f"{LIST}/{first}")):
                    await page.goto(f"http://127.0.0.1:8000{address}")
                    found += await faults(page, name)
                await page.get_by_role("button", name="Kasta den …").click()
                found += await faults(page, "parked-discard")
        assert found == []
