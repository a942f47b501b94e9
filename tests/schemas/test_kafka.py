"""The Kafka binding: what we write we read, and whatever else stands in a topic is Malformed with a closed code."""

import json
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, get_args

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from schemas.errors import Code
from schemas.kafka import Malformed, Record, UnknownType, attributes, data_object, from_record, is_test, to_record
from tests.schemas.samples import EVERY_TYPE, event, full_event, move_in, to_structured

T = TypeVar("T")
MOVED_IN = "se.vatterhem.TenantMovedIn.v1"
ERASED = "se.vatterhem.TenantContactErased.v1"
RECORD = to_record(event(MOVED_IN))
STRUCTURED: list[tuple[str, bytes | None]] = [("content-type", b"application/cloudevents+json; charset=UTF-8")]


def headers(**changes: bytes | None) -> list[tuple[str, bytes | None]]:
    """The record's headers with some replaced (`ce_id=...`, `content_type=...`); b"-" drops one."""
    changed = {name.replace("content_type", "content-type"): value for name, value in changes.items()}
    kept = [(name, value) for name, value in RECORD.headers if name not in changed]
    return [*kept, *((name, value) for name, value in changed.items() if value != b"-")]


def code(value: bytes | None, with_headers: Sequence[tuple[str, bytes | None]], key: bytes | None = RECORD.key) -> str:
    with pytest.raises(Malformed) as caught:
        from_record(key, value, with_headers)
    assert caught.value.expected
    return f"{caught.value.code} {caught.value.field}"


@pytest.mark.parametrize("type_", EVERY_TYPE)
def test_every_event_survives_the_round_trip(type_: str) -> None:
    said = full_event(type_)
    record = to_record(said)
    assert record.key == said.subject.encode()
    assert from_record(record.key, record.value, record.headers) == said
    assert from_record(None, record.value, record.headers) == said
    if not said.data.tombstone:
        assert from_record(record.key, to_structured(said), STRUCTURED) == said


def test_attributes_are_those_of_the_event_in_both_modes() -> None:
    said = full_event(MOVED_IN)
    record = to_record(said)
    found = attributes(record.headers, record.value)
    for name, value in found._asdict().items():
        assert getattr(said, name) == value
    assert attributes(STRUCTURED, to_structured(said)) == found
    assert data_object(record.headers, record.value) == data_object(STRUCTURED, to_structured(said))
    assert data_object(record.headers, record.value) == orjson.loads(said.data.json_bytes())


def test_what_is_not_set_has_no_header() -> None:
    names = [name for name, _ in RECORD.headers]
    assert names == [
        *(f"ce_{n}" for n in ["specversion", "id", "source", "type", "subject", "time", "dataschema"]),
        "content-type",
    ]


def test_erasing_is_a_tombstone() -> None:
    record = to_record(event(ERASED))
    assert record.value is None
    assert "content-type" not in dict(record.headers)
    assert from_record(record.key, None, record.headers).data.subject == record.key.decode()
    assert data_object(record.headers, None) is None
    assert code(None, RECORD.headers) == "no_value data"
    assert code(b"", record.headers, record.key) == "empty_body data", "an empty body is not a tombstone"


def test_a_test_event_is_told_whatever_else_is_wrong_with_it() -> None:
    said = full_event(MOVED_IN)
    assert is_test(to_record(said).headers, b"not json")
    assert is_test([("ce_test", b"True")], None)
    assert is_test(STRUCTURED, to_structured(said))
    assert not is_test(RECORD.headers, RECORD.value)
    assert not is_test([("ce_test", b"\xff"), ("ce_id", None)], b"")
    assert not is_test(STRUCTURED, b"[")


def test_attributes_do_not_look_at_the_data() -> None:
    assert attributes(RECORD.headers, b"\xff not json").id == event(MOVED_IN).id


def test_attributes_are_quick_enough_for_the_projector() -> None:
    attributes(RECORD.headers, RECORD.value)
    spent = time.process_time()
    for _ in range(5000):
        attributes(RECORD.headers, RECORD.value)
    assert time.process_time() - spent < 0.5, "100 µs each would halve the projector; a model on this path costs more"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"", "empty_body data"),
        (b" \n", "empty_body data"),
        (b"123", "not_an_object data"),
        (b"null", "not_an_object data"),
        (b'"text"', "not_an_object data"),
        (b"[]", "not_an_object data"),
        (b"\xff\xfe\x00", "not_json data"),
        (b"{", "not_json data"),
        (b"{}", "missing_field data.tenancy_id"),
        (b"[" * 5000, "not_json data"),
        (b'{"x":' * 900 + b"1" + b"}" * 900, "not_json data"),
        (b'{"tenancy_id":"\\u0000"}', "invalid_field data.tenancy_id"),
        (b'{"tenancy_id":"a\0"}', "invalid_field data.tenancy_id"),
        (b'{"tenancy_id":"\\ud800"}', "invalid_field data.tenancy_id"),
        (b'{"\\udfff":1}', "invalid_field data.\\udfff"),
        (b'{"unknown":{"deep":["\\u0000"]}}', "invalid_field data.unknown.deep[0]"),
        (b'{"n":' + b"9" * 5000 + b"}", "not_json data"),
    ],
    ids=range(17),
)
def test_what_is_wrong_with_the_value_is_said(value: bytes, expected: str) -> None:
    assert code(value, RECORD.headers) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"ce_id": None}, "header_encoding id"),
        ({"ce_id": b"\xff"}, "header_encoding id"),
        ({"ce_id": b"-"}, "missing_attribute id"),
        ({"ce_id": b"x" * 129}, "invalid_attribute id"),
        ({"ce_id": b"a\0"}, "invalid_attribute id"),
        ({"ce_source": b"two words"}, "invalid_attribute source"),
        ({"ce_time": b"2019-03-01T12:00:00"}, "invalid_attribute time"),
        ({"ce_time": b"2019-02-30T12:00:00Z"}, "invalid_attribute time"),
        ({"ce_time": b"9999-12-31T23:59:59-14:00"}, "invalid_attribute time"),
        ({"ce_time": b"20190301T120000Z"}, "invalid_attribute time"),
        ({"ce_time": b"2019-03-01T12:00:00+25:00"}, "invalid_attribute time"),
        ({"ce_sequence": b"-1"}, "invalid_attribute sequence"),
        ({"ce_sequence": str(2**63).encode()}, "invalid_attribute sequence"),
        ({"ce_history": b"yes"}, "invalid_attribute history"),
        ({"ce_test": b"1"}, "invalid_attribute test"),
        ({"ce_specversion": b"0.3"}, "invalid_attribute specversion"),
        ({"ce_subject": b"-"}, "missing_attribute subject"),
        ({"ce_type": b"se.vatterhem.TenantMovedIn.v2"}, "unknown_version type"),
        ({"ce_type": b"se.vatterhem.TenantFlewIn.v1"}, "unknown_type type"),
        ({"content_type": b"text/plain"}, "media_type content-type"),
        ({"content_type": b"\xff"}, "media_type content-type"),
        ({"content_type": b"application/json; charset=latin-1"}, "media_type content-type"),
        ({"content_type": b"application/cloudevents+avro"}, "media_type content-type"),
    ],
    ids=range(23),
)
def test_what_is_wrong_with_the_headers_is_said(changes: dict[str, bytes | None], expected: str) -> None:
    assert code(RECORD.value, headers(**changes)) == expected


@pytest.mark.parametrize(
    "changes",
    [
        {"ce_mine": None},
        {"ce_mine": b"\xff"},
        {"other": None},
        {"ce_traceparent": b"nonsense"},
        {"content_type": b"-"},
        {"content_type": None},
        {"content_type": b"application/vnd.example+json; charset=utf-8"},
    ],
    ids=range(7),
)
def test_what_does_not_matter_is_tolerated(changes: dict[str, bytes | None]) -> None:
    assert from_record(RECORD.key, RECORD.value, headers(**changes)) == event(MOVED_IN)


def test_unknown_fields_are_ignored() -> None:
    value = orjson.dumps({**orjson.loads(RECORD.value or b""), "colour": "red"})
    assert from_record(RECORD.key, value, RECORD.headers) == event(MOVED_IN)


def test_the_key_must_be_the_subject() -> None:
    assert code(RECORD.value, RECORD.headers, b"another") == "key_mismatch key"
    assert code(RECORD.value, headers(ce_subject=b"another"), b"another") == "invalid_attribute subject"


def test_unknown_version_names_the_known_ones() -> None:
    with pytest.raises(UnknownType) as caught:
        from_record(RECORD.key, RECORD.value, headers(ce_type=b"se.vatterhem.TenantMovedIn.v2"))
    assert caught.value.expected == MOVED_IN


def test_no_personal_value_is_repeated() -> None:
    said = event("se.vatterhem.TenantContactChanged.v1")
    record = to_record(said)
    broken = orjson.dumps(
        orjson.loads(record.value or b"") | {"email": "amal at example", "phone": "hemligt", "name": 7}
    )
    with pytest.raises(Malformed) as caught:
        from_record(record.key, broken, record.headers)
    text = f"{caught.value!r} {caught.value} {caught.value.detail} {caught.value.problems}"
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    for value in ("amal at example", "hemligt", "Exempelsson", said.data.email):
        assert value not in text


CE_NAMES = [name for name, _ in to_record(full_event(MOVED_IN)).headers]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(alphabet=st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
GOOD: dict[str, Any] = move_in()


@st.composite
def bent_records(draw: st.DrawFn) -> Record:
    """A good record with some of it replaced by anything."""
    whole = draw(st.booleans())
    names = st.sampled_from(list(GOOD if whole else GOOD["data"])) | st.text(max_size=4)
    bent = draw(st.dictionaries(names, JSON, max_size=3))
    body = json.dumps(GOOD | bent if whole else GOOD["data"] | bent).encode()
    value = draw(st.just(body) | st.binary(max_size=20) | st.none())
    content_type = b"application/cloudevents+json" if whole else b"application/json"
    changed = draw(
        st.dictionaries(st.sampled_from(CE_NAMES) | st.text(max_size=6), st.none() | st.binary(max_size=12), max_size=3)
    )
    kept: dict[str, Any] = {**dict(RECORD.headers), "content-type": content_type, **changed}
    dropped = draw(st.sets(st.sampled_from(sorted(kept)), max_size=2))
    return Record(RECORD.key, value, [(name, content) for name, content in kept.items() if name not in dropped])


def answer(look: Callable[[], T]) -> T | None:
    """What `look` gives, or None when it raises Malformed as promised; any other exception fails the test."""
    try:
        return look()
    except Malformed as malformed:
        said = malformed
    assert said.code in get_args(Code)
    assert said.expected
    assert said.detail.encode()
    return None


@given(bent_records(), st.sampled_from([None, RECORD.key]) | st.binary(max_size=4))
@example(Record(b"", b"123", []), None)
@example(Record(b"", None, []), b"t")
def test_nothing_but_malformed_is_ever_raised(record: Record, key: bytes | None) -> None:
    said = answer(lambda: from_record(key, record.value, record.headers))
    if said is not None:
        again = to_record(said)
        assert from_record(again.key, again.value, again.headers) == said
        assert b"\0" not in again.key + (again.value or b"")
    answer(lambda: attributes(record.headers, record.value))
    answer(lambda: data_object(record.headers, record.value))
