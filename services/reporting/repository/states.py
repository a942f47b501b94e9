"""What stands for each subject, the sums of their contributions, and which things they look up. Functions take the
connection; whoever opened the transaction commits it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import orjson

from services.chassis.postgres import Connection
from services.reporting.domain.clauses import JOINT
from services.reporting.domain.states import Cell, State, Version

STANDING_COLUMNS = ("ledger", "subject", "area", "day", "state")
LOCK_STANDING = """
    select subject, state from standing where ledger = $1 and subject = any($2::text[]) order by subject for update
"""
UPDATE_STANDING = """
    update standing s set area = n.area, day = n.day, state = n.state
    from unnest($1::text[], $2::text[], $3::text[], $4::date[], $5::bytea[]) as n (ledger, subject, area, day, state)
    where s.ledger = n.ledger and s.subject = n.subject
"""
ADD_TO_TALLY = """
    insert into tally as t (goal, measure, area, others, day, since, bucket, numerator, denominator, told)
    select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::date[], $6::date[], $7::int[], $8::bigint[],
        $9::bigint[], $10::bigint[])
    order by 1, 2, 5, 3, 4, 6, 7
    on conflict (goal, measure, day, area, others, since, bucket)
    do update set numerator = t.numerator + excluded.numerator, denominator = t.denominator + excluded.denominator,
        told = t.told + excluded.told
"""
LOCK_LEDGER = "select pg_advisory_xact_lock(7302, hashtext($1))"
ADD_LOOK_UPS = """
    insert into look_up (ledger, followed, follower)
    select $1, * from unnest($2::text[], $3::text[]) order by 1, 2 on conflict do nothing
"""
FOLLOWERS = "select distinct follower from look_up where ledger = $1 and followed = any($2::text[])"
ADD_HEARD = """
    insert into heard as h (source, day, facts, late, last)
    select * from unnest($1::text[], $2::date[], $3::bigint[], $4::bigint[], $5::timestamptz[]) order by 1, 2
    on conflict (source, day) do update set
        facts = h.facts + excluded.facts, late = h.late + excluded.late, last = greatest(h.last, excluded.last)
"""
COHORT = """
    select s.subject, s.day, s.state from standing s
    where s.ledger = $1 and s.day between $2 and $3 and ($4::text[] is null or s.area = any($4))
        and ($5::text is null or exists (
            select from programme p where p.programme = $5 and p.area = s.area
                and p.first <= s.day and (p.last is null or p.last >= s.day)
        ))
    order by s.day, s.subject offset $6 limit $7
"""
STATES_OF = "select subject, state from standing where ledger = $1 and day between $2 and $3 order by subject"


async def lock_states(connection: Connection, ledger: str, subjects: Sequence[str]) -> dict[str, State]:
    """The states of a ledger's subjects, their rows locked in the order of the subjects."""
    rows = await connection.fetch(LOCK_STANDING, ledger, list(subjects))
    return {row[0]: read_state(row[1]) for row in rows}


def written(state: State) -> bytes:
    """A state as the column `state` holds it."""
    return orjson.dumps({slot: tuple(version) for slot, version in state.items()})


def read_state(column: bytes) -> State:
    """What `written` wrote."""
    return {slot: _version(said) for slot, said in orjson.loads(column).items()}


def _version(said: list[Any]) -> Version:
    sequence, time, id, source, day, area, holds, adds, of, others, extra = said
    return Version(sequence, time, id, source, day, area, holds, adds, of, tuple(others), tuple(extra))


async def copy_states(connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    """Adds states of new subjects, in the order of `STANDING_COLUMNS`. Raises `UniqueViolationError` for one that isn't."""
    await connection.copy_records_to_table("standing", records=rows, columns=STANDING_COLUMNS)


async def update_states(connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    await connection.execute(UPDATE_STANDING, *map(list, zip(*rows, strict=True)))


async def add_to_tally(connection: Connection, deltas: Mapping[tuple[str, str, Cell], tuple[int, int, int]]) -> None:
    """Adds (numerator, denominator, told) to each (goal, measure, cell); rows are locked in one order by everyone."""
    rows = [
        (goal, measure, cell.area, joined(cell.others), cell.day, cell.since, cell.bucket, numerator, denominator, told)
        for (goal, measure, cell), (numerator, denominator, told) in deltas.items()
        if numerator or denominator or told
    ]
    if rows:
        await connection.execute(ADD_TO_TALLY, *map(list, zip(*rows, strict=True)))


def joined(others: Iterable[str | None]) -> str:
    """Values of other dimensions as the column `others` holds them."""
    return JOINT.join(value or "" for value in others)


async def lock_ledger(connection: Connection, ledger: str) -> None:
    """Held until the transaction ends by whoever looks up or is looked up in this ledger."""
    await connection.execute(LOCK_LEDGER, ledger)


async def add_look_ups(connection: Connection, ledger: str, pairs: Iterable[tuple[str, str]]) -> None:
    """Notes (followed, follower)."""
    followed, followers = zip(*sorted(pairs), strict=True)
    await connection.execute(ADD_LOOK_UPS, ledger, list(followed), list(followers))


async def followers(connection: Connection, ledger: str, followed: Iterable[str]) -> set[str]:
    return {row[0] for row in await connection.fetch(FOLLOWERS, ledger, list(followed))}


Heard = Mapping[tuple[str, date], tuple[int, int, datetime]]
"""(source, day) → how many facts, how many late, the last moment of being recorded."""


async def add_heard(connection: Connection, heard: Heard) -> None:
    if heard:
        sources, days = zip(*heard, strict=True)
        await connection.execute(ADD_HEARD, list(sources), list(days), *map(list, zip(*heard.values(), strict=True)))


async def cohort(
    connection: Connection,
    ledger: str,
    first: date,
    last: date,
    *,
    areas: Sequence[str] | None,
    programme: str | None,
    skip: int,
    limit: int,
) -> list[tuple[str, date, State]]:
    """(subject, day, state) of those listed under the cohort, counted or not, in order of day and subject.

    `areas`: of these only. `programme`: only where and when it ran.
    """
    rows = await connection.fetch(
        COHORT, ledger, first, last, None if areas is None else list(areas), programme, skip, limit
    )
    return [(row[0], row[1], read_state(row[2])) for row in rows]


async def states_of(connection: Connection, ledger: str, first: date, last: date) -> list[tuple[str, State]]:
    """(subject, state) of all subjects of a ledger with a day from `first` to `last`, in order of subject."""
    return [(row[0], read_state(row[1])) for row in await connection.fetch(STATES_OF, ledger, first, last)]
