"""The worker that decides: takes up what `service.think_again` asked for, tenancy by tenancy, in small transactions."""

from datetime import timedelta
from typing import assert_never

import structlog

from services.chassis.backoff import Backoff
from services.chassis.context import Context
from services.chassis.errors import describe, is_temporary
from services.chassis.telemetry import context_of, span
from services.chassis.transaction import Transaction
from services.chassis.workers import name_of
from services.notifications import service
from services.notifications.domain import HouseholdRef, TenancyId
from services.notifications.repository import heard, queue
from services.notifications.repository.queue import Reconsideration

log = structlog.get_logger(__name__)

AT_ONCE = 50
IDLE_SECONDS = (0.1, 0.5)  # between looks while nothing is asked for
# A tenancy that can't be decided about (a defect, a wrong master key) waits this long and doesn't hold up the others.
TRY_AGAIN_AFTER = timedelta(minutes=5)


async def run(ctx: Context) -> None:
    idle = Backoff(*IDLE_SECONDS)
    while True:
        taken = await settle(ctx)
        ctx.health.ok(name_of(run))
        if taken:
            idle.reset()
        if taken < AT_ONCE:
            await idle.wait()


async def settle(ctx: Context) -> int:
    """Decides about the next tenancies, in one transaction. Returns how many requests it took up."""
    async with ctx.db.transaction() as tx:
        taken = await queue.take_reconsiderations(tx, most=AT_ONCE)
        if not taken:
            return 0
        requests = await _by_tenancy(tx, taken)
        await queue.lock_tenancies(tx, list(requests))
        for tenancy, request in requests.items():
            await _decide(ctx, tx, tenancy, request)
    return len(taken)


async def _by_tenancy(tx: Transaction, taken: list[Reconsideration]) -> dict[TenancyId, Reconsideration]:
    """The last request about each tenancy: one decision answers all."""
    found: dict[TenancyId, Reconsideration] = {}
    for asked in taken:
        match asked.kind:
            case "area":
                await queue.reconsider_area(tx, asked)
                tenancies = []
            case "household":
                tenancies = await heard.tenancies_of(tx, [HouseholdRef(asked.ref)])
            case "tenancy":
                tenancies = [TenancyId(asked.ref)]
            case other:
                assert_never(other)
        found |= dict.fromkeys(tenancies, asked)
    return found


async def _decide(ctx: Context, tx: Transaction, tenancy: TenancyId, request: Reconsideration) -> None:
    try:
        with span(ctx.tracer, "decide", context=context_of(request)):
            async with tx.savepoint():
                await service.reconsider(tx, tenancy, traceparent=request.traceparent)
    except Exception as error:
        if is_temporary(error):
            raise
        log.exception("a tenancy could not be decided about and waits", error=describe(error))
        await service.think_again(tx, "tenancy", [tenancy], after=TRY_AGAIN_AFTER)
