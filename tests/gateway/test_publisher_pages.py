"""The pages of publishers, as an operator works with them in a browser, and with them alone."""

import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from services.chassis.testkit import OPERATOR, MovableClock, Running
from tests.browser import DESKTOP, DOOR, MARKS, PHONE, SCHEMES, answer_by, faults, launch

Json = dict[str, Any]
Make = Callable[..., Json]
MakeKey = Callable[..., Awaitable[str]]
Post = Callable[..., Awaitable[httpx2.Response]]
PAGE = OPERATOR | {"accept": "text/html", "accept-language": "sv"}
FORM = {
    "publisher": "housing", "owner": "Förvaltningen, påhittad", "contact": "verksamhetssystem@example.se",
    "sources": "urn:test:housing\nurn:test:second", "every_type": "yes", "interval": "1", "unit": "days", "rate_limit": "",
}  # fmt: skip


async def test_an_operator_registers_hands_out_a_key_and_retires_on_the_page(
    gateway: Running, post: Post, move_in: Make, clock: MovableClock
) -> None:
    async def submit(path: str, **form: str) -> httpx2.Response:
        return await gateway.client.post(f"/publishers/{path}", data=form, headers=PAGE)

    wrong = await submit("register", **FORM | {"publisher": "Bostäder AB", "contact": "ingen", "interval": "många"})
    assert wrong.status_code == 422
    for typed in ("Bostäder AB", "ingen", "många", "Förvaltningen, påhittad", 'aria-invalid="true"'):
        assert typed in wrong.text
    made = await submit("register", **FORM | {"publisher": "tenancies", "sources": "urn:test:tenancies"})
    assert (made.status_code, made.headers["location"]) == (303, "/publishers/tenancies")
    assert (await submit("register", **FORM | {"publisher": "tenancies"})).status_code == 422

    shown = await submit("tenancies/keys", kind="live")
    [key] = re.findall(r"hem_tenancies_[\w-]{43}", shown.text)
    assert shown.headers["cache-control"] == "no-store"
    assert key not in (await gateway.client.get("/publishers/tenancies", headers=PAGE)).text
    refused = move_in("t-2", source="urn:test:tenancies", id="amina-testsson", data={"contact_rule": "Amina"})
    await post([move_in("t-1", source="urn:test:tenancies"), refused], key=key)
    text = (await gateway.client.get("/publishers/tenancies", headers=PAGE)).text
    assert "Den följer inte sitt schema" in text
    assert "data.contact_rule" in text
    assert "Amina" not in text

    number = re.findall(r'name="id" value="(\d+)"', text)[0]
    again = await submit("tenancies/keys/rotate", id=number, days="7")
    [fresh] = re.findall(r"hem_tenancies_[\w-]{43}", again.text)
    assert "upphör" in again.text
    assert (await submit("tenancies/keys/rotate", id="999", days="7")).status_code == 409
    assert (await submit("tenancies/keys/revoke", id=number)).status_code == 303
    assert (await post(move_in("t-3", source="urn:test:tenancies"), key=key)).status_code == 401
    assert (await post(move_in("t-3", source="urn:test:tenancies"), key=fresh)).status_code == 202

    clock.move(timedelta(days=2))
    assert "1 avsändare har varit tyst" in (await gateway.client.get("/publishers", headers=PAGE)).text
    changed = await submit("tenancies/change", **FORM | {"sources": "", "interval": "", "owner": "En annan enhet"})
    assert changed.status_code == 303
    assert "En annan enhet" in (await gateway.client.get("/publishers", headers=PAGE)).text
    assert (await submit("tenancies/retire")).status_code == 303
    assert (await post(move_in("t-4", source="urn:test:tenancies"), key=fresh)).status_code == 401


async def test_the_pages_are_the_operators_and_posts_come_from_them(gateway: Running, key: str) -> None:
    for path in ("/publishers", "/publishers/register", "/publishers/housing", "/publishers/housing/retire"):
        assert (await gateway.client.get(path)).status_code == 401
        assert (await gateway.client.get(path, headers={"authorization": f"Bearer {key}"})).status_code == 401
        assert (await gateway.client.get(path, headers=PAGE)).status_code == 200
    elsewhere = PAGE | {"origin": "https://elsewhere.example", "sec-fetch-site": "cross-site"}
    answer = await gateway.client.post("/publishers/housing/keys", data={"kind": "live"}, headers=elsewhere)
    assert answer.status_code == 403
    for path in ("nobody", "nobody/change", "nobody/retire"):
        assert (await gateway.client.get(f"/publishers/{path}", headers=PAGE)).status_code == 404


@pytest.mark.parametrize("_", [pytest.param(None, marks=MARKS)])
async def test_every_page_at_every_size(
    *, _: None, gateway: Running, post: Post, make_key: MakeKey, move_in: Make, clock: MovableClock
) -> None:
    await gateway.client.post("/publishers/register", data=FORM | {"sources": "urn:test:housing"}, headers=PAGE)
    for number, name in enumerate(("statistics", "procurement")):
        said = FORM | {"publisher": name, "sources": f"urn:test:{name}", "interval": str(number or "")}
        await gateway.client.post("/publishers/register", data=said, headers=PAGE)
    tried = (await gateway.client.post("/publishers/housing/keys", data={"kind": "test"}, headers=PAGE)).text
    [trial] = re.findall(r"hem_test_housing_[\w-]{43}", tried)
    batch = [move_in(f"t-{n}", id=f"e-{n}") for n in range(40)]
    await post([*batch, *batch[:7], *(move_in(f"t-{n}", data={"moved_in_on": "soon"}) for n in range(50, 53))])
    await post(move_in(id="e-1", data={"area_id": "raslatt"}))
    await post(b"{")
    await post(batch[:3], key=trial)
    clock.move(timedelta(days=2))
    problems: list[str] = []
    async with launch() as browser:
        context = await browser.new_context(locale="sv-SE", extra_http_headers=OPERATOR)
        await answer_by(context, gateway.client)
        shown = await context.new_page()
        shown.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        for scheme, width in zip(SCHEMES, (DESKTOP, PHONE), strict=True):
            await shown.emulate_media(color_scheme=scheme)
            await shown.set_viewport_size({"width": width, "height": 900})
            for name in ("publishers", "publishers/housing"):
                await shown.goto(f"{DOOR}/{name}")
                problems += await faults(shown, name.replace("/", "-"))
        await shown.click("text=Gör en nyckel")
        problems += await faults(shown, "publishers-key")
        await shown.goto(f"{DOOR}/publishers/register")
        await shown.click("text=Registrera >> nth=-1")
        problems += await faults(shown, "publishers-wrong")
    assert [found for found in problems if "status of 422" not in found] == []
