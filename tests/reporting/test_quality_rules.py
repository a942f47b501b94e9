"""What is found in an event, what a gap is, when a system is silent: the rules by themselves."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from schemas.governance import AreaDefined
from schemas.tenancy import TenantMovedIn
from services.reporting.domain.facts import WITHDRAWN, Fact, identity
from services.reporting.domain.quality import Gap, Heard, findings, gaps, how_heard, mended

NOON = datetime(2019, 3, 1, 12, 0, 7, tzinfo=UTC)
TOPIC = "tenancy.events"


def fact(id: str = "a", *, time: datetime = NOON, type: str = TenantMovedIn.type, **data: Any) -> Fact:
    return Fact("urn:test", id, type, TOPIC, "t1", time, None, data)


@pytest.mark.parametrize(
    ("said", "is_found"),
    [
        (date(2019, 3, 1), False),
        (date(2020, 3, 1), False),  # told of a year ahead
        (date(2020, 4, 5), True),
        (date(2091, 3, 1), True),
        (date(1950, 1, 1), False),
        (date(1949, 12, 31), True),
    ],
)
def test_a_day_of_what_has_happened_is_near_the_day_it_was_told(said: date, is_found: bool) -> None:
    found = list(findings(fact(moved_in_on=said), NOON))
    assert [(one.kind, one.field, one.said) for one in found] == (
        [("impossible_date", "moved_in_on", said.isoformat())] if is_found else []
    )


def test_a_plan_may_be_far_ahead_and_have_begun_long_ago_but_not_for_ever() -> None:
    def found(first: date, last: date) -> list[str]:
        return [one.field for one in findings(fact(type=AreaDefined.type, valid_from=first, valid_to=last), NOON)]

    assert found(date(1912, 1, 1), date(2050, 1, 1)) == []
    assert found(date(1912, 1, 1), date(2091, 1, 1)) == ["valid_to"]


@pytest.mark.parametrize(
    ("ahead", "is_found"),
    [
        (timedelta(minutes=5), False),
        (timedelta(minutes=5, seconds=1), True),
        (timedelta(days=26_000), True),
        (-timedelta(days=900), False),  # late is late, not a fault of the clock
    ],
)
def test_a_clock_that_goes_ahead(ahead: timedelta, is_found: bool) -> None:
    found = list(findings(fact(time=NOON + ahead), NOON))
    assert [one.kind.value for one in found] == (["clock_ahead"] if is_found else [])


def test_a_whole_hour_of_the_same_day_stands_for_the_day() -> None:
    evening = datetime(2019, 3, 1, 20, tzinfo=UTC)
    assert not list(findings(fact(time=evening), NOON))
    assert list(findings(fact(time=evening + timedelta(days=1)), NOON))


def test_what_is_corrected_or_taken_back_is_mended_and_nothing_else() -> None:
    wrong, right = fact("a", moved_in_on=date(2091, 1, 1)), fact("b", time=NOON + timedelta(hours=1))
    other = fact("c", moved_in_on=date(2091, 1, 1))
    back = fact("d", type=WITHDRAWN, withdrawn_source="urn:test", withdrawn_id="c")
    foreign = back._replace(source="urn:other", id="e", data={**back.data, "withdrawn_source": "urn:test"})
    assert mended([(wrong, ("t1",)), (right, ("t1",))]) == {identity(wrong)}
    assert mended([(other, ("t2",)), (back, ("back",))]) == {identity(other)}
    assert mended([(other, ("t2",)), (foreign, ("back",))]) == set()


def every(step: int, count: int, start: date = date(2019, 1, 7)) -> list[date]:
    return [start + timedelta(days=step * number) for number in range(count)]


def test_a_pause_longer_than_the_systems_habit_is_a_gap() -> None:
    daily = every(1, 20)
    after, until = daily[-1], daily[-1] + timedelta(days=9)
    assert gaps([*daily, until], until) == [Gap(after, until, 9, 1.0)]
    assert gaps(daily, after + timedelta(days=9)) == [Gap(after, None, 9, 1.0)]
    assert gaps(daily, after + timedelta(days=5)) == []  # a long weekend
    weekly = every(7, 10)
    assert gaps([*weekly, weekly[-1] + timedelta(days=14)], weekly[-1] + timedelta(days=14)) == []
    assert [gap.days for gap in gaps(weekly, weekly[-1] + timedelta(days=21))] == [21]


def test_who_has_no_habit_has_no_gap_and_a_habit_may_change() -> None:
    assert gaps(every(1, 4), date(2020, 1, 1)) == []
    assert gaps([], date(2020, 1, 1)) == []
    slower = [*every(1, 20), *every(30, 12, date(2019, 2, 1))]
    found = [gap.until for gap in gaps(slower, slower[-1])]
    assert found[-1] == date(2019, 2, 1)  # the first silence was news
    assert found[0] == date(2019, 7, 31)  # after half a year of it, once a month is the habit


@pytest.mark.parametrize(
    ("last", "interval", "retired", "is_"),
    [
        (NOON - timedelta(hours=24), "P1D", None, Heard.HEARD),
        (NOON - timedelta(hours=24, seconds=1), "P1D", None, Heard.SILENT),
        (NOON - timedelta(hours=7), "PT6H", None, Heard.SILENT),
        (None, "P1D", None, Heard.NEVER),
        (NOON, None, None, Heard.UNREGISTERED),
        (None, "P1D", date(2019, 2, 28), Heard.RETIRED),
        (NOON, "P1D", date(2019, 3, 1), Heard.HEARD),
    ],
)
def test_how_a_system_is_heard(last: datetime | None, interval: str | None, retired: date | None, is_: Heard) -> None:
    assert how_heard(last, interval, retired, NOON) is is_
