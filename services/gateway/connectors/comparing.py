"""Comparing rows with what was published before, for every kind in which a row stands for itself.

Of each thing a file speaks of, a fingerprint is kept of what was last published about it. What is new or other is
published, and that it was is noted in the transaction that lets it in.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from schemas.event import Event
from services.chassis.transaction import Transaction
from services.gateway.connectors.shape import Found, Kind, Note, RefusedRow
from services.gateway.connectors.work import Work
from services.gateway.domain.connectors import Ended, Refused, event_id
from services.gateway.repository import connectors as repository

AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Thing:
    """One row, with what is kept of it: fingerprints of its key and of all that it says."""

    found: Found
    key: bytes
    content: bytes


async def compare(work: Work, kind: Kind) -> Ended:
    """Reads, compares, publishes. Raises `Unreadable`; what was published before it stays, and is not repeated."""
    assert work.file is not None
    async with work.transaction() as tx:
        first = await repository.before(tx, work.connector.name) is None
        await repository.forget_refused(tx, work.run.id)
    rows = kind.read(work.file, work.filename, work.connector.options)
    while chunk := await asyncio.to_thread(lambda: list(islice(rows, AT_ONCE))):
        work.remark([one for one in chunk if isinstance(one, Note)])
        told = [one for one in chunk if not isinstance(one, Note)]
        await _take_in(work, told, history=first and kind.first_is_history)
    return Ended("done", work.counts, work.shown)


async def _take_in(work: Work, rows: Sequence[Found | RefusedRow], *, history: bool) -> None:
    connector = work.connector
    refused = [Refused(row.row, row.field, row.expected, row.got) for row in rows if isinstance(row, RefusedRow)]
    async with work.transaction() as tx:
        things = await asyncio.to_thread(_things, tx, connector.name, rows)
        known = await repository.known(tx, connector.name, [thing.key for thing in things])
    work.counts["rows"] += len({row.row for row in rows})  # one may be refused for several things
    new = [thing for thing in things if thing.key not in known or known[thing.key][0] != thing.content]
    work.counts["unchanged"] += len(things) - len(new)
    if refused:
        async with work.transaction() as tx:
            await work.refuse(tx, refused)
    told = {thing.key: known[thing.key][1] if thing.key in known else 0 for thing in new}
    said = [(thing.found.row, _event(work, thing, told[thing.key], history=history)) for thing in new]

    async def note(tx: Transaction, let: Sequence[bool]) -> None:
        fine = [thing for thing, let_in in zip(new, let, strict=True) if let_in]
        await repository.know(tx, connector.name, [(t.key, t.content, told[t.key] + 1) for t in fine])

    await work.publish(said, note)


def _things(tx: Transaction, connector: str, rows: Sequence[Found | RefusedRow]) -> list[Thing]:
    return [_thing(tx, connector, row) for row in rows if isinstance(row, Found)]


def _thing(tx: Transaction, connector: str, found: Found) -> Thing:
    when = "" if found.time is None else found.time.isoformat()
    data = found.data
    if found.revision_field is not None:
        data = data.model_copy(update={found.revision_field: 0})
    content = found.compared
    if content is None:
        content = f"{found.data.type}\n{found.subject or ''}\n{when}\n".encode() + data.json_bytes()
    return Thing(found, tx.fingerprint(f"{connector}\n{found.key}".encode()), tx.fingerprint(content))


def _event(work: Work, thing: Thing, number: int, *, history: bool) -> Event[Any]:
    """The event number `number` about a thing. A later one has a later number, which is its sequence."""
    found, connector = thing.found, work.connector
    assert work.run.as_of is not None
    data = found.data
    if found.revision_field is not None:
        data = data.model_copy(update={found.revision_field: number})
    return Event.of(
        data,
        id=event_id(connector.source, f"{connector.name} {thing.key.hex()}", number),
        source=connector.source,
        time=found.time or work.run.as_of,
        subject=found.subject,
        sequence=number,
        history=history or found.history,
    )
