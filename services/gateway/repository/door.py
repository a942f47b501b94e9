"""The SQL of the door: who owns which source, and which events have been accepted, test events apart."""

from collections.abc import Collection, Sequence
from datetime import datetime

from services.chassis.transaction import Transaction
from services.gateway.domain.door import EventKey, Identity, Publisher

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
REMEMBER_TEST = REMEMBER.replace("into identity", "into test_identity")
RECALL_TEST = RECALL.replace("join identity", "join test_identity")
FORGET_TEST = FORGET.replace("from identity", "from test_identity")

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


async def claim_sources(tx: Transaction, publisher: Publisher, sources: Collection[str]) -> None:
    """Gives the publisher those of `sources` that nobody has."""
    await tx.execute(CLAIM_SOURCES, list(sources), publisher, tx.now())


async def owners(tx: Transaction, sources: Collection[str]) -> dict[str, Publisher]:
    """Who owns each of `sources`; a source that nobody has is left out."""
    return {row["source"]: Publisher(row["publisher"]) for row in await tx.fetch(OWNERS, list(sources))}


async def remember(tx: Transaction, identities: Sequence[Identity], *, test: bool) -> set[EventKey]:
    """Keeps the identities that are new, and returns these."""
    rows = await tx.fetch(
        REMEMBER_TEST if test else REMEMBER,
        [i.source for i in identities],
        [i.id for i in identities],
        [i.fingerprint for i in identities],
        [i.type for i in identities],
        [i.topic for i in identities],
        [i.subject for i in identities],
        tx.now(),
    )
    return {(row["source"], row["id"]) for row in rows}


async def recall(tx: Transaction, keys: Collection[EventKey], *, test: bool) -> dict[EventKey, Identity]:
    """The identities that are kept for `keys`."""
    if not keys:
        return {}
    sources, ids = zip(*keys, strict=True)
    rows = await tx.fetch(RECALL_TEST if test else RECALL, sources, ids)
    return {(row["source"], row["id"]): Identity(**row) for row in rows}


async def forget(tx: Transaction, accepted_before: datetime, limit: int, *, test: bool) -> int:
    """Drops the oldest identities, at most `limit`. Returns how many."""
    gone = await tx.execute(FORGET_TEST if test else FORGET, accepted_before, limit)
    return int(gone.removeprefix("DELETE "))


async def erasures_to_retell(tx: Transaction, limit: int) -> list[str]:
    """Persons whose erasure is due to be told again; from now on it counts as told."""
    rows = await tx.fetch(TO_RETELL, tx.now(), limit)
    await tx.execute(RETOLD, [row["person"] for row in rows], [row["times"] for row in rows])
    return [row["person"] for row in rows]
