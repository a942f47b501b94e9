"""How far each partition is applied, and rebuilding. Functions take the connection; whoever opened the transaction commits
it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from services.chassis.postgres import Connection

OFFSETS = """
    select topic, part, next_offset, cluster, fingerprint from projection_offset
    where (topic, part) in (select * from unnest($1::text[], $2::int[]))
"""
LOCK_OFFSETS = """
    select o.topic, o.part, o.next_offset from projection_offset o
    join unnest($1::text[], $2::int[]) as mine (topic, part) using (topic, part)
    order by o.topic, o.part for update of o
"""
START_OFFSET = """
    insert into projection_offset (topic, part, next_offset, cluster) values ($1, $2, 0, $3) on conflict do nothing
"""
ADVANCE = """
    update projection_offset o set next_offset = n.next_offset, fingerprint = n.fingerprint
    from unnest($1::text[], $2::int[], $3::bigint[], $4::bytea[]) as n (topic, part, next_offset, fingerprint)
    where o.topic = n.topic and o.part = n.part
"""
HOLD_OFF_REBUILD = "select generation from rebuild for share"
START_REBUILD = "update rebuild set ends = $1, started_at = $2"
EMPTY = """
    truncate fact, fact_link, early_withdrawal, subject_state, rollup, standing, tally, look_up, heard, heard_of, finding,
        area, programme, target, document, projection_offset
"""
REBUILD_ENDS = "select ends from rebuild"
PROGRESS = "select topic, part, next_offset from projection_offset"
APPLIED = "select coalesce(sum(next_offset), 0)::bigint from projection_offset"


@dataclass(frozen=True, slots=True)
class Offset:
    """How far a partition is applied, and how to tell that the log is still the same."""

    next: int
    cluster: str
    fingerprint: bytes | None


Partition = tuple[str, int]


async def hold_off_rebuild(connection: Connection) -> int:
    """Until the transaction ends no rebuild begins and no definition changes. Gives the generation of the definitions."""
    return int(await connection.fetchval(HOLD_OFF_REBUILD))


async def offsets(connection: Connection, partitions: Iterable[Partition]) -> dict[Partition, Offset]:
    topics, parts = _columns(partitions)
    rows = await connection.fetch(OFFSETS, topics, parts)
    return {(row[0], row[1]): Offset(row[2], row[3], row[4]) for row in rows}


async def lock_offsets(connection: Connection, partitions: Iterable[Partition]) -> dict[Partition, int]:
    """The next offsets of the partitions, locked in order until the transaction ends."""
    topics, parts = _columns(partitions)
    rows = await connection.fetch(LOCK_OFFSETS, topics, parts)
    return {(row[0], row[1]): row[2] for row in rows}


async def advance(connection: Connection, to: Mapping[Partition, tuple[int, bytes]]) -> None:
    """Sets next offset and fingerprint of each partition."""
    topics, parts = _columns(to)
    await connection.execute(ADVANCE, topics, parts, [n for n, _ in to.values()], [f for _, f in to.values()])


async def start_rebuild(connection: Connection, ends: Mapping[Partition, int], at: datetime) -> None:
    """Forgets all that is derived from the topics, and how far they were read. `ends`: where each partition ended."""
    await connection.execute(START_REBUILD, [[topic, part, end] for (topic, part), end in ends.items()], at)
    await connection.execute(EMPTY)


async def rebuild_progress(connection: Connection) -> tuple[int, int]:
    """(read, of): records read again since the rebuild began, of those there were then."""
    ends = {(topic, part): end for topic, part, end in await connection.fetchval(REBUILD_ENDS)}
    done = {(row[0], row[1]): row[2] for row in await connection.fetch(PROGRESS)}
    return sum(min(done.get(p, 0), end) for p, end in ends.items()), sum(ends.values())


async def applied(connection: Connection) -> int:
    """How many records are applied in all: changes whenever a figure may have."""
    return int(await connection.fetchval(APPLIED))


def _columns(partitions: Iterable[Partition]) -> tuple[list[str], list[int]]:
    pairs = list(partitions)
    return [topic for topic, _ in pairs], [part for _, part in pairs]
