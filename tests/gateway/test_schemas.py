"""What can be published, for machines and for people."""

import shlex
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import jsonschema
from babel.messages.extract import extract_from_dir

from schemas.catalogue import MODELS
from schemas.generate import example
from schemas.tenancy import TenantMovedIn
from services.chassis.testkit import Running
from services.gateway.app import service
from services.gateway.routes.examples import curl

Post = Callable[..., Awaitable[httpx2.Response]]
BROWSER = {"Accept": "text/html,application/xhtml+xml", "Accept-Language": "sv"}


async def test_the_list_leads_to_a_schema_for_every_type(gateway: Running) -> None:
    listed = (await gateway.client.get("/schemas")).json()
    assert {entry["type"] for entry in listed} == set(MODELS)
    for entry in listed:
        answer = await gateway.client.get(entry["schema"])
        assert answer.headers["content-type"] == "application/schema+json"
        schema: dict[str, Any] = answer.json()
        jsonschema.Draft202012Validator.check_schema(schema)
        [shown] = schema["examples"]
        jsonschema.Draft202012Validator(schema).validate(shown)
        assert schema["$id"] == entry["schema"]


async def test_every_example_that_may_be_published_is_accepted_as_it_is_shown(
    gateway: Running, post: Post, make_key: Callable[..., Awaitable[str]]
) -> None:
    sources = {example(event_type)["source"] for event_type in await _published_outside(gateway)}
    key = await make_key("examples", sources=sorted(sources))
    for event_type in await _published_outside(gateway):
        command = shlex.split(curl("http://127.0.0.1:8000/", event_type).replace("\\\n", ""))
        assert command[1] == "http://127.0.0.1:8000/events"
        answer = await post(command[-1].encode(), key=key)
        assert answer.status_code == 202, (event_type, answer.text)
        assert "warnings" not in answer.json()


async def _published_outside(gateway: Running) -> list[str]:
    """The types others publish, EventWithdrawn left out: what its example withdraws was never sent here."""
    listed = (await gateway.client.get("/schemas")).json()
    return [e["type"] for e in listed if e["published_by"] == "gateway" and e["name"] != "EventWithdrawn"]


async def test_an_unknown_type_is_told_what_is_near_it(gateway: Running) -> None:
    for asked in ("TenantMovedin", "se.vatterhem.TenantMovedIn.v9", "se.vatterhem.TennantMovedIn.v1"):
        answer = await gateway.client.get(f"/schemas/{asked}")
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"
        assert TenantMovedIn.type in answer.json()["detail"]
        assert TenantMovedIn.type in answer.json()["near"]


async def test_pages_say_the_same_in_swedish(gateway: Running) -> None:
    listing = await gateway.client.get("/schemas", headers=BROWSER)
    assert (listing.status_code, listing.headers["content-language"]) == (200, "sv")
    assert "Händelsetyper" in listing.text
    assert f'href="/schemas/{TenantMovedIn.type}"' in listing.text
    one = await gateway.client.get(f"/schemas/{TenantMovedIn.type}", headers=BROWSER)
    assert one.headers["content-type"].startswith("text/html")
    for shown in (
        "tenancy.events",
        "moved_in_on",
        "any | letter_only",
        "oxnehaga",
        "curl http://127.0.0.1:8000/events",
    ):
        assert shown in one.text
    as_json = await gateway.client.get(f"/schemas/{TenantMovedIn.type}?format=json", headers=BROWSER)
    assert as_json.headers["content-type"] == "application/schema+json"
    unknown = await gateway.client.get("/schemas/TenantMovedin", headers=BROWSER)
    assert unknown.status_code == 404
    assert "Närmast" in unknown.text


async def test_the_page_on_publishing_fits_what_the_door_answers(gateway: Running) -> None:
    answer = await gateway.client.get("/events", headers=BROWSER)
    assert answer.status_code == 200
    assert "Publicera händelser" in answer.text
    for status in ("202", "207", "400", "401", "403", "409", "410", "413", "415", "422", "503"):
        assert f">{status}<" in answer.text
    assert "curl http://127.0.0.1:8000/events" in answer.text


async def test_every_text_of_the_pages_has_a_swedish_translation(gateway: Running) -> None:
    words = gateway.app.state.shell.catalogues.translations("sv")
    for message in sorted(_messages() - {"Status"}):  # the same word in both
        assert words.gettext(message) != message, message


def _messages() -> set[str]:
    methods = [("**.html", "jinja2.ext:babel_extract"), ("**.py", "python")]
    options = {"**.html": {"trimmed": "true"}}
    found = extract_from_dir(str(service.folder), methods, options, keywords={"_": None, "N_": None, "gettext": None})
    return {str(message) for _, _, message, _, _ in found}
