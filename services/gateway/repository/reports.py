"""SQL of what staff have reported."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from schemas.withdrawal import EventWithdrawn
from services.chassis.transaction import Transaction
from services.gateway.domain.door import Publisher
from services.gateway.domain.reports import Desk, Draft, Report, desk_with

ADD = """
    insert into staff_report (source, id, publisher, type, subject, time, data, replaces, session)
    values ($1, $2, $3, $4, $5, $6, $7::jsonb, $8, $9)
"""

# A correction that has itself been withdrawn corrects nothing any more.
REPORTS = """
    select r.id, r.publisher, r.type, r.subject, r.data, r.time, r.replaces, r.session,
        case
            when exists (
                select 1 from staff_report w where w.source = r.source and w.replaces = r.id and w.type = $1
            ) then 'withdrawn'
            when exists (
                select 1 from staff_report c
                where c.source = r.source and c.replaces = r.id and c.type <> $1
                    and not exists (
                        select 1 from staff_report w where w.source = c.source and w.replaces = c.id and w.type = $1
                    )
            ) then 'corrected'
            else 'sent'
        end as state
    from staff_report r
"""
FIND = f"{REPORTS} where r.source = any($2::text[]) and r.id = $3"
LATEST = f"""{REPORTS}
    where r.publisher = any($2::text[]) and ($3::bytea is null or r.session = $3) and r.type <> $1
    order by r.time desc, r.id desc limit $4 offset $5
"""
FORGET = """
    delete from staff_report where (source, id) in (
        select source, id from staff_report where time < $1 order by time limit $2
    )
"""
FORGET_WHOSE = """
    update staff_report set session = null where (source, id) in (
        select source, id from staff_report where time < $1 and session is not null order by time limit $2
    )
"""


async def add(tx: Transaction, draft: Draft, *, at: datetime, session: bytes) -> None:
    desk = draft.desk
    kept = None if draft.kept is None else dict(draft.kept)
    await tx.execute(
        ADD, desk.source, draft.id, desk.publisher, draft.type, draft.subject, at, kept, draft.replaces, session
    )


async def find(tx: Transaction, desks: Collection[Desk], id: str, session: bytes) -> Report | None:
    row = await tx.fetchrow(FIND, EventWithdrawn.type, [desk.source for desk in desks], id)
    return None if row is None else _report(row, session)


async def latest(
    tx: Transaction, desks: Collection[Desk], session: bytes, *, everybodys: bool, most: int, skip: int
) -> list[Report]:
    """The newest first, of this session's name, or of everybody at the desks; withdrawals themselves left out."""
    publishers = [desk.publisher for desk in desks]
    rows = await tx.fetch(LATEST, EventWithdrawn.type, publishers, None if everybodys else session, most, skip)
    return [_report(row, session) for row in rows]


async def forget(tx: Transaction, *, before: datetime, limit: int) -> int:
    return int((await tx.execute(FORGET, before, limit)).removeprefix("DELETE "))


async def forget_whose(tx: Transaction, *, before: datetime, limit: int) -> int:
    return int((await tx.execute(FORGET_WHOSE, before, limit)).removeprefix("UPDATE "))


def _report(row: Any, session: bytes) -> Report:
    desk = desk_with(Publisher(row["publisher"]))
    if desk is None:
        raise LookupError(f"no role reports as {row['publisher']}")
    return Report(
        id=row["id"],
        desk=desk,
        type=row["type"],
        subject=row["subject"],
        data=row["data"],
        time=row["time"],
        state=row["state"],
        replaces=row["replaces"],
        by_me=row["session"] == session,
    )
