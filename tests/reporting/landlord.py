"""A small landlord that publishes, and how to see what reporting makes of it."""

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas.event import Event
from schemas.governance import AreaDefined, ProgrammeStarted, TargetSet
from schemas.kafka import to_record
from schemas.notifications import HousingIntroductionOffered, NotificationFailed
from schemas.tenancy import MoveInCancelled, TenantMovedIn
from schemas.topics import TOPICS
from schemas.withdrawal import EventWithdrawn
from services.chassis.testkit import Bus, Running, event_of
from services.reporting.projector import topics

Settled = Callable[..., Awaitable[None]]
GOAL = "housing-introduction-offered"
NOON = datetime(2019, 3, 1, 12, tzinfo=UTC)


class Landlord:
    """Publishes what a small landlord would, past the gateway, with ids that say what they are."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus

    async def area(
        self, area: str = "oxnehaga", name: str = "Öxnehaga", *, target: float | None = 90, **of: Any
    ) -> None:
        """An area with the programme from 2019 on (unless `programme` is False) and a target for 2019."""
        since = date(2019, 1, 1)
        await self.bus.publish(
            AreaDefined(area_id=area, name=name, municipality_code="0680", valid_from=date(2010, 1, 1))
        )
        if of.get("programme", True):
            await self.bus.publish(ProgrammeStarted(programme="housing_introduction", area_id=area, from_=since))
        if target is not None:
            await self.bus.publish(
                TargetSet(
                    goal_id=GOAL,
                    dimension={"area": area},
                    comparison=of.get("comparison", ">="),
                    value=target,
                    unit="percent",
                    valid_from=since,
                    valid_to=of.get("valid_to"),
                    document_id="integration-goals-2019",
                )
            )

    async def household(
        self, number: int, *, offered: bool = True, on: date = date(2019, 3, 1), area: str = "oxnehaga"
    ) -> None:
        """A move-in and, two days later, the offer."""
        await self.bus.send(moved_in(number, on=on, area=area))
        if offered:
            await self.bus.send(offered_to(number, on=on + timedelta(days=2), area=area))

    async def households(self, reached: int, of: int, *, first: int = 0, **where: Any) -> None:
        for number in range(first, first + of):
            await self.household(number, offered=number < first + reached, **where)


def moved_in(
    number: int, *, on: date = date(2019, 3, 1), area: str = "oxnehaga", id: str | None = None, **attributes: Any
) -> Event[TenantMovedIn]:
    data = TenantMovedIn(
        tenancy_id=f"t{number}", tenant_ref=f"r{number}", area_id=area, moved_in_on=on, contact_rule="any"
    )
    return event_of(data, id=id or f"in-{number}", time=attributes.pop("time", NOON), **attributes)


def offered_to(
    number: int, *, on: date = date(2019, 3, 3), area: str = "oxnehaga", id: str | None = None, **attributes: Any
) -> Event[HousingIntroductionOffered]:
    data = HousingIntroductionOffered(tenancy_id=f"t{number}", area_id=area, offered_on=on, channel="email")
    time = attributes.pop("time", NOON + timedelta(days=2))
    return event_of(data, id=id or f"offer-{number}", time=time, source="urn:hem:notifications", **attributes)


def cancelled(number: int, *, id: str | None = None) -> Event[MoveInCancelled]:
    data = MoveInCancelled(tenancy_id=f"t{number}", reason="tenant_withdrew")
    return event_of(data, id=id or f"cancel-{number}", time=NOON)


def failed(number: int, *, after: timedelta = timedelta(days=3)) -> Event[NotificationFailed]:
    data = NotificationFailed(
        message_id=f"m{number}", occasion="housing_introduction", about=f"t{number}", channel="email",
        reason="returned", is_final=True,
    )  # fmt: skip
    return event_of(data, id=f"failed-{number}", time=NOON + after, source="urn:hem:notifications")


async def withdraw(bus: Bus, event: Event[Any], *, id: str | None = None, test: bool = False) -> None:
    """Takes an event back, on its own topic and key."""
    data = EventWithdrawn(withdrawn_source=event.source, withdrawn_id=event.id, reason="registered_in_error")
    back = Event.of(
        data, id=id or f"withdraw-{event.id}", source=event.source, time=NOON, subject=event.subject, test=test
    )
    await send_to(bus, event.data.topic, back)


async def send_to(bus: Bus, topic: str, event: Event[Any], *, partition: int | None = None) -> None:
    record = to_record(event)
    await bus.raw(topic, record.value, key=record.key, headers=record.headers, partition=partition)


async def ends(bus: Bus) -> dict[tuple[str, int], int]:
    """Where each partition that reporting reads ends."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bus.servers)
    await consumer.start()
    try:
        ours = {TopicPartition(f"{bus.prefix}{t}", p): (t, p) for t in topics() for p in range(TOPICS[t].partitions)}
        return {ours[p]: end for p, end in (await consumer.end_offsets(list(ours))).items()}
    finally:
        await consumer.stop()


async def figure(reporting: Running, area: str | None = "oxnehaga", period: str = "2019") -> dict[str, Any]:
    """The figure object from the API."""
    query = {"period": period, **({"area": area} if area else {})}
    answer = await reporting.client.get(f"/api/goals/{GOAL}", params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


Counts = tuple[int | None, int | None]


async def counts(reporting: Running, area: str = "oxnehaga") -> Counts:
    found = await figure(reporting, area)
    return found["numerator"], found["denominator"]
