"""The SQL of the register: who may publish, and what was agreed with them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from services.chassis.transaction import Transaction
from services.gateway.domain.door import Publisher
from services.gateway.domain.publishers import Agreed, Registered

REGISTER_COLUMNS = """
    p.name, p.owner, p.contact, p.allow, p.expected_interval, p.rate_limit, p.kafka,
    p.registered_at, p.awaited_from, p.retired_at,
    array(select o.source from source_owner o where o.publisher = p.name order by o.source) as sources
"""
FIND = f"select {REGISTER_COLUMNS} from publisher p where p.name = $1"
LOCK = f"select {REGISTER_COLUMNS} from publisher p where p.name = $1 for update of p"
LIST = f"select {REGISTER_COLUMNS} from publisher p order by p.retired_at is not null, p.name"
ADD = """
    insert into publisher (name, owner, contact, allow, expected_interval, rate_limit, kafka, registered_at, awaited_from)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $8)
    on conflict (name) do nothing returning name
"""
# Whoever is waited for anew, or more often than before, is waited for from now on.
CHANGE = """
    update publisher
    set owner = $2, contact = $3, allow = $4, rate_limit = $6, kafka = $7, retired_at = null,
        awaited_from = case when expected_interval is distinct from $5 or retired_at is not null then $8 else awaited_from end,
        expected_interval = $5
    where name = $1
"""
RETIRE = "update publisher set retired_at = $2 where name = $1 and retired_at is null returning name"


async def find(tx: Transaction, name: Publisher) -> Registered | None:
    row = await tx.fetchrow(FIND, name)
    return None if row is None else _registered(row)


async def lock(tx: Transaction, name: Publisher) -> Registered | None:
    """As `find`, and nobody else changes what is agreed until the transaction ends."""
    row = await tx.fetchrow(LOCK, name)
    return None if row is None else _registered(row)


async def list_all(tx: Transaction) -> list[Registered]:
    """All of them by name, those that have retired last."""
    return [_registered(row) for row in await tx.fetch(LIST)]


async def add(tx: Transaction, name: Publisher, agreed: Agreed) -> bool:
    """Whether it is new."""
    return await tx.fetchval(ADD, name, *_values(agreed), tx.now()) is not None


async def change(tx: Transaction, name: Publisher, agreed: Agreed) -> None:
    """One that had retired is back."""
    await tx.execute(CHANGE, name, *_values(agreed), tx.now())


async def retire(tx: Transaction, name: Publisher, at: datetime) -> bool:
    """Whether it was there and had not retired before."""
    return await tx.fetchval(RETIRE, name, at) is not None


def _values(agreed: Agreed) -> Sequence[Any]:
    return (
        agreed.owner,
        agreed.contact,
        list(agreed.allow),
        agreed.expected_interval,
        agreed.rate_limit,
        agreed.kafka,
    )


def _registered(row: Any) -> Registered:
    agreed = Agreed(
        row["owner"], row["contact"], tuple(row["allow"]), row["expected_interval"], row["rate_limit"], row["kafka"]
    )
    return Registered(
        row["name"], agreed, tuple(row["sources"]), row["registered_at"], row["awaited_from"], row["retired_at"]
    )
