"""From event to verb. The chassis has opened the transaction and claimed the inbox; each name says what comes of it."""

from schemas.event import Event
from schemas.governance import AreaDefined, ProgrammeEnded, ProgrammeStarted
from schemas.reporting import AlertCleared, AlertRaised, FigurePublished
from schemas.tenancy import MoveInCancelled, TenantContactChanged, TenantContactErased, TenantMovedIn
from schemas.withdrawal import EventWithdrawn
from services.chassis.transaction import Transaction
from services.notifications import service, watching


async def offer_introduction_when_household_moves_in(event: Event[TenantMovedIn], tx: Transaction) -> None:
    await service.take_in_move(tx, event)


async def drop_offer_when_move_in_is_cancelled(event: Event[MoveInCancelled], tx: Transaction) -> None:
    await service.take_in_cancellation(tx, event)


async def reach_household_when_contact_is_known(event: Event[TenantContactChanged], tx: Transaction) -> None:
    await service.take_in_contact(tx, event)


async def forget_household_when_contact_is_erased(event: Event[TenantContactErased], tx: Transaction) -> None:
    await service.forget_household(tx, event)


async def offer_introductions_when_programme_starts(event: Event[ProgrammeStarted], tx: Transaction) -> None:
    await service.take_in_programme(tx, event)


async def stop_offering_when_programme_ends(event: Event[ProgrammeEnded], tx: Transaction) -> None:
    await service.take_in_programme(tx, event)


async def reconsider_when_event_is_withdrawn(event: Event[EventWithdrawn], tx: Transaction) -> None:
    await service.take_back(tx, event)


async def name_area_when_it_is_defined(event: Event[AreaDefined], tx: Transaction) -> None:
    await service.take_in_area(tx, event)


async def tell_watchers_when_figures_are_published(event: Event[FigurePublished], tx: Transaction) -> None:
    await watching.tell_of_figures(tx, event)


async def tell_watchers_when_alert_is_raised(event: Event[AlertRaised], tx: Transaction) -> None:
    await watching.tell_of_alert(tx, event)


async def tell_watchers_when_alert_is_cleared(event: Event[AlertCleared], tx: Transaction) -> None:
    await watching.tell_of_end_of_alert(tx, event)
