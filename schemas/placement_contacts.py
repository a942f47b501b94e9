"""How candidates, supervisors and suppliers' people are reached. Published by placements, read by notifications."""

from typing import Literal

from pydantic import Field

from .event import EventData
from .fields import Email, Id, Language, Line, Lines, Phone

TOPIC = "placements.contacts"


class PlacementContactChanged(EventData, name="PlacementContactChanged", topic=TOPIC, subject="person_ref"):
    """How a person around a placement wants to be reached, whole: it replaces what was known."""

    person_ref: Id = Field(
        description="The person: the candidate's `candidate_ref`, or a random ref of a host's person."
    )
    role: Literal["candidate", "supervisor", "supplier"] = Field(description="In what role the person is written to.")
    name: Line = Field(description="Whom to greet.")
    email: Email | None = Field(None, description="E-mail address; left out when there is none.")
    phone: Phone | None = Field(None, description="Phone number that takes SMS, with country code where not Swedish.")
    postal_address: Lines | None = Field(None, description="As on an envelope, without the name; lines by line break.")
    language: Language = Field(description="The person's own choice of language, BCP 47. Never guessed from anything.")


class PlacementContactErased(
    EventData, name="PlacementContactErased", topic=TOPIC, subject="person_ref", tombstone=True
):
    """Forget the person: contact details are destroyed and this ref is refused for ever. A tombstone on Kafka."""

    person_ref: Id = Field(description="The person to forget.")
