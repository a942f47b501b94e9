"""The periods that a reader can choose among."""

from fastapi import Request

from services.chassis.clock import local_date
from services.chassis.context import Context
from services.chassis.transaction import Transaction
from services.reporting.audience import Audience
from services.reporting.domain.periods import Period
from services.reporting.repository import notes
from services.reporting.routes.asking import periods_of
from services.reporting.service import published, recent


async def period_and_years(
    request: Request, ctx: Context, tx: Transaction, audience: Audience
) -> tuple[Period, list[int]]:
    """The period asked for, or what the audience sees first; and the years with something to see. Raises `Wrong`."""
    mark = await notes.mark(tx.connection, tx.now())
    years, default = await recent.periods(ctx, tx, audience, mark)
    return periods_of(request, years, default)[0], years


async def parts_of(tx: Transaction, audience: Audience, period: Period) -> list[Period]:
    """The year of a period and its quarters, as far as they have begun or, for the public, been published.

    A month that is asked for is among them.
    """
    year = Period.year(period.first.year)
    quarters = [Period.parse(f"{year.label}-Q{number}") for number in (1, 2, 3, 4)]
    if audience is Audience.PUBLIC:
        there = set(await published.periods(tx.connection, tx.now()))
        found = [part for part in (year, *quarters) if part in there]
    else:
        found = [part for part in (year, *quarters) if part.first <= local_date(tx.now())]
    return found if period in found else [*found, period]
