"""From a Kafka record to a fact, and back from a stored fact to typed data."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from aiokafka import ConsumerRecord
from pydantic import TypeAdapter

from schemas.catalogue import MODELS
from schemas.envelope import Attributes, parse_data
from schemas.event import EventData
from schemas.fields import UriReference
from schemas.kafka import Malformed, UnknownType, attributes, data_object, from_record
from schemas.text import dump_json
from services.reporting.domain.facts import Fact
from services.reporting.repository.facts import FactRow

_NUL = b"\\u0000"
_HISTORY = {None: False, b"false": False, b"true": True}


@dataclass(frozen=True, slots=True)
class Decoded:
    """A readable record: the row to store, and its data; none for a type that came after this version. A test event's
    row is never stored."""

    row: FactRow
    data: EventData | None
    test: bool = False

    @property
    def fact(self) -> Fact:
        return fact_of(self.row, self.data)


def decode(record: ConsumerRecord[Any, Any], topic: str) -> Decoded:
    """Reads a record of `topic` (its name in the catalogue). Raises `Malformed`."""
    return _decode_at_once(record, topic) or decode_with_care(record, topic)


def _decode_at_once(record: ConsumerRecord[Any, Any], topic: str) -> Decoded | None:
    """A record as our own services write it, in a third of the time. None: take care, and say what is wrong if it is.

    Nothing is let through here that care would refuse; a test holds the two beside each other.
    """
    headers, key, value = dict(record.headers), record.key, record.value
    if len(headers) != len(record.headers) or None in headers.values() or "ce_test" in headers:
        return None
    try:
        model = MODELS[headers["ce_type"].decode()]
        id, subject = headers["ce_id"].decode(), key.decode()
        plain = (
            headers["content-type"] == b"application/json"
            and headers["ce_specversion"] == b"1.0"
            and headers["ce_subject"] == key
            and 0 < len(id) <= 128
            and id.isprintable()
            and 0 < len(subject) <= 128
            and subject.isprintable()
            and _NUL not in value
        )
        if not plain:
            return None
        data = model.model_validate_json(value)
        if model.subject_field and data.subject != subject:
            return None
        recorded = headers.get("ce_recordedtime")
        row = FactRow(
            _uri(headers["ce_source"]),
            id,
            model.type,
            topic,
            record.partition,
            record.offset,
            subject,
            _moment(headers["ce_time"]),
            None if recorded is None else _moment(recorded),
            _sequence(headers.get("ce_sequence")),
            _HISTORY[headers.get("ce_history")],
            value,
        )
        _ignored(headers)
    except (LookupError, AttributeError, TypeError, ValueError):
        return None
    return Decoded(row, data)


def _moment(header: bytes) -> datetime:
    """`2019-03-01T11:00:00Z` or with six decimals. Raises `ValueError` for every other way to write it."""
    text = header.decode()
    if len(text) not in (20, 27) or text[10] != "T" or text[16] != ":" or text[-1] != "Z":
        raise ValueError("written another way")
    moment = datetime.fromisoformat(text)
    if not 1900 <= moment.year <= 9998:
        raise ValueError("out of range")
    return moment


def _sequence(header: bytes | None) -> int | None:
    if header is None:
        return None
    if not header.isdigit() or len(header) > 18:
        raise ValueError("written another way")
    return int(header)


def _ignored(headers: Mapping[str, bytes]) -> None:
    """What isn't stored must be readable all the same. Raises as decoding does."""
    schema = headers.get("ce_dataschema")
    if schema is not None:
        _uri(schema)
    for name in ("ce_traceparent", "ce_tracestate", "ce_datacontenttype"):
        if name in headers:
            headers[name].decode()


@lru_cache(maxsize=1000)
def _uri(header: bytes) -> str:
    """A URI-reference, of which there are few. Raises `ValueError`."""
    return TypeAdapter(UriReference).validate_python(header.decode())


def decode_with_care(record: ConsumerRecord[Any, Any], topic: str) -> Decoded:
    """Every mode, and a reason for what can't be read. Types this version doesn't know are kept: they may count later.

    Raises `Malformed`.
    """
    found = attributes(record.headers, record.value)
    if record.key is not None and record.key != found.subject.encode():
        raise Malformed.because("key_mismatch", "the subject as key", f"{len(record.key)} other bytes", "key")
    try:
        data = from_record(record.key, record.value, record.headers).data
    except UnknownType:
        fields = data_object(record.headers, record.value)
        if fields is None:
            raise
        return Decoded(_row(record, topic, found, dump_json(fields)), None, found.test)
    return Decoded(_row(record, topic, found, data.json_bytes()), data, found.test)


def _row(record: ConsumerRecord[Any, Any], topic: str, found: Attributes, payload: bytes) -> FactRow:
    return FactRow(
        found.source,
        found.id,
        found.type,
        topic,
        record.partition,
        record.offset,
        found.subject,
        found.time,
        found.recordedtime,
        found.sequence,
        found.history,
        payload,
    )


def stored_data(row: FactRow) -> EventData | None:
    """The typed data of a stored fact; None where its type isn't in the catalogue, or isn't what it was."""
    model = MODELS.get(row.type)
    if model is None:
        return None
    try:
        return parse_data(model, row.payload)[0]
    except Malformed:
        return None


def fact_of(row: FactRow, data: EventData | None) -> Fact:
    return Fact(
        row.source, row.event_id, row.type, row.topic, row.subject, row.time, row.sequence,
        {} if data is None else data.__dict__,
    )  # fmt: skip


def stored_fact(row: FactRow) -> Fact:
    return fact_of(row, stored_data(row))


def fingerprint(record: ConsumerRecord[Any, Any]) -> bytes:
    """What tells this record from another at the same offset of a topic that was made anew."""
    digest = blake2b(digest_size=16)
    for part in (record.key, record.value, *(text for header in record.headers for text in header)):
        content = part.encode() if isinstance(part, str) else part or b""
        digest.update(len(content).to_bytes(4) + content)
    return digest.digest()
