"""The worker that sends: one message at a time on each of a few connections, each leased so that no two send the same.

After the server's yes, one transaction marks the message sent and says so in events. A crash between the two repeats
the message with the same Message-ID when the lease has ended, and says so once.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, assert_never

import structlog
from opentelemetry.metrics import Counter

from schemas.notifications import HousingIntroductionOffered, NotificationFailed, NotificationSent
from services.chassis.backoff import Backoff
from services.chassis.clock import local_date
from services.chassis.context import Context
from services.chassis.errors import Unfit, describe, is_temporary
from services.chassis.telemetry import context_of
from services.chassis.transaction import Transaction
from services.chassis.workers import name_of
from services.notifications import smtp
from services.notifications.domain import AreaId, Contact, MessageState
from services.notifications.letters import Letters
from services.notifications.repository import dealings, heard, queue
from services.notifications.repository.queue import Leased
from services.notifications.service import OCCASION, think_again
from services.notifications.settings import Mode, NotificationsSettings

log = structlog.get_logger(__name__)

CHANNEL: Final = "email"
LEASE = timedelta(seconds=20)  # what a sender that was killed leaves waits this long …
RENEW_SECONDS = 5.0  # … and one that is at work says so
HELD = timedelta(minutes=10)  # how long a message that may not go yet is left alone
FIRST_WAIT = timedelta(minutes=1)  # for a message that the server doesn't want now; doubled each time …
LONGEST_WAIT = timedelta(hours=4)
GIVE_UP_AFTER = timedelta(days=5)  # … until then
IDLE_SECONDS = (0.1, 1.0)  # between looks while there is nothing to send; the connections look in turn
STOP_SECONDS = 5.0  # a message on its way may end before the service does
SERVER_WAIT_SECONDS = (0.5, 60.0)  # first and longest pause while the mail server is down


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A leased message with what it takes to write it. Lives in memory only."""

    leased: Leased
    contact: Contact
    area: AreaId


@dataclass(frozen=True, slots=True)
class Lane:
    """What one connection works with."""

    ctx: Context
    settings: NotificationsSettings
    letters: Letters
    conversation: smtp.Conversation
    outcomes: Counter


async def run(ctx: Context) -> None:
    settings: NotificationsSettings = ctx.settings
    meter = ctx.metrics.meter
    queued = meter.create_gauge("hem_messages_queued", description="messages waiting to be sent, held ones included")
    outcomes = meter.create_counter("hem_messages", description="messages by what became of them")
    letters = Letters()
    async with asyncio.TaskGroup() as group:
        if settings.mode is not Mode.HOLD:
            for _ in range(settings.smtp_lanes):
                lane = Lane(ctx, settings, letters, smtp.Conversation(settings), outcomes)
                group.create_task(_send_for_ever(lane))
        while True:
            async with ctx.db.transaction() as tx:
                queued.set(await queue.count_queued(tx))
            ctx.health.ok(name_of(run))  # whether the mail server is there is no part of being ready
            await asyncio.sleep(5)


async def _send_for_ever(lane: Lane) -> None:
    backoff, idle = Backoff(*SERVER_WAIT_SECONDS), Backoff(*IDLE_SECONDS)
    try:
        while True:
            async with lane.ctx.db.transaction() as tx:
                outgoing = await take(tx, lane.settings)
            if outgoing is None:
                await idle.wait()
                continue
            idle.reset()
            if await _to_its_end(_send(lane, outgoing)):
                backoff.reset()
            else:
                await backoff.wait()
    finally:
        lane.conversation.hang_up()


async def take(tx: Transaction, settings: NotificationsSettings) -> Outgoing | None:
    """Leases the message that is due, with its reader's contact. None when nothing is, or it may not go now."""
    while leased := await queue.lease_message(tx, until=tx.now() + LEASE):
        move_in = await heard.ruling_move_in(tx, leased.tenancy)
        try:
            contact = await heard.find_contact(tx, move_in.household) if move_in else None
        except (Unfit, ValueError) as error:  # a wrong master key, say: the others still go
            log.exception("a contact can't be read", error=describe(error))
            await queue.release_message(tx, leased.message, until=tx.now() + HELD)
            continue
        if move_in is None or contact is None or not contact.email:
            # Erased or withdrawn since: the next thought about the tenancy finds another road.
            await queue.release_message(tx, leased.message, until=tx.now() + HELD)
            await think_again(tx, "tenancy", [leased.tenancy])
        elif settings.mode is Mode.ALLOW_LIST and contact.email not in settings.allow_list:
            await queue.release_message(tx, leased.message, until=tx.now() + HELD)
        else:
            return Outgoing(leased, contact, move_in.area)
    return None


async def _to_its_end(sending: Awaitable[bool]) -> bool:
    """Lets a message on its way end when the service is stopped, for as long as stopping may take."""
    task = asyncio.ensure_future(sending)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task], timeout=STOP_SECONDS)
        task.cancel()
        raise


async def _send(lane: Lane, outgoing: Outgoing) -> bool:
    """Sends one message and writes down how it went. False when the mail server needs a pause."""
    leased = outgoing.leased
    with lane.ctx.tracer.start_as_current_span("send message", context=context_of(leased)):
        async with _leased(lane.ctx, leased):
            answer = await _conveyed(lane, outgoing)

        async def write_down(tx: Transaction) -> None:
            match answer:
                case smtp.Accepted():
                    await sent(tx, outgoing)
                case smtp.Refused(reason=reason):
                    await failed(tx, outgoing, reason)
                case smtp.NotNow(reason=reason):
                    await _not_now(tx, outgoing, reason)
                case smtp.Down():
                    await queue.release_message(tx, leased.message, until=tx.now())
                case other:
                    assert_never(other)

        await _kept(lane.ctx, write_down)
    lane.outcomes.add(1, {"outcome": type(answer).__name__.lower()})
    if isinstance(answer, smtp.Down):
        log.warning("the mail server is waited for", what=answer.what)
    return not isinstance(answer, smtp.Down) and answer != smtp.NotNow("message_refused")


@asynccontextmanager
async def _leased(ctx: Context, leased: Leased) -> AsyncIterator[None]:
    """Keeps the lease for as long as the conversation takes."""

    async def renew() -> None:
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            try:
                async with ctx.db.transaction() as tx:
                    await queue.release_message(tx, leased.message, until=tx.now() + LEASE)
            except Exception as error:
                if not is_temporary(error):  # while Postgres is away, nobody else can take it either
                    raise

    renewing = asyncio.create_task(renew())
    try:
        yield
    finally:
        renewing.cancel()
        await asyncio.wait([renewing])


async def _conveyed(lane: Lane, outgoing: Outgoing) -> smtp.Answer:
    settings, contact = lane.settings, outgoing.contact
    to = smtp.envelope(contact.email or "")
    if to is None:
        return smtp.Refused("address_refused")
    letter = lane.letters.introduction(name=contact.name, wanted=contact.language, landlord=settings.landlord)
    mail = smtp.compose(
        letter,
        to,
        outgoing.leased.message,
        sender=settings.smtp_from,
        landlord=settings.landlord,
        written_at=lane.ctx.clock.now(),
    )
    return await lane.conversation.send(mail, to)


async def sent(tx: Transaction, outgoing: Outgoing) -> None:
    """The channel has accepted the message: the tenancy is offered, whatever was decided meanwhile."""
    leased, today = outgoing.leased, local_date(tx.now())
    await queue.lock_tenancies(tx, [leased.tenancy])
    if not await queue.settle_message(tx, leased.message, MessageState.SENT):
        return
    tx.publish(
        NotificationSent(message_id=leased.message, occasion=OCCASION.value, about=leased.tenancy, channel=CHANNEL)
    )
    if await dealings.keep_offer(tx, OCCASION, leased.tenancy, CHANNEL, today):
        tx.publish(
            HousingIntroductionOffered(
                tenancy_id=leased.tenancy,
                area_id=outgoing.area,
                offered_on=today,
                channel=CHANNEL,
                message_id=leased.message,
            )
        )
    await dealings.close_todo(tx, leased.tenancy)


async def failed(tx: Transaction, outgoing: Outgoing, reason: smtp.Reason) -> None:
    """No mail reaches this address: staff take over, unless another contact has come."""
    leased = outgoing.leased
    await queue.lock_tenancies(tx, [leased.tenancy])
    if not await queue.settle_message(tx, leased.message, MessageState.FAILED):
        return
    await heard.refuse_contact(tx, outgoing.contact)
    tx.publish(
        NotificationFailed(
            message_id=leased.message,
            occasion=OCCASION.value,
            about=leased.tenancy,
            channel=CHANNEL,
            reason=reason,
            is_final=True,
        )
    )
    await think_again(tx, "tenancy", [leased.tenancy])


async def _not_now(tx: Transaction, outgoing: Outgoing, reason: smtp.Reason) -> None:
    leased = outgoing.leased
    if tx.now() >= leased.queued_at + GIVE_UP_AFTER:
        await failed(tx, outgoing, reason)
        return
    wait = min(FIRST_WAIT * 2 ** min(leased.postponed, 16), LONGEST_WAIT)
    await queue.postpone_message(tx, leased.message, until=tx.now() + wait)


async def _kept(ctx: Context, write: Callable[[Transaction], Awaitable[None]]) -> None:
    """Writes in a transaction, again and again while Postgres is away: the message has gone and can't be called back."""
    backoff = Backoff()
    while True:
        try:
            async with ctx.db.transaction() as tx:
                await write(tx)
        except Exception as error:
            if not is_temporary(error):
                raise
            await backoff.wait()
        else:
            return
