"""Drops the identities of events that were accepted more than 400 days ago, some thousands at a time."""

import asyncio

from services.chassis.context import Context
from services.gateway import service

EVERY_SECONDS = 3600


async def run(ctx: Context) -> None:
    """Until cancelled."""
    while True:
        async with ctx.db.transaction() as tx:
            dropped = await service.forget_old_identities(tx)
        if dropped < service.FORGET_AT_ONCE:
            await asyncio.sleep(EVERY_SECONDS)
