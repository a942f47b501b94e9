"""The things that reports are about, as the gateway has heard of them: areas, places, contracts and the like. Pure.

What passes the door tells of them; forms offer them by name. A thing can have ended, such as a place that has closed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from schemas.buildings import (
    ConstructionStarted,
    PremisesRegistered,
    RenovationCancelled,
    RenovationChanged,
    RenovationPlanned,
)
from schemas.community import (
    BusinessHotelOpened,
    MeetingPlaceClosed,
    MeetingPlaceOpened,
    OutreachPerformed,
    SponsorshipGranted,
)
from schemas.event import Event, EventData
from schemas.governance import AreaDefined, SteeringDocumentAdopted, SteeringDocumentReplaced, TargetSet
from schemas.procurement import ContractAwarded, ContractEnded, ProcurementPublished

ThingKind = Literal[
    "area", "meeting_place", "hotel", "project", "contract", "procurement", "document", "association", "grant",
    "supplier", "premises", "goal",
]  # fmt: skip

PICKED: Mapping[str, ThingKind] = {
    "area_id": "area",
    "meeting_place_id": "meeting_place",
    "hotel_id": "hotel",
    "project_id": "project",
    "contract_id": "contract",
    "procurement_id": "procurement",
    "document_id": "document",
    "replaced_by": "document",
    "association_id": "association",
    "grant_id": "grant",
    "supplier_id": "supplier",
    "premises_id": "premises",
    "goal_id": "goal",
}
"""Field → the kind of thing whose id it holds."""


@dataclass(frozen=True, slots=True)
class Fact:
    """That an event tells of a thing: that there is one, called so, or that it `ended` on a day.

    `name` is for people; `code` says what sort it is where it has no name, and is shown in the reader's words.
    """

    kind: ThingKind
    thing: str
    source: str
    event_id: str
    sequence: int
    time: datetime
    name: str | None = None
    code: str | None = None
    area: str | None = None
    ended_on: date | None = None
    ends: bool = False


@dataclass(frozen=True, slots=True)
class Thing:
    """A thing as it is known now; `area_name` is the area's own, where that is known."""

    id: str
    name: str | None
    code: str | None
    area: str | None
    area_name: str | None
    ended_on: date | None

    def over(self, today: date) -> bool:
        return self.ended_on is not None and self.ended_on < today


@dataclass(frozen=True, slots=True)
class _Tells:
    """Which fields of an event tell what of a thing. `name` is several fields, joined."""

    kind: ThingKind
    thing: str
    name: tuple[str, ...] = ()
    code: str = ""
    area: str = ""
    ended_on: str = ""
    ends: bool = False


_TELLS: Mapping[type[EventData], tuple[_Tells, ...]] = {
    AreaDefined: (_Tells("area", "area_id", name=("name",), ended_on="valid_to"),),
    MeetingPlaceOpened: (_Tells("meeting_place", "meeting_place_id", code="kind", area="area_id"),),
    MeetingPlaceClosed: (_Tells("meeting_place", "meeting_place_id", ended_on="closed_on", ends=True),),
    BusinessHotelOpened: (_Tells("hotel", "hotel_id", area="area_id"),),
    RenovationPlanned: (_Tells("project", "project_id", code="kind", area="area_id"),),
    RenovationChanged: (_Tells("project", "project_id", code="kind", area="area_id"),),
    RenovationCancelled: (_Tells("project", "project_id", ended_on="cancelled_on", ends=True),),
    ConstructionStarted: (_Tells("project", "project_id", area="area_id"),),
    ProcurementPublished: (_Tells("procurement", "procurement_id", code="category"),),
    ContractAwarded: (
        _Tells("contract", "contract_id", name=("contract_id", "supplier_id")),
        _Tells("supplier", "supplier_id"),
    ),
    ContractEnded: (_Tells("contract", "contract_id", ended_on="ended_on", ends=True),),
    SteeringDocumentAdopted: (_Tells("document", "document_id", name=("title",)),),
    SteeringDocumentReplaced: (_Tells("document", "document_id", ended_on="replaced_on", ends=True),),
    SponsorshipGranted: (
        _Tells("grant", "grant_id", name=("association_id", "year")),
        _Tells("association", "association_id", code="association_kind"),
    ),
    OutreachPerformed: (_Tells("association", "association_id"),),
    PremisesRegistered: (_Tells("premises", "premises_id", code="centre", area="area_id"),),
    TargetSet: (_Tells("goal", "goal_id"),),
}


def facts_in(event: Event[Any]) -> list[Fact]:
    """What an event tells of things, none for most."""
    data = event.data
    return [
        Fact(
            kind=tells.kind,
            thing=getattr(data, tells.thing),
            source=event.source,
            event_id=event.id,
            sequence=-1 if event.sequence is None else event.sequence,
            time=event.time,
            name=" ".join(str(getattr(data, part)) for part in tells.name) or None,
            code=getattr(data, tells.code) if tells.code else None,
            area=getattr(data, tells.area) if tells.area else None,
            ended_on=getattr(data, tells.ended_on) if tells.ended_on else None,
            ends=tells.ends,
        )
        for tells in _TELLS.get(type(data), ())
    ]


TELLING = frozenset(model.type for model in _TELLS)
TOPICS_TELLING = frozenset(model.topic for model in _TELLS)
"""The types of such events, and the topics they travel on."""
