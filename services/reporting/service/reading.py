"""What an audience sees of the figures: staff as they are counted now, the public as they were published."""

from collections.abc import Iterable
from datetime import datetime
from typing import assert_never

from services.chassis.context import Context
from services.chassis.transaction import Transaction
from services.reporting.audience import Audience
from services.reporting.definitions import Goal, Goals
from services.reporting.domain.periods import Period
from services.reporting.domain.rules import Role
from services.reporting.service import figures, lineage, published
from services.reporting.service.lineage import Behind
from services.reporting.service.shapes import Figure, Report


async def read(  # noqa: PLR0917
    ctx: Context,
    tx: Transaction,
    audience: Audience,
    goals: Iterable[Goal],
    period: Period,
    as_of: datetime | None = None,
) -> list[Report]:
    """The reports of `goals` for a period, in their order. `as_of`: as they were then (now by default).

    For the public: as published, and no report of a goal that isn't published for the period. A closed period stays as
    it is for staff too.
    """
    now, goals = as_of or ctx.clock.now(), list(goals)
    match audience:
        case Audience.STAFF:
            kept = await published.kept(tx.connection, goals, period, now)
            return await figures.reports(tx.connection, goals, period, now) if kept is None else kept
        case Audience.PUBLIC:
            return await published.reports(tx.connection, goals, period, now)
        case _:
            assert_never(audience)


async def periods(ctx: Context, tx: Transaction, audience: Audience, goals: Goals) -> tuple[list[int], Period]:
    """The years with something to see, and the period to show when none is asked for.

    For the public the latest published year, else the latest published period, else this year, of which nothing is.
    """
    now = ctx.clock.now()
    match audience:
        case Audience.STAFF:
            return await figures.periods(tx.connection, goals, now)
        case Audience.PUBLIC:
            there = await published.periods(tx.connection, now)
            latest = max(there, key=lambda period: ((period.last - period.first).days > 300, period.last), default=None)
            return sorted({period.first.year for period in there}), latest or Period.year(now.year)
        case _:
            assert_never(audience)


async def behind(tx: Transaction, audience: Audience, figure: Figure) -> tuple[list[Behind], bool]:
    """The events behind a figure, counted by type, role and source; and whether there are more than were counted.

    For the public as published: of the company's figures alone, and only counts that may be told.
    """
    match audience:
        case Audience.STAFF:
            return await lineage.behind(tx.connection, figure)
        case Audience.PUBLIC:
            found = await published.behind(tx.connection, figure)
            return [Behind(row.type, Role(row.role), row.source, row.events) for row in found], False
        case _:
            assert_never(audience)
