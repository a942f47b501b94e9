"""What was sent, offered, booked, held and refused. Published by notifications; kept for ever, without personal data.

Languages appear only beside counts of households, never beside one household's id.
"""

from typing import Annotated, Literal

from pydantic import Field

from .event import EventData
from .fields import Channel, Code, Count, Day, Id, Language

TOPIC = "notifications.events"
Occasion = Annotated[
    Code,
    Field(
        description="Why the household is written to, such as housing_introduction, consultation, feedback or survey."
    ),
]
About = Annotated[
    Id,
    Field(
        description="The id of what it is about: for housing_introduction the tenancy, for consultation the renovation, for "
        "feedback the action, for survey the survey. Never a person."
    ),
]


class HousingIntroductionOffered(EventData, name="HousingIntroductionOffered", topic=TOPIC, subject="tenancy_id"):
    """A housing introduction (bointroduktion) has been offered: the channel has accepted the message, or staff have
    offered it in person. Once per tenancy; it no longer counts after a final NotificationFailed about the tenancy."""

    tenancy_id: Id = Field(description="The tenancy whose household was offered.")
    area_id: Id = Field(description="The area of the move-in.")
    offered_on: Day = Field(description="The day the channel accepted the message, or staff made the offer.")
    channel: Channel = Field(description="How: `email`, `sms`, `letter`, or `by_hand` when staff offered in person.")
    message_id: Id | None = Field(None, description="The message of NotificationSent; none when offered by hand.")


class HousingIntroductionAnswered(EventData, name="HousingIntroductionAnswered", topic=TOPIC, subject="tenancy_id"):
    """The household has answered the offer. A later answer replaces an earlier one."""

    tenancy_id: Id = Field(description="The tenancy that was offered.")
    answer: Literal["yes", "no", "other_time"] = Field(description="`other_time`: yes, but not at the offered time.")
    answered_on: Day = Field(description="The day of the answer.")


class HousingIntroductionBooked(EventData, name="HousingIntroductionBooked", topic=TOPIC, subject="tenancy_id"):
    """A day for the introduction is agreed. Booking again moves it."""

    tenancy_id: Id = Field(description="The tenancy.")
    area_id: Id = Field(description="The area of the move-in.")
    booked_for: Day = Field(description="The day the introduction is to be held.")


class HousingIntroductionHeld(EventData, name="HousingIntroductionHeld", topic=TOPIC, subject="tenancy_id"):
    """The introduction has been held with the household."""

    tenancy_id: Id = Field(description="The tenancy.")
    area_id: Id = Field(description="The area of the move-in.")
    held_on: Day = Field(description="The day it was held.")


class HousingIntroductionNotHeld(
    EventData,
    name="HousingIntroductionNotHeld",
    topic=TOPIC,
    subject="tenancy_id",
    identity=("tenancy_id", "booked_for"),
):
    """A booked introduction did not take place. Each booked day that came to nothing stands for itself."""

    tenancy_id: Id = Field(description="The tenancy.")
    area_id: Id = Field(description="The area of the move-in.")
    booked_for: Day = Field(description="The day it was booked for.")
    reason: Literal["not_there", "cancelled_by_household", "cancelled_by_staff", "other"] = Field(
        description="Why, as a code; no more is kept."
    )


class ConsultationInvited(
    EventData, name="ConsultationInvited", topic=TOPIC, subject="project_id", identity=("project_id", "area_id")
):
    """Households of the buildings to be renovated have been invited to a consultation (samråd)."""

    project_id: Id = Field(description="The renovation, as in RenovationPlanned.")
    area_id: Id = Field(description="The area of the buildings.")
    households: Count = Field(description="Number of households written to.")
    languages: tuple[Language, ...] = Field(
        min_length=1, max_length=64, description="Every language the invitation went out in."
    )
    invited_on: Day = Field(description="The day the last of them went out.")


class FeedbackSent(
    EventData, name="FeedbackSent", topic=TOPIC, subject="action_id", identity=("action_id", "area_id", "stage")
):
    """An area's households have been told what their survey answers led to (återkoppling)."""

    survey_id: Id = Field(description="The survey that was answered.")
    action_id: Id = Field(description="The action it led to.")
    area_id: Id = Field(description="The area whose households were told.")
    stage: Literal["planned", "done"] = Field(
        description="Whether they were told of the plan or of the finished action."
    )
    available_in: tuple[Language, ...] = Field(
        min_length=1, max_length=64, description="Every language the message could be read in."
    )
    households: Count = Field(description="Number of households written to.")
    sent_on: Day = Field(description="The day the last of them went out.")


class NotificationSent(EventData, name="NotificationSent", topic=TOPIC, subject="message_id"):
    """A channel has accepted one message. Accepted is not read, and not always delivered."""

    message_id: Id = Field(description="The message; the same in every event about it.")
    occasion: Occasion
    about: About
    channel: Channel = Field(description="The channel that accepted it.")


class NotificationFailed(EventData, name="NotificationFailed", topic=TOPIC, subject="message_id"):
    """A message did not reach its household. When `is_final`, an offer made by it no longer counts."""

    message_id: Id = Field(description="The message that failed.")
    occasion: Occasion
    about: About
    channel: Channel = Field(description="The channel that failed.")
    reason: Literal[
        "address_refused", "address_unknown", "mailbox_full", "message_refused", "returned", "expired", "other"
    ] = Field(
        description="`address_refused`: the receiving server said no to the address; `address_unknown`: nobody there; "
        "`message_refused`: the message itself was not taken; `returned`: it bounced or came back; "
        "`expired`: given up after repeated tries."
    )
    is_final: bool = Field(description="True when no further try will be made on this channel.")


class NotificationSuppressed(EventData, name="NotificationSuppressed", topic=TOPIC, subject="message_id"):
    """A message was due and deliberately not sent."""

    message_id: Id = Field(description="The message that was not sent.")
    occasion: Occasion
    about: About
    reason: Literal["opted_out", "by_hand", "duplicate", "expired"] = Field(
        description="`opted_out`: the household asked not to be; `by_hand`: staff reach it; `duplicate`: it was already "
        "sent; `expired`: it is no longer of use."
    )
