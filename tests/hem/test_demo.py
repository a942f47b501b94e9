"""The made-up landlord's past: every event as its schema and the gateway want it, the same each time, for every goal."""

from collections import Counter

import orjson
import pytest

from hem.demo.landlord import Past, make_past
from hem.demo.telling import SOURCES, as_sent
from hem.demo.year import SOURCE, make_year
from schemas.catalogue import MODELS, on_topic
from schemas.door import FROM_OUTSIDE, vouches_for_another
from schemas.event import Event, EventData
from schemas.gateway import SourceChecked
from schemas.http import BATCH, read
from schemas.kafka import from_record, to_record
from schemas.procurement import SocialRequirementSet
from schemas.topics import TOPICS
from schemas.withdrawal import EventWithdrawn

NOT_TOLD = {
    # Alerts, publications and restatements are made by Hem itself; contacts and messages are nothing of the past.
    "AlertRaised", "AlertCleared", "FigurePublished", "PeriodClosed", "ReportRestated",
    "NotificationSent", "NotificationFailed", "NotificationSuppressed", "ProgrammeEnded",
    "ProgrammeStarted", "TenantMovedOut",
}  # fmt: skip
"""Types of kept topics that the past around the made-up year has no event of."""


@pytest.fixture(scope="module")
def past() -> Past:
    return make_past(make_year())


def everything(past: Past) -> list[Event[EventData]]:
    return [event for events in (*past.through_the_door.values(), past.straight, past.late) for event in events]


def test_the_gateway_would_take_all_that_goes_through_the_door(past: Past) -> None:
    for system, events in [*past.through_the_door.items(), ("procurement", past.late)]:
        reading = read([("content-type", BATCH)], orjson.dumps([as_sent(event) for event in events]))
        faults = [entry for entry in reading.entries if entry.problems or entry.warnings]
        assert not faults, system
        assert [entry.event for entry in reading.entries] == [
            event.model_copy(update={"dataschema": None}) for event in events
        ]
        assert {event.type for event in events} <= FROM_OUTSIDE, system
        assert not any(vouches_for_another(event) for event in events)
        assert {event.source for event in events} == {f"{SOURCES}{system}"}


def test_what_is_written_straight_is_what_no_other_system_may_say(past: Past) -> None:
    """But for what counts by the day the gateway took it: that a system was looked through."""
    assert {event.type for event in past.straight} & FROM_OUTSIDE == {SourceChecked.type}
    for event in past.straight:
        record = to_record(event)
        assert from_record(record.key, record.value, record.headers) == event
        topic = TOPICS[event.data.topic]
        assert not topic.personal
        assert topic.readers == ("reporting",) or event.history, "whoever else hears it leaves the past alone"


def test_all_of_it_is_past_made_up_and_the_same_each_time(past: Past) -> None:
    events = everything(past)
    assert make_past(make_year()) == past
    assert all(event.history and event.source.startswith(SOURCES) for event in events)
    assert not any(event.test for event in events)
    told = {(event.source, event.id): event for event in events}
    assert all(told[event.source, event.id] == event for event in events)  # told twice is told the same
    assert len(events) > len(told)
    assert {event["source"] for event in make_year().events} == {SOURCE}
    assert {event["id"] for event in make_year().events}.isdisjoint(id for _, id in told)
    assert not any(event.type == "se.vatterhem.TenantContactChanged.v1" for event in events)  # nobody is written to


def test_every_event_that_a_figure_could_be_made_of_is_told(past: Past) -> None:
    read_by_reporting = [name for name, topic in TOPICS.items() if "reporting" in topic.readers]
    could_be = {model.__name__ for name in read_by_reporting for model in on_topic(name)}
    assert could_be - {type(event.data).__name__ for event in everything(past)} == NOT_TOLD


def test_each_slip_of_life_is_in_it(past: Past) -> None:
    """A correction, something taken back, something late, an area nobody defined, a day that can't be, a silent system."""
    events = everything(past)
    assert any(isinstance(event.data, EventWithdrawn) for event in events)
    requirements = [event for event in past.through_the_door["procurement"] if event.type == SocialRequirementSet.type]
    corrected = Counter(subject for subject, _ in {(event.subject, event.id) for event in requirements})
    assert max(corrected.values()) > 1
    assert all((event.time.date() - event.data.set_on).days > 150 for event in past.late)  # type: ignore[attr-defined]
    assert {event.subject for event in past.late}.isdisjoint(corrected)
    moves = [e.data for e in past.through_the_door["housing"] if e.type == "se.vatterhem.TenantMovedIn.v1"]
    assert "norrangen" in {move.area_id for move in moves}  # type: ignore[attr-defined]
    assert 2091 in {move.moved_in_on.year for move in moves}  # type: ignore[attr-defined]
    counters = f"{SOURCES}visitor-counters"
    assert max(event.time for event in past.straight if event.source == counters).year == 2019
    assert set(MODELS) >= {event.type for event in events}
