"""What is deleted when its time is over. Sent rows 7 days, the inbox 90, settled parked records 90."""

import asyncio

from services.chassis.context import Context

EVERY_SECONDS = 3600
PRUNE = (
    "delete from outbox where sent_at < $1::timestamptz - interval '7 days'",
    "delete from inbox where received_at < $1::timestamptz - interval '90 days'",
    "delete from parked where settled_at < $1::timestamptz - interval '90 days'",
    "delete from used_sign_in where used_at < $1::timestamptz - interval '1 day'",
)


async def run(ctx: Context) -> None:
    while True:
        async with ctx.db.transaction() as tx:
            for statement in PRUNE:
                await tx.execute(statement, tx.now())
        await asyncio.sleep(EVERY_SECONDS)
