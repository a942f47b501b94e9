"""All the SQL of reporting. Functions take the connection; whoever opened the transaction commits it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

import orjson

from services.chassis.postgres import Connection
from services.reporting.domain import Cell, State, Version
from services.reporting.figures import Area, Count, Document, Landlord, Programme, Target

FACT_COLUMNS = (
    "source", "event_id", "type", "topic", "part", "offset", "subject", "time", "recordedtime", "sequence", "history",
    "payload",
)  # fmt: skip
STATE_COLUMNS = ("goal", "subject", "area", "day", "state")
_FACT = """source, event_id, type, topic, part, "offset", subject, time, recordedtime, sequence, history, payload"""
_OF_W = ", ".join(f"w.{column.strip()}" for column in _FACT.split(","))

STAGE_FACTS = "create temporary table staged (like fact) on commit drop"
ADD_STAGED = f"""
    insert into fact select {_FACT} from staged order by source, event_id
    on conflict (source, event_id) do nothing returning source, event_id
"""
ADD_LINKS = """
    insert into fact_link (subject, source, event_id)
    select * from unnest($1::text[], $2::text[], $3::text[]) order by 1, 2, 3 on conflict do nothing
"""
FACTS_AT = f"""
    select {_FACT} from fact
    where (source, event_id) in (select * from unnest($1::text[], $2::text[]))
"""
FACTS_ABOUT = f"""
    with linked as (
        select l.subject as about, f.* from fact_link l
        join fact f on f.source = l.source and f.event_id = l.event_id where l.subject = any($1::text[])
    )
    select subject as about, {_FACT} from fact where subject = any($1::text[])
    union all select about, {_FACT} from linked
    union all (
        select distinct on (l.about, w.source, w.event_id) l.about, {_OF_W}
        from linked l join fact w on w.subject = l.subject and w.topic = l.topic and w.type = $2
    )
"""
GOVERNANCE_FACTS = f"select {_FACT} from fact where topic = 'governance.events'"

EARLY_WITHDRAWALS = "select topic, subject, source, event_id from early_withdrawal"
ADD_EARLY_WITHDRAWAL = """
    insert into early_withdrawal (topic, subject, source, event_id) values ($1, $2, $3, $4) on conflict do nothing
"""
DROP_EARLY_WITHDRAWAL = """
    delete from early_withdrawal where topic = $1 and subject = $2 and source = $3 and event_id = $4
"""

LOCK_STATES = """
    select subject, state from subject_state where goal = $1 and subject = any($2::text[]) order by subject for update
"""
UPDATE_STATES = """
    update subject_state s set area = n.area, day = n.day, state = n.state
    from unnest($1::text[], $2::text[], $3::text[], $4::date[], $5::bytea[]) as n (goal, subject, area, day, state)
    where s.goal = n.goal and s.subject = n.subject
"""
ADD_TO_ROLLUP = """
    insert into rollup as r (goal, measure, area, day, since, numerator, denominator)
    select * from unnest($1::text[], $2::text[], $3::text[], $4::date[], $5::date[], $6::bigint[], $7::bigint[])
    order by 1, 2, 4, 3, 5
    on conflict (goal, measure, day, area, since)
    do update set numerator = r.numerator + excluded.numerator, denominator = r.denominator + excluded.denominator
"""

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

# The derived tables of governance are written whole, one writer at a time; a number nobody else uses.
LOCK_GOVERNANCE = "select pg_advisory_xact_lock(7301, 1)"
CLEAR_GOVERNANCE = (
    "with a as (delete from area), p as (delete from programme), t as (delete from target) delete from document"
)
ADD_AREAS = "insert into area select * from unnest($1::text[], $2::text[], $3::date[])"
ADD_PROGRAMMES = "insert into programme select * from unnest($1::text[], $2::text[], $3::date[], $4::date[])"
ADD_TARGET = "insert into target values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
ADD_DOCUMENT = "insert into document values ($1, $2, $3, $4, $5, $6, $7)"
AREAS = "select area, name, valid_from from area"
PROGRAMMES = "select programme, area, first, last from programme"
TARGETS = "select goal, area, measure, comparison, value, unit, valid_from, valid_to, document, revises from target"
DOCUMENTS = """
    select document, title, adopted_by, valid_from, valid_to, applies_until_replaced, replaced_on from document
"""

COUNTS = """
    select area, scoped, date_trunc('month', day)::date as day,
        sum(numerator)::bigint as numerator, sum(denominator)::bigint as denominator,
        (sum(denominator - numerator) filter (where day > $7))::bigint as waiting
    from (
        select r.*, $6::text is null or exists (
            select from programme p where p.programme = $6 and p.area = r.area
                and p.first <= r.day and (p.last is null or p.last >= r.day)
        ) as scoped
        from rollup r
        where r.goal = $1 and r.measure = $2 and r.day between $3 and $4 and r.since <= $5
    ) counted
    group by 1, 2, 3
"""
YEARS = """
    select extract(year from day)::int as year, goal, sum(denominator)::bigint as members from rollup
    where goal = any($1::text[]) and since <= $2 group by 1, 2 having sum(denominator) > 0 order by 1
"""
AREAS_WITH_DATA = "select distinct area from rollup where denominator > 0"
COHORT = """
    select s.subject, s.day, s.area from subject_state s
    where s.goal = $1 and s.day between $2 and $3 and ($4::text is null or s.area = $4)
        and ($5::text is null or exists (
            select from programme p where p.programme = $5 and p.area = s.area
                and p.first <= s.day and (p.last is null or p.last >= s.day)
        ))
    order by s.day, s.subject offset $6 limit $7
"""

HOLD_OFF_REBUILD = "select from rebuild for share"
START_REBUILD = "update rebuild set ends = $1, started_at = $2"
EMPTY = """
    truncate fact, fact_link, early_withdrawal, subject_state, rollup, area, programme, target, document, projection_offset
"""
REBUILD_ENDS = "select ends from rebuild"
PROGRESS = "select topic, part, next_offset from projection_offset"
APPLIED = "select coalesce(sum(next_offset), 0)::bigint from projection_offset"


class FactRow(NamedTuple):
    """One row of `fact`, in the order of its columns."""

    source: str
    event_id: str
    type: str
    topic: str
    part: int
    offset: int
    subject: str
    time: datetime
    recordedtime: datetime | None
    sequence: int | None
    history: bool
    payload: bytes


@dataclass(frozen=True, slots=True)
class Offset:
    """How far a partition is applied, and how to tell that the log is still the same."""

    next: int
    cluster: str
    fingerprint: bytes | None


Partition = tuple[str, int]


async def copy_facts(connection: Connection, rows: Sequence[FactRow]) -> None:
    """Adds facts that are thought to be new. Raises `UniqueViolationError` when one isn't."""
    await connection.copy_records_to_table("fact", records=rows, columns=FACT_COLUMNS)


async def stage_facts(connection: Connection, rows: Sequence[FactRow]) -> set[tuple[str, str]]:
    """Adds those of `rows` that are new, and says which: (source, event_id)."""
    await connection.execute(STAGE_FACTS)
    await connection.copy_records_to_table("staged", records=rows, columns=FACT_COLUMNS)
    added = await connection.fetch(ADD_STAGED)
    await connection.execute("drop table staged")
    return {(row[0], row[1]) for row in added}


async def add_links(connection: Connection, links: Sequence[tuple[str, str, str]]) -> None:
    """Notes facts, as (subject, source, event_id), that goals count for another subject than their key."""
    await connection.execute(ADD_LINKS, *map(list, zip(*links, strict=True)))


async def facts_at(connection: Connection, identities: Sequence[tuple[str, str]]) -> list[FactRow]:
    rows = await connection.fetch(FACTS_AT, *map(list, zip(*identities, strict=True)))
    return [FactRow(*row) for row in rows]


async def facts_about(connection: Connection, subjects: Sequence[str], withdrawn: str) -> dict[str, list[FactRow]]:
    """All facts of each subject: under its key, linked to it, and withdrawals (of type `withdrawn`) of the linked."""
    found: dict[str, list[FactRow]] = {subject: [] for subject in subjects}
    for row in await connection.fetch(FACTS_ABOUT, list(subjects), withdrawn):
        found[row[0]].append(FactRow(*row[1:]))
    return found


async def governance_facts(connection: Connection) -> list[FactRow]:
    return [FactRow(*row) for row in await connection.fetch(GOVERNANCE_FACTS)]


async def early_withdrawals(connection: Connection) -> set[tuple[str, str, str, str]]:
    """(topic, subject, source, id) of events that were withdrawn before they came."""
    return {tuple(row) for row in await connection.fetch(EARLY_WITHDRAWALS)}


async def lock_states(connection: Connection, goal: str, subjects: Sequence[str]) -> dict[str, State]:
    """The states of a goal's subjects, their rows locked in the order of the subjects."""
    rows = await connection.fetch(LOCK_STATES, goal, list(subjects))
    return {row[0]: {slot: Version(*version) for slot, version in orjson.loads(row[1]).items()} for row in rows}


def written(state: State) -> bytes:
    """A state as the column `state` holds it."""
    return orjson.dumps({slot: tuple(version) for slot, version in state.items()})


async def copy_states(connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    """Adds states of new subjects, in the order of `STATE_COLUMNS`. Raises `UniqueViolationError` for one that isn't."""
    await connection.copy_records_to_table("subject_state", records=rows, columns=STATE_COLUMNS)


async def update_states(connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    await connection.execute(UPDATE_STATES, *map(list, zip(*rows, strict=True)))


async def add_to_rollup(connection: Connection, deltas: Mapping[tuple[str, str, Cell], tuple[int, int]]) -> None:
    """Adds (numerator, denominator) to each (goal, measure, cell); rows are locked in one order by everyone."""
    rows = [
        (goal, measure, cell.area, cell.day, cell.since, numerator, denominator)
        for (goal, measure, cell), (numerator, denominator) in deltas.items()
        if numerator or denominator
    ]
    if rows:
        await connection.execute(ADD_TO_ROLLUP, *map(list, zip(*rows, strict=True)))


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


async def replace_governance(connection: Connection, landlord: Landlord) -> None:
    """Writes what the company has decided in place of what was there. The caller holds `LOCK_GOVERNANCE`."""
    await connection.execute(CLEAR_GOVERNANCE)
    areas = landlord.areas
    await connection.execute(
        ADD_AREAS,
        [a.id for a in areas],
        [a.name for a in areas],
        [a.valid_from for a in areas],
    )
    programmes = landlord.programmes
    await connection.execute(
        ADD_PROGRAMMES,
        [p.programme for p in programmes],
        [p.area for p in programmes],
        [p.first for p in programmes],
        [p.last for p in programmes],
    )
    await connection.executemany(
        ADD_TARGET,
        [
            (t.goal, t.measure, t.area, t.comparison, t.value, t.unit, t.valid_from, t.valid_to, t.document, t.revises)
            for t in landlord.targets
        ],
    )
    await connection.executemany(
        ADD_DOCUMENT,
        [
            (d.id, d.title, d.adopted_by, d.valid_from, d.valid_to, d.applies_until_replaced, d.replaced_on)
            for d in landlord.documents
        ],
    )


async def landlord(connection: Connection) -> Landlord:
    return Landlord(
        tuple(Area(*row) for row in await connection.fetch(AREAS)),
        tuple(Programme(*row) for row in await connection.fetch(PROGRAMMES)),
        tuple(Target(**dict(row)) for row in await connection.fetch(TARGETS)),
        tuple(Document(*row) for row in await connection.fetch(DOCUMENTS)),
    )


async def counts(
    connection: Connection,
    goal: str,
    measure: str,
    first: date,
    last: date,
    *,
    as_of: date,
    programme: str | None,
    young_after: date,
) -> list[Count]:
    """The rollup of a goal's cohorts from `first` to `last`, by area and month, of what is dated up to `as_of`."""
    rows = await connection.fetch(COUNTS, goal, measure, first, last, as_of, programme, young_after)
    return [Count(r[0], r[1], r[2], r[3], r[4], r[5] or 0) for r in rows]


async def years(connection: Connection, goals: Sequence[str], as_of: date) -> list[tuple[int, str, int]]:
    """(year, goal, how many in its cohort that year), years in order, where there are any."""
    return [tuple(row) for row in await connection.fetch(YEARS, list(goals), as_of)]


async def areas_with_data(connection: Connection) -> set[str]:
    return {row[0] for row in await connection.fetch(AREAS_WITH_DATA)}


async def cohort(
    connection: Connection,
    goal: str,
    first: date,
    last: date,
    *,
    area: str | None,
    programme: str | None,
    skip: int,
    limit: int,
) -> list[tuple[str, date]]:
    """(subject, day) of those listed under the cohort, counted or not, in order of day and subject.

    `programme`: only where and when it ran.
    """
    rows = await connection.fetch(COHORT, goal, first, last, area, programme, skip, limit)
    return [(row[0], row[1]) for row in rows]


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
