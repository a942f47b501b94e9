"""What the file of an official statistic doesn't say, and its connector has to: which series, register, division of
regions, and what the agency's codes and symbols mean."""

import re
from collections.abc import Mapping
from typing import Annotated, Final, Generic, Literal, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from schemas.fields import Code, Day, Id, RegionKind
from schemas.fields import Period as PeriodText
from schemas.statistics import Age, Note

from .mapping import text_key
from .shape import Options

Sex = Literal["all", "women", "men"]
Meaning = Literal["final", "preliminary", "missing", "confidential", "not_applicable", "zero"]
T = TypeVar("T")
Key = Annotated[str, BeforeValidator(text_key)]

SYMBOLS: Final[Mapping[str, Meaning]] = {
    "..": "missing",
    ".": "not_applicable",
    "c": "confidential",
    "p": "preliminary",
}
"""What PxWeb and agencies agree on. A dash is none of them: with Statistics Sweden it is zero, with others nothing."""

_PERIOD: Final = re.compile(r"((?:19|20|21)\d{2})(?:-?([KQ])([1-4])|-?M?(0[1-9]|1[0-2]))?", re.ASCII)
_AGES: Final = re.compile(r"(\d{1,3})(?:\s*[-–]\s*(\d{1,3})|\s*(\+))?\s*(?:år|years?)?", re.ASCII)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", validate_by_name=True, validate_by_alias=True)


class Axis(_Part, Generic[T]):
    """A dimension (in CSV a column) that tells it, and what its codes mean where that isn't plain."""

    dimension: str
    codes: dict[Key, T] = Field(default_factory=dict)


class Ages(_Part):
    """An age span in years, both ends counted; `to` 150 where there is no upper bound."""

    from_: Age = Field(alias="from")
    to: Age

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.to < self.from_:
            raise PydanticCustomError("expected", "to not below from")
        return self


class Measure(_Part):
    """One measure of the file: which series it is, in which unit. `unit_in_file`: what the file has to call the unit.
    `numerator` and `denominator`: the measures (in CSV the columns) with the numbers behind a share."""

    series: Code
    unit: Code
    unit_in_file: str | None = None
    numerator: str | None = None
    denominator: str | None = None


class Division(_Part):
    """A division of regions in one version; `ending`: what its codes end with in the file, such as _DeSO2025."""

    kind: RegionKind
    version: Annotated[Id, BeforeValidator(text_key)]
    ending: str = ""


class Region(_Part):
    """`starting`: only regions whose code begins so, such as 0680. `digits`: of codes whose first zeros a sheet drops."""

    dimension: str | None = None
    divisions: tuple[Division, ...] = Field(min_length=1)
    starting: tuple[Key, ...] = ()
    digits: int = Field(0, ge=0, le=32)

    def division(self, code: str) -> Division | None:
        """The division that a code is of: the one with the longest ending that fits."""
        fits = [one for one in self.divisions if code.endswith(one.ending)]
        return max(fits, key=lambda one: len(one.ending), default=None)


class StatisticsOptions(Options):
    """What stands under `options` of a connector of kind statistics: see docs/connectors-statistics.md."""

    operator_agency: Id
    source_table: Id
    register_: Id | Axis[Id] = Field(alias="register")
    measures: dict[Key, Measure] = Field(min_length=1)
    measure_dimension: str | None = None
    region: Region
    population: Code | Axis[Code]
    age: Ages | Axis[Ages]
    sex: Sex | Axis[Sex]
    birth_region: Axis[Code | None] | Code | None = None
    period: Annotated[PeriodText, BeforeValidator(text_key)] | Axis[PeriodText] | None = None
    others: dict[str, Key] = Field(default_factory=dict)
    status: Literal["final", "preliminary"] = "final"
    status_column: str | None = None
    symbols: dict[Key, Meaning] = Field(default_factory=dict)
    published_on: Day | None = None
    notes: tuple[Note, ...] = ()
    decimal: Literal[",", "."] | None = None
    sheet: str | None = None
    header_row: int = Field(1, ge=1, le=100)
    delimiter: Literal[";", ",", "\t", "|"] | None = None

    def meaning(self, symbol: str) -> Meaning | None:
        """What a symbol in the file says; None when nobody has said it."""
        return {**SYMBOLS, **self.symbols}.get(symbol)

    @property
    def dimensions(self) -> tuple[str, ...]:
        """Every dimension or column that is named here, each once."""
        axes = (self.register_, self.population, self.age, self.sex, self.birth_region, self.period)
        named = [axis.dimension for axis in axes if isinstance(axis, Axis)]
        named += [name for name in (self.region.dimension, self.measure_dimension) if name]
        return tuple(dict.fromkeys([*named, *self.others]))


def as_period(code: str) -> str | None:
    """A year, quarter or month as an agency writes it (2022, 2022K2, 2022M04), as we do; None for what is none."""
    found = _PERIOD.fullmatch(code)
    if found is None:
        return None
    year, quarterly, quarter, month = found.groups()
    return f"{year}-Q{quarter}" if quarterly else f"{year}-{month}" if month else year


def as_ages(code: str) -> Ages | None:
    """An age span as an agency writes it (20-64, 85+, 19 år); None for what is none."""
    found = _AGES.fullmatch(code.strip())
    if found is None:
        return None
    first, last, more = found.groups()
    bounds = int(first), 150 if more else int(last or first)
    return Ages(from_=bounds[0], to=bounds[1]) if bounds[0] <= bounds[1] <= 150 else None
