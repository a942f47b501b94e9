"""The worker that sends: one message at a time on each of a few connections, each leased so that no two send the same.

After the server's yes, one transaction marks the message sent and says so in events. A crash between the two repeats
the message with the same Message-ID when the lease has ended, and says so once.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar, assert_never

import structlog
from opentelemetry.metrics import Counter

from services.chassis.backoff import Backoff
from services.chassis.context import Context
from services.chassis.errors import Unfit, describe, is_temporary
from services.chassis.telemetry import context_of, span
from services.chassis.transaction import Transaction
from services.chassis.workers import name_of
from services.notifications import service, smtp
from services.notifications.domain import MessageId, Outgoing
from services.notifications.letters import Letters
from services.notifications.repository import dealings, heard, queue
from services.notifications.settings import Mode, NotificationsSettings

log = structlog.get_logger(__name__)
T = TypeVar("T")

RENEW_SECONDS = 5.0  # a sender that is at work renews its lease
HELD = timedelta(minutes=10)  # how long a message that may not go yet is left alone
IDLE_SECONDS = (0.1, 1.0)  # between looks while there is nothing to send; one connection looks for all
STOP_SECONDS = 3.0  # a message on its way may end before the service does; the supervisor kills after 4
SERVER_WAIT_SECONDS = (0.5, 60.0)  # first and longest pause while the mail server takes nothing from us


@dataclass(frozen=True, slots=True)
class Lane:
    """What one connection works with."""

    ctx: Context
    settings: NotificationsSettings
    letters: Letters
    conversation: smtp.Conversation
    outcomes: Counter
    looking: asyncio.Lock  # held by the connection whose turn it is to look for a message


async def run(ctx: Context) -> None:
    settings: NotificationsSettings = ctx.settings
    meter = ctx.metrics.meter
    queued = meter.create_gauge("hem_messages_queued", description="messages waiting to be sent, held ones included")
    outcomes = meter.create_counter("hem_messages", description="messages by what became of them")
    letters, looking = Letters(), asyncio.Lock()
    async with asyncio.TaskGroup() as group:
        if settings.mode is not Mode.HOLD:
            for _ in range(settings.smtp_lanes):
                lane = Lane(ctx, settings, letters, smtp.Conversation(settings), outcomes, looking)
                group.create_task(_send_for_ever(lane))
        while True:
            async with ctx.db.transaction() as tx:
                queued.set(await queue.count_queued(tx))
            ctx.health.ok(name_of(run))  # whether the mail server is there is no part of being ready
            await asyncio.sleep(5)


async def _send_for_ever(lane: Lane) -> None:
    backoff = Backoff(*SERVER_WAIT_SECONDS)
    try:
        while True:
            outgoing = await _next(lane)
            if await to_its_end(_send(lane, outgoing)):
                backoff.reset()
            else:
                await backoff.wait()
    finally:
        lane.conversation.hang_up()


async def _next(lane: Lane) -> Outgoing:
    """The next message, however long it takes to be there."""
    idle = Backoff(*IDLE_SECONDS)
    async with lane.looking:
        while True:
            async with lane.ctx.db.transaction() as tx:
                outgoing = await lease_next(tx, lane.settings)
            if outgoing is not None:
                return outgoing
            await idle.wait()


async def lease_next(tx: Transaction, settings: NotificationsSettings) -> Outgoing | None:
    """Leases the message that is due, with its reader's contact. None when nothing is, or it may not go now."""
    while leased := await queue.lease_message(tx):
        if await dealings.is_offered(tx, service.OCCASION, leased.tenancy):
            await queue.drop_message(tx, leased.message)
            continue
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
            await service.think_again(tx, "tenancy", [leased.tenancy])
        elif settings.mode is Mode.ALLOW_LIST and contact.email not in settings.allow_list:
            await queue.release_message(tx, leased.message, until=tx.now() + HELD)
        else:
            return Outgoing(
                message=leased.message,
                tenancy=leased.tenancy,
                area=move_in.area,
                contact=contact,
                first_tried_at=leased.first_tried_at,
                postponed=leased.postponed,
                traceparent=leased.traceparent,
            )
    return None


async def to_its_end(sending: Awaitable[T]) -> T:
    """Lets a message on its way end when the service is stopped, for as long as stopping may take."""
    task = asyncio.ensure_future(sending)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task], timeout=STOP_SECONDS)
        task.cancel()
        raise


async def _send(lane: Lane, outgoing: Outgoing) -> bool:
    """Sends one message and writes down how it went. False when the connection should pause."""
    with span(lane.ctx.tracer, "send message", context=context_of(outgoing)):
        async with _leased(lane.ctx, outgoing.message):
            answer = await _try(lane, outgoing)

        async def write_down(tx: Transaction) -> None:
            match answer:
                case smtp.Accepted():
                    await service.note_sent(tx, outgoing)
                case smtp.Refused(reason=reason):
                    await service.note_refused(tx, outgoing, reason)
                case smtp.NotNow(reason=reason):
                    await service.note_not_now(tx, outgoing, reason)
                case smtp.Down():
                    await queue.release_message(tx, outgoing.message, until=tx.now())
                case other:
                    assert_never(other)

        await commit_in_the_end(lane.ctx, write_down)
    lane.outcomes.add(1, {"outcome": type(answer).__name__.lower()})
    match answer:
        case smtp.Accepted() | smtp.Refused():
            return True
        case smtp.NotNow(pause=pause):
            return not pause
        case smtp.Down(what=what):
            log.warning("the mail server is waited for", what=what)
            return False
        case other:
            assert_never(other)


@asynccontextmanager
async def _leased(ctx: Context, message: MessageId) -> AsyncIterator[None]:
    """Keeps the lease for as long as the conversation takes."""

    async def renew() -> None:
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            try:
                async with ctx.db.transaction() as tx:
                    await queue.renew_lease(tx, message)
            except Exception as error:
                if not is_temporary(error):  # while Postgres is away, nobody else can take it either
                    raise

    renewing = asyncio.create_task(renew())
    try:
        yield
    finally:
        renewing.cancel()
        await asyncio.wait([renewing])


async def _try(lane: Lane, outgoing: Outgoing) -> smtp.Answer:
    to = smtp.envelope(outgoing.contact.email or "")
    if to is None:
        return smtp.Refused("address_refused")
    try:
        mail = _write(lane, outgoing, to)
    except Exception as error:  # whatever is wrong with one message, the others go
        log.exception("a message can't be written", error=describe(error))
        return smtp.NotNow("message_refused", pause=False)
    return await lane.conversation.send(mail, to)


def _write(lane: Lane, outgoing: Outgoing, to: smtp.Envelope) -> bytes:
    settings, contact = lane.settings, outgoing.contact
    letter = lane.letters.introduction(name=contact.name, wanted=contact.language, landlord=settings.landlord)
    mail = smtp.compose(
        letter,
        to,
        outgoing.message,
        sender=settings.smtp_from,
        landlord=settings.landlord,
        written_at=lane.ctx.clock.now(),
    )
    return mail.as_bytes()


async def commit_in_the_end(ctx: Context, write: Callable[[Transaction], Awaitable[None]]) -> None:
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
