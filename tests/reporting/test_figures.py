"""Periods, targets, status and what may not be shown."""

from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.reporting.definitions import load
from services.reporting.domain.figures import (
    Count,
    Point,
    Status,
    Tally,
    Way,
    average,
    company_tells_of_few,
    is_too_few,
    median,
    meets,
    status_of,
    trend,
)
from services.reporting.domain.landlord import Area, Comparison, Document, Landlord, Programme, Target
from services.reporting.domain.periods import Period, UnknownPeriod
from services.reporting.service.figures import _Maker
from services.reporting.service.shapes import Known

SHARE, SUM, STOCK = Way(ratio=True), Way(grows=True), Way()
YEAR = Period.parse("2019")


def target(comparison: Comparison = ">=", value: str | None = "90", **more: Any) -> Target:
    fields: dict[str, Any] = {
        "goal": "g", "measure": None, "area": "oxnehaga", "comparison": comparison,
        "value": None if value is None else Decimal(value), "unit": "%", "valid_from": date(2019, 1, 1),
        "valid_to": None, "document": "plan",
    }  # fmt: skip
    return Target(**{**fields, **more})


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2019", date(2019, 1, 1), date(2019, 12, 31)),
        ("2019-Q2", date(2019, 4, 1), date(2019, 6, 30)),
        ("2020-q1", date(2020, 1, 1), date(2020, 3, 31)),
        ("2020-02", date(2020, 2, 1), date(2020, 2, 29)),
    ],
)
def test_periods(text: str, first: date, last: date) -> None:
    period = Period.parse(text)
    assert (period.first, period.last, period.label) == (first, last, text.upper())


@pytest.mark.parametrize("text", ["", "19", "2019-Q5", "2019-13", "2019-1", "20190", "0000", "٢٠١٩", "2019\n-01"])
def test_what_is_no_period_says_what_is(text: str) -> None:
    with pytest.raises(UnknownPeriod, match="2019-Q2"):
        Period.parse(text)


@given(st.integers(1, 10**9), st.integers(0, 10**9))
def test_exactly_the_target_is_met_by_at_least_and_not_by_above(denominator: int, over: int) -> None:
    numerator, whole = denominator * 9, denominator * 10

    def met(comparison: Comparison, reached: int) -> bool | None:
        value = SHARE.value(Tally(reached, whole))
        assert value is not None
        return meets(value, target(comparison), None)

    assert met(">=", numerator)
    assert not met(">", numerator)
    assert met("<=", numerator)
    assert met(">", numerator + 1)
    assert not met(">=", numerator - 1)


@pytest.mark.parametrize(
    ("tally", "more", "expected"),
    [
        (Tally(0, 0), {}, Status.NO_DATA),
        (Tally(4, 4), {"hidden": True}, Status.SUPPRESSED),
        (Tally(0, 0), {"hidden": True}, Status.NO_DATA),
        (Tally(9, 10), {"has_data": False}, Status.NO_DATA),
        (Tally(9, 10), {}, Status.MET),
        (Tally(8, 10), {"passed": (365, 365)}, Status.MISSED),
        (Tally(8, 10, waiting=1), {}, Status.ON_TRACK),
        (Tally(8, 10, waiting=1), {"passed": (365, 365)}, Status.ON_TRACK),  # not ripe yet
        (Tally(8, 10, waiting=0), {}, Status.BEHIND),
        (Tally(8, 10), {"target": None}, Status.INFORMATION),
        (Tally(8, 10), {"target": target("increase", None)}, Status.INFORMATION),  # nothing to compare with
        (Tally(8, 10), {"target": target("increase", None), "before": 79}, Status.MET),
        (Tally(8, 10), {"target": target("increase", None), "before": 80}, Status.BEHIND),
    ],
)
def test_status_of_a_share(tally: Tally, more: dict[str, Any], expected: Status) -> None:
    assert status(tally, SHARE, **more) is expected


@pytest.mark.parametrize(
    ("count", "more", "expected"),
    [
        (90, {}, Status.MET),
        (45, {"passed": (182, 365)}, Status.ON_TRACK),
        (44, {"passed": (182, 365)}, Status.BEHIND),
        (89, {"passed": (365, 365)}, Status.MISSED),
        (0, {}, Status.BEHIND),
        (50, {"target": target("increase", None), "before": 90, "passed": (182, 365)}, Status.ON_TRACK),
        (40, {"target": target("increase", None), "before": 90, "passed": (182, 365)}, Status.BEHIND),
        (90, {"target": target("increase", None), "before": 90, "passed": (365, 365)}, Status.MISSED),
        (0, {"target": target("done", None)}, Status.ON_TRACK),
        (0, {"target": target("done", None), "passed": (365, 365)}, Status.MISSED),
        (1, {"target": target("done", None)}, Status.MET),
        (95, {"target": target("<=")}, Status.BEHIND),
    ],
)
def test_status_of_what_adds_up_follows_the_time_that_has_passed(
    count: int, more: dict[str, Any], expected: Status
) -> None:
    assert status(Tally(count), SUM, **more) is expected


def test_a_stock_has_no_pace() -> None:
    assert status(Tally(89), STOCK, passed=(1, 365)) is Status.BEHIND


def status(tally: Tally, way: Way, **more: Any) -> Status:
    said = {"target": target(), "before": None, "passed": (100, 365), "hidden": False, "has_data": True, **more}
    before = None if said["before"] is None else Fraction(said.pop("before"))
    return status_of(tally, way.value(tally), way, **{**said, "before": before})


def test_the_median_comes_from_counts_per_day() -> None:
    assert median(Tally(4, spread=((3, 1), (5, 2), (40, 1)))) == 5
    assert median(Tally(4, spread=((3, 2), (6, 2)))) == Fraction(9, 2)
    assert median(Tally(3)) == 0  # all on the day itself
    assert median(Tally(0)) is None


def test_an_average_weighs_each_level_by_its_days() -> None:
    first, last = date(2019, 1, 1), date(2019, 1, 10)
    assert average([(date(2018, 5, 1), 100)], first, last) == 100
    assert average([(date(2018, 5, 1), 100), (date(2019, 1, 6), -50)], first, last) == 75
    assert average([(date(2019, 1, 6), 100)], first, last) == 50
    assert average([(date(2019, 1, 11), 100)], first, last) is None


def test_below_the_threshold_is_too_few_and_zero_is_not() -> None:
    assert [is_too_few(Tally(0, n), SHARE, 5) for n in (0, 1, 4, 5)] == [False, True, True, False]
    assert not is_too_few(Tally(0, 1), SHARE, 0)  # things, not people
    assert [is_too_few(Tally(n), SUM, 5) for n in (0, 4, 5)] == [False, True, False]


def test_where_a_goal_is_sensitive_few_who_do_or_do_not_are_too_few() -> None:
    few = [is_too_few(Tally(n, 20), SHARE, 5, sensitive=True) for n in (0, 1, 4, 5, 15, 16, 20)]
    assert few == [True, True, True, False, False, True, True]  # none of 20, or all, tells of each of them
    assert not is_too_few(Tally(0, 0), SHARE, 5, sensitive=True)
    assert not is_too_few(Tally(0, 20), SHARE, 0, sensitive=True)
    assert not is_too_few(Tally(1, 20), SHARE, 5)


def test_the_company_is_hidden_where_subtracting_the_areas_would_tell() -> None:
    assert company_tells_of_few([(Tally(1, 4), True), (Tally(9, 10), False)], SHARE, 5)
    assert not company_tells_of_few([(Tally(1, 4), True), (Tally(1, 3), True), (Tally(9, 10), False)], SHARE, 5)
    assert not company_tells_of_few([(Tally(9, 10), False)], SHARE, 5)
    none_of_many = [(Tally(0, 19), True), (Tally(9, 20), False)]
    assert company_tells_of_few(none_of_many, SHARE, 5, sensitive=True)
    assert not company_tells_of_few([*none_of_many, (Tally(9, 20), True)], SHARE, 5, sensitive=True)


def landlord(*targets: Target, documents: tuple[Document, ...] = ()) -> Landlord:
    return Landlord((), (Programme("intro", "oxnehaga", date(2019, 6, 1), date(2019, 6, 30)),), targets, documents)


def test_the_target_in_force_is_the_one_that_began_last() -> None:
    old, new = target(value="80", valid_from=date(2018, 1, 1)), target(valid_to=date(2019, 12, 31))
    found = landlord(old, new)
    assert found.target("g", "share", "%", "oxnehaga", date(2018, 6, 1)) is old
    assert found.target("g", "share", "%", "oxnehaga", date(2019, 6, 1)) is new
    assert found.target("g", "share", "%", "oxnehaga", date(2020, 6, 1)) is old
    assert found.target("g", "share", "%", None, date(2019, 6, 1)) is None
    revised = target(valid_to=date(2019, 12, 31), revises=True)
    assert landlord(old, new, revised).target("g", "share", "%", "oxnehaga", date(2019, 6, 1)) is revised
    assert landlord(old, revised).target("g", "share", "%", "oxnehaga", date(2020, 6, 1)) is None


def test_of_two_documents_targets_from_the_same_day_that_of_the_later_document_applies() -> None:
    plan = Document("a-plan", "Plan", "board", date(2019, 1, 15), None, False, None)
    directive = Document("b-directive", "Directive", "owner", date(2016, 1, 1), None, False, None)
    by_plan, by_directive = target(document="a-plan"), target(document="b-directive", value="80")
    for told in permutations((by_plan, by_directive)):
        found = landlord(*told, documents=(plan, directive))
        assert found.target("g", "share", "%", "oxnehaga", date(2019, 6, 1)) is by_plan
        assert landlord(*told).target("g", "share", "%", "oxnehaga", date(2019, 6, 1)) is by_directive


def test_an_area_is_called_what_it_was_called_then() -> None:
    areas = (Area("oxnehaga", "Öxnehaga", date(2019, 7, 1)), Area("oxnehaga", "Oxnehaga", date(2010, 1, 1)))
    found = Landlord(areas, (), (), ())
    assert found.name_of("oxnehaga", date(2019, 6, 30)) == "Oxnehaga"
    assert found.name_of("oxnehaga", date(2019, 7, 1)) == "Öxnehaga"
    assert found.name_of("oxnehaga", date(2009, 1, 1)) == "Oxnehaga"
    assert found.name_of("raslatt", date(2019, 7, 1)) == "raslatt"


def test_a_programme_covers_its_first_and_last_day() -> None:
    found = landlord()
    assert found.runs_in("intro", "oxnehaga", Period.parse("2019-06"))
    assert not found.runs_in("intro", "oxnehaga", Period.parse("2019-07"))
    assert not found.runs_in("intro", "oxnehaga", Period.parse("2019-05"))
    assert not found.runs_in("intro", "raslatt", YEAR)
    assert found.runs_in(None, "raslatt", YEAR)


def test_the_trend_follows_those_who_had_joined_and_ends_in_the_figure() -> None:
    january, march = date(2019, 1, 1), date(2019, 3, 1)
    counts = [Count("a", (), True, january, 0, 5, 10, 0), Count("a", (), True, march, 0, 10, 10, 0)]
    ends = YEAR.month_ends()
    points = trend(counts, SHARE, ends, date(2020, 6, 1), 5)
    assert [point.value for point in points] == [50, 50, *[75] * 10]
    assert [p.value for p in trend(counts[:1], SHARE, ends, date(2019, 2, 10), 11)] == [None, None]
    assert points[0] == Point(date(2019, 1, 31), Fraction(50))


def test_a_measure_that_says_nothing_of_where_has_no_figures_of_areas() -> None:
    goal = load().by_id["survey-languages"]
    told = Count("", ("",), True, date(2019, 1, 1), 0, 2, 3, 0)
    counts = {(goal.id, measure.id): [told] for measure in goal.measures}
    now, areas = datetime(2020, 1, 1, tzinfo=UTC), ["oxnehaga", "raslatt"]
    known = Known(YEAR, now, landlord(), counts, dict.fromkeys(counts, date(2019, 1, 1)), set(), areas)
    languages, rate = (_Maker(goal, measure, known).report() for measure in goal.measures)
    assert languages.company.value == 2
    assert not languages.areas
    assert [figure.area for figure in rate.areas] == areas
