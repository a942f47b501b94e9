"""Publications through the front door: what the public sees, what stays, what is told of a change, and who stands behind."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx2
import pytest

from schemas.reporting import FigurePublished, PeriodClosed, ReportRestated
from services.chassis.settings import SettingsError, load
from services.chassis.testkit import MASTER_KEY, OPERATOR, Bus, MovableClock, Running, Start
from services.reporting.app import service
from services.reporting.settings import ReportingSettings
from tests.reporting.landlord import GOAL, Landlord, Settled

PUBLIC = {"public_figures": "published"}


async def post(reporting: Running, path: str, **form: str) -> httpx2.Response:
    return await reporting.client.post(path, data=form, headers=OPERATOR, follow_redirects=False)


async def publish(reporting: Running, period: str, **form: str) -> httpx2.Response:
    return await post(reporting, f"/publications/{period}/publish", sure="yes", **form)


async def figures(reporting: Running, period: str, **staff: Any) -> dict[str | None, dict[str, Any]]:
    """By area (None: the company), the main measure's figures that the visitor sees of the goal."""
    answer = await reporting.client.get("/api/v1/figures", params={"goal": GOAL, "period": period}, **staff)
    assert answer.status_code == 200, answer.text
    found = answer.json()["figures"]
    return {one["area"]: one for one in found if one["measure"] == found[0]["measure"]}


def counted(found: dict[str | None, dict[str, Any]]) -> dict[str | None, tuple[Any, Any]]:
    return {area: (one["numerator"], one["denominator"]) for area, one in found.items()}


@pytest.fixture
async def reporting(start: Start, bus: Bus, landlord: Landlord, clock: MovableClock, settled: Settled) -> Running:
    """Three areas in 2019: 3 of 3, 10 of 12 and 18 of 20 households were offered an introduction."""
    clock.set(datetime(2020, 2, 1, 12, tzinfo=UTC))
    number = 0
    for area, offered, of in (("small", 3, 3), ("middle", 10, 12), ("large", 18, 20)):
        await landlord.area(area, area.title(), target=None)
        for n in range(of):
            number += 1
            await landlord.household(number, offered=n < offered, area=area)
    running = await start(service, **PUBLIC)
    await settled(running)
    return running


async def test_the_public_sees_nothing_until_it_is_published_and_then_no_small_figure(
    reporting: Running, bus: Bus
) -> None:
    assert await figures(reporting, "2019") == {}
    assert (await figures(reporting, "2019", headers=OPERATOR))["large"]["denominator"] == 20
    assert (await publish(reporting, "2019")).status_code == 303
    seen = counted(await figures(reporting, "2019"))
    assert seen == {None: (31, 35), "small": (None, None), "middle": (None, None), "large": (18, 20)}
    told = await bus.expect(FigurePublished, goal_id=GOAL, count=4)
    by_area = {(event.data.dimension or {}).get("area"): event.data for event in told if event.data.measure is None}
    assert by_area["small"].status == by_area["middle"].status == "not_shown"
    assert (by_area["large"].numerator, by_area["large"].denominator, by_area["large"].value) == (18, 20, 90)


async def test_a_change_is_told_when_it_is_large_enough_and_stands_beside_what_was_told(
    reporting: Running, bus: Bus, landlord: Landlord, clock: MovableClock, settled: Settled
) -> None:
    await publish(reporting, "2019")
    for n in (101, 102):
        await landlord.household(n, area="large")
    await settled(reporting)
    again = await publish(reporting, "2019")
    assert again.status_code == 409
    assert "Inget som får berättas" in again.text
    for n in range(103, 109):
        await landlord.household(n, area="large")
    await landlord.household(109, area="middle")
    await settled(reporting)
    clock.move(timedelta(days=1))
    assert (await publish(reporting, "2019")).status_code == 303
    found = await figures(reporting, "2019")
    assert counted(found)["large"] == (26, 28)
    assert counted(found)[None] == (39, 43), "the one in the middle isn't told: it is one household"
    assert (await figures(reporting, "2019", headers=OPERATOR))["middle"]["denominator"] == 13


async def test_a_closed_period_stays_and_a_restatement_tells_both_values_and_why(
    reporting: Running, bus: Bus, landlord: Landlord, settled: Settled
) -> None:
    assert (await post(reporting, "/publications/2019/close")).status_code == 409
    await publish(reporting, "2019")
    assert (await post(reporting, "/publications/2019/approve")).status_code == 303
    assert (await post(reporting, "/publications/2019/approve")).status_code == 409
    assert (await post(reporting, "/publications/2019/close")).status_code == 303
    await bus.expect(PeriodClosed, period="2019", closed_on=date(2020, 2, 1))
    for n in range(201, 211):
        await landlord.household(n, area="large", offered=False)
    await settled(reporting)
    assert (await figures(reporting, "2019", headers=OPERATOR))["large"]["denominator"] == 20
    assert (await publish(reporting, "2019")).status_code == 409
    assert (await publish(reporting, "2019", reason="late_events")).status_code == 303
    [restated] = await bus.expect(ReportRestated, report_id="publication-2019", reason="late_events")
    values = {(f.dimension or {}).get("area"): (f.value_before, f.value_after) for f in restated.data.figures}
    assert values["large"] == (90, 60)
    found = await figures(reporting, "2019")
    assert counted(found) == {None: (31, 45), "small": (None, None), "middle": (None, None), "large": (18, 30)}
    shown = (await reporting.client.get("/publications/2019", params={"lang": "en"})).text
    for said in ("Restatement", "events came late", "90 %", "60 %", "operator"):
        assert said in shown


async def test_a_quarter_is_not_told_less_its_months(
    reporting: Running, landlord: Landlord, clock: MovableClock, settled: Settled
) -> None:
    await publish(reporting, "2019-03")
    for n, month in ((301, 1), (302, 2)):
        await landlord.household(n, on=date(2019, month, 3), area="large")
    await settled(reporting)
    assert (await publish(reporting, "2019-Q1")).status_code == 303
    assert counted(await figures(reporting, "2019-03"))["large"] == (18, 20)
    assert counted(await figures(reporting, "2019-Q1"))["large"] == (None, None), (
        "the two of January and February would be the difference"
    )


async def test_who_publishes_has_a_role_for_it(reporting: Running) -> None:
    for path in ("publish", "approve", "close"):
        answer = await reporting.client.post(f"/publications/2019/{path}", data={"sure": "yes"}, follow_redirects=False)
        assert answer.status_code == 401
    assert (await reporting.client.get("/publications/2019/draft")).status_code == 401
    assert (await reporting.client.get("/publications/2019")).status_code == 404
    assert (await post(reporting, "/publications/2021/publish", sure="yes")).status_code == 409


def test_live_figures_are_shown_to_all_on_one_machine_only(monkeypatch: pytest.MonkeyPatch) -> None:
    needed = {
        "HEM_REPORTING_DATABASE_URL": "postgres://hem:secret@localhost/reporting",
        "HEM_REPORTING_MASTER_KEY": MASTER_KEY,
        "HEM_KAFKA_SERVERS": "localhost:9092",
        "HEM_SESSION_SECRET": "x" * 32,
        "HEM_OPERATOR_TOKEN": "y" * 32,
    }
    for name, value in needed.items():
        monkeypatch.setenv(name, value)
    assert not load(ReportingSettings).shows_live
    monkeypatch.setenv("HEM_REPORTING_PUBLIC_FIGURES", "live")
    with pytest.raises(SettingsError, match="HEM_REPORTING_PUBLIC_FIGURES"):
        load(ReportingSettings)
    monkeypatch.setenv("HEM_LOOPBACK", "true")
    assert load(ReportingSettings).shows_live
