"""The verbs of what is known: remember what an event tells of areas, places and the like; list the things of a kind."""

from collections.abc import Sequence
from typing import Any

from schemas.event import Event
from schemas.withdrawal import EventWithdrawn
from services.chassis.transaction import Transaction
from services.gateway.domain.door import Answer, Sender, Submission
from services.gateway.domain.known import Thing, ThingKind, facts_in
from services.gateway.domain.outcomes import is_test
from services.gateway.repository import known as repository

LISTED = 500
"""Things that a form offers at the most, those last heard of; any other is written by its id."""


async def note(tx: Transaction, sender: Sender, submissions: Sequence[Submission], answers: Sequence[Answer]) -> None:
    """Remembers what those events tell that were let in just now. Test events tell nothing."""
    accepted = [s for s, answer in zip(submissions, answers, strict=True) if answer.status == "accepted"]
    await note_events(tx, [s.event for s in accepted if s.event is not None and not is_test(sender, s)])


async def note_events(tx: Transaction, events: Sequence[Event[Any]]) -> None:
    """Remembers what events tell, in any order and however often."""
    if facts := [fact for event in events for fact in facts_in(event)]:
        await repository.note(tx, facts)
    withdrawn = [(e.data.withdrawn_source, e.data.withdrawn_id) for e in events if isinstance(e.data, EventWithdrawn)]
    if withdrawn:
        await repository.take_back(tx, withdrawn)


async def things(tx: Transaction, kinds: set[ThingKind]) -> dict[ThingKind, list[Thing]]:
    """What is known of each kind, those last heard of first, at most `LISTED`."""
    return {kind: await repository.things(tx, kind, LISTED) for kind in sorted(kinds)}
