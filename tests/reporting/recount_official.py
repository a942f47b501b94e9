"""The goals that official statistics answer, counted the slow way: see `recount`.

A figure is of the latest period that anything is published for; an area is what it was on that period's last day.
Regions add up by the numbers behind their rates. Of an area with several regions and only rates there is nothing to
say, unless they are all the same.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from schemas.governance import AreaDefined
from schemas.statistics import OfficialStatisticImported
from tests.reporting.recount import Period, Row, World, counts, exact

SERIES = ("employment-rate-bas", "employment-rate-rams")


@dataclass(frozen=True)
class Group:
    """Whom it is about."""

    sex: str = "all"
    birth_region: str | None = None


EVERYBODY = Group()
WOMEN_FROM_ABROAD = Group("women", "foreign-born")


def published(world: World, group: Group, period: str) -> list[OfficialStatisticImported]:
    """Of each observation the last revision."""
    wanted = (period, "residents", group.sex, group.birth_region, "percent")
    last: dict[tuple[object, ...], OfficialStatisticImported] = {}
    for one in world.of(OfficialStatisticImported):
        about = (one.period, one.population, one.sex, one.birth_region, one.unit)
        newer = one.identity not in last or one.revision > last[one.identity].revision
        if one.series in SERIES and about == wanted and newer:
            last[one.identity] = one
    return list(last.values())


def labels(world: World, period: Period) -> list[str]:
    """The periods that something is published for, the latest first, none later than the one asked for."""
    found = {one.period for one in world.of(OfficialStatisticImported)}
    return sorted((label for label in found if Period.of(label).last <= period.last), reverse=True)


def as_it_was(world: World, area: str, day: date) -> AreaDefined | None:
    """What an area was on a day; before its first definition, what it was first."""
    said = sorted((one for one in world.ever(AreaDefined) if one.area_id == area), key=lambda one: one.valid_from)
    begun = [one for one in said if one.valid_from <= day] or said[:1]
    if not begun or (begun[-1].valid_to is not None and begun[-1].valid_to < day):
        return None
    return begun[-1]


@dataclass(frozen=True)
class Rate:
    """A rate in per cent, and the numbers behind it where they are known; no rate at all where a region has none."""

    top: Fraction | None
    bottom: Fraction = Fraction(100)


def together(parts: list[tuple[Fraction, OfficialStatisticImported | None]]) -> Rate | None:
    """The rate of regions, each with how much of it counts. None: nothing is published of any."""
    if all(one is None for _, one in parts):
        return None
    if any(one is None or one.value is None for _, one in parts):
        return Rate(None)
    known = [(weight, one) for weight, one in parts if one is not None]
    if all(one.numerator is not None and one.denominator for _, one in known):
        top = sum((weight * (one.numerator or 0) for weight, one in known), Fraction())
        return Rate(top, sum((weight * (one.denominator or 0) for weight, one in known), Fraction()))
    rates = {exact(one.value or 0) for _, one in known}
    return Rate(rates.pop()) if len(rates) == 1 else Rate(None)


def of_area(world: World, area: str, group: Group, label: str) -> Rate | None:
    said = as_it_was(world, area, Period.of(label).last)
    if said is None:
        return None
    found = {(one.region_kind, one.region_version, one.region_code): one for one in published(world, group, label)}
    return together(
        [(exact(part.weight), found.get((part.kind, part.version, part.code))) for part in said.statistics_regions]
    )


def of_municipality(world: World, code: str, group: Group, label: str) -> Rate | None:
    found = [
        one for one in published(world, group, label) if (one.region_kind, one.region_code) == ("municipality", code)
    ]
    return together([(Fraction(1), one) for one in found])


def latest(world: World, area: str, group: Group, period: Period) -> Iterator[tuple[str, Rate]]:
    """The latest period of an area and its rate."""
    for label in labels(world, period):
        rate = of_area(world, area, group, label)
        if rate is not None:
            yield label, rate
            return


def rates(world: World, period: Period, group: Group) -> Iterable[Row]:
    for area in world.areas():
        for _, rate in latest(world, area, group, period):
            if rate.top is not None:
                yield Row(rate.top, rate.bottom, area=area, ours=False)
    for label in labels(world, period) if world.areas() else ():
        whole = of_municipality(world, "0680", group, label)
        if whole is not None:
            if whole.top is not None:
                yield Row(whole.top, whole.bottom)
            return


@counts("employment-rate", "rate", "share")
def employment_rate(world: World, period: Period) -> Iterable[Row]:
    return rates(world, period, EVERYBODY)


@counts("employment-foreign-born-women", "rate", "share")
def employment_foreign_born_women(world: World, period: Period) -> Iterable[Row]:
    return rates(world, period, WOMEN_FROM_ABROAD)


@counts("employment-parity", "difference", "difference")
def employment_parity(world: World, period: Period) -> Iterable[Row]:
    for area in world.areas():
        for label, rate in latest(world, area, EVERYBODY, period):
            whole = of_municipality(world, "0680", EVERYBODY, label)
            if rate.top is not None and whole is not None and whole.top is not None:
                points = 100 * rate.top / rate.bottom - 100 * whole.top / whole.bottom
                yield Row(points, area=area, ours=False)
