"""The page of what is set aside from Kafka, in a real browser: Swedish, phone and desktop, light and dark, and its buttons."""

from collections.abc import Callable
from typing import Any

from services.chassis.testkit import OPERATOR, Bus, Running
from tests.browser import DESKTOP, DOOR, MARKS, PHONE, SCHEMES, answer_by, faults, launch
from tests.gateway.inbound_kit import binary, parked, register, topic_made

pytestmark = MARKS


async def test_an_operator_decides_on_the_page(
    gateway: Running, bus: Bus, move_in: Callable[..., dict[str, Any]]
) -> None:
    await register(gateway)
    topic = await topic_made(gateway, bus)
    wrong = [
        move_in("t-1", data={"moved_in_on": "yesterday", "contact_rule": "maybe"}),
        move_in("t-2", source="urn:test:a-source-with-a-long-name-that-is-somebody-else-s-altogether"),
        move_in("t-3", id="row-3", data={"area_id": None}),
    ]
    for event in wrong:
        value, headers = binary(event)
        await bus.raw(topic, value, headers=headers)
    await bus.raw(topic, b"\xff", headers=[])
    await parked(gateway, count=4)
    problems: list[str] = []
    async with launch() as browser:
        context = await browser.new_context(locale="sv-SE", extra_http_headers=OPERATOR)
        await answer_by(context, gateway.client)
        shown = await context.new_page()
        shown.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        for scheme, width in zip(SCHEMES, (DESKTOP, PHONE), strict=True):
            await shown.emulate_media(color_scheme=scheme)
            await shown.set_viewport_size({"width": width, "height": 900})
            await shown.goto(f"{DOOR}/publishers/housing")
            await shown.click("text=Undanlagt från Kafka")
            problems += await faults(shown, "inbound")
        await shown.check("tr:has-text('row-3') >> input")
        await shown.click("text=Kasta de valda")
        assert "Kastade: 1." in await shown.inner_text("main")
        await shown.click("text=Spela upp alla")
        assert "Insläppta: 0. Avvisade igen: 3." in await shown.inner_text("main")
        problems += await faults(shown, "inbound-decided")
    assert not problems
