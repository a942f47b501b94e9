"""What the mail server's answers mean, and how long a message is tried."""

import asyncio
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import aiosmtplib
import pytest
from aiosmtpd.smtp import SMTP

from schemas.notifications import NotificationFailed, NotificationSent
from services.chassis.testkit import Bus, MovableClock, eventually
from services.notifications import smtp
from services.notifications.repository.queue import LEASE_FOR
from services.notifications.service import GIVE_UP_AFTER
from services.notifications.smtp import Answer, Down, NotNow, Refused, meaning_of
from tests.notifications.town import Household, MailServer, Notify, State, becomes, programme, settled, state_of, tries

SENT = State(messages=("sent",), offered="email")
QUEUED = State(messages=("queued",))
ABOUT_US = [
    "554 5.7.1 <a@example.se>: Relay access denied",
    "550 5.7.1 Unable to deliver",
    "554 Service unavailable; client host blocked using zen.spamhaus.org",
    "550 5.7.26 Unauthenticated mail is not accepted due to the domain's DMARC policy",
    "550 5.4.5 Daily sending quota exceeded",
]


async def moves_in(bus: Bus, home: Household) -> None:
    await bus.publish(programme())
    await bus.publish(home.contact())
    await bus.publish(home.moved_in())


def answering(server: MailServer, answers: Iterable[str]) -> list[str]:
    """The server gives these answers to recipients, one after another, and then takes everybody. Gives who was asked."""
    left, asked = iter(answers), list[str]()

    async def rcpt(address: str) -> str:
        asked.append(address)
        return next(left, "250 OK")

    server.rcpt = rcpt  # type: ignore[method-assign]
    return asked


@pytest.mark.parametrize(
    ("code", "said", "meant"),
    [
        (550, "5.1.1 No such person", Refused("address_unknown")),
        (550, "#5.1.0 Address rejected.", Refused("address_unknown")),
        (556, "5.1.10 The domain takes no mail", Refused("address_refused")),
        (550, "5.2.1 The account is disabled", Refused("address_refused")),
        (552, "5.2.2 Over quota", Refused("mailbox_full")),
        (550, "No such user", Refused("address_refused")),
        (550, "No such user <spam.blocker@relay.se>", Refused("address_refused")),
        (551, "User has moved", Refused("address_refused")),
        (553, "Mailbox name not allowed", Refused("address_refused")),
        (552, "Mailbox full", NotNow("mailbox_full", pause=False)),
        (452, "4.2.2 Mailbox full", NotNow("mailbox_full", pause=False)),
        (450, "4.7.1 Greylisted", NotNow("expired", pause=False)),
        (451, "Try again", NotNow("expired", pause=False)),
        (550, "5.1.8 Sender's domain not found", NotNow("expired", pause=True)),
        (550, "Relaying denied", NotNow("expired", pause=True)),
        (550, "Blocked - see https://example.com", NotNow("expired", pause=True)),
        (554, "Transaction failed", NotNow("expired", pause=True)),
        (503, "Valid MAIL command required", NotNow("expired", pause=True)),
        (503, "5.5.1 Bad sequence of commands", NotNow("expired", pause=True)),
        (421, "4.3.2 Closing", Down("SMTPRecipientsRefused 421")),
        (530, "5.7.0 Sign in first", Down("SMTPRecipientsRefused 530")),
        *((int(a[:3]), a[4:], NotNow("expired", pause=True)) for a in ABOUT_US),
    ],
)
def test_only_what_is_said_of_the_address_is_final(code: int, said: str, meant: Answer) -> None:
    recipient = aiosmtplib.SMTPRecipientRefused(code, said, "a@example.se")
    assert meaning_of(aiosmtplib.SMTPRecipientsRefused([recipient])) == meant


@pytest.mark.parametrize("answer", ABOUT_US)
async def test_a_refusal_of_us_is_not_held_against_the_address(
    notify: Notify, bus: Bus, mail_server: MailServer, clock: MovableClock, answer: str
) -> None:
    answering(mail_server, [answer, answer])
    running = await notify()
    home = Household()
    await moves_in(bus, home)
    await tries(running, home, 1)
    assert await state_of(running, home.tenancy) == QUEUED
    clock.move(GIVE_UP_AFTER)
    [failed] = await bus.expect(NotificationFailed, about=home.tenancy)
    assert (failed.data.reason, failed.data.is_final) == ("expired", True)
    await becomes(running, home.tenancy, State(messages=("failed",), todo="open"))
    await settled(running, bus)
    assert await state_of(running, home.tenancy) == State(messages=("failed",), todo="open"), "it is not begun again"
    await bus.publish(home.contact(phone="036 12 34 56"))  # the same address
    await becomes(running, home.tenancy, State(messages=("failed", "sent"), offered="email", todo="closed"))


async def test_time_on_hold_does_not_count_as_trying(
    notify: Notify, bus: Bus, mail_server: MailServer, clock: MovableClock
) -> None:
    held = await notify(mode="hold")
    home = Household()
    await moves_in(bus, home)
    await becomes(held, home.tenancy, QUEUED)
    clock.move(timedelta(days=6))
    answering(mail_server, ["450 4.7.1 Greylisted"] * 2)
    sending = await notify(database_url=held.settings.database_url)
    for number in (1, 2):
        await tries(sending, home, number)
        assert await state_of(sending, home.tenancy) == QUEUED
        clock.move(timedelta(minutes=5))
    await becomes(sending, home.tenancy, SENT)
    assert not await bus.events(NotificationFailed)


async def test_another_contact_ends_the_waiting_and_has_five_days_of_its_own(
    notify: Notify, bus: Bus, mail_server: MailServer, clock: MovableClock
) -> None:
    asked = answering(mail_server, ["450 Later"] * 5)
    running = await notify()
    home = Household()
    await moves_in(bus, home)
    for number in (1, 2):
        await tries(running, home, number)
        clock.move(timedelta(days=2) * (number - 1) + timedelta(minutes=1))
    await tries(running, home, 3)  # the next would be in 4 minutes
    await bus.publish(home.contact(email="second@example.se"))
    await settled(running, bus)
    clock.move(LEASE_FOR)
    await eventually("the new address to be tried", lambda: _true(asked[-1] == "second@example.se"))
    await tries(running, home, 1)
    clock.move(timedelta(days=4))  # six since the first try, four since the first to this address
    await tries(running, home, 2)
    clock.move(timedelta(minutes=5))
    await becomes(running, home.tenancy, SENT)
    assert mail_server.recipients == ["second@example.se"]
    assert not await bus.events(NotificationFailed)


@pytest.mark.parametrize(
    "refusal", [("451 Local error", "expired"), ("554 5.6.0 Not this", "message_refused")], ids=["4xx", "5xx"]
)
async def test_a_message_whose_content_is_never_taken_is_given_up(
    notify: Notify, bus: Bus, mail_server: MailServer, clock: MovableClock, refusal: tuple[str, str]
) -> None:
    answer, reason = refusal

    async def never(connection: SMTP) -> str:
        return answer

    mail_server.data = never  # type: ignore[method-assign]
    running = await notify()
    home = Household()
    await moves_in(bus, home)
    await tries(running, home, 1)
    clock.move(GIVE_UP_AFTER)
    [failed] = await bus.expect(NotificationFailed, about=home.tenancy)
    assert failed.data.reason == reason
    await becomes(running, home.tenancy, State(messages=("failed",), todo="open"))
    assert await running.ctx.db.pool.fetchval("select not refused from contact")


async def test_a_message_that_cannot_be_written_stops_no_other(
    notify: Notify, bus: Bus, mail_server: MailServer, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd, good = Household(), Household()
    written = smtp.compose

    def compose(letter: Any, to: smtp.Envelope, *rest: Any, **more: Any) -> Any:
        if to.address == odd.email:
            raise RuntimeError("a defect")
        return written(letter, to, *rest, **more)

    monkeypatch.setattr(smtp, "compose", compose)
    running = await notify()
    await moves_in(bus, odd)
    await tries(running, odd, 1)
    await moves_in(bus, good)
    await becomes(running, good.tenancy, SENT)
    clock.move(GIVE_UP_AFTER)
    [failed] = await bus.expect(NotificationFailed, about=odd.tenancy)
    assert failed.data.reason == "message_refused"
    await becomes(running, odd.tenancy, State(messages=("failed",), todo="open"))


async def test_who_opts_out_and_in_while_the_letter_is_on_its_way_gets_one(
    notify: Notify, bus: Bus, mail_server: MailServer, clock: MovableClock
) -> None:
    on_its_way, answer_now = asyncio.Event(), asyncio.Event()
    home, other = Household(), Household()

    async def at_length(connection: SMTP) -> str:
        assert connection.envelope is not None
        if home.email in connection.envelope.rcpt_tos:
            on_its_way.set()
            await answer_now.wait()
        return "250 OK"

    mail_server.data = at_length  # type: ignore[method-assign]
    running = await notify(smtp_lanes=2)
    await moves_in(bus, home)
    await asyncio.wait_for(on_its_way.wait(), 20)
    await bus.publish(home.contact(opted_out_of=("all",)))
    await becomes(running, home.tenancy, State(messages=("suppressed",), todo="open"))
    await bus.publish(home.contact())
    await becomes(running, home.tenancy, State(messages=("queued",), todo="closed"))
    clock.move(timedelta(seconds=1))
    await moves_in(bus, other)  # the other connection looks for something to send, and takes what is due first
    await becomes(running, other.tenancy, SENT)
    answer_now.set()
    await becomes(running, home.tenancy, State(messages=("sent",), offered="email", todo="closed"))
    clock.move(LEASE_FOR)
    await settled(running, bus)
    assert mail_server.recipients == [other.email, home.email]
    assert len(await bus.events(NotificationSent)) == 2


async def test_what_else_waits_is_dropped_when_the_tenancy_is_offered(
    notify: Notify, bus: Bus, mail_server: MailServer, clock: MovableClock
) -> None:
    held = await notify(mode="hold")
    pool = held.ctx.db.pool
    home, offered = Household(), Household()
    await moves_in(bus, home)
    await moves_in(bus, offered)
    await becomes(held, home.tenancy, QUEUED)
    await becomes(held, offered.tenancy, QUEUED)
    await pool.execute(
        "insert into message (message_id, occasion, subject, version, state, queued_at, due_at)"
        " select 'another', occasion, subject, 2, state, queued_at, due_at + interval '1 minute' from message"
        " where subject = $1",
        home.tenancy,
    )
    await pool.execute(
        "insert into offer (tenancy_id, occasion, channel, offered_on) values ($1, 'housing_introduction', 'by_hand', $2)",
        offered.tenancy,
        clock.now().date(),
    )
    sending = await notify(database_url=held.settings.database_url)
    await becomes(sending, home.tenancy, State(messages=("sent", "dropped"), offered="email"))
    await becomes(sending, offered.tenancy, State(messages=("dropped",), offered="by_hand"))
    assert mail_server.recipients == [home.email]


async def _true(what: bool) -> bool:
    return what
