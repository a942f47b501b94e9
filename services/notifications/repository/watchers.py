"""Who follows which goal, and the mails that wait for them or have gone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from pydantic import BaseModel

from services.chassis.transaction import Transaction
from services.notifications.domain import MessageId

Kind = Literal["confirm", "figures", "alert", "alert_over"]

LEASE_FOR = timedelta(minutes=3)  # longer than any conversation about one mail: smtp.TRY_SECONDS

LOCK_ADDRESS = "select pg_advisory_xact_lock(hashtextextended($1, 0))"
COUNT_WAITING = "select count(*) from watcher where confirmed_at is null"
COUNT_ASKED = """
    select count(*) from watcher_mail join watcher using (watcher)
    where address = $1 and kind = 'confirm' and queued_at > $2
"""
# Locked: one who stops at the same moment is gone before a mail is queued for them, or takes it along.
FIND_OF_ADDRESS = "select watcher, confirmed_at from watcher where goal_id = $1 and address = $2 for key share"
ADD_WATCHER = "insert into watcher (watcher, goal_id, address, sealed, asked_at) values ($1, $2, $3, $4, $5)"
CONFIRM = (
    "update watcher set confirmed_at = coalesce(confirmed_at, $3) where watcher = $1 and goal_id = $2 returning watcher"
)
FORGET = "delete from watcher where watcher = $1 and goal_id = $2"
UNCONFIRMED = """
    select watcher, goal_id from watcher where confirmed_at is null and asked_at < $1
    order by asked_at limit 500 for update skip locked
"""
CONFIRMED = "select watcher from watcher where goal_id = $1 and confirmed_at <= $2 order by watcher for key share"
QUEUE = """
    insert into watcher_mail (message_id, watcher, what, kind, period, rule, state, queued_at, due_at)
    values ($1, $2, $3, $4, $5, $6, 'queued', $7, $7)
    on conflict do nothing
"""
LEASE = """
    update watcher_mail as mail set due_at = $2
    from watcher
    where watcher.watcher = mail.watcher and message_id = (
        select message_id from watcher_mail where state = 'queued' and due_at <= $1
        order by due_at limit 1 for update skip locked
    )
    returning mail.message_id, mail.watcher, goal_id, kind, period, rule, sealed, first_tried_at, postponed
"""
RELEASE = "update watcher_mail set due_at = $2 where message_id = $1 and state = 'queued'"
POSTPONE = """
    update watcher_mail set due_at = $2, postponed = postponed + 1, first_tried_at = coalesce(first_tried_at, $3)
    where message_id = $1 and state = 'queued'
"""
SETTLE = "update watcher_mail set state = $2, settled_at = $3 where message_id = $1 and state = 'queued'"


class Watcher(BaseModel):
    """What is sealed of one: where to, in which language (of the pages), and what the goal is called in it."""

    email: str
    language: str
    goal: str


@dataclass(frozen=True, slots=True)
class Leased:
    """A mail that is this sender's alone until its lease ends. `sealed`: a `Watcher`."""

    message: MessageId
    watcher: str
    goal: str
    kind: Kind
    period: str | None
    rule: str | None
    sealed: bytes
    first_tried_at: datetime | None
    postponed: int


@dataclass(frozen=True, slots=True)
class News:
    """What a mail is about. `what`: the same for the same news, whatever event tells it."""

    what: str
    kind: Kind
    period: str | None = None
    rule: str | None = None


async def lock_address(tx: Transaction, address: bytes) -> None:
    """Nobody else signs this address up until the transaction ends."""
    await tx.execute(LOCK_ADDRESS, address.hex())


async def count_waiting(tx: Transaction) -> int:
    return int(await tx.fetchval(COUNT_WAITING))


async def count_asked(tx: Transaction, address: bytes, since: datetime) -> int:
    """How many mails to confirm were made for an address, whatever the goal."""
    return int(await tx.fetchval(COUNT_ASKED, address, since))


async def find_of_address(tx: Transaction, goal: str, address: bytes) -> tuple[str, bool] | None:
    """(watcher, whether they have confirmed)."""
    row = await tx.fetchrow(FIND_OF_ADDRESS, goal, address)
    return None if row is None else (row["watcher"], row["confirmed_at"] is not None)


async def add(tx: Transaction, watcher: str, goal: str, address: bytes, sealed: bytes) -> None:
    await tx.execute(ADD_WATCHER, watcher, goal, address, sealed, tx.now())


async def confirm(tx: Transaction, watcher: str, goal: str) -> bool:
    """False when there is no such watcher (any more). The first time counts."""
    return await tx.fetchval(CONFIRM, watcher, goal, tx.now()) is not None


async def forget(tx: Transaction, watcher: str, goal: str) -> None:
    """Also every mail of theirs, sent or waiting."""
    await tx.execute(FORGET, watcher, goal)


async def unconfirmed(tx: Transaction, before: datetime) -> list[tuple[str, str]]:
    """(watcher, goal) of those who asked before then and never confirmed."""
    return [(row["watcher"], row["goal_id"]) for row in await tx.fetch(UNCONFIRMED, before)]


async def confirmed(tx: Transaction, goal: str, by: datetime) -> list[str]:
    """Who followed the goal at a moment, and still does."""
    return [row["watcher"] for row in await tx.fetch(CONFIRMED, goal, by)]


async def queue(tx: Transaction, mails: Sequence[tuple[MessageId, str]], news: News) -> None:
    """Queues a mail for each (message, watcher), once for the same news."""
    rows = [(message, to, news.what, news.kind, news.period, news.rule, tx.now()) for message, to in mails]
    await tx.executemany(QUEUE, rows)


async def lease(tx: Transaction) -> Leased | None:
    """The mail that has been due longest. When the lease ends without a word, another sender takes it."""
    row = await tx.fetchrow(LEASE, tx.now(), tx.now() + LEASE_FOR)
    if row is None:
        return None
    return Leased(
        message=MessageId(row["message_id"]),
        watcher=row["watcher"],
        goal=row["goal_id"],
        kind=row["kind"],
        period=row["period"],
        rule=row["rule"],
        sealed=row["sealed"],
        first_tried_at=row["first_tried_at"],
        postponed=row["postponed"],
    )


async def release(tx: Transaction, message: MessageId, *, until: datetime) -> None:
    """Gives it back, without blame, to be taken again from `until` on."""
    await tx.execute(RELEASE, message, until)


async def postpone(tx: Transaction, message: MessageId, *, until: datetime) -> None:
    """As `release`, and counts it as a try that the mail server turned down."""
    await tx.execute(POSTPONE, message, until, tx.now())


async def settle(tx: Transaction, message: MessageId, state: Literal["sent", "failed"]) -> None:
    await tx.execute(SETTLE, message, state, tx.now())
