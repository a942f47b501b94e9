"""What reporting has made public: figures, closed periods, reports and alerts. Never a figure that is not shown."""

from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from .event import EventData, Part
from .fields import Code, Count, Day, Dimension, Id, Period, Quantity, Unit, valued_when

TOPIC = "reporting.events"
GoalId = Annotated[Id, Field(description="The goal, such as housing-introduction-offered.")]
ReportId = Annotated[Id, Field(description="The report.")]
AlertId = Annotated[Id, Field(description="The alert.")]
Measured = Annotated[Period, Field(description="The period measured: a year, quarter or month.")]
Measure = Annotated[Code | None, Field(description="The measure of the goal; none where the goal has one only.")]
Of = Annotated[
    Dimension | None,
    Field(description='What the figure is for, such as {"area": "oxnehaga"}; none: the whole company.'),
]


class FigurePublished(
    EventData,
    name="FigurePublished",
    topic=TOPIC,
    subject="goal_id",
    identity=("goal_id", "measure", "dimension", "period"),
):
    """A figure of a goal, as it was published. The same goal, measure, dimension and period again is a restatement or
    the final figure after a provisional one."""

    model_config = ConfigDict(
        json_schema_extra=valued_when(["final", "provisional"], else_without=["value", "numerator", "denominator"])
    )

    goal_id: GoalId
    measure: Measure = None
    dimension: Of = None
    period: Measured
    status: Literal["final", "provisional", "no_data", "not_shown"] = Field(
        description="`provisional`: some of what it counts may still change; `no_data`: nothing to count yet, which "
        "isn't zero; `not_shown`: too few to show. The last two have no value."
    )
    value: float | None = Field(None, description="The figure in `unit`.")
    unit: Unit = Field(description="Unit of the value; 90 `percent` is 90, not 0.9.")
    numerator: Quantity | None = Field(None, description="Of a share: those that fulfil it, where that may be shown.")
    denominator: Quantity | None = Field(None, description="Of a share: all of them, where that may be shown.")
    definition_version: Count = Field(description="Version of the goal's definition that it was measured by.")
    as_of: Day = Field(description="The day up to which events count.")
    published_on: Day = Field(description="The day it was made public.")

    @model_validator(mode="after")
    def _shows_what_may_be_shown(self) -> Self:
        shown = self.status in {"final", "provisional"}
        if shown != (self.value is not None):
            raise PydanticCustomError("expected", "a value exactly when status is final or provisional")
        if not shown and (self.numerator is not None or self.denominator is not None):
            raise PydanticCustomError("expected", "no numerator or denominator of a figure without a value")
        return self


class PeriodClosed(EventData, name="PeriodClosed", topic=TOPIC, subject="period"):
    """The figures of a period are kept as they are. What changes afterwards is a ReportRestated."""

    period: Measured
    closed_on: Day = Field(description="The day it was closed.")


class ReportPublished(EventData, name="ReportPublished", topic=TOPIC, subject="report_id"):
    """A report has been handed over, such as the yearly one to the owner."""

    report_id: ReportId
    kind: Code = Field(description="Kind of report, such as yearly or sustainability.")
    period: Measured
    recipient_kind: Literal["owner", "board", "public", "staff"] = Field(description="Whom it is for.")
    published_on: Day = Field(description="The day it was handed over.")


class RestatedFigure(Part):
    """A figure as it was published and as it is now."""

    goal_id: GoalId
    measure: Measure = None
    dimension: Of = None
    period: Measured
    value_before: float | None = Field(None, description="As published; none: it had no value.")
    value_after: float | None = Field(None, description="As it is now; none: it has no value any more.")
    unit: Unit = Field(description="Unit of both values.")


class ReportRestated(
    EventData, name="ReportRestated", topic=TOPIC, subject="report_id", identity=("report_id", "restatement_id")
):
    """Figures of a published report have changed. Both values are told, and why. There may be several on one day."""

    report_id: ReportId
    restatement_id: Id = Field(description="The restatement: the same again corrects what was told of it.")
    figures: tuple[RestatedFigure, ...] = Field(min_length=1, max_length=1000, description="Every figure that changed.")
    reason: Literal["late_events", "corrected_events", "definition_changed", "source_revised", "error", "other"] = (
        Field(
            description="Why: events that came late or were corrected, another definition, a revised official series, or a "
            "fault of ours."
        )
    )
    restated_on: Day = Field(description="The day of the restatement.")


class AlertRaised(EventData, name="AlertRaised", topic=TOPIC, subject="goal_id", identity=("goal_id", "alert_id")):
    """Something about a goal needs a look: whoever watches the goal is told. It stands until AlertCleared."""

    alert_id: AlertId
    goal_id: GoalId
    measure: Measure = None
    dimension: Of = None
    period: Measured
    rule: Code = Field(description="The rule that was met, such as behind_pace, system_silent or unusual_change.")
    raised_on: Day = Field(description="The day it was raised.")


class AlertCleared(EventData, name="AlertCleared", topic=TOPIC, subject="goal_id", identity=("goal_id", "alert_id")):
    """What an alert was about no longer holds."""

    alert_id: AlertId
    goal_id: GoalId
    cleared_on: Day = Field(description="The day it was cleared.")
