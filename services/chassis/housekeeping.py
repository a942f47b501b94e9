"""What is deleted when its time is over. Sent rows 7 days, the inbox 90, settled parked records 90, and
what is parked from a private topic as long as the topic keeps it."""

import asyncio

from services.chassis.context import Context
from services.chassis.postgres import Database

PART = "chassis.housekeeping"

EVERY_SECONDS = 3600
AT_ONCE = 10_000
# $1: now, $2: how many at the most, so that no statement holds locks for long however much has gathered.
PRUNE = (
    """delete from outbox where id in
        (select id from outbox where sent_at < $1::timestamptz - interval '7 days' limit $2)""",
    """delete from inbox where (consumer, source, event_id) in
        (select consumer, source, event_id from inbox where received_at < $1::timestamptz - interval '90 days' limit $2)""",
    """delete from parked where id in
        (select id from parked where settled_at < $1::timestamptz - interval '90 days' limit $2)""",
    """delete from parked where id in (select id from parked where forget_at < $1::timestamptz limit $2)""",
    """delete from used_sign_in where nonce in
        (select nonce from used_sign_in where used_at < $1::timestamptz - interval '1 day' limit $2)""",
)


async def run(ctx: Context) -> None:
    """Prunes every hour until cancelled."""
    while True:
        for statement in PRUNE:
            await prune(ctx.db, statement)
        ctx.health.ok(PART)
        await asyncio.sleep(EVERY_SECONDS)


async def prune(db: Database, statement: str) -> None:
    """Runs a DELETE of ($1 now, $2 limit), a transaction at a time, until it finds no more."""
    while True:
        async with db.transaction() as tx:
            deleted = int((await tx.execute(statement, tx.now(), AT_ONCE)).rpartition(" ")[2])
        if deleted < AT_ONCE:
            return
