"""CloudEvents Kafka binding: binary mode is written, binary and structured mode are read.

Binary mode: attributes in headers `ce_<name>` (UTF-8), `content-type: application/json`, data as the record's value,
the subject as its key. A tombstone (TenantContactErased) has the headers and no value.

Whatever stands in the topic, reading raises `Malformed` with a closed code and never another exception.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from .envelope import (
    CHECKS,
    JSON_MEDIA_TYPE,
    Attributes,
    attributes_of,
    event_of,
    expected_of,
    model_of,
    parse_event,
    parse_structured,
)
from .errors import Malformed, UnknownType, kind
from .event import Event, EventData
from .text import parse_json

__all__ = ["Attributes", "Malformed", "Record", "UnknownType", "attributes", "data_object", "from_record", "to_record"]

Headers = Iterable[tuple[str, bytes | None]]
STRUCTURED = b"application/cloudevents+json"
JSON = b"application/json"


class Record(NamedTuple):
    """What to hand to a producer."""

    key: bytes
    value: bytes | None
    headers: list[tuple[str, bytes]]


def wire_time(moment: datetime) -> str:
    """RFC 3339 in UTC: `2019-03-01T11:00:00Z`, with a fraction only where there is one."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def to_record(event: Event[EventData], ours: Mapping[str, str] | None = None) -> Record:
    """The event as a Kafka record in binary mode; attributes that are not set have no header.

    `ours`: attributes, as they go on the wire, that stand in place of the event's own.
    """
    wire = {
        "specversion": "1.0",
        "id": event.id,
        "source": event.source,
        "type": event.type,
        "subject": event.subject,
        "time": wire_time(event.time),
        "recordedtime": wire_time(event.recordedtime) if event.recordedtime else None,
        "dataschema": event.dataschema,
        "sequence": None if event.sequence is None else str(event.sequence),
        "history": "true" if event.history else None,
        "test": "true" if event.test else None,
        "traceparent": event.traceparent,
        "tracestate": event.tracestate,
    }
    if ours:
        wire |= ours
    headers = [(f"ce_{name}", value.encode()) for name, value in wire.items() if value is not None]
    if event.data.tombstone:
        return Record(event.subject.encode(), None, headers)
    headers.append(("content-type", JSON))
    return Record(event.subject.encode(), event.data.json_bytes(), headers)


def attributes(headers: Headers, value: bytes | None) -> Attributes:
    """The attributes of a record in either mode, without a look at its data. Raises Malformed.

    Made for speed: no model is involved. In Hem's own topics every record has a subject; one without is Malformed.
    """
    return _with_subject(_open(headers, value)[0])


def is_test(headers: Headers, value: bytes | None) -> bool:
    """Whether a record is a test event as far as can be told, whatever else is wrong with it. Never raises."""
    headers = list(headers)
    said = dict(headers).get("ce_test")
    if said is not None:
        return said.lower() == b"true"
    try:
        return attributes(headers, value).test
    except Malformed:
        return False


def data_object(headers: Headers, value: bytes | None) -> dict[str, Any] | None:
    """The data of a record in either mode as a JSON object, not checked against its model; None for a tombstone.

    Raises Malformed when there is no object.
    """
    if value is None:
        return None
    content_type = next((content for name, content in headers if name == "content-type"), None)
    if content_type is not None and _is_structured(content_type):
        value = parse_structured(parse_json(value))[1]
    data = parse_json(value, "data")
    if not isinstance(data, dict):
        raise Malformed.because("not_an_object", "a JSON object", kind(data), "data")
    return data


def from_record(
    key: bytes | None, value: bytes | None, headers: Sequence[tuple[str, bytes | None]]
) -> Event[EventData]:
    """The event in a record, data validated as its model; fields it does not know are ignored.

    A record without a key is taken by its subject. Raises Malformed, and UnknownType (a Malformed) for a type or
    major version that the catalogue does not hold.
    """
    found, body = _open(headers, value)
    found = _with_subject(found)
    if key is not None and key != found.subject.encode():
        raise Malformed.because("key_mismatch", "the subject as key", f"{len(key)} other bytes", "key")
    if body is not None:
        return parse_event(found, body)[0]
    model = model_of(found.type)
    if not model.tombstone:
        raise Malformed.because("no_value", "a JSON object", "a tombstone", "data")
    return event_of(found, model.model_validate({model.subject_field: found.subject}))


def _open(headers: Headers, value: bytes | None) -> tuple[Attributes, bytes | None]:
    """Attributes and the data's JSON (None for a tombstone), from either mode."""
    raw: dict[str, object] = {}
    content_type: bytes | None = None
    unreadable: str | None = None
    for name, content in headers:
        if name[:3] == "ce_":
            try:
                raw[name[3:]] = content.decode()  # type: ignore[union-attr]
            except (UnicodeDecodeError, AttributeError):
                unreadable = name[3:] if name[3:] in CHECKS else unreadable
        elif name == "content-type":
            content_type = content
    if value is not None and content_type is not None and content_type != JSON:
        if _is_structured(content_type):
            whole, body = parse_structured(parse_json(value))
            return attributes_of(whole), body
        if not JSON_MEDIA_TYPE.fullmatch(content_type.decode("ascii", "replace")):
            raise Malformed.because("media_type", "application/json", "another media type", "content-type")
    if unreadable is not None:
        raise Malformed.because("header_encoding", "UTF-8 text", "null or other bytes", unreadable)
    return attributes_of(raw), value


def _with_subject(found: Attributes) -> Attributes:
    if not found.subject:
        raise Malformed.because("missing_attribute", expected_of("subject"), "nothing", "subject")
    return found


def _is_structured(content_type: bytes) -> bool:
    return content_type.partition(b";")[0].strip().lower() == STRUCTURED
