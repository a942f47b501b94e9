"""From a move-in to an offered introduction, through Kafka, Postgres and a mail server."""

from datetime import date, timedelta

import pytest

from schemas.notifications import (
    HousingIntroductionOffered,
    NotificationFailed,
    NotificationSent,
    NotificationSuppressed,
)
from schemas.tenancy import TenantContactErased
from services.chassis.testkit import Bus, MovableClock, Running, event_of, eventually
from tests.notifications.town import Household, MailServer, Notify, State, becomes, programme, settled, state_of


@pytest.fixture
async def running(notify: Notify, bus: Bus) -> Running:
    """In an area with the programme."""
    running = await notify()
    await bus.publish(programme())
    return running


async def test_a_move_in_becomes_an_offered_introduction(running: Running, bus: Bus, mail_server: MailServer) -> None:
    home = Household()
    await bus.publish(home.contact())
    await bus.publish(home.moved_in())
    [offered] = await bus.expect(HousingIntroductionOffered)
    assert offered.data.tenancy_id == home.tenancy
    assert offered.data.area_id == "oxnehaga"
    assert offered.data.channel == "email"
    [sent] = await bus.expect(NotificationSent, message_id=offered.data.message_id)
    assert (sent.data.about, sent.data.occasion, sent.data.channel) == (home.tenancy, "housing_introduction", "email")
    [mail] = mail_server.mails
    assert mail["To"] == home.email
    assert mail["Message-ID"] == f"<{offered.data.message_id}@hem.invalid>"
    assert home.tenancy not in mail.as_string()
    assert home.ref not in mail.as_string()
    assert await state_of(running, home.tenancy) == State(messages=("sent",), offered="email")


async def test_the_trace_of_the_move_in_goes_on_to_the_offer(running: Running, bus: Bus) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    home = Household()
    await bus.publish(home.contact())
    await settled(running, bus)
    await bus.publish(home.moved_in(), traceparent=f"00-{trace}-00f067aa0ba902b7-01")
    [offered] = await bus.expect(HousingIntroductionOffered)
    assert offered.traceparent is not None
    assert offered.traceparent.split("-")[1] == trace


@pytest.mark.parametrize(
    "said", [{"contact_rule": "letter_only"}, {"contact_rule": "any"}], ids=["letter only", "no contact"]
)
async def test_who_cannot_be_written_to_is_handed_over_at_once(
    running: Running, bus: Bus, mail_server: MailServer, said: dict[str, str]
) -> None:
    home = Household()
    await bus.publish(home.moved_in(**said))
    await becomes(running, home.tenancy, State(todo="open"))
    assert not mail_server.mails


async def test_letter_only_is_never_written_to_even_with_a_contact(
    running: Running, bus: Bus, mail_server: MailServer
) -> None:
    home = Household()
    await bus.publish(home.contact())
    await bus.publish(home.moved_in(contact_rule="letter_only"))
    await becomes(running, home.tenancy, State(todo="open"))
    await settled(running, bus)
    assert not mail_server.mails


async def test_a_contact_without_address_is_reached_by_hand(running: Running, bus: Bus) -> None:
    home = Household()
    await bus.publish(home.contact(email=None, phone="036 12 34 56"))
    await bus.publish(home.moved_in())
    await becomes(running, home.tenancy, State(todo="open"))


@pytest.mark.parametrize(
    ("days", "wanted"),
    [(30, State(messages=("sent",), offered="email", todo="closed")), (31, State(todo="open"))],
    ids=["on the last day", "a day late"],
)
async def test_a_contact_within_thirty_days_closes_the_to_do_and_the_offer_goes_out(
    running: Running, bus: Bus, clock: MovableClock, days: int, wanted: State
) -> None:
    home = Household()
    await bus.publish(home.moved_in())
    await becomes(running, home.tenancy, State(todo="open"))
    clock.move(timedelta(days=days))
    await bus.publish(home.contact())
    await settled(running, bus)
    await becomes(running, home.tenancy, wanted)


@pytest.mark.parametrize("opted_out_of", ["housing_introduction", "all"])
async def test_who_opted_out_is_not_written_to_and_is_offered_in_person(
    running: Running, bus: Bus, mail_server: MailServer, opted_out_of: str
) -> None:
    home = Household()
    await bus.publish(home.contact(opted_out_of=(opted_out_of,)))
    await settled(running, bus)
    await bus.publish(home.moved_in())
    [suppressed] = await bus.expect(NotificationSuppressed, about=home.tenancy)
    assert suppressed.data.reason == "opted_out"
    assert await state_of(running, home.tenancy) == State(messages=("suppressed",), todo="open")
    await bus.publish(home.contact(language="en", opted_out_of=(opted_out_of,)))
    await settled(running, bus)
    assert len(await bus.events(NotificationSuppressed)) == 1
    assert not mail_server.mails


async def test_outside_the_programme_nothing_is_offered(running: Running, bus: Bus) -> None:
    elsewhere, before = Household(area="ekhagen"), Household()
    for home, said in ((elsewhere, {}), (before, {"moved_in_on": date(2018, 12, 31)})):
        await bus.publish(home.contact())
        await bus.publish(home.moved_in(**said))
    await settled(running, bus)
    assert await state_of(running, elsewhere.tenancy) == State()
    assert await state_of(running, before.tenancy) == State()


async def test_a_move_in_that_is_loaded_from_the_past_causes_nothing(
    running: Running, bus: Bus, mail_server: MailServer
) -> None:
    known, unknown, contact_only = Household(), Household(), Household()
    await bus.publish(known.contact())
    await settled(running, bus)
    await bus.publish(known.moved_in(), history=True)
    await bus.publish(unknown.moved_in(), history=True)
    await bus.publish(contact_only.moved_in())
    await settled(running, bus)
    await bus.publish(unknown.contact())
    await bus.publish(contact_only.contact(), history=True)
    await bus.publish(known.moved_in(moved_in_on=date(2019, 3, 2)))  # a live correction of a loaded one
    await settled(running, bus)
    assert await state_of(running, known.tenancy) == State()
    assert await state_of(running, unknown.tenancy) == State()
    await becomes(running, contact_only.tenancy, State(messages=("sent",), offered="email", todo="closed"))
    assert mail_server.recipients == [contact_only.email], "a contact is a fact, loaded or not"


async def test_a_later_contact_wins_whichever_comes_first(
    running: Running, bus: Bus, mail_server: MailServer, clock: MovableClock
) -> None:
    home = Household()
    now = clock.now()
    await bus.publish(home.contact(email="new@example.se"), time=now)
    await settled(running, bus)
    await bus.publish(home.contact(email="old@example.se"), time=now - timedelta(days=1))
    await settled(running, bus)
    await bus.publish(home.moved_in())
    await becomes(running, home.tenancy, State(messages=("sent",), offered="email"))
    assert mail_server.recipients == ["new@example.se"]


async def test_an_erased_household_is_refused_for_ever(running: Running, bus: Bus, mail_server: MailServer) -> None:
    home = Household()
    contact = event_of(home.contact())
    await bus.send(contact)
    await settled(running, bus)
    await bus.publish(TenantContactErased(tenant_ref=home.ref))
    await settled(running, bus)
    await running.ctx.db.pool.execute("delete from inbox")
    await bus.send(contact)  # replayed from before
    await bus.publish(home.contact(email="again@example.se"))
    await settled(running, bus)
    assert await running.ctx.db.pool.fetchval("select count(*) from contact") == 0
    assert await running.ctx.db.pool.fetchval("select count(*) from parked") == 0
    await bus.publish(home.moved_in())
    await becomes(running, home.tenancy, State(todo="open"))
    assert not mail_server.mails


async def test_contacts_are_sealed_from_the_first_row(running: Running, bus: Bus) -> None:
    home = Household()
    await bus.publish(home.contact(name="Zeinab Östberg", phone="0700000000"))
    await settled(running, bus)
    pool = running.ctx.db.pool
    tables = await pool.fetch("select tablename from pg_tables where schemaname = 'public'")
    for (table,) in tables:
        dump = str(await pool.fetch(f"select t.*, encode(t::text::bytea, 'escape') from \"{table}\" as t"))
        for secret in ("Zeinab", home.email, "0700000000"):
            assert secret not in dump, table
    assert await pool.fetchval("select octet_length(sealed) from contact") > 20


async def test_a_repeated_event_and_a_second_move_in_event_offer_once(
    running: Running, bus: Bus, mail_server: MailServer
) -> None:
    home = Household()
    moved_in, contact = event_of(home.moved_in()), event_of(home.contact())
    await bus.send(contact, moved_in, moved_in, contact)
    await bus.expect(HousingIntroductionOffered)
    await running.ctx.db.pool.execute("delete from inbox")
    await bus.send(moved_in, contact)
    await bus.publish(home.moved_in(moved_in_on=date(2019, 3, 3)))
    await settled(running, bus)
    assert len(await bus.events(HousingIntroductionOffered)) == 1
    assert len(mail_server.mails) == 1


async def test_a_refused_address_is_final_until_another_comes(
    running: Running, bus: Bus, mail_server: MailServer
) -> None:
    async def refuse_the_first(address: str) -> str:
        return "250 OK" if address == "second@example.se" else "550 5.1.1 No such person"

    mail_server.rcpt = refuse_the_first  # type: ignore[method-assign]
    home = Household()
    await bus.publish(home.contact())
    await settled(running, bus)
    await bus.publish(home.moved_in())
    [failed] = await bus.expect(NotificationFailed, about=home.tenancy)
    assert (failed.data.reason, failed.data.is_final) == ("address_unknown", True)
    await becomes(running, home.tenancy, State(messages=("failed",), todo="open"))

    await bus.publish(home.contact(phone="036 12 34 56"))  # the same address
    await settled(running, bus)
    assert await state_of(running, home.tenancy) == State(messages=("failed",), todo="open")

    await bus.publish(home.contact(email="second@example.se"))
    [offered] = await bus.expect(HousingIntroductionOffered, tenancy_id=home.tenancy)
    assert offered.data.message_id != failed.data.message_id
    await becomes(running, home.tenancy, State(messages=("failed", "sent"), offered="email", todo="closed"))


async def test_an_operator_sees_counts_and_nothing_else(running: Running, bus: Bus) -> None:
    home = Household()
    await bus.publish(home.contact())
    await bus.publish(home.moved_in())
    await bus.expect(HousingIntroductionOffered)

    async def counted() -> list[str]:
        lines = (await running.client.get("/metrics")).text.splitlines()
        return [line for line in lines if line.startswith("hem_messages")]

    async def is_counted() -> bool:
        return any('outcome="accepted"' in line and line.endswith(" 1.0") for line in await counted())

    await eventually("the message to be counted", is_counted)
    lines = await counted()
    assert any(line.startswith("hem_messages_queued") for line in lines)
    assert not any(word in line for line in lines for word in ("oxnehaga", home.tenancy, home.ref, '"sv"'))
