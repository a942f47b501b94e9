"""The SQL of notes."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.chassis.postgres import Connection
from services.reporting.domain.notes import Note

_NOTE = "id, goal, area, day, text, action, role, written_at, withdrawn_at"
ADD = f"""
    insert into note ({_NOTE}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    on conflict (id) do update
    set area = excluded.area, day = excluded.day, text = excluded.text, action = excluded.action, role = excluded.role,
        written_at = excluded.written_at, withdrawn_at = excluded.withdrawn_at
    where note.goal = excluded.goal
"""
STANDING = f"""
    select {_NOTE} from note where goal = any($1::text[]) and withdrawn_at is null and written_at <= $2
    order by day, written_at
"""
OF_GOAL = f"select {_NOTE} from note where goal = $1 order by day desc, written_at desc"
FIND = f"select {_NOTE} from note where id = $1"
MARK = """
    select (select coalesce(sum(next_offset), 0)::bigint from projection_offset) as applied,
        (select generation from rebuild) as generation,
        (select count(*) from goal_definition where state = 'filling') as filling,
        (select max(greatest(written_at, withdrawn_at)) from note) as noted,
        (select max(greatest(changed_at, filled_at)) from goal_definition) as defined,
        (select max(published_at) from publication) as published,
        (select max(closed_at) from closed_period) as closed
"""
ACTIONS_TOLD = """
    select distinct subject from fact where topic = 'surveys.events' and type like 'se.vatterhem.Action%'
"""


async def put(connection: Connection, note: Note) -> None:
    """Adds a note, or says it anew."""
    await connection.execute(
        ADD, note.id, note.goal, note.area, note.day, note.text, note.action, note.role, note.written_at,
        note.withdrawn_at,
    )  # fmt: skip


async def standing(connection: Connection, goals: Sequence[str], as_of: datetime) -> list[Note]:
    """The notes of these goals that were written by then and aren't withdrawn, in order of their day."""
    return [Note(*row) for row in await connection.fetch(STANDING, list(goals), as_of)]


async def of_goal(connection: Connection, goal: str) -> list[Note]:
    """Every note of a goal, withdrawn ones too, the latest day first."""
    return [Note(*row) for row in await connection.fetch(OF_GOAL, goal)]


async def find(connection: Connection, id: UUID) -> Note | None:
    row = await connection.fetchrow(FIND, id)
    return None if row is None else Note(*row)


async def mark(connection: Connection, now: datetime) -> str:
    """What changes whenever a figure or a note may have: how far everything is applied, and the minute, for time alone
    makes a source silent and a period end."""
    row = await connection.fetchrow(MARK)
    assert row is not None
    applied, generation, filling, *moments = row
    said = [0 if moment is None else int(moment.timestamp() * 1000) for moment in moments]
    return ".".join(map(str, (int(now.timestamp()) // 60, applied, generation, filling, *said)))


async def actions_told(connection: Connection) -> list[str]:
    """The ids of all actions that surveys.events tell of."""
    return [row["subject"] for row in await connection.fetch(ACTIONS_TOLD)]
