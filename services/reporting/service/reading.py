"""What an audience sees of the figures: staff as they are counted now, the public as they were published."""

from collections.abc import Iterable
from datetime import datetime
from typing import assert_never

from services.chassis.context import Context
from services.chassis.transaction import Transaction
from services.reporting.audience import Audience
from services.reporting.definitions import Goal
from services.reporting.domain.periods import Period
from services.reporting.service import figures, publications
from services.reporting.service.shapes import Report


async def read(  # noqa: PLR0917
    ctx: Context,
    tx: Transaction,
    audience: Audience,
    goals: Iterable[Goal],
    period: Period,
    as_of: datetime | None = None,
) -> list[Report]:
    """The reports of `goals` for a period, in their order. `as_of`: as they were then (now by default).

    For the public: as published, and no report of a goal that isn't published for the period.
    """
    match audience:
        case Audience.STAFF:
            return await figures.reports(tx.connection, goals, period, as_of or ctx.clock.now())
        case Audience.PUBLIC:
            return await publications.reports(tx.connection, goals, period, as_of or ctx.clock.now())
        case _:
            assert_never(audience)
