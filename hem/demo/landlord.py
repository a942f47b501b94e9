"""All that the made-up landlord's systems tell of 2018, 2019 and the beginning of 2020, besides the year that is played."""

from collections.abc import Callable
from dataclasses import dataclass

from hem.demo import building, community, governing, introductions, official, placements, summer, surveys
from hem.demo.telling import Teller
from hem.demo.year import Year
from schemas.community import ConsultationHeld
from schemas.event import Event, EventData
from schemas.procurement import SocialRequirementSet

Events = list[Event[EventData]]


@dataclass(frozen=True)
class Past:
    """`through_the_door`: system → what it sends the gateway. `straight`: what only our own services may say, and write
    to their topics themselves, or what counts by the day the gateway took it. Each in order of time, some twice.
    `late`: what the procurement system told when 2018 had been published."""

    through_the_door: dict[str, Events]
    straight: Events
    late: Events


def make_past(year: Year) -> Past:
    """The past around the made-up year."""
    housing = Teller("housing")
    later = introductions.move_ins_of_2020(housing)
    community_events = _told("community", community.community)
    consultations = [event.data for event in community_events if isinstance(event.data, ConsultationHeld)]
    own = Teller("surveys")
    feedback = surveys.surveys(own)
    notifications = Teller("notifications")
    introductions.introductions(notifications, year.moves, later)
    introductions.letters(notifications, feedback, consultations)
    procurement = _told("procurement", building.procurement)
    late = [
        event
        for event in procurement
        if event.type == SocialRequirementSet.type and event.subject == building.Slip.SUBJECT_TOLD_LATE
    ]
    straight = [
        *own.events,
        *notifications.events,
        *_told("placements", placements.placements, summer.summer_jobs),
        *_told("reporting", governing.reports),
        *_told("gateway", governing.registered),
        *(event for system in governing.SYSTEMS for event in governing.checks(system)),
    ]
    return Past(
        {
            "governance": _told("governance", governing.decisions),
            "housing": _in_order(housing.events),
            "procurement": [event for event in procurement if event not in late],
            "property": _told("property", building.buildings),
            "community": community_events,
            "statistics": _told("statistics", official.made_up),
            "website": _told("website", governing.ratings),
        },
        _in_order(straight),
        late,
    )


def _told(system: str, *tell: Callable[[Teller], None]) -> Events:
    teller = Teller(system)
    for one in tell:
        one(teller)
    return _in_order(teller.events)


def _in_order(events: Events) -> Events:
    return sorted(events, key=lambda event: (event.time, event.id))
