"""One run under way: where it reads, and how what it finds is published, counted and shown."""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import orjson

from schemas.event import Event
from schemas.topics import TOPICS
from services.chassis.context import Context
from services.chassis.transaction import Transaction
from services.gateway.connectors.configured import Connector
from services.gateway.connectors.shape import Note as Remark
from services.gateway.domain.connectors import MAX_REFUSED_KEPT, MAX_SHOWN, Refused, Run
from services.gateway.domain.door import Answer, Sender, Submission, without_home
from services.gateway.entrance import let_in
from services.gateway.repository import connectors as repository
from services.gateway.service.connectors import place_of

Said = tuple[int, Event[Any]]
"""An event, and the row it comes from; 0 where no row says it."""
Note = Callable[[Transaction, Sequence[bool]], Awaitable[None]]
"""Writes down, in the transaction that lets the events in, which of them are known from now on."""


@dataclass
class Work:
    """A run under way. `only`: the transaction of a dry run, in which everything happens and which is undone."""

    ctx: Context
    connector: Connector
    run: Run
    sender: Sender
    file: BinaryIO | None
    filename: str
    only: Transaction | None = None
    counts: Counter[str] = field(default_factory=Counter)
    shown: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def place(self) -> str:
        """Where what the connector has to keep for a while is sealed for."""
        return place_of(self.connector.name)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """One of its own, or the one of a dry run."""
        if self.only is not None:
            yield self.only
            return
        async with self.ctx.db.transaction() as tx:
            yield tx

    def remark(self, remarks: Sequence[Remark]) -> None:
        """Keeps how the file was read, each remark once."""
        self.notes += [one for one in dict.fromkeys(remark.text for remark in remarks) if one not in self.notes]

    async def refuse(self, tx: Transaction, refused: Sequence[Refused]) -> None:
        """Counts them, and keeps the first thousand."""
        room = MAX_REFUSED_KEPT - self.counts["refused"]
        self.counts["refused"] += len(refused)
        if room > 0 and refused:
            await repository.refuse(tx, self.run.id, refused[:room])

    def _show(self, said: Sequence[Said]) -> None:
        """Keeps the first of each type for the operator to see, as the door would let them in. Contacts are only counted."""
        for row, told in said:
            event = without_home(Submission(told.id, told.source, told)).event or told
            alike = sum(one["event"] == _name(event) for one in self.shown)
            if alike < MAX_SHOWN and not _is_personal(event):
                self.shown.append(_shown(row, event))

    async def publish(self, said: Sequence[Said], note: Note) -> None:
        """Publishes what is `said`, and has it noted in the same transaction; in a dry run only counts and shows it."""
        if not said:
            return
        if self.only is not None:
            self.counts.update(_name(event) for _, event in said)
            self._show(said)
            return
        before = self.counts

        async def noted(tx: Transaction, answers: Sequence[Answer]) -> None:
            self.counts = before.copy()
            let = [answer.refusal is None for answer in answers]
            self.counts.update(_name(event) for (_, event), fine in zip(said, let, strict=True) if fine)
            refused = zip(said, answers, strict=True)
            await self.refuse(tx, [why for (row, event), answer in refused for why in _why(row, event, answer)])
            await note(tx, let)
            await repository.note_counts(tx, self.run.id, self.counts)

        submissions = [Submission(event.id, event.source, event) for _, event in said]
        await let_in(self.ctx, self.sender, submissions, note=noted)


def _why(row: int, event: Event[Any], answer: Answer) -> list[Refused]:
    if answer.refusal is None:
        return []
    if not answer.refusal.errors:
        return [Refused(row, _name(event), "an event that is let in", answer.refusal.detail)]
    return [Refused(row, f"{_name(event)} {e.field}", e.expected, e.got) for e in answer.refusal.errors]


def _name(event: Event[Any]) -> str:
    return event.type.removeprefix("se.vatterhem.").partition(".")[0]


def _is_personal(event: Event[Any]) -> bool:
    return event.data.topic in TOPICS and TOPICS[event.data.topic].personal


def _shown(row: int, event: Event[Any]) -> dict[str, Any]:
    said = orjson.loads(event.data.json_bytes())
    return {"row": row, "event": _name(event), "about": event.subject, "history": event.history, "said": said}
