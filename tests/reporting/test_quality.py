"""What is amiss in what has come is shown, with who sent it; mended, it goes. Nothing is ever left out of a figure for it."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from schemas.event import Event
from schemas.gateway import PublisherRegistered, SourceChecked
from schemas.kafka import to_record
from schemas.tenancy import TenantMovedOut
from services.chassis.testkit import OPERATOR, Bus, MovableClock, Running, Start
from services.reporting.app import service
from services.reporting.repository import quality as repository
from services.reporting.service.quality import systems
from tests.reporting.landlord import NOON, Landlord, Settled, counts, moved_in, withdraw

NOW = datetime(2019, 6, 3, 9, 0, tzinfo=UTC)
SOURCE = "urn:test:publisher"


@pytest.fixture
async def reporting(start: Start, clock: MovableClock) -> Running:
    clock.set(NOW)
    return await start(service)


async def page(reporting: Running, path: str = "/quality", **headers: str) -> str:
    answer = await reporting.client.get(path, headers={"accept-language": "en", **headers})
    assert answer.status_code == 200, answer.text
    return answer.text


def told(number: int, *, recorded: datetime = NOON + timedelta(minutes=1), **of: Any) -> Any:
    return moved_in(number, recordedtime=recorded, **of)


async def test_what_is_amiss_counts_is_shown_and_goes_when_it_is_mended(
    reporting: Running, landlord: Landlord, bus: Bus, settled: Settled
) -> None:
    await landlord.area()
    for number in range(6):
        await bus.send(told(number))
    far, ahead = told(6, on=date(2091, 3, 1)), told(7, time=NOON + timedelta(minutes=30))
    await bus.send(far, ahead, told(8, area="nowhere"))
    await settled(reporting)
    assert await counts(reporting) == (0, 7)  # the clock's counts; 2091 hasn't come
    text = await page(reporting, **OPERATOR)
    for words in ("A day that can't be meant", "2091-03-01", "A clock that goes ahead", "nowhere", SOURCE):
        assert words in text
    listed = await page(reporting, f"/quality/impossible_date?source={SOURCE}&field=moved_in_on", **OPERATOR)
    assert "/subjects/t6" in listed
    assert "/subjects/t7" not in listed
    await bus.send(told(6, id="right", time=NOON + timedelta(minutes=1)))
    await withdraw(bus, ahead)
    await landlord.area("nowhere", "Somewhere after all", target=None, programme=False)
    await settled(reporting)
    assert await counts(reporting) == (0, 7)
    text = await page(reporting, **OPERATOR)
    assert "A day that" not in text
    assert "A clock that" not in text
    assert "nobody has defined" not in text


async def test_a_reader_is_not_told_of_fewer_than_five_events(
    reporting: Running, landlord: Landlord, bus: Bus, settled: Settled
) -> None:
    await landlord.area()
    await bus.send(*[told(n, area="nowhere") for n in range(4)])
    await settled(reporting)
    assert "&lt;&nbsp;5<small>" in await page(reporting)
    assert ">4<small>" not in await page(reporting)
    assert ">4<small>" in await page(reporting, **OPERATOR)
    answer = await reporting.client.get("/quality/clock_ahead")
    assert answer.status_code == 401


async def test_systems_that_are_silent_and_their_gaps(reporting: Running, bus: Bus, settled: Settled) -> None:
    since = date(2019, 1, 1)
    for name, interval in (("daily", "P1D"), ("weekly", "P7D"), ("never", "P1D")):
        await bus.publish(
            PublisherRegistered(publisher=name, sources=(f"urn:{name}",), expected_interval=interval, from_=since)
        )
    for name, days in (("daily", [*range(1, 20), *range(40, 60)]), ("weekly", range(1, 64, 7))):
        for day in days:
            moment = NOW - timedelta(days=day)
            checked = SourceChecked(source=f"urn:{name}", found_changes=False, on=moment.date())
            await bus.publish(checked, source=f"urn:{name}", time=moment, recordedtime=moment)
    await settled(reporting)
    async with reporting.ctx.db.transaction() as tx:
        found = {system.source: system for system in await systems(tx.connection, NOW)}
    assert {name: found[f"urn:{name}"].heard for name in ("daily", "weekly", "never")} == {
        "daily": "heard",
        "weekly": "heard",
        "never": "never",
    }
    (gap,) = found["urn:daily"].gaps
    assert (gap.after, gap.until, gap.days) == (date(2019, 4, 24), date(2019, 5, 15), 21)
    assert found["urn:weekly"].gaps == []
    text = await page(reporting)
    assert "Never heard" in text
    assert "Not heard between 24 April 2019 and 15 May 2019." in text


async def test_looking_into_all_facts_at_once_finds_what_was_found_one_by_one(
    reporting: Running, bus: Bus, settled: Settled
) -> None:
    await bus.send(
        told(1, on=date(2091, 1, 1)),
        told(2, on=date(2020, 4, 5)),
        told(3, on=date(2020, 4, 4)),
        told(4, on=date(1949, 12, 31), area="nowhere"),
        told(5, time=NOON + timedelta(hours=3)),
        told(6, time=NOON + timedelta(days=3)),
        told(7, time=NOON - timedelta(days=30_000)),
        told(8, time=NOON + timedelta(minutes=7)),
    )
    await settled(reporting)
    async with reporting.ctx.db.transaction() as tx:
        before = await tx.fetch("select * from finding order by source, event_id, kind, field")
        told_of = await tx.fetch("select * from heard_of order by source, type, area")
        await repository.look_into_all(tx.connection)
        assert await tx.fetch("select * from finding order by source, event_id, kind, field") == before
        assert await tx.fetch("select * from heard_of order by source, type, area") == told_of
    assert [(row["event_id"], row["kind"]) for row in before] == [
        ("in-1", "impossible_date"),
        ("in-2", "impossible_date"),
        ("in-4", "impossible_date"),
        ("in-6", "clock_ahead"),
        ("in-7", "impossible_date"),
        ("in-8", "clock_ahead"),
    ]


async def test_what_could_not_be_read_what_nobody_knows_and_what_was_taken_back_too_soon(
    reporting: Running, bus: Bus, settled: Settled
) -> None:
    await bus.raw("tenancy.events", b"not JSON", key=b"t1")
    later = to_record(told(2))
    headers = [(name, value.replace(b"TenantMovedIn", b"TenantDanced")) for name, value in later.headers]
    await bus.raw("tenancy.events", later.value, key=later.key, headers=headers)
    await withdraw(bus, told(3))
    await bus.send(
        Event.of(TenantMovedOut(tenancy_id="t2", moved_out_on=date(2019, 3, 1)), id="out", source=SOURCE, time=NOON)
    )
    await settled(reporting)
    text = await page(reporting, **OPERATOR)
    for words in ("Couldn't be read", "se.vatterhem.TenantDanced.v1", "Takes back events that haven't come"):
        assert words in text
    assert 'href="/ops/reporting/parked?reason=' in text
    unmeasured = text[text.index("Events that no goal counts</h2>") :]
    assert "TenantMovedOut" in unmeasured
    assert "TenantDanced" not in unmeasured
