"""Which events have had their effect here: claimed in the transaction of the effect itself."""

from collections.abc import Iterable, Sequence
from typing import Any

from schemas.event import Event
from services.chassis.transaction import Transaction

# Sorted, so that two processes that read the same records after a rebalance wait for each other and don't deadlock.
CLAIM = """
    insert into inbox (consumer, source, event_id, received_at)
    select $1, source, event_id, $4 from unnest($2::text[], $3::text[]) as row (source, event_id) order by 1, 2, 3
    on conflict do nothing
    returning source, event_id
"""


async def claim(tx: Transaction, consumer: str, events: Sequence[Event[Any]]) -> list[Event[Any]]:
    """The events of `events` that `consumer` has not had before, in order, each once."""
    if not events:
        return []
    rows = await tx.fetch(CLAIM, consumer, [e.source for e in events], [e.id for e in events], tx.now())
    return list(_first_of_each(events, {(row["source"], row["event_id"]) for row in rows}))


def _first_of_each(events: Iterable[Event[Any]], wanted: set[tuple[str, str]]) -> Iterable[Event[Any]]:
    for event in events:
        identity = (event.source, event.id)
        if identity in wanted:
            wanted.remove(identity)
            yield event
