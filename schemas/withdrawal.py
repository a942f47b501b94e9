"""Taking an event back, on any topic."""

from typing import Literal

from pydantic import Field

from .event import ANY_TOPIC, EventData
from .fields import Id, UriReference


class EventWithdrawn(EventData, name="EventWithdrawn", topic=ANY_TOPIC, identity=("withdrawn_source", "withdrawn_id")):
    """The named event should never have been sent: it stops counting and lineage shows it as excluded.

    Goes to the same topic and key, so the envelope's `subject` is that of the withdrawn event; only the publisher of
    that event may send it. To mend a detail, send the event again instead (a correction); a wrong value in a field of
    `x-identity` can't be corrected: withdraw the event, and send it anew with another `id`. What it caused in the
    world, such as a message that was sent, stays. Contacts are erased with TenantContactErased, not withdrawn.
    """

    withdrawn_source: UriReference = Field(description="`source` of the event that is taken back.")
    withdrawn_id: Id = Field(description="`id` of the event that is taken back.")
    reason: Literal["registered_in_error", "wrong_subject", "sent_twice", "other"] = Field(description="Why.")
