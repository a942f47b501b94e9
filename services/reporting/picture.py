"""What a chart shows, before it is drawn: days, values and words, and the scale that holds them. Pure."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal


@dataclass(frozen=True, slots=True)
class Dot:
    """The figure on a day; None: no data, or not shown."""

    on: date
    value: float | None


@dataclass(frozen=True, slots=True)
class Level:
    """A target for as long as it applied. `kind`: `last_year` is the level to beat where the target is to increase."""

    first: date
    last: date
    value: float
    label: str
    kind: Literal["target", "last_year"] = "target"


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened on a day: a note on the curve, or a break that nothing is compared across."""

    on: date
    text: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A word under the time axis, in the middle of what it names."""

    on: date
    label: str


@dataclass(frozen=True, slots=True)
class Picture:
    """What a chart shows, in the reader's words.

    `spoken`: the whole in a sentence, for those who don't see it. `limits`: values that can't be passed (0 and 100 for a
    share). `from_zero`: the axis begins there, as for counts. `is_open`: the last point may still change. `value` and
    `tick` write a number as the figure and as the axis do.
    """

    first: date
    last: date
    dots: Sequence[Dot]
    spoken: str
    value: Callable[[float], str]
    tick: Callable[[float], str]
    ticks: Sequence[Tick] = ()
    levels: Sequence[Level] = ()
    breaks: Sequence[Mark] = ()
    notes: Sequence[Mark] = ()
    limits: tuple[float, float] | None = None
    from_zero: bool = False
    is_open: bool = False
    status: str = "information"


def reach(pictures: Iterable[Picture]) -> tuple[float, float]:
    """The lowest and highest value of the charts and their targets, with some air: one scale for all of them."""
    pictures = list(pictures)
    values = [dot.value for p in pictures for dot in p.dots if dot.value is not None]
    values += [level.value for p in pictures for level in p.levels]
    limits = next((p.limits for p in pictures if p.limits), None)
    low, high = min(values, default=0.0), max(values, default=100.0)
    air = max((high - low) * 0.1, abs(high) * 0.02, 1e-9 if high else 1.0)
    low, high = low - air, high + air
    if any(p.from_zero for p in pictures):
        low = min(low + air, 0.0)
    return (low, high) if limits is None else (max(low, limits[0]), min(high, limits[1]))


def steps(low: float, high: float, lines: int) -> list[float]:
    """Round values from at or below `low` to at or above `high`, `lines` of them or fewer."""
    span = (high - low) or 1.0
    size = 10.0 ** math.floor(math.log10(span / max(lines - 1, 1)))
    fitting = (size * many for many in (1, 2, 2.5, 5, 10, 20, 25))
    step = next((s for s in fitting if _whole(high / s, math.ceil) - _whole(low / s, math.floor) < lines), size * 50)
    first, last = _whole(low / step, math.floor), _whole(high / step, math.ceil)
    return [round(number * step, 10) for number in range(first, last + 1)]


def _whole(value: float, rounded: Callable[[float], int]) -> int:
    nearest = round(value)
    return nearest if abs(value - nearest) < 1e-9 else rounded(value)
