"""Calendar periods: years, quarters and months."""

import re
from calendar import monthrange
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date


class UnknownPeriod(ValueError):
    """Text that names no period."""


@dataclass(frozen=True, slots=True)
class Period:
    """A calendar year, quarter or month: `2019`, `2019-Q2` or `2019-05`."""

    label: str
    first: date
    last: date

    @staticmethod
    def parse(text: str) -> "Period":
        """Raises `UnknownPeriod`, which says what is accepted."""
        found = re.fullmatch(r"([12]\d{3})(?:-(?:Q([1-4])|(0[1-9]|1[0-2])))?", text.strip().upper(), re.ASCII)
        if found is None:
            raise UnknownPeriod(f"{text!r} is not a period; write a year, quarter or month: 2019, 2019-Q2 or 2019-05")
        year, quarter, month = int(found[1]), found[2], found[3]
        if quarter:
            return Period._of(found[0], year, 3 * int(quarter) - 2, 3 * int(quarter))
        if month:
            return Period._of(found[0], year, int(month), int(month))
        return Period._of(found[0], year, 1, 12)

    @staticmethod
    def year(year: int) -> "Period":
        return Period._of(str(year), year, 1, 12)

    @staticmethod
    def _of(label: str, year: int, first: int, last: int) -> "Period":
        return Period(label, date(year, first, 1), date(year, last, monthrange(year, last)[1]))

    def month_ends(self) -> list[date]:
        """The last day of each month of the period, in order."""
        months = range(self.first.month, self.last.month + 1)
        return [date(self.first.year, month, monthrange(self.first.year, month)[1]) for month in months]

    def is_over(self, as_of: date) -> bool:
        return as_of > self.last

    def before(self) -> "Period":
        """The same period a year before."""
        return Period.parse(f"{self.first.year - 1}{self.label[4:]}")

    def months(self) -> Iterator["Period"]:
        for end in self.month_ends():
            yield Period.parse(f"{end:%Y-%m}")

    def passed(self, as_of: date) -> tuple[int, int]:
        """(days of the period that have passed on the day `as_of`, days it has)."""
        days = (self.last - self.first).days + 1
        return min(max((as_of - self.first).days + 1, 0), days), days


MANY = 4
"""One of so many of the goals that are measured at all have to be measured in a year that is shown unasked."""


def asked_about(measured: Iterable[tuple[str, date]], as_of: date) -> int | None:
    """The year that people ask about: the latest that many goals are measured in, of those that didn't break off.

    `measured`: for a goal and a year with enough to show, the last day in it that anything is of. A year breaks off when
    it is over and nothing is of its last quarter, as at the end of a load of past years. A few households told of ahead of
    time, or the first page that was rated in a new year, must not hide the year before. None when nothing is measured.
    """
    goals: dict[int, set[str]] = {}
    lasts: dict[int, date] = {}
    for goal, last in measured:
        goals.setdefault(last.year, set()).add(goal)
        lasts[last.year] = max(last, lasts.get(last.year, last))
    most = max((len(of) for of in goals.values()), default=0)
    many = [year for year, of in goals.items() if MANY * len(of) >= most]
    whole = [year for year in many if year >= as_of.year or lasts[year].month > 9]
    return max(whole or many, default=None)
