"""The verbs. What an event told is kept, and the tenancies it bears on are thought about again: `reconsider`. What
becomes of a message on its way is noted.

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
from schemas.notifications import (
    HousingIntroductionOffered,
    NotificationFailed,
    NotificationSent,
    NotificationSuppressed,
)
from schemas.tenancy import MoveInCancelled, TenantContactChanged, TenantContactErased, TenantMovedIn
from schemas.withdrawal import EventWithdrawn
from services.chassis.clock import local_date
from services.chassis.transaction import Transaction
from services.notifications.domain import (
    Case,
    Drop,
    FailureReason,
    HandOver,
    HouseholdRef,
    Leave,
    MessageId,
    MessageState,
    Occasion,
    Outgoing,
    Programme,
    SendOffer,
    TenancyId,
    ToDoState,
    decide,
    due_on,
)
from services.notifications.repository import dealings, heard, queue
from services.notifications.repository.queue import LEASE_FOR, Kind

OCCASION = Occasion.HOUSING_INTRODUCTION
CHANNEL: Final = "email"
CHANNEL_BY_HAND: Final = "by_hand"
FIRST_WAIT = timedelta(minutes=1)  # for a message that the mail server doesn't take now; doubled each time …
LONGEST_WAIT = timedelta(hours=4)
GIVE_UP_AFTER = timedelta(days=5)  # … until it has been tried for so long


async def take_in_move(tx: Transaction, event: Event[TenantMovedIn]) -> None:
    await heard.keep_move_in(tx, event)
    await think_again(tx, "tenancy", [event.data.tenancy_id])


async def take_in_cancellation(tx: Transaction, event: Event[MoveInCancelled]) -> None:
    await heard.keep_cancelled(tx, event)
    await think_again(tx, "tenancy", [event.data.tenancy_id])


async def take_in_contact(tx: Transaction, event: Event[TenantContactChanged]) -> None:
    """A later contact replaces an earlier one, whichever comes first. Nothing is kept of a household once erased."""
    if await tx.is_erased(event.data.tenant_ref):
        return
    if await heard.keep_contact(tx, event):
        await think_again(tx, "household", [event.data.tenant_ref])


async def forget_household(tx: Transaction, event: Event[TenantContactErased]) -> None:
    """Destroys what is known of the household and refuses it for ever. Its tenancies stay, to be reached by hand."""
    await tx.erase(event.data.tenant_ref)
    await heard.forget_contact(tx, HouseholdRef(event.data.tenant_ref))
    await think_again(tx, "household", [event.data.tenant_ref])


async def take_in_programme(tx: Transaction, event: Event[ProgrammeStarted] | Event[ProgrammeEnded]) -> None:
    await heard.keep_round(tx, event)
    await think_again(tx, "area", [event.data.area_id])


async def take_back(tx: Transaction, event: Event[EventWithdrawn]) -> None:
    """The withdrawn event stops counting, also if it comes later."""
    for kind, ref in await heard.keep_withdrawn(tx, event):
        await think_again(tx, kind, [ref])


async def take_in_area(tx: Transaction, event: Event[AreaDefined]) -> None:
    await heard.keep_area(tx, event)


async def think_again(tx: Transaction, kind: Kind, refs: Sequence[str], *, after: timedelta = timedelta()) -> None:
    """Asks for `reconsider`. `after`: not sooner than this from now."""
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    await queue.reconsider(tx, kind, refs, due=tx.now() + after, traceparent=carrier.get("traceparent"))


async def reconsider(tx: Transaction, tenancy: TenancyId, *, traceparent: str | None) -> None:
    """Decides about a tenancy and does it. Lock the tenancy first."""
    case = await _case(tx, tenancy)
    match decide(case):
        case Leave():
            return
        case Drop():
            await dealings.drop_messages(tx, OCCASION, tenancy)
            await dealings.close_todo(tx, tenancy)
        case SendOffer(version=version, contact=contact):
            await dealings.queue_message(
                tx,
                message_id(tx, OCCASION, tenancy, version),
                occasion=OCCASION,
                tenancy=tenancy,
                version=version,
                contact=contact,
                leases_end=tx.now() + LEASE_FOR,
                traceparent=traceparent,
            )
            await dealings.close_todo(tx, tenancy)
        case HandOver() as handing_over:
            await dealings.drop_messages(tx, OCCASION, tenancy)
            await _hand_over(tx, tenancy, case, handing_over)
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


async def note_sent(tx: Transaction, outgoing: Outgoing) -> None:
    """The channel has accepted the message: the tenancy is offered, whatever was decided meanwhile."""
    tenancy, today = outgoing.tenancy, local_date(tx.now())
    await queue.lock_tenancies(tx, [tenancy])
    if not await queue.settle_message(tx, outgoing, MessageState.SENT):
        return
    tx.publish(NotificationSent(message_id=outgoing.message, occasion=OCCASION.value, about=tenancy, channel=CHANNEL))
    if await dealings.keep_offer(tx, OCCASION, tenancy, CHANNEL, today):
        tx.publish(
            HousingIntroductionOffered(
                tenancy_id=tenancy,
                area_id=outgoing.area,
                offered_on=today,
                channel=CHANNEL,
                message_id=outgoing.message,
            )
        )
    await dealings.drop_messages(tx, OCCASION, tenancy)
    await dealings.close_todo(tx, tenancy)


async def note_refused(tx: Transaction, outgoing: Outgoing, reason: FailureReason) -> None:
    """No mail ever reaches this address: staff take over, unless another contact has come."""
    if await _note_failed(tx, outgoing, reason):
        await heard.refuse_contact(tx, outgoing.contact)


async def note_not_now(tx: Transaction, outgoing: Outgoing, reason: FailureReason) -> None:
    """The message waits for its next try. One that has been tried for too long has failed, and staff take over."""
    first_tried_at = outgoing.first_tried_at or tx.now()
    if tx.now() >= first_tried_at + GIVE_UP_AFTER:
        await _note_failed(tx, outgoing, reason)
        return
    wait = min(FIRST_WAIT * 2 ** min(outgoing.postponed, 16), LONGEST_WAIT)
    await queue.postpone_message(tx, outgoing.message, until=tx.now() + wait)


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


async def _note_failed(tx: Transaction, outgoing: Outgoing, reason: FailureReason) -> bool:
    await queue.lock_tenancies(tx, [outgoing.tenancy])
    if not await queue.settle_message(tx, outgoing, MessageState.FAILED):
        return False
    tx.publish(
        NotificationFailed(
            message_id=outgoing.message,
            occasion=OCCASION.value,
            about=outgoing.tenancy,
            channel=CHANNEL,
            reason=reason,
            is_final=True,
        )
    )
    await think_again(tx, "tenancy", [outgoing.tenancy])
    return True


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
