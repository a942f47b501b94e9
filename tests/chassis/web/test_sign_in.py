"""The printed address: it signs in once, here, for ten minutes, and only when somebody says yes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from uuid import uuid4

import asyncpg
import pytest

from services.chassis import postgres
from services.chassis.migrate import migrate
from services.chassis.testkit import with_database
from services.chassis.vault import Vault
from services.chassis.web import Permission, Role, make_sign_in_link

from .conftest import HTML, OPERATOR_TOKEN, Build, House

BEARER = {"Authorization": f"Bearer {OPERATOR_TOKEN}"}
ELSEWHERE = "http://hem.vatterhem.example:8000"


@pytest.fixture(scope="module")
def database(postgres_dsn: str) -> str:
    """A database with the chassis' tables."""
    name = f"shell_{uuid4().hex[:8]}"

    async def create() -> None:
        admin = await asyncpg.connect(postgres_dsn)
        await admin.execute(f'create database "{name}"')
        await admin.close()

    asyncio.run(create())
    dsn = with_database(postgres_dsn, name)
    migrate(dsn, Path("/nonexistent"))
    return dsn


@pytest.fixture
async def house(build: Build, database: str) -> AsyncIterator[House]:
    async with _with_database(build(), database) as house:
        yield house


@pytest.fixture
async def linked(build: Build, database: str) -> AsyncIterator[House]:
    """A house behind a door of its own, where the operator's addresses work."""
    async with _with_database(build(loopback=False, sign_in_links=True, public_url=ELSEWHERE), database) as house:
        yield house


@asynccontextmanager
async def _with_database(made: House, database: str) -> AsyncIterator[House]:
    db = await postgres.connect(
        database,
        clock=made.clock,
        vault=Vault.from_base64(made.settings.master_key.get_secret_value()),
        service="shelltest",
    )
    made.app.state.ctx = SimpleNamespace(db=db)
    yield made
    await postgres.close(db)


def _code(house: House, service: str = "shelltest") -> str:
    link = make_sign_in_link(house.settings, service=service, roles=Role, now=house.clock.now())
    start = f"{house.settings.public_url}/sign-in?code="
    assert link.startswith(start)
    return link.removeprefix(start)


async def test_the_operator_gets_a_link_that_opens_every_staff_page(house: House) -> None:
    async with house.visit(headers=BEARER) as hem:
        url = (await hem.post("/ops/shelltest/sign-in-link")).json()["url"]
    async with house.visit() as browser:
        asked = await browser.get(url, headers=HTML)
        assert asked.status_code == 200
        assert "set-cookie" not in asked.headers
        code = url.partition("code=")[2]
        assert f'value="{code}"' in asked.text
        done = await browser.post("/sign-in", data={"code": code})
        assert (done.status_code, done.headers["location"]) == (303, "/")
        cookie = done.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert "Max-Age=43200" in cookie
        opened = {p for p in Permission if (await browser.get(f"/{p}")).status_code == 200}
        assert opened == set(Permission) - {Permission.PUBLISH}
        out = await browser.post("/sign-out")
        assert out.status_code == 303
        assert (await browser.get("/households")).status_code == 401


async def test_a_preview_does_not_spend_the_code_and_a_second_yes_is_refused(house: House) -> None:
    code = _code(house)
    async with house.visit() as browser:
        for _ in range(3):
            assert (await browser.get("/sign-in", params={"code": code})).status_code == 200
        assert (await browser.post("/sign-in", data={"code": code})).status_code == 303
    async with house.visit() as thief:
        again = await thief.post("/sign-in", data={"code": code}, headers=HTML)
        assert again.status_code == 410
        assert "gäller inte längre" in again.text
        assert "set-cookie" not in again.headers


async def test_of_many_at_the_same_time_one_gets_in(house: House) -> None:
    code = _code(house)
    async with house.visit() as browser:
        answers = await asyncio.gather(*(browser.post("/sign-in", data={"code": code}) for _ in range(8)))
    assert sorted(a.status_code for a in answers) == [303] + [410] * 7


async def test_a_code_spent_stays_spent_and_signing_in_prunes_nothing(house: House) -> None:
    spent = _code(house)
    async with house.visit() as browser:
        await browser.post("/sign-in", data={"code": spent})
        house.clock.move(timedelta(minutes=9))
        await browser.post("/sign-in", data={"code": _code(house)})
        assert (await browser.post("/sign-in", data={"code": spent})).status_code == 410
        house.clock.move(timedelta(days=2))
        await browser.post("/sign-in", data={"code": _code(house)})
    db = house.app.state.ctx.db
    assert await db.pool.fetchval("select count(*) from used_sign_in where used_at < $1", house.clock.now()) >= 2


@pytest.mark.parametrize("spoilt", ["old", "other service", "forged", "session", "empty"])
async def test_a_code_that_is_not_good_signs_nobody_in(house: House, spoilt: str) -> None:
    code = _code(house, "gateway" if spoilt == "other service" else "shelltest")
    match spoilt:
        case "old":
            house.clock.move(timedelta(minutes=10, seconds=1))
        case "forged":
            code = code[:-2] + ("AA" if not code.endswith("AA") else "BB")
        case "session":
            async with house.visit(roles=("operator",)) as other:
                code = other.cookies["hem_session"]
        case "empty":
            code = " "
        case _:
            assert spoilt == "other service"
    async with house.visit() as browser:
        asked = await browser.get("/sign-in", params={"code": code})
        answer = await browser.post("/sign-in", data={"code": code})
    assert 'name="code"' not in asked.text
    assert answer.status_code == 410
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("visit", [{"address": "192.0.2.7"}, {"door": "http://rebound.example:8000"}])
async def test_from_elsewhere_the_address_does_not_work(house: House, visit: dict[str, str]) -> None:
    code = _code(house)
    async with house.visit(**visit) as elsewhere:  # type: ignore[arg-type]
        assert (await elsewhere.get("/sign-in", params={"code": code})).status_code == 403
        assert (await elsewhere.post("/sign-in", data={"code": code})).status_code == 403
        assert (await elsewhere.post("/ops/shelltest/sign-in-link", headers=BEARER)).status_code == 403
    async with house.visit() as browser:
        assert (await browser.post("/sign-in", data={"code": code})).status_code == 303


async def test_only_the_operator_gets_a_link(house: House) -> None:
    async with house.visit(roles=("coordinator",)) as client:
        assert (await client.post("/ops/shelltest/sign-in-link")).status_code == 403
    async with house.visit() as client:
        assert (await client.post("/ops/shelltest/sign-in-link")).status_code == 401


async def test_over_https_the_cookie_stays_there(house: House) -> None:
    async with house.visit(door="https://localhost:8000") as browser:
        done = await browser.post("/sign-in", data={"code": _code(house)})
    assert "Secure" in done.headers["set-cookie"]


async def test_where_links_are_switched_on_one_works_once_from_anywhere(linked: House) -> None:
    async with linked.visit(door=ELSEWHERE, address="192.0.2.7", headers=BEARER) as hem:
        url = (await hem.post("/ops/shelltest/sign-in-link?role=reader&role=coordinator")).json()["url"]
    assert url.startswith(f"{ELSEWHERE}/sign-in?code=")
    code = url.partition("code=")[2]
    async with linked.visit(door=ELSEWHERE, address="192.0.2.8") as browser:
        assert f'value="{code}"' in (await browser.get(url, headers=HTML)).text
        done = await browser.post("/sign-in", data={"code": code})
        assert done.status_code == 303
        assert "Secure" not in done.headers["set-cookie"]
        assert (await browser.get("/households")).status_code == 200
        assert (await browser.post("/sign-in", data={"code": code})).status_code == 410


async def test_who_runs_hem_elsewhere_sees_no_households_without_asking(linked: House) -> None:
    async with linked.visit(door=ELSEWHERE, headers=BEARER) as hem:
        url = (await hem.post("/ops/shelltest/sign-in-link")).json()["url"]
        assert (await hem.post("/ops/shelltest/sign-in-link?role=mayor")).status_code == 422
    async with linked.visit(door=ELSEWHERE) as browser:
        assert (await browser.post("/sign-in", data={"code": url.partition("code=")[2]})).status_code == 303
        assert (await browser.get("/figures")).status_code == 200
        assert (await browser.get("/households")).status_code == 403


async def test_a_switched_on_link_still_ends_after_ten_minutes_and_needs_the_operator(linked: House) -> None:
    code = _code(linked)
    linked.clock.move(timedelta(minutes=10, seconds=1))
    async with linked.visit(door=ELSEWHERE, address="192.0.2.7") as browser:
        assert (await browser.post("/sign-in", data={"code": code})).status_code == 410
        assert (await browser.post("/ops/shelltest/sign-in-link")).status_code == 401


async def test_switched_on_links_open_no_figures_to_strangers(linked: House) -> None:
    async with linked.visit() as browser:
        assert (await browser.get("/figures")).status_code == 401
    async with linked.visit(door=ELSEWHERE, address="192.0.2.7") as browser:
        assert (await browser.get("/figures")).status_code == 401
        page = (await browser.get("/sign-in?lang=en", headers=HTML)).text
    assert "with the command hem sign-in" in page
    assert "without signing in" not in page


async def test_where_no_way_is_switched_on_the_page_says_which_setting_does(build: Build) -> None:
    async with build(loopback=False).visit() as visitor:
        page = (await visitor.get("/sign-in?lang=en", headers=HTML)).text
        refused = await visitor.post("/ops/shelltest/sign-in-link", headers=BEARER)
    assert "HEM_SIGN_IN_LINKS" in page
    assert refused.status_code == 403
    assert "HEM_SIGN_IN_LINKS" in refused.text
