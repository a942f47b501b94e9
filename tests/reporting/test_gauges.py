"""Figures for Prometheus: names that stay, a figure that isn't shown is absent, and never more series than promised."""

from datetime import UTC, date, datetime
from fractions import Fraction

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from services.reporting import gauges
from services.reporting.definitions import load
from services.reporting.domain.figures import Status, Tally
from services.reporting.domain.periods import Period
from services.reporting.gauges import Gauges
from services.reporting.service.shapes import Figure, MeasureReport, Report

GOAL = load().by_id["housing-introduction-offered"]


def figure(area: str | None, numerator: int, denominator: int, status: Status = Status.INFORMATION) -> Figure:
    return Figure(
        goal=GOAL, measure=GOAL.main, period=Period.year(2019), area=area, area_name=area, dimension=None,
        in_programme=True, tally=Tally(numerator, denominator),
        value=Fraction(100 * numerator, denominator) if denominator else None, before=None, status=status, target=None,
        targets=(), provisional=False, ripe_on=date(2019, 12, 31), as_of=datetime(2020, 5, 1, tzinfo=UTC), trend=[],
    )  # fmt: skip


def exposed(areas: list[Figure], by: dict[str, list[Figure]] | None = None) -> dict[tuple[str, str], float]:
    """(metric, area) → value, as Prometheus reads them."""
    registry, shown = CollectorRegistry(), Gauges()
    registry.register(shown)
    report = MeasureReport(GOAL.main, figure(None, 14, 16), areas, by or {})
    shown.show([Report(GOAL, [report])])
    return {
        (sample.name, sample.labels.get("area", "")): sample.value
        for family in text_string_to_metric_families(generate_latest(registry).decode())
        for sample in family.samples
    }


def test_what_is_not_shown_is_absent() -> None:
    areas = [
        figure("oxnehaga", 9, 10),
        figure("ekhagen", 1, 3, Status.SUPPRESSED),
        figure("raslatt", 0, 0, Status.NO_DATA),
    ]
    found = exposed(areas)
    assert {area for _, area in found} == {"all", "oxnehaga", ""}
    assert found["hem_goal_value", "oxnehaga"] == 90
    assert (found["hem_goal_numerator", "all"], found["hem_goal_denominator", "all"]) == (14, 16)
    assert found["hem_goal_figures_left_out", ""] == 0


def test_the_series_are_bounded_and_other_dimensions_have_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gauges, "MOST", 5)
    found = exposed(
        [figure(f"area-{number}", 9, 10) for number in range(20)], {"occupation": [figure(None, 3, 10)] * 50}
    )
    assert sum(name == "hem_goal_value" for name, _ in found) == 5
    assert ("hem_goal_value", "all") in found
    assert found["hem_goal_figures_left_out", ""] == 16
