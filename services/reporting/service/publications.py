"""Placeholder by the founder until the publications part lands: overwrite me."""

from collections.abc import Iterable
from datetime import datetime

from services.chassis.postgres import Connection
from services.reporting.definitions import Goal
from services.reporting.domain.periods import Period
from services.reporting.service.shapes import Report


async def reports(connection: Connection, goals: Iterable[Goal], period: Period, now: datetime) -> list[Report]:
    return []
