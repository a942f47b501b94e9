"""Who moved where, and how a household may be reached. Published by the housing system through the gateway.

`tenancy.events` is kept for ever and carries ids, dates, areas and codes only. Names and contact details travel on
`tenancy.contacts` alone, which is compacted, encrypted where it is stored and read by notifications only. Person ids
are random, made for Hem and never reused; the table to real ids stays with the publisher.
"""

from typing import Literal

from pydantic import Field

from .event import EventData
from .fields import Day, Email, Id, Language, Line, Lines, OptOut, Phone

TOPIC = "tenancy.events"
CONTACTS = "tenancy.contacts"


class TenantMovedIn(EventData, name="TenantMovedIn", topic=TOPIC, subject="tenancy_id"):
    """A tenancy has begun and the household has moved in (inflyttning). A transfer within the company is one too.

    Send it on the day or as soon as it is known; late is fine, it lands in the cohort of `moved_in_on`. Send it again
    with the same `tenancy_id` to correct it.
    """

    tenancy_id: Id = Field(description="The rental contract. A new contract has a new id.")
    tenant_ref: Id = Field(description="The household: random, made for Hem. The same as in TenantContactChanged.")
    area_id: Id = Field(description="The housing area (bostadsområde) of the home, as in AreaDefined.")
    building_id: Id | None = Field(None, description="The building. Dropped by the gateway when by letter only.")
    dwelling_id: Id | None = Field(None, description="The home. Dropped by the gateway when by letter only.")
    moved_in_on: Day = Field(description="The day the household moved in; it decides which year's figure it counts in.")
    transferred_from: Id | None = Field(
        None, description="The household's earlier tenancy with the company, when this is a transfer."
    )
    contact_rule: Literal["any", "letter_only"] = Field(
        description="`letter_only`: staff reach the household by hand. Set it, without a reason, for everyone without "
        "an e-mail address or phone and for everyone with protected identity alike; send no contact for them."
    )


class MoveInCancelled(EventData, name="MoveInCancelled", topic=TOPIC, subject="tenancy_id"):
    """The move-in will not take place, or never did: the tenancy leaves every figure and no introduction is offered.

    May come before its TenantMovedIn. A tenancy that ended after the move is a TenantMovedOut instead.
    """

    tenancy_id: Id = Field(description="The tenancy of the TenantMovedIn that is cancelled.")
    reason: Literal["tenant_withdrew", "landlord_withdrew", "registered_in_error", "other"] = Field(
        description="Who withdrew, or `registered_in_error` where there never was such a tenancy."
    )
    cancelled_on: Day | None = Field(None, description="The day it was cancelled, where it differs from `time`.")


class TenantMovedOut(EventData, name="TenantMovedOut", topic=TOPIC, subject="tenancy_id"):
    """The household has left the home (utflyttning). The tenancy stays in the figures of the year it moved in."""

    tenancy_id: Id = Field(description="The tenancy that ends.")
    moved_out_on: Day = Field(description="The last day of the tenancy.")


class TenantContactChanged(EventData, name="TenantContactChanged", topic=CONTACTS, subject="tenant_ref"):
    """How the household wants to be reached, whole: it replaces what was known. One contact per household.

    Send it before, with or after the move-in. Never send it for a household whose move-in says `letter_only`.
    """

    tenant_ref: Id = Field(description="The household, as in TenantMovedIn.")
    name: Line = Field(description="Whom to greet, as the household writes it.")
    email: Email | None = Field(None, description="E-mail address; left out when there is none.")
    phone: Phone | None = Field(None, description="Phone number that takes SMS, with country code where not Swedish.")
    postal_address: Lines | None = Field(None, description="As on an envelope, without the name; lines by line break.")
    language: Language = Field(description="The tenant's own choice of language, BCP 47. Never guessed from anything.")
    opted_out_of: tuple[OptOut, ...] = Field(
        (), max_length=16, description="Occasions the household does not want to be written to about, or `all`."
    )


class TenantContactErased(EventData, name="TenantContactErased", topic=CONTACTS, subject="tenant_ref", tombstone=True):
    """Forget the household: contact details are destroyed and this `tenant_ref` is refused for ever.

    On Kafka it is a tombstone: headers, and no value.
    """

    tenant_ref: Id = Field(description="The household to forget. It can never be used again.")
