"""When an alert is raised and cleared: never twice, never flapping. And rules as data: what is wrong names its line."""

import re
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.reporting.alert_rules import load, parse
from services.reporting.definitions import load as load_goals
from services.reporting.definitions.located import DefinitionError
from services.reporting.domain.alerts import Dot, Jump, Rule, Step, Thing, Watch, alert_id, is_unusual, steps
from services.reporting.domain.figures import Point, Status, Tally
from services.reporting.domain.periods import Period
from services.reporting.service.alerts import seen
from services.reporting.service.shapes import Figure, MeasureReport, Report

NOON = datetime(2019, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY_DAY = Rule("behind_pace", "status", frozenset(), ("area",), 24 * HOUR, 24 * HOUR, frozenset({"behind"}))


def looks(*seen: tuple[int, bool]) -> list[tuple[int, Step]]:
    """What comes of looking at some hours after noon, and seeing whether the rule holds."""
    watch = Watch()
    found: list[tuple[int, Step]] = []
    for hour, holds in seen:
        watch, step = watch.look(DAY_DAY, holds=holds, now=NOON + hour * HOUR)
        if step is not Step.NOTHING:
            found.append((hour, step))
    return found


def test_it_is_raised_once_and_cleared_once() -> None:
    seen = [(hour, 10 <= hour < 60) for hour in range(100)]
    assert looks(*seen) == [(34, Step.RAISE), (84, Step.CLEAR)]


def test_what_comes_and_goes_changes_nothing() -> None:
    assert looks(*[(hour, hour % 20 < 19) for hour in range(200)]) == []
    assert looks((0, True), (24, True), *[(hour, hour % 20 == 0) for hour in range(25, 225)]) == [(24, Step.RAISE)]


def test_a_clock_that_goes_back_neither_raises_nor_clears() -> None:
    assert looks((30, True), (5, True), (28, True)) == []
    assert looks((30, True), (5, True), (29, True)) == [(29, Step.RAISE)]


@given(st.lists(st.tuples(st.integers(0, 30), st.booleans()), max_size=60))
def test_raised_and_cleared_take_turns_with_the_wait_between_them(gaps: list[tuple[int, bool]]) -> None:
    hour, seen = 0, []
    for gap, holds in gaps:
        hour += gap
        seen.append((hour, holds))
    found = looks(*seen)
    assert all(step is (Step.CLEAR if number % 2 else Step.RAISE) for number, (_, step) in enumerate(found))
    assert all(late - early >= 24 for (early, _), (late, _) in pairwise(found))


def test_an_alert_has_one_name_wherever_it_is_raised() -> None:
    oxnehaga = Thing("housing-introduction-offered", "share", "2019", "oxnehaga")
    ids = {alert_id("behind_pace", thing, n) for thing in (oxnehaga, oxnehaga._replace(area="")) for n in (1, 2)}
    assert len(ids) == 4
    assert alert_id("behind_pace", oxnehaga, 1) in ids
    assert oxnehaga.of == {"area": "oxnehaga"}
    assert oxnehaga._replace(area="", dimension="publisher", value="crm").of == {"publisher": "crm"}
    assert oxnehaga._replace(area="").of is None


def dots(*values: int | None) -> list[Dot]:
    return [Dot(date(2019, m, 28), None if v is None else Fraction(v)) for m, v in enumerate(values, start=1)]


JUMP = Jump(Fraction(5), Fraction(10), 3)


def unusual(*values: int | None, breaks: tuple[date, ...] = (), as_of: date = date(2019, 12, 31)) -> bool:
    return is_unusual(list(steps(dots(*values), breaks, as_of).values()), JUMP)


def test_unusual_is_far_beyond_the_usual_step_and_large_enough() -> None:
    assert unusual(50, 52, 51, 53, 70)
    assert unusual(50, 52, 51, 53, 30)
    assert not unusual(50, 52, 51, 53, 62), "nine points are not much"
    assert not unusual(50, 60, 50, 61, 80), "it has always moved so"
    assert not unusual(50, 52, 51, 70), "two steps are no history"
    assert not unusual()


def test_a_gap_a_break_and_a_month_under_way_are_no_jump() -> None:
    assert not unusual(50, 52, 51, 53, None, 90)
    assert not unusual(50, 52, 51, 53, 90, breaks=(date(2019, 5, 1),))
    assert not unusual(50, 52, 51, 53, 90, as_of=date(2019, 5, 27))
    assert unusual(50, 52, 51, 53, 90, as_of=date(2019, 5, 28))


GOOD = """
id: behind_pace
kind: status
statuses: [behind]
each: [area]
raise_after: P1D
clear_after: PT12H30M
texts:
  sv: {title: T, says: S, todo: D}
  en: {title: T, says: S, todo: D}
"""


def test_the_rules_that_ship_are_right() -> None:
    rules = load(load_goals().by_id)
    assert {"behind_pace", "system_silent", "unusual_change"} <= rules.by_id.keys()
    assert all(rule.clear_after > timedelta(0) for rule in rules.rules)


def test_a_rule_is_data() -> None:
    rule = parse("behind_pace.yaml", GOOD, []).rule
    assert rule.statuses == {"behind"}
    assert rule.clear_after == timedelta(hours=12, minutes=30)


@pytest.mark.parametrize(
    ("was", "now", "said"),
    [
        ("statuses: [behind]", "statuses: [late]", "behind_pace.yaml:4: statuses.0:"),
        ("statuses: [behind]", "statuses: [suppressed]", "behind_pace.yaml:4: statuses.0:"),
        ("statuses: [behind]", "below: 3", "kind status needs statuses"),
        ("raise_after: P1D", "raise_after: a day", "behind_pace.yaml:6: raise_after: a duration"),
        ("raise_after: P1D", "raise_after: PT0M", "behind_pace.yaml:6: raise_after: a minute at least"),
        ("each: [area]", "each: [area]\ngoals: [no-such]", "behind_pace.yaml:6: goals: there is no goal no-such"),
        ("each: [area]", "each: []", "behind_pace.yaml:5: each:"),
        ("  en: {title: T, says: S, todo: D}", "", "texts are needed in sv and en"),
        ("id: behind_pace", "id: other", "behind_pace.yaml:2: id: the file of rule other is called other.yaml"),
        ("id: behind_pace", "id: behind_pace\nloud: true", "behind_pace.yaml:3: loud:"),
        ("kind: status", "kind: [", "not YAML"),
    ],
)
def test_a_mistake_names_its_line(was: str, now: str, said: str) -> None:
    with pytest.raises(DefinitionError, match=re.escape(said)):
        parse("behind_pace.yaml", GOOD.replace(was, now), ["housing-introduction-offered"])


GOAL = load_goals().by_id["housing-introduction-offered"]
RULES = load(load_goals().by_id)


def figure(year: int, status: Status, *shares: int) -> Figure:
    """The company's figure as it is on 5 September 2020, with a share at each month's end from January on."""
    ends = Period.year(year).month_ends()
    return Figure(
        goal=GOAL, measure=GOAL.main, period=Period.year(year), area=None, area_name=None, dimension=None,
        in_programme=True, tally=Tally(1, 2), value=Fraction(50), before=None, status=status, target=None, targets=(),
        provisional=True, ripe_on=None, as_of=datetime(2020, 9, 5, tzinfo=UTC),
        trend=[Point(end, Fraction(share)) for end, share in zip(ends, shares, strict=False)],
    )  # fmt: skip


def held(now: Figure, before: Figure | None = None) -> set[str]:
    """The rules that hold for a figure of this year, given last year's."""
    last_year = {} if before is None else {(GOAL.id, GOAL.main.id): MeasureReport(GOAL.main, before, [])}
    found = seen(RULES.rules, [Report(GOAL, [MeasureReport(GOAL.main, now, [])])], last_year)
    return {watched.rule for watched, holds in found.items() if holds}


STEADY = (90, 80, 70, 71, 70, 71, 70, 71, 70, 71, 70, 71)


def test_a_rule_looks_at_what_is_shown_and_under_way() -> None:
    assert held(figure(2020, Status.BEHIND)) == {"behind_pace"}
    assert held(figure(2020, Status.ON_TRACK)) == set()
    assert held(figure(2020, Status.SUPPRESSED)) == set()
    assert held(figure(2018, Status.BEHIND)) == set(), "official statistics are two years old"


def test_a_jump_is_seen_against_this_year_and_the_last() -> None:
    last = figure(2019, Status.MET, *STEADY)
    assert held(figure(2020, Status.MET, 20, 95, 70, 71, 70, 71, 70, 40, 10), last) == {"unusual_change"}
    assert held(figure(2020, Status.MET, 20, 95, 70, 71, 70, 71, 70, 71, 10), last) == set(), "September isn't over"
    assert held(figure(2020, Status.MET, *STEADY[:9]), last) == set()
    assert held(figure(2020, Status.SUPPRESSED, 20, 95, 70, 71, 70, 71, 70, 40), last) == set()
