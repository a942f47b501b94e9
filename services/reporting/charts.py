"""Where the lines of a trend go. Geometry only: the templates draw it, the stylesheet colours it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from services.reporting.figures import Point

SPARK_WIDTH, SPARK_HEIGHT = 176.0, 40.0
WIDTH, HEIGHT = 720.0, 330.0
LEFT, RIGHT, TOP, BOTTOM = 62.0, 620.0, 26.0, 290.0


@dataclass(frozen=True, slots=True)
class Dot:
    x: float
    y: float
    share: float


@dataclass(frozen=True, slots=True)
class Spark:
    """A small trend: `lines` are the points of polylines, broken where nothing is shown; heights from the top."""

    lines: list[str]
    last: Dot | None
    target: float | None


@dataclass(frozen=True, slots=True)
class Chart:
    """A trend with axes. `ticks`: (height, per cent); `months`: (x, first day of the month)."""

    lines: list[str]
    dots: list[Dot]
    last: Dot | None
    target: float | None
    ticks: list[tuple[float, float]]
    months: list[tuple[float, date]]


def spark(points: Sequence[Point], months: int, target: float | None) -> Spark:
    """`months`: how many the whole period has, so that a year under way leaves room for what is to come."""
    low, high = _span([p.share for p in points if p.share is not None], target)
    y = _Scale(low, high, SPARK_HEIGHT - 5, 5)
    runs = _runs(points, _Steps(4, SPARK_WIDTH - 8, months), y)
    return Spark(_lines(runs), runs[-1][-1] if runs else None, None if target is None else y(target))


def chart(points: Sequence[Point], ends: Sequence[date], target: float | None) -> Chart:
    """`ends`: the month ends of the whole period."""
    low, high = _span([p.share for p in points if p.share is not None], target)
    step = next(s for s in (5, 10, 20, 25, 50) if (high - low) / s <= 5)
    low, high = math.floor(low / step) * step, min(math.ceil(high / step) * step, 100)
    y = _Scale(low, high, BOTTOM, TOP)
    x = _Steps(LEFT + 10, RIGHT - 10, len(ends))
    runs = _runs(points, x, y)
    return Chart(
        _lines(runs),
        [dot for run in runs for dot in run],
        runs[-1][-1] if runs else None,
        None if target is None else y(target),
        [(y(tick), tick) for tick in range(int(low), int(high) + 1, step)],
        [(x(number), end.replace(day=1)) for number, end in enumerate(ends)],
    )


class _Scale:
    """Maps [low, high] to heights [bottom, top]."""

    def __init__(self, low: float, high: float, bottom: float, top: float) -> None:
        self._low, self._range, self._bottom, self._rise = low, high - low, bottom, bottom - top

    def __call__(self, value: float) -> float:
        return round(self._bottom - (value - self._low) / self._range * self._rise, 1)


class _Steps:
    """The x of each of `count` months between first and last."""

    def __init__(self, first: float, last: float, count: int) -> None:
        self._first, self._step = first, (last - first) / max(count - 1, 1)

    def __call__(self, number: int) -> float:
        return round(self._first + number * self._step, 1)


def _span(shares: list[float], target: float | None) -> tuple[float, float]:
    values = shares + ([] if target is None else [target])
    low, high = min(values, default=0.0), max(values, default=100.0)
    margin = max((high - low) * 0.1, 2.0)
    return max(low - margin, 0.0), min(high + margin, 100.0)


def _runs(points: Sequence[Point], x: _Steps, y: _Scale) -> list[list[Dot]]:
    runs: list[list[Dot]] = [[]]
    for number, point in enumerate(points):
        if point.share is None:
            runs.append([])
        else:
            runs[-1].append(Dot(x(number), y(point.share), point.share))
    return [run for run in runs if run]


def _lines(runs: list[list[Dot]]) -> list[str]:
    return [" ".join(f"{dot.x},{dot.y}" for dot in run) for run in runs]
