"""What the mail server does, and what becomes of the message: nothing is lost, and each household gets one letter."""

import asyncio
from datetime import datetime, timedelta

import pytest
from aiosmtpd.smtp import SMTP, AuthResult

from schemas.notifications import HousingIntroductionOffered, NotificationFailed, NotificationSent
from schemas.tenancy import TenantContactErased
from services.chassis.testkit import Bus, MovableClock, eventually
from services.notifications.repository.queue import LEASE_FOR
from services.notifications.service import GIVE_UP_AFTER
from tests.notifications.town import (
    Household,
    MailServer,
    Notify,
    State,
    becomes,
    hang_up,
    programme,
    settled,
    state_of,
    tries,
)

SENT = State(messages=("sent",), offered="email")
QUEUED = State(messages=("queued",))


async def moves_in(bus: Bus, home: Household) -> None:
    await bus.publish(programme())
    await bus.publish(home.contact())
    await bus.publish(home.moved_in())


async def test_a_server_that_is_down_is_waited_for(notify: Notify, bus: Bus, mail_server: MailServer) -> None:
    await mail_server.down()
    running = await notify()
    homes = [Household() for _ in range(3)]
    for home in homes:
        await moves_in(bus, home)
        await becomes(running, home.tenancy, QUEUED)
    assert (await running.client.get("/health/ready")).status_code == 200
    await mail_server.up()
    for home in homes:
        await becomes(running, home.tenancy, SENT)
    assert sorted(mail_server.recipients) == sorted(home.email for home in homes)
    assert not await bus.events(NotificationFailed)


async def test_a_connection_lost_between_messages_is_made_again(
    notify: Notify, bus: Bus, mail_server: MailServer
) -> None:
    running = await notify()
    first, second = Household(), Household()
    await moves_in(bus, first)
    await becomes(running, first.tenancy, SENT)
    await mail_server.down()
    await mail_server.up()
    await moves_in(bus, second)
    await becomes(running, second.tenancy, SENT)


@pytest.mark.parametrize("answer", ["450 4.2.0 Come back later", "452 4.2.2 Mailbox full"])
async def test_a_recipient_who_is_not_taken_now_holds_up_nobody_and_is_tried_again(
    notify: Notify, bus: Bus, mail_server: MailServer, clock: MovableClock, answer: str
) -> None:
    busy, other = Household(), Household()
    asked = 0

    async def not_yet(address: str) -> str:
        nonlocal asked
        asked += address == busy.email
        return answer if address == busy.email and asked == 1 else "250 OK"

    mail_server.rcpt = not_yet  # type: ignore[method-assign]
    running = await notify()
    await moves_in(bus, busy)
    await tries(running, busy, 1)
    await moves_in(bus, other)
    await becomes(running, other.tenancy, SENT)
    assert await state_of(running, busy.tenancy) == QUEUED
    clock.move(timedelta(minutes=5))
    await becomes(running, busy.tenancy, SENT)
    assert not await bus.events(NotificationFailed)


async def test_a_recipient_who_is_never_taken_is_given_up(
    notify: Notify, bus: Bus, mail_server: MailServer, clock: MovableClock
) -> None:
    async def never(address: str) -> str:
        return "452 4.2.2 Mailbox full"

    mail_server.rcpt = never  # type: ignore[method-assign]
    running = await notify()
    home = Household()
    await moves_in(bus, home)
    await tries(running, home, 1)
    clock.move(GIVE_UP_AFTER)
    [failed] = await bus.expect(NotificationFailed, about=home.tenancy)
    assert (failed.data.reason, failed.data.is_final) == ("mailbox_full", True)
    await becomes(running, home.tenancy, State(messages=("failed",), todo="open"))


@pytest.mark.parametrize("answer", ["451 Local error", "554 5.6.0 Not this", "421 Closing"])
async def test_a_message_that_is_not_taken_stays(
    notify: Notify, bus: Bus, mail_server: MailServer, clock: MovableClock, answer: str
) -> None:
    tried = 0

    async def refuse(connection: SMTP) -> str:
        nonlocal tried
        tried += 1
        return answer if tried == 1 else "250 OK"

    mail_server.data = refuse  # type: ignore[method-assign]
    running = await notify()
    home = Household()
    await moves_in(bus, home)
    await eventually("the first try", lambda: _true(tried == 1))
    await tries(running, home, 0 if answer.startswith("421") else 1)  # 421 is about the server, not the message
    assert (await state_of(running, home.tenancy)).todo is None
    clock.move(timedelta(minutes=2))
    await becomes(running, home.tenancy, SENT)
    assert not await bus.events(NotificationFailed)


async def test_a_wrong_password_is_no_fault_of_the_message(notify: Notify, bus: Bus, mail_server: MailServer) -> None:
    tries = 0

    def authenticator(*_: object) -> AuthResult:
        nonlocal tries
        tries += 1
        return AuthResult(success=tries > 1, handled=False)

    mail_server.options |= {"authenticator": authenticator, "auth_require_tls": False}
    running = await notify(smtp_username="hem", smtp_password="wrong at first")
    home = Household()
    await moves_in(bus, home)
    await becomes(running, home.tenancy, SENT)
    assert tries > 1
    assert not await bus.events(NotificationFailed)


async def test_a_yes_that_is_lost_on_the_way_is_repeated_with_the_same_message_id(
    notify: Notify, bus: Bus, mail_server: MailServer
) -> None:
    taken: list[str] = []

    async def hang_up_after_taking(connection: SMTP) -> str:
        taken.append("mail")
        if len(taken) == 1:
            hang_up(connection)  # the mail is taken all the same: "250" only never arrives
        return "250 OK"

    mail_server.data = hang_up_after_taking  # type: ignore[method-assign]
    running = await notify()
    home = Household()
    await moves_in(bus, home)
    await becomes(running, home.tenancy, SENT)
    assert len(mail_server.mails) == 2
    assert len({mail["Message-ID"] for mail in mail_server.mails}) == 1
    await settled(running, bus)
    assert len(await bus.events(HousingIntroductionOffered)) == 1
    assert len(await bus.events(NotificationSent)) == 1


async def test_a_crash_between_the_yes_and_the_commit_repeats_the_message_and_offers_once(
    notify: Notify, bus: Bus, mail_server: MailServer, clock: MovableClock
) -> None:
    running = await notify()
    await running.ctx.db.pool.execute("alter table offer add constraint crash check (false)")  # any commit fails
    home = Household()
    await moves_in(bus, home)
    await eventually("the sender to break", lambda: _true(mail_server.ended == 1))
    assert len(mail_server.mails) == 1
    assert await state_of(running, home.tenancy) == QUEUED
    await running.ctx.db.pool.execute("alter table offer drop constraint crash")
    clock.move(LEASE_FOR + timedelta(seconds=1))
    await becomes(running, home.tenancy, SENT)
    assert len(mail_server.mails) == 2
    assert len({mail["Message-ID"] for mail in mail_server.mails}) == 1
    await settled(running, bus)
    assert len(await bus.events(HousingIntroductionOffered)) == 1


async def test_two_senders_never_send_the_same(notify: Notify, bus: Bus, mail_server: MailServer) -> None:
    all_at_it = asyncio.Event()

    async def when_all_have_one(connection: SMTP) -> str:
        if mail_server.connections == 4:
            all_at_it.set()
        await all_at_it.wait()
        return "250 OK"

    mail_server.data = when_all_have_one  # type: ignore[method-assign]
    held = await notify(mode="hold")
    homes = [Household() for _ in range(20)]
    await bus.publish(programme())
    for home in homes:
        await bus.publish(home.contact())
        await bus.publish(home.moved_in())
    await settled(held, bus)
    database = held.settings.database_url
    one, _ = [await notify(database_url=database, smtp_lanes=2) for _ in range(2)]
    for home in homes:
        await becomes(one, home.tenancy, SENT)
    assert sorted(mail_server.recipients) == sorted(home.email for home in homes)
    assert mail_server.connections == 4


async def test_a_long_conversation_keeps_its_lease(
    notify: Notify, bus: Bus, mail_server: MailServer, clock: MovableClock
) -> None:
    answer_now = asyncio.Event()
    home, other = Household(), Household()

    async def at_length(connection: SMTP) -> str:
        assert connection.envelope is not None
        if home.email in connection.envelope.rcpt_tos:
            await answer_now.wait()
        return "250 OK"

    mail_server.data = at_length  # type: ignore[method-assign]
    running = await notify(smtp_lanes=2)
    await moves_in(bus, home)
    pool = running.ctx.db.pool

    async def lease_end() -> datetime | None:
        end: datetime | None = await pool.fetchval("select due_at from message where due_at > $1", clock.now())
        return end

    before = await eventually("the lease", lease_end)
    clock.move(LEASE_FOR * 0.8)

    async def renewed() -> bool:
        return await lease_end() != before

    await eventually("the lease to be renewed", renewed)
    clock.move(LEASE_FOR * 0.8)
    await moves_in(bus, other)  # the other connection looks for something to send, and takes what is due first
    await becomes(running, other.tenancy, SENT)
    answer_now.set()
    await becomes(running, home.tenancy, SENT)
    assert mail_server.recipients == [other.email, home.email]


async def test_on_hold_everything_waits_and_nothing_is_lost(notify: Notify, bus: Bus, mail_server: MailServer) -> None:
    held = await notify(mode="hold")
    home = Household()
    await moves_in(bus, home)
    await becomes(held, home.tenancy, QUEUED)
    await settled(held, bus)
    assert mail_server.connections == 0
    await notify(database_url=held.settings.database_url)
    await becomes(held, home.tenancy, SENT)


async def test_the_allow_list_lets_only_its_own_through(notify: Notify, bus: Bus, mail_server: MailServer) -> None:
    listed, other = Household(), Household()
    running = await notify(mode="allow-list", allow_list=[listed.email])
    await moves_in(bus, other)
    await becomes(running, other.tenancy, QUEUED)
    await moves_in(bus, listed)
    await becomes(running, listed.tenancy, SENT)
    assert await state_of(running, other.tenancy) == QUEUED
    assert mail_server.recipients == [listed.email]


async def test_an_erased_household_with_a_waiting_offer_is_reached_by_hand(
    notify: Notify, bus: Bus, mail_server: MailServer
) -> None:
    held = await notify(mode="hold")
    home = Household()
    await moves_in(bus, home)
    await becomes(held, home.tenancy, QUEUED)
    await bus.publish(TenantContactErased(tenant_ref=home.ref))
    await becomes(held, home.tenancy, State(messages=("dropped",), todo="open"))
    assert not mail_server.mails


@pytest.mark.parametrize("utf8", [True, False], ids=["server takes it", "server doesn't"])
async def test_an_address_beyond_ascii_is_sent_to_where_the_server_can(
    notify: Notify, bus: Bus, mail_server: MailServer, *, utf8: bool
) -> None:
    mail_server.utf8 = utf8
    running = await notify()
    home = Household()
    await bus.publish(programme())
    await bus.publish(home.contact(email="åsa@exämple.se"))
    await bus.publish(home.moved_in())
    if utf8:
        await becomes(running, home.tenancy, SENT)
        assert mail_server.recipients == ["åsa@xn--exmple-cua.se"]
    else:
        [failed] = await bus.expect(NotificationFailed, about=home.tenancy)
        assert failed.data.reason == "address_refused"
        await becomes(running, home.tenancy, State(messages=("failed",), todo="open"))


@pytest.mark.parametrize(
    "address", ["a@" + "ö" * 70 + ".se", "a@exa_mple..se", "'a b'@example.se", "=?utf-8?q?a=0abcc=3a?=@x.se"]
)
async def test_an_address_no_mail_can_go_to_fails_and_stops_nothing(
    notify: Notify, bus: Bus, mail_server: MailServer, address: str
) -> None:
    running = await notify()
    odd, good = Household(), Household()
    contact = odd.contact().model_copy(update={"email": address})
    await bus.publish(programme())
    await bus.publish(contact)
    await bus.publish(odd.moved_in())
    await moves_in(bus, good)
    await becomes(running, good.tenancy, SENT)

    async def handed_over() -> bool:
        return (await state_of(running, odd.tenancy)).todo == "open"

    await eventually("staff to be asked", handed_over)
    assert mail_server.recipients == [good.email]


async def _true(what: bool) -> bool:
    return what
