"""Looks at the alert rules whenever figures have changed, and now and then because time has. One replica looks at a time."""

import asyncio
import time

import structlog

from services.chassis.clock import local_date
from services.chassis.context import Context
from services.chassis.errors import describe, is_temporary
from services.chassis.transaction import Transaction
from services.reporting.alert_rules import Rules, load
from services.reporting.audience import Audience
from services.reporting.definitions import load as shipped
from services.reporting.domain.periods import Period
from services.reporting.repository import alerts as repository
from services.reporting.repository import offsets
from services.reporting.service import alerts, reading
from services.reporting.service.shapes import MeasureReport
from services.reporting.service.shelf import in_force

log = structlog.get_logger(__name__)
LOOK_EVERY = 5.0  # seconds between looks at whether anything has been applied
ANEW_AFTER = 60.0  # seconds after which time alone may have changed what a rule says
REST = 20.0  # times as long as a look took, so that alerts take a twentieth of a core at most


async def run(ctx: Context) -> None:
    """Raises and clears alerts, until cancelled."""
    rules = load(shipped().by_id)
    applied, at = -1, 0.0
    while True:
        began = time.monotonic()
        try:
            async with ctx.db.transaction() as tx:
                now_applied = await offsets.applied(tx.connection)
                if (now_applied != applied or began - at > ANEW_AFTER) and await look(ctx, tx, rules):
                    applied, at = now_applied, began
        except Exception as error:
            if not is_temporary(error):
                raise
            log.warning("alerts wait for the database", error=describe(error))
        await asyncio.sleep(max(LOOK_EVERY, (time.monotonic() - began) * REST))


async def look(ctx: Context, tx: Transaction, rules: Rules) -> bool:
    """One look at the year under way. False where another replica is looking, or figures are being made anew."""
    if not await repository.look_alone(tx.connection):
        return False
    read, of = await offsets.rebuild_progress(tx.connection)
    if read < of:
        return False
    goals = await in_force(ctx, tx.connection)
    year = local_date(tx.now()).year
    reports = await reading.read(ctx, tx, Audience.STAFF, goals, Period.year(year))
    before: dict[tuple[str, str], MeasureReport] = {}
    if any(rule.kind == "jump" for rule in rules.rules):
        for report in await reading.read(ctx, tx, Audience.STAFF, goals, Period.year(year - 1)):
            before |= {(report.goal.id, measure.measure.id): measure for measure in report.measures}
    seen = alerts.seen(rules.rules, reports, before)
    raised, cleared = await alerts.look(tx, {rule.id: rule for rule in rules.rules}, seen)
    if raised or cleared:
        log.info("alerts", raised=raised, cleared=cleared)
    return True
