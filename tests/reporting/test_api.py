"""The goal API, gauges and lineage: the contract that others rely on."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from schemas.governance import ProgrammeEnded, SteeringDocumentAdopted, TargetSet
from services.chassis.testkit import OPERATOR, Bus, MovableClock, Running, Start, eventually
from services.reporting import repository
from services.reporting.app import service
from tests.reporting.landlord import (
    GOAL,
    NOON,
    Landlord,
    Settled,
    cancelled,
    failed,
    figure,
    moved_in,
    offered_to,
    withdraw,
)

FIELDS = {
    "goal", "measure", "title", "period", "area", "dimensions", "value", "unit", "numerator", "denominator", "target",
    "status", "provisional", "published", "as_of", "definition_version",
}  # fmt: skip


@pytest.fixture
async def reporting(start: Start, landlord: Landlord, clock: MovableClock) -> Running:
    clock.set(datetime(2020, 5, 1, 12, tzinfo=UTC))
    await landlord.area()
    return await start(service)


async def test_the_figure_object(reporting: Running, landlord: Landlord, settled: Settled) -> None:
    await landlord.households(137, of=150)
    await settled(reporting)
    found = await figure(reporting)
    assert found.keys() == FIELDS
    assert found.pop("value") == pytest.approx(91.3333, abs=1e-3)
    assert found == {
        "goal": GOAL, "measure": "share", "title": "Bointroduktion till nyinflyttade", "period": "2019",
        "area": "oxnehaga", "dimensions": {}, "unit": "%", "numerator": 137, "denominator": 150,
        "target": {"comparison": ">=", "value": 90}, "status": "met", "provisional": False, "published": False,
        "as_of": "2020-05-01T14:00:00+02:00", "definition_version": 1,
    }  # fmt: skip
    whole = await figure(reporting, None)
    assert whole.keys() == FIELDS | {"areas"}
    assert (whole["area"], whole["numerator"], whole["target"], whole["status"]) == (None, 137, None, "information")
    assert [area["area"] for area in whole["areas"]] == ["oxnehaga"]


@pytest.mark.parametrize(("of", "shown"), [(4, False), (5, True)])
async def test_fewer_than_five_are_not_shown_anywhere(
    reporting: Running, landlord: Landlord, settled: Settled, of: int, shown: bool
) -> None:
    await landlord.households(of, of=of)
    await settled(reporting)
    found = await figure(reporting)
    assert found["status"] == ("met" if shown else "suppressed")
    assert (found["value"], found["numerator"], found["denominator"]) == ((100, 5, 5) if shown else (None, None, None))
    assert (await figure(reporting, None))["status"] == ("information" if shown else "suppressed")
    behind = (await reporting.client.get(f"/api/goals/{GOAL}/events?period=2019&area=oxnehaga")).json()
    assert bool(behind["events"]) is shown
    gauge = f'hem_goal_denominator{{area="oxnehaga",goal="{GOAL}",measure="share",period="2019"}} 5.0'
    if shown:

        async def exposed() -> bool:
            return gauge in (await reporting.client.get("/metrics")).text

        await eventually("the gauge", exposed)
    for address in ("/", f"/goals/{GOAL}?period=2019&area=oxnehaga", f"/goals/{GOAL}/events?period=2019"):
        text = (await reporting.client.get(address, headers={"accept": "text/html"})).text
        assert ("in-0" in text or "5 av 5" in text) is shown
        assert "4 av 4" not in text


async def test_no_data_zero_and_not_shown_are_different_answers(
    reporting: Running, landlord: Landlord, settled: Settled
) -> None:
    await landlord.area("raslatt", "Råslätt")
    await landlord.area("ekhagen", "Ekhagen")
    await landlord.households(0, of=6, area="raslatt")
    await landlord.households(1, of=1, area="ekhagen", first=50)
    await settled(reporting)
    found = {f["area"]: f for f in (await reporting.client.get("/api/goals?period=2019")).json()}
    assert (found["oxnehaga"]["status"], found["oxnehaga"]["value"]) == ("no_data", None)
    assert (found["raslatt"]["status"], found["raslatt"]["value"], found["raslatt"]["numerator"]) == ("missed", 0, 0)
    assert (found["ekhagen"]["status"], found["ekhagen"]["value"]) == ("suppressed", None)
    assert found[None]["status"] == "suppressed", "the company less Råslätt would tell of Ekhagen"


async def test_the_company_counts_only_days_with_the_programme(
    bus: Bus, reporting: Running, landlord: Landlord, settled: Settled
) -> None:
    await landlord.area("raslatt", "Råslätt", programme=False)
    await landlord.households(5, of=5, area="raslatt")
    await landlord.households(9, of=10, first=10, on=date(2019, 6, 30))
    await landlord.households(0, of=10, first=30, on=date(2019, 7, 1))
    await bus.publish(ProgrammeEnded(programme="housing_introduction", area_id="oxnehaga", ended_on=date(2019, 6, 30)))
    await settled(reporting)
    whole = await figure(reporting, None)
    assert (whole["numerator"], whole["denominator"]) == (9, 10)
    areas = {area["area"]: area for area in whole["areas"]}
    assert (areas["oxnehaga"]["denominator"], areas["oxnehaga"]["status"]) == (20, "missed")
    assert (areas["raslatt"]["denominator"], areas["raslatt"]["status"]) == (5, "information")


async def test_the_year_under_way_waits_thirty_days(
    reporting: Running, landlord: Landlord, settled: Settled, clock: MovableClock
) -> None:
    await landlord.households(8, of=8, on=date(2019, 3, 1))
    await landlord.households(0, of=2, first=20, on=date(2019, 5, 20))
    await settled(reporting)
    clock.set(datetime(2019, 6, 1, 12, tzinfo=UTC))
    found = await figure(reporting)
    assert (found["status"], found["provisional"], found["denominator"]) == ("on_track", True, 10)
    clock.set(datetime(2019, 6, 19, 12, tzinfo=UTC))
    assert (await figure(reporting))["status"] == "behind"
    clock.set(datetime(2019, 5, 19, 23, 59, tzinfo=UTC))  # in Stockholm it is the 20th
    assert (await figure(reporting))["denominator"] == 10
    clock.set(datetime(2019, 5, 19, 21, 59, tzinfo=UTC))
    assert (await figure(reporting))["denominator"] == 8
    clock.set(datetime(2020, 1, 1, 12, tzinfo=UTC))
    assert (await figure(reporting))["status"] == "missed"


async def test_above_is_not_at_least(reporting: Running, landlord: Landlord, settled: Settled) -> None:
    await landlord.area("raslatt", "Råslätt", comparison=">")
    await landlord.households(9, of=10)
    await landlord.households(9, of=10, first=50, area="raslatt")
    await settled(reporting)
    assert (await figure(reporting))["status"] == "met"
    assert (await figure(reporting, "raslatt"))["status"] == "missed"


async def test_quarters_and_months_without_anything_computed_again(
    reporting: Running, landlord: Landlord, settled: Settled
) -> None:
    await landlord.households(5, of=6, on=date(2019, 3, 31))
    await landlord.households(7, of=7, first=50, on=date(2019, 4, 1))
    await settled(reporting)
    assert (await figure(reporting, period="2019-Q1"))["denominator"] == 6
    assert (await figure(reporting, period="2019-04"))["denominator"] == 7
    assert (await figure(reporting, period="2019"))["denominator"] == 13


async def test_the_latest_year_with_data_is_the_default(
    reporting: Running, landlord: Landlord, settled: Settled
) -> None:
    await settled(reporting)
    (empty,) = (await reporting.client.get("/api/goals", params={"area": "oxnehaga"})).json()
    assert (empty["period"], empty["status"]) == ("2020", "no_data")
    await landlord.households(5, of=5)
    await settled(reporting)
    (found,) = (await reporting.client.get("/api/goals", params={"area": "oxnehaga"})).json()
    assert (found["period"], found["status"]) == ("2019", "met")


@pytest.mark.parametrize(
    ("path", "status", "named"),
    [
        ("/api/goals/nothing", 404, GOAL),
        (f"/api/goals/{GOAL}?area=nowhere", 404, "oxnehaga"),
        ("/api/goals?area=nowhere", 404, "oxnehaga"),
        (f"/api/goals/{GOAL}?period=yesterday", 400, "2019-Q2"),
        (f"/api/goals/{GOAL}?colour=red", 400, "area"),
        (f"/api/goals/{GOAL}/events?role=hero", 400, "numerator"),
        (f"/api/goals/{GOAL}/events?cursor=x", 400, "next"),
        (f"/api/goals/{GOAL}/events?limit=0", 400, "limit"),
    ],
)
async def test_what_does_not_exist_names_what_does(
    reporting: Running, settled: Settled, path: str, status: int, named: str
) -> None:
    await settled(reporting)
    answer = await reporting.client.get(path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert named in answer.text
    page = await reporting.client.get(path.removeprefix("/api"), headers={"accept": "text/html"})
    assert page.status_code in {status, 404} if "/events" not in path else page.status_code == status


async def test_lineage_pages_through_every_event_once(
    bus: Bus, reporting: Running, landlord: Landlord, settled: Settled
) -> None:
    for number in range(12):
        await landlord.household(number, on=date(2019, 3, 1) + timedelta(days=number % 3))
    await bus.send(cancelled(0), failed(1), offered_to(2, id="again", time=NOON + timedelta(days=4)))
    await bus.send(moved_in(3, id="older", time=NOON - timedelta(days=1)), offered_to(99))
    await withdraw(bus, moved_in(4))
    await withdraw(bus, offered_to(5))
    await settled(reporting)
    found: list[dict[str, Any]] = []
    address: str | None = f"/api/goals/{GOAL}/events?period=2019&area=oxnehaga&limit=5"
    while address:
        answer = (await reporting.client.get(address)).json()
        assert 0 < len(answer["events"]) <= 5
        found += answer["events"]
        address = answer["next"]
    assert len(found) == len({event["id"] for event in found}) == 12 * 2 + 6
    said = {event["id"]: (event["role"], event["reason"]) for event in found}
    assert said["in-0"] == said["offer-0"] == ("excluded", "cancelled")
    assert said["cancel-0"] == ("excluded", "cancels")
    assert said["offer-1"] == ("excluded", "revoked")
    assert said["failed-1"] == ("excluded", "revokes")
    assert said["offer-2"] == ("excluded", "superseded")
    assert said["again"] == ("numerator", None)
    assert said["older"] == ("excluded", "superseded")
    assert said["in-4"] == said["offer-5"] == ("excluded", "withdrawn")
    assert said["withdraw-in-4"] == ("excluded", "withdraws")
    now = await figure(reporting)
    roles = [event["role"] for event in found]
    assert (roles.count("numerator"), roles.count("denominator")) == (now["numerator"], now["denominator"]) == (8, 10)
    (only,) = (await reporting.client.get(f"/api/goals/{GOAL}/events?period=2019&role=excluded&limit=1")).json()[
        "events"
    ]
    assert only["role"] == "excluded"


async def test_pages_speak_swedish_first_and_say_what_to_do_when_empty(reporting: Running, settled: Settled) -> None:
    text = (await reporting.client.get("/", headers={"accept": "text/html"})).text
    assert '<html lang="sv"' in text
    assert "hem publish" in text
    assert "No goals" not in text


async def test_the_front_page_groups_by_steering_document(
    bus: Bus, reporting: Running, landlord: Landlord, settled: Settled
) -> None:
    await bus.publish(
        SteeringDocumentAdopted(
            document_id="integration-goals-2019", title="Integrationsmål 2019", adopted_by="board",
            valid_from=date(2019, 1, 15), applies_until_replaced=True,
        )
    )  # fmt: skip
    company = TargetSet(
        goal_id=GOAL,
        comparison=">=",
        value=50,
        unit="percent",
        valid_from=date(2019, 1, 1),
        document_id="business-plan",
    )
    await bus.publish(company)
    await landlord.households(9, of=10)
    await settled(reporting)
    text = (await reporting.client.get("/?period=2019", headers={"accept": "text/html"})).text
    assert "Integrationsmål 2019</h2>" in text
    assert text.count('class="goal"') == 2
    assert "9 av 10 hushåll" in text
    assert "mål minst 90" in text


async def test_a_subject_page_tells_what_happens_when_a_tenant_moves_in(
    bus: Bus, reporting: Running, landlord: Landlord, settled: Settled
) -> None:
    await landlord.household(1)
    await bus.send(failed(1))
    await settled(reporting)
    page = {"accept": "text/html"}
    assert (await reporting.client.get("/subjects/t1", headers=page)).status_code == 401
    answer = await reporting.client.get("/subjects/t1", headers={**page, **OPERATOR})
    assert answer.status_code == 200
    order = [answer.text.index(name) for name in ("TenantMovedIn", "HousingIntroductionOffered", "NotificationFailed")]
    assert order == sorted(order)
    assert "r1" not in answer.text.split("<main")[1], "the household's own id is not needed here"
    assert (await reporting.client.get("/subjects/nobody", headers={**page, **OPERATOR})).status_code == 404


STATEMENTS = [
    (name, sql)
    for name, sql in vars(repository).items()
    if name.isupper() and not name.startswith("_") and isinstance(sql, str)
]


@pytest.mark.parametrize(("name", "sql"), STATEMENTS, ids=[name for name, _ in STATEMENTS])
async def test_every_statement_fits_the_schema(postgres_dsn: str, new_database: Any, name: str, sql: str) -> None:
    connection = await asyncpg.connect(await new_database(service))
    try:
        async with connection.transaction():
            if "staged" in sql and name != "STAGE_FACTS":
                await connection.execute(repository.STAGE_FACTS)
            await connection.prepare(sql)
    finally:
        await connection.close()
