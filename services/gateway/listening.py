"""Who is heard and who has fallen silent: folds what the door has noted, and says once when a source is waited for in vain."""

import asyncio
from functools import lru_cache
from typing import Any

import structlog
from opentelemetry.metrics import Meter

from services.chassis.context import Context
from services.chassis.workers import name_of
from services.gateway.repository import outcomes
from services.gateway.service import publishers

log = structlog.get_logger(__name__)

EVERY_SECONDS = 15
FOLD_AT_ONCE = 10_000


async def run(ctx: Context) -> None:
    """Until cancelled."""
    while True:
        folded = FOLD_AT_ONCE
        while folded == FOLD_AT_ONCE:
            async with ctx.db.transaction() as tx:
                folded = await outcomes.fold(tx, FOLD_AT_ONCE)
        await notice_silence(ctx)
        ctx.health.ok(name_of(run))
        await asyncio.sleep(EVERY_SECONDS)


async def notice_silence(ctx: Context) -> None:
    """Sets the gauge of every source that is waited for; each that falls silent is logged once, by one replica."""
    async with ctx.db.transaction() as tx:
        found = await publishers.sources_heard(tx)
        silent = [one.source for _, sources in found for one in sources if one.is_silent(tx.now())]
        fell, rose = await outcomes.note_silence(tx, silent)
    for publisher, sources in found:
        for one in sources:
            labels = {"publisher": publisher.name, "source": one.source}
            _silent(ctx.metrics.meter).set(int(one.source in silent), labels)
    for source, name in fell:
        log.warning("a source has fallen silent", publisher=name, source=source)
    for source, name in rose:
        log.info("a source is heard again", publisher=name, source=source)


@lru_cache(maxsize=1)
def _silent(meter: Meter) -> Any:  # OpenTelemetry exports no name for its type
    return meter.create_gauge(
        "hem_publisher_silent", description="1: a source that was not heard within the time agreed with its publisher"
    )
