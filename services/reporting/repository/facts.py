"""The facts themselves: every event once, as it came. Functions take the connection; whoever opened the transaction
commits it."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from services.chassis.postgres import Connection

FACT_COLUMNS = (
    "source", "event_id", "type", "topic", "part", "offset", "subject", "time", "recordedtime", "sequence", "history",
    "payload",
)  # fmt: skip
FACT = """source, event_id, type, topic, part, "offset", subject, time, recordedtime, sequence, history, payload"""
_OF_W = ", ".join(f"w.{column.strip()}" for column in FACT.split(","))

STAGE_FACTS = "create temporary table staged (like fact) on commit drop"
ADD_STAGED = f"""
    insert into fact select {FACT} from staged order by source, event_id
    on conflict (source, event_id) do nothing returning source, event_id
"""
ADD_LINKS = """
    insert into fact_link (subject, source, event_id)
    select * from unnest($1::text[], $2::text[], $3::text[]) order by 1, 2, 3 on conflict do nothing
"""
FACTS_AT = f"""
    select {FACT} from fact
    where (source, event_id) in (select * from unnest($1::text[], $2::text[]))
"""


def _with_linked(own: str) -> str:
    """SQL for the facts linked to subjects ($1; of types, $4; up to $5 of each), withdrawals of them ($2), and of those of
    a moving type ($3) the others of the same key; after those that `own` selects."""
    return f"""
    with linked as (
        select asked.subject as about, f.* from unnest($1::text[]) as asked (subject)
        cross join lateral (
            select f.* from fact_link l join fact f on f.source = l.source and f.event_id = l.event_id
            where l.subject = asked.subject and ($4::text[] is null or f.type = any($4))
            order by f.time desc limit $5
        ) f
    )
    {own} select about, {FACT} from linked
    union all (
        select distinct on (l.about, w.source, w.event_id) l.about, {_OF_W}
        from linked l join fact w on w.subject = l.subject and w.topic = l.topic
            and (w.type = $2 or (w.type = l.type and w.type = any($3::text[])))
        where not exists (
            select from fact_link k where k.subject = l.about and k.source = w.source and k.event_id = w.event_id
        )
    )
    """


FACTS_ABOUT = _with_linked(f"""
    select subject as about, {FACT} from fact
        where subject = any($1::text[]) and ($4::text[] is null or type = any($4) or (type = $2 and exists (
            select from fact t where t.source = fact.source and t.type = any($4)
                and t.event_id = convert_from(fact.payload, 'UTF8')::jsonb ->> 'withdrawn_id'
        )))
    union all
""")
LINKED_TO = _with_linked("")
# The correction rule in SQL; under a key there may be a million versions, of which Postgres keeps only the greatest.
LATEST_ABOUT = f"""
    with taken_back as materialized (
        select topic, subject, source, convert_from(payload, 'UTF8')::jsonb ->> 'withdrawn_id' as event_id, event_id as by
        from fact where subject = any($1::text[]) and type = $2
            and convert_from(payload, 'UTF8')::jsonb ->> 'withdrawn_source' = source
    ), latest as materialized (
        select f.* from unnest($1::text[]) as asked (subject) cross join unnest($3::text[]) as wanted (type)
        cross join lateral (
            select * from fact where fact.subject = asked.subject and fact.type = wanted.type
            order by (topic, subject, source, event_id) in (select topic, subject, source, event_id from taken_back),
                coalesce(sequence, -1) desc, time desc, event_id collate "C" desc, source collate "C" desc
            limit $4
        ) f
    )
    select subject as about, {FACT} from latest
    union all (
        select distinct on (f.source, f.event_id) w.subject, {_OF_W} from latest f
        join taken_back b on b.topic = f.topic and b.subject = f.subject and b.source = f.source and b.event_id = f.event_id
        join fact w on w.source = b.source and w.event_id = b.by
    )
"""
SAID_AGAIN = f"""
    select {_OF_W} from (
        select f.*, count(*) over (partition by f.topic, f.type, f.subject) as times
        from unnest($1::text[], $2::text[], $3::text[]) as k (topic, type, subject)
        join fact f on f.subject = k.subject and f.topic = k.topic and f.type = k.type
    ) w where w.times > 1
"""
EARLY_WITHDRAWALS = "select topic, subject, source, event_id from early_withdrawal"
ADD_EARLY_WITHDRAWAL = """
    insert into early_withdrawal (topic, subject, source, event_id) values ($1, $2, $3, $4) on conflict do nothing
"""
DROP_EARLY_WITHDRAWAL = """
    delete from early_withdrawal where topic = $1 and subject = $2 and source = $3 and event_id = $4
"""


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


async def facts_about(
    connection: Connection,
    subjects: Sequence[str],
    withdrawn: str,
    moving: Collection[str] = (),
    types: Collection[str] | None = None,
) -> dict[str, list[FactRow]]:
    """All facts of each subject, or those of some `types`: under its key, linked to it, withdrawals (of type `withdrawn`)
    of both, and of those of a `moving` type the others of the same key, which may correct them and be about another."""
    wanted = None if types is None else list(types)
    rows = await connection.fetch(FACTS_ABOUT, list(subjects), withdrawn, list(moving), wanted, None)
    return _by_subject(subjects, rows)


async def linked_to(
    connection: Connection, subjects: Sequence[str], withdrawn: str, moving: Collection[str], *, types: Collection[str],
    most: int,
) -> dict[str, list[FactRow]]:  # fmt: skip
    """As `facts_about`, of those only that are linked to each subject: up to `most`, the newest."""
    rows = await connection.fetch(LINKED_TO, list(subjects), withdrawn, list(moving), list(types), most)
    return _by_subject(subjects, rows)


async def latest_about(
    connection: Connection, subjects: Sequence[str], withdrawn: str, types: Collection[str], most: int
) -> dict[str, list[FactRow]]:
    """Of each subject's own facts of each type up to `most`: the greatest by the correction rule, those that aren't
    taken back before those that are; and the withdrawals (of type `withdrawn`) of what is given."""
    rows = await connection.fetch(LATEST_ABOUT, list(subjects), withdrawn, list(types), most)
    return _by_subject(subjects, rows)


def _by_subject(subjects: Sequence[str], rows: Iterable[Any]) -> dict[str, list[FactRow]]:
    found: dict[str, list[FactRow]] = {subject: [] for subject in subjects}
    for row in rows:
        found[row[0]].append(FactRow(*row[1:]))
    return found


async def said_again(connection: Connection, keys: Collection[tuple[str, str, str]]) -> list[FactRow]:
    """All facts of each (topic, type, key) that has more than one."""
    return [FactRow(*row) for row in await connection.fetch(SAID_AGAIN, *map(list, zip(*keys, strict=True)))]


async def early_withdrawals(connection: Connection) -> set[tuple[str, str, str, str]]:
    """(topic, subject, source, id) of events that were withdrawn before they came."""
    return {tuple(row) for row in await connection.fetch(EARLY_WITHDRAWALS)}
