"""The definitions in force, and filling a goal from facts. Functions take the connection; whoever opened the transaction
commits it."""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.chassis.postgres import Connection
from services.reporting.repository.facts import FACT, FactRow

DEFINITIONS = "select goal, version, text, state, changed_at, filled_at from goal_definition order by goal"
PUT_DEFINITION = """
    insert into goal_definition (goal, version, text, state, changed_at) values ($1, $2, $3, $4, $5)
    on conflict (goal) do update set version = $2, text = $3, state = $4, changed_at = $5
"""
ADD_VERSION = """
    insert into goal_version (goal, version, text, since) values ($1, $2, $3, $4)
    on conflict (goal, version) do update set text = $3
"""
VERSIONS = "select version, text, since from goal_version where goal = $1 order by version desc"
FILLED = "update goal_definition set state = 'ready', filled_at = $3 where goal = $1 and version = $2"
FILL_ALL = "update goal_definition set state = 'filling'"
CLEAR_STANDING = "delete from standing where ledger like $1 || '/%'"
CLEAR_TALLY = "delete from tally where goal = $1"
CLEAR_LOOK_UPS = "delete from look_up where ledger like $1 || '/%'"
HOLD_ALONE = "select generation from rebuild for update"
NEXT_GENERATION = "update rebuild set generation = generation + 1"
GENERATION = "select generation from rebuild"
FILL_ALONE = "select pg_try_advisory_xact_lock(7303, hashtext($1))"
# By subject, so that what is known of one comes together and its state is written once.
FACTS_OF_TYPES = f"select {FACT} from fact where type = any($1::text[]) order by subject"
WITHDRAWALS_ABOUT = f"""
    select {FACT} from fact where type = 'se.vatterhem.EventWithdrawn.v1' and subject = any($1::text[])
"""
HAS_FACTS = "select exists (select from fact)"
MISSED = "select (select count(*) from fact) > (select coalesce(sum(facts), 0) from heard)"
FORGET_HEARD = "delete from heard"
HEAR_ALL = """
    insert into heard (source, day, facts, late, last)
    select source, (coalesce(recordedtime, time) at time zone 'Europe/Stockholm')::date, count(*),
        count(*) filter (where not history and recordedtime - time > interval '1 day'), max(coalesce(recordedtime, time))
    from fact group by 1, 2
"""


@dataclass(frozen=True, slots=True)
class Definition:
    """A goal's definition in force. `is_filling`: its figures are still being made of what was known before."""

    goal: str
    version: int
    text: str
    is_filling: bool
    changed_at: datetime
    filled_at: datetime | None


async def definitions(connection: Connection) -> list[Definition]:
    rows = await connection.fetch(DEFINITIONS)
    return [Definition(row[0], row[1], row[2], row[3] == "filling", row[4], row[5]) for row in rows]


async def put(connection: Connection, goal: str, version: int, text: str, at: datetime, *, fill: bool) -> None:
    """Brings a definition in force; where it has to be filled, what was made by the one before is forgotten."""
    await connection.execute(PUT_DEFINITION, goal, version, text, "filling" if fill else "ready", at)
    await connection.execute(ADD_VERSION, goal, version, text, at)
    if fill:
        for statement in (CLEAR_STANDING, CLEAR_TALLY, CLEAR_LOOK_UPS):
            await connection.execute(statement, goal)


async def versions(connection: Connection, goal: str) -> list[tuple[int, str, datetime]]:
    """(version, text, since) of a goal, the latest first."""
    return [(row[0], row[1], row[2]) for row in await connection.fetch(VERSIONS, goal)]


async def hold_alone(connection: Connection) -> int:
    """Until the transaction ends no batch is applied. Gives the generation of the definitions."""
    return int(await connection.fetchval(HOLD_ALONE))


async def generation(connection: Connection) -> int:
    return int(await connection.fetchval(GENERATION))


async def facts_of(connection: Connection, types: Iterable[str], chunk: int) -> AsyncIterator[list[FactRow]]:
    """All facts of these types, as they are when the reading begins, `chunk` at a time. Needs a transaction."""
    cursor = await connection.cursor(FACTS_OF_TYPES, sorted(types))
    while rows := await cursor.fetch(chunk):
        yield [FactRow(*row) for row in rows]


async def withdrawals_about(connection: Connection, keys: Sequence[str]) -> list[FactRow]:
    return [FactRow(*row) for row in await connection.fetch(WITHDRAWALS_ABOUT, list(keys))]


async def fill_all_again(connection: Connection) -> None:
    """Has every goal filled again: what is there stays, for filling only adds what is missing."""
    await connection.execute(FORGET_HEARD)
    await connection.execute(HEAR_ALL)
    await connection.execute(FILL_ALL)
    await connection.execute(NEXT_GENERATION)
