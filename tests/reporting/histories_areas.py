"""Random histories of what happens in the areas. See `histories`."""

from random import Random

from schemas import buildings, community
from tests.reporting.histories_made import Said, area, day, hours, id_of, maybe, some

PARTIES = ("school", "social_services", "police", "church", "associations", "landlord", "municipality")


def premises(random: Random) -> str:
    return id_of(random, "premises", 6)


def session(random: Random) -> str | None:
    return "evening" if random.random() < 0.3 else None


PLACES = (
    Said(community.PartnerMeetingHeld, 3, lambda r: {
        "partner": r.choice(["tenants_association", "school"]), "area_id": maybe(r, area(r)), "held_on": day(r),
        "session": session(r),
    }),
    Said(community.MeetingPlaceOpened, 3, lambda r: {
        "meeting_place_id": id_of(r, "meeting", 8), "area_id": area(r), "kind": "gym", "opened_on": day(r),
    }),
    Said(community.MeetingPlaceClosed, 2, lambda r: {
        "meeting_place_id": id_of(r, "meeting", 8), "area_id": area(r), "closed_on": day(r),
    }),
    Said(community.VisitCounted, 5, lambda r: {
        "meeting_place_id": id_of(r, "meeting", 9), "visits": r.randrange(90), "on": day(r),
    }),
    Said(community.YouthSessionHeld, 4, lambda r: {
        "area_id": area(r), "on": day(r), "minutes_open": r.choice([0, 45, 90, 200]), "staff": r.choice([0.0, 2.0, 2.5, 1.75]),
        "participants": r.randrange(40), "session": session(r),
    }),
    Said(community.YouthDialogueHeld, 2, lambda r: {
        "area_id": area(r), "on": day(r), "participants": r.randrange(30), "session": session(r),
    }),
    Said(community.AreaGroupMet, 3, lambda r: {
        "area_id": area(r), "on": day(r), "session": session(r), "parties": some(r, PARTIES, r.choice([1, 7])),
    }),
    Said(community.InitiativeStarted, 2, lambda r: {
        "initiative_id": id_of(r, "initiative"), "area_id": area(r), "kind": "garden", "on": day(r),
    }),
    Said(community.LocalPolicePresenceChanged, 3, lambda r: {"area_id": area(r), "officers": r.randrange(3), "from_": day(r)}),
    Said(community.SponsorshipGranted, 3, lambda r: {
        "grant_id": id_of(r, "grant", 10), "association_id": id_of(r, "association", 6),
        "association_kind": r.choice(["sports", "culture"]), "amount_sek": r.randrange(90_000),
        "year": r.choice([2018, 2019, 2020]),
    }),
    Said(community.SponsorshipReported, 3, lambda r: {
        "grant_id": id_of(r, "grant", 10), "participants": maybe(r, r.randrange(90)), "year": r.choice([2018, 2019, 2020]),
    }),
    Said(community.BusinessHotelOpened, 1, lambda r: {
        "hotel_id": id_of(r, "hotel", 3), "area_id": area(r), "seats": r.randrange(20), "opened_on": day(r),
    }),
    Said(community.ContactMatched, 2, lambda r: {
        "contact_id": id_of(r, "contact", 20), "hotel_id": maybe(r, id_of(r, "hotel", 4)), "on": day(r),
    }),
    Said(community.ServiceHoursReported, 4, lambda r: {
        "area_id": area(r), "own_hours": hours(r), "contracted_hours": hours(r), "month": f"2019-{r.randint(1, 12):02}",
    }),
    Said(buildings.PremisesRegistered, 2, lambda r: {
        "premises_id": premises(r), "centre": r.choice(["raslatt_centrum", "oxnehaga_centrum"]), "area_id": area(r),
        "registered_on": maybe(r, day(r)),
    }),
    Said(buildings.PremisesLet, 3, lambda r: {"premises_id": premises(r), "business_kind": "grocery", "let_on": day(r)}),
    Said(buildings.PremisesVacated, 2, lambda r: {"premises_id": premises(r), "vacated_on": day(r)}),
)  # fmt: skip
