"""Procurements, their social requirements and contracts. Published by the procurement system through the gateway.

Suppliers are organisations under ids made for Hem: an organisation number may be a person's identity number.
"""

from typing import Annotated

from pydantic import Field

from .event import EventData
from .fields import Code, Count, Day, Id

TOPIC = "procurement.events"
ProcurementId = Annotated[Id, Field(description="The procurement (upphandling), as the procurement system numbers it.")]
ContractId = Annotated[Id, Field(description="The contract (avtal).")]


class ProcurementPublished(EventData, name="ProcurementPublished", topic=TOPIC, subject="procurement_id"):
    """A procurement has been published for tenders. Send it on the day, and again with the same id to correct it."""

    procurement_id: ProcurementId
    category: Code = Field(description="What is procured, such as construction, painting or cleaning.")
    is_strategic: bool = Field(
        description="True when the company counts it among those where social requirements are always considered."
    )
    is_new_production: bool = Field(description="True when new homes are to be built (nyproduktion).")
    published_on: Day = Field(description="The day it was published.")


class SocialRequirementSet(
    EventData, name="SocialRequirementSet", topic=TOPIC, subject="procurement_id", identity=("procurement_id", "kind")
):
    """The procurement has a social requirement (sociala krav): the supplier has to offer places. One event for each
    kind; the same procurement and kind again is a correction. Counts when set on or before the first award."""

    procurement_id: ProcurementId
    kind: Code = Field(
        description="What the supplier has to offer, such as internship, trainee, summer_job, project_job, employment or "
        "other; other for requirements that are not places."
    )
    places: Count = Field(description="Number of places required; 0 where the requirement isn't a number of places.")
    set_on: Day = Field(
        description="The day the requirement was first decided; a correction of `places` leaves it as it is."
    )


class ContractAwarded(EventData, name="ContractAwarded", topic=TOPIC, subject="contract_id"):
    """A contract has been awarded (tilldelning). Where the procurement has a social requirement, a commitment is
    opened for the supplier to fill in. One event for each contract of the procurement."""

    contract_id: ContractId
    procurement_id: ProcurementId
    supplier_id: Id = Field(
        description="The supplier, an id made for Hem: not its organisation number, never a name of a person."
    )
    awarded_on: Day = Field(description="The day of the award decision.")


class ContractEnded(EventData, name="ContractEnded", topic=TOPIC, subject="contract_id"):
    """The contract no longer runs. Places promised under it that nobody started count as not fulfilled."""

    contract_id: ContractId
    ended_on: Day = Field(description="The last day of the contract.")
