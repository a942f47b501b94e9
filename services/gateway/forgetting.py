"""What the door forgets in time: identities after 400 days, records set aside after 30; and it makes sure that the erased stay so."""

import asyncio
from collections.abc import Awaitable, Callable

from services.chassis.context import Context
from services.chassis.transaction import Transaction
from services.chassis.workers import name_of
from services.gateway.service import door as service
from services.gateway.service import inbound, publishers, reports

EVERY_SECONDS = 600


async def run(ctx: Context) -> None:
    """Until cancelled."""
    while True:
        await _until_done(ctx, service.forget_old_identities)
        await _until_done(ctx, service.forget_test_identities)
        await _until_done(ctx, service.retell_erasures)
        await _until_done(ctx, publishers.forget_old_refusals)
        await _until_done(ctx, publishers.forget_old_counts)
        await _until_done(ctx, inbound.forget_parked)
        await _until_done(ctx, reports.forget_whose)
        await _until_done(ctx, reports.forget)
        ctx.health.ok(name_of(run))
        await asyncio.sleep(EVERY_SECONDS)


async def _until_done(ctx: Context, work: Callable[[Transaction], Awaitable[int]]) -> None:
    """Some thousands at a time, a transaction each."""
    done = service.FORGET_AT_ONCE
    while done == service.FORGET_AT_ONCE:
        async with ctx.db.transaction() as tx:
            done = await work(tx)
