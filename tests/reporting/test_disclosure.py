"""What a publication hides and defers, by itself: against every way in which small numbers could have come about."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product

import pytest

from services.reporting.domain.periods import Period
from services.reporting.domain.tables import AREA, COMPANY, Amounts, Slice, Table, decide, settle

MIN_N = 5


def table(
    period: str, areas: Mapping[str, Amounts], *, number: int = 1, measure: str = "g/share", sensitive: bool = False
) -> Table:
    amounts: dict[Slice, Amounts] = {(AREA, area): amount for area, amount in areas.items()}
    whole = (sum(a for a, _ in areas.values()), sum(n for _, n in areas.values()))
    return Table(
        measure=measure,
        population="households",
        period=Period.parse(period),
        number=number,
        threshold=MIN_N,
        sensitive=sensitive,
        is_share=True,
        closing=False,
        adds_up=frozenset(amounts),
        amounts=amounts | {COMPANY: whole},
    )


def publish(new: Sequence[Table], earlier: list[Table]) -> list[Table]:
    """The tables as they are told after `earlier`, which they are added to."""
    settled = [settle(one, [t for t in earlier if t.measure == one.measure]) for one in new]
    chosen = decide([one.table for one in settled], earlier)
    told = [
        replace(one.table, hidden=frozenset(one.table.amounts) if one.untold else hidden)
        for one, hidden in zip(settled, chosen, strict=True)
    ]
    earlier += told
    return told


def hidden(*new: Table, after: list[Table] | None = None) -> list[set[str]]:
    told = publish(new, [] if after is None else after)
    return [{slice[1] if slice else "company" for slice in one.hidden or ()} for one in told]


def test_a_small_cell_takes_the_smallest_other_with_it() -> None:
    assert hidden(table("2019", {"a": (2, 3), "b": (20, 40), "c": (9, 12), "none": (0, 0)})) == [{"a", "c"}]


def test_two_small_cells_whose_sum_is_small_take_a_third() -> None:
    assert hidden(table("2019", {"a": (1, 2), "b": (1, 2), "c": (9, 12), "d": (9, 30)})) == [{"a", "b", "c"}]


def test_of_a_sensitive_goal_few_who_did_and_few_who_did_not_are_hidden() -> None:
    areas = {"did": (3, 30), "did not": (37, 40), "all": (50, 50), "many": (30, 60)}
    assert hidden(table("2019", areas)) == [set()]
    [told] = hidden(table("2019", areas, sensitive=True))
    assert {"did", "did not", "all"} <= told  # all of them tells of each
    assert "company" not in told


def test_of_a_sensitive_goal_that_nobody_fulfils_nothing_is_told() -> None:
    areas = {"a": (0, 30), "b": (0, 40)}
    assert hidden(table("2019", areas)) == [set()]
    assert hidden(table("2019", areas, sensitive=True)) == [{"a", "b", "company"}]


def test_goals_of_the_same_households_hide_the_same() -> None:
    areas = {"a": (2, 3), "b": (20, 40), "c": (9, 12), "d": (30, 50)}
    first, second = hidden(table("2019", areas, measure="g/x"), table("2019", areas, measure="h/y"))
    assert first == second == {"a", "c"}


def test_what_is_left_of_a_quarter_is_hidden_as_if_it_were_told() -> None:
    told: list[Table] = []
    for month in ("2019-01", "2019-02"):
        assert hidden(table(month, {"a": (9, 10), "b": (9, 20)}), after=told) == [set()]
    assert hidden(table("2019-Q1", {"a": (20, 22), "b": (30, 60)}), after=told) == [{"a", "b"}]


def test_what_emptiness_alone_would_give_away_is_not_told_at_all() -> None:
    told: list[Table] = []
    assert hidden(table("2019-Q1", {"a": (2, 3), "b": (2, 4), "c": (9, 90)}), after=told) == [{"a", "b"}]
    months = ({"a": (1, 1), "b": (1, 2), "c": (3, 30)}, {"a": (1, 2), "b": (1, 2), "c": (3, 30)})
    for number, areas in enumerate(months, 1):
        hidden(table(f"2019-0{number}", areas), after=told)
    last = table("2019-03", {"a": (0, 0), "b": (0, 0), "c": (3, 30)})
    assert hidden(last, after=told) == [{"a", "b", "c", "company"}]


@pytest.mark.parametrize("seed", range(25))
def test_every_hidden_number_could_be_others(seed: int) -> None:
    """Four areas and a company: every way to fill in what is hidden is tried."""
    rng = random.Random(seed)
    members = [rng.choice((0, 1, 2, 3, 4, 5, 6, 9)) for _ in range(4)]
    areas = {f"a{n}": (rng.randint(0, m), m) for n, m in enumerate(members)}
    [told] = publish([table("2019", areas)], [])
    secret = [slice for slice in told.amounts if slice in (told.hidden or ())]
    if not secret or COMPANY in secret:
        assert not secret or len(secret) > 1
        return
    total = sum(told.of(slice)[1] for slice in secret)
    fits = [f for f in product(range(1, total + 1), repeat=len(secret)) if sum(f) == total]
    for each in zip(*fits, strict=True):
        assert max(each) - min(each) >= MIN_N - 1


@pytest.mark.parametrize("seed", range(8))
def test_no_two_publications_differ_by_a_few(seed: int) -> None:
    """Months, quarters and a year, told again and again while events come late and go."""
    rng = random.Random(seed)
    months = [month.label for month in Period.parse("2019-Q1").months()]
    counts = {(a, m): [rng.randint(0, 9), rng.randint(9, 30)] for a in "abcd" for m in months}
    told: list[Table] = []
    for _ in range(9):
        for cell in rng.sample(sorted(counts), 3):
            more = rng.choice((1, 1, 2, 6, -1))
            counts[cell][1] = max(counts[cell][0], counts[cell][1] + more)
        period = Period.parse(rng.choice([*months, "2019-Q1"]))
        mine = [month.label for month in period.months()]
        areas = {a: (sum(counts[a, m][0] for m in mine), sum(counts[a, m][1] for m in mine)) for a in "abcd"}
        publish([table(period.label, areas, number=1 + sum(t.period == period for t in told))], told)
    told = [one for one in told if one.tells]
    assert len(told) > 4
    for one, other in product(told, told):
        if one.period == other.period:
            _same_or_far(one, [other])
    each = [[t for t in told if t.period.label == label] for label in ("2019-Q1", *months)]
    for quarter, *parts in product(*each):
        _same_or_far(quarter, parts)
    for one in told:
        assert one.of(COMPANY)[1] == sum(one.of(slice)[1] for slice in one.adds_up)


def _same_or_far(one: Table, others: list[Table]) -> None:
    for slice in one.amounts:
        for side in (0, 1):
            apart = abs(one.of(slice)[side] - sum(other.of(slice)[side] for other in others))
            assert apart == 0 or apart >= MIN_N, f"{one.period.label} {slice}: {apart}"


def test_an_area_where_the_programme_began_in_the_quarter_is_its_months() -> None:
    """In January it didn't run there, in February it did: the quarter's parts are theirs, and nothing is deferred."""
    january, february = table("2019-01", {"a": (5, 6)}), table("2019-02", {"a": (0, 8)})
    before = replace(january, adds_up=frozenset(), amounts={**january.amounts, COMPANY: (0, 0)})
    parts: dict[Slice, Amounts] = {("within", "a"): (0, 8), ("outside", "a"): (5, 6), COMPANY: (0, 8)}
    quarter = table("2019-Q1", {"a": (5, 14)})
    quarter = replace(quarter, adds_up=frozenset({("within", "a")}), amounts={**quarter.amounts, **parts})
    march = table("2019-03", {"a": (0, 0)})
    settled = settle(quarter, [replace(one, hidden=frozenset()) for one in (before, february, march)])
    assert (settled.deferred, settled.untold, settled.table) == (frozenset(), False, quarter)
