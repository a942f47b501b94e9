"""Official statistics (officiell statistik): published observations → one series for an area or a municipality.

An area is made of regions of an official division, each with the share of its people who live in the area. Numerators
and denominators add up; rates never do. Where several regions have rates only, all that is known of the area is that it
lies between the lowest and the highest of them. Points are compared within one series, register, age span and version
of the regions; where one of these changes there is a break. Exact arithmetic throughout.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from typing import Literal

from services.reporting.domain.periods import Period
from services.reporting.domain.published import Division, Extent, Group, Observation, Part

PERCENT = "percent"
DAYS_KEPT = 8
"""Days that figures were asked for as of, of which what was known then is kept."""
MUNICIPALITY = "municipality"
BORROWED = "voting_district"
"""A kind of region that has no observations of its own: each repeats that of the statistical area its midpoint lies in."""

Reason = Literal[
    "no_regions", "no_observation", "missing", "confidential", "not_applicable", "region_missing", "rates_only",
    "no_municipality", "not_alike", "by_area_only",
]  # fmt: skip
"""Why there is no value. `no_regions`: the area is tied to no official region; `no_observation`: nothing is published yet;
the next three: what the agency says of the only region; `region_missing`: one of several has no value; `rates_only`:
several without the numbers behind, so that only a range is known; `no_municipality`, `not_alike`: nothing of the
municipality, or nothing alike (`unlike` says in what), to compare with; `by_area_only`: a parity is an area's."""

Aspect = Literal["series", "register", "age_span", "region_version", "period_length"]
"""What two points must have in common to be compared."""


@dataclass(frozen=True, slots=True)
class Promise:
    """What a goal says it measures.

    `series`, `ages`: in order of preference; the first age span is the one promised, the others may stand in for it.
    `parity`: the area less its municipality, in points.
    """

    series: tuple[str, ...]
    ages: tuple[tuple[int, int], ...]
    population: str = "residents"
    sex: str = "all"
    birth_region: str | None = None
    unit: str = PERCENT
    parity: bool = False

    def rank(self, group: Group) -> tuple[int, int] | None:
        """How well a group keeps the promise, least first: (age span, series). None: it is about something else."""
        about = (group.population, group.sex, group.birth_region, group.unit)
        if about != (self.population, self.sex, self.birth_region, self.unit) or group.series not in self.series:
            return None
        span = (group.age_from, group.age_to)
        return (self.ages.index(span), self.series.index(group.series)) if span in self.ages else None

    def subjects(self, extents: Iterable[Extent]) -> set[str]:
        """The keys (`series:region_code`) of every event that can bear on it."""
        codes = {code for e in extents for code in (e.municipality, *(part.code for part in e.parts))}
        return {f"{series}:{code}" for series in self.series for code in codes}


@dataclass(frozen=True, slots=True)
class OfficialPoint:
    """What is known for a period. `value` in the group's unit (a parity: percentage points), or None and a `reason`.

    `low`, `high`: the value lies between them, also where it isn't known. `numerator`, `denominator`: weighted sums,
    where published. `against`: of a parity, the municipality's point. `lacking`: regions without a value.
    """

    period: Period
    group: Group
    division: Division
    observations: tuple[Observation, ...]
    value: Fraction | None = None
    low: Fraction | None = None
    high: Fraction | None = None
    numerator: Fraction | None = None
    denominator: Fraction | None = None
    reason: Reason | None = None
    lacking: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    against: "OfficialPoint | None" = None

    @property
    def preliminary(self) -> bool:
        against = self.against is not None and self.against.preliminary
        return against or any(one.status == "preliminary" for one in self.observations)

    def meets(self, condition: Callable[[Fraction], bool]) -> bool | None:
        """Whether a value compares as it should (`>=` 50); None when it isn't known well enough to tell."""
        if self.low is None or self.high is None:
            return None
        answers = {condition(self.low), condition(self.high)}
        return answers.pop() if len(answers) == 1 else None

    @property
    def published_on(self) -> date:
        """The day the last of what it is made of was published."""
        days = [one.published_on for one in self.observations]
        return max([*days, self.against.published_on] if self.against else days)

    @property
    def aspects(self) -> dict[Aspect, str]:
        """What it may be compared within, in words for a page."""
        ours, theirs = self.division, self.against.division if self.against else None
        return {
            "series": self.group.series,
            "register": self.group.register,
            "age_span": f"{self.group.age_from}–{self.group.age_to}",
            "region_version": " / ".join(f"{d.kind} {d.version}" for d in (ours, theirs) if d is not None),
            "period_length": str(_months(self.period)),
        }


@dataclass(frozen=True, slots=True)
class OfficialBreak:
    """A series break (tidsseriebrott): from `on` another `reason` applies: `after` where it was `before`."""

    on: date
    reason: Aspect
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class OfficialSeries:
    """Points by period, oldest first, and the breaks between them. `reason`: why there is no point at all."""

    points: tuple[OfficialPoint, ...] = ()
    reason: Reason | None = None

    @property
    def latest(self) -> OfficialPoint | None:
        return self.points[-1] if self.points else None

    @property
    def breaks(self) -> list[OfficialBreak]:
        return [
            OfficialBreak(after.period.first, aspect, was, after.aspects[aspect])
            for before, after in pairwise(self.points)
            for aspect, was in before.aspects.items()
            if was != after.aspects[aspect]
        ]

    @property
    def year_before(self) -> OfficialPoint | None:
        """The point a year before the latest, when the two may be compared."""
        latest = self.latest
        if latest is None:
            return None
        first = latest.period.first.replace(year=latest.period.first.year - 1)
        return next((p for p in self.points if p.period.first == first and p.aspects == latest.aspects), None)


@dataclass(frozen=True)
class Statistics:
    """All that is published, and what the areas are made of."""

    observations: Sequence[Observation]
    extents: Sequence[Extent]
    _known: "dict[tuple[Promise, date], _Known]" = field(default_factory=dict, init=False, repr=False, compare=False)

    def series(self, promise: Promise, area: str | None, until: Period, as_of: date) -> OfficialSeries:
        """What is published by `as_of` for an area (None: the municipality of all areas), up to the period `until`.

        The latest point may be of an earlier period; it then carries the flag `earlier_period`.
        """
        known = self._published(promise, as_of)
        extents = [extent for extent in self.extents if area in (None, extent.area)]
        if area is None:
            municipalities = {extent.municipality for extent in extents}
            if promise.parity or len(municipalities) != 1:
                return OfficialSeries(reason="by_area_only" if promise.parity else "no_municipality")
            (municipality,) = municipalities
            points = [_best(known.municipality(period, municipality), promise) for period in known.periods]
        elif not any(extent.parts for extent in extents):
            return OfficialSeries(reason="no_regions")
        else:
            points = [_of_area(known, promise, period, extents) for period in known.periods]
        found = [point for point in points if point is not None and point.period.last <= until.last]
        if not found:
            return OfficialSeries(reason="no_observation")
        if found[-1].period.last < until.first:
            found[-1] = replace(found[-1], flags=(*found[-1].flags, "earlier_period"))
        return OfficialSeries(tuple(found))

    def periods(self, promise: Promise, as_of: date) -> list[Period]:
        """Those that something is published about by `as_of`, oldest first."""
        return self._published(promise, as_of).periods

    def _published(self, promise: Promise, as_of: date) -> "_Known":
        known = self._known.get((promise, as_of))
        if known is None:
            if len(self._known) >= DAYS_KEPT:
                self._known.clear()
            known = self._known[promise, as_of] = _Known(self.observations, promise, as_of)
        return known


class _Known:
    """The observations that a promise can be kept by, each in the last revision published by a day."""

    def __init__(self, observations: Iterable[Observation], promise: Promise, as_of: date) -> None:
        self.promise = promise
        last: dict[tuple[str, Group, Division, str], Observation] = {}
        for one in observations:
            if one.published_on > as_of or promise.rank(one.group) is None:
                continue
            at = (one.period, one.group, one.division, one.code)
            if at not in last or one.revision > last[at].revision:
                last[at] = one
        self._by: dict[str, dict[tuple[Group, Division], dict[str, Observation]]] = {}
        for (period, group, division, code), one in last.items():
            self._by.setdefault(period, {}).setdefault((group, division), {})[code] = one

    @cached_property
    def periods(self) -> list[Period]:
        return sorted((Period.parse(label) for label in self._by), key=lambda period: (period.last, period.first))

    def area(self, period: Period, extent: Extent) -> Iterator[OfficialPoint]:
        """A point for each division and group that says something of the area."""
        for (group, division), by_code in self._by[period.label].items():
            parts = [part for part in extent.parts if part.division == division]
            if any(part.code in by_code for part in parts):
                yield _flagged(_combined(period, group, parts, by_code), self.promise)

    def municipality(self, period: Period, code: str) -> Iterator[OfficialPoint]:
        for (group, division), by_code in self._by[period.label].items():
            if division.kind == MUNICIPALITY and code in by_code:
                whole = [Part(division, code, Fraction(1))]
                yield _flagged(_combined(period, group, whole, by_code), self.promise)


def _of_area(known: _Known, promise: Promise, period: Period, extents: Sequence[Extent]) -> OfficialPoint | None:
    extent = _in_force(extents, period.last)
    if extent is None:
        return None
    points = list(known.area(period, extent))
    if not promise.parity:
        return _best(points, promise)
    return _parity(points, list(known.municipality(period, extent.municipality)), promise)


def _in_force(extents: Sequence[Extent], day: date) -> Extent | None:
    """What the area is that day; before its first definition, what it was first."""
    begun = [extent for extent in extents if extent.first <= day] or extents[:1]
    extent = max(begun, key=lambda one: one.first, default=None)
    return None if extent is None or (extent.last is not None and extent.last < day) else extent


def _combined(period: Period, group: Group, parts: Sequence[Part], by_code: Mapping[str, Observation]) -> OfficialPoint:
    """What the regions' observations say together."""
    said = [(part.weight, by_code[part.code]) for part in parts if part.code in by_code]
    point = OfficialPoint(period, group, parts[0].division, tuple(one for _, one in said))
    lacking = tuple(p.code for p in parts if p.code not in by_code or by_code[p.code].value is None)
    if lacking:
        return replace(point, reason=_why(said) if len(parts) == 1 else "region_missing", lacking=lacking)
    distinct = _each_once(said)
    if len(distinct) < len(said):
        point = replace(point, flags=("repeated",))
    if any(weight < 1 for weight, _ in distinct):
        point = replace(point, flags=(*point.flags, "weighted"))
    counts = [(weight, one.counts) for weight, one in distinct if one.counts is not None]
    if group.unit == PERCENT and len(counts) == len(distinct):
        numerator = sum((weight * n for weight, (n, _) in counts), Fraction(0))
        denominator = sum((weight * d for weight, (_, d) in counts), Fraction(0))
        share = 100 * numerator / denominator
        return replace(point, value=share, low=share, high=share, numerator=numerator, denominator=denominator)
    values = [one.value for _, one in distinct if one.value is not None]
    if group.unit == "number":
        total = sum((weight * (one.value or 0) for weight, one in distinct), Fraction(0))
        return replace(point, value=total, low=total, high=total)
    point = replace(point, low=min(values), high=max(values), flags=(*point.flags, "rate_only"))
    if point.low == point.high:  # however the people are spread, the whole has the rate that all its parts have
        return replace(point, value=point.low)
    return replace(point, reason="rates_only")


def _why(said: Sequence[tuple[Fraction, Observation]]) -> Reason:
    match said[0][1].status:
        case "missing" | "confidential" | "not_applicable" as status:
            return status
        case _:
            return "missing"


def _each_once(said: Sequence[tuple[Fraction, Observation]]) -> list[tuple[Fraction, Observation]]:
    """Observations that borrowed regions repeat count once, with the greatest of their weights."""
    distinct: dict[object, tuple[Fraction, Observation]] = {}
    for weight, one in said:
        borrowed = one.division.kind == BORROWED
        at = (one.value, one.numerator, one.denominator) if borrowed else one.code
        if at not in distinct or weight > distinct[at][0]:
            distinct[at] = (weight, one)
    return list(distinct.values())


def _flagged(point: OfficialPoint, promise: Promise) -> OfficialPoint:
    rank = promise.rank(point.group)
    return replace(point, flags=("proxy", *point.flags)) if rank is not None and rank[0] > 0 else point


def _best(points: Iterable[OfficialPoint], promise: Promise) -> OfficialPoint | None:
    """The one to show of several for a period: one with a value, of the promised age span and series, the firmest."""

    def order(point: OfficialPoint) -> tuple[object, ...]:
        firm = [flag in point.flags for flag in ("rate_only", "weighted", "repeated")]
        return (point.value is None, point.low is None, promise.rank(point.group), firm)

    newest_first = sorted(points, key=lambda point: (point.division.version, point.division.kind), reverse=True)
    return min(newest_first, key=order, default=None)


def _parity(
    areas: Sequence[OfficialPoint], municipalities: Sequence[OfficialPoint], promise: Promise
) -> OfficialPoint | None:
    """The area less its municipality, like for like: the same group in the same period."""
    pairs = [_less(area, whole) for area in areas for whole in municipalities if whole.group == area.group]
    if pairs:
        return _best(pairs, promise)
    nearest = _best(areas, promise)
    if nearest is None:
        return None
    none = replace(nearest, value=None, low=None, high=None, numerator=None, denominator=None)
    other = _best(municipalities, promise)
    return replace(none, reason="not_alike" if other else "no_municipality", against=other)


def _less(area: OfficialPoint, whole: OfficialPoint) -> OfficialPoint:
    flags = tuple(dict.fromkeys((*area.flags, *whole.flags)))
    point = replace(area, numerator=None, denominator=None, flags=flags, against=whole)
    if whole.value is None:
        return replace(point, value=None, low=None, high=None, reason=whole.reason)
    return replace(
        point,
        value=None if area.value is None else area.value - whole.value,
        low=None if area.low is None else area.low - whole.value,
        high=None if area.high is None else area.high - whole.value,
    )


def unlike(area: Group, municipality: Group) -> list[str]:
    """In what two groups differ, by field: why they aren't compared."""
    return [field for field, one, other in zip(Group._fields, area, municipality, strict=True) if one != other]


def _months(period: Period) -> int:
    return (period.last.year - period.first.year) * 12 + period.last.month - period.first.month + 1
