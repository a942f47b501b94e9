"""The worker that writes to watchers: one mail at a time, leased so that no two send the same; apart from the letters to
households, which must not wait for them."""

import asyncio
from dataclasses import dataclass
from typing import assert_never

import structlog
from opentelemetry.metrics import Counter

from services.chassis.backoff import Backoff
from services.chassis.context import Context
from services.chassis.errors import Erased, Unfit, describe
from services.chassis.transaction import Transaction
from services.chassis.workers import name_of
from services.notifications import smtp, watching
from services.notifications.letters.watch import Addresses, WatchLetters
from services.notifications.repository import watchers
from services.notifications.repository.watchers import Leased, Watcher
from services.notifications.sender import HELD, IDLE_SECONDS, SERVER_WAIT_SECONDS, commit_in_the_end, to_its_end
from services.notifications.settings import Mode, NotificationsSettings

log = structlog.get_logger(__name__)

TIDY_SECONDS = 60.0
BEAT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Desk:
    """What mails are written and sent with."""

    ctx: Context
    settings: NotificationsSettings
    letters: WatchLetters
    conversation: smtp.Conversation
    outcomes: Counter


@dataclass(frozen=True, slots=True)
class Due:
    """A mail that may go now, whom to, and the addresses in it."""

    mail: Leased
    to: Watcher
    addresses: Addresses


async def run(ctx: Context) -> None:
    settings: NotificationsSettings = ctx.settings
    async with asyncio.TaskGroup() as group:
        if settings.mode is not Mode.HOLD:
            group.create_task(_send_for_ever(ctx, settings))
        group.create_task(_tidy_for_ever(ctx))
        while True:
            ctx.health.ok(name_of(run))  # whether the mail server is there is no part of being ready
            await asyncio.sleep(BEAT_SECONDS)


async def _tidy_for_ever(ctx: Context) -> None:
    while True:
        async with ctx.db.transaction() as tx:
            await watching.forget_unconfirmed(tx)
        await asyncio.sleep(TIDY_SECONDS)


async def _send_for_ever(ctx: Context, settings: NotificationsSettings) -> None:
    counter = ctx.metrics.meter.create_counter(
        "hem_watch_mails", description="mails to watchers by what became of them"
    )
    desk = Desk(ctx, settings, WatchLetters(), smtp.Conversation(settings), counter)
    backoff, idle = Backoff(*SERVER_WAIT_SECONDS), Backoff(*IDLE_SECONDS)
    try:
        while True:
            async with ctx.db.transaction() as tx:
                due = await take_next(tx, settings)
            if due is None:
                await idle.wait()
                continue
            idle.reset()
            if await to_its_end(_send(desk, due)):
                backoff.reset()
            else:
                await backoff.wait()
    finally:
        desk.conversation.hang_up()


async def take_next(tx: Transaction, settings: NotificationsSettings) -> Due | None:
    """Leases the mail that is due, with whom it is for. None when nothing is that may go now."""
    while (mail := await watchers.lease(tx)) is not None:
        try:
            to = Watcher.model_validate_json(await tx.unseal(mail.watcher, mail.sealed))
        except (Erased, Unfit, ValueError) as error:  # a wrong master key, say: the others still go
            log.exception("a watcher can't be read", error=describe(error))
            to = None
        if to is not None and (settings.mode is not Mode.ALLOW_LIST or to.email in settings.allow_list):
            return Due(mail, to, _addresses(tx, settings, mail, to))
        await watchers.release(tx, mail.message, until=tx.now() + HELD)
    return None


def _addresses(tx: Transaction, settings: NotificationsSettings, mail: Leased, to: Watcher) -> Addresses:
    at, spoken = settings.public_url.rstrip("/"), f"lang={to.language}"
    when = f"period={mail.period}&" if mail.period else ""
    return Addresses(
        goal=f"{at}/goals/{mail.goal}?{when}{spoken}",
        confirm=f"{at}/watch/{mail.goal}/confirm/{watching.code(tx, 'confirm', mail.watcher)}?{spoken}",
        stop=f"{at}/watch/{mail.goal}/stop/{watching.code(tx, 'stop', mail.watcher)}?{spoken}",
    )


async def _send(desk: Desk, due: Due) -> bool:
    """Sends one mail and writes down how it went. False when the connection should pause."""
    answer = await _try(desk, due)

    async def write_down(tx: Transaction) -> None:
        await watching.note(tx, due.mail, answer)

    await commit_in_the_end(desk.ctx, write_down)
    desk.outcomes.add(1, {"outcome": type(answer).__name__.lower()})
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


async def _try(desk: Desk, due: Due) -> smtp.Answer:
    envelope = smtp.envelope(due.to.email)
    if envelope is None:
        return smtp.Refused("address_refused")
    try:
        mail = _write(desk, due, envelope)
    except Exception as error:  # whatever is wrong with one mail, the others go
        log.exception("a mail to a watcher can't be written", error=describe(error))
        return smtp.NotNow("message_refused", pause=False)
    return await desk.conversation.send(mail, envelope)


def _write(desk: Desk, due: Due, envelope: smtp.Envelope) -> bytes:
    settings = desk.settings
    letter = desk.letters.write(due.mail, due.to, due.addresses, landlord=settings.landlord)
    mail = smtp.compose(
        letter,
        envelope,
        due.mail.message,
        sender=settings.smtp_from,
        landlord=settings.landlord,
        written_at=desk.ctx.clock.now(),
        stop=due.addresses.stop,
    )
    return mail.as_bytes()
