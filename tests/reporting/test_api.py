"""The goal API, gauges and lineage: the contract that others rely on."""

import csv
import io
from datetime import UTC, date, datetime, timedelta
from typing import Any

import openpyxl
import pytest
from jsonstat_validator import validate_jsonstat  # type: ignore[import-untyped]

from schemas.governance import ProgrammeEnded
from services.chassis.testkit import OPERATOR, Bus, MovableClock, Running, Start, eventually
from services.reporting.app import service
from services.reporting.definitions import load
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
    "goal", "measure", "title", "period", "area", "area_name", "dimensions", "value", "range", "unit", "numerator",
    "denominator", "target", "status", "provisional", "final_on", "published", "published_on", "as_of",
    "definition_version", "flags", "notes",
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
        "area": "oxnehaga", "area_name": "Öxnehaga", "dimensions": {}, "range": None, "unit": "%",
        "numerator": 137, "denominator": 150,
        "target": {"comparison": ">=", "value": 90, "document": "integration-goals-2019"}, "status": "met",
        "provisional": False, "final_on": None, "published": False, "published_on": None,
        "as_of": "2020-05-01T14:00:00+02:00", "definition_version": load().by_id[GOAL].version, "flags": [], "notes": [],
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
    every = (await reporting.client.get("/api/goals?period=2019")).json()
    found = {f["area"]: f for f in every if f["goal"] == GOAL}
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


async def test_figures_by_goal_period_and_breakdown_a_page_at_a_time(
    reporting: Running, landlord: Landlord, settled: Settled
) -> None:
    await landlord.area("raslatt", "Råslätt")
    await landlord.households(9, of=10)
    await landlord.households(5, of=6, area="raslatt", first=50)
    await settled(reporting)
    every: list[dict[str, Any]] = []
    address: str | None = "/api/v1/figures?period=2019&period=2019-03&limit=50"
    while address:
        answer = (await reporting.client.get(address)).json()
        assert 0 < len(answer["figures"]) <= 50
        every += answer["figures"]
        address = answer["next"]
    names = [(f["goal"], f["measure"], f["period"], f["area"], str(f["dimensions"])) for f in every]
    assert len(set(names)) == len(names) > 100
    ours = [f for f in every if f["goal"] == GOAL]
    assert [(f["period"], f["area"], f["numerator"]) for f in ours] == [
        ("2019", None, 14), ("2019", "raslatt", 5), ("2019", "oxnehaga", 9),
        ("2019-03", None, 14), ("2019-03", "raslatt", 5), ("2019-03", "oxnehaga", 9),
    ]  # fmt: skip
    (alone,) = (await reporting.client.get(f"/api/v1/figures?goal={GOAL}&period=2019&by=company")).json()["figures"]
    assert {k: v for k, v in alone.items() if k != "as_of"} == {k: v for k, v in ours[0].items() if k != "as_of"}
    goals = (await reporting.client.get("/api/v1/goals?lang=en")).json()["goals"]
    (ours,) = [goal for goal in goals if goal["goal"] == GOAL]
    assert (ours["least_shown"], ours["counts"], ours["measures"][0]["unit"]) == (5, "people", "%")
    assert "se.vatterhem.TenantMovedIn.v1" in ours["events"]
    assert (await reporting.client.get(f"/api/v1/goals/{GOAL}?lang=en")).json() == ours


async def test_who_has_the_figures_already_is_sent_nothing(
    reporting: Running, landlord: Landlord, settled: Settled, clock: MovableClock
) -> None:
    await landlord.households(9, of=10)
    await settled(reporting)
    address = f"/api/v1/figures.csv?goal={GOAL}&period=2019"
    known: dict[str, str] = {}
    for ending in (".jsonstat", ".xlsx", "", ".csv"):
        address = f"/api/v1/figures{ending}?goal={GOAL}&period=2019"
        first = await reporting.client.get(address)
        clock.move(timedelta(minutes=1))
        known = {"if-none-match": first.headers["etag"]}
        again = await reporting.client.get(address, headers=known)
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
        assert (await reporting.client.get(f"{address}&lang=en", headers=known)).status_code == 200
    await landlord.households(5, of=5, first=50)
    await settled(reporting)
    assert (await reporting.client.get(address, headers=known)).status_code == 200


async def test_figures_as_they_were_on_a_day(reporting: Running, landlord: Landlord, settled: Settled) -> None:
    await landlord.households(6, of=6, on=date(2019, 3, 1))
    await landlord.households(5, of=7, first=50, on=date(2019, 6, 1))
    await settled(reporting)
    for as_of, denominator in (("2019-05-31", 6), ("2019-06-01", 13), ("2019-05-31T23:59:00+02:00", 6), ("", 13)):
        query = {"goal": GOAL, "area": "oxnehaga", "period": "2019", "as_of": as_of}
        (found,) = (await reporting.client.get("/api/v1/figures", params=query)).json()["figures"]
        assert found["denominator"] == denominator
        assert found["as_of"].startswith(as_of[:10] or "2020-05-01")


async def test_files_and_charts_tell_what_the_api_does(
    reporting: Running, landlord: Landlord, settled: Settled
) -> None:
    await landlord.area("ekhagen", "Ekhagen")
    await landlord.households(137, of=150)
    await landlord.households(1, of=3, area="ekhagen", first=200)
    await settled(reporting)
    get = reporting.client.get
    told = (await get("/api/v1/figures?period=2019")).json()["figures"]
    sheet = await get("/api/v1/figures.csv?period=2019")
    rows = list(csv.DictReader(io.StringIO(sheet.content.decode("utf-8-sig"), newline=""), delimiter=";"))
    assert [(r["goal"], r["measure"], r["area"], r["status"]) for r in rows] == [
        (f["goal"], f["measure"], f["area"] or "", f["status"]) for f in told
    ]
    hidden = next(r for r in rows if (r["goal"], r["area"]) == (GOAL, "ekhagen"))
    assert (hidden["value"], hidden["numerator"], hidden["status"]) == ("", "", "suppressed")
    assert "Visas inte" in hidden["notes"]
    statistics = (await get("/api/v1/figures.jsonstat?period=2019")).json()
    assert validate_jsonstat(statistics)
    assert statistics["dimension"]["area"]["category"]["label"]["oxnehaga"] == "Öxnehaga"
    book = openpyxl.load_workbook(io.BytesIO((await get(f"/api/v1/figures.xlsx?goal={GOAL}&period=2019")).content))
    assert book.sheetnames == ["Siffror", "Definitioner", "Källor"]
    assert [row[3] for row in book["Siffror"].iter_rows(min_row=2, values_only=True)] == [None, "ekhagen", "oxnehaga"]
    query = f"goal={GOAL}&period=2019&area=oxnehaga"
    drawing = await get(f"/api/v1/chart.svg?{query}")
    assert drawing.headers["content-type"] == "image/svg+xml"
    assert "91,3" in drawing.text
    assert "Hem (2020)" in drawing.text
    assert (await get(f"/api/v1/chart.png?{query}")).content.startswith(b"\x89PNG")
    assert "1 av 3" not in (await get(f"/api/v1/chart.svg?goal={GOAL}&period=2019&area=ekhagen")).text


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
    empty = await figure(reporting, period="")
    assert (empty["period"], empty["status"]) == ("2020", "no_data")
    await landlord.households(5, of=5)
    await settled(reporting)
    found = await figure(reporting, period="")
    assert (found["period"], found["status"]) == ("2019", "met")


WRONG = [
    ("/api/goals/nothing", 404, GOAL),
    (f"/api/goals/{GOAL}?area=nowhere", 404, "oxnehaga"),
    ("/api/goals?area=nowhere", 404, "oxnehaga"),
    (f"/api/goals/{GOAL}?period=yesterday", 400, "2019-Q2"),
    (f"/api/goals/{GOAL}?colour=red", 400, "area"),
    (f"/api/goals/{GOAL}/events?role=hero", 400, "numerator"),
    (f"/api/goals/{GOAL}/events?cursor=x", 400, "next"),
    (f"/api/goals/{GOAL}/events?limit=0", 400, "limit"),
    ("/api/v1/goals/nothing", 404, GOAL),
    (f"/api/v1/goals/{GOAL}/events?measure=nothing", 404, "share"),
    ("/api/v1/figures?goal=nothing", 404, GOAL),
    (f"/api/v1/figures?goal={GOAL}&measure=nothing", 404, "share"),
    ("/api/v1/figures?area=nowhere", 404, "oxnehaga"),
    ("/api/v1/figures?as_of=tomorrow", 400, "2020-03-01"),
    ("/api/v1/figures?as_of=2999-01-01", 400, "as_of"),
    ("/api/v1/figures?cursor=x", 400, "next"),
    ("/api/v1/figures?limit=5001", 400, "limit"),
    ("/api/v1/figures?" + "&".join(f"period=2019-{m:02}&period=2018-{m:02}&period=2017-{m:02}" for m in range(1, 13)), 400, "24"),
    ("/api/v1/figures.csv?goal=nothing", 404, GOAL),
    ("/api/v1/chart.svg?goal=nothing", 404, GOAL),
    ("/api/v1/chart.svg", 400, "goal"),
]  # fmt: skip


async def test_what_does_not_exist_names_what_does(reporting: Running, settled: Settled) -> None:
    await settled(reporting)
    for path, status, named in WRONG:
        answer = await reporting.client.get(path)
        assert (path, answer.status_code) == (path, status)
        assert answer.headers["content-type"] == "application/problem+json"
        assert named in answer.text, path


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
    ids = {event["id"] for event in found}
    assert {*(f"in-{n}" for n in range(12)), *(f"offer-{n}" for n in range(12))} - ids == set()
    assert len(found) == len(ids) == 12 * 2 + 6
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


async def test_who_is_not_signed_in_sees_nothing_of_what_is_counted_now(
    start: Start, landlord: Landlord, settled: Settled, clock: MovableClock
) -> None:
    clock.set(datetime(2020, 5, 1, 12, tzinfo=UTC))
    await landlord.area()
    reporting = await start(service, public_figures="published")
    await landlord.households(9, of=10)
    await settled(reporting)
    get = reporting.client.get
    for address in ("/api/v1/figures", "/api/v1/figures?period=2019", f"/api/v1/figures?goal={GOAL}&period=2019"):
        assert (await get(address)).json()["figures"] == []
        assert len((await get(address, headers=OPERATOR)).json()["figures"]) > 1
    for ending in (".csv", ".xlsx", ".jsonstat"):
        answer = await get(f"/api/v1/figures{ending}?goal={GOAL}&period=2019")
        assert b"oxnehaga" not in answer.content
    closed = {
        f"/api/v1/chart.svg?goal={GOAL}&period=2019": 404,
        f"/api/goals/{GOAL}?period=2019": 404,
        f"/api/goals/{GOAL}/events?period=2019": 401,
        f"/api/v1/goals/{GOAL}/events?period=2019": 401,
        "/api/v1/alerts": 401,
        "/alerts": 401,
    }
    assert {address: (await get(address)).status_code for address in closed} == closed
    assert (await get("/api/goals?period=2019")).json() == []
    assert (await get("/api/v1/goals")).status_code == 200
