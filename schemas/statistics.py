"""Official statistics, as their agency published them: aggregates only. Imported by a connector through the gateway."""

from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from .event import EventData
from .fields import LINES, NO_CONTROL, Code, Count, Day, Id, Period, RegionKind, valued_when

TOPIC = "statistics.events"
Age = Annotated[int, Field(ge=0, le=150)]
Note = Annotated[str, StringConstraints(min_length=1, max_length=2000, pattern=LINES)]


class OfficialStatisticImported(
    EventData,
    name="OfficialStatisticImported",
    topic=TOPIC,
    subject="series:region_code",
    identity=(
        "series", "register_", "region_code", "region_kind", "region_version", "population", "age_from", "age_to",
        "sex", "birth_region", "period",
    ),
):  # fmt: skip
    """One observation of an official series, for one region, group and period.

    Figures are compared within one series, register, age span and region version only, so none of them is left out or
    guessed. A missing value is not zero: `value` is left out and `status` says why. A later revision of the same
    observation is sent again with a higher `revision` and a later `time`, and replaces it. Mark the first load of past
    years `history`.
    """

    model_config = ConfigDict(json_schema_extra=valued_when(["final", "preliminary"], else_without=["value"]))

    series: Code = Field(
        description="The series, such as employment-rate-bas: one measure in one unit, whichever table it was read from. "
        "Compared with nothing but itself."
    )
    source_table: Id = Field(description="The agency's table, such as AM0207/BefDeSoSyssN.")
    register_: Id = Field(
        alias="register", description="The register behind it, such as RAMS (to 2019) or BAS (from 2020)."
    )
    operator_agency: Id = Field(description="The agency that publishes it, such as SCB.")
    region_code: Annotated[str, StringConstraints(min_length=1, max_length=32, pattern=NO_CONTROL)] = Field(
        description="The region's code in its division, such as 0680 or 0680R012."
    )
    region_kind: RegionKind = Field(description="The division: municipality, RegSO, DeSO, voting district or another.")
    region_version: Id = Field(description="Version of the division, such as 2018; codes change meaning between them.")
    population: Code = Field(description="Whom it is about, such as residents or employed-daytime.")
    age_from: Age = Field(description="Youngest age counted, in years.")
    age_to: Age = Field(
        description="Oldest age counted, in years, not below `age_from`; 150 where there is no upper bound."
    )
    sex: Literal["all", "women", "men"] = Field(description="`all`: both together.")
    birth_region: Code | None = Field(
        None, description="Region of birth of the group, such as sweden or foreign-born; none: all."
    )
    period: Period = Field(description="The period it is true for, such as 2019.")
    value: float | None = Field(None, description="The value in `unit`; left out when it is missing, never 0 for that.")
    status: Literal["final", "preliminary", "missing", "confidential", "not_applicable"] = Field(
        description="`final` and `preliminary` have a value; `missing`, `confidential` (hidden by the agency) and "
        "`not_applicable` have none."
    )
    unit: Code = Field(
        description="Unit of the value, such as percent, number or sek-thousand; 52.3 percent is 52.3, not 0.523."
    )
    numerator: Count | None = Field(
        None,
        description="Of a share, those who have it, where published: regions add up by it. Not above `denominator`.",
    )
    denominator: Count | None = Field(None, description="Of a share, all of them, where published.")
    published_on: Day = Field(description="The day the agency published the value.")
    revision: Count = Field(description="0 as first published, then 1, 2 …")
    notes: tuple[Note, ...] = Field((), max_length=20, description="The agency's footnotes to it, as written.")

    @model_validator(mode="after")
    def _value_and_status_agree(self) -> Self:
        if self.age_to < self.age_from:
            raise PydanticCustomError("expected", "age_to not below age_from")
        if (self.value is None) == (self.status in {"final", "preliminary"}):
            raise PydanticCustomError("expected", "a value exactly when status is final or preliminary")
        if self.numerator is not None and self.denominator is not None and self.numerator > self.denominator:
            raise PydanticCustomError("expected", "a numerator no greater than the denominator")
        return self
