"""The worker that runs connectors: by schedule, and what was asked for. One run of a connector at a time, whichever
replica has it; a run that was cut off is taken up again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import structlog

from services.chassis.backoff import Backoff
from services.chassis.context import Context
from services.chassis.errors import describe, is_temporary
from services.chassis.workers import name_of
from services.gateway.connectors.configured import Connector, configured
from services.gateway.connectors.running import carry_out
from services.gateway.domain.connectors import ConnectorName, Run, is_due
from services.gateway.repository import connectors as repository

log = structlog.get_logger(__name__)

LOOK_SECONDS = 0.25
SCHEDULE_EVERY_LOOKS = 40
FORGET_EVERY_LOOKS = 14_400
FORGET_AT_ONCE = 100
RUNS_AT_ONCE = 2
"""Each holds a connection besides those it works with: more of them than the pool has would wait for each other."""


async def run(ctx: Context) -> None:
    """Until cancelled."""
    under_way: dict[ConnectorName, asyncio.Task[None]] = {}
    looks = 0
    async with asyncio.TaskGroup() as group:
        while True:
            if looks % SCHEDULE_EVERY_LOOKS == 0:
                await _ask_by_schedule(ctx)
            if looks % FORGET_EVERY_LOOKS == 0:
                async with ctx.db.transaction() as tx:
                    await repository.forget_old_runs(tx, FORGET_AT_ONCE)
            looks += 1
            async with ctx.db.transaction() as tx:
                waiting = await repository.open_runs(tx)
            for name in [name for name, task in under_way.items() if task.done()]:
                del under_way[name]
            for one in waiting:
                if one.connector not in under_way and len(under_way) < RUNS_AT_ONCE:
                    under_way[one.connector] = group.create_task(_alone(ctx, one))
            ctx.health.ok(name_of(run))
            await asyncio.sleep(LOOK_SECONDS)


async def _ask_by_schedule(ctx: Context) -> None:
    for connector in configured(ctx.settings.connectors):
        if not isinstance(connector, Connector) or connector.every is None:
            continue
        async with ctx.db.transaction() as tx:
            last = await repository.last_by_schedule(tx, connector.name)
            if is_due(connector.every, last, tx.now()):
                await repository.ask(tx, connector.name, cause="schedule", dry=False, filename=None)


async def _alone(ctx: Context, run: Run) -> None:
    """Carries the run out, unless another replica is at it. What is away for a while is waited for."""
    backoff = Backoff()
    while True:
        try:
            async with _lock(ctx, run.connector) as alone:
                if alone and await _is_open(ctx, run):
                    await carry_out(ctx, run)
                return
        except Exception as error:
            if not is_temporary(error):
                raise
            log.warning("a connector's run waits", connector=run.connector, run=run.id, error=describe(error))
        await backoff.wait()


async def _is_open(ctx: Context, run: Run) -> bool:
    async with ctx.db.transaction() as tx:
        now = await repository.find(tx, run.connector, run.id)
    return now is not None and now.is_open


@asynccontextmanager
async def _lock(ctx: Context, connector: ConnectorName) -> AsyncIterator[bool]:
    """Whether we have the connector to ourselves. The lock is the connection's: it ends with our process."""
    async with ctx.db.pool.acquire(timeout=5) as connection:
        alone = bool(await connection.fetchval(repository.LOCK, connector))
        try:
            yield alone
        finally:
            if alone:
                with suppress(Exception):  # a connection that broke has let go of it
                    await connection.fetchval(repository.UNLOCK, connector)
