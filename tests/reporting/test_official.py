"""Official statistics: what an area's regions say together, what may be compared, and what is never made up."""

import csv
import random
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from schemas.event import EventData
from schemas.governance import AreaDefined, StatisticsRegion
from schemas.statistics import OfficialStatisticImported
from schemas.withdrawal import EventWithdrawn
from services.reporting.domain.facts import Fact
from services.reporting.domain.official import OfficialPoint, OfficialSeries, Promise, Statistics, unlike
from services.reporting.domain.periods import Period
from services.reporting.domain.published import extents, observations

RATE = Promise(series=("employment-rate-bas", "employment-rate-rams"), ages=((20, 64), (20, 65)))
PARITY = Promise(series=RATE.series, ages=RATE.ages, parity=True)
LATER = date(2026, 1, 1)
F = Fraction
REAL = Path("/work/shared/data/employment-by-voting-district-jonkoping-2021.csv")


class Told:
    """Events as they come: made-up regions 0680Axxx, a municipality 0680, an area of them."""

    def __init__(self) -> None:
        self.facts: list[tuple[Fact, EventData]] = []

    def say(self, data: EventData, *, at: int = 0, id: str | None = None, subject: str | None = None) -> str:
        id = id or f"e{len(self.facts)}"
        time = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=at or len(self.facts))
        self.facts.append(
            (Fact("urn:scb", id, data.type, "statistics.events", subject or data.subject, time, None, vars(data)), data)
        )
        return id

    def rate(self, code: str, value: float | None, period: str = "2021", **other: Any) -> str:
        said: dict[str, Any] = {
            "series": "employment-rate-bas",
            "source_table": "AM0207/Made-up",
            "register_": "BAS",
            "operator_agency": "SCB",
            "region_code": code,
            "region_kind": "municipality" if len(code) == 4 else "DeSO",
            "region_version": "2018",
            "population": "residents",
            "age_from": 20,
            "age_to": 64,
            "sex": "all",
            "period": period,
            "value": value,
            "status": "missing" if value is None else "final",
            "unit": "percent",
            "published_on": date(2022, 12, 8),
            "revision": 0,
        }
        at = other.pop("at", 0)
        return self.say(OfficialStatisticImported(**said | other), at=at)

    def area(self, *regions: str | tuple[str, float], area: str = "oxnehaga", **other: Any) -> None:
        division = {"kind": other.pop("kind", "DeSO"), "version": other.pop("version", "2018")}
        named = [(one, 1.0) if isinstance(one, str) else one for one in regions]
        self.say(
            AreaDefined(
                area_id=area,
                name=area,
                municipality_code="0680",
                statistics_regions=tuple(
                    StatisticsRegion(code=code, weight=weight, **division) for code, weight in named
                ),
                valid_from=other.pop("valid_from", date(2010, 1, 1)),
                **other,
            )
        )

    def series(
        self, promise: Promise = RATE, area: str | None = "oxnehaga", until: str = "2021", as_of: date = LATER
    ) -> OfficialSeries:
        made = Statistics(observations(self.facts), extents(self.facts))
        return made.series(promise, area, Period.parse(until), as_of)

    def latest(self, promise: Promise = RATE, **asked: Any) -> OfficialPoint:
        point = self.series(promise, **asked).latest
        assert point is not None
        return point


def test_regions_combine_by_their_numbers_and_never_by_their_rates() -> None:
    told = Told()
    told.area("0680A001", ("0680A002", 0.5))
    told.rate("0680A001", 90.0, numerator=90, denominator=100)
    told.rate("0680A002", 50.0, numerator=500, denominator=1000)
    point = told.latest()
    assert (point.numerator, point.denominator) == (F(340), F(600))
    assert point.value == Fraction(34000, 600)
    assert point.value != F("70")  # the mean of the rates
    assert point.flags == ("weighted",)


def test_rates_alone_give_a_range_and_no_single_value() -> None:
    told = Told()
    told.area("0680A001", "0680A002")
    told.rate("0680A001", 87.42)
    told.rate("0680A002", 68.16, numerator=6816, denominator=10_000)
    point = told.latest()
    assert (point.value, point.reason) == (None, "rates_only")
    assert (point.low, point.high) == (F("68.16"), F("87.42"))
    assert point.flags == ("rate_only",)
    assert point.meets(lambda rate: rate >= 50) is True
    assert point.meets(lambda rate: rate >= 90) is False
    assert point.meets(lambda rate: rate >= 70) is None


def test_one_region_with_a_rate_is_that_rate() -> None:
    told = Told()
    told.area(("0680A001", 0.4))
    told.rate("0680A001", 49.96)
    point = told.latest()
    assert (point.value, point.flags) == (F("49.96"), ("weighted", "rate_only"))
    assert point.meets(lambda rate: rate >= 50) is False


def test_what_borrowed_regions_repeat_counts_once() -> None:
    told = Told()
    district: dict[str, Any] = {"region_kind": "voting_district", "region_version": "2022"}
    told.area("0680-1", "0680-2", "0680-3", kind="voting_district", version="2022")
    told.rate("0680-1", 80.0, numerator=80, denominator=100, **district)
    told.rate("0680-2", 80.0, numerator=80, denominator=100, **district)
    told.rate("0680-3", 40.0, numerator=40, denominator=100, **district)
    point = told.latest()
    assert (point.numerator, point.denominator, point.flags) == (F(120), F(200), ("repeated",))

    own = Told()  # two DeSO alike are two
    own.area("0680A001", "0680A002")
    own.rate("0680A001", 80.0, numerator=80, denominator=100)
    own.rate("0680A002", 80.0, numerator=80, denominator=100)
    assert (own.latest().denominator, own.latest().flags) == (F(200), ())


@pytest.mark.parametrize("status", ["missing", "confidential", "not_applicable"])
def test_a_missing_value_is_not_zero_and_says_why(status: str) -> None:
    told = Told()
    told.area("0680A001")
    told.rate("0680A001", None, status=status)
    point = told.latest()
    assert (point.value, point.low, point.reason, point.lacking) == (None, None, status, ("0680A001",))


@pytest.mark.parametrize("others", [{"value": None}, None])
def test_an_area_without_one_of_its_regions_has_no_value(others: dict[str, Any] | None) -> None:
    told = Told()
    told.area("0680A001", "0680A002")
    told.rate("0680A001", 60.0, numerator=60, denominator=100)
    if others is not None:
        told.rate("0680A002", **others)
    point = told.latest()
    assert (point.value, point.low, point.reason) == (None, None, "region_missing")
    assert point.lacking == ("0680A002",)


def test_zero_is_a_value() -> None:
    told = Told()
    told.area("0680A001")
    told.rate("0680A001", 0.0)
    assert (told.latest().value, told.latest().reason) == (F(0), None)


def test_the_highest_revision_published_by_the_day_stands_in_any_order() -> None:
    told = Told()
    told.area("0680A001")
    told.rate("0680A001", 61.0, revision=0, published_on=date(2022, 12, 8))
    told.rate("0680A001", 63.0, revision=2, published_on=date(2023, 12, 7), status="preliminary")
    told.rate("0680A001", 62.0, revision=1, published_on=date(2023, 3, 1))
    told.facts.append(told.facts[1])  # twice
    for seed in range(5):
        random.Random(seed).shuffle(told.facts)
        before = told.latest(as_of=date(2023, 6, 1))
        assert (told.latest().value, told.latest().preliminary) == (F(63), True)
        assert (before.value, before.preliminary) == (F(62), False)
        assert told.series(as_of=date(2022, 1, 1)).reason == "no_observation"


def test_a_withdrawn_revision_leaves_the_one_before() -> None:
    told = Told()
    told.area("0680A001")
    told.rate("0680A001", 61.0)
    wrong = told.rate("0680A001", 16.0, revision=1)
    taken_back = EventWithdrawn(withdrawn_source="urn:scb", withdrawn_id=wrong, reason="registered_in_error")
    told.say(taken_back, subject="employment-rate-bas:0680A001")
    assert told.latest().value == 61


def test_a_later_event_of_the_same_revision_corrects_it() -> None:
    told = Told()
    told.area("0680A001")
    told.rate("0680A001", 62.0, at=20)
    told.rate("0680A001", 16.0, at=10)
    assert told.latest().value == 62


def test_series_register_age_span_and_regions_break_the_line() -> None:
    told = Told()
    told.area("0680A001")
    told.area("0680B001", version="2025", valid_from=date(2024, 1, 1))
    told.rate("0680A001", 55.0, "2018", series="employment-rate-rams", register_="RAMS")
    told.rate("0680A001", 56.0, "2019", series="employment-rate-rams", register_="RAMS")
    told.rate("0680A001", 60.0, "2020")
    told.rate("0680A001", 61.0, "2022", age_to=65)
    told.rate("0680B001", 64.0, "2024", region_version="2025", age_to=65)
    series = told.series(until="2025")
    assert [(point.period.label, point.value) for point in series.points] == [
        ("2018", F(55)), ("2019", F(56)), ("2020", F(60)), ("2022", F(61)), ("2024", F(64)),
    ]  # fmt: skip
    assert [(b.on.isoformat(), b.reason, b.before, b.after) for b in series.breaks] == [
        ("2020-01-01", "series", "employment-rate-rams", "employment-rate-bas"),
        ("2020-01-01", "register", "RAMS", "BAS"),
        ("2022-01-01", "age_span", "20–64", "20–65"),
        ("2024-01-01", "region_version", "DeSO 2018", "DeSO 2025"),
    ]
    assert [point.flags for point in series.points] == [
        *[("rate_only",)] * 3, ("proxy", "rate_only"), ("proxy", "rate_only", "earlier_period"),
    ]  # fmt: skip


def test_a_year_is_compared_with_the_year_before_only_when_both_are_alike() -> None:
    told = Told()
    told.area("0680A001")
    told.rate("0680A001", 56.0, "2019", register_="RAMS")
    told.rate("0680A001", 60.0, "2020")
    told.rate("0680A001", 61.0, "2021")
    year_before = told.series(until="2021").year_before
    assert year_before is not None
    assert year_before.value == 60
    assert told.series(until="2020").year_before is None


def test_the_promised_age_span_is_chosen_before_one_that_stands_in_and_another_is_never_used() -> None:
    told = Told()
    told.area("0680A001")
    told.rate("0680A001", 70.0, age_to=65)
    assert told.latest().flags == ("proxy", "rate_only")
    told.rate("0680A001", 71.0)
    told.rate("0680A001", 99.0, age_from=25, age_to=34)
    told.rate("0680A001", 98.0, sex="women")
    told.rate("0680A001", 97.0, birth_region="foreign-born")
    told.rate("0680A001", 96.0, population="employed-daytime")
    told.rate("0680A001", 95.0, series="employment-rate-labour-force-survey")
    assert (told.latest().value, told.latest().flags) == (F(71), ("rate_only",))


def test_the_latest_point_of_an_earlier_period_says_so() -> None:
    told = Told()
    told.area("0680A001")
    told.rate("0680A001", 60.0, "2020")
    told.rate("0680A001", 61.0, "2021")
    assert told.latest(until="2021").flags == ("rate_only",)
    assert told.latest(until="2023").flags == ("rate_only", "earlier_period")
    assert told.latest(until="2021-Q2").period.label == "2020"
    assert told.series(until="2019").reason == "no_observation"


def test_an_area_without_official_regions_has_none() -> None:
    told = Told()
    told.area()
    told.rate("0680", 82.1)
    assert told.series().reason == "no_regions"
    assert told.series(area="nobody-defined-it").reason == "no_regions"
    whole = told.latest(area=None)
    assert (whole.value, whole.division.kind) == (F("82.1"), "municipality")


def test_an_area_that_is_no_more_has_no_points_after_its_last_day() -> None:
    told = Told()
    told.area("0680A001", valid_to=date(2020, 12, 31))
    told.rate("0680A001", 60.0, "2020")
    told.rate("0680A001", 61.0, "2021")
    assert [point.period.label for point in told.series().points] == ["2020"]


def test_parity_is_like_for_like() -> None:
    told = Told()
    told.area("0680A001")
    told.rate("0680A001", 60.0, numerator=600, denominator=1000)
    told.rate("0680", 82.1)
    told.rate("0680", 10.0, register_="RAMS")
    told.rate("0680", 20.0, age_to=65)
    told.rate("0680", 30.0, sex="women")
    point = told.latest(PARITY)
    assert point.value == F("-22.1")
    assert point.against is not None
    assert point.against.value == F("82.1")
    assert point.meets(lambda points: points >= 0) is False
    assert told.series(PARITY, area=None).reason == "by_area_only"


@pytest.mark.parametrize(
    ("other", "reason", "differs"),
    [
        ({"age_to": 65}, "not_alike", ["age_to"]),
        ({"register_": "RAMS"}, "not_alike", ["register"]),
        ({"series": "employment-rate-rams"}, "not_alike", ["series"]),
        ({"period": "2020"}, "no_municipality", []),
        ({"sex": "women"}, "no_municipality", []),
    ],
)
def test_what_is_not_alike_is_not_compared(other: dict[str, Any], reason: str, differs: list[str]) -> None:
    told = Told()
    told.area("0680A001")
    told.rate("0680A001", 60.0)
    told.rate("0680", 82.1, **other)
    point = told.latest(PARITY)
    assert (point.value, point.low, point.reason) == (None, None, reason)
    assert (unlike(point.group, point.against.group) if point.against else []) == differs


def test_parity_of_an_area_with_rates_only_is_a_range() -> None:
    told = Told()
    told.area("0680A001", "0680A002")
    told.rate("0680A001", 70.0)
    told.rate("0680A002", 60.0)
    told.rate("0680", 82.0)
    point = told.latest(PARITY)
    assert (point.value, point.low, point.high, point.reason) == (None, F(-22), F(-12), "rates_only")
    assert point.meets(lambda points: points >= 0) is False


def test_parity_prefers_a_pair_that_is_alike_to_the_best_of_each() -> None:
    told = Told()
    told.area("0680A001")
    told.rate("0680A001", 60.0)
    told.rate("0680A001", 59.0, age_to=65)
    told.rate("0680", 80.0, age_to=65)
    point = told.latest(PARITY)
    assert (point.value, point.flags) == (F(-21), ("proxy", "rate_only"))


def test_only_events_that_bear_on_the_promise_need_be_read() -> None:
    told = Told()
    told.area("0680A001")
    assert RATE.subjects(extents(told.facts)) == {
        f"{series}:{code}" for series in RATE.series for code in ("0680A001", "0680")
    }


def districts() -> Iterable[tuple[str, str]]:
    with REAL.open(encoding="utf-8", newline="") as file:
        yield from csv.reader(list(file)[1:])


@pytest.mark.skipif(not REAL.exists(), reason="the real file isn't on this machine")
def test_the_real_voting_districts() -> None:
    rows = list(districts())
    assert (len(rows), sum(not rate for _, rate in rows)) == (82, 4)
    shared, repeats = Counter(rate for _, rate in rows if rate).most_common(1)[0]
    same = [code for code, rate in rows if rate == shared]
    told = Told()
    district: dict[str, Any] = {"region_kind": "voting_district", "region_version": "2021"}
    for code, rate in rows:
        told.rate(code, float(rate) if rate else None, **district)
    told.rate("0680", 79.9, age_to=65)
    kind = {"kind": "voting_district", "version": "2021"}
    told.area(*same, area="one-observation", **kind)
    told.area(*(code for code, rate in rows if rate), area="all", **kind)
    told.area(*(code for code, _ in rows), area="with-blanks", **kind)
    told.area(next(code for code, rate in rows if not rate), area="blank", **kind)

    one = told.latest(area="one-observation")
    assert repeats > 1
    assert (one.value, one.flags) == (F(shared), ("repeated", "rate_only"))
    whole = told.latest(area="all")
    rates = [F(rate) for _, rate in rows if rate]
    assert (whole.value, whole.low, whole.high) == (None, min(rates), max(rates))
    assert told.latest(area="with-blanks").reason == "region_missing"
    assert told.latest(area="blank").reason == "missing"
    # The municipality's published figure is of another age span: no parity is made up.
    assert told.latest(PARITY, area="one-observation").reason == "not_alike"
