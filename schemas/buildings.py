"""Renovations, new production, tenures and premises. Published by the property systems through the gateway.

A project lies in one area: work in several areas is sent as one project for each, with ids of their own.
"""

from typing import Annotated, Literal

from pydantic import Field

from .event import EventData
from .fields import Code, Day, EachOnce, Id

TOPIC = "property.events"
Tenure = Literal["rental", "tenant_owned", "owner_occupied"]
ProjectId = Annotated[Id, Field(description="The project, as the property system numbers it.")]
AreaId = Annotated[Id, Field(description="The housing area (bostadsområde), as in AreaDefined.")]
DwellingId = Annotated[Id, Field(description="The home. Never with anyone's name.")]
PremisesId = Annotated[Id, Field(description="The premises (lokal).")]


class Renovation(EventData):
    """What RenovationPlanned and RenovationChanged say alike."""

    project_id: ProjectId
    area_id: AreaId
    building_ids: EachOnce[Id] = Field(
        min_length=1,
        max_length=1000,
        description="Every building it touches, as in TenantMovedIn: their households are invited to the consultation.",
    )
    kind: Code = Field(
        description="The work that the households notice most, such as pipes (stambyte), bathrooms, kitchens, facade, "
        "roof, energy, whole_building or other."
    )
    planned_start_on: Day = Field(description="The day work is planned to start in the first of the buildings.")


class RenovationPlanned(Renovation, name="RenovationPlanned", topic=TOPIC, subject="project_id"):
    """A renovation has been decided (ombyggnad). Its households are invited to a consultation (samråd).

    Send it as soon as buildings and start are known, well before work starts. A slip is mended by sending it again
    with the same `project_id`; a plan that has changed is a RenovationChanged.
    """


class RenovationChanged(
    Renovation, name="RenovationChanged", topic=TOPIC, subject="project_id", identity=("project_id", "changed_on")
):
    """The plan of a renovation has changed: buildings, kind or start. Says the whole plan as it is now. Every change
    stands, and the one of the latest `changed_on` holds, before RenovationPlanned; the same project and day again is a
    correction. Buildings that are new in it are invited too."""

    changed_on: Day = Field(description="The day of the decision to change it.")


class RenovationCancelled(EventData, name="RenovationCancelled", topic=TOPIC, subject="project_id"):
    """A planned renovation will not take place. What was already started is not cancelled with it."""

    project_id: ProjectId
    reason: Literal["postponed", "funding", "replaced_by_other_project", "registered_in_error", "other"] = Field(
        description="Why; `postponed` when it comes back later, with a new `project_id`."
    )
    cancelled_on: Day = Field(description="The day of the decision.")


class RenovationStarted(EventData, name="RenovationStarted", topic=TOPIC, subject="project_id"):
    """Work has started in the first of the buildings. It counts in the goal *consultation*: a ConsultationHeld before
    this day, or none."""

    project_id: ProjectId
    area_id: AreaId
    started_on: Day = Field(description="The first day of work.")


class ConstructionStarted(
    EventData, name="ConstructionStarted", topic=TOPIC, subject="project_id", identity=("project_id", "contract_id")
):
    """New homes have begun to be built under a contract (byggstart). The supplier is reminded of the places it has
    promised. Once for each contract of the project; the same project and contract again is a correction."""

    project_id: ProjectId
    contract_id: Id = Field(description="The contract that is built under, as in ContractAwarded.")
    area_id: AreaId
    started_on: Day = Field(description="The first day of work on the site.")


class DwellingCompleted(EventData, name="DwellingCompleted", topic=TOPIC, subject="dwelling_id"):
    """A newly built home is ready to move into. One event for each home."""

    dwelling_id: DwellingId
    project_id: ProjectId
    area_id: AreaId
    tenure: Tenure = Field(
        description="Tenure (upplåtelseform): `rental` hyresrätt, `tenant_owned` bostadsrätt, `owner_occupied` äganderätt."
    )
    completed_on: Day = Field(description="The day of the final inspection (slutbesiktning).")


class DwellingSold(
    EventData, name="DwellingSold", topic=TOPIC, subject="dwelling_id", identity=("dwelling_id", "sold_on")
):
    """A home has been sold and may have another tenure from then on. Another sale of it is another day."""

    dwelling_id: DwellingId
    area_id: AreaId
    tenure_after: Tenure = Field(description="Tenure after the sale, as in DwellingCompleted.")
    sold_on: Day = Field(description="The day the buyer took over (tillträde).")


class PremisesRegistered(EventData, name="PremisesRegistered", topic=TOPIC, subject="premises_id"):
    """Premises in one of the shopping centres exist and could be let. Once for premises, however often they are let. Counted from then
    on; those that never should have been are taken back with EventWithdrawn."""

    premises_id: PremisesId
    centre: Code = Field(description="The shopping centre, such as raslatt_centrum.")
    area_id: AreaId
    registered_on: Day | None = Field(None, description="The day they could be let, where it differs from `time`.")


class PremisesLet(
    EventData, name="PremisesLet", topic=TOPIC, subject="premises_id", identity=("premises_id", "let_on")
):
    """Premises have been let. They count as let until PremisesVacated; the next tenant is another `let_on`."""

    premises_id: PremisesId
    business_kind: Code = Field(description="Kind of business, such as grocery, pharmacy or restaurant; never a name.")
    let_on: Day = Field(description="The first day of the lease.")


class PremisesVacated(
    EventData, name="PremisesVacated", topic=TOPIC, subject="premises_id", identity=("premises_id", "vacated_on")
):
    """The business has left and the premises are empty."""

    premises_id: PremisesId
    vacated_on: Day = Field(description="The last day of the lease.")
