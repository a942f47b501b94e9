"""What staff may report: which types each role, under which publisher, and what is remembered of a report."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from schemas.buildings import ConstructionStarted, PremisesLet, PremisesRegistered, PremisesVacated
from schemas.catalogue import MODELS, on_topic
from schemas.community import (
    TOPIC as COMMUNITY,
)
from schemas.community import (
    BusinessHotelOpened,
    ConsultationHeld,
    ContactMatched,
    OutreachPerformed,
    PartnerMeetingHeld,
    YouthDialogueHeld,
)
from schemas.door import FROM_OUTSIDE
from schemas.event import ANY_TOPIC, EventData
from schemas.procurement import TOPIC as PROCUREMENT
from schemas.tenancy import TenantContactErased
from schemas.topics import TOPICS
from schemas.withdrawal import EventWithdrawn
from services.gateway.domain.door import IDENTITIES_KEPT, Publisher, Sender

WHOSE_KEPT = timedelta(days=90)
"""How long it is remembered which session sent a report. After that it is its role's alone."""
REPORTS_KEPT = IDENTITIES_KEPT
"""As long as the event can be withdrawn."""


def _types(*models: type[EventData]) -> frozenset[str]:
    return frozenset(model.type for model in models)


MAY_REPORT: Mapping[str, frozenset[str]] = {
    "area_staff": _types(*on_topic(COMMUNITY), PremisesRegistered, PremisesLet, PremisesVacated),
    "coordinator": _types(*on_topic(PROCUREMENT), ConstructionStarted, BusinessHotelOpened, ContactMatched),
    "survey_lead": _types(OutreachPerformed, ConsultationHeld, PartnerMeetingHeld, YouthDialogueHeld),
    "privacy_officer": _types(TenantContactErased),
    "operator": FROM_OUTSIDE - {EventWithdrawn.type},
}
"""Role → the types it may report, in the order in which a person's roles are tried.

Each role reports what its people see themselves. *Area staff* are in the areas: everything of community life, and which
premises of the centres are let. The *coordinator* follows contracts from procurement to the work under them, and the
contacts around the business hotels. The *survey lead* tells and listens: outreach, consultations, dialogues, meetings
with partners. The *privacy officer* has one report, the one that nobody else may need: that a household is to be
forgotten. The *operator* may stand in for any system that doesn't publish yet, and so has them all, contact details
too: a person who may publish as the housing system could make a key and do the same.

What moves households (tenancies, renovations with their invitations, areas, targets) is a register's or a board's word
and nobody else's to report. Readers and translators report nothing. A type that is nobody's here is still the
operator's. Whoever may report a type may withdraw a report of it that their role has sent.
"""


@dataclass(frozen=True, slots=True)
class Desk:
    """A role as a publisher: what it sends goes under its own name and source, whoever of its people sent it."""

    role: str

    @property
    def publisher(self) -> Publisher:
        return Publisher(f"staff-{self._slug}")

    @property
    def source(self) -> str:
        return f"urn:hem:staff:{self._slug}"

    @property
    def types(self) -> frozenset[str]:
        """What it may report."""
        return MAY_REPORT[self.role]

    @property
    def sender(self) -> Sender:
        return Sender(self.publisher, "form", allow=tuple(sorted(self.types)), sources=(self.source,))

    @property
    def _slug(self) -> str:
        return self.role.replace("_", "-")


DESKS = tuple(Desk(role) for role in MAY_REPORT)


def desks_of(roles: Collection[str]) -> list[Desk]:
    """The desks that people with these roles report from."""
    return [desk for desk in DESKS if desk.role in roles]


def desks_for(roles: Collection[str], event_type: str) -> list[Desk]:
    """The desks of `desks_of` that may report the type, the first being the usual one."""
    return [desk for desk in desks_of(roles) if event_type in desk.types]


def desk_with(publisher: Publisher) -> Desk | None:
    return next((desk for desk in DESKS if desk.publisher == publisher), None)


@dataclass(frozen=True, slots=True)
class Draft:
    """A report on its way in. `data` is what the form says, as JSON; `replaces` the id of what it corrects or withdraws."""

    id: str
    desk: Desk
    type: str
    subject: str
    data: Mapping[str, Any]
    replaces: str | None

    @property
    def kept(self) -> Mapping[str, Any] | None:
        """What may be remembered of its data. Of a contact nothing: it is stored where the household is met, alone."""
        topic = MODELS[self.type].topic
        return None if topic != ANY_TOPIC and TOPICS[topic].personal else self.data


@dataclass(frozen=True, slots=True)
class Report:
    """A report that was let in. `data` is none where it is personal. `by_me`: sent in a session of the reader's name."""

    id: str
    desk: Desk
    type: str
    subject: str
    data: Mapping[str, Any] | None
    time: datetime
    state: Literal["sent", "corrected", "withdrawn"]
    replaces: str | None
    by_me: bool

    @property
    def stands(self) -> bool:
        """Whether it is what holds now, so that it can be corrected or withdrawn."""
        return self.state == "sent" and self.type != EventWithdrawn.type

    @property
    def correctable(self) -> bool:
        """Whether another event can say it better: not where all of it is what tells it from others."""
        model = MODELS[self.type]
        return self.stands and not model.tombstone and len(model.model_fields) > len(model.identity_fields)

    @property
    def withdrawable(self) -> bool:
        topic = MODELS[self.type].topic
        return self.stands and topic != ANY_TOPIC and not TOPICS[topic].personal
