"""What operators see and decide of parked records: how many wait and why, which they are, who settled them and when."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from schemas.topics import TOPICS
from services.chassis.transaction import Transaction

State = Literal["open", "replayed", "discarded"]

COUNTS = "select state, reason, topic, count(*) as count, max(id) as last from parked group by 1, 2, 3"
ROWS = """
    select id, topic, partition, "offset", key, reason, detail, parked_at, state, test, settled_at, settled_by
    from parked
    where state = $1 and ($2::text is null or reason = $2) and ($3::text is null or topic = $3)
    order by settled_at desc nulls first, id limit $4 offset $5
"""
NUMBERS = """
    select id from parked
    where state = 'open' and reason = $1 and ($2::text is null or topic = $2) and id <= $3 order by id limit $4
"""
SETTLE = "update parked set state = $2, settled_at = $3, settled_by = $4 where id = $1"
DISCARD = """
    update parked set state = 'discarded', settled_at = $2, settled_by = $3
    where id = any($1::bigint[]) and state = 'open' returning id
"""


@dataclass(frozen=True, slots=True)
class Count:
    state: State
    reason: str
    topic: str
    count: int
    last: int  # the highest number among them


@dataclass(frozen=True, slots=True)
class Row:
    """One parked record in a list. `key` is None on topics of persons and of answers, and where the record had none."""

    id: int
    topic: str
    partition: int
    offset: int
    key: str | None
    reason: str
    detail: str
    parked_at: datetime
    state: State
    test: bool
    settled_at: datetime | None
    settled_by: str | None


async def counts(tx: Transaction) -> list[Count]:
    """How many there are by state, reason and topic."""
    return [Count(**row) for row in await tx.fetch(COUNTS)]


async def rows(
    tx: Transaction, state: State, reason: str | None, topic: str | None, *, most: int, skip: int = 0
) -> list[Row]:
    """Those that wait, the oldest first; of the settled ones the latest first."""
    return [_row(row) for row in await tx.fetch(ROWS, state, reason, topic, most, skip)]


async def numbers_of(tx: Transaction, reason: str, topic: str | None, *, upto: int, most: int) -> list[int]:
    """Numbers of those that wait for one reason, the oldest first, none after `upto`."""
    return [row["id"] for row in await tx.fetch(NUMBERS, reason, topic, upto, most)]


async def settle(tx: Transaction, parked_id: int, state: State, by: str) -> None:
    await tx.execute(SETTLE, parked_id, state, tx.now(), by)


async def discard(tx: Transaction, numbers: Sequence[int], by: str) -> list[int]:
    """Discards those of `numbers` that wait. Returns which they were."""
    return [row["id"] for row in await tx.fetch(DISCARD, list(numbers), tx.now(), by)]


def is_masked(topic: str) -> bool:
    """Whether a record's key, headers and data are shown to nobody: contact details, answers and codes."""
    return TOPICS[topic].personal or TOPICS[topic].private


def _row(row: Any) -> Row:
    key = None if row["key"] is None or is_masked(row["topic"]) else row["key"].decode("utf-8", "backslashreplace")
    return Row(**{**row, "key": key})
