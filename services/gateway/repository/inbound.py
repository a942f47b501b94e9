"""The SQL of publishers' own topics: who has one, and the records there that could not be let in."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from services.chassis.transaction import Transaction
from services.gateway.domain.door import FieldError, Publisher
from services.gateway.domain.inbound import Choice, Fault, Parked, ParkedId, Spot, State

PARKED_COLUMNS = """
    id, publisher, partition, "offset", written_at, event_id, source, reason, detail, errors, parked_at, state,
    settled_at, settled_by
"""
PUBLISHERS = "select name from publisher where kafka and retired_at is null order by name"
PARK = """
    insert into inbound_parked
        (publisher, partition, "offset", written_at, event_id, source, reason, detail, errors, parked_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
    on conflict (publisher, partition, "offset", written_at) do nothing
"""
LIST = f"""
    select {PARKED_COLUMNS} from inbound_parked
    where publisher = $1 and state = any($2::text[]) and ($3::bigint is null or id < $3) order by id desc limit $4
"""
COUNT = """
    select reason, count(*) as count from inbound_parked
    where publisher = $1 and state = 'open' group by reason order by count(*) desc, reason
"""
CHOOSE = f"""
    select {PARKED_COLUMNS} from inbound_parked
    where publisher = $1 and state = 'open' and ($2::bigint[] is null or id = any($2)) and ($3::text is null or reason = $3)
    order by id limit $4
"""
COUNT_CHOSEN = """
    select count(*) from inbound_parked
    where publisher = $1 and state = 'open' and ($2::bigint[] is null or id = any($2)) and ($3::text is null or reason = $3)
"""
DISCARD = """
    update inbound_parked set state = 'discarded', settled_at = $4, settled_by = $5
    where publisher = $1 and state = 'open' and ($2::bigint[] is null or id = any($2)) and ($3::text is null or reason = $3)
    returning id
"""
SETTLE = """
    update inbound_parked set state = $2, settled_at = $3, settled_by = $4 where id = any($1::bigint[]) and state = 'open'
"""
REFUSE_AGAIN = """
    update inbound_parked set reason = $2, detail = $3, errors = $4, event_id = $5, source = $6
    where id = $1 and state = 'open'
"""
FORGET = """
    delete from inbound_parked
    where id in (select id from inbound_parked where parked_at < $1 order by parked_at limit $2)
"""


async def publishers(tx: Transaction) -> list[Publisher]:
    """Those who may write to a topic of their own."""
    return [Publisher(row["name"]) for row in await tx.fetch(PUBLISHERS)]


async def park(tx: Transaction, publisher: Publisher, faults: Sequence[tuple[Spot, Fault]]) -> None:
    """Keeps why records were not let in, of those of which it isn't kept already."""
    await tx.executemany(
        PARK,
        [
            (publisher, spot.partition, spot.offset, spot.written_at, fault.event_id, fault.source, fault.reason,
             fault.detail, _errors(fault), tx.now())
            for spot, fault in faults
        ],
    )  # fmt: skip


async def listing(
    tx: Transaction, publisher: Publisher, states: Sequence[State], *, before: ParkedId | None = None, limit: int
) -> list[Parked]:
    """The latest first."""
    return [_parked(row) for row in await tx.fetch(LIST, publisher, list(states), before, limit)]


async def counts(tx: Transaction, publisher: Publisher) -> Mapping[str, int]:
    """How many wait, by reason, the most common first."""
    return {row["reason"]: row["count"] for row in await tx.fetch(COUNT, publisher)}


async def choose(tx: Transaction, publisher: Publisher, choice: Choice, limit: int) -> list[Parked]:
    """Those that wait and are meant, the oldest first."""
    return [_parked(row) for row in await tx.fetch(CHOOSE, publisher, *_chosen(choice), limit)]


async def count_chosen(tx: Transaction, publisher: Publisher, choice: Choice) -> int:
    return int(await tx.fetchval(COUNT_CHOSEN, publisher, *_chosen(choice)))


async def discard(tx: Transaction, publisher: Publisher, choice: Choice, by: str) -> int:
    """Settles those that wait and are meant. Returns how many they were."""
    return len(await tx.fetch(DISCARD, publisher, *_chosen(choice), tx.now(), by))


async def settle(tx: Transaction, ids: Sequence[ParkedId], state: State, by: str) -> None:
    await tx.execute(SETTLE, list(ids), state, tx.now(), by)


async def refuse_again(tx: Transaction, parked: ParkedId, fault: Fault) -> None:
    """Keeps what is wrong with it now."""
    await tx.execute(
        REFUSE_AGAIN, parked, fault.reason, fault.detail, _errors(fault), fault.event_id, fault.source
    )  # fmt: skip


async def forget(tx: Transaction, parked_before: datetime, limit: int) -> int:
    """Drops the oldest, at most `limit`. Returns how many."""
    return int((await tx.execute(FORGET, parked_before, limit)).removeprefix("DELETE "))


def _chosen(choice: Choice) -> tuple[list[ParkedId] | None, str | None]:
    return None if choice.ids is None else list(choice.ids), choice.reason


def _errors(fault: Fault) -> list[list[str]]:
    return [[error.field, error.expected, error.got] for error in fault.errors]


def _parked(row: Any) -> Parked:
    errors = tuple(FieldError(*error) for error in row["errors"])
    return Parked(
        id=ParkedId(row["id"]),
        publisher=Publisher(row["publisher"]),
        spot=Spot(row["partition"], row["offset"], row["written_at"]),
        fault=Fault(row["reason"], row["detail"], errors, row["event_id"], row["source"]),
        parked_at=row["parked_at"],
        state=row["state"],
        settled_at=row["settled_at"],
        settled_by=row["settled_by"],
    )
