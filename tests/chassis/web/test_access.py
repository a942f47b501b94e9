"""Who gets in where: every permission against every kind of visitor, and routes that forgot to say."""

from datetime import timedelta

import pytest
from fastapi import Depends, FastAPI, Request, Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from services.chassis.web import Permission, Role, Router, requires, undeclared
from services.chassis.web.access import GRANTS
from services.chassis.web.router import UndeclaredRoutes, refuse_undeclared

from .conftest import HTML, OPERATOR_TOKEN, Build, House

BEARER = {"Authorization": f"Bearer {OPERATOR_TOKEN}"}


async def _open(house: House, **visit: object) -> set[Permission]:
    async with house.visit(**visit) as client:  # type: ignore[arg-type]
        return {p for p in Permission if (await client.get(f"/{p}")).status_code == 200}


async def test_anonymous_on_this_machine_reads_figures_and_nothing_else(house: House) -> None:
    assert await _open(house) == {Permission.PUBLIC, Permission.FIGURES}


@pytest.mark.parametrize(
    "visit",
    [
        {"address": "192.0.2.7"},  # another machine
        {"door": "http://rebound.example:8000"},  # this machine under another site's name
        {"address": "not-an-address"},
    ],
)
async def test_anonymous_from_elsewhere_reads_only_what_is_public(house: House, visit: dict[str, str]) -> None:
    assert await _open(house, **visit) == {Permission.PUBLIC}


async def test_without_loopback_mode_being_on_this_machine_opens_nothing(build: Build) -> None:
    assert await _open(build(loopback=False)) == {Permission.PUBLIC}


@pytest.mark.parametrize("role", list(Role))
async def test_a_role_opens_what_the_table_grants(build: Build, role: Role) -> None:
    house = build(loopback=False)
    assert await _open(house, roles=(role.value,)) == GRANTS[role] | {Permission.PUBLIC}


async def test_only_those_who_meet_households_see_them() -> None:
    assert {r for r, grants in GRANTS.items() if Permission.HOUSEHOLDS in grants} == {Role.AREA_STAFF, Role.COORDINATOR}


async def test_the_operators_token_opens_what_operators_may(build: Build) -> None:
    house = build(loopback=False)
    assert await _open(house, headers=BEARER) == GRANTS[Role.OPERATOR] | {Permission.PUBLIC}


@pytest.mark.parametrize("token", [OPERATOR_TOKEN[:-1], OPERATOR_TOKEN + "x", "x", "é"])
async def test_another_token_is_at_most_a_publishers(build: Build, token: str) -> None:
    house = build(loopback=False)
    async with house.visit() as client:
        answers = {
            p: (await client.get(f"/{p}", headers={b"Authorization": f"Bearer {token}".encode()})).status_code
            for p in Permission
        }
    assert answers == {p: 200 if p in {Permission.PUBLIC, Permission.PUBLISH} else 401 for p in Permission}


async def test_a_forged_an_ended_and_a_strange_session_open_nothing(build: Build) -> None:
    house = build(loopback=False)
    other = build(loopback=False, session_secret="another-secret-of-the-tests-0123456789")
    async with other.visit(roles=("operator",)) as stranger:
        forged = dict(stranger.cookies)
    for cookies in (forged, {"hem_session": "x"}, {"hem_session": ""}, {"hem_session": forged["hem_session"][:-3]}):
        async with house.visit(headers={"Cookie": f"hem_session={cookies['hem_session']}"}) as client:
            assert (await client.get("/figures")).status_code == 401
    assert await _open(house, roles=("no_such_role",)) == {Permission.PUBLIC}


async def test_a_session_ends_after_twelve_hours(build: Build) -> None:
    house = build(loopback=False)
    async with house.visit(roles=("reader",)) as client:
        house.clock.move(_hours(11.99))
        assert (await client.get("/figures")).status_code == 200
        house.clock.move(_hours(0.02))
        assert (await client.get("/figures")).status_code == 401


async def test_a_machine_that_is_refused_gets_a_problem_and_a_person_a_page(house: House) -> None:
    async with house.visit() as client:
        machine = await client.get("/operate")
        people = [
            await client.get(page, headers={**HTML, "Accept-Language": "sv"}) for page in ("/households", "/operate")
        ]
    assert machine.status_code == 401
    assert machine.headers["content-type"] == "application/problem+json"
    assert machine.headers["www-authenticate"] == "Bearer"
    assert machine.json()["type"] == "urn:hem:problem:no-key"
    for person in people:
        assert person.status_code == 401
        assert "Logga in för att fortsätta" in person.text
        assert 'href="/sign-in"' in person.text


async def test_signed_in_without_the_role_is_403(house: House) -> None:
    async with house.visit(roles=("reader",)) as client:
        answer = await client.get("/households", headers=HTML)
    assert answer.status_code == 403
    assert "din roll öppnar inte den här sidan" in answer.text


async def test_the_header_shows_only_places_that_open(build: Build) -> None:
    house = build(templates={"own.html": '{% extends "base.html" %}'})
    async with house.visit() as client:
        anonymous = (await client.get("/page")).text
    async with house.visit(roles=("area_staff",)) as client:
        staff = (await client.get("/page")).text
    assert 'href="/todo"' not in anonymous
    assert 'href="/mail"' not in anonymous
    assert 'href="/todo"' in staff
    assert 'href="/mail"' in staff


def test_a_route_without_a_permission_cannot_be_written() -> None:
    router = Router()
    with pytest.raises(TypeError, match="permission"):
        router.get("/forgotten")  # type: ignore[call-arg]


def test_an_app_with_undeclared_routes_is_refused(house: House) -> None:
    assert undeclared(house.app) == []

    async def forgotten() -> None: ...

    async def bare(_request: Request) -> Response:
        return Response()

    house.app.get("/plain")(forgotten)
    house.app.add_route("/bare", bare)
    house.app.routes.append(Mount("/files", StaticFiles(directory="/", check_dir=False)))
    house.app.websocket("/socket")(forgotten)
    house.app.get("/declared", dependencies=[Depends(requires(Permission.OPERATE))])(forgotten)
    assert len(undeclared(house.app)) == 4
    assert "GET /plain" in undeclared(house.app)
    with pytest.raises(UndeclaredRoutes, match="GET /plain"):
        refuse_undeclared(house.app)


def test_fastapis_own_pages_are_undeclared() -> None:
    assert "/openapi.json" in " ".join(undeclared(FastAPI()))


def _hours(hours: float) -> timedelta:
    return timedelta(hours=hours)
