"""Summer jobs (sommarjobb): applied for, drawn by lot, given. Published by placements, on its topic."""

from typing import Annotated, Literal

from pydantic import Field

from .event import EventData
from .fields import Code, Day, Digest, Id, Year
from .placements import TOPIC

ApplicationId = Annotated[Id, Field(description="The application.")]
RoundId = Annotated[Id, Field(description="The round of the draw.")]
RoundNumber = Annotated[int, Field(ge=1, le=99, description="Number of the round within the year: 1 for the first.")]
RoundYear = Annotated[Year, Field(description="The summer it is for.")]


class SummerJobApplied(EventData, name="SummerJobApplied", topic=TOPIC, subject="application_id"):
    """Someone has applied for a summer job. Wishes stay in placements."""

    application_id: ApplicationId
    candidate_ref: Id = Field(description="The applicant: random, a new one for each registration.")
    area_id: Id | None = Field(None, description="The area where the applicant lives; none: outside our areas.")
    year: RoundYear


class SummerJobRoundDrawn(EventData, name="SummerJobRoundDrawn", topic=TOPIC, subject="round_id"):
    """A draw has been made. Whoever holds the applications can repeat it from `seed` and `algorithm` and see that it
    was fair; the digest shows that no application was added or taken away afterwards."""

    round_id: RoundId
    year: RoundYear
    round: RoundNumber
    seed: Id = Field(description="What the draw started from, published before the applications were known.")
    algorithm: Code = Field(description="Name and version of the rule of the draw, such as random-priority-v1.")
    digest_of_applications: Digest = Field(description="SHA-256, hexadecimal, of the applications in their set order.")
    drawn_on: Day = Field(description="The day of the draw.")


class SummerJobAllocated(
    EventData, name="SummerJobAllocated", topic=TOPIC, subject="application_id", identity=("application_id", "round_id")
):
    """What a round gave an application: a place, or none. The round with the highest number within the year that says
    something of it holds."""

    round_id: RoundId
    application_id: ApplicationId
    place_id: Id | None = Field(None, description="The place, as in PlaceOpened; none: no place in this round.")
    area_id: Id | None = Field(None, description="The area where the applicant lives; none: outside our areas.")
    year: RoundYear
    round: RoundNumber


class SummerJobDeclined(
    EventData, name="SummerJobDeclined", topic=TOPIC, subject="application_id", identity=("application_id", "round_id")
):
    """The applicant has said no to the place of a round, or not answered in time: the allocation no longer stands."""

    application_id: ApplicationId
    round_id: RoundId
    reason: Literal["declined", "no_answer", "other"] = Field(description="Whether there was an answer.")
    declined_on: Day = Field(description="The day it was declined, or the last day to answer.")
