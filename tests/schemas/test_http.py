"""The HTTP binding: every event read for itself, everything wrong told at once."""

import json
from typing import Any, get_args
from urllib.parse import quote

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import Code, Malformed
from schemas.http import BATCH, STRUCTURED, Entry, UnsupportedMediaType, read
from tests.schemas.samples import EVERY_TYPE, event, full_event, move_in, read_one, to_batch, to_structured

MOVED_IN = "se.vatterhem.TenantMovedIn.v1"


def fields(entry: Entry) -> list[str | None]:
    return [problem.field for problem in entry.problems]


def binary(whole: dict[str, Any], content_type: str = "application/json") -> Entry:
    headers = [
        (f"CE-{name}", quote(str(value))) for name, value in whole.items() if name not in ("data", "datacontenttype")
    ]
    return read([("Content-Type", content_type), *headers], orjson.dumps(whole["data"])).entries[0]


@pytest.mark.parametrize("type_", EVERY_TYPE)
def test_every_example_is_accepted_in_every_mode(type_: str) -> None:
    said = full_event(type_)
    whole = orjson.loads(to_structured(said))
    assert read_one(whole).event == said
    assert binary(whole).event == said
    reading = read([("content-type", f"{BATCH}; charset=utf-8")], to_batch([said, said]))
    assert reading.mode == "batch"
    assert [(entry.index, entry.event) for entry in reading.entries] == [(0, said), (1, said)]


def test_subject_is_filled_from_the_data() -> None:
    whole = move_in()
    del whole["subject"]
    entry = read_one(whole)
    assert entry.event is not None
    assert entry.event.subject == whole["data"]["tenancy_id"]


def test_subject_must_be_that_of_the_data() -> None:
    entry = read_one(move_in() | {"subject": "another"})
    assert [(p.field, p.expected) for p in entry.problems] == [("subject", "the value of data.tenancy_id")]


def test_a_withdrawal_has_to_say_its_subject() -> None:
    whole = orjson.loads(to_structured(event("se.vatterhem.EventWithdrawn.v1")))
    del whole["subject"]
    assert fields(read_one(whole)) == ["subject"]


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("time", "2019-03-01T12:00:00"),
        ("time", "2019-02-29T12:00:00Z"),
        ("time", "2019-03-01"),
        ("time", 1551398400),
        ("id", ""),
        ("id", 7),
        ("source", "not a uri"),
        ("source", "urn:%zz"),
        ("sequence", 1.5),
        ("sequence", True),
        ("history", "maybe"),
        ("datacontenttype", "text/xml"),
        ("specversion", "0.3"),
        ("recordedtime", "yesterday"),
        ("dataschema", "\u0000"),
    ],
    ids=range(15),
)
def test_a_wrong_attribute_is_named(attribute: str, value: object) -> None:
    entry = read_one(move_in() | {attribute: value})
    assert fields(entry) == [attribute]
    assert entry.event is None
    assert not value or str(value) not in entry.problems[0].got


def test_everything_wrong_is_told_at_once() -> None:
    whole = move_in() | {"time": "noon", "id": "x" * 129}
    whole["data"] |= {"moved_in_on": "2019-02-30", "area_id": 4}
    entry = read_one(whole)
    assert set(fields(entry)) == {"time", "id", "data.moved_in_on", "data.area_id"}
    assert {problem.got for problem in entry.problems} == {"text of 4 characters", "text of 129 characters",
                                                           "text of 10 characters", "a number"}  # fmt: skip


def test_one_wrong_event_stops_no_other() -> None:
    good, bad = move_in(), move_in() | {"time": "noon"}
    reading = read([("content-type", BATCH)], orjson.dumps([good, bad, 7, None, [], {}, good]))
    assert [entry.event is not None for entry in reading.entries] == [True, False, False, False, False, False, True]
    assert [entry.index for entry in reading.entries] == list(range(7))
    assert reading.entries[1].id == bad["id"]
    assert reading.entries[2].problems[0].code == "not_an_object"


def test_a_lone_surrogate_or_nul_names_its_field_and_stops_no_other() -> None:
    texts = ['"\\ud800"', '"\\u0000"', '"a\0b"']
    for text in texts:
        bad = json.dumps(move_in()).replace('"oxnehaga"', text)
        reading = read([("content-type", BATCH)], f"[{json.dumps(move_in())},{bad}]".encode())
        assert reading.entries[0].event is not None
        assert fields(reading.entries[1]) == ["data.area_id"]
    bad_id = json.dumps(move_in()).replace(move_in()["id"], "\\ud800")
    entry = read([("content-type", STRUCTURED)], bad_id.encode()).entries[0]
    assert fields(entry) == ["id"]
    assert orjson.dumps(entry.id)


def test_what_is_not_known_is_dropped_and_named() -> None:
    whole = move_in() | {"colour": "red", "partitionkey": "x", "traceparent": "nonsense"}
    whole["data"] |= {"floor": 3}
    entry = read_one(whole)
    assert entry.warnings == ("data.floor", "colour")
    assert entry.event == read_one(move_in()).event


def test_a_misspelt_field_is_told_beside_the_one_that_is_missing() -> None:
    whole = move_in()
    data = whole["data"]
    data |= {"tenency_id": data.pop("tenancy_id"), "colour": "red", "ärende": 1, "moved_in_on": "soon"}
    entry = read_one(whole)
    got = {problem.field: problem.got for problem in entry.problems}
    assert got["data.tenancy_id"] == "nothing; tenency_id is not known: did you mean tenancy_id?"
    assert got["data.moved_in_on"] == "text of 4 characters"
    assert sorted(entry.warnings) == ["data.\\xe4rende", "data.colour", "data.tenency_id"]
    del whole["data"]["tenency_id"]
    assert read_one(whole).problems[0].got == "nothing", "a field that is nothing like it is no guess"


@pytest.mark.parametrize("depth", [50, 199, 255, 1000, 5000])
def test_deep_nesting_is_read_or_refused_and_nothing_else(depth: int) -> None:
    deep = b'{"a":' * depth + b"1" + b"}" * depth
    whole = orjson.dumps(move_in())
    in_data, beside_it = (
        whole.replace(b'"area_id"', b'"x":' + deep + b',"area_id"'),
        whole[:-1] + b',"x":' + deep + b"}",
    )
    for mode in (STRUCTURED, BATCH):
        assert outcome(mode, in_data) in ({"read"} if depth <= 100 else {"read", "not_json"})
        assert outcome(mode, beside_it) in {"invalid_attribute", "not_json"}


def outcome(mode: str, body: bytes) -> str:
    try:
        [entry] = read([("content-type", mode)], b"[" + body + b"]" if mode == BATCH else body).entries
    except Malformed as malformed:
        return malformed.code
    return "read" if entry.event else entry.problems[0].code


@pytest.mark.parametrize("type_", ["se.vatterhem.TenantMovedIn.v2", "se.vatterhem.TenantFlewIn.v1", "TenantMovedIn"])
def test_unknown_version_is_told_from_unknown_type(type_: str) -> None:
    problem = read_one(move_in() | {"type": type_}).problems[0]
    assert problem.field == "type"
    if type_.endswith("v2"):
        assert (problem.code, problem.expected) == ("unknown_version", MOVED_IN)
    else:
        assert problem.code == "unknown_type"


@pytest.mark.parametrize("media_type", ["", "text/plain", "application/xml", "application/cloudevents+xml",
                                        "multipart/form-data", "application/json; charset=latin-1"])  # fmt: skip
def test_another_media_type_is_unsupported(media_type: str) -> None:
    with pytest.raises(UnsupportedMediaType) as caught:
        read([("content-type", media_type)], b"{}")
    assert STRUCTURED in caught.value.expected


@pytest.mark.parametrize(
    ("body", "code"), [(b"", "empty_body"), (b"{", "not_json"), (b"\xff", "not_json"), (b"{}", "not_an_object")]
)
def test_a_batch_that_is_none(body: bytes, code: str) -> None:
    with pytest.raises(Malformed) as caught:
        read([("content-type", BATCH)], body)
    assert caught.value.code == code


def test_an_empty_batch_holds_no_events() -> None:
    assert read([("content-type", BATCH)], b"[]").entries == ()


@pytest.mark.parametrize("last", [b"3", rb'"\ud800"', b'"a\0b"'], ids=["plain", "lone surrogate", "raw NUL"])
def test_a_batch_of_too_many_is_refused_whole_however_it_is_spelled(last: bytes) -> None:
    headers = [("CONTENT-TYPE", "Application/CloudEvents-Batch+JSON ; charset=utf-8")]
    assert len(read(headers, b"[1,2,%b]" % last, at_most=3).entries) == 3
    with pytest.raises(Malformed) as caught:
        read(headers, b"[1,2,%b]" % last, at_most=2)
    [problem] = caught.value.problems
    assert (problem.code, problem.expected, problem.got) == ("too_many", "at most 2 events in a batch", "3")


def test_headers_are_percent_encoded_utf8() -> None:
    whole = move_in()
    whole["data"]["tenancy_id"] = whole["subject"] = "Öx 1%"
    assert binary(whole).event is not None
    headers = [("content-type", "application/json"), ("ce-subject", "Ãx"), ("ce-id", "%ff")]
    entry = read(headers, b"{}").entries[0]
    assert {(p.code, p.field) for p in entry.problems if p.code == "header_encoding"} == {
        ("header_encoding", "subject"), ("header_encoding", "id"),
    }  # fmt: skip
    assert fields(entry).count("id") == 1


def test_an_event_with_one_unreadable_header_is_refused() -> None:
    headers = [(f"ce-{name}", value) for name, value in move_in().items() if name not in ("data", "subject")]
    headers += [("content-type", "application/json"), ("ce-subject", "%ff")]
    entry = read(headers, orjson.dumps(move_in()["data"])).entries[0]
    assert (entry.event, fields(entry)) == (None, ["subject"])


def test_nesting_too_deep_is_refused_and_stops_no_other() -> None:
    deep = json.dumps(move_in()).replace('"oxnehaga"', "[" * 400 + "]" * 400)
    reading = read([("content-type", BATCH)], f"[{deep},{json.dumps(move_in())}]".encode())
    assert [(p.code, p.field) for p in reading.entries[0].problems] == [("not_json", "data")]
    assert reading.entries[1].event is not None


def test_data_in_base64_is_read() -> None:
    whole = move_in()
    whole["data_base64"] = "eyJ0ZW5hbmN5X2lkIjoidCJ9"
    del whole["data"]
    assert "data.tenant_ref" in fields(read_one(whole))
    assert fields(read_one(whole | {"data_base64": "%"})) == ["data_base64"]
    del whole["data_base64"]
    assert fields(read_one(whole)) == ["data"]


def test_ten_thousand_events_are_read_in_their_order() -> None:
    one = orjson.dumps(move_in())
    reading = read([("content-type", BATCH)], b"[%b]" % b",".join([one] * 10_000))
    assert [entry.index for entry in reading.entries] == list(range(10_000))
    assert all(entry.event for entry in reading.entries)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(alphabet=st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.dictionaries(st.sampled_from(list(move_in())), JSON, max_size=2),
    st.dictionaries(st.sampled_from(list(move_in()["data"])), JSON, max_size=2),
    st.sampled_from([STRUCTURED, BATCH, "application/json"]),
)
def test_whatever_is_sent_gets_an_answer(outer: dict[str, Any], inner: dict[str, Any], media_type: str) -> None:
    whole = move_in()
    whole["data"] |= inner
    whole |= outer
    try:
        reading = read([("content-type", media_type)], json.dumps([whole] if media_type == BATCH else whole).encode())
    except Malformed as malformed:
        problems, entries = list(malformed.problems), list[Entry]()
    else:
        problems, entries = [problem for entry in reading.entries for problem in entry.problems], list(reading.entries)
    assert {problem.code for problem in problems} <= set(get_args(Code))
    for entry in entries:
        assert (entry.event is None) == bool(entry.problems)
        assert orjson.dumps([entry.id, entry.source, entry.warnings, list(entry.problems)])
