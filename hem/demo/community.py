"""What happens in the made-up landlord's areas: consultations, meeting places, youth, partners, sponsorship, hours."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from hem.demo.building import RENOVATIONS
from hem.demo.telling import Teller, spread, weekdays
from hem.demo.year import AREAS
from schemas.community import (
    AreaGroupMet,
    BusinessHotelOpened,
    ConsultationHeld,
    ContactMatched,
    InitiativeStarted,
    LocalPolicePresenceChanged,
    MeetingPlaceClosed,
    MeetingPlaceOpened,
    OutreachPerformed,
    PartnerMeetingHeld,
    ServiceHoursReported,
    SponsorshipGranted,
    SponsorshipReported,
    TenantInfluenceAgreementSigned,
    VisitCounted,
    YouthDialogueHeld,
    YouthSessionHeld,
)

BEGIN, END = date(2018, 1, 1), date(2020, 3, 31)
Party = Literal["school", "social_services", "police", "church", "associations", "landlord", "municipality"]
PARTIES: tuple[Party, ...] = (
    "landlord", "municipality", "school", "social_services", "police", "associations", "church",
)  # fmt: skip
NOT_CONSULTED = "omb-2018-2"
CONSULTED_TOO_LATE = "omb-2018-3"
"""Its consultation was held on the very day work started: not before."""


@dataclass(frozen=True)
class MeetingPlace:
    """`visits`: how many come on a day it is counted, about."""

    id: str
    area: str
    kind: str
    opened: date
    visits: int
    closed: date | None = None


MEETING_PLACES = (
    MeetingPlace("mp-raslatt-1", "raslatt", "community_room", date(2016, 3, 1), 42),
    MeetingPlace("mp-raslatt-2", "raslatt", "gym", date(2017, 9, 4), 35),
    MeetingPlace("mp-oxnehaga-1", "oxnehaga", "youth_centre", date(2016, 8, 15), 38),
    MeetingPlace("mp-osterangen-1", "osterangen", "community_room", date(2017, 1, 16), 24),
    MeetingPlace("mp-ekhagen-1", "ekhagen", "garden", date(2018, 4, 23), 12),
    MeetingPlace("mp-oxnehaga-2", "oxnehaga", "pop_up", date(2018, 5, 2), 18, date(2018, 10, 31)),
    MeetingPlace("mp-raslatt-3", "raslatt", "art_hall", date(2019, 2, 4), 27),
    MeetingPlace("mp-oxnehaga-3", "oxnehaga", "community_room", date(2019, 4, 8), 33),
    MeetingPlace("mp-osterangen-2", "osterangen", "gym", date(2019, 9, 2), 29),
    MeetingPlace("mp-vaster-1", "vaster", "pop_up", date(2020, 2, 3), 9),
)
# Area → how many participants an evening has, how many staff, and in which year it began.
YOUTH = {
    "oxnehaga": (24, 2.5, 2017),
    "raslatt": (31, 3.0, 2017),
    "osterangen": (14, 2.0, 2018),
    "ekhagen": (8, 1.5, 2019),
}


def community(teller: Teller) -> None:
    """What the area development unit tells."""
    _consultations(teller)
    _meeting_places(teller)
    _youth(teller)
    _meetings(teller)
    _outreach(teller)
    _sponsorship(teller)
    _business(teller)
    _hours(teller)


def _consultations(teller: Teller) -> None:
    for one in RENOVATIONS:
        project, area, started = one.project, one.area, one.started
        if started is None or project == NOT_CONSULTED:
            continue
        last = started if project == CONSULTED_TOO_LATE else one.planned + (started - one.planned) / 2
        for session, held in (("first", last - timedelta(days=14)), ("second", last)):
            if project == CONSULTED_TOO_LATE and session == "first":
                continue
            participants = one.size * teller.rng.randint(4, 9)
            said = ConsultationHeld(
                project_id=project, area_id=area, participants=participants, held_on=held, session=session
            )
            teller.tell(said, held)


def _meeting_places(teller: Teller) -> None:
    for place in MEETING_PLACES:
        opened = MeetingPlaceOpened(
            meeting_place_id=place.id, area_id=place.area, kind=place.kind, opened_on=place.opened
        )
        teller.tell(opened, place.opened)
        for day in weekdays(max(place.opened, BEGIN), place.closed or END, 2):
            more = 1.0 + 0.12 * (day.year - 2018)
            visits = max(0, round(teller.rng.gauss(place.visits * more, place.visits / 5)))
            teller.tell(VisitCounted(meeting_place_id=place.id, visits=visits, on=day), day)
        if place.closed:
            closed = MeetingPlaceClosed(meeting_place_id=place.id, area_id=place.area, closed_on=place.closed)
            teller.tell(closed, place.closed)
    twice_counted = VisitCounted(meeting_place_id="mp-raslatt-3", visits=940, on=date(2019, 5, 29))  # meant was 94
    wrong = teller.tell(twice_counted, date(2019, 5, 30))
    teller.take_back(wrong, "mp-raslatt-3", date(2019, 6, 3))


def _youth(teller: Teller) -> None:
    for area, (participants, staff, since) in YOUTH.items():
        for year in range(since, 2021):
            last = min(date(year, 12, 18), END)
            evenings = [*weekdays(date(year, 1, 8), last, 1), *weekdays(date(year, 1, 8), last, 4)]
            if year == 2019 and area in {"oxnehaga", "raslatt"}:  # a third evening, and fewer come to each
                evenings += weekdays(date(year, 1, 8), last, 3)
            for day in sorted(evenings):
                fewer = 0.72 if year >= 2019 else 1.0
                came = max(2, round(teller.rng.gauss(participants * fewer, 4)))
                session = YouthSessionHeld(
                    area_id=area, on=day, minutes_open=180 if area != "ekhagen" else 120, staff=staff, participants=came
                )
                teller.tell(session, day)
            for day in spread(teller.rng, 1 + year % 2 * 2, date(year, 2, 1), last):
                said = YouthDialogueHeld(area_id=area, on=day, participants=teller.rng.randint(6, 25))
                teller.tell(said, day)


def _meetings(teller: Teller) -> None:
    for area, every, full in (("raslatt", 8, 0.8), ("oxnehaga", 8, 0.7), ("osterangen", 10, 0.4), ("ekhagen", 12, 0.2)):
        for day in weekdays(date(2018, 1, 15), END, 3, every=every):
            there = PARTIES if teller.rng.random() < full else PARTIES[: teller.rng.randint(3, 6)]
            teller.tell(AreaGroupMet(area_id=area, on=day, parties=there), day)
    for about, every in (("raslatt", 9), ("oxnehaga", 10), ("osterangen", 13), ("vaster", 26), (None, 13)):
        for day in weekdays(date(2018, 2, 1), END, 2, every=every):
            teller.tell(PartnerMeetingHeld(partner="tenants_association", area_id=about, held_on=day), day)
    _agreements(teller)
    kinds = ("garden", "homework_help", "night_walk", "language_cafe", "bike_workshop")
    for number, day in enumerate(spread(teller.rng, 26, date(2018, 2, 1), END), 1):
        area = teller.rng.choice(("raslatt", "oxnehaga", "osterangen", "ekhagen", "vaster", "huskvarna"))
        said = InitiativeStarted(initiative_id=f"ini-{number:02d}", area_id=area, kind=kinds[number % 5], on=day)
        teller.tell(said, day)
    police = (
        ("raslatt", 3, 2017),
        ("oxnehaga", 2, 2018),
        ("osterangen", 2, 2018),
        ("osterangen", 0, 2019),
        ("ekhagen", 1, 2019),
    )
    for area, officers, year in police:  # as many areas at the end of 2019 as a year before
        day = date(year, 9, 1)
        teller.tell(LocalPolicePresenceChanged(area_id=area, officers=officers, from_=day), day)


def _agreements(teller: Teller) -> None:
    """Agreements on tenant influence: one ran out in the summer of 2019, and nobody renewed it."""
    for area, signed, last in (
        ("osterangen", date(2017, 7, 1), date(2019, 6, 30)),
        ("raslatt", date(2018, 10, 15), None),
        ("oxnehaga", date(2019, 5, 20), date(2022, 5, 19)),
        ("vaster", date(2019, 11, 4), None),
    ):
        said = TenantInfluenceAgreementSigned(
            agreement_id=f"avtal-boinflytande-{area}", area_id=area, party="tenants_association",
            covers=("renovation", "yard", "safety"), signed_on=signed, valid_to=last,
        )  # fmt: skip
        teller.tell(said, signed)


def _outreach(teller: Teller) -> None:
    told: Sequence[tuple[str, str, int]] = (
        ("enkat-2018", "ar", 2), ("enkat-2018", "so", 1), ("enkat-2018", "sv", 2),
        ("enkat-2019", "ar", 3), ("enkat-2019", "so", 2), ("enkat-2019", "bs", 1), ("enkat-2019", "fa", 1),
        ("enkat-2019", "ti", 1), ("enkat-2019", "pl", 1), ("enkat-2019", "sv", 3), ("enkat-2020", "ar", 2),
    )  # fmt: skip
    for survey, language, associations in told:
        year = int(survey[-4:])
        for number in range(1, associations + 1):
            day = date(year, 3 if year == 2020 else 9, 2 + number * 3)
            said = OutreachPerformed(
                association_id=f"for-{language}-{number}", survey_id=survey, language=language, on=day
            )
            teller.tell(said, day)


def _sponsorship(teller: Teller) -> None:
    for year, kinds in (
        (2018, {"sports": 11, "culture": 6, "tenants": 4}),
        (2019, {"sports": 12, "culture": 8, "tenants": 5, "women": 2}),
        (2020, {"sports": 4, "culture": 1}),
    ):
        for kind, grants in kinds.items():
            for number in range(1, grants + 1):
                grant = f"bidrag-{year}-{kind}-{number:02d}"
                granted = SponsorshipGranted(
                    grant_id=grant, association_id=f"for-{kind}-{number:02d}", association_kind=kind,
                    amount_sek=teller.rng.choice((5_000, 10_000, 15_000, 25_000, 40_000)), year=year,
                )  # fmt: skip
                teller.tell(granted, date(year, 2, 1) + timedelta(days=number * 3))
                if year < 2020 and teller.rng.random() < (0.7 if year == 2018 else 0.85):
                    came = teller.rng.randint(12, 160) if kind != "tenants" else None
                    back = SponsorshipReported(grant_id=grant, participants=came, year=year)
                    teller.tell(back, date(year + 1, 1, 15) + timedelta(days=number))


def _business(teller: Teller) -> None:
    for hotel, area, seats, opened in (
        ("hotell-raslatt", "raslatt", 14, date(2018, 5, 14)),
        ("hotell-oxnehaga", "oxnehaga", 8, date(2019, 9, 23)),
    ):
        teller.tell(BusinessHotelOpened(hotel_id=hotel, area_id=area, seats=seats, opened_on=opened), opened)
        for number, day in enumerate(spread(teller.rng, seats * 2, opened, END), 1):
            teller.tell(ContactMatched(contact_id=f"{hotel}-kontakt-{number:02d}", hotel_id=hotel, on=day), day)


def _hours(teller: Teller) -> None:
    for area, size in AREAS.items():
        for month in range(27):
            year, number = 2018 + month // 12, month % 12 + 1
            told = date(year + number // 12, number % 12 + 1, 5)
            own = 0.46 + 0.012 * month + (0.15 if area in {"raslatt", "oxnehaga"} else 0)
            hours = size.homes * teller.rng.uniform(0.34, 0.42)
            said = ServiceHoursReported(
                area_id=area, month=f"{year}-{number:02d}",
                own_hours=round(hours * min(own, 0.95), 1), contracted_hours=round(hours * (1 - min(own, 0.95)), 1),
            )  # fmt: skip
            teller.tell(said, told)
