"""The verbs of notes: say one, say it better, take it back, put it back; what may be linked to."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from uuid import UUID

from services.chassis.postgres import Connection
from services.chassis.transaction import Transaction
from services.reporting.domain.facts import WITHDRAWN
from services.reporting.domain.notes import Action, Note, actions
from services.reporting.records import stored_fact
from services.reporting.repository import facts
from services.reporting.repository import notes as repository


def applying(notes: Iterable[Note], area: str | None) -> list[Note]:
    """Those that are shown with an area's figure (None: the company's): its own, and those of the goal everywhere."""
    return [note for note in notes if note.area in (None, area)]


async def write(tx: Transaction, note: Note) -> None:
    """Adds it; the same form sent twice is one note, and one of a known id says it anew."""
    await repository.put(tx.connection, note)


async def withdraw(tx: Transaction, id: UUID) -> Note | None:
    """Takes it back. None when there is none."""
    note = await repository.find(tx.connection, id)
    if note is not None and note.withdrawn_at is None:
        await repository.put(tx.connection, replace(note, withdrawn_at=tx.now()))
    return note


async def put_back(tx: Transaction, id: UUID) -> Note | None:
    """Undoes `withdraw`. None when there is none."""
    note = await repository.find(tx.connection, id)
    if note is not None:
        await repository.put(tx.connection, replace(note, withdrawn_at=None))
    return note


async def known_actions(connection: Connection) -> Mapping[str, Action]:
    """The actions that can be linked to, by id, those first that are due last."""
    told = await repository.actions_told(connection)
    rows = await facts.facts_about(connection, told, WITHDRAWN) if told else {}
    found = actions(stored_fact(row) for about in told for row in rows[about])
    return {one.id: one for one in sorted(found.values(), key=lambda a: (a.due_on, a.id), reverse=True)}
