"""All goals as an audience sees them now, read once for all who look until something has come in."""

from collections.abc import Sequence
from weakref import WeakKeyDictionary

from services.chassis.context import Context
from services.chassis.postgres import Database
from services.chassis.transaction import Transaction
from services.reporting.audience import Audience
from services.reporting.domain.periods import Period
from services.reporting.service import reading
from services.reporting.service.shapes import Report
from services.reporting.service.shelf import in_force

PERIODS_KEPT = 8
_read: WeakKeyDictionary[Database, dict[tuple[Audience, str], tuple[str, Sequence[Report]]]] = WeakKeyDictionary()


async def reports(ctx: Context, tx: Transaction, audience: Audience, period: Period, mark: str) -> Sequence[Report]:
    """The reports of every goal in force for a period. `mark`: as of what, from `repository.notes.mark`."""
    known = _read.setdefault(ctx.db, {})
    key = audience, period.label
    found = known.pop(key, None)
    if found is None or found[0] != mark:
        found = mark, await reading.read(ctx, tx, audience, await in_force(ctx, tx.connection), period)
    known[key] = found  # the one asked for last is last
    while len(known) > PERIODS_KEPT:
        del known[next(iter(known))]
    return found[1]
