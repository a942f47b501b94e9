"""Whatever is sent gets its own answer, nothing stops, and no personal value is quoted back."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx2

from schemas.generate import example
from services.chassis.testkit import Running

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
Json = dict[str, Any]
Make = Callable[..., Json]
Post = Callable[..., Awaitable[httpx2.Response]]


def raw(event: Json, old: str, new: str) -> bytes:
    """The event as bytes that no JSON writer would make."""
    text = json.dumps(event)
    assert old in text
    return text.replace(old, new).encode()


async def test_each_kind_of_bad_input_gets_its_answer(post: Post, move_in: Make) -> None:
    def with_data(**changes: Any) -> Json:
        return move_in(data=changes)

    def without_data(field: str) -> Json:
        event = move_in()
        del event["data"][field]
        return event

    cases: dict[str, tuple[Any, int, str, str | None]] = {
        "not JSON": (b"{nonsense", 400, "unreadable", None),
        "nothing": (b"", 400, "unreadable", None),
        "not UTF-8": (b'{"id": "\xff\xfe"}', 400, "unreadable", None),
        "a list": (b"[]", 400, "unreadable", None),
        "a number": (b"123", 400, "unreadable", None),
        "deep nesting": (b"[" * 100_000, 400, "unreadable", None),
        "NaN": (raw(move_in(sequence=7), "7", "NaN"), 400, "unreadable", None),
        "unknown type": (move_in(type="se.vatterhem.TenantFlewIn.v1"), 422, "unknown-type", "type"),
        "unknown major version": (move_in(type="se.vatterhem.TenantMovedIn.v9"), 422, "unknown-type", "type"),
        "no type": (move_in(type=None), 422, "invalid", "type"),
        "no id": (move_in(id=None), 422, "invalid", "id"),
        "long id": (move_in(id="x" * 129), 422, "invalid", "id"),
        "id that is a number": (move_in(id=7), 422, "invalid", "id"),
        "no source": (move_in(source=None), 422, "invalid", "source"),
        "source with a space": (move_in(source="urn:test: housing"), 422, "invalid", "source"),
        "no specversion": (move_in(specversion=None), 422, "invalid", "specversion"),
        "another specversion": (move_in(specversion="0.3"), 422, "invalid", "specversion"),
        "no time": (move_in(time=None), 422, "invalid", "time"),
        "time without offset": (move_in(time="2019-03-01T12:00:00"), 422, "invalid", "time"),
        "impossible time": (move_in(time="2019-02-29T12:00:00Z"), 422, "invalid", "time"),
        "time as a number": (move_in(time=1551441600), 422, "invalid", "time"),
        "another subject": (move_in(subject="t-other"), 422, "invalid", "subject"),
        "negative sequence": (move_in(sequence=-1), 422, "invalid", "sequence"),
        "history in words": (move_in(history="perhaps"), 422, "invalid", "history"),
        "missing field": (without_data("area_id"), 422, "invalid", "data.area_id"),
        "wrong type of field": (with_data(area_id=12), 422, "invalid", "data.area_id"),
        "date as a number": (with_data(moved_in_on=20190301), 422, "invalid", "data.moved_in_on"),
        "impossible date": (with_data(moved_in_on="2019-02-30"), 422, "invalid", "data.moved_in_on"),
        "date with time": (with_data(moved_in_on="2019-03-01T00:00:00Z"), 422, "invalid", "data.moved_in_on"),
        "code that isn't one": (with_data(contact_rule="by_owl"), 422, "invalid", "data.contact_rule"),
        "null byte in data": (with_data(area_id="oxne\0haga"), 422, "invalid", "data.area_id"),
        "null byte in id": (move_in(id="e\0e"), 422, "invalid", "id"),
        "raw null byte": (raw(move_in(), "oxnehaga", "oxne\0haga"), 422, "invalid", "data.area_id"),
        "lone surrogate in data": (raw(move_in(), "oxnehaga", "\\ud800"), 422, "invalid", "data.area_id"),
        "lone surrogate in id": (raw(move_in(id="strange"), "strange", "\\udfff"), 422, "invalid", "id"),
        "data that is a list": (move_in() | {"data": []}, 400, "unreadable", "data"),
        "no data": (move_in() | {"data": None}, 400, "unreadable", "data"),
        "too much data": (with_data(area_id="x" * 300_000), 422, "invalid", "data.area_id"),
    }
    wrong = {}
    for name, (body, status, slug, field) in cases.items():
        answer = await post(body)
        problem = answer.json()
        fields = [error["field"] for error in problem.get("errors", [])]
        complete = problem["status"] == status and problem["title"] and problem["detail"]
        seen = (answer.status_code, problem["type"], answer.headers["content-type"])
        expected = (status, f"urn:hem:problem:{slug}", "application/problem+json")
        if seen != expected or not complete or (field and field not in fields):
            wrong[name] = problem
    assert wrong == {}
    assert (await post(move_in())).json()["status"] == "accepted"


async def test_in_a_batch_each_is_judged_for_itself(post: Post, move_in: Make) -> None:
    bad = [
        raw(move_in(), "oxnehaga", "\\ud800"),
        raw(move_in(), "oxnehaga", "\0"),
        b"null",
        b"[]",
        b'{"id": "\\ud800"}',
    ]
    good = json.dumps(move_in("t-good")).encode()
    answer = await post(b"[" + b",".join([*bad, good]) + b"]", content_type=BATCH)
    assert answer.status_code == 207
    assert [entry["status"] for entry in answer.json()] == ["refused"] * 5 + ["accepted"]
    assert all(entry["problem"]["errors"] for entry in answer.json()[:5])


async def test_nobody_vouches_for_the_source_of_another(post: Post, make_key: Callable[..., Awaitable[str]]) -> None:
    checked = example("se.vatterhem.SourceChecked.v1")
    key = await make_key("properties", sources=[checked["source"]])
    other = "urn:example:housing-system"
    for sources in ([other], []):  # also with a key that isn't bound to a source yet
        of_other = {**checked, "source": other, "id": f"other-{len(sources)}"}
        answer = await post(of_other, key=await make_key("another", sources=sources))
        assert (answer.status_code, answer.json()["type"]) == (422, "urn:hem:problem:invalid")
        assert [error["field"] for error in answer.json()["errors"]] == ["data.source"]
    assert (await post(checked, key=key)).status_code == 202


async def test_a_batch_that_is_not_a_list_is_refused_whole(post: Post, move_in: Make) -> None:
    answer = await post(move_in(), content_type=BATCH)
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:hem:problem:unreadable")


async def test_another_media_type_is_told_the_three_that_are_read(post: Post, move_in: Make) -> None:
    for media_type in ("text/plain", "application/xml", "multipart/form-data", "application/json-seq", ""):
        answer = await post(move_in(), content_type=media_type)
        assert answer.status_code == 415, media_type
        for accepted in ("application/json", STRUCTURED, BATCH):
            assert accepted in answer.json()["detail"]


async def test_binary_mode_without_attributes_names_those_that_are_missing(post: Post) -> None:
    answer = await post(b"{}", content_type="application/json")
    assert answer.status_code == 422
    assert {"specversion", "id", "source", "type", "time"} <= {e["field"] for e in answer.json()["errors"]}


async def test_a_body_of_ten_megabytes_is_refused_announced_or_not(gateway: Running, key: str, post: Post) -> None:
    assert (await post(b"[" + b" " * 10_000_000 + b"]", content_type=BATCH)).status_code == 413

    async def parts() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" " * 100_000

    headers = {"authorization": f"Bearer {key}", "content-type": BATCH}
    assert (await gateway.client.post("/events", content=parts(), headers=headers)).status_code == 413


async def test_a_batch_of_too_many_events_is_refused_however_it_is_spelled(post: Post) -> None:
    many = b"1," * 20_000
    for content_type in (BATCH, BATCH.upper(), f"{BATCH} ; charset=utf-8"):
        for last in (b"1", b'"\\ud800"', b'"\0"'):
            answer = await post(b"[" + many + last + b"]", content_type=content_type)
            problem = answer.json()
            assert (answer.status_code, problem["type"]) == (413, "urn:hem:problem:too-large"), (content_type, last)
            assert problem["detail"] == "expected at most 20000 events in a batch, got 20001."


async def test_an_event_of_more_than_64_kib_is_refused_and_the_rest_goes_on(
    post: Post, too_large: Make, move_in: Make
) -> None:
    answer = await post([too_large(), move_in()])
    assert [entry["status"] for entry in answer.json()] == ["refused", "accepted"]
    assert answer.json()[0]["problem"]["type"] == "urn:hem:problem:too-large"


async def test_personal_values_are_never_quoted_back(post: Post, contact: Make) -> None:
    sent = contact(email="amina at example")
    sent["data"] |= {"name": "Amina\nTestsson", "phone": "070-HEMLIG", "language": "so-mali", "street": "Storgatan 1"}
    answer = await post(sent)
    assert answer.status_code == 422
    assert {e["field"] for e in answer.json()["errors"]} >= {"data.email", "data.name", "data.phone"}
    for secret in ("amina", "Testsson", "HEMLIG", "Storgatan"):
        assert secret.lower() not in answer.text.lower()


async def test_the_database_away_means_503_and_nothing_kept(post: Post, move_in: Make, cable: Any) -> None:
    sent = move_in()
    assert (await post(move_in("t-0"))).status_code == 202
    async with cable.pulled():
        answer = await post(sent)
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0
        assert answer.headers["content-type"] == "application/problem+json"
    assert (await post(sent)).json()["status"] == "accepted"
