"""What statistics.events and AreaDefined say, folded: published observations, and which regions an area is made of."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Literal, NamedTuple

from schemas.event import EventData
from schemas.governance import AreaDefined
from schemas.statistics import OfficialStatisticImported
from services.reporting.domain.facts import Fact, standing_data

Status = Literal["final", "preliminary", "missing", "confidential", "not_applicable"]


class Group(NamedTuple):
    """Whom an observation is about and how it was counted: what it may be compared within."""

    series: str
    register: str
    population: str
    age_from: int
    age_to: int
    sex: str
    birth_region: str | None
    unit: str


class Division(NamedTuple):
    """A division of the country into regions: its kind (DeSO, RegSO, municipality …) and version."""

    kind: str
    version: str


@dataclass(frozen=True, slots=True)
class Observation:
    """One published value. `value` in the group's unit; None: none, and `status` says why. `period`: 2019, 2019-Q2 …"""

    group: Group
    division: Division
    code: str
    period: str
    value: Fraction | None
    numerator: int | None
    denominator: int | None
    status: Status
    published_on: date
    revision: int
    table: str
    agency: str
    notes: tuple[str, ...] = ()

    @property
    def counts(self) -> tuple[int, int] | None:
        """Numerator and denominator, where both are published and there is anyone to divide by."""
        if self.numerator is None or not self.denominator:
            return None
        return self.numerator, self.denominator


@dataclass(frozen=True, slots=True)
class Part:
    """A region that an area is made of. `weight`: how much of the region's people live in the area, at most 1."""

    division: Division
    code: str
    weight: Fraction


@dataclass(frozen=True, slots=True)
class Extent:
    """What an area is in official statistics from a day on. `last`: its last day, for an area that is no more."""

    area: str
    municipality: str
    parts: tuple[Part, ...]
    first: date
    last: date | None = None


def observations(facts: Iterable[tuple[Fact, EventData]]) -> list[Observation]:
    """The observations that stand after corrections and withdrawals, every revision of each."""
    stand = standing_data(facts, apart_by="revision")
    return [_observation(data) for data in stand if isinstance(data, OfficialStatisticImported)]


def extents(facts: Iterable[tuple[Fact, EventData]]) -> list[Extent]:
    """What areas are made of, one extent for each standing AreaDefined, by area and first day."""
    found = [_extent(data) for data in standing_data(facts) if isinstance(data, AreaDefined)]
    return sorted(found, key=lambda extent: (extent.area, extent.first))


def _observation(data: OfficialStatisticImported) -> Observation:
    return Observation(
        Group(
            data.series,
            data.register_,
            data.population,
            data.age_from,
            data.age_to,
            data.sex,
            data.birth_region,
            data.unit,
        ),
        Division(data.region_kind, data.region_version),
        data.region_code,
        data.period,
        None if data.value is None else exact(data.value),
        data.numerator,
        data.denominator,
        data.status,
        data.published_on,
        data.revision,
        data.source_table,
        data.operator_agency,
        data.notes,
    )


def _extent(data: AreaDefined) -> Extent:
    parts = tuple(
        Part(Division(region.kind, region.version), region.code, exact(region.weight))
        for region in data.statistics_regions
    )
    return Extent(data.area_id, data.municipality_code, parts, data.valid_from, data.valid_to)


def exact(number: float) -> Fraction:
    """The number as it was written: 87.42 is 8742/100."""
    return Fraction(Decimal(str(number)))
