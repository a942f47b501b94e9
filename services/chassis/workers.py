"""Background work of a service: run until the service stops, started again with backoff when it fails."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from services.chassis.backoff import Backoff
from services.chassis.context import Context
from services.chassis.errors import describe, is_temporary
from services.chassis.seldom import Seldom

log = structlog.get_logger(__name__)

# Seconds, longer than the longest pause: a worker that fails soon after each start is bad all the time. One that runs for
# longer before it fails is well in between.
RECOVERED_AFTER = 15.0

Worker = Callable[[Context], Awaitable[None]]


def name_of(worker: Worker) -> str:
    """The worker's module, as in `notifications.sender`."""
    return worker.__module__.removeprefix("services.")


async def keep_running(worker: Worker, ctx: Context, recovered_after: float = RECOVERED_AFTER) -> None:
    """Runs `worker` for ever. A defect in it makes the service not ready, for so many seconds after each failure."""
    backoff, news = Backoff(), Seldom()
    while True:
        try:
            await worker(ctx)
            log.warning("a worker ended by itself and is started again", worker=name_of(worker))
        except Exception as error:
            if is_temporary(error):  # what is away says so itself in /health/ready
                if news(describe(error)):
                    log.warning("a worker waits", worker=name_of(worker), error=describe(error))
            else:
                ctx.health.bad(name_of(worker), describe(error))
                # One that then runs on is well again, and must not keep the service from being ready for ever.
                asyncio.get_running_loop().call_later(
                    recovered_after, ctx.health.recovered, name_of(worker), describe(error)
                )
                log.exception("a worker failed and is started again", worker=name_of(worker))
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            return  # the break hid that we were told to stop
        await backoff.wait()
