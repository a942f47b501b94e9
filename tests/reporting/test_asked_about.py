"""Which year pages show when nobody asks for one."""

from datetime import date

import pytest

from services.reporting.domain.periods import asked_about

TODAY = date(2026, 11, 22)
WHOLE = [(f"goal-{number}", date(2019, 12, 1)) for number in range(8)]


@pytest.mark.parametrize(
    ("besides", "as_of", "year"),
    [
        ([], TODAY, 2019),
        ([("goal-1", date(2020, 3, 1))], TODAY, 2019),  # one of eight goals, and it broke off
        ([(f"goal-{n}", date(2020, 3, 31)) for n in range(8)], TODAY, 2019),  # all of them, and it broke off
        ([(f"goal-{n}", date(2020, 3, 31)) for n in range(8)], date(2020, 4, 1), 2020),  # it is under way
        ([(f"goal-{n}", date(2020, 10, 1)) for n in range(2)], TODAY, 2020),  # a quarter of them, to its last quarter
        ([("goal-1", date(2020, 12, 31))], TODAY, 2019),  # a page was rated, or a household told of early
        ([("goal-1", date(2026, 11, 22))], TODAY, 2019),
        ([("goal-1", date(2027, 1, 1))], TODAY, 2019),
    ],
)
def test_it_is_the_latest_that_many_goals_are_measured_in_to_its_end(
    besides: list[tuple[str, date]], as_of: date, year: int
) -> None:
    assert asked_about([*WHOLE, *besides], as_of) == year


def test_a_single_goal_and_a_single_year_are_shown_whatever_they_are() -> None:
    assert asked_about([("a", date(2021, 3, 1))], TODAY) == 2021
    assert asked_about([], TODAY) is None
