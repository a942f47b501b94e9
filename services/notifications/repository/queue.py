"""What waits: tenancies to think about again, and messages to send. Taken with locks that others skip."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from services.chassis.transaction import Transaction
from services.notifications.domain import MessageId, MessageState, Outgoing, TenancyId

Kind = Literal["tenancy", "household", "area"]

LEASE_FOR = timedelta(seconds=20)  # what a sender that was killed had taken waits this long

RECONSIDER = """
    insert into reconsider (kind, ref, due_at, traceparent)
    select $1, ref, $3, $4 from unnest($2::text[]) as ref
"""
RECONSIDER_AREA = """
    insert into reconsider (kind, ref, due_at, traceparent)
    select distinct 'tenancy', tenancy_id, $2::timestamptz, $3::text
    from move_in where area_id = $1 and not history
"""
TAKE_RECONSIDERATIONS = """
    delete from reconsider where id in (
        select id from reconsider where due_at <= $1 order by id limit $2 for update skip locked
    )
    returning kind, ref, traceparent
"""
LOCK_TENANCIES = """
    select pg_advisory_xact_lock(hashtextextended(tenancy_id, 0)) from (
        select tenancy_id from unnest($1::text[]) as tenancy_id order by hashtextextended(tenancy_id, 0)
    ) as sorted
"""
LEASE = """
    update message set due_at = $2
    where message_id = (
        select message_id from message where state = 'queued' and due_at <= $1
        order by due_at limit 1 for update skip locked
    )
    returning message_id, subject, first_tried_at, postponed, traceparent
"""
RENEW_LEASE = "update message set due_at = $2 where message_id = $1 and state not in ('sent', 'failed')"
RELEASE = "update message set due_at = $2 where message_id = $1 and state = 'queued'"
POSTPONE = """
    update message set due_at = $2, postponed = postponed + 1, first_tried_at = coalesce(first_tried_at, $3)
    where message_id = $1 and state = 'queued'
"""
DROP = "update message set state = 'dropped' where message_id = $1 and state = 'queued'"
SETTLE = """
    update message set state = $2, settled_at = $3, contact_event = $4
    where message_id = $1 and state not in ('sent', 'failed')
    returning message_id
"""
COUNT_QUEUED = "select count(*) from message where state = 'queued'"


@dataclass(frozen=True, slots=True)
class Reconsideration:
    """A request to think again about a tenancy, a household's tenancies or an area's, and the trace it belongs to."""

    kind: Kind
    ref: str
    traceparent: str | None


@dataclass(frozen=True, slots=True)
class Leased:
    """A message that is this sender's alone until its lease ends."""

    message: MessageId
    tenancy: TenancyId
    first_tried_at: datetime | None
    postponed: int
    traceparent: str | None


async def reconsider(
    tx: Transaction, kind: Kind, refs: Sequence[str], *, due: datetime, traceparent: str | None
) -> None:
    await tx.execute(RECONSIDER, kind, refs, due, traceparent)


async def reconsider_area(tx: Transaction, request: Reconsideration) -> None:
    """Asks again for each tenancy of the area."""
    await tx.execute(RECONSIDER_AREA, request.ref, tx.now(), request.traceparent)


async def take_reconsiderations(tx: Transaction, *, most: int) -> list[Reconsideration]:
    return [Reconsideration(**row) for row in await tx.fetch(TAKE_RECONSIDERATIONS, tx.now(), most)]


async def lock_tenancies(tx: Transaction, tenancies: Sequence[TenancyId]) -> None:
    """Nobody else decides about these until this transaction ends. Call it once in a transaction: it sorts."""
    await tx.execute(LOCK_TENANCIES, tenancies)


async def lease_message(tx: Transaction) -> Leased | None:
    """The message that has been due longest. When the lease ends without a word, another sender takes it."""
    row = await tx.fetchrow(LEASE, tx.now(), tx.now() + LEASE_FOR)
    if row is None:
        return None
    return Leased(
        message=MessageId(row["message_id"]),
        tenancy=TenancyId(row["subject"]),
        first_tried_at=row["first_tried_at"],
        postponed=row["postponed"],
        traceparent=row["traceparent"],
    )


async def renew_lease(tx: Transaction, message: MessageId) -> None:
    """Also of one that was taken back meanwhile: it is on its way all the same, and may be queued again."""
    await tx.execute(RENEW_LEASE, message, tx.now() + LEASE_FOR)


async def release_message(tx: Transaction, message: MessageId, *, until: datetime) -> None:
    """Gives it back, without blame, to be taken again from `until` on."""
    await tx.execute(RELEASE, message, until)


async def postpone_message(tx: Transaction, message: MessageId, *, until: datetime) -> None:
    """As `release_message`, and counts it as a try that the mail server turned down."""
    await tx.execute(POSTPONE, message, until, tx.now())


async def drop_message(tx: Transaction, message: MessageId) -> None:
    await tx.execute(DROP, message)


async def settle_message(
    tx: Transaction, outgoing: Outgoing, state: Literal[MessageState.SENT, MessageState.FAILED]
) -> bool:
    """Writes down how it went, whatever was decided while it was on its way. False when that was known already."""
    settled = await tx.fetchval(SETTLE, outgoing.message, state, tx.now(), outgoing.contact.event_id)
    return settled is not None


async def count_queued(tx: Transaction) -> int:
    return int(await tx.fetchval(COUNT_QUEUED))
