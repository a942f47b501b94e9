"""Areas, steering documents, targets, programmes and roles: what the company has decided. Kept for ever.

A target or programme is data, never code: a goal's figure is judged against the TargetSet in force on its day.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from .event import EventData, Part
from .fields import Code, Day, Dimension, Id, Line, MunicipalityCode, RegionKind, Unit, in_order

TOPIC = "governance.events"
Programme = Annotated[Code, Field(description="The programme, such as housing_introduction.")]
Comparison = Literal[">", ">=", "<=", "increase", "done"]
Share = Annotated[float, Field(gt=0, le=1)]
Percent = Annotated[float, Field(ge=0, le=100)]
DocumentId = Annotated[Id, Field(description="The steering document (styrdokument).")]


class StatisticsRegion(Part):
    """One region of official statistics that an area is made of, wholly or in part."""

    code: Id = Field(description="The region's code, such as 0680R012.")
    kind: RegionKind = Field(description="Kind of region.")
    version: Id = Field(description="Version of the division, such as 2018; figures compare within one only.")
    weight: Share = Field(description="How much of the region's population lives in the area: above 0, at most 1.")


class AreaDefined(EventData, name="AreaDefined", topic=TOPIC, subject="area_id", identity=("area_id", "valid_from")):
    """A housing area (bostadsområde) and the statistics regions it is compared with, from a day on. When it changes, it is
    sent with the day of the change: what held before stays known. Sent again with the same `valid_from`, it corrects."""

    area_id: Id = Field(description="The area, such as oxnehaga.")
    name: Line = Field(description="The area's name as written, such as Öxnehaga.")
    municipality_code: MunicipalityCode = Field(description="Four digits, such as 0680 for Jönköping.")
    statistics_regions: tuple[StatisticsRegion, ...] = Field(
        (), max_length=200, description="Regions of official statistics; empty while none is chosen."
    )
    valid_from: Day = Field(description="First day of this definition; the one before it ends the day before.")
    valid_to: Day | None = Field(
        None, description="Last day, for an area that no longer exists; not before `valid_from`."
    )

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Self:
        in_order(self.valid_from, self.valid_to, "valid_to")
        return self


class SteeringDocumentAdopted(EventData, name="SteeringDocumentAdopted", topic=TOPIC, subject="document_id"):
    """A steering document (företagsplan, uthyrningspolicy, ägardirektiv, integrationsplan) has been adopted."""

    document_id: DocumentId
    title: Line = Field(description="The document's title.")
    adopted_by: Line = Field(description="The body that adopted it, such as board; never a person.")
    valid_from: Day = Field(description="First day in force.")
    valid_to: Day | None = Field(None, description="Last day in force, where one is set; not before `valid_from`.")
    applies_until_replaced: bool = Field(
        False, description="True when it goes on applying after `valid_to` until another replaces it."
    )

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Self:
        in_order(self.valid_from, self.valid_to, "valid_to")
        return self


class SteeringDocumentReplaced(EventData, name="SteeringDocumentReplaced", topic=TOPIC, subject="document_id"):
    """A steering document no longer applies because another does."""

    document_id: DocumentId
    replaced_by: Id = Field(description="The document that applies instead.")
    replaced_on: Day = Field(description="The first day the new one applies.")


class Target(EventData):
    """What TargetSet and TargetRevised say alike."""

    goal_id: Id = Field(description="The goal, such as housing-introduction-offered.")
    measure: Code | None = Field(None, description="The measure of the goal; none where the goal has one only.")
    dimension: Dimension | None = Field(
        None, description='What the target is for, such as {"area": "oxnehaga"}; none: the whole company.'
    )
    comparison: Comparison = Field(
        description="How the figure is compared with `value`: exactly 90 is met by `>=` 90 and not by `>` 90. "
        "`increase`: more than the year before. `done`: it has happened."
    )
    value: float | None = Field(None, description="In `unit`; needed for `>`, `>=` and `<=`, left out for `done`.")
    unit: Unit = Field(description="Unit of value and figure; 90 `percent` is 90, not 0.9.")
    valid_from: Day = Field(description="First day the target applies.")
    valid_to: Day | None = Field(None, description="Last day it applies, not before `valid_from`; none: until revised.")
    document_id: Id = Field(description="The steering document that sets it.")

    @model_validator(mode="after")
    def _is_a_target(self) -> Self:
        in_order(self.valid_from, self.valid_to, "valid_to")
        if self.comparison in {">", ">=", "<="} and self.value is None:
            raise PydanticCustomError("expected", "a value to compare with")
        if self.comparison == "done" and self.value is not None:
            raise PydanticCustomError("expected", "no value where the comparison is done")
        return self


TARGET = ("goal_id", "measure", "dimension", "valid_from", "document_id")


class TargetSet(Target, name="TargetSet", topic=TOPIC, subject="goal_id", identity=TARGET):
    """A target for a goal is in force from a day. Several may stand beside each other: per measure, area, period and
    document. Sent again with the same of these, it corrects; where two are in force, the one that began last applies."""


class TargetRevised(Target, name="TargetRevised", topic=TOPIC, subject="goal_id", identity=TARGET):
    """The target has been changed by decision; from `valid_from` it replaces all with the same goal, measure and
    dimension, whichever document set them. A slip in what was sent is mended by sending TargetSet again instead."""

    reason: Literal["new_decision", "new_document", "definition_changed", "other"] = Field(description="Why.")


class ProgrammeStarted(
    EventData, name="ProgrammeStarted", topic=TOPIC, subject="programme", identity=("programme", "area_id", "from_")
):
    """A programme runs in an area from a day on, such as offering every newcomer a housing introduction."""

    programme: Programme
    area_id: Id = Field(description="The area it runs in.")
    from_: Day = Field(alias="from", description="The first day it runs (in Python: `from_`).")


class ProgrammeEnded(
    EventData, name="ProgrammeEnded", topic=TOPIC, subject="programme", identity=("programme", "area_id", "ended_on")
):
    """A programme no longer runs in an area. It may start there again later."""

    programme: Programme
    area_id: Id = Field(description="The area.")
    ended_on: Day = Field(description="The last day it ran.")


class RoleStaffed(EventData, name="RoleStaffed", topic=TOPIC, subject="role", identity=("role", "from_")):
    """How much of a role is staffed from a day on; never by whom."""

    role: Code = Field(description="The role, such as integration_strategist.")
    percent: Percent = Field(description="Per cent of full time: 100 is one full post, 0 is vacant.")
    from_: Day = Field(alias="from", description="The first day of it (in Python: `from_`).")
