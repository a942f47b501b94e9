"""The rules by themselves, where a story through Kafka would say less."""

from datetime import date

import pytest

from services.notifications.domain import Programme, due_on

JANUARY, MARCH, MAY, JULY = (date(2019, month, 1) for month in (1, 3, 5, 7))


@pytest.mark.parametrize(
    ("programme", "day", "runs"),
    [
        (Programme(), MARCH, False),
        (Programme(begins=(MARCH,)), JANUARY, False),
        (Programme(begins=(MARCH,)), MARCH, True),
        (Programme(begins=(MARCH,)), JULY, True),
        (Programme(ends=(MARCH,)), JANUARY, False),
        (Programme(begins=(JANUARY,), ends=(MARCH,)), MARCH, True),
        (Programme(begins=(JANUARY,), ends=(MARCH,)), MAY, False),
        (Programme(begins=(JANUARY, MAY), ends=(MARCH,)), date(2019, 4, 1), False),
        (Programme(begins=(MAY, JANUARY), ends=(MARCH,)), MAY, True),
        (Programme(begins=(JANUARY, MAY), ends=(MARCH, JULY)), date(2019, 7, 2), False),
        (Programme(begins=(JANUARY, MARCH), ends=()), MAY, True),
    ],
)
def test_a_programme_runs_from_its_first_day_to_its_last(programme: Programme, day: date, *, runs: bool) -> None:
    assert programme.covers(day) is runs


def test_staff_have_thirty_days_from_the_later_of_move_in_and_to_do() -> None:
    assert due_on(moved_in_on=JANUARY, opened_on=MARCH) == date(2019, 3, 31)
    assert due_on(moved_in_on=MARCH, opened_on=JANUARY) == date(2019, 3, 31)
