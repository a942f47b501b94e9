"""From a Kafka record to a fact, and back from a stored fact to typed data."""

from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from aiokafka import ConsumerRecord

from schemas.catalogue import MODELS
from schemas.envelope import Attributes, parse_data
from schemas.event import EventData
from schemas.kafka import Malformed, UnknownType, attributes, data_object, from_record
from schemas.text import dump_json
from services.reporting.domain import Fact
from services.reporting.repository import FactRow

JSON = ("content-type", b"application/json")


@dataclass(frozen=True, slots=True)
class Decoded:
    """A readable record: the row to store, and its data; none for a type that came after this version."""

    row: FactRow
    data: EventData | None

    @property
    def fact(self) -> Fact:
        return fact_of(self.row, self.data)


def decode(record: ConsumerRecord[Any, Any], topic: str) -> Decoded:
    """Reads a record of `topic` (its name in the catalogue). Raises `Malformed`."""
    found = attributes(record.headers, record.value)
    if record.key is not None and record.key != found.subject.encode():
        raise Malformed.because("key_mismatch", "the subject as key", f"{len(record.key)} other bytes", "key")
    model = MODELS.get(found.type)
    if model is None or JSON not in record.headers or record.value is None or b"\\u0000" in record.value:
        return _decode_with_care(record, topic, found)
    data, _ = parse_data(model, record.value)
    if model.subject_field and getattr(data, model.subject_field) != found.subject:
        raise Malformed.because(
            "invalid_attribute", f"the value of data.{model.subject_field}", "another id", "subject"
        )
    return Decoded(_row(record, topic, found, record.value), data)


def _decode_with_care(record: ConsumerRecord[Any, Any], topic: str, found: Attributes) -> Decoded:
    """Structured mode, tombstones and the like, and types this version doesn't know: kept, they may count later."""
    try:
        data = from_record(record.key, record.value, record.headers).data
    except UnknownType:
        fields = data_object(record.headers, record.value)
        if fields is None:
            raise
        return Decoded(_row(record, topic, found, dump_json(fields)), None)
    return Decoded(_row(record, topic, found, data.json_bytes()), data)


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
