"""What happens in the areas: dialogue, meeting places, youth, partners, sponsorship. Published through the gateway, by
other systems and by staff with a form. Everything is counts of people, never people."""

from typing import Annotated, Literal

from pydantic import Field

from .event import EventData
from .fields import Code, Count, Day, EachOnce, Id, Language, Month, Quantity, Year

TOPIC = "community.events"
AreaId = Annotated[Id, Field(description="The housing area (bostadsområde), as in AreaDefined.")]
MeetingPlaceId = Annotated[Id, Field(description="The meeting place (mötesplats).")]
GrantId = Annotated[Id, Field(description="The grant.")]
AssociationId = Annotated[Id, Field(description="The association (förening), an id made for Hem.")]
Participants = Annotated[Count, Field(description="Number of people who took part, staff left out.")]
Session = Annotated[
    Code | None, Field(description="Tells several on one day apart, such as evening; none where there is one.")
]


class ConsultationHeld(
    EventData,
    name="ConsultationHeld",
    topic=TOPIC,
    subject="project_id",
    identity=("project_id", "held_on", "session"),
):
    """A consultation (samråd) about a renovation has been held with the households. Each session of it is an event
    of its own; the same project, day and session again is a correction."""

    project_id: Id = Field(description="The renovation, as in RenovationPlanned.")
    area_id: AreaId
    participants: Participants
    held_on: Day = Field(description="The day; it has to come before RenovationStarted to count as consulted.")
    session: Session = None


class PartnerMeetingHeld(
    EventData,
    name="PartnerMeetingHeld",
    topic=TOPIC,
    subject="partner",
    identity=("partner", "area_id", "held_on", "session"),
):
    """A meeting with a partner organisation, such as the tenants' association (hyresgästföreningen)."""

    partner: Code = Field(description="The partner, such as tenants_association.")
    area_id: Id | None = Field(None, description="The area it was about; none: the whole company.")
    held_on: Day = Field(description="The day of the meeting.")
    session: Session = None


class MeetingPlaceOpened(EventData, name="MeetingPlaceOpened", topic=TOPIC, subject="meeting_place_id"):
    """A meeting place has opened, and counts as open until MeetingPlaceClosed. One that opens anew has a new id."""

    meeting_place_id: MeetingPlaceId
    area_id: AreaId
    kind: Code = Field(
        description="Kind of place, such as art_hall, gym, pop_up, youth_centre, community_room, garden or other."
    )
    opened_on: Day = Field(description="The first day it was open.")


class MeetingPlaceClosed(EventData, name="MeetingPlaceClosed", topic=TOPIC, subject="meeting_place_id"):
    """A meeting place has closed for good, not for the summer."""

    meeting_place_id: MeetingPlaceId
    area_id: AreaId
    closed_on: Day = Field(description="The last day it was open.")


class VisitCounted(
    EventData, name="VisitCounted", topic=TOPIC, subject="meeting_place_id", identity=("meeting_place_id", "on")
):
    """Visits to a meeting place in one day; the same place and day again is a correction, never added to it. Send 0
    when it was open and nobody came; send nothing when nobody counted."""

    meeting_place_id: MeetingPlaceId
    visits: Count = Field(description="Visits that day; a person who comes twice is two.")
    on: Day = Field(description="The day.")


class YouthSessionHeld(
    EventData, name="YouthSessionHeld", topic=TOPIC, subject="area_id", identity=("area_id", "on", "session")
):
    """Youth activities (ungdomsverksamhet) were open. Staff hours are `staff` times `minutes_open`."""

    area_id: AreaId
    on: Day = Field(description="The day it opened.")
    minutes_open: int = Field(ge=0, le=1440, description="Minutes open to the young.")
    staff: Quantity = Field(description="Number of staff present, on average over the time it was open, such as 2.5.")
    participants: Participants
    session: Session = None


class YouthDialogueHeld(
    EventData, name="YouthDialogueHeld", topic=TOPIC, subject="area_id", identity=("area_id", "on", "session")
):
    """A dialogue with young people about their area."""

    area_id: AreaId
    on: Day = Field(description="The day.")
    participants: Participants
    session: Session = None


class AreaGroupMet(
    EventData, name="AreaGroupMet", topic=TOPIC, subject="area_id", identity=("area_id", "on", "session")
):
    """The area group (områdesgrupp) has met. Whether all seven parties were there is counted."""

    area_id: AreaId
    on: Day = Field(description="The day.")
    parties: EachOnce[
        Literal["school", "social_services", "police", "church", "associations", "landlord", "municipality"]
    ] = Field(min_length=1, max_length=7, description="The parties that were there, each once.")
    session: Session = None


class InitiativeStarted(EventData, name="InitiativeStarted", topic=TOPIC, subject="initiative_id"):
    """A local initiative has started, such as a garden or a homework club."""

    initiative_id: Id = Field(description="The initiative.")
    area_id: AreaId
    kind: Code = Field(description="Kind of initiative, such as garden, homework_help or night_walk.")
    on: Day = Field(description="The day it started.")


class LocalPolicePresenceChanged(
    EventData, name="LocalPolicePresenceChanged", topic=TOPIC, subject="area_id", identity=("area_id", "from_")
):
    """How many local police officers (närpolis) an area has from a day on. It holds until the next such event."""

    area_id: AreaId
    officers: Count = Field(
        description="Number of officers who have the area as theirs; 0 when there is none any more."
    )
    from_: Day = Field(alias="from", description="The first day of it (in Python: `from_`).")


class SponsorshipGranted(EventData, name="SponsorshipGranted", topic=TOPIC, subject="grant_id"):
    """The company sponsors an association. A grant that runs for years is one event, with an id of its own, a year."""

    grant_id: GrantId
    association_id: AssociationId
    association_kind: Code = Field(description="Kind of association, such as sports, culture or tenants.")
    amount_sek: Count = Field(description="Whole Swedish kronor (not öre), VAT left out.")
    year: Year = Field(description="The year it is granted for.")


class SponsorshipReported(EventData, name="SponsorshipReported", topic=TOPIC, subject="grant_id"):
    """The association has reported back what came of the grant."""

    grant_id: GrantId
    participants: Count | None = Field(None, description="Number of people it reached; left out when not told.")
    year: Year = Field(description="The year the grant was for.")


class OutreachPerformed(
    EventData,
    name="OutreachPerformed",
    topic=TOPIC,
    subject="association_id",
    identity=("association_id", "survey_id", "language", "on"),
):
    """An association has been told of a survey, or of something else, in a language its members read."""

    association_id: AssociationId
    survey_id: Id | None = Field(None, description="The survey it was about, as in SurveyPublished.")
    language: Language | None = Field(None, description="The language it was told in, BCP 47.")
    on: Day = Field(description="The day.")


class BusinessHotelOpened(EventData, name="BusinessHotelOpened", topic=TOPIC, subject="hotel_id"):
    """A business hotel (företagshotell), small seats for young firms, has opened."""

    hotel_id: Id = Field(description="The business hotel.")
    area_id: AreaId
    seats: Count = Field(description="Number of seats it has.")
    opened_on: Day = Field(description="The first day it was open.")


class ContactMatched(EventData, name="ContactMatched", topic=TOPIC, subject="contact_id"):
    """Someone with a business idea has been brought together with someone who can help. One event for each contact."""

    contact_id: Id = Field(description="The contact made: random, made for this event; says nothing of the persons.")
    hotel_id: Id | None = Field(None, description="The business hotel it came about at; none: elsewhere.")
    on: Day = Field(description="The day.")


class ServiceHoursReported(
    EventData, name="ServiceHoursReported", topic=TOPIC, subject="area_id", identity=("area_id", "month")
):
    """Hours of caretaking and cleaning in an area in a month, by own staff and by contractors. Send it when the month
    is over; the same area and month again is a correction."""

    area_id: AreaId
    own_hours: Quantity = Field(description="Hours by the company's own staff.")
    contracted_hours: Quantity = Field(description="Hours bought from contractors.")
    month: Month = Field(description="The month, such as 2019-04.")


class TenantInfluenceAgreementSigned(
    EventData, name="TenantInfluenceAgreementSigned", topic=TOPIC, subject="agreement_id"
):
    """A tenant influence agreement (boinflytandeavtal) has been signed with the tenants' association
    (hyresgästföreningen) or with tenants of a building. One that is renewed is a new agreement."""

    agreement_id: Id = Field(description="The agreement, an id made for Hem.")
    area_id: AreaId
    party: Code = Field(description="With whom, such as tenants_association or local_tenants; never a person.")
    covers: EachOnce[Code] = Field(
        min_length=1, max_length=20, description="What it gives a say in, such as renovation, yard, laundry or safety."
    )
    signed_on: Day = Field(description="The day it was signed.")
    valid_to: Day | None = Field(None, description="The last day it holds; none: until it is ended.")


class TenantInfluenceAgreementEnded(
    EventData, name="TenantInfluenceAgreementEnded", topic=TOPIC, subject="agreement_id", draft=True
):
    """A tenant influence agreement (boinflytandeavtal) has ended before the last day it was to hold, or one without a
    last day has ended."""

    agreement_id: Id = Field(description="The agreement, as in TenantInfluenceAgreementSigned.")
    area_id: AreaId
    ended_on: Day = Field(description="The last day it held.")
