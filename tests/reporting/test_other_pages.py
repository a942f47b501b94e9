"""Areas, comparisons, definitions, reporting status, the events behind a figure and the figures an event touches."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest
from playwright.async_api import Page

from schemas.gateway import PageRated, PublisherRegistered
from schemas.governance import AreaDefined, SteeringDocumentAdopted
from services.chassis.testkit import OPERATOR, Bus, MovableClock, Running, Start
from services.reporting.app import service
from services.reporting.service import life
from tests.browser import DESKTOP, DOOR, MARKS, PHONE, Scheme, answer_by, faults, launch
from tests.reporting.landlord import GOAL, NOON, Landlord, Settled, cancelled, failed, moved_in

pytestmark = MARKS
PAGES = {
    "areas": "/areas?period=2019",
    "area": "/areas/oxnehaga?period=2019",
    "area-unknown": "/areas/unknown?period=2019",
    "compare": "/compare?period=2019",
    "compare-years": f"/compare?goal={GOAL}",
    "quality": "/quality",
    "quality-events": "/quality/impossible_date",
    "definitions": "/definitions",
    "definition": f"/definitions/{GOAL}",
    "status": "/status?period=2019",
    "events": f"/goals/{GOAL}/events?period=2019&area=oxnehaga&limit=40",
    "subject": "/subjects/t1",
    "about": "/about",
    "accessibility": "/accessibility",
}
LOOKS: tuple[tuple[Scheme, int], ...] = (("light", DESKTOP), ("dark", PHONE))
"""Both widths and both sets of colours: no colour depends on the width."""
AS_STAFF = {"quality-events", "subject", "quality", "area"}


@pytest.fixture
async def reporting(start: Start, landlord: Landlord, settled: Settled, bus: Bus, clock: MovableClock) -> Running:
    """A landlord with three areas, two of them defined; a household of every fate."""
    clock.set(datetime(2020, 5, 1, 12, 2, tzinfo=UTC))
    random = Random(1)
    for document, title in (("goals-2019", "Mål för 2019"), ("integration-strategy", "Integrationsstrategi")):
        await bus.publish(
            SteeringDocumentAdopted(
                document_id=document, title=title, adopted_by="board", valid_from=date(2019, 1, 15),
                applies_until_replaced=True,
            )
        )  # fmt: skip
    await bus.publish(
        PublisherRegistered(
            publisher="made-up", sources=("urn:silent",), expected_interval="P7D", from_=date(2019, 1, 1)
        )
    )
    await bus.publish(PageRated(page="/areas/oxnehaga", rating_id="r1", was_helpful=True))
    await landlord.area()
    await landlord.area("raslatt", "Råslätt", target=None, programme=False)
    await bus.publish(
        AreaDefined(area_id="oxnehaga", name="Öxnehaga", municipality_code="0680", valid_from=date(2018, 1, 1))
    )
    for number in range(60):
        day = date(2019, 1, 1) + timedelta(days=random.randrange(365))
        area, reached = ("raslatt", 0.6) if number % 3 else ("oxnehaga", 0.93)
        await landlord.household(number, offered=random.random() < reached, on=day, area=area)
    await landlord.households(7, of=8, first=200, on=date(2019, 5, 2), area="nowhere")
    await landlord.households(10, of=12, first=300, on=date(2020, 4, 10))
    await bus.send(
        cancelled(5),
        failed(1),
        moved_in(7, id="correction", on=date(2019, 2, 2)),
        moved_in(400, on=date(2091, 3, 1)),
        moved_in(401, on=date(2019, 3, 1), recordedtime=NOON - timedelta(hours=2), time=NOON + timedelta(minutes=7)),
    )
    reporting = await start(service, made_up=True, company="Vätterhem på låtsas", contact="webb@example.com")
    await settled(reporting)
    return reporting


async def page(reporting: Running, path: str, **headers: str) -> str:
    answer = await reporting.client.get(path, headers={"accept-language": "en", **headers})
    assert answer.status_code == 200, (path, answer.text)
    return answer.text


async def test_what_the_pages_say(reporting: Running) -> None:
    await _areas(reporting)
    await _from_an_event_to_the_figures_and_back(reporting)
    await _what_is_measured(reporting)
    statement = await page(reporting, "/accessibility")
    assert "2018:1937" in statement
    assert "mailto:webb@example.com" in statement
    assert "digg.se/tdosanmalan" in statement
    assert 'href="/accessibility"' in await page(reporting, "/")


async def _areas(reporting: Running) -> None:
    text = await page(reporting, "/areas?period=2019")
    assert [text.index(name) for name in ("Råslätt", "Öxnehaga", "/areas/unknown")] == sorted(
        text.index(name) for name in ("Råslätt", "Öxnehaga", "/areas/unknown")
    )
    text = await page(reporting, "/areas/oxnehaga?period=2019")
    assert "Housing introduction for newcomers" in text
    assert f"/goals/{GOAL}?period=2019&amp;area=oxnehaga" in text
    assert "Who tells of it" in text
    assert text.count("Called Öxnehaga") == 1, "its regions changed, not its name"
    assert "nobody has defined" in await page(reporting, "/areas/unknown?period=2019")
    assert (await reporting.client.get("/areas/nowhere")).status_code == 404
    table = await page(reporting, "/compare?period=2019")
    assert "/areas/raslatt?period=2019" in table
    years = await page(reporting, f"/compare?goal={GOAL}")
    assert "2019</a></th>" in years
    assert "2020</a></th>" in years
    assert (await reporting.client.get("/compare?goal=nothing")).status_code == 404


async def _from_an_event_to_the_figures_and_back(reporting: Running) -> None:
    """A figure → its events → a subject → the figures it touches: two clicks each way."""
    listed = await page(reporting, f"/goals/{GOAL}/events?period=2019&area=oxnehaga&limit=1000", **OPERATOR)
    assert "/subjects/t0" in listed
    life = await page(reporting, "/subjects/t0", **OPERATOR)
    assert "It counts in" in life
    assert f"/goals/{GOAL}?period=2019&amp;area=oxnehaga" in life
    assert "<b>+1 in the denominator</b>" in life
    assert "<b>+1 in the numerator</b>" in life
    assert "tenant_ref" not in life
    assert "<b>-1 in the numerator</b>" in await page(reporting, "/subjects/t1", **OPERATOR)
    assert "It counts in" not in await page(reporting, "/subjects/t5", **OPERATOR)
    strange = await page(reporting, "/subjects/t200", **OPERATOR)
    assert f"/goals/{GOAL}?period=2019&amp;area=unknown" in strange
    assert "/goals/page-helpful?period=" in await page(reporting, "/subjects/%2Fareas%2Foxnehaga", **OPERATOR)
    assert "/goals/systems-connected?period=" in await page(reporting, "/subjects/made-up", **OPERATOR)
    assert (await reporting.client.get("/subjects/t0")).status_code == 401
    assert (await reporting.client.get("/subjects/nobody", headers=OPERATOR)).status_code == 404


async def test_a_subject_with_very_many_events_is_told_of_by_the_latest(
    reporting: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(life, "EVENTS_AT_MOST", 1)
    text = await page(reporting, "/subjects/t200", **OPERATOR)
    assert "There are 2 events about it. The latest 1 are shown, without what each did." in text
    assert "HousingIntroductionOffered" in text
    assert "TenantMovedIn" not in text
    assert "Changes no goal" not in text


async def _what_is_measured(reporting: Running) -> None:
    text = await page(reporting, "/status?period=2019")
    row = text[text.index(f"/goals/{GOAL}?period=2019") :]
    assert row.index("Measured") < row.index("Next update") if "Next update" in row else row.index("Measured") > 0
    assert "No data yet" in text
    later = await page(reporting, "/status?period=2020")
    assert "Measured" in later[later.index(f"/goals/{GOAL}?period=2020") :][:900]
    assert "&lt;&nbsp;5<small>events</small>" in await page(reporting, "/quality")
    definition = await page(reporting, f"/definitions/{GOAL}")
    assert "transfers within the company too" in definition
    assert "se.vatterhem.MoveInCancelled.v1" in definition
    assert "Version 2" in definition
    assert f"/definitions/{GOAL}" in await page(reporting, "/definitions")


async def test_the_public_is_shown_what_is_published_and_nothing_live(
    start: Start, landlord: Landlord, settled: Settled, bus: Bus, clock: MovableClock
) -> None:
    clock.set(datetime(2020, 5, 1, 12, 2, tzinfo=UTC))
    await landlord.area()
    await landlord.households(43, of=47)
    reporting = await start(service, public_figures="published")
    await settled(reporting)
    paths = ("/areas", "/areas/oxnehaga", "/compare", f"/compare?goal={GOAL}", "/status", "/definitions", "/about")
    for path in paths:
        text = await page(reporting, path)
        assert not re.search(r">[^<]*\b(47|91\.5)\b", text), path
    assert "47 households" in await page(reporting, "/areas/oxnehaga", **OPERATOR)
    for path in (f"/goals/{GOAL}/events", "/quality"):
        assert (await reporting.client.get(path)).status_code == 401


@pytest.fixture
async def browser_page(reporting: Running) -> AsyncIterator[Page]:
    """A page whose requests are answered by the service itself."""
    async with launch() as browser:
        context = await browser.new_context(locale="sv-SE")
        await answer_by(context, reporting.client)
        yield await context.new_page()


@pytest.mark.timeout(180)
async def test_every_page_at_every_size(browser_page: Page) -> None:
    problems: list[str] = []
    browser_page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    for scheme, width in LOOKS:
        await browser_page.emulate_media(color_scheme=scheme)
        await browser_page.set_viewport_size({"width": width, "height": 900})
        for name, address in PAGES.items():
            await browser_page.set_extra_http_headers(OPERATOR if name in AS_STAFF else {})
            await browser_page.goto(f"{DOOR}{address}")
            problems += await faults(browser_page, name)
    assert problems == []
