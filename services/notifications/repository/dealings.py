"""What was done about a tenancy: messages, offers and to-dos. Their natural keys make repetition harmless."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from services.chassis.transaction import Transaction
from services.notifications.domain import (
    AreaId,
    Contact,
    Message,
    MessageId,
    MessageState,
    MoveIn,
    Occasion,
    TenancyId,
    ToDo,
    ToDoState,
)

LATEST_MESSAGE = """
    select version, state, contact_event from message where occasion = $1 and subject = $2
    order by version desc limit 1
"""
QUEUE_MESSAGE = """
    insert into message (message_id, occasion, subject, version, state, contact_event, queued_at, due_at, traceparent)
    values ($1, $2, $3, $4, 'queued', $5, $6, $6, $8)
    on conflict (occasion, subject, version) do update
        set state = 'queued', contact_event = excluded.contact_event, queued_at = excluded.queued_at,
            due_at = least(message.due_at, $7), first_tried_at = null, postponed = 0, settled_at = null
        where message.state in ('dropped', 'suppressed')
            or (message.state = 'queued' and message.contact_event is distinct from excluded.contact_event)
"""
SUPPRESS_MESSAGE = """
    insert into message (message_id, occasion, subject, version, state, queued_at, due_at, settled_at)
    values ($1, $2, $3, $4, 'suppressed', $5, $5, $5)
    on conflict (occasion, subject, version) do update set state = 'suppressed', settled_at = excluded.settled_at
        where message.state in ('queued', 'dropped')
    returning message_id
"""
DROP_MESSAGES = "update message set state = 'dropped' where occasion = $1 and subject = $2 and state = 'queued'"
KEEP_OFFER = """
    insert into offer (tenancy_id, occasion, channel, offered_on) values ($1, $2, $3, $4)
    on conflict (tenancy_id, occasion) do nothing
    returning tenancy_id
"""
IS_OFFERED = "select exists (select from offer where tenancy_id = $1 and occasion = $2)"
FIND_TODO = """
    select tenancy_id, area_id, moved_in_on, opened_at, due_on, state, offered_on from todo where tenancy_id = $1
"""
OPEN_TODO = """
    insert into todo (tenancy_id, area_id, moved_in_on, opened_at, due_on, state) values ($1, $2, $3, $4, $5, 'open')
    on conflict (tenancy_id) do update
        set area_id = excluded.area_id, moved_in_on = excluded.moved_in_on, state = 'open',
            opened_at = excluded.opened_at, due_on = excluded.due_on
        where todo.state <> 'offered'
"""
CLOSE_TODO = "update todo set state = 'closed' where tenancy_id = $1 and state = 'open'"
FINISH_TODO = "update todo set state = 'offered', offered_on = $2 where tenancy_id = $1 and state = 'open'"
LIST_TODOS = """
    select tenancy_id, area_id, moved_in_on, opened_at, due_on, state, offered_on from todo
    where state = $1 and ($2::text is null or area_id = $2)
    order by due_on, tenancy_id limit $3 offset $4
"""
COUNT_TODOS = """
    select area_id, count(*) filter (where state = 'open') as open, count(*) filter (where state = 'offered') as offered
    from todo where state in ('open', 'offered') group by area_id
"""


@dataclass(frozen=True, slots=True)
class Counts:
    """How many to-dos an area has."""

    area: AreaId
    open: int
    offered: int


async def latest_message(tx: Transaction, occasion: Occasion, tenancy: TenancyId) -> Message | None:
    row = await tx.fetchrow(LATEST_MESSAGE, occasion, tenancy)
    if row is None:
        return None
    return Message(version=row["version"], state=MessageState(row["state"]), contact_event=row["contact_event"])


async def queue_message(
    tx: Transaction,
    message: MessageId,
    *,
    occasion: Occasion,
    tenancy: TenancyId,
    version: int,
    contact: Contact,
    leases_end: datetime,
    traceparent: str | None,
) -> None:
    """Queues it once. One that was taken back before it went, or waits for another contact, is queued as if new.

    It is due at once, or by `leases_end` where it may be on its way just now.
    """
    now = tx.now()
    await tx.execute(QUEUE_MESSAGE, message, occasion, tenancy, version, contact.event_id, now, leases_end, traceparent)


async def suppress_message(
    tx: Transaction, message: MessageId, occasion: Occasion, tenancy: TenancyId, version: int
) -> bool:
    """Notes that the message is deliberately not sent. False when that was noted, or it went."""
    return await tx.fetchval(SUPPRESS_MESSAGE, message, occasion, tenancy, version, tx.now()) is not None


async def drop_messages(tx: Transaction, occasion: Occasion, tenancy: TenancyId) -> None:
    await tx.execute(DROP_MESSAGES, occasion, tenancy)


async def keep_offer(tx: Transaction, occasion: Occasion, tenancy: TenancyId, channel: str, offered_on: date) -> bool:
    """Notes the offer. False when the tenancy has been offered before."""
    return await tx.fetchval(KEEP_OFFER, tenancy, occasion, channel, offered_on) is not None


async def is_offered(tx: Transaction, occasion: Occasion, tenancy: TenancyId) -> bool:
    return bool(await tx.fetchval(IS_OFFERED, tenancy, occasion))


async def find_todo(tx: Transaction, tenancy: TenancyId) -> ToDo | None:
    row = await tx.fetchrow(FIND_TODO, tenancy)
    return None if row is None else _todo(row)


async def open_todo(tx: Transaction, move_in: MoveIn, opened_at: datetime, due_on: date) -> None:
    """Opens it, or brings one that is open up to date."""
    await tx.execute(OPEN_TODO, move_in.tenancy, move_in.area, move_in.moved_in_on, opened_at, due_on)


async def close_todo(tx: Transaction, tenancy: TenancyId) -> None:
    """Takes it off the list: it isn't for staff any more."""
    await tx.execute(CLOSE_TODO, tenancy)


async def finish_todo(tx: Transaction, tenancy: TenancyId, offered_on: date) -> None:
    await tx.execute(FINISH_TODO, tenancy, offered_on)


async def list_todos(tx: Transaction, state: ToDoState, area: AreaId | None, *, most: int, skip: int) -> Sequence[ToDo]:
    """The most urgent first."""
    return [_todo(row) for row in await tx.fetch(LIST_TODOS, state, area, most, skip)]


async def count_todos(tx: Transaction) -> list[Counts]:
    rows = await tx.fetch(COUNT_TODOS)
    return [Counts(area=AreaId(row["area_id"]), open=row["open"], offered=row["offered"]) for row in rows]


def _todo(row: Any) -> ToDo:
    return ToDo(
        tenancy=TenancyId(row["tenancy_id"]),
        area=AreaId(row["area_id"]),
        moved_in_on=row["moved_in_on"],
        opened_at=row["opened_at"],
        due_on=row["due_on"],
        state=ToDoState(row["state"]),
        offered_on=row["offered_on"],
    )
