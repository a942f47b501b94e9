"""The list of households to reach by hand, as staff meet it."""

import re
from datetime import date, timedelta
from urllib.parse import quote

import httpx2
import pytest

from schemas.governance import AreaDefined
from schemas.notifications import HousingIntroductionOffered
from services.chassis.clock import local_date
from services.chassis.testkit import OPERATOR, Bus, MovableClock, Running
from services.chassis.web import Role, make_sign_in_link
from tests.notifications.town import (
    MOVED_IN,
    Household,
    MailServer,
    Notify,
    State,
    becomes,
    programme,
    settled,
    state_of,
)


@pytest.fixture
async def running(notify: Notify, bus: Bus) -> Running:
    running = await notify()
    for area, name in (("oxnehaga", "Öxnehaga"), ("raslatt", "Råslätt")):
        await bus.publish(AreaDefined(area_id=area, name=name, municipality_code="0680", valid_from=MOVED_IN))
        await bus.publish(programme(area))
    before = AreaDefined(area_id="oxnehaga", name="Oxnehaga", municipality_code="0680", valid_from=date(2010, 1, 1))
    await bus.publish(before)  # told late, and about then
    return running


async def sign_in(running: Running) -> httpx2.AsyncClient:
    link = make_sign_in_link(
        running.settings, service="notifications", roles=[Role.AREA_STAFF], now=running.ctx.clock.now()
    )
    code = link.partition("code=")[2]
    answer = await running.client.post("/sign-in", data={"code": code})
    assert answer.status_code == 303, answer.text
    return running.client


async def to_do(running: Running, bus: Bus, *homes: Household) -> None:
    for home in homes:
        await bus.publish(home.moved_in(contact_rule="letter_only"))
    for home in homes:
        await becomes(running, home.tenancy, State(todo="open"))


@pytest.mark.parametrize("headers", [{}, OPERATOR], ids=["anybody", "operator"])
async def test_only_those_who_work_with_households_see_them(running: Running, headers: dict[str, str]) -> None:
    for method, path in (("GET", "/todo"), ("GET", "/todo/x/offered"), ("POST", "/todo/x/offered")):
        answer = await running.client.request(method, path, headers=headers)
        assert answer.status_code in {401, 403}, (method, path)


async def test_an_empty_list_says_why(running: Running) -> None:
    client = await sign_in(running)
    answer = await client.get("/todo")
    assert answer.status_code == 200
    assert "Inga hushåll att nå personligen" in answer.text


async def test_a_household_is_listed_without_a_reason_and_marked_once(
    running: Running, bus: Bus, mail_server: MailServer, clock: MovableClock
) -> None:
    client = await sign_in(running)
    home, unreachable = Household(), Household()
    await to_do(running, bus, home)
    await bus.publish(unreachable.moved_in())
    await becomes(running, unreachable.tenancy, State(todo="open"))
    listed = (await client.get("/todo")).text
    rows = re.findall(r'<li class="goal">.*?</li>', listed, re.DOTALL)
    assert len(rows) == 2
    bare = [row.replace(home.tenancy, "T").replace(unreachable.tenancy, "T") for row in rows]
    assert bare[0] == bare[1], "by letter only and no contact look alike"
    assert "Öxnehaga" in rows[0]
    assert home.ref not in listed

    asked = await client.get(f"/todo/{home.tenancy}/offered")
    assert asked.status_code == 200
    assert await state_of(running, home.tenancy) == State(todo="open")
    once, twice = [await client.post(f"/todo/{home.tenancy}/offered") for _ in range(2)]
    assert once.status_code == twice.status_code == 303
    back = await client.get(twice.headers["location"])
    done = "är markerat: bointroduktion erbjuden."
    assert f"Hushållet med hyreskontrakt {home.tenancy} {done}" in back.text
    assert done not in (await client.get("/todo")).text
    asked_again = (await client.get(f"/todo/{home.tenancy}/offered")).text
    assert re.findall("<title>(.*?)</title>", asked_again, re.DOTALL)[0].startswith("Bointroduktionen har erbjudits")
    [offered] = await bus.expect(HousingIntroductionOffered)
    assert (offered.data.channel, offered.data.area_id) == ("by_hand", "oxnehaga")
    assert offered.data.offered_on == local_date(clock.now())

    await bus.publish(home.moved_in())  # allowed to be written to after all: but offered is offered
    await bus.publish(home.contact())
    await settled(running, bus)
    assert len(await bus.events(HousingIntroductionOffered)) == 1
    assert not mail_server.mails
    assert home.tenancy in (await client.get("/todo?show=offered")).text


async def test_filters_are_in_the_address_and_late_ones_say_so(running: Running, bus: Bus, clock: MovableClock) -> None:
    client = await sign_in(running)
    here, there = Household(), Household(area="raslatt")
    await to_do(running, bus, here, there)
    clock.move(timedelta(days=31))
    client = await sign_in(running)
    page = (await client.get("/todo?area=raslatt")).text
    assert there.tenancy in page
    assert here.tenancy not in page
    assert "Försenat" in page
    marked = await client.post(f"/todo/{there.tenancy}/offered?area=raslatt")
    assert marked.headers["location"] == f"/todo?area=raslatt&offered={there.tenancy}"


async def test_a_long_list_is_read_page_by_page(running: Running, bus: Bus) -> None:
    client = await sign_in(running)
    homes = [Household() for _ in range(101)]
    await to_do(running, bus, *homes)
    first, second = (await client.get("/todo")).text, (await client.get("/todo?page=2")).text
    seen = [home for home in homes if f">{home.tenancy}<" in first], [h for h in homes if f">{h.tenancy}<" in second]
    assert [len(s) for s in seen] == [100, 1]
    assert 'href="/todo?page=2"' in first
    assert 'href="/todo"' in second


async def test_odd_tenancies_and_odd_addresses(running: Running, bus: Bus) -> None:
    client = await sign_in(running)
    odd = Household()
    said = odd.moved_in(contact_rule="letter_only").model_copy(update={"tenancy_id": 'a/b?c=<i>&"é'})
    await bus.publish(said)
    await becomes(running, said.tenancy_id, State(todo="open"))
    page = (await client.get("/todo")).text
    assert "<i>" not in page
    address = f"/todo/{quote(said.tenancy_id, safe='')}/offered"
    assert address.replace("&", "&amp;") in page
    assert (await client.post(address)).status_code == 303
    for path in ("/todo?page=0", "/todo?page=x", "/todo?show=closed", "/todo/nobody/offered"):
        assert (await client.get(path)).status_code in {404, 422}, path
    for path in ("/todo?area=%00", "/todo?offered=a%00b", "/todo/a%00b/offered"):
        assert (await client.get(path)).status_code == 400, path
    assert (await client.post("/todo/nobody/offered")).status_code == 404
    assert (await client.post(f"/todo/nobody/offered?area={'x' * 129}")).status_code == 422
