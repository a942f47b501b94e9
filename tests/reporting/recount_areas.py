"""The goals about what happens in the areas, counted the slow way: see `recount`."""

from collections.abc import Iterable
from datetime import date

from schemas.buildings import PremisesLet, PremisesRegistered, PremisesVacated
from schemas.community import (
    AreaGroupMet,
    BusinessHotelOpened,
    ContactMatched,
    InitiativeStarted,
    LocalPolicePresenceChanged,
    MeetingPlaceClosed,
    MeetingPlaceOpened,
    PartnerMeetingHeld,
    ServiceHoursReported,
    SponsorshipGranted,
    SponsorshipReported,
    VisitCounted,
    YouthDialogueHeld,
    YouthSessionHeld,
)
from tests.reporting.recount import Period, Row, World, counts, exact, local_day

PARTIES = 7


@counts("tenants-association", "meetings", "count")
def tenants_association(world: World, period: Period) -> Iterable[Row]:
    for meeting in world.of(PartnerMeetingHeld):
        if meeting.partner == "tenants_association" and meeting.held_on in period:
            yield Row(area=meeting.area_id)


@counts("meeting-places", "open", "count")
def meeting_places(world: World, period: Period) -> Iterable[Row]:
    on = min(period.last, world.as_of)
    closed = {place.meeting_place_id: place.closed_on for place in world.of(MeetingPlaceClosed)}
    for place in world.of(MeetingPlaceOpened):
        last = closed.get(place.meeting_place_id)
        is_closed = last is not None and place.opened_on <= last < on
        if place.opened_on <= on and not is_closed:
            yield Row(area=place.area_id)


@counts("meeting-places", "visits", "count")
def visits(world: World, period: Period) -> Iterable[Row]:
    area = {place.meeting_place_id: place.area_id for place in world.ever(MeetingPlaceOpened)}
    for visit in world.of(VisitCounted):
        if visit.on in period:
            yield Row(visit.visits, area=area.get(visit.meeting_place_id))


@counts("youth-activities", "hours", "count")
def hours_open(world: World, period: Period) -> Iterable[Row]:
    for session in world.of(YouthSessionHeld):
        if session.on in period:
            yield Row(exact(session.minutes_open) / 60, area=session.area_id)


@counts("youth-activities", "staff-hours", "count")
def staff_hours(world: World, period: Period) -> Iterable[Row]:
    for session in world.of(YouthSessionHeld):
        if session.on in period:
            yield Row(exact(session.staff) * session.minutes_open / 60, area=session.area_id)


@counts("youth-activities", "participants", "count")
def participants(world: World, period: Period) -> Iterable[Row]:
    for session in world.of(YouthSessionHeld):
        if session.on in period:
            yield Row(session.participants, area=session.area_id)


@counts("youth-activities", "dialogues", "count")
def dialogues(world: World, period: Period) -> Iterable[Row]:
    for dialogue in world.of(YouthDialogueHeld):
        if dialogue.on in period:
            yield Row(area=dialogue.area_id)


@counts("area-groups", "meetings", "count")
def area_group_meetings(world: World, period: Period) -> Iterable[Row]:
    for meeting in world.of(AreaGroupMet):
        if meeting.on in period:
            yield Row(area=meeting.area_id)


@counts("area-groups", "all-parties", "share")
def all_parties(world: World, period: Period) -> Iterable[Row]:
    for meeting in world.of(AreaGroupMet):
        if meeting.on in period:
            yield Row(len(meeting.parties) == PARTIES, 1, area=meeting.area_id)


@counts("local-initiatives", "initiatives", "count")
def local_initiatives(world: World, period: Period) -> Iterable[Row]:
    for initiative in world.of(InitiativeStarted):
        if initiative.on in period:
            yield Row(area=initiative.area_id)


@counts("local-police", "areas", "count")
def local_police(world: World, period: Period) -> Iterable[Row]:
    on = min(period.last, world.as_of)
    said = [change for change in world.of(LocalPolicePresenceChanged) if change.from_ <= on]
    for area in {change.area_id for change in said}:
        newest = max((change for change in said if change.area_id == area), key=lambda change: change.from_)
        if newest.officers > 0:
            yield Row(area=area)


@counts("sponsorship", "granted", "count")
def sponsorship(world: World, period: Period) -> Iterable[Row]:
    for grant in world.of(SponsorshipGranted):
        if date(grant.year, 1, 1) in period:
            yield Row(grant.amount_sek, by=(("kind", grant.association_kind),))


@counts("sponsorship", "reported", "share")
def reported_back(world: World, period: Period) -> Iterable[Row]:
    told = world.ever_events(SponsorshipReported)
    reported = {report.data.grant_id for report in told if local_day(report.time) <= world.as_of}
    for grant in world.of(SponsorshipGranted):
        if date(grant.year, 1, 1) in period:
            yield Row(grant.grant_id in reported, 1, by=(("kind", grant.association_kind),))


@counts("business-hotels", "open", "count")
def business_hotels(world: World, period: Period) -> Iterable[Row]:
    for hotel in world.of(BusinessHotelOpened):
        if hotel.opened_on <= period.last:
            yield Row(area=hotel.area_id)


@counts("business-hotels", "contacts", "count")
def contacts_matched(world: World, period: Period) -> Iterable[Row]:
    area = {hotel.hotel_id: hotel.area_id for hotel in world.ever(BusinessHotelOpened)}
    for contact in world.of(ContactMatched):
        if contact.on in period:
            yield Row(area=area.get(contact.hotel_id or ""))


@counts("shopping-centres", "share", "share")
def shopping_centres(world: World, period: Period) -> Iterable[Row]:
    on = min(period.last, world.as_of)
    for event in world.events(PremisesRegistered):
        premises = event.data
        registered = premises.registered_on or local_day(event.time)
        if registered > on:
            continue
        lets = [let.let_on for let in world.of(PremisesLet) if let.premises_id == premises.premises_id]
        begun = [day for day in lets if day <= on]
        left = [gone.vacated_on for gone in world.of(PremisesVacated) if gone.premises_id == premises.premises_id]
        is_let = bool(begun) and not any(max(begun) <= day < on for day in left)
        yield Row(is_let, 1, area=premises.area_id, by=(("centre", premises.centre),))


@counts("own-staff", "share", "share")
def own_staff(world: World, period: Period) -> Iterable[Row]:
    for hours in world.of(ServiceHoursReported):
        own, bought = exact(hours.own_hours), exact(hours.contracted_hours)
        if Period.of(hours.month).first in period:
            yield Row(own, own + bought, area=hours.area_id)
