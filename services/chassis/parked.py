"""Records that can't be handled: set aside with the reason, so that the rest flows, and replayed when it is mended."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from schemas.kafka import is_test
from schemas.topics import TOPICS, Topic
from services.chassis.errors import describe, is_temporary
from services.chassis.ids import uuid7
from services.chassis.outbox import MAX_PAYLOAD, Outgoing
from services.chassis.transaction import Transaction

LONGEST_KEY = 512
MAX_HEADERS, MAX_HEADER = 32, 1024

PARK = """
    insert into parked
        (consumer, topic, partition, "offset", key, headers, payload, sealed, reason, detail, parked_at, test, forget_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
    on conflict (consumer, topic, partition, "offset") do nothing
    returning id
"""
KEYS_WITH_PARKED = """
    select distinct topic, key from parked
    where consumer = $1 and topic = any($2::text[]) and state = 'open' and not test
        and sha256(key) = any(select sha256(one) from unnest($3::bytea[]) as one)
"""
FIND = """
    select id, topic, partition, "offset", key, headers, payload, sealed, reason, detail, parked_at, state, test,
        settled_at, settled_by
    from parked where id = $1 for update
"""
FIRST_OF_KEY = """
    select min(id) from parked
    where consumer = $1 and topic = $2 and sha256(key) = sha256($3::bytea) and state = 'open' and not test
"""
NEXT_BEHIND = """
    select min(id) from parked
    where consumer = $1 and topic = $2 and sha256(key) = sha256($3::bytea) and state = 'open' and reason = $4
"""
BEHIND = "behind"


@dataclass(frozen=True, slots=True)
class Arrived:
    """A record as it came from Kafka: `topic` by its name in the catalogue, bytes untouched."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    headers: Sequence[tuple[str, bytes | None]]
    value: bytes | None


@dataclass(frozen=True, slots=True)
class Parked:
    """A record that was set aside: `state` is open, replayed or discarded."""

    record: Arrived
    state: str


async def park(tx: Transaction, consumer: str, record: Arrived, reason: str, detail: str) -> None:
    """Sets `record` aside. On personal topics its bytes are sealed for the person of its key, on private ones under the
    service's own key, and the row goes when the topic's retention is over; elsewhere a copy goes to `<consumer>.dlq`.
    Doing it twice does it once.

    Parking works for every record: of one whose bytes can't be kept, the place in the topic is.
    """
    try:
        async with tx.savepoint():
            await _park(tx, consumer, record, reason, detail)
    except Exception as error:
        if is_temporary(error):
            raise
        bare = Arrived(record.topic, record.partition, record.offset, None, (), None)
        await _park(tx, consumer, bare, reason, f"{detail} (bytes not kept: {describe(error)})")


async def _park(tx: Transaction, consumer: str, record: Arrived, reason: str, detail: str) -> None:
    topic = TOPICS[record.topic]
    payload, sealed = await _kept(tx, topic, record)
    new = await tx.fetchval(
        PARK,
        consumer,
        record.topic,
        record.partition,
        record.offset,
        record.key,
        [[_clean(name), None if value is None else base64.b64encode(value).decode()] for name, value in record.headers],
        payload,
        sealed,
        reason,
        _clean(detail),
        tx.now(),
        is_test(record.headers, record.value),
        tx.now() + timedelta(milliseconds=topic.retention_ms) if topic.private else None,
    )
    if new is not None and not topic.personal and not topic.private:
        tx.send(_dead_letter(tx, consumer, record, reason, detail))


async def _kept(tx: Transaction, topic: Topic, record: Arrived) -> tuple[bytes | None, bool]:
    """What is kept of the bytes, and whether it is sealed."""
    if record.value is None or not (topic.personal or topic.private):
        return record.value, False
    if topic.private:
        return tx.seal_private(topic.name, record.value), True
    # Bytes of nobody we know can't be sealed, or the person is erased: then they are not kept at all.
    person = _text(record.key)
    if person is None or await tx.is_erased(person):
        return None, False
    return await tx.seal(person, record.value), True


async def keys_with_parked(tx: Transaction, consumer: str, records: Sequence[Arrived]) -> set[tuple[str, bytes]]:
    """The (topic, key) among `records` for which something is parked and waits."""
    topics, keys = {r.topic for r in records}, {r.key for r in records if r.key is not None}
    rows = await tx.fetch(KEYS_WITH_PARKED, consumer, list(topics), list(keys))
    return {(row["topic"], row["key"]) for row in rows}


async def details(tx: Transaction, parked_id: int) -> dict[str, Any] | None:
    """The row with headers and data as text, of a personal or private topic neither these nor the key; locked until the
    transaction ends."""
    row = await tx.fetchrow(FIND, parked_id)
    if row is None:
        return None
    shown = _readable({name: value for name, value in row.items() if name not in ("headers", "payload", "sealed")})
    topic = TOPICS[row["topic"]]
    if topic.personal or topic.private:
        return {**shown, "key": None, "headers": None, "data": None}
    headers = {name: _printable(value) for name, value in _decoded(row["headers"])}
    return {**shown, "headers": headers, "data": _printable(row["payload"])}


async def take(tx: Transaction, parked_id: int) -> Parked | None:
    """The parked record, locked until the transaction ends and unsealed. Raises `Erased`."""
    row = await tx.fetchrow(FIND, parked_id)
    if row is None:
        return None
    value = row["payload"]
    if row["sealed"]:
        private = TOPICS[row["topic"]].private
        value = tx.unseal_private(row["topic"], value) if private else await tx.unseal(row["key"].decode(), value)
    headers = _decoded(row["headers"])
    return Parked(Arrived(row["topic"], row["partition"], row["offset"], row["key"], headers, value), row["state"])


async def earlier(tx: Transaction, consumer: str, parked_id: int, record: Arrived) -> int | None:
    """The number of a record of the same key that was parked before and still waits, if there is one. A test event
    waits for none."""
    if is_test(record.headers, record.value):
        return None
    first: int | None = await tx.fetchval(FIRST_OF_KEY, consumer, record.topic, record.key)
    return first if first is not None and first < parked_id else None


async def next_behind(tx: Transaction, consumer: str, record: Arrived) -> int | None:
    """The number of the next record of the same key that was parked only because it came behind `record`."""
    found: int | None = await tx.fetchval(NEXT_BEHIND, consumer, record.topic, record.key, BEHIND)
    return found


def _dead_letter(tx: Transaction, consumer: str, record: Arrived, reason: str, detail: str) -> Outgoing:
    """A copy for whoever watches the topic. What is too large is named and left out: the parked row has it."""
    origin = f"{record.topic}/{record.partition}/{record.offset}"
    headers = [
        (_clean(name), _clean((value or b"").decode("latin-1")).encode())
        for name, value in record.headers[:MAX_HEADERS]
        if (name.startswith("ce_") or name == "content-type") and len(name) + len(value or b"") <= MAX_HEADER
    ]
    left_out = ["headers"] if len(headers) < len(record.headers) else []
    value = record.value
    if value is not None and len(value) > MAX_PAYLOAD:
        value = None
        left_out.append("the data")
    why = {"hem_origin": origin, "hem_reason": reason, "hem_detail": _clean(detail)}
    if left_out:
        why["hem_left_out"] = f"{', '.join(left_out)}: see the parked row"
    return Outgoing(
        event_id=str(uuid7(tx.now())),
        topic=f"{consumer}.dlq",
        key=_text(record.key) or origin,
        headers=(*headers, *((name, text.encode()) for name, text in why.items())),
        payload=value,
    )


def _text(key: bytes | None) -> str | None:
    """A key as text that Postgres can hold and index."""
    try:
        text = (key or b"").decode()
    except UnicodeDecodeError:
        return None
    return text if text and "\0" not in text and len(text) <= LONGEST_KEY else None


def _clean(text: str) -> str:
    return text.replace("\0", "\ufffd")


def _decoded(kept: Sequence[tuple[str, str | None]]) -> list[tuple[str, bytes | None]]:
    """Headers from the form that their column keeps them in."""
    return [(name, None if text is None else base64.b64decode(text)) for name, text in kept]


def _readable(row: Any) -> dict[str, Any]:
    return {**row, "key": _printable(row["key"])}


def _printable(value: bytes | None) -> str | None:
    return None if value is None else value.decode("utf-8", errors="backslashreplace")
