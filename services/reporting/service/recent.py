"""Goals as an audience sees them now, read once for all who look until something has come in."""

from collections.abc import Iterable, Sequence
from weakref import WeakKeyDictionary

from services.chassis.context import Context
from services.chassis.postgres import Database
from services.chassis.transaction import Transaction
from services.reporting.audience import Audience
from services.reporting.definitions import Goal
from services.reporting.domain.periods import Period
from services.reporting.service import reading
from services.reporting.service.shapes import Report
from services.reporting.service.shelf import in_force

KEPT = 400
"""Reports of a goal for a period, at most: all goals of some nine periods."""
Key = tuple[Audience, str, tuple[str, ...]]
_read: WeakKeyDictionary[Database, dict[Key, tuple[str, Sequence[Report]]]] = WeakKeyDictionary()


async def reports(  # noqa: PLR0917
    ctx: Context, tx: Transaction, audience: Audience, period: Period, mark: str, goals: Iterable[Goal] | None = None
) -> Sequence[Report]:
    """The reports of goals for a period; of every goal in force, where none are named. `mark`: as of what, from
    `repository.notes.mark`."""
    known = _read.setdefault(ctx.db, {})
    asked = list(await in_force(ctx, tx.connection) if goals is None else goals)
    key = audience, period.label, tuple(goal.id for goal in asked)
    found = known.pop(key, None)
    if found is None or found[0] != mark:
        found = mark, await reading.read(ctx, tx, audience, asked, period)
    known[key] = found  # the one asked for last is last
    while sum(len(goals) for _, _, goals in known) > KEPT:
        del known[next(iter(known))]
    return found[1]


Periods = tuple[list[int], Period]
_periods: WeakKeyDictionary[Database, dict[Audience, tuple[str, Periods]]] = WeakKeyDictionary()


async def periods(ctx: Context, tx: Transaction, audience: Audience, mark: str) -> Periods:
    """`reading.periods` of all goals in force: which years there are is a sum over all tallies."""
    known = _periods.setdefault(ctx.db, {})
    found = known.get(audience)
    if found is None or found[0] != mark:
        goals = await in_force(ctx, tx.connection)
        found = known[audience] = mark, await reading.periods(ctx, tx, audience, goals)
    return found[1]
