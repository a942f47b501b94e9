"""Surveys, counts of answers, results and what they led to. Published by surveys; answers themselves never leave it.

Codes stand in `invitations`. Nothing here says who was invited or has answered.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic.json_schema import WithJsonSchema
from pydantic_core import PydanticCustomError

from .event import EventData, Part
from .fields import CODE, Code, Count, Day, EachOnce, Id, Language, Quantity, in_order

TOPIC = "surveys.events"
SurveyId = Annotated[Id, Field(description="The survey.")]
ActionId = Annotated[Id, Field(description="The action.")]
Answers = Annotated[int, Field(ge=3, le=1_000_000_000)]


class Index(Part):
    """An index as a sum and what it is divided by, so that areas add up."""

    numerator: Quantity
    denominator: Quantity


Indices = Annotated[
    dict[Code, Index],
    Field(min_length=1, max_length=50),
    WithJsonSchema(
        {
            "type": "object",
            "minProperties": 1,
            "maxProperties": 50,
            "propertyNames": {"maxLength": 64, "pattern": CODE},
            "additionalProperties": {
                "type": "object",
                "properties": {
                    "numerator": {"type": "number", "minimum": 0, "maximum": 1_000_000_000},
                    "denominator": {"type": "number", "minimum": 0, "maximum": 1_000_000_000},
                },
                "required": ["numerator", "denominator"],
            },
        }
    ),
]


class SurveyPublished(EventData, name="SurveyPublished", topic=TOPIC, subject="survey_id"):
    """A survey is going to be open for answers. From here on its questions do not change."""

    survey_id: SurveyId
    kind: Literal["tenant", "staff"] = Field(description="Tenant survey (hyresgästenkät) or staff survey.")
    theme: Code = Field(description="What it is about, such as housing or internship_obstacles.")
    is_yearly: bool = Field(description="True for the yearly tenant survey, whose indices are compared over years.")
    languages: EachOnce[Language] = Field(
        min_length=1, max_length=64, description="Every language it can be answered in; complete in each."
    )
    opens_on: Day = Field(description="The first day it can be answered.")
    closes_on: Day = Field(description="The last day; not before `opens_on`.")

    @model_validator(mode="after")
    def _closes_after_it_opens(self) -> Self:
        in_order(self.opens_on, self.closes_on, "closes_on")
        return self


class ResponsesCounted(
    EventData,
    name="ResponsesCounted",
    topic=TOPIC,
    subject="survey_id",
    identity=("survey_id", "area_id", "language", "counted_on"),
):
    """How many have answered so far: a total up to a day, never to be added to the day before. At most once a day and
    at closing, and only for cells that are large enough."""

    survey_id: SurveyId
    area_id: Id | None = Field(None, description="The area; none: all areas.")
    language: Language | None = Field(None, description="The language invited in, BCP 47; none: all languages.")
    invited: Count = Field(description="Number invited.")
    answered: Count = Field(description="Number of them who have answered; never more than `invited`.")
    counted_on: Day = Field(description="The day whose end it is true for.")

    @model_validator(mode="after")
    def _no_more_answers_than_invited(self) -> Self:
        if self.answered > self.invited:
            raise PydanticCustomError("expected", "answered no greater than invited")
        return self


class SurveyClosed(EventData, name="SurveyClosed", topic=TOPIC, subject="survey_id"):
    """The survey takes no more answers."""

    survey_id: SurveyId
    closed_on: Day = Field(description="The last day it could be answered.")


class ResultPublished(
    EventData, name="ResultPublished", topic=TOPIC, subject="survey_id", identity=("survey_id", "area_id")
):
    """The result of a survey for an area, or for the company. Only where enough have answered. From here on 90 days
    run in which those who answered are to hear what it leads to."""

    survey_id: SurveyId
    area_id: Id | None = Field(None, description="The area; none: the company as a whole.")
    n: Answers = Field(description="Number of answers behind it: at least 3, and never told when fewer.")
    indices: Indices = Field(
        description="Index, such as safety, service, influence or recommend, with `numerator` and `denominator`: "
        'the index is their quotient. {"safety": {"numerator": 301, "denominator": 412}}.'
    )
    published_on: Day = Field(description="The day it was made public.")


class Action(EventData):
    """What ActionPlanned and ActionRevised say alike."""

    action_id: ActionId
    survey_id: Id | None = Field(None, description="The survey it answers; none: it comes from elsewhere.")
    plan: Code = Field(description="The plan it belongs to (åtgärdsplan): survey, internship or another.")
    area_id: Id | None = Field(None, description="The area it is for; none: the whole company.")
    planned_on: Day = Field(description="The day it was decided.")
    due_on: Day = Field(description="The day it is to be done by; not before `planned_on`.")

    @model_validator(mode="after")
    def _due_after_it_is_planned(self) -> Self:
        in_order(self.planned_on, self.due_on, "due_on")
        return self


class ActionPlanned(Action, name="ActionPlanned", topic=TOPIC, subject="action_id"):
    """An action has been decided. The area's households are told, when a survey led to it."""


class ActionRevised(
    Action, name="ActionRevised", topic=TOPIC, subject="action_id", identity=("action_id", "revised_on")
):
    """The action has been changed by decision. Says the whole action as it is now. Every revision stands, and the one
    of the latest `revised_on` holds; the same action and day again is a correction. Whether the action was done on time
    is judged by the last `due_on` that was said before the day came."""

    revised_on: Day = Field(description="The day of the decision to change it.")


class ActionCompleted(EventData, name="ActionCompleted", topic=TOPIC, subject="action_id"):
    """The action is done, and the area's households are told."""

    action_id: ActionId
    completed_on: Day = Field(description="The day it was done.")


class ActionCancelled(EventData, name="ActionCancelled", topic=TOPIC, subject="action_id"):
    """The action will not be done."""

    action_id: ActionId
    reason: Literal["not_feasible", "replaced", "funding", "registered_in_error", "other"] = Field(description="Why.")
    cancelled_on: Day = Field(description="The day of the decision.")
