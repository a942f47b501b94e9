"""Following a goal by e-mail: asking, confirming, stopping, and what a watcher is told.

An address is written to only once its reader has answered, and is known to nobody else: sealed under a random ref of its
own, and erased with its key when they stop, or when they don't answer within a week.
"""

import hmac
import re
import secrets
from base64 import b32encode
from datetime import timedelta
from enum import StrEnum
from typing import Literal, assert_never

from schemas.event import Event, EventData
from schemas.reporting import AlertCleared, AlertRaised, FigurePublished
from services.chassis.transaction import Transaction
from services.notifications import smtp
from services.notifications.domain import MessageId
from services.notifications.repository import watchers
from services.notifications.repository.watchers import Leased, News, Watcher
from services.notifications.service import FIRST_WAIT, GIVE_UP_AFTER, LONGEST_WAIT

Purpose = Literal["confirm", "stop"]

A_DAY = 3
"""Mails to confirm that one address may be sent within a day, whatever the goals."""
MOST_WAITING = 2000
"""Addresses of all goals that wait for their confirmation."""
CONFIRM_WITHIN = timedelta(days=7)
REF_BYTES, PROOF_BYTES = 10, 10  # 16 characters each
_CODE = re.compile(r"([a-z2-7]{16})([a-z2-7]{16})")


class Asked(StrEnum):
    """How asking to follow went. `TAKEN` says nothing of whether the address was known before."""

    TAKEN = "taken"
    NO_ADDRESS = "no_address"
    TOO_MANY = "too_many"


async def ask(tx: Transaction, goal: str, said: Watcher) -> Asked:
    """Makes a mail to confirm with, unless the address follows the goal already or has had its share of them."""
    if smtp.envelope(said.email) is None:
        return Asked.NO_ADDRESS
    if await watchers.count_waiting(tx) >= MOST_WAITING:
        return Asked.TOO_MANY
    address = tx.fingerprint(f"watcher's address {said.email.lower()}".encode())
    await watchers.lock_address(tx, address)
    known = await watchers.find_of_address(tx, goal, address)
    is_confirmed = known is not None and known[1]
    if is_confirmed or await watchers.count_asked(tx, address, tx.now() - timedelta(days=1)) >= A_DAY:
        return Asked.TAKEN
    if known is None:
        watcher = _letters(secrets.token_bytes(REF_BYTES))
        await watchers.add(tx, watcher, goal, address, await tx.seal(watcher, said.model_dump_json().encode()))
    else:
        watcher = known[0]
    await _queue(tx, [watcher], News(f"confirm {secrets.token_hex(8)}", "confirm"))
    return Asked.TAKEN


def code(tx: Transaction, purpose: Purpose, watcher: str) -> str:
    """What the address in a mail ends with: whose it is, and the proof that we made it."""
    return watcher + _letters(tx.fingerprint(f"watcher's {purpose} {watcher}".encode())[:PROOF_BYTES])


async def confirm(tx: Transaction, goal: str, given: str) -> bool:
    """False when the code isn't ours, or the address has been erased. Doing it twice does it once."""
    watcher = _watcher(tx, "confirm", given)
    return watcher is not None and await watchers.confirm(tx, watcher, goal)


async def stop(tx: Transaction, goal: str, given: str) -> bool:
    """Erases the address. False when the code isn't ours. Doing it twice does it once."""
    watcher = _watcher(tx, "stop", given)
    if watcher is None:
        return False
    await _erase(tx, watcher, goal)
    return True


async def forget_unconfirmed(tx: Transaction) -> None:
    """Erases addresses that nobody has answered from in time."""
    for watcher, goal in await watchers.unconfirmed(tx, tx.now() - CONFIRM_WITHIN):
        await _erase(tx, watcher, goal)


async def tell_of_figures(tx: Transaction, event: Event[FigurePublished]) -> None:
    """One mail a publication: of the company's figures, of all the goal's measures together, where there is one to read."""
    said = event.data
    if said.dimension is None and said.value is not None:
        what = f"figures {said.period} {said.published_on}"
        await _tell(tx, event, said.goal_id, News(what, "figures", period=said.period))


async def tell_of_alert(tx: Transaction, event: Event[AlertRaised]) -> None:
    said = event.data
    await _tell(tx, event, said.goal_id, News(f"alert {said.alert_id}", "alert", said.period, said.rule))


async def tell_of_end_of_alert(tx: Transaction, event: Event[AlertCleared]) -> None:
    await _tell(tx, event, event.data.goal_id, News(f"alert over {event.data.alert_id}", "alert_over"))


async def note(tx: Transaction, mail: Leased, answer: smtp.Answer) -> None:
    """Writes down what the mail server said. An address that takes no mail is erased; what isn't taken now waits."""
    match answer:
        case smtp.Accepted():
            await watchers.settle(tx, mail.message, "sent")
        case smtp.Refused():
            await _erase(tx, mail.watcher, mail.goal)
        case smtp.NotNow():
            if tx.now() >= (mail.first_tried_at or tx.now()) + GIVE_UP_AFTER:
                await watchers.settle(tx, mail.message, "failed")
                return
            wait = min(FIRST_WAIT * 2 ** min(mail.postponed, 16), LONGEST_WAIT)
            await watchers.postpone(tx, mail.message, until=tx.now() + wait)
        case smtp.Down():
            await watchers.release(tx, mail.message, until=tx.now())
        case other:
            assert_never(other)


async def _tell(tx: Transaction, event: Event[EventData], goal: str, news: News) -> None:
    """Who began to follow after it happened isn't told: a topic read again from its beginning is no news."""
    if not event.history:
        await _queue(tx, await watchers.confirmed(tx, goal, event.recordedtime or event.time), news)


async def _queue(tx: Transaction, to: list[str], news: News) -> None:
    await watchers.queue(tx, [(_message_id(tx, watcher, news.what), watcher) for watcher in to], news)


def _message_id(tx: Transaction, watcher: str, what: str) -> MessageId:
    return MessageId(b32encode(tx.fingerprint(f"watcher's mail {watcher} {what}".encode())[:15]).decode().lower())


async def _erase(tx: Transaction, watcher: str, goal: str) -> None:
    await watchers.forget(tx, watcher, goal)
    await tx.erase(watcher)


def _watcher(tx: Transaction, purpose: Purpose, given: str) -> str | None:
    found = _CODE.fullmatch(given)
    if found is None or not hmac.compare_digest(code(tx, purpose, found[1]), given):
        return None
    return found[1]


def _letters(data: bytes) -> str:
    return b32encode(data).decode().lower()
