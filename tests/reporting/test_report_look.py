"""The yearly report's pages in a real browser: phone and desktop, light and dark, Swedish; axe finds nothing."""

from datetime import UTC, datetime

import pytest

from services.chassis.testkit import OPERATOR, Bus, MovableClock, Start
from services.reporting.app import service
from tests.browser import DESKTOP, DOOR, MARKS, PHONE, Scheme, answer_by, faults, launch
from tests.reporting.landlord import Landlord, Settled
from tests.reporting.yearly import DRAFT, REPORT, TEXT, a_year, hand_over, write

pytestmark = MARKS
SMALL = {"yearly": "/yearly", "yearly-text": TEXT, "yearly-publish": f"{DRAFT}/publish"}
SEEN: list[tuple[Scheme, int, dict[str, str]]] = [
    ("light", DESKTOP, {**SMALL, "yearly-file": f"{REPORT}/sv.html"}),
    ("dark", PHONE, {**SMALL, "yearly-draft": DRAFT}),
]
"""The long ones have forty goals, and axe takes ten seconds for one: each is seen once."""


@pytest.mark.timeout(180)
async def test_every_page_at_every_size(
    start: Start, landlord: Landlord, settled: Settled, bus: Bus, clock: MovableClock
) -> None:
    clock.set(datetime(2020, 3, 1, 12, tzinfo=UTC))
    await a_year(bus, landlord)
    reporting = await start(service, company="Vätterhem", made_up=True)
    await settled(reporting)
    await write(reporting, "Vi når nästan alla.\n\nResten ringer vi. 😀", en="We reach nearly everybody.")
    await hand_over(reporting)
    problems: list[str] = []
    async with launch() as browser:
        context = await browser.new_context(locale="sv-SE", extra_http_headers=OPERATOR)
        await answer_by(context, reporting.client)
        shown = await context.new_page()
        shown.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        for scheme, width, pages in SEEN:
            await shown.emulate_media(color_scheme=scheme)
            await shown.set_viewport_size({"width": width, "height": 900})
            for name, address in pages.items():
                await shown.goto(f"{DOOR}{address}")
                problems += await faults(shown, name)
    assert problems == []
