"""The projector on real Kafka and Postgres: whatever order, repetition or fault, the figure of the facts."""

from collections.abc import Awaitable, Callable, Iterable
from datetime import date, timedelta
from random import Random
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from schemas.event import Event
from schemas.governance import AreaDefined
from schemas.kafka import to_record
from services.chassis.service import Service
from services.chassis.testkit import OPERATOR, Bus, Running, Start, eventually
from services.reporting.app import service
from tests.reporting.landlord import (
    GOAL,
    NOON,
    Counts,
    Landlord,
    Settled,
    cancelled,
    counts,
    ends,
    failed,
    figure,
    moved_in,
    offered_to,
    withdraw,
)

NewDatabase = Callable[[Service], Awaitable[str]]


async def test_duplicates_count_once(bus: Bus, start: Start, landlord: Landlord, settled: Settled) -> None:
    reporting = await start(service)
    await landlord.area()
    for _ in range(3):
        await landlord.households(9, of=10)
        await settled(reporting)  # a repetition in a later batch too
    assert await counts(reporting) == (9, 10)


async def test_a_duplicate_that_was_forgotten_is_caught_by_the_table(
    bus: Bus, start: Start, landlord: Landlord, settled: Settled, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.reporting.service.projection.Recent.__contains__", lambda self, key: False)
    reporting = await start(service)
    await landlord.area()
    for _ in range(2):
        await landlord.households(9, of=10)
        await settled(reporting)
    assert await counts(reporting) == (9, 10)


async def test_test_events_are_passed_by(bus: Bus, start: Start, landlord: Landlord, settled: Settled) -> None:
    """Not even one that takes a live event back, or bears the id of one."""
    reporting = await start(service)
    await landlord.area()
    for number in range(5):
        await bus.send(moved_in(number, test=True), offered_to(number, test=True))
    await landlord.households(8, of=10)
    await bus.send(offered_to(9, test=True))
    await withdraw(bus, offered_to(1), test=True)
    await bus.raw("tenancy.events", b"{}", key=b"t1", headers=to_record(moved_in(1, test=True)).headers)
    await settled(reporting)
    assert await counts(reporting) == (8, 10)
    assert await reporting.ctx.db.pool.fetchval("select count(*) from fact") == 3 + 18
    metrics = (await reporting.client.get("/metrics")).text.splitlines()
    assert [line.rpartition(" ")[2] for line in metrics if line.startswith("hem_test_events_total")] == ["12.0"]
    [row] = (await reporting.client.get("/ops/reporting/parked", headers=OPERATOR)).json()
    assert (row["reason"], row["test"]) == ("missing_field", True)


async def test_an_area_defined_anew_keeps_what_it_was_and_a_later_start_reads_it_as_it_stands(
    bus: Bus, start: Start, landlord: Landlord, settled: Settled
) -> None:
    reporting = await start(service)
    await landlord.area(name="Oxnehaga")
    for name in ("Öxenhaga", "Öxnehaga"):  # the second corrects the first
        await bus.publish(
            AreaDefined(area_id="oxnehaga", name=name, municipality_code="0680", valid_from=date(2020, 7, 1))
        )
    await landlord.households(5, of=5)
    await settled(reporting)
    for year, name in (("2019", "Oxnehaga"), ("2020", "Öxnehaga")):
        assert name in await page(reporting, year)
    assert "Öxenhaga" not in await page(reporting, "2020")
    async with reporting.ctx.db.transaction() as tx:
        await tx.execute("delete from area")
    again = await start(service, database_url=reporting.settings.database_url)

    async def named() -> bool:
        return "Öxnehaga" in await page(again, "2020")

    await eventually("the name", named)


async def page(reporting: Running, year: str) -> str:
    return (await reporting.client.get(f"/?period={year}", headers={"accept": "text/html"})).text


async def test_offers_may_come_before_move_ins(bus: Bus, start: Start, landlord: Landlord, settled: Settled) -> None:
    reporting = await start(service)
    for number in range(6):
        await bus.send(offered_to(number))
    await settled(reporting)
    assert (await figure(reporting, None))["status"] == "no_data"
    await landlord.area()
    for number in range(6):
        await bus.send(moved_in(number))
    await settled(reporting)
    assert await counts(reporting) == (6, 6)


async def test_a_late_move_in_lands_in_its_own_year(start: Start, landlord: Landlord, settled: Settled) -> None:
    reporting = await start(service)
    await landlord.area()
    await landlord.households(5, of=5, on=date(2020, 2, 1))
    await settled(reporting)
    await landlord.households(6, of=6, first=10, on=date(2019, 12, 31))
    await settled(reporting)
    assert await counts(reporting) == (6, 6)
    assert (await figure(reporting, period="2020"))["denominator"] == 5


async def test_a_correction_moves_a_household(bus: Bus, start: Start, landlord: Landlord, settled: Settled) -> None:
    reporting = await start(service)
    await landlord.area()
    await landlord.area("raslatt", "Råslätt", target=None, programme=False)
    await landlord.households(10, of=10)
    await bus.send(moved_in(0, area="raslatt", id="correction", time=NOON + timedelta(hours=1)))
    await bus.send(moved_in(1, area="raslatt", id="older", time=NOON - timedelta(hours=1)))
    await settled(reporting)
    assert await counts(reporting) == (9, 9)
    assert (await figure(reporting, "raslatt"))["status"] == "suppressed"


async def test_a_withdrawal_takes_back_before_and_after(
    bus: Bus, start: Start, landlord: Landlord, settled: Settled
) -> None:
    reporting = await start(service)
    await landlord.area()
    await landlord.households(10, of=10)
    await settled(reporting)
    await withdraw(bus, moved_in(0))
    await withdraw(bus, offered_to(1))
    await withdraw(bus, moved_in(50))  # not come yet
    await settled(reporting)
    assert await counts(reporting) == (8, 9)
    await bus.send(moved_in(50), offered_to(50))
    await settled(reporting)
    assert await counts(reporting) == (8, 9)
    assert await reporting.ctx.db.pool.fetchval("select count(*) from early_withdrawal") == 0


async def test_withdrawing_a_failure_under_another_key_restores_the_offer(
    bus: Bus, start: Start, landlord: Landlord, settled: Settled
) -> None:
    reporting = await start(service)
    await landlord.area()
    await landlord.households(10, of=10)
    await bus.send(failed(0))
    await settled(reporting)
    assert await counts(reporting) == (9, 10)
    await withdraw(bus, failed(0))
    await settled(reporting)
    assert await counts(reporting) == (10, 10)


async def test_cancelled_before_it_moved_in(bus: Bus, start: Start, landlord: Landlord, settled: Settled) -> None:
    reporting = await start(service)
    await landlord.area()
    await bus.send(cancelled(0))
    await settled(reporting)
    await landlord.households(10, of=10)
    await settled(reporting)
    assert await counts(reporting) == (9, 9)


async def test_two_replicas_share_the_partitions_and_agree(
    bus: Bus, start: Start, landlord: Landlord, settled: Settled
) -> None:
    one = await start(service, batch=7)
    await landlord.area()
    await landlord.households(30, of=40)
    two = await start(service, database_url=one.settings.database_url, batch=7)
    for number in [*range(40, 80), *range(20, 30), *range(60, 70)]:  # some of it twice, half in the wrong order
        first, second = moved_in(number), offered_to(number)
        await bus.send(*((first, second) if number % 2 else (second, first)))
    await settled(one)
    assert await counts(one) == await counts(two) == (80 - 10, 80)
    shared = await eventually("both to have partitions", lambda: _members_with_partitions(bus, one.ctx.group))
    assert shared == 2


async def _members_with_partitions(bus: Bus, group: str) -> int:
    admin = AIOKafkaAdminClient(bootstrap_servers=bus.servers)
    await admin.start()
    try:
        (described,) = await admin.describe_consumer_groups([group])
        members = described.groups[0][5]
        return 2 if sum(len(member[4]) > 8 for member in members) == 2 else 0
    finally:
        await admin.close()


async def test_any_shuffle_gives_what_an_independent_recount_gives(
    bus: Bus, start: Start, landlord: Landlord, settled: Settled
) -> None:
    random = Random(3)
    reporting = await start(service, batch=50)
    await landlord.area()
    events: list[Event[Any]] = []
    for number in range(120):
        events.append(moved_in(number, on=date(2019, 1, 1) + timedelta(days=random.randrange(500))))
        if random.random() < 0.8:
            events.append(offered_to(number))
        if random.random() < 0.1:
            events.append(cancelled(number))
        if random.random() < 0.1:
            events.append(failed(number, after=timedelta(days=random.choice([1, 3]))))
    taken_back = random.sample(events, 15)
    sent = [*events, *random.sample(events, 40)]
    random.shuffle(sent)
    for event in sent:
        await bus.send(event)
    for event in taken_back:
        await withdraw(bus, event)
    await settled(reporting)
    assert await counts(reporting) == recount([e for e in events if e not in taken_back])


def recount(events: Iterable[Event[Any]]) -> Counts:
    """Numerator and denominator of 2019, counted the simple way."""
    by_name: dict[str, dict[str, Event[Any]]] = {}
    for event in events:
        name = type(event.data).__name__
        about = event.data.about if name == "NotificationFailed" else event.subject
        by_name.setdefault(name, {})[about] = event
    moved, offers = by_name["TenantMovedIn"], by_name["HousingIntroductionOffered"]
    cohort = {t for t, e in moved.items() if e.data.moved_in_on.year == 2019} - by_name["MoveInCancelled"].keys()
    bounced = {t for t, e in by_name["NotificationFailed"].items() if t in offers and e.time > offers[t].time}
    return len((cohort & offers.keys()) - bounced), len(cohort)


async def test_a_rebuild_gives_the_same_figures(bus: Bus, start: Start, landlord: Landlord, settled: Settled) -> None:
    reporting = await start(service)
    await landlord.area()
    await landlord.households(18, of=20)
    await withdraw(bus, moved_in(3))
    await bus.send(failed(4))
    await settled(reporting)
    before = await reporting.client.get("/api/goals", params={"period": "2019"})
    await reporting.ctx.db.pool.execute("update tally set numerator = 0")

    answer = await reporting.client.post("/ops/reporting/rebuild", headers=OPERATOR)
    assert answer.status_code == 202

    async def done() -> bool:
        state = (await reporting.client.get("/ops/reporting/rebuild", headers=OPERATOR)).json()
        assert 0 <= state["read"] <= state["of"] == sum((await ends(bus)).values())
        return bool(state["state"] == "done")

    await eventually("the rebuild to end", done)
    after = await reporting.client.get("/api/goals", params={"period": "2019"})
    assert before.json() == after.json()
    assert [f["numerator"] for f in before.json() if (f["goal"], f["area"]) == (GOAL, "oxnehaga")] == [16]
