"""The SQL of publishers' keys: hashed, bound to types and sources, for a while or for good."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from services.chassis.transaction import Transaction
from services.gateway.domain.door import KeyId, Publisher
from services.gateway.domain.keys import Key, Kind
from services.gateway.domain.publishers import narrowed

KEY_COLUMNS = """
    k.id, k.publisher, k.kind, k.allow, k.sources, k.created_at, k.ends_at, k.last_used_on, k.revoked_at,
    (select p.allow from publisher p where p.name = k.publisher) as agreed
"""
FIND_KEY = f"select {KEY_COLUMNS} from publisher_key k where k.hash = $1"
LOCK_KEY = f"select {KEY_COLUMNS} from publisher_key k where k.id = $1 for update of k"
BIND_KEY = "update publisher_key set sources = array[$2::text] where id = $1"
USE_KEY = "update publisher_key set last_used_on = $2 where id = $1 and last_used_on is distinct from $2"
ADD_KEY = """
    insert into publisher_key (publisher, kind, hash, allow, sources, created_at) values ($1, $2, $3, $4, $5, $6)
    returning id
"""
LIST_KEYS = f"""
    select {KEY_COLUMNS} from publisher_key k where $1::text is null or k.publisher = $1 order by k.publisher, k.id
"""
END_KEY = "update publisher_key set ends_at = $2 where id = $1"
REVOKE_ALL = """
    update publisher_key set revoked_at = $2 where publisher = $1 and revoked_at is null returning id
"""
REVOKE_ONE = """
    update publisher_key set revoked_at = $3 where publisher = $1 and id = $2 and revoked_at is null returning id
"""


async def find_key(tx: Transaction, key_hash: bytes) -> Key | None:
    """The key with this SHA-256, also one that works no more."""
    row = await tx.fetchrow(FIND_KEY, key_hash)
    return None if row is None else _key(row)


async def lock_key(tx: Transaction, key: KeyId) -> Key | None:
    """The key as it is now, locked until the transaction ends; none when it works no more."""
    row = await tx.fetchrow(LOCK_KEY, key)
    found = None if row is None else _key(row)
    return found if found is not None and found.works(tx.now()) else None


async def bind_key(tx: Transaction, key: KeyId, source: str) -> None:
    await tx.execute(BIND_KEY, key, source)


async def use_key(tx: Transaction, key: KeyId, on: date) -> None:
    """Notes the last day of use, so that an operator sees when an old key can be revoked."""
    await tx.execute(USE_KEY, key, on)


async def add_key(
    tx: Transaction, publisher: Publisher, kind: Kind, key_hash: bytes, *, allow: Sequence[str], sources: Sequence[str]
) -> KeyId:
    return KeyId(await tx.fetchval(ADD_KEY, publisher, kind, key_hash, list(allow), list(sources), tx.now()))


async def list_keys(tx: Transaction, publisher: Publisher | None = None) -> list[Key]:
    """Every key there has been, or only one publisher's."""
    return [_key(row) for row in await tx.fetch(LIST_KEYS, publisher)]


async def end_key(tx: Transaction, key: KeyId, at: datetime) -> None:
    await tx.execute(END_KEY, key, at)


async def revoke_keys(tx: Transaction, publisher: Publisher, only: KeyId | None) -> int:
    """Revokes all the publisher's keys, or `only` one. Returns how many were in use until now."""
    if only is None:
        return len(await tx.fetch(REVOKE_ALL, publisher, tx.now()))
    return len(await tx.fetch(REVOKE_ONE, publisher, only, tx.now()))


def _key(row: Any) -> Key:
    kept = dict(row)
    agreed = kept.pop("agreed")
    allow = row["allow"] if agreed is None else narrowed(row["allow"], agreed)
    return Key(**{**kept, "allow": tuple(allow), "sources": tuple(row["sources"])})
