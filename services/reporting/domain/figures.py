"""From counts to a figure: values, status and what may not be shown. Pure functions, exact arithmetic."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from fractions import Fraction
from typing import Literal

from services.reporting.domain.landlord import Target
from services.reporting.domain.periods import Period

Counts = Literal["people", "things"]

# What has just entered may still be reached: it doesn't put a year behind before this many days have gone.
STILL_TO_REACH = timedelta(days=30)
UNKNOWN_AREA = "unknown"
"""The slice of all areas that nobody has defined: counted, and an item of data quality."""


class Status(StrEnum):
    MET = "met"
    ON_TRACK = "on_track"
    BEHIND = "behind"
    MISSED = "missed"
    NO_DATA = "no_data"
    SUPPRESSED = "suppressed"
    INFORMATION = "information"
    FILLING = "filling"


SILENT = frozenset({Status.NO_DATA, Status.SUPPRESSED, Status.FILLING})
"""Without a value to show."""


@dataclass(frozen=True, slots=True)
class Count:
    """Part of the rollup: what has its day in the month of `month`.

    `others`: values of the goal's dimensions beside the area ("" for none). `scoped`: on days when the goal's programme
    ran in the area. `bucket`: of durations, how many days. `waiting`: of a ratio, those of the last days not yet reached.
    """

    area: str
    others: tuple[str, ...]
    scoped: bool
    month: date
    bucket: int
    numerator: int
    denominator: int
    waiting: int


@dataclass(frozen=True, slots=True)
class Tally:
    """What a figure is made of, in whole parts of the measure's unit. `spread`: of durations, days → how many."""

    numerator: int = 0
    denominator: int = 0
    waiting: int = 0
    spread: tuple[tuple[int, int], ...] = ()

    @staticmethod
    def of(counts: Iterable[Count]) -> "Tally":
        numerator = denominator = waiting = 0
        spread: dict[int, int] = {}
        for count in counts:
            numerator += count.numerator
            denominator += count.denominator
            waiting += count.waiting
            if count.bucket:
                spread[count.bucket] = spread.get(count.bucket, 0) + count.numerator
        if spread and (rest := numerator - sum(spread.values())):
            spread[0] = rest
        return Tally(numerator, denominator, waiting, tuple(sorted(spread.items())))


@dataclass(frozen=True, slots=True)
class Way:
    """How a measure makes a value of a tally, from its definition.

    `ratio`: numerator ÷ denominator, in per cent (an index likewise). `median`: of durations. Otherwise the numerator.
    `scale`: parts of a unit that the rollup counts in, times what the sum is divided by. `grows`: what happens adds up
    over the period, so that part of a year is compared with part of its target.
    """

    ratio: bool = False
    median: bool = False
    scale: int = 1
    grows: bool = False

    def value(self, tally: Tally) -> Fraction | None:
        """In the measure's unit; None where there is nothing to divide by."""
        if self.ratio:
            return Fraction(100 * tally.numerator, tally.denominator) if tally.denominator > 0 else None
        if self.median:
            return median(tally)
        return Fraction(tally.numerator, self.scale)

    def members(self, tally: Tally) -> int:
        """How many the figure is about, where it is about people."""
        return tally.denominator if self.ratio else tally.numerator // self.scale


def median(tally: Tally) -> Fraction | None:
    """The median of days: the middle one, or the mean of the two in the middle."""
    spread = tally.spread or (((0, tally.numerator),) if tally.numerator else ())
    total = sum(count for _, count in spread)
    if total <= 0:
        return None
    low, high, seen = None, None, 0
    for days, count in spread:
        seen += count
        if low is None and seen >= (total + 1) // 2:
            low = days
        if seen >= total // 2 + 1:
            high = days
            break
    return Fraction((low or 0) + (high or 0), 2)


def meets(value: Fraction, target: Target, before: Fraction | None) -> bool | None:
    """Whether a value satisfies the target, exactly; None when there is nothing to compare with."""
    if target.comparison == "increase":
        return None if before is None else value > before
    if target.comparison == "done":
        return value >= 1
    if target.value is None:
        return None
    aim = Fraction(target.value)
    match target.comparison:
        case ">":
            return value > aim
        case ">=":
            return value >= aim
        case _:
            return value <= aim


def status_of(
    tally: Tally, value: Fraction | None, way: Way, *, target: Target | None, before: Fraction | None, passed: tuple[int, int], hidden: bool,
    has_data: bool,
) -> Status:  # fmt: skip
    """Where a figure stands. `passed`: (days passed, days in all) of the period, or of the time it has for being done.

    While the period is under way: a ratio is on track if reaching those who still wait would be enough; what adds up
    over the period is on track if it is as far as the time is; what is to be done is on track until its time is over.
    Everything else is judged as it is.
    """
    if value is None or not has_data:
        return Status.NO_DATA
    if hidden:
        return Status.SUPPRESSED
    met = meets(value, target, before) if target else None
    if target is None or met is None:
        return Status.INFORMATION
    if met:
        return Status.MET
    is_over = passed[0] >= passed[1]
    if way.ratio and tally.waiting:
        reached = way.value(Tally(tally.numerator + tally.waiting, tally.denominator))
        if reached is not None and meets(reached, target, before):
            return Status.ON_TRACK
    if is_over:
        return Status.MISSED
    return Status.ON_TRACK if _keeps_pace(value, way, target, before, passed) else Status.BEHIND


def _keeps_pace(value: Fraction, way: Way, target: Target, before: Fraction | None, passed: tuple[int, int]) -> bool:
    if target.comparison == "done":
        return True
    aim = before if target.comparison == "increase" else None if target.value is None else Fraction(target.value)
    if aim is None or not way.grows or target.comparison == "<=":
        return False
    return value >= aim * Fraction(*passed)


def is_too_few(tally: Tally, way: Way, threshold: int, *, sensitive: bool = False) -> bool:
    """Whether a figure is about so few that it could tell of one of them. `threshold` 0: it isn't about people.

    Where the goal is sensitive, few who fulfil it or few who don't are too few as well, also none: that tells of all.
    """
    members = way.members(tally)
    if 0 < members < threshold:
        return True
    if not sensitive or not way.ratio or members <= 0:
        return False
    return tally.numerator < threshold or tally.denominator - tally.numerator < threshold


def company_tells_of_few(
    parts: Sequence[tuple[Tally, bool]], way: Way, threshold: int, *, sensitive: bool = False
) -> bool:
    """Whether the whole less the parts shown would leave too few.

    `parts`: for each its part of the whole, and whether its own figure is hidden.
    """
    hidden = [tally for tally, hidden in parts if hidden]
    left = Tally(sum(tally.numerator for tally in hidden), sum(tally.denominator for tally in hidden))
    return is_too_few(left, way, threshold, sensitive=sensitive)


@dataclass(frozen=True, slots=True)
class Point:
    """The figure as it stood on a day, in the measure's unit; None: no data, or too few to show."""

    on: date
    value: Fraction | None


@dataclass(frozen=True, slots=True)
class Break:
    """Where a series may not be compared across: the first day of what is other than before, and why (a code)."""

    on: date
    reason: str
    before: str = ""
    after: str = ""


def trend(
    counts: Sequence[Count], way: Way, ends: Sequence[date], as_of: date, threshold: int, *, sensitive: bool = False
) -> list[Point]:
    """The figure of what has its day up to each of the month ends, up to the month of `as_of`.

    A cohort's follows the subject, as the figure does: what is done for a household counts from the month it joined,
    whenever it was done. The last point is the figure itself.
    """
    points = []
    for end in (end for end in ends if end.replace(day=1) <= as_of):
        tally = Tally.of([count for count in counts if count.month <= end])
        few = is_too_few(tally, way, threshold, sensitive=sensitive)
        points.append(Point(end, None if few else way.value(tally)))
    return points


def by_year(values: Mapping[int, Fraction | None]) -> list[Point]:
    """Points at the ends of years, in order."""
    return [Point(Period.year(year).last, value) for year, value in sorted(values.items())]


def average(steps: Iterable[tuple[date, int]], first: date, last: date) -> Fraction | None:
    """The mean level over the days from `first` to `last`. `steps`: changes of the level, by day.

    None where nothing was said before the last day.
    """
    level = total = 0
    day, said = first, False
    for on, change in sorted(steps):
        if on > last:
            break
        said = True
        if on > day:
            total += level * (on - day).days
            day = on
        level += change
    total += level * ((last - day).days + 1)
    return Fraction(total, (last - first).days + 1) if said else None
