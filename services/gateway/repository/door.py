"""All the SQL of the gateway: keys, who owns which source, and which events have been accepted."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any

from services.chassis.transaction import Transaction
from services.gateway.domain.door import EventKey, Identity, Key, KeyId, Publisher

KEY_COLUMNS = "id, publisher, allow, sources, created_at, last_used_on, revoked_at"

FIND_KEY = f"select {KEY_COLUMNS} from publisher_key where hash = $1 and revoked_at is null"
LOCK_KEY = f"select {KEY_COLUMNS} from publisher_key where id = $1 and revoked_at is null for update"
BIND_KEY = "update publisher_key set sources = array[$2::text] where id = $1"
USE_KEY = "update publisher_key set last_used_on = $2 where id = $1 and last_used_on is distinct from $2"
ADD_KEY = """
    insert into publisher_key (publisher, hash, allow, sources, created_at) values ($1, $2, $3, $4, $5) returning id
"""
LIST_KEYS = f"select {KEY_COLUMNS} from publisher_key order by publisher, id"
REVOKE_ALL = """
    update publisher_key set revoked_at = $2 where publisher = $1 and revoked_at is null returning id
"""
REVOKE_ONE = """
    update publisher_key set revoked_at = $3 where publisher = $1 and id = $2 and revoked_at is null returning id
"""

# Sorted, as the identities below: two transactions that name the same rows wait for each other and don't deadlock.
CLAIM_SOURCES = """
    insert into source_owner (source, publisher, claimed_at)
    select source, $2, $3 from unnest($1::text[]) as source order by 1
    on conflict (source) do nothing
"""
OWNERS = "select source, publisher from source_owner where source = any($1::text[])"

# The row that is already there wins; whoever comes second waits for its transaction to end.
REMEMBER = """
    insert into identity (source, id, fingerprint, type, topic, subject, accepted_at)
    select source, id, fingerprint, type, topic, subject, $7
    from unnest($1::text[], $2::text[], $3::bytea[], $4::text[], $5::text[], $6::text[])
        as new (source, id, fingerprint, type, topic, subject)
    order by source, id
    on conflict (source, id) do nothing
    returning source, id
"""
RECALL = """
    select source, id, fingerprint, type, topic, subject
    from unnest($1::text[], $2::text[]) as wanted (source, id) join identity using (source, id)
"""
FORGET = """
    delete from identity
    where (source, id) in (select source, id from identity where accepted_at < $1 order by accepted_at limit $2)
"""

# Once the network has let go of what it held, and once more after the topic's longest wait for compaction.
TO_RETELL = """
    select k.person, coalesce(r.times, 0) + 1 as times
    from person_key k left join erasure_retold r on r.person = k.person
    where k.erased_at < $1::timestamptz - (case coalesce(r.times, 0) when 0 then interval '1 hour' else interval '25 hours' end)
        and coalesce(r.times, 0) < 2
    order by k.person limit $2
"""
RETOLD = """
    insert into erasure_retold (person, times) select * from unnest($1::text[], $2::smallint[])
    on conflict (person) do update set times = excluded.times
"""


async def find_key(tx: Transaction, key_hash: bytes) -> Key | None:
    """The key with this SHA-256, unless it is revoked."""
    row = await tx.fetchrow(FIND_KEY, key_hash)
    return None if row is None else _key(row)


async def lock_key(tx: Transaction, key: KeyId) -> Key | None:
    """The key as it is now, locked until the transaction ends; none when it has been revoked."""
    row = await tx.fetchrow(LOCK_KEY, key)
    return None if row is None else _key(row)


async def bind_key(tx: Transaction, key: KeyId, source: str) -> None:
    await tx.execute(BIND_KEY, key, source)


async def use_key(tx: Transaction, key: KeyId, on: date) -> None:
    """Notes the last day of use, so that an operator sees when an old key can be revoked."""
    await tx.execute(USE_KEY, key, on)


async def add_key(
    tx: Transaction, publisher: Publisher, key_hash: bytes, *, allow: Sequence[str], sources: Sequence[str]
) -> KeyId:
    return KeyId(await tx.fetchval(ADD_KEY, publisher, key_hash, list(allow), list(sources), tx.now()))


async def list_keys(tx: Transaction) -> list[Key]:
    return [_key(row) for row in await tx.fetch(LIST_KEYS)]


async def revoke_keys(tx: Transaction, publisher: Publisher, only: KeyId | None) -> int:
    """Revokes all the publisher's keys, or `only` one. Returns how many were in use until now."""
    if only is None:
        return len(await tx.fetch(REVOKE_ALL, publisher, tx.now()))
    return len(await tx.fetch(REVOKE_ONE, publisher, only, tx.now()))


async def claim_sources(tx: Transaction, publisher: Publisher, sources: Collection[str]) -> None:
    """Gives the publisher those of `sources` that nobody has."""
    await tx.execute(CLAIM_SOURCES, list(sources), publisher, tx.now())


async def owners(tx: Transaction, sources: Collection[str]) -> dict[str, Publisher]:
    """Who owns each of `sources`; a source that nobody has is left out."""
    return {row["source"]: Publisher(row["publisher"]) for row in await tx.fetch(OWNERS, list(sources))}


async def remember(tx: Transaction, identities: Sequence[Identity]) -> set[EventKey]:
    """Keeps the identities that are new, and returns these."""
    rows = await tx.fetch(
        REMEMBER,
        [i.source for i in identities],
        [i.id for i in identities],
        [i.fingerprint for i in identities],
        [i.type for i in identities],
        [i.topic for i in identities],
        [i.subject for i in identities],
        tx.now(),
    )
    return {(row["source"], row["id"]) for row in rows}


async def recall(tx: Transaction, keys: Collection[EventKey]) -> dict[EventKey, Identity]:
    """The identities that are kept for `keys`."""
    if not keys:
        return {}
    sources, ids = zip(*keys, strict=True)
    return {(row["source"], row["id"]): Identity(**row) for row in await tx.fetch(RECALL, sources, ids)}


async def forget(tx: Transaction, accepted_before: datetime, limit: int) -> int:
    """Drops the oldest identities, at most `limit`. Returns how many."""
    return int((await tx.execute(FORGET, accepted_before, limit)).removeprefix("DELETE "))


async def erasures_to_retell(tx: Transaction, limit: int) -> list[str]:
    """Persons whose erasure is due to be told again; from now on it counts as told."""
    rows = await tx.fetch(TO_RETELL, tx.now(), limit)
    await tx.execute(RETOLD, [row["person"] for row in rows], [row["times"] for row in rows])
    return [row["person"] for row in rows]


def _key(row: Any) -> Key:
    return Key(**{**row, "allow": tuple(row["allow"]), "sources": tuple(row["sources"])})
