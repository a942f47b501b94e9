"""A small service to try the chassis on: it answers a move-in with an offer, and can be told to fail."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

import pytest

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

    seen: list[Event] = field(default_factory=list)
    fail: Callable[[Event], None] = lambda _event: None

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

    async def note(self, event: Event, tx: Transaction) -> None:
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


@pytest.fixture
def echo() -> Echo:
    return Echo()


@pytest.fixture
def move_in() -> Callable[..., TenantMovedIn]:
    def make(tenancy: str = "t-1", area: str = "oxnehaga") -> TenantMovedIn:
        return TenantMovedIn(
            tenancy_id=tenancy,
            tenant_ref=f"ref-{tenancy}",
            area_id=area,
            moved_in_on=date(2019, 3, 1),
            contact_rule="any",
        )

    return make
