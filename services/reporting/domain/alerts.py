"""When something about a goal needs a look, and when it no longer does. Pure; a figure is seen only as it is shown.

An alert never flaps: what it is about must have held without a break for a while before it is raised, and must have
been over without a break for a while before it is cleared. Whatever comes and goes faster changes nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from hashlib import sha256
from itertools import pairwise
from statistics import median
from typing import Literal, NamedTuple

Kind = Literal["status", "below", "jump"]
Slice = Literal["company", "area", "publisher"]


class Thing(NamedTuple):
    """What a rule is about: one measure of a goal in a period, of the company, an area or a value of a dimension."""

    goal: str
    measure: str
    period: str
    area: str = ""
    dimension: str = ""
    value: str = ""

    @property
    def of(self) -> dict[str, str] | None:
        """As an event says it; None for the company."""
        if self.area:
            return {"area": self.area}
        return {self.dimension: self.value} if self.dimension else None


@dataclass(frozen=True, slots=True)
class Jump:
    """What counts as unusual: a step `times` as far from the usual one as the others are on the whole (medians both), and
    by `least` in the measure's unit at least. `history`: how many others there must be.
    """

    times: Fraction
    least: Fraction
    history: int


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule as data. `goals`, `units`: none names all. `statuses`, `below`, `jump` go with the kind of the same name."""

    id: str
    kind: Kind
    goals: frozenset[str]
    each: tuple[Slice, ...]
    raise_after: timedelta
    clear_after: timedelta
    statuses: frozenset[str] = frozenset()
    below: Fraction | None = None
    jump: Jump | None = None
    units: frozenset[str] = frozenset()

    def is_about(self, goal: str, unit: str) -> bool:
        return goal in (self.goals or {goal}) and unit in (self.units or {unit})


class Step(StrEnum):
    """What happens to an alert at one look."""

    NOTHING = "nothing"
    RAISE = "raise"
    CLEAR = "clear"


@dataclass(frozen=True, slots=True)
class Watch:
    """What is known of a rule and a thing between two looks.

    `turned_at`: since when the thing has been other than the alert says, without a break; None: it is as it says.
    `raised`: whether an alert stands. `episode`: how many have been raised.
    """

    turned_at: datetime | None = None
    raised: bool = False
    episode: int = 0

    def look(self, rule: Rule, *, holds: bool, now: datetime) -> tuple["Watch", Step]:
        """The watch after seeing whether the rule `holds`, and what comes of it."""
        if holds is self.raised:
            return replace(self, turned_at=None), Step.NOTHING
        since = min(self.turned_at or now, now)
        if now - since < (rule.clear_after if self.raised else rule.raise_after):
            return replace(self, turned_at=since), Step.NOTHING
        if self.raised:
            return Watch(None, raised=False, episode=self.episode), Step.CLEAR
        return Watch(None, raised=True, episode=self.episode + 1), Step.RAISE

    @property
    def is_new(self) -> bool:
        """Whether there is nothing in it worth keeping."""
        return self == Watch()


def alert_id(rule: str, thing: Thing, episode: int) -> str:
    """The same on every replica and after every crash, so that nothing is raised twice."""
    key = "\x1f".join((rule, *thing, str(episode)))
    return f"{rule}-{sha256(key.encode()).hexdigest()[:16]}"


class Dot(NamedTuple):
    """A point of a trend as it is shown; `value` None where nothing is."""

    on: date
    value: Fraction | None


def steps(points: Iterable[Dot], breaks: Iterable[date], as_of: date) -> dict[date, Fraction]:
    """How far each finished point is from the one before: none over a gap or a break. Day of the later point → step."""
    breaks = list(breaks)
    return {
        late.on: late.value - early.value
        for early, late in pairwise(points)
        if early.value is not None and late.value is not None and late.on <= as_of
        if not any(early.on < day <= late.on for day in breaks)
    }


def is_unusual(steps: Sequence[Fraction], jump: Jump) -> bool:
    """Whether the last of the steps is beyond the usual range."""
    *earlier, last = steps or [Fraction()]
    if len(earlier) < jump.history:
        return False
    usual = median(earlier)
    spread = median(abs(step - usual) for step in earlier)
    return abs(last - usual) >= jump.least and abs(last - usual) > jump.times * spread
