"""The catalogue from its users' side: browsing, searching, trying an event, and a contract's life."""

import html
import json
import re
from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any

import httpx2
import pytest

from schemas.asyncapi import document
from schemas.catalogue import MODELS, on_topic
from schemas.generate import example
from schemas.journeys import JOURNEYS, parse
from schemas.lifecycle import Deprecation
from schemas.tenancy import TenantMovedOut
from schemas.topics import TOPICS
from schemas.uses import GOALS, HISTORY
from services.chassis.testkit import OPERATOR, Running
from services.chassis.web.session import SESSION_COOKIE, seal_session
from services.gateway.domain.catalogue import draw
from services.gateway.domain.comments import MOST_OF_ONE
from services.gateway.routes import described
from services.gateway.routes.examples import python

Json = dict[str, Any]
Post = Callable[..., Awaitable[httpx2.Response]]
Read = Callable[..., Awaitable[str]]

MOVED_IN = "se.vatterhem.TenantMovedIn.v1"
MOVED_OUT = "se.vatterhem.TenantMovedOut.v1"
DRAFT = "se.vatterhem.TenantInfluenceAgreementEnded.v1"
PAGE = {"Accept": "text/html", "Accept-Language": "en", "Host": "hem.example.se"}
"""A browser that is not on the machine Hem runs on, where figures would be open to all."""


def staff(gateway: Running, *roles: str) -> dict[str, str]:
    """Headers of somebody made up who is signed in with these roles."""
    session = seal_session(gateway.ctx.settings, "made-up person", roles, gateway.ctx.clock.now())
    return {"Cookie": f"{SESSION_COOKIE}={session}"}


async def listed(gateway: Running, type_: str) -> Json:
    """The type's entry in the list for programs."""
    found: list[Json] = (await gateway.client.get("/schemas")).json()
    return next(entry for entry in found if entry["type"] == type_)


@pytest.fixture
def read(gateway: Running) -> Read:
    """`await read("/topics")`: the page as the public sees it, in English; other headers as given."""

    async def get(path: str, **headers: str) -> str:
        answer = await gateway.client.get(path, headers=PAGE | headers)
        assert answer.status_code == 200, (path, answer.status_code)
        return html.unescape(answer.text)

    return get


async def test_events_are_found_by_name_meaning_and_field_on_a_topic_or_of_an_owner(
    gateway: Running, read: Read
) -> None:
    async def found(**query: str) -> set[str]:
        return {entry["name"] for entry in (await gateway.client.get("/schemas", params=query)).json()}

    assert await found(q="bointroduktion") >= {"HousingIntroductionOffered"}
    assert await found(q="officers närpolis") == {"LocalPolicePresenceChanged"}
    assert await found(topic="tenancy.contacts") == {"TenantContactChanged", "TenantContactErased"}
    owned = {model.__name__ for name, topic in TOPICS.items() if topic.owner == "surveys" for model in on_topic(name)}
    assert await found(owner="surveys") == owned
    assert await found(q="zebra crossing") == set()
    assert "No event type has all of these words" in await read("/schemas?q=zebra+crossing")
    assert 'value="<script>"' not in (await gateway.client.get("/schemas?q=<script>", headers=PAGE)).text


async def test_swedish_readers_find_and_read_events_in_the_words_of_the_forms(gateway: Running) -> None:
    swedish = {"Accept-Language": "sv"}
    found = await gateway.client.get("/schemas", params={"q": "områdesgruppen träffats"}, headers=swedish)
    assert [entry["name"] for entry in found.json()] == ["AreaGroupMet"]
    page = (await gateway.client.get("/schemas/se.vatterhem.AreaGroupMet.v1", headers=PAGE | swedish)).text
    assert "Områdesgruppen har träffats" in page
    assert "The parties that were there, each once." in page
    assert (
        "Områdesgruppen" not in (await gateway.client.get("/schemas/se.vatterhem.AreaGroupMet.v1", headers=PAGE)).text
    )


async def test_an_events_page_tells_who_says_it_who_hears_it_and_what_depends_on_it(read: Read) -> None:
    shown = await read(f"/schemas/{MOVED_IN}")
    for told in (
        'href="/systems/notifications"', 'href="/systems/reporting"', "offer introduction when household moves in",
        next(goal for goal in GOALS if MOVED_IN in goal.types).title("en"), 'href="/journeys/a-tenant-moves-in"', "0.1.0", "any | letter_only", "not yet",
        'href="/topics/tenancy.events"', "hem publish events.ndjson", python("http://127.0.0.1:8000", MOVED_IN),
    ):  # fmt: skip
        assert told in shown, told
    nested = await read("/schemas/se.vatterhem.PlacementCommitmentMade.v1")
    assert "lines[].places" in nested
    assert "Personal" in await read("/schemas/se.vatterhem.TenantContactChanged.v1")
    assert set(HISTORY) == {type_ for type_, model in MODELS.items() if not model.draft}


async def test_the_page_says_when_it_was_heard_and_names_publishers_to_staff_only(
    gateway: Running, post: Post, read: Read, move_in: Callable[..., Json]
) -> None:
    assert (await post([move_in("t-1"), move_in("t-2")])).status_code == 202
    public = await read(f"/schemas/{MOVED_IN}")
    assert "2 in 30 days" in public
    assert "/systems/housing" not in public
    assert "Who publishes it" not in public
    assert 'href="/systems/housing"' in await read(f"/schemas/{MOVED_IN}", **staff(gateway, "reader"))
    assert (await gateway.client.get("/systems/housing", headers=PAGE)).status_code == 404
    by_source, reader = "/systems?source=urn:test:housing", PAGE | staff(gateway, "reader")
    assert (await gateway.client.get(by_source, headers=reader)).headers["location"] == "/systems/housing"
    assert (await gateway.client.get(by_source, headers=PAGE)).status_code == 200  # the list, which names nobody
    of_it = await read("/systems/housing", **staff(gateway, "reader"))
    assert MOVED_IN in of_it
    assert MOVED_OUT not in of_it
    assert "2 in 30 days" in of_it
    assert "urn:test:housing" in of_it


@pytest.mark.parametrize("language", ["sv", "en"])
async def test_topics_and_systems_say_what_their_files_say(gateway: Running, language: str) -> None:
    for name in ("tenancy.contacts", "surveys.invitations", "community.events"):
        shown = (await gateway.client.get(f"/topics/{name}", headers=PAGE | {"Accept-Language": language})).text
        for key, value in TOPICS[name].config().items():
            assert f'<code>{key}</code></dt><dd dir="ltr" class="num">{value}</dd>' in shown
        assert all(f'href="/schemas/{model.type}"' in shown for model in on_topic(name))
    picture = (await gateway.client.get("/systems", headers=PAGE | {"Accept-Language": language})).text
    arrows = sum(len(topic.writers) + len(topic.readers) for topic in TOPICS.values() if on_topic(topic.name))
    assert picture.count('class="arrow"') == arrows
    mirrored, straight = (draw(TOPICS.values(), rightwards=rightwards) for rightwards in (False, True))
    for there, here in zip(mirrored.boxes, straight.boxes, strict=True):
        assert (there.name, there.x + there.width) == (here.name, mirrored.width - here.x)
    assert (await gateway.client.get("/topics/no.such", headers=PAGE)).status_code == 404
    assert (await gateway.client.get("/systems/no-such", headers=PAGE)).status_code == 404


async def test_a_field_is_found_wherever_it_is_used(read: Read) -> None:
    shown = await read("/fields?q=area_id")
    using = {m.type for m in MODELS.values() if {"area_id"} & {f.alias or n for n, f in m.model_fields.items()}}
    assert {type_ for type_ in MODELS if f'href="/schemas/{type_}"' in shown} >= using
    assert 'href="/fields?q=area_id"' in await read("/fields")
    assert "No event has a field of that name" in await read("/fields?q=nonesuch")


async def test_journeys_are_told_step_by_step_of_events_that_are_said_so(read: Read) -> None:
    every = await read("/journeys")
    for journey in JOURNEYS.values():
        assert journey.title["en"] in every
        shown = await read(f"/journeys/{journey.name}")
        assert all(f'href="/schemas/{step.type}"' in shown and step.what["en"] in shown for step in journey.steps)
    words = {"sv": "a", "en": "b"}
    for event, by in (("NoSuchEvent", "outside"), ("PlaceOpened", "outside"), ("TenantMovedIn", "surveys")):
        step = {"event": event, "by": by, "who": words, "what": words}
        with pytest.raises(ValueError, match=event):
            parse("wrong", {"title": words, "about": words, "steps": [step]})


async def test_the_asyncapi_document_is_served_and_can_be_read(gateway: Running, read: Read) -> None:
    said = (await gateway.client.get("/asyncapi.json")).json()
    assert said == document(gateway.ctx.settings.public_url, gateway.ctx.settings.topic_prefix)
    assert said["channels"]["tenancy.events"]["address"].startswith(gateway.ctx.settings.topic_prefix)
    shown = await read("/asyncapi")
    assert all(
        f'href="/schemas/{type_}"' in shown
        for type_, model in MODELS.items()
        if model.topic in TOPICS and not model.draft
    )


async def test_trying_an_event_says_what_the_door_would_and_keeps_nothing(
    gateway: Running, post: Post, key: str, make_key: Callable[..., Awaitable[str]], move_in: Callable[..., Json]
) -> None:
    async def tried(event: Any, key: str | None = None) -> Json:
        headers = {"authorization": f"Bearer {key}"} if key else {}
        answer = await gateway.client.post(f"/schemas/{MOVED_IN}/try", json=event, headers=headers)
        assert answer.status_code == 200
        return dict(answer.json())

    good = move_in("t-9", colour="red")
    assert await tried(good) == {
        "outcome": "accepted", "warnings": ["colour is not known and was dropped"], "topic": "tenancy.events", "key": "t-9",
    }  # fmt: skip
    assert (await tried(good, key))["outcome"] == "accepted"
    assert (await tried(good, await make_key("other", sources=["urn:test:other"])))["problem"]["status"] == 403
    assert (await tried(good, "hem_no_such_key"))["problem"]["status"] == 401
    wrong = (await tried(move_in(data={"moved_in_on": "Amal-1970"})))["problem"]
    assert [error["field"] for error in wrong["errors"]] == ["data.moved_in_on"]
    assert "Amal" not in str(wrong)
    assert (await tried({**example(MOVED_OUT)}))["problem"]["errors"][0]["field"] == "type"
    assert (await tried([good]))["outcome"] == "refused"
    assert (await tried({**good, "source": "urn:hem:gateway"}))["problem"]["status"] == 403
    assert (await tried({**good, "padding": "x" * 200_000}))["problem"]["status"] == 413
    for table in ("identity", "outbox", "publisher_count", "publisher_refusal"):
        assert await gateway.ctx.db.pool.fetchval(f"select count(*) from {table}") == 0, table
    assert (await post(good)).json()["status"] == "accepted"
    assert (await tried(good, key))["outcome"] == "duplicate"


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"\xff", b"[" * 60_000, b'{"id": "\\ud800", "type": "\\ud800", "\\ud800": 1}', b'{"type": 7}'],
)
async def test_whatever_is_tried_is_answered(gateway: Running, key: str, body: bytes) -> None:
    for headers in ({}, {"authorization": f"Bearer {key}"}):
        answer = await gateway.client.post(f"/schemas/{MOVED_IN}/try", content=body, headers=headers)
        assert (answer.status_code, answer.json()["outcome"]) == (200, "refused")
    assert (
        await gateway.client.post(f"/schemas/{MOVED_IN}/try", data={"event": body}, headers=PAGE)
    ).status_code == 200


async def test_the_form_tries_it_without_a_script_also_with_a_roles_rights(gateway: Running) -> None:
    async def shown(type_: str, event: str, *roles: str, as_role: str = "") -> str:
        headers = PAGE | (staff(gateway, *roles) if roles else {})
        form = {"event": event, "as_role": as_role}
        answer = await gateway.client.post(f"/schemas/{type_}/try", data=form, headers=headers)
        assert answer.status_code == 200
        return html.unescape(answer.text)

    visit = "se.vatterhem.VisitCounted.v1"
    page = (await gateway.client.get(f"/schemas/{visit}", headers=PAGE)).text
    [offered] = re.findall(r"<textarea class=\"wide\" id=\"event\"[^>]*>(.*?)</textarea>", page, re.DOTALL)
    event = html.unescape(offered)
    assert "It would be accepted" in await shown(visit, event)
    assert "community.events" in await shown(visit, event, "area_staff", as_role="area_staff")
    broken = await shown(visit, '{"</textarea><script>": 1')
    assert "It would be refused" in broken
    assert "400" in broken
    assert "It fits the schema" in await shown(DRAFT, json.dumps(example(DRAFT)))
    raw = await gateway.client.post(f"/schemas/{visit}/try", data={"event": "</textarea><script>"}, headers=PAGE)
    assert "<script>" not in raw.text
    assert await gateway.ctx.db.pool.fetchval("select count(*) from identity") == 0


async def test_a_draft_can_be_read_and_commented_on_and_is_refused(
    gateway: Running, post: Post, key: str, read: Read
) -> None:
    refused = await post({**example(DRAFT), "source": "urn:test:housing"})
    assert (refused.status_code, refused.json()["type"]) == (422, "urn:hem:problem:draft")
    order = {"publisher": "areas", "allow": [DRAFT], "sources": []}
    assert (await gateway.client.post("/ops/gateway/keys", json=order, headers=OPERATOR)).status_code == 422
    assert (await listed(gateway, DRAFT))["published_by"] == "nobody"
    assert not [goal for goal in GOALS if DRAFT in goal.types]

    where, said = f"/schemas/{DRAFT}/comments", {"said": "Which party <b>signs</b>?\r\nNobody knows."}
    assert (await gateway.client.post(where, data=said)).status_code == 401
    written = await gateway.client.post(where, data=said, headers=staff(gateway, "coordinator") | PAGE)
    assert (written.status_code, written.headers["location"]) == (303, f"/schemas/{DRAFT}#comments")
    bearer = {"authorization": f"Bearer {key}"}
    assert (
        await gateway.client.post(where, data={"said": "Our system has no dates."}, headers=bearer)
    ).status_code == 201
    for nothing in ("", " \n ", "x" * 2001):
        assert (await gateway.client.post(where, data={"said": nothing}, headers=bearer)).status_code == 422
    comments = (await gateway.client.get(where, headers=bearer)).json()
    assert [(c["author"], c["said"]) for c in comments] == [
        ("role:coordinator", "Which party <b>signs</b>?\nNobody knows."),
        ("publisher:housing", "Our system has no dates."),
    ]
    page = (await gateway.client.get(f"/schemas/{DRAFT}", headers=PAGE | staff(gateway, "reader"))).text
    assert "&lt;b&gt;signs" in page
    assert "made-up person" not in page
    assert "signs" not in await read(f"/schemas/{DRAFT}")
    other = f"/schemas/{MOVED_IN}/comments"
    assert (await gateway.client.post(other, data=said, headers=bearer)).status_code == 409

    number = comments[0]["id"]
    assert (await gateway.client.post(f"{where}/{number}/remove", headers=staff(gateway, "reader"))).status_code == 403
    assert (await gateway.client.post(f"{where}/{number}/remove", headers=OPERATOR)).status_code == 204
    assert len((await gateway.client.get(where, headers=bearer)).json()) == 1


async def test_nobody_can_fill_a_drafts_page(gateway: Running, key: str) -> None:
    where, bearer = f"/schemas/{DRAFT}/comments", {"authorization": f"Bearer {key}"}
    answers = [await gateway.client.post(where, data={"said": f"{n}"}, headers=bearer) for n in range(MOST_OF_ONE + 1)]
    assert [answer.status_code for answer in answers] == [201] * MOST_OF_ONE + [409]


async def test_a_deprecated_event_is_let_in_with_a_warning_and_says_so_wherever_it_is_met(
    gateway: Running, post: Post, read: Read, move_in: Callable[..., Json], monkeypatch: pytest.MonkeyPatch
) -> None:
    notice = Deprecation(date(2027, 1, 1), "Too little was said.", replaced_by=MOVED_IN, removed_on=date(2028, 7, 1))
    monkeypatch.setattr(TenantMovedOut, "deprecated", notice)
    monkeypatch.setitem(described.DESCRIBED, MOVED_OUT, described.describe(TenantMovedOut))
    out = {**move_in("t-1"), "type": MOVED_OUT, "data": {"tenancy_id": "t-1", "moved_out_on": "2019-05-01"}}
    for sent in (out, [move_in("t-2"), out]):
        answer = await post(sent)
        assert answer.status_code == 202
        assert answer.headers["deprecation"] == "@1798761600"
        assert answer.headers["sunset"] == "Sat, 01 Jul 2028 00:00:00 GMT"
        assert f'/schemas/{MOVED_OUT}>; rel="deprecation"' in answer.headers["link"]
        assert f'/schemas/{MOVED_IN}>; rel="successor-version"' in answer.headers["link"]
    [other, told] = (await post([move_in("t-3"), {**out, "id": "another"}])).json()
    assert "warnings" not in other
    assert told["warnings"] == [notice.warning(MOVED_OUT)]
    assert "deprecation" not in (await post(move_in("t-4"))).headers
    shown = await read(f"/schemas/{MOVED_OUT}", **staff(gateway, "reader"))
    for said in (
        "Too little was said.",
        "1 January 2027",
        "1 July 2028",
        f'href="/schemas/{MOVED_IN}"',
        "Who publishes it",
    ):
        assert said in shown, said
    assert (await listed(gateway, MOVED_OUT))["deprecated"] == "2027-01-01"
    assert "deprecated" in await read("/schemas?q=TenantMovedOut")
