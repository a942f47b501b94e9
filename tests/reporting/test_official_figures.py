"""Official statistics on real Kafka and Postgres, as the API and the pages tell them."""

from datetime import UTC, date, datetime
from typing import Any, Literal

from schemas.fields import Unit
from schemas.governance import AreaDefined, StatisticsRegion, SteeringDocumentAdopted, TargetSet
from schemas.statistics import OfficialStatisticImported
from services.chassis.testkit import Bus, MovableClock, Running, Start
from services.reporting.app import service
from tests.reporting.landlord import Settled

POLICY = "letting-policy-2017"


def rate(code: str, value: float | None, **other: Any) -> OfficialStatisticImported:
    said: dict[str, Any] = {
        "series": "employment-rate-bas", "source_table": "AM0207/Made-up", "register_": "BAS", "operator_agency": "SCB",
        "region_code": code, "region_kind": "municipality" if len(code) == 4 else "DeSO", "region_version": "2018",
        "population": "residents", "age_from": 20, "age_to": 64, "sex": "all", "period": "2021", "value": value,
        "status": "missing" if value is None else "final", "unit": "percent", "published_on": date(2022, 12, 8),
        "revision": 0,
    }  # fmt: skip
    return OfficialStatisticImported(**said | other)


def area(id: str, name: str, *codes: str) -> AreaDefined:
    regions = tuple(StatisticsRegion(code=code, kind="DeSO", version="2018", weight=1.0) for code in codes)
    return AreaDefined(
        area_id=id, name=name, municipality_code="0680", statistics_regions=regions, valid_from=date(2010, 1, 1)
    )


def target(goal: str, area: str, comparison: Literal[">", ">="], value: float, unit: Unit) -> TargetSet:
    return TargetSet(
        goal_id=goal, dimension={"area": area}, comparison=comparison, value=value, unit=unit,
        valid_from=date(2017, 1, 1), document_id=POLICY,
    )  # fmt: skip


async def figures(reporting: Running, goal: str, period: str = "2021") -> dict[str | None, dict[str, Any]]:
    """Area → its figure; None: the company's."""
    whole = (await reporting.client.get(f"/api/goals/{goal}", params={"period": period})).json()
    return {None: whole, **{one["area"]: one for one in whole["areas"]}}


async def test_areas_by_official_statistics(start: Start, bus: Bus, settled: Settled, clock: MovableClock) -> None:
    clock.set(datetime(2023, 5, 1, 12, tzinfo=UTC))
    reporting = await start(service)
    await bus.publish(
        SteeringDocumentAdopted(
            document_id=POLICY, title="Uthyrningspolicy", adopted_by="board", valid_from=date(2017, 1, 1)
        )
    )
    for place in ("added", "ranged", "unknown"):
        await bus.publish(target("employment-rate", place, ">", 51, "percent"))
    await bus.publish(target("employment-parity", "added", ">=", 0, "percentage_points"))
    for defined in (
        area("added", "Sammanlagda", "0680A001", "0680A002"),
        area("ranged", "Spannet", "0680A003", "0680A004"),
        area("unknown", "Okända", "0680A005", "0680A001"),
        area("untied", "Okopplade"),
    ):
        await bus.publish(defined)
    for told in (
        rate("0680A001", 40.0, numerator=400, denominator=1000),
        rate("0680A002", 90.0, numerator=90, denominator=100),
        rate("0680A003", 68.16),
        rate("0680A004", 87.42),
        rate("0680A005", None),
        rate("0680", 82.1),
        rate("0680", 80.4, period="2020"),
    ):
        await bus.publish(told)
    await settled(reporting)

    found = await figures(reporting, "employment-rate")
    added, ranged, unknown, untied = (found[id] for id in ("added", "ranged", "unknown", "untied"))
    assert (added["numerator"], added["denominator"], added["status"]) == (490, 1100, "missed")
    assert abs(added["value"] - 44.545) < 0.01
    # Lower and upper end are both above the target: it is met, whatever the whole is.
    assert (ranged["value"], ranged["status"]) == (None, "met")
    assert (unknown["value"], unknown["status"]) == (None, "no_data")
    assert (untied["value"], untied["status"]) == (None, "no_data")
    assert found[None]["value"] == 82.1

    parity = await figures(reporting, "employment-parity")
    assert abs(parity["added"]["value"] - (44.545 - 82.1)) < 0.01
    assert (parity["added"]["status"], parity["ranged"]["value"], parity[None]["value"]) == ("missed", None, None)

    page = (await reporting.client.get("/goals/employment-rate?period=2021&area=ranged")).text
    assert "68,2 % – 87,4 %" in page.replace("\N{NO-BREAK SPACE}", " ")
    assert "ligger mellan den lägsta och den högsta" in page
    page = (await reporting.client.get("/goals/employment-rate?period=2021&area=unknown")).text
    assert "En av områdets regioner saknar publicerat värde" in page

    front = (await reporting.client.get("/?period=2023", headers={"accept": "text/html"})).text
    assert {f'href="/?period={year}"' in front for year in (2020, 2021)} == {True}, "years of statistics alone"

    apart = (await reporting.client.get("/goals/employment-parity?period=2021", headers={"accept-language": "en"})).text
    assert "Told of each area by itself." in apart
    assert "nothing that has been told belongs" not in apart

    later = await figures(reporting, "employment-rate", "2023")
    assert later[None]["value"] == 82.1
    page = (await reporting.client.get("/goals/employment-rate?period=2023")).text
    assert "Det senaste som är publicerat: det gäller en tidigare period." in page
