"""SQL of the things that reports are about."""

from collections.abc import Collection, Sequence
from operator import itemgetter

from services.chassis.transaction import Transaction
from services.gateway.domain.door import EventKey
from services.gateway.domain.known import Fact, Thing, ThingKind

NOTE = """
    insert into known_fact (kind, thing, source, event_id, sequence, time, name, code, area, ended_on, ends)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
    on conflict (kind, thing, source, event_id) do nothing
"""
TAKE_BACK = """
    delete from known_fact using unnest($1::text[], $2::text[]) as withdrawn (source, id)
    where known_fact.source = withdrawn.source and known_fact.event_id = withdrawn.id
"""
# Of what is told of a thing the latest holds, by the rule of corrections; but what names it goes before what does not.
THINGS = """
    select t.thing as id, t.name, t.code, t.area, a.name as area_name, coalesce(e.ended_on, t.ended_on) as ended_on
    from (
        select distinct on (thing) * from known_fact where kind = $1 and not ends
        order by thing, num_nonnulls(name, code) = 0, sequence desc, time desc, event_id collate "C" desc
    ) as t
    left join lateral (
        select ended_on from known_fact e where e.kind = t.kind and e.thing = t.thing and e.ends
        order by sequence desc, time desc, event_id collate "C" desc limit 1
    ) as e on true
    left join lateral (
        select name from known_fact a where a.kind = 'area' and a.thing = t.area
        order by sequence desc, time desc, event_id collate "C" desc limit 1
    ) as a on true
    order by t.time desc limit $2
"""
HAS_READ = "select topic from known_read"
READ = (
    "insert into known_read (topic, read_at) select topic, $2 from unnest($1::text[]) as topic on conflict do nothing"
)


async def note(tx: Transaction, facts: Collection[Fact]) -> None:
    """Keeps what is new of `facts`."""
    rows = [
        (f.kind, f.thing, f.source, f.event_id, f.sequence, f.time, f.name, f.code, f.area, f.ended_on, f.ends)
        for f in facts
    ]
    await tx.executemany(NOTE, sorted(rows, key=itemgetter(0, 1, 2, 3)))


async def take_back(tx: Transaction, events: Sequence[EventKey]) -> None:
    """Drops what withdrawn events told."""
    await tx.execute(TAKE_BACK, [source for source, _ in events], [id for _, id in events])


async def things(tx: Transaction, kind: ThingKind, most: int) -> list[Thing]:
    """The things of a kind that are known, those last heard of first."""
    return [Thing(**row) for row in await tx.fetch(THINGS, kind, most)]


async def topics_read(tx: Transaction) -> set[str]:
    return {row["topic"] for row in await tx.fetch(HAS_READ)}


async def mark_read(tx: Transaction, topics: Sequence[str]) -> None:
    await tx.execute(READ, list(topics), tx.now())
