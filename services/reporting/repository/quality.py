"""The SQL of data quality: what was found in events, what each source has told of, and what waits."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple

from schemas.catalogue import MODELS
from services.chassis.postgres import Connection
from services.reporting.domain.quality import PLANNED, PLANS, SOON, Finding, Kind
from services.reporting.repository.facts import FACT, FactRow

ADD_FINDINGS = """
    insert into finding (source, event_id, kind, field, said, type, topic, subject, received)
    select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
        $9::timestamptz[])
    order by 1, 2, 3, 4 on conflict do nothing
"""
ADD_HEARD_OF = """
    insert into heard_of as h (source, type, area, events, first, last)
    select * from unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::timestamptz[], $6::timestamptz[])
    order by 1, 2, 3
    on conflict (source, type, area) do update
    set events = h.events + excluded.events, first = least(h.first, excluded.first), last = greatest(h.last, excluded.last)
"""
# From all facts at once, by the rules of domain/quality.py: when facts have come that nobody looked into.
FORGET = "with f as (delete from finding) delete from heard_of"
HEAR_OF_ALL = """
    insert into heard_of
    select source, type, coalesce(convert_from(payload, 'UTF8')::jsonb ->> 'area_id', ''), count(*),
        min(coalesce(recordedtime, time)), max(coalesce(recordedtime, time))
    from fact group by 1, 2, 3
"""
FIND_CLOCKS = """
    insert into finding
    select source, event_id, 'clock_ahead', 'time', to_char(time at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"+00:00"'),
        type, topic, subject, recordedtime
    from fact where time - recordedtime > interval '5 minutes'
        and (date_trunc('hour', time) <> time
            or (time at time zone 'Europe/Stockholm')::date <> (recordedtime at time zone 'Europe/Stockholm')::date)
"""
FIND_DAYS = """
    insert into finding
    select f.source, f.event_id, 'impossible_date', d.key, d.value, f.type, f.topic, f.subject, f.received
    from (select *, coalesce(recordedtime, time) as received from fact where type = any($1::text[])) f
    cross join lateral jsonb_each_text(convert_from(f.payload, 'UTF8')::jsonb) d
    where d.value ~ '^\\d{4}-\\d\\d-\\d\\d$' and case when d.key = any($2::text[])
        then d.value > to_char(f.received at time zone 'UTC' + $4::interval, 'YYYY-MM-DD')
        else d.value < '1950' or d.value > to_char(f.received at time zone 'UTC' + $3::interval, 'YYYY-MM-DD') end
    union all
    select source, event_id, 'impossible_date', 'time', to_char(time at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"+00:00"'),
        type, topic, subject, coalesce(recordedtime, time)
    from fact where time < '1950-01-01T00:00:00Z'
"""
FINDINGS = """
    select source, event_id, kind, field, said, type, topic, subject, received from finding
    where ($1::text is null or kind = $1) and ($2::text is null or source = $2) and ($3::text is null or field = $3)
    order by received desc, source, event_id, field limit $4
"""
# Of one subject, a bounded number: a publisher that repeats itself a million times must not stop the page.
LATER = f"""
    select found.* from unnest($1::text[], $2::text[], $3::text[]) as asked (topic, subject, type)
    cross join lateral (
        select {FACT} from fact f where f.subject = asked.subject and f.topic = asked.topic
            and f.type in (asked.type, 'se.vatterhem.EventWithdrawn.v1')
        limit 200
    ) found
"""
UNKNOWN_AREAS = """
    select t.area from tally t where t.area <> '' and not exists (select from area a where a.area = t.area)
    group by t.area having bool_or(t.denominator <> 0 or t.numerator <> 0) order by t.area
"""
TOLD_OF_AREAS = """
    select area, source, type, events, first, last from heard_of where area = any($1::text[])
    order by area, events desc, source, type
"""
TOLD_OF_TYPES = """
    select type, source, sum(events)::bigint, min(first), max(last) from heard_of where type <> all($1::text[])
    group by 1, 2 order by 1, 2
"""
LAST_OF_TYPES = "select type, max(last) from heard_of group by type"
HEARD_DAYS = "select source, day, facts, late, last from heard order by source, day"
COUNT_ABOUT = """
    select a.subject, (select count(*) from fact f where f.subject = a.subject)
        + (select count(*) from fact_link l where l.subject = a.subject)
    from unnest($1::text[]) as a (subject)
"""
LATEST_ABOUT = f"select {FACT} from fact where subject = $1 order by time desc, source, event_id limit $2"
REGISTER = f"""
    select {FACT} from fact
    where type in ('se.vatterhem.PublisherRegistered.v1', 'se.vatterhem.PublisherRetired.v1')
"""
PARKED = """
    select topic, reason, count(*), min(parked_at), max(parked_at) from parked
    where consumer = 'reporting' and state = 'open' and not test group by 1, 2 order by 3 desc, 1, 2
"""
WITHDRAWN_EARLY = "select source, count(*) from early_withdrawal group by 1 order by 1"


class HeardOf(NamedTuple):
    """What a source has told of: a type of event about an area ('' where it names none)."""

    area: str
    source: str
    type: str
    events: int
    first: datetime
    last: datetime


class HeardDay(NamedTuple):
    """What came from a source on a day. `late`: of the facts, how many came long after they had happened."""

    source: str
    day: date
    facts: int
    late: int
    last: datetime


class Waiting(NamedTuple):
    """Parked records of a topic, with one reason."""

    topic: str
    reason: str
    records: int
    first: datetime
    last: datetime


Told = tuple[int, datetime, datetime]
"""How many events, and when the first and the last came."""


async def add_findings(connection: Connection, found: Sequence[Finding]) -> None:
    await connection.execute(ADD_FINDINGS, *map(list, zip(*found, strict=True)))


async def add_heard_of(connection: Connection, told: Mapping[tuple[str, str, str], Told]) -> None:
    """Adds to what each (source, type, area) has told; rows are locked in one order by everyone."""
    rows = [(*key, *counted) for key, counted in told.items()]
    await connection.execute(ADD_HEARD_OF, *map(list, zip(*rows, strict=True)))


async def look_into_all(connection: Connection) -> None:
    """Notes anew, of every fact there is, what it tells of and what may be wrong with it."""
    await connection.execute(FORGET)
    await connection.execute(HEAR_OF_ALL)
    await connection.execute(FIND_CLOCKS)
    await connection.execute(FIND_DAYS, list(MODELS), sorted(PLANS), SOON, PLANNED)


async def findings(
    connection: Connection, *, kind: str | None = None, source: str | None = None, field: str | None = None, limit: int
) -> list[Finding]:
    """What was found, the latest first; also what has been mended since."""
    rows = await connection.fetch(FINDINGS, kind, source, field, limit)
    return [Finding(r[0], r[1], Kind(r[2]), *r[3:]) for r in rows]


async def later(connection: Connection, asked: Sequence[tuple[str, str, str]]) -> list[FactRow]:
    """The facts that may have mended those of (topic, subject, type), and withdrawals; up to 200 of each."""
    rows = await connection.fetch(LATER, *map(list, zip(*asked, strict=True))) if asked else []
    return [FactRow(*row) for row in rows]


async def unknown_areas(connection: Connection) -> list[str]:
    """The areas that figures count and nobody has defined."""
    return [row[0] for row in await connection.fetch(UNKNOWN_AREAS)]


async def told_of_areas(connection: Connection, areas: Sequence[str]) -> list[HeardOf]:
    return [HeardOf(*row) for row in await connection.fetch(TOLD_OF_AREAS, list(areas))]


async def told_of_other_types(connection: Connection, known: Sequence[str]) -> list[HeardOf]:
    """What has been told in types other than the known."""
    rows = await connection.fetch(TOLD_OF_TYPES, list(known))
    return [HeardOf("", row[1], row[0], row[2], row[3], row[4]) for row in rows]


async def last_of_types(connection: Connection) -> dict[str, datetime]:
    """Type → when the last event of it came."""
    return {row[0]: row[1] for row in await connection.fetch(LAST_OF_TYPES)}


async def heard_days(connection: Connection) -> list[HeardDay]:
    return [HeardDay(*row) for row in await connection.fetch(HEARD_DAYS)]


async def count_about(connection: Connection, subjects: Collection[str]) -> dict[str, int]:
    """Subject → how many facts there are under its key or linked to it."""
    return {row[0]: row[1] for row in await connection.fetch(COUNT_ABOUT, list(subjects))}


async def latest_about(connection: Connection, subject: str, limit: int) -> list[FactRow]:
    return [FactRow(*row) for row in await connection.fetch(LATEST_ABOUT, subject, limit)]


async def register(connection: Connection) -> list[FactRow]:
    """What has been said of who may publish."""
    return [FactRow(*row) for row in await connection.fetch(REGISTER)]


async def parked(connection: Connection) -> list[Waiting]:
    """What reporting itself couldn't read, and nobody has decided on."""
    return [Waiting(*row) for row in await connection.fetch(PARKED)]


async def withdrawn_early(connection: Connection) -> dict[str, int]:
    """Source → how many withdrawals it has sent of events that haven't come."""
    return {row[0]: row[1] for row in await connection.fetch(WITHDRAWN_EARLY)}
