"""Any event of any type comes through every binding as it was, and every published schema of it takes it."""

from functools import lru_cache
from urllib.parse import quote

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from schemas.http import BATCH, STRUCTURED, read
from schemas.kafka import from_record, to_record
from tests.schemas import golden
from tests.schemas.made import events
from tests.schemas.samples import EVERY_TYPE, to_batch, to_structured

KAFKA_STRUCTURED: list[tuple[str, bytes | None]] = [("content-type", b"application/cloudevents+json")]
A_FEW = settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow]
)


@lru_cache
def published(type_: str) -> list[Draft202012Validator]:
    """Of every version that has the type."""
    return [
        Draft202012Validator(golden.readers_schema(version, type_), format_checker=Draft202012Validator.FORMAT_CHECKER)
        for version in golden.VERSIONS
        if type_ in golden.types(version)
    ]


@pytest.mark.parametrize("type_", EVERY_TYPE)
@given(data=st.data())
@A_FEW
def test_any_event_survives_every_binding(type_: str, data: st.DataObject) -> None:
    said = data.draw(events(type_))
    record = to_record(said)
    assert from_record(record.key, record.value, record.headers) == said
    whole = to_structured(said)
    if not said.data.tombstone:
        assert from_record(record.key, whole, KAFKA_STRUCTURED) == said
    assert [entry.event for entry in read([("content-type", STRUCTURED)], whole).entries] == [said]
    assert [entry.event for entry in read([("content-type", BATCH)], to_batch([said, said])).entries] == [said, said]
    headers = [
        (name.replace("ce_", "ce-"), quote(value.decode())) for name, value in record.headers if name != "content-type"
    ]
    binary = read([("content-type", "application/json"), *headers], said.data.json_bytes()).entries
    assert [(entry.event, entry.problems, entry.warnings) for entry in binary] == [(said, (), ())]


@pytest.mark.parametrize("type_", EVERY_TYPE)
@given(data=st.data())
@A_FEW
def test_readers_of_every_version_can_read_whatever_is_said_now(type_: str, data: st.DataObject) -> None:
    said = orjson.loads(data.draw(events(type_)).data.json_bytes())
    for validator in published(type_):
        assert list(validator.iter_errors(said)) == []
