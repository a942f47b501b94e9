"""Events arrive in any order, late and twice; the end is the same. Every order of a few events is played on real Kafka."""

from collections.abc import Callable
from datetime import date, timedelta
from itertools import permutations
from typing import Any

import pytest

from schemas.event import Event
from schemas.governance import ProgrammeEnded
from schemas.kafka import to_record
from schemas.notifications import HousingIntroductionOffered
from schemas.tenancy import MoveInCancelled
from schemas.withdrawal import EventWithdrawn
from services.chassis.testkit import Bus, MovableClock, event_of
from tests.notifications.town import Household, MailServer, Notify, State, programme, settled, state_of

Story = Callable[[Household, MovableClock], list[Event[Any]]]


def plain(home: Household, clock: MovableClock) -> list[Event[Any]]:
    del clock
    return [event_of(e) for e in (programme(home.area), home.moved_in(), home.contact())]


def corrected(home: Household, clock: MovableClock) -> list[Event[Any]]:
    """First told for another area and without an address; each correction is told with a later time."""
    now = clock.now()
    return [
        event_of(programme(home.area)),
        event_of(home.moved_in(area_id="elsewhere"), time=now - timedelta(hours=2)),
        event_of(home.moved_in(), time=now - timedelta(hours=1)),
        event_of(home.contact(email=None), time=now - timedelta(hours=2)),
        event_of(home.contact(), time=now - timedelta(hours=1)),
    ]


def cancelled(home: Household, clock: MovableClock) -> list[Event[Any]]:
    return [*plain(home, clock), event_of(MoveInCancelled(tenancy_id=home.tenancy, reason="tenant_withdrew"))]


def move_in_withdrawn(home: Household, clock: MovableClock) -> list[Event[Any]]:
    told = plain(home, clock)
    return [*told, withdrawal_of(told[1])]


def cancellation_withdrawn(home: Household, clock: MovableClock) -> list[Event[Any]]:
    told = cancelled(home, clock)
    return [*told, withdrawal_of(told[-1])]


def programme_over(home: Household, clock: MovableClock) -> list[Event[Any]]:
    ended = ProgrammeEnded(programme="housing_introduction", area_id=home.area, ended_on=date(2019, 2, 28))
    return [*plain(home, clock), event_of(ended)]


def programme_from_the_past(home: Household, clock: MovableClock) -> list[Event[Any]]:
    del clock
    return [event_of(programme(home.area), history=True), event_of(home.moved_in()), event_of(home.contact())]


def contact_from_the_past(home: Household, clock: MovableClock) -> list[Event[Any]]:
    del clock
    return [event_of(programme(home.area)), event_of(home.moved_in()), event_of(home.contact(), history=True)]


def move_in_from_the_past(home: Household, clock: MovableClock) -> list[Event[Any]]:
    """With a live correction."""
    now = clock.now()
    return [
        event_of(programme(home.area)),
        event_of(home.moved_in(), history=True, time=now - timedelta(hours=2)),
        event_of(home.moved_in(moved_in_on=date(2019, 3, 2)), time=now - timedelta(hours=1)),
        event_of(home.contact()),
    ]


def letter_only(home: Household, clock: MovableClock) -> list[Event[Any]]:
    del clock
    return [event_of(e) for e in (programme(home.area), home.moved_in(contact_rule="letter_only"))]


def withdrawal_of(event: Event[Any]) -> Event[Any]:
    taken_back = EventWithdrawn(withdrawn_source=event.source, withdrawn_id=event.id, reason="registered_in_error")
    return Event.of(taken_back, id=f"not {event.id}", source=event.source, time=event.time, subject=event.subject)


@pytest.mark.parametrize(
    ("story", "offered"),
    [
        (plain, True),
        (corrected, True),
        (cancelled, False),
        (move_in_withdrawn, False),
        (cancellation_withdrawn, True),
        (programme_over, False),
        (programme_from_the_past, True),
        (contact_from_the_past, True),
        (move_in_from_the_past, False),
        (letter_only, False),
    ],
)
@pytest.mark.timeout(120)
async def test_every_order_ends_the_same(
    notify: Notify, bus: Bus, mail_server: MailServer, clock: MovableClock, story: Story, *, offered: bool
) -> None:
    held = await notify(mode="hold")
    lives = []
    for number, order in enumerate(permutations(range(len(story(Household(), clock))))):
        home = Household(area=f"area-{number}")
        told = story(home, clock)
        lives.append((home, [told[at] for at in order]))
    for step in range(len(lives[0][1])):
        for _, told in lives:
            await send(bus, told[step])
        await settled(held, bus)
    for _, told in lives:  # and all of it once more
        for event in told:
            await send(bus, event)
    await settled(held, bus)

    sending = await notify(database_url=held.settings.database_url, smtp_lanes=4)
    if offered:
        await bus.expect(HousingIntroductionOffered, count=len(lives))
    await settled(sending, bus)
    ends = {home.tenancy: await state_of(sending, home.tenancy) for home, _ in lives}
    for home, told in lives:
        end = ends[home.tenancy]
        names = [type(event.data).__name__ for event in told]
        assert end.offered == ("email" if offered else None), names
        assert (end.todo == "open") == (story is letter_only), names
        assert "queued" not in end.messages, names
    assert sorted(mail_server.recipients) == sorted(home.email for home, _ in lives if offered)
    assert len(await bus.events(HousingIntroductionOffered)) == (len(lives) if offered else 0)


async def test_an_offer_that_went_stays_sent_when_the_move_in_is_cancelled(notify: Notify, bus: Bus) -> None:
    running = await notify()
    home = Household()
    for event in (programme(), home.contact(), home.moved_in()):
        await bus.publish(event)
    await bus.expect(HousingIntroductionOffered)
    await bus.publish(MoveInCancelled(tenancy_id=home.tenancy, reason="tenant_withdrew"))
    await settled(running, bus)
    assert await state_of(running, home.tenancy) == State(messages=("sent",), offered="email")


async def send(bus: Bus, event: Event[Any]) -> None:
    """As `Bus.send`, also for a withdrawal, which goes to the topic of what it withdraws."""
    if event.data.topic != "*":
        await bus.send(event)
        return
    record = to_record(event)
    await bus.raw("tenancy.events", record.value, key=record.key, headers=record.headers)
