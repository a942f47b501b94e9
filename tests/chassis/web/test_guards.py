"""What every answer carries, what is turned away at the door, and how trouble is told."""

import gc
import json
from collections.abc import AsyncIterator

import pytest
from starlette.requests import Request

from services.chassis.parked_routes import parked_routes
from services.chassis.web import problem
from services.chassis.web.headers import CONTENT_SECURITY_POLICY
from services.chassis.web.limits import MAX_BODY

from .conftest import DOOR, HTML, OPERATOR_TOKEN, House


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),  # a machine: it sends neither header
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Origin": DOOR}, 200),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "http://127.0.0.1:9000"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
async def test_posts_come_from_our_own_pages_or_from_machines(
    house: House, headers: dict[str, str], status: int
) -> None:
    async with house.visit(headers=headers) as client:
        assert (await client.post("/public")).status_code == status
        assert (await client.get("/public")).status_code == 200


async def test_a_machine_with_a_key_may_post(house: House) -> None:
    async with house.visit(headers={"Authorization": "Bearer a-publishers-key"}) as client:
        assert (await client.post("/publish")).status_code == 200
    async with house.visit(headers={"Authorization": f"Bearer {OPERATOR_TOKEN}"}) as client:
        assert (await client.post("/operate")).status_code == 200


async def test_a_post_from_another_site_is_told_so_in_words(house: House) -> None:
    async with house.visit(headers={"Origin": "http://evil.example", "Accept-Language": "sv"}) as client:
        person = await client.post("/public", headers=HTML)
        machine = await client.post("/public")
    assert "annan webbplats" in person.text
    assert machine.json()["status"] == 403


@pytest.mark.parametrize("path", ["/public", "/operate", "/nowhere", "/broken", "/static/hem.css", "/sign-in"])
@pytest.mark.parametrize("accept", [{}, HTML])
async def test_every_answer_carries_the_safe_headers(house: House, path: str, accept: dict[str, str]) -> None:
    async with house.visit(headers=accept) as client:
        answer = await client.get(path)
    assert answer.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert "strict-transport-security" not in answer.headers


async def test_https_is_kept(house: House) -> None:
    async with house.visit(door="https://hem.example") as client:
        assert (await client.get("/public")).headers["strict-transport-security"] == "max-age=31536000"


@pytest.mark.parametrize("path", ["/echo", "/ignore"])
async def test_a_body_over_the_limit_is_refused(house: House, path: str) -> None:
    async with house.visit() as client:
        answer = await client.post(path, content=bytes(MAX_BODY + 1))
        person = await client.post(path, content=bytes(MAX_BODY + 1), headers={**HTML, "Accept-Language": "sv"})
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:hem:problem:too-large"
    assert answer.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert person.status_code == 413
    assert "Det är för stort" in person.text


async def test_a_body_that_does_not_say_its_size_is_counted(house: House) -> None:
    async def chunks(total: int) -> AsyncIterator[bytes]:
        for _ in range(total // 65536):
            yield bytes(65536)

    async with house.visit() as client:
        within = await client.post("/echo", content=chunks(MAX_BODY))
        over = await client.post("/echo", content=chunks(MAX_BODY + 65536))
    assert within.json() == {"bytes": MAX_BODY}
    assert over.status_code == 413
    assert over.json()["type"] == "urn:hem:problem:too-large"


@pytest.mark.parametrize("length", ["-1", "x", "1e9", "²", ""])
async def test_an_unreadable_length_breaks_nothing(house: House, length: str) -> None:
    async with house.visit() as client:
        answer = await client.post("/echo", content=b"", headers={b"Content-Length": length.encode()})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status", "slug"),
    [
        ("GET", "/nowhere", 404, "not-found"),
        ("PUT", "/public", 405, "wrong-method"),
        ("GET", "/number/seven", 422, "invalid"),
        ("GET", "/broken", 500, "defect"),
    ],
)
async def test_trouble_is_told_to_machines_and_people(
    house: House, method: str, path: str, status: int, slug: str
) -> None:
    async with house.visit() as client:
        machine = await client.request(method, path)
        person = await client.request(method, path, headers={**HTML, "Accept-Language": "en"})
    assert (machine.status_code, person.status_code) == (status, status)
    assert machine.headers["content-type"] == "application/problem+json"
    body = machine.json()
    assert body["type"] == f"urn:hem:problem:{slug}"
    assert body["status"] == status
    assert body["detail"]
    assert "<h1>" in person.text
    assert "secret" not in machine.text + person.text


async def test_a_route_may_say_more_than_the_status_does(house: House) -> None:
    async with house.visit() as client:
        assert (await client.get("/goals/x")).json()["detail"] == "There is no goal x."
        assert (await client.get("/goals")).json()["detail"] != "Not Found"


@pytest.mark.parametrize("path", ["/goals/a%00b", "/goals/a%0Ab", "/goals/%C2%85", "/public?a=%00", "/page?%1Ba=b"])
async def test_an_address_with_a_control_character_is_refused(house: House, path: str) -> None:
    async with house.visit() as client:
        machine = await client.get(path)
        person = await client.get(path, headers={**HTML, "Accept-Language": "sv"})
    assert (machine.status_code, person.status_code) == (400, 400)
    assert machine.json()["type"] == "urn:hem:problem:bad-request"
    assert machine.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert "ett tecken som inte får finnas" in person.text


@pytest.mark.parametrize("path", ["/public?a=r%C3%A5sl%C3%A4tt+%FF&b=%D8%A7", "/public?%2500"])
async def test_other_characters_are_let_through(house: House, path: str) -> None:
    async with house.visit() as client:
        assert (await client.get(path)).status_code == 200


@pytest.mark.parametrize("number", ["0", "-1", 2**63, "9" * 5000])
@pytest.mark.parametrize(("method", "step"), [("GET", ""), ("POST", "/replay"), ("POST", "/discard")])
async def test_a_parked_record_is_a_number_the_database_can_hold(
    house: House, method: str, step: str, number: object
) -> None:
    house.app.include_router(parked_routes("shelltest"))
    house.app.state.ctx = None  # it is refused before anything is asked for
    async with house.visit(headers={"Authorization": f"Bearer {OPERATOR_TOKEN}"}) as client:
        answer = await client.request(method, f"/ops/shelltest/parked/{number}{step}")
    assert answer.status_code == 422
    assert answer.json()["fields"][0]["field"] == "path.parked_id"


@pytest.mark.parametrize("path", ["/public", "/operate", "/sign-in", "/number/seven", "/nowhere"])
async def test_what_can_be_got_can_be_asked_about(house: House, path: str) -> None:
    async with house.visit(headers=HTML) as client:
        got = await client.get(path)
        head = await client.head(path)
    assert head.status_code == got.status_code
    assert head.headers == got.headers


async def test_what_is_only_posted_is_not_asked_about(house: House) -> None:
    async with house.visit() as client:
        assert (await client.head("/echo")).status_code == 405


async def test_a_person_is_told_the_field_in_their_language(house: House) -> None:
    async with house.visit(headers={**HTML, "Accept-Language": "sv"}) as client:
        text = (await client.get("/number/seven")).text
        nested = (await client.post("/words", json={"who": 1})).text
        nameless = (await client.post("/words")).text
    assert "Kontrollera ”number”: det saknas, eller så går det inte att använda" in text
    assert "Input should" not in text
    assert "path." not in text
    assert "Kontrollera ”who”" in nested
    assert "Ett eller flera fält saknas" in nameless
    assert "Kontrollera" not in nameless


async def test_what_was_sent_is_not_repeated(house: House) -> None:
    async with house.visit() as client:
        answer = await client.get("/number/ada@example.org")
    assert answer.json()["fields"][0]["field"] == "path.number"
    assert "ada" not in answer.text


def test_a_problem_can_quote_a_lone_surrogate() -> None:
    answer = problem(422, "wrong-field", "Wrong field", "name is \ud800", field="name", headers={"Retry-After": "1"})
    body = json.loads(bytes(answer.body))
    assert body == {
        "type": "urn:hem:problem:wrong-field",
        "title": "Wrong field",
        "status": 422,
        "detail": "name is \ud800",
        "field": "name",
    }
    assert answer.headers["retry-after"] == "1"


@pytest.mark.parametrize("path", ["/echo", "/publish", "/operate"])
async def test_no_request_outlives_its_answer(house: House, path: str) -> None:
    """Garbage is looked for seldom (`run.serve`): a circle with a request in it would keep its body, of 8 MiB, till then."""
    sent: dict[str, dict[str, str]] = {
        "nobody": {},
        "a publisher": {"Authorization": "Bearer hem_housing_key"},
        "a forger": {"Cookie": "hem_session=eyJuYW1lIjoiYWRhIn0.forged"},
        "nonsense": {"Cookie": "hem_session=nonsense"},
    }
    async with house.visit() as client:
        await client.post(path, content=b"the first makes what is made once")
        gc.collect()
        gc.disable()
        try:
            for headers in sent.values():
                await client.post(path, content=b"a body", headers=headers)
            kept = [one for one in gc.get_objects() if type(one) is Request]
        finally:
            gc.enable()
    assert kept == []
