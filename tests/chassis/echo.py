"""A small service to try the chassis on: it answers a move-in with an offer, and can be told to fail."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from schemas.event import Event
from schemas.governance import ProgrammeStarted
from schemas.notifications import HousingIntroductionOffered
from schemas.tenancy import TenantContactChanged, TenantContactErased, TenantMovedIn
from services.chassis.service import Service
from services.chassis.settings import ServiceSettings, prefix
from services.chassis.transaction import Transaction


class Settings(ServiceSettings):
    model_config = prefix("notifications")


@dataclass
class Echo:
    """The service and what it was handed; `fail` may raise for an event."""

    seen: list[Event[Any]] = field(default_factory=list)
    fail: Callable[[Event[Any]], None] = lambda _event: None

    async def offer(self, event: Event[TenantMovedIn], tx: Transaction) -> None:
        self.seen.append(event)
        self.fail(event)
        tx.publish(
            HousingIntroductionOffered(
                tenancy_id=event.data.tenancy_id,
                area_id=event.data.area_id,
                offered_on=date(2019, 3, 2),
                channel="email",
            )
        )

    async def note(self, event: Event[Any], tx: Transaction) -> None:
        self.seen.append(event)
        self.fail(event)

    @property
    def service(self) -> Service:
        return Service(
            "notifications",
            settings=Settings,
            reactions={
                TenantMovedIn: self.offer,
                TenantContactChanged: self.note,
                TenantContactErased: self.note,
                ProgrammeStarted: self.note,
            },
        )


MoveIn = Callable[..., TenantMovedIn]
