"""What waits: tenancies to think about again, and messages to send. Taken with locks that others skip."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.chassis.transaction import Transaction
from services.notifications.domain import MessageId, MessageState, TenancyId

RECONSIDER = """
    insert into reconsider (kind, ref, history, due_at, traceparent)
    select $1, ref, $3, $4, $5 from unnest($2::text[]) as ref
"""
RECONSIDER_AREA = """
    insert into reconsider (kind, ref, history, due_at, traceparent)
    select distinct 'tenancy', tenancy_id, $2::bool, $3::timestamptz, $4::text
    from move_in where area_id = $1 and not history
"""
TAKE_RECONSIDERATIONS = """
    delete from reconsider where id in (
        select id from reconsider where due_at <= $1 order by id limit $2 for update skip locked
    )
    returning kind, ref, history, traceparent
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
    returning message_id, occasion, subject, queued_at, postponed, traceparent
"""
POSTPONE = "update message set due_at = $2, postponed = postponed + 1 where message_id = $1 and state = 'queued'"
RELEASE = "update message set due_at = $2 where message_id = $1 and state = 'queued'"
SETTLE = """
    update message set state = $2, settled_at = $3
    where message_id = $1 and state not in ('sent', 'failed')
    returning message_id
"""
COUNT_QUEUED = "select count(*) from message where state = 'queued'"


@dataclass(frozen=True, slots=True)
class Reconsideration:
    """A request to think again about a tenancy, a household's tenancies or an area's, and the trace it belongs to."""

    kind: str
    ref: str
    history: bool
    traceparent: str | None


@dataclass(frozen=True, slots=True)
class Leased:
    """A message that is this sender's alone until its lease ends."""

    message: MessageId
    tenancy: TenancyId
    queued_at: datetime
    postponed: int
    traceparent: str | None
    tracestate: str | None = None


async def reconsider(
    tx: Transaction, kind: str, refs: Sequence[str], *, history: bool, due: datetime, traceparent: str | None
) -> None:
    await tx.execute(RECONSIDER, kind, refs, history, due, traceparent)


async def reconsider_area(tx: Transaction, request: Reconsideration) -> None:
    """Asks again for each tenancy of the area."""
    await tx.execute(RECONSIDER_AREA, request.ref, request.history, tx.now(), request.traceparent)


async def take_reconsiderations(tx: Transaction, *, most: int) -> list[Reconsideration]:
    return [Reconsideration(**row) for row in await tx.fetch(TAKE_RECONSIDERATIONS, tx.now(), most)]


async def lock_tenancies(tx: Transaction, tenancies: Sequence[TenancyId]) -> None:
    """Nobody else decides about these until this transaction ends. Call it once in a transaction: it sorts."""
    await tx.execute(LOCK_TENANCIES, tenancies)


async def lease_message(tx: Transaction, *, until: datetime) -> Leased | None:
    """The message that has been due longest. When the lease ends without a word, another sender takes it."""
    row = await tx.fetchrow(LEASE, tx.now(), until)
    if row is None:
        return None
    return Leased(
        message=MessageId(row["message_id"]),
        tenancy=TenancyId(row["subject"]),
        queued_at=row["queued_at"],
        postponed=row["postponed"],
        traceparent=row["traceparent"],
    )


async def postpone_message(tx: Transaction, message: MessageId, *, until: datetime) -> None:
    await tx.execute(POSTPONE, message, until)


async def release_message(tx: Transaction, message: MessageId, *, until: datetime) -> None:
    """Sets the end of the lease, without blame: now gives it back, later keeps it."""
    await tx.execute(RELEASE, message, until)


async def settle_message(tx: Transaction, message: MessageId, state: MessageState) -> bool:
    """Writes down how it went, whatever was decided while it was on its way. False when that was known already."""
    return await tx.fetchval(SETTLE, message, state, tx.now()) is not None


async def count_queued(tx: Transaction) -> int:
    return int(await tx.fetchval(COUNT_QUEUED))
