"""The CloudEvents library as an oracle: what it writes we read, what we write it reads, in every mode it has."""

from typing import Any

import orjson
import pytest
from cloudevents.core.base import BaseCloudEvent
from cloudevents.core.bindings import http as their_http
from cloudevents.core.bindings import kafka as their_kafka
from cloudevents.core.v1.event import CloudEvent

from schemas.event import Event
from schemas.http import read
from schemas.kafka import from_record, to_record
from tests.schemas.samples import EVERY_TYPE, TRACE, full_event, to_structured

WITH_VALUE = [type_ for type_ in EVERY_TYPE if "Erased" not in type_]


def theirs(said: Event[Any]) -> CloudEvent:
    attributes = {
        "id": said.id,
        "source": said.source,
        "type": said.type,
        "subject": said.subject,
        "time": said.time,
        "recordedtime": said.recordedtime,
        "dataschema": said.dataschema,
        "sequence": str(said.sequence),
        "history": said.history,
        "test": said.test,
        "datacontenttype": "application/json",
        "partitionkey": said.subject,
        **TRACE,
    }
    return CloudEvent(attributes, orjson.loads(said.data.json_bytes()))


def same(event: BaseCloudEvent, said: Event[Any]) -> None:
    assert (event.get_id(), event.get_source(), event.get_type()) == (said.id, said.source, said.type)
    assert (event.get_subject(), event.get_time()) == (said.subject, said.time)
    assert event.get_dataschema() == said.dataschema
    assert str(event.get_extension("sequence")) == str(said.sequence)
    assert str(event.get_extension("history")).lower() == "true"
    assert str(event.get_extension("test")).lower() == "true"
    assert event.get_extension("traceparent") == said.traceparent
    assert event.get_data() == orjson.loads(said.data.json_bytes())


@pytest.mark.parametrize("type_", WITH_VALUE)
def test_kafka_records_it_writes_are_read(type_: str) -> None:
    said = full_event(type_)
    for message in (their_kafka.to_binary_event(theirs(said)), their_kafka.to_structured_event(theirs(said))):
        assert isinstance(message.key, str)
        assert from_record(message.key.encode(), message.value, list(message.headers.items())) == said


@pytest.mark.parametrize("type_", WITH_VALUE)
def test_kafka_records_we_write_it_reads(type_: str) -> None:
    said = full_event(type_)
    record = to_record(said)
    assert record.value is not None
    event = their_kafka.from_kafka_event(their_kafka.KafkaMessage(dict(record.headers), record.key, record.value))
    same(event, said)
    assert event.get_extension("partitionkey") == said.subject


@pytest.mark.parametrize("type_", EVERY_TYPE)
def test_http_requests_it_writes_are_read(type_: str) -> None:
    said = full_event(type_)
    for message in (their_http.to_binary_event(theirs(said)), their_http.to_structured_event(theirs(said))):
        (entry,) = read(message.headers.items(), message.body).entries
        assert entry.problems == ()
        assert entry.event == said


@pytest.mark.parametrize("type_", EVERY_TYPE)
def test_http_requests_we_write_it_reads(type_: str) -> None:
    said = full_event(type_)
    message = their_http.HTTPMessage({"content-type": "application/cloudevents+json"}, to_structured(said))
    same(their_http.from_http_event(message), said)
