"""The codes of surveys, what became of them, and how staff invitees are reached: private, and gone within 60 days or at
closing. Published by surveys; notifications tells what became of an invitation."""

from typing import Annotated, Self

from pydantic import ConfigDict, Field, model_validator
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError

from .event import EventData
from .fields import Channel, Email, Id, InvitationCode, Language, Line

TOPIC = "surveys.invitations"
CONTACTS = "surveys.contacts"
InvitationId = Annotated[Id, Field(description="The invitation: random, and never beside an answer.")]


def _only(one: str, other: str) -> JsonDict:
    return {"required": [one], "properties": {one: {"type": "string"}, other: {"type": "null"}}}


class Invited(EventData):
    """What InvitationIssued and ReminderIssued say alike."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [_only("tenancy_id", "person_ref"), _only("person_ref", "tenancy_id")]}
    )

    invitation_id: InvitationId
    survey_id: Id = Field(description="The survey, as in SurveyPublished.")
    tenancy_id: Id | None = Field(
        None, description="The household's tenancy, for a tenant survey: this or `person_ref`."
    )
    person_ref: Id | None = Field(None, description="The person, for a staff survey, as in SurveyContactChanged.")
    code: InvitationCode = Field(description="The one-time code to type, as it is to be written.")

    @model_validator(mode="after")
    def _is_to_one(self) -> Self:
        if (self.tenancy_id is None) == (self.person_ref is None):
            raise PydanticCustomError("expected", "either tenancy_id or person_ref")
        return self


class InvitationIssued(Invited, name="InvitationIssued", topic=TOPIC, subject="invitation_id"):
    """A household or a member of staff is invited to answer a survey once: notifications sends the code."""


class ReminderIssued(
    Invited, name="ReminderIssued", topic=TOPIC, subject="invitation_id", identity=("invitation_id", "reminder")
):
    """No answer has come by this code: it is sent again. No longer of use 24 hours after its `time`."""

    reminder: int = Field(ge=1, le=9, description="1 for the first reminder, then 2, 3 …")


class InvitationDelivered(EventData, name="InvitationDelivered", topic=TOPIC, subject="invitation_id"):
    """A channel has accepted the invitation. Published by notifications, so that surveys can count answers by language
    without ever reading a contact."""

    invitation_id: InvitationId
    language: Language = Field(description="The language it went out in, BCP 47.")
    channel: Channel = Field(description="The channel that accepted it.")


class SurveyContactChanged(EventData, name="SurveyContactChanged", topic=CONTACTS, subject="person_ref"):
    """How a member of staff is invited, whole: it replaces what was known. Erased when the survey closes."""

    person_ref: Id = Field(description="The person: random, made for this survey.")
    name: Line = Field(description="Whom to greet.")
    email: Email = Field(description="E-mail address at work.")
    language: Language = Field(description="The person's own choice of language, BCP 47.")


class SurveyContactErased(EventData, name="SurveyContactErased", topic=CONTACTS, subject="person_ref", tombstone=True):
    """Forget the person: contact details are destroyed and this ref is refused for ever. A tombstone on Kafka."""

    person_ref: Id = Field(description="The person to forget.")
