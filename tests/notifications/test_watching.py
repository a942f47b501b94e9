"""Following a goal: nobody is written to before their yes, everybody once about each thing, and a stop leaves nothing."""

import re
from datetime import timedelta
from email.message import EmailMessage
from urllib.parse import quote, urlsplit

import httpx2

from schemas.fields import Unit
from schemas.notifications import NotificationSent
from schemas.reporting import AlertCleared, AlertRaised, FigurePublished
from services.chassis.clock import local_date
from services.chassis.testkit import Bus, MovableClock, Running, event_of, eventually
from services.chassis.web.naming import seal_name
from services.notifications.watching import A_DAY, CONFIRM_WITHIN
from tests.notifications.town import MailServer, Notify

GOAL = "housing-introduction-offered"
ANNA = "anna@example.se"  # made up
LINK = re.compile(r"http://127\.0\.0\.1:8000(/\S+)")
PERCENT: Unit = "percent"


async def asks(running: Running, address: str = ANNA, goal: str = GOAL, language: str = "sv") -> httpx2.Response:
    return await running.client.post(f"/watch/{goal}?lang={language}", data={"email": address})


async def arrived(mail_server: MailServer, count: int) -> EmailMessage:
    """The last mail, when there are so many."""

    async def all_here() -> bool:
        return len(mail_server.mails) >= count

    await eventually(lambda: f"{count} mails, not {len(mail_server.mails)}", all_here)
    assert len(mail_server.mails) == count
    return mail_server.mails[-1]


def text_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def links(mail: EmailMessage) -> list[str]:
    return LINK.findall(text_of(mail))


async def follows(running: Running, mail_server: MailServer, address: str = ANNA, language: str = "sv") -> str:
    """Signs up and says yes. Returns where the address stops."""
    before = len(mail_server.mails)
    await asks(running, address, language=language)
    yes, stop = links(await arrived(mail_server, before + 1))
    assert (await running.client.post(yes)).status_code == 200
    return stop


def published(clock: MovableClock, **said: object) -> FigurePublished:
    today = local_date(clock.now())
    facts = {"goal_id": GOAL, "period": "2019", "status": "final", "value": 90.0, "unit": PERCENT, **said}
    return FigurePublished(**{"definition_version": 1, "as_of": today, "published_on": today, **facts})  # type: ignore[arg-type]


def raised(clock: MovableClock, alert: str = "one", rule: str = "behind_pace") -> AlertRaised:
    return AlertRaised(alert_id=alert, goal_id=GOAL, period="2019", rule=rule, raised_on=local_date(clock.now()))


async def count(running: Running, table: str) -> int:
    return int(await running.ctx.db.pool.fetchval(f"select count(*) from {table}"))


async def test_from_the_yes_to_the_stop(notify: Notify, bus: Bus, mail_server: MailServer, clock: MovableClock) -> None:
    running = await notify()
    name = quote(seal_name(running.settings, GOAL, "Erbjuden bointroduktion"))
    asked = await running.client.post(f"/watch/{GOAL}?lang=sv&name={name}", data={"email": f" {ANNA} "})
    assert asked.status_code == 303
    question = await arrived(mail_server, 1)
    assert question["Subject"] == "Vill du följa målet Erbjuden bointroduktion?"
    yes, stop = links(question)
    assert (await running.client.get(yes)).status_code == 200
    await bus.publish(raised(clock, "before the yes"))
    await running.caught_up(bus)
    assert (await running.client.post(yes)).status_code == 200
    assert (await running.client.post(yes)).status_code == 200

    clock.move(timedelta(minutes=1))
    alert = await bus.publish(raised(clock), time=clock.now())
    told = await arrived(mail_server, 2)
    assert told["Subject"] == "Behöver ses över: Erbjuden bointroduktion"
    assert urlsplit(links(told)[0])[2:4] == (f"/goals/{GOAL}", "period=2019&lang=sv")
    assert links(told)[1] == stop
    assert stop in told["List-Unsubscribe"]
    assert "I den takt som gäller nu" in text_of(told)
    await bus.send(alert)  # a replay of the same
    await bus.publish(raised(clock), time=clock.now())  # and the same said again
    await bus.publish(AlertCleared(alert_id="one", goal_id=GOAL, cleared_on=local_date(clock.now())), time=clock.now())
    assert (await arrived(mail_server, 3))["Subject"] == "Behöver inte längre ses över: Erbjuden bointroduktion"

    await bus.publish(published(clock), time=clock.now())
    await bus.publish(published(clock, measure="another"), time=clock.now())
    news = await arrived(mail_server, 4)
    assert news["Subject"] == "Nya siffror: Erbjuden bointroduktion"
    assert "90" not in text_of(news).replace(stop, "")

    assert (await running.client.get(stop)).status_code == 200
    await bus.publish(published(clock, period="2018"), time=clock.now())
    await arrived(mail_server, 5)
    for _ in range(2):
        assert (await running.client.post(stop)).status_code == 200
    assert (await running.client.post(yes)).status_code == 404
    await bus.publish(raised(clock, "two"), time=clock.now())
    await running.caught_up(bus)
    assert await count(running, "watcher") == await count(running, "watcher_mail") == 0
    assert await count(running, "person_key where wrapped is not null") == 0
    assert len({mail["Message-ID"] for mail in mail_server.mails}) == len(mail_server.mails) == 5
    assert not await bus.events(NotificationSent), "figures count what households are sent, and watchers are none"


async def test_what_is_no_news_is_not_told(
    notify: Notify, bus: Bus, mail_server: MailServer, clock: MovableClock
) -> None:
    running = await notify()
    earlier = event_of(raised(clock, "earlier"), time=clock.now() - timedelta(days=1))
    await follows(running, mail_server, language="en")
    clock.move(timedelta(minutes=1))
    now = {"time": clock.now()}
    await bus.send(earlier)  # the topic read again from its beginning
    await bus.publish(published(clock), history=True, **now)
    await bus.publish(published(clock), test=True, **now)
    await bus.publish(published(clock, dimension={"area": "oxnehaga"}), **now)
    await bus.publish(published(clock, status="not_shown", value=None), **now)
    await bus.publish(published(clock, goal_id="another-goal"), **now)
    await running.caught_up(bus)
    assert await count(running, "watcher_mail where kind <> 'confirm'") == 0
    await bus.publish(raised(clock, rule="a_rule_of_later"), **now)
    told = await arrived(mail_server, 2)
    assert told["Subject"] == f"Needs a look: {GOAL}"
    assert links(told)[0] == f"/goals/{GOAL}?period=2019&lang=en"


async def test_the_page_tells_nobody_who_follows_and_bounds_what_is_sent(
    notify: Notify, mail_server: MailServer, clock: MovableClock
) -> None:
    running = await notify()
    await follows(running, mail_server)
    again, new = await asks(running), await asks(running, "bo@example.se")
    assert (again.status_code, again.headers["location"]) == (new.status_code, new.headers["location"])
    await arrived(mail_server, 2)
    for number in range(A_DAY + 1):
        await asks(running, "BO@example.se", goal=f"goal-{number}")
    await arrived(mail_server, 1 + A_DAY)
    assert await count(running, "watcher_mail where kind = 'confirm'") == 1 + A_DAY
    clock.move(timedelta(days=1, minutes=1))
    await asks(running, "bo@example.se")
    await arrived(mail_server, 2 + A_DAY)

    assert (await asks(running, "not an address")).status_code == 422
    foreign = await running.client.post(
        f"/watch/{GOAL}",
        data={"email": ANNA},
        headers={"Sec-Fetch-Site": "cross-site", "Origin": "https://example.com"},
    )
    assert foreign.status_code == 403
    assert (await running.client.post(f"/watch/{GOAL}/stop/{'a' * 32}")).status_code == 404
    assert (await running.client.get("/watch/Not%20a%20goal")).status_code in {404, 422}

    clock.move(CONFIRM_WITHIN)
    later = await notify(database_url=running.settings.database_url)

    async def only_who_said_yes() -> bool:
        return await count(later, "watcher") == 1

    await eventually("who never answered to be erased", only_who_said_yes)


async def test_a_held_mail_goes_when_it_may_and_the_server_is_there(
    notify: Notify, mail_server: MailServer, clock: MovableClock
) -> None:
    held = await notify(mode="hold")
    await asks(held)
    await mail_server.down()
    await notify(database_url=held.settings.database_url)
    await mail_server.up()
    await arrived(mail_server, 1)
    assert mail_server.recipients == [ANNA]


async def test_who_is_not_on_the_list_waits(notify: Notify, mail_server: MailServer) -> None:
    running = await notify(mode="allow-list", allow_list=["bo@example.se"])
    await asks(running)
    await asks(running, "bo@example.se")
    await arrived(mail_server, 1)
    assert mail_server.recipients == ["bo@example.se"]

    async def only_anna_waits() -> bool:
        return await count(running, "watcher_mail where state = 'queued'") == 1

    await eventually("one mail to wait", only_anna_waits)


async def test_an_address_that_takes_no_mail_is_erased(notify: Notify, mail_server: MailServer) -> None:
    async def refuse(address: str) -> str:
        return "550 5.1.1 Nobody here"

    mail_server.rcpt = refuse  # type: ignore[method-assign]
    running = await notify()
    await asks(running)

    async def erased() -> bool:
        return await count(running, "watcher") == 0

    await eventually("the address to be erased", erased)
