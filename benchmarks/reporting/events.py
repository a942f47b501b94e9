"""What the projector is measured with: a cohort's two kinds of events, and a believable mix of what all goals count."""

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from schemas.community import ServiceHoursReported, VisitCounted, YouthSessionHeld
from schemas.event import Event, EventData
from schemas.gateway import PageRated
from schemas.governance import AreaDefined, ProgrammeStarted
from schemas.notifications import HousingIntroductionHeld, HousingIntroductionOffered, NotificationSent
from schemas.placements import (
    CandidateRegistered,
    MatchAccepted,
    MatchProposed,
    PlacementCompleted,
    PlacementStarted,
    PlaceOpened,
)
from schemas.tenancy import TenantMovedIn, TenantMovedOut
from services.chassis.ids import uuid7

Sent = tuple[str, Event[Any]]
AREAS = ["oxnehaga", "raslatt", "osterangen", "ekhagen", "soder", "vaster", "huskvarna"]
YEAR = 2019
REPEATED = 0.01
"""One event of a hundred comes twice."""


def governance(areas: Sequence[str] = AREAS) -> list[Sent]:
    """The areas, and the programme in all of them."""
    at = datetime(2018, 1, 1, tzinfo=UTC)
    said: list[EventData] = []
    for area in areas:
        said.append(AreaDefined(area_id=area, name=area, municipality_code="0680", valid_from=date(2010, 1, 1)))
        said.append(ProgrammeStarted(programme="housing_introduction", area_id=area, from_=date(2018, 1, 1)))
    return [_event(data, at, "urn:bench:governance") for data in said]


def cohort(count: int) -> list[Sent]:
    """Move-ins and offers of a year, mostly in order."""
    chance = random.Random(2019)
    made: list[Sent] = []
    households = count * 100 // 195
    for number in range(households):
        moved = _moment(number / households)
        made += _household(chance, moved)
    return _with_repeats(chance, made)


def mix(count: int) -> list[Sent]:
    """What a landlord's systems say in a year, in the proportions they would say it; a third of it is no goal's."""
    chance = random.Random(2020)
    made: list[Sent] = []
    while len(made) < count:
        moment = _moment(len(made) / count)
        made += chance.choices(
            [
                list(_household(chance, moment)),
                _elsewhere(chance, moment),
                _placement(chance, moment),
                _around(chance, moment),
            ],
            [40, 30, 6, 24],
        )[0]
    return _with_repeats(chance, made)


def _moment(part: float) -> datetime:
    return datetime(YEAR, 1, 1, 8, tzinfo=UTC) + timedelta(days=364 * part)


def _household(chance: random.Random, moved: datetime) -> Iterator[Sent]:
    area, tenancy = chance.choice(AREAS), str(uuid7(moved))
    yield _event(
        TenantMovedIn(
            tenancy_id=tenancy, tenant_ref=str(uuid7(moved)), area_id=area, moved_in_on=moved.date(), contact_rule="any"
        ),
        moved,
        "urn:bench:housing",
    )
    if chance.random() < 0.93:
        offered = moved + timedelta(hours=chance.expovariate(1 / 20))
        data = HousingIntroductionOffered(tenancy_id=tenancy, area_id=area, offered_on=offered.date(), channel="email")
        yield _event(data, offered, "urn:hem:notifications", sequence=1)


def _elsewhere(chance: random.Random, at: datetime) -> list[Sent]:
    """What no goal counts, or goals count seldom."""
    tenancy = str(uuid7(at))
    if chance.random() < 0.5:
        data: EventData = TenantMovedOut(tenancy_id=tenancy, moved_out_on=at.date())
        return [_event(data, at, "urn:bench:housing")]
    if chance.random() < 0.7:
        data = NotificationSent(
            message_id=tenancy, occasion="housing_introduction", about=str(uuid7(at)), channel="email"
        )
        return [_event(data, at, "urn:hem:notifications", sequence=1)]
    data = HousingIntroductionHeld(tenancy_id=tenancy, area_id=chance.choice(AREAS), held_on=at.date())
    return [_event(data, at, "urn:hem:notifications", sequence=2)]


def _placement(chance: random.Random, at: datetime) -> list[Sent]:
    """From a place to a completed placement: five kinds of goals look at it."""
    place, match, placement, person = (str(uuid7(at)) for _ in range(4))
    area, day = chance.choice(AREAS), at.date()
    said: list[EventData] = [
        PlaceOpened(place_id=place, kind="internship", occupation="7111", host="own", places=1, opened_on=day),
        CandidateRegistered(candidate_ref=person, area_id=area, kinds=("internship",)),
        MatchProposed(match_id=match, place_id=place, candidate_ref=person, proposed_on=day),
        MatchAccepted(match_id=match, accepted_on=day),
        PlacementStarted(
            placement_id=placement, place_id=place, candidate_ref=person, area_id=area, kind="internship",
            occupation="7111", host="own", started_on=day,
        ),
        PlacementCompleted(placement_id=placement, completed_on=day),
    ]  # fmt: skip
    return [_event(data, at, "urn:hem:placements", sequence=1) for data in said]


def _around(chance: random.Random, at: datetime) -> list[Sent]:
    """Visits, youth sessions, hours and ratings."""
    area, session = chance.choice(AREAS), f"s{chance.randrange(10**9)}"
    said: list[EventData] = [
        VisitCounted(meeting_place_id=f"m{chance.randrange(10**6)}", visits=chance.randrange(90), on=at.date()),
        YouthSessionHeld(area_id=area, on=at.date(), minutes_open=180, staff=2.5, participants=20, session=session),
        PageRated(
            page="/goals/housing-introduction-offered", rating_id=str(uuid7(at)), was_helpful=chance.random() < 0.8
        ),
    ]
    if chance.random() < 0.02:
        said.append(ServiceHoursReported(area_id=area, own_hours=80.5, contracted_hours=20, month=f"{at:%Y-%m}"))
    return [_event(data, at, "urn:bench:community") for data in said]


def _event(data: EventData, at: datetime, source: str, **more: Any) -> Sent:
    return (data.topic, Event.of(data, id=str(uuid7(at)), source=source, time=at, recordedtime=at, **more))


def _with_repeats(chance: random.Random, made: list[Sent]) -> list[Sent]:
    sent: list[Sent] = []
    for one in made:
        sent.append(one)
        if chance.random() < REPEATED:
            sent.append(chance.choice(sent[-50:]))
    return sent
