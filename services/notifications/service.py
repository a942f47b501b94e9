"""The verbs. What an event told is kept, and the tenancies it bears on are thought about again: `reconsider`.

Thinking is apart from hearing because a decision joins topics that are read at the same time, perhaps by several
processes: a move-in and its contact that arrive together would each miss the other. A request to think again is
committed with what was heard, so whoever takes it up sees all of it.
"""

from base64 import b32encode
from collections.abc import Sequence
from datetime import timedelta
from typing import Final, assert_never

from opentelemetry import propagate

from schemas.event import Event
from schemas.governance import AreaDefined, ProgrammeEnded, ProgrammeStarted
from schemas.notifications import HousingIntroductionOffered, NotificationSuppressed
from schemas.tenancy import MoveInCancelled, TenantContactChanged, TenantContactErased, TenantMovedIn
from schemas.withdrawal import EventWithdrawn
from services.chassis.clock import local_date
from services.chassis.transaction import Transaction
from services.notifications.domain import (
    Case,
    Drop,
    HandOver,
    HouseholdRef,
    Leave,
    MessageId,
    MessageState,
    Occasion,
    Programme,
    SendOffer,
    TenancyId,
    ToDoState,
    decide,
    due_on,
)
from services.notifications.repository import dealings, heard, queue

OCCASION = Occasion.HOUSING_INTRODUCTION
CHANNEL_BY_HAND: Final = "by_hand"


async def take_in_move(tx: Transaction, event: Event[TenantMovedIn]) -> None:
    await heard.keep_move_in(tx, event)
    await think_again(tx, "tenancy", [event.data.tenancy_id], history=event.history)


async def take_in_cancellation(tx: Transaction, event: Event[MoveInCancelled]) -> None:
    await heard.keep_cancelled(tx, event)
    await think_again(tx, "tenancy", [event.data.tenancy_id], history=event.history)


async def take_in_contact(tx: Transaction, event: Event[TenantContactChanged]) -> None:
    """A later contact replaces an earlier one, whichever comes first. Nothing is kept of a household once erased."""
    if await tx.is_erased(event.data.tenant_ref):
        return
    if await heard.keep_contact(tx, event):
        await think_again(tx, "household", [event.data.tenant_ref], history=event.history)


async def forget_household(tx: Transaction, event: Event[TenantContactErased]) -> None:
    """Destroys what is known of the household and refuses it for ever. Its tenancies stay, to be reached by hand."""
    await tx.erase(event.data.tenant_ref)
    await heard.forget_contact(tx, HouseholdRef(event.data.tenant_ref))
    await think_again(tx, "household", [event.data.tenant_ref], history=event.history)


async def take_in_programme(tx: Transaction, event: Event[ProgrammeStarted] | Event[ProgrammeEnded]) -> None:
    await heard.keep_round(tx, event)
    await think_again(tx, "area", [event.data.area_id], history=event.history)


async def take_back(tx: Transaction, event: Event[EventWithdrawn]) -> None:
    """The withdrawn event stops counting, also if it comes later."""
    for kind, ref in await heard.keep_withdrawn(tx, event):
        await think_again(tx, kind, [ref], history=event.history)


async def take_in_area(tx: Transaction, event: Event[AreaDefined]) -> None:
    await heard.keep_area(tx, event)


async def think_again(
    tx: Transaction, kind: str, refs: Sequence[str], *, history: bool = False, after: timedelta = timedelta()
) -> None:
    """Asks for `reconsider`. `history`: nothing new may come of it. `after`: not sooner than this from now."""
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    due = tx.now() + after
    await queue.reconsider(tx, kind, refs, history=history, due=due, traceparent=carrier.get("traceparent"))


async def reconsider(tx: Transaction, tenancy: TenancyId, *, may_begin: bool, traceparent: str | None) -> None:
    """Decides about a tenancy and does it. Lock the tenancy first.

    `may_begin`: False when all that changed was loaded from the past, which takes back and never begins anything.
    """
    case = await _case(tx, tenancy)
    match decide(case):
        case Leave():
            return
        case Drop():
            await dealings.drop_messages(tx, OCCASION, tenancy)
            await dealings.close_todo(tx, tenancy)
        case SendOffer(version=version) if may_begin:
            message = message_id(tx, OCCASION, tenancy, version)
            await dealings.queue_message(
                tx, message, occasion=OCCASION, tenancy=tenancy, version=version, traceparent=traceparent
            )
            await dealings.close_todo(tx, tenancy)
        case HandOver() as handing_over if may_begin or _waits(case):
            await dealings.drop_messages(tx, OCCASION, tenancy)
            await _hand_over(tx, tenancy, case, handing_over)
        case SendOffer() | HandOver():
            return
        case other:
            assert_never(other)


async def mark_as_offered(tx: Transaction, tenancy: TenancyId) -> bool:
    """Staff have offered the introduction in person. False when there is no such to-do. Doing it twice does it once."""
    await queue.lock_tenancies(tx, [tenancy])
    todo = await dealings.find_todo(tx, tenancy)
    if todo is None or todo.state is ToDoState.CLOSED:
        return False
    today = local_date(tx.now())
    await dealings.drop_messages(tx, OCCASION, tenancy)
    await dealings.finish_todo(tx, tenancy, today)
    if await dealings.keep_offer(tx, OCCASION, tenancy, CHANNEL_BY_HAND, today):
        tx.publish(
            HousingIntroductionOffered(tenancy_id=tenancy, area_id=todo.area, offered_on=today, channel=CHANNEL_BY_HAND)
        )
    return True


def message_id(tx: Transaction, occasion: Occasion, tenancy: TenancyId, version: int) -> MessageId:
    """The same for the same message for ever, and without a word about whose it is."""
    fingerprint = tx.fingerprint(f"message {occasion} {tenancy} {version}".encode())
    return MessageId(b32encode(fingerprint[:15]).decode().lower())


async def _case(tx: Transaction, tenancy: TenancyId) -> Case:
    move_in = await heard.ruling_move_in(tx, tenancy)
    return Case(
        move_in=move_in,
        cancelled=await heard.is_cancelled(tx, tenancy),
        programme=await heard.programme_in(tx, OCCASION, move_in.area) if move_in else Programme(),
        contact=await heard.find_contact(tx, move_in.household) if move_in else None,
        offered=await dealings.is_offered(tx, OCCASION, tenancy),
        message=await dealings.latest_message(tx, OCCASION, tenancy),
        todo=await dealings.find_todo(tx, tenancy),
    )


def _waits(case: Case) -> bool:
    """An offer that was begun is not lost from both roads, whatever takes it off the first."""
    return case.message is not None and case.message.state is MessageState.QUEUED


async def _hand_over(tx: Transaction, tenancy: TenancyId, case: Case, decision: HandOver) -> None:
    is_open = case.todo is not None and case.todo.state is ToDoState.OPEN
    opened_at = case.todo.opened_at if case.todo is not None and is_open else tx.now()
    due = due_on(decision.move_in.moved_in_on, local_date(opened_at))
    await dealings.open_todo(tx, decision.move_in, opened_at, due)
    if decision.suppress is None:
        return
    message = message_id(tx, OCCASION, tenancy, decision.suppress)
    if await dealings.suppress_message(tx, message, OCCASION, tenancy, decision.suppress):
        tx.publish(
            NotificationSuppressed(message_id=message, occasion=OCCASION.value, about=tenancy, reason="opted_out")
        )
