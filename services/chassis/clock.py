"""Time as a dependency, so that tests can move it."""

from datetime import UTC, date, datetime
from typing import Protocol
from zoneinfo import ZoneInfo

STOCKHOLM = ZoneInfo("Europe/Stockholm")


class Clock(Protocol):
    def now(self) -> datetime:
        """The present, aware, in UTC."""
        ...


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


def local_date(moment: datetime) -> date:
    """The calendar day of an aware `moment` in Europe/Stockholm, the day that goals count by."""
    return moment.astimezone(STOCKHOLM).date()
