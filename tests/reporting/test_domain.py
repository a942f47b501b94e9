"""The rules of a cohort, over any order, repetition and split: merged batch by batch it is what it is from scratch."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.reporting.definitions import load
from services.reporting.domain.facts import WITHDRAWN, Fact, identity, withdrawn_among
from services.reporting.domain.rules import Role
from services.reporting.domain.states import Cell, Contribution, State, difference, keep, merge

GOAL = load().by_id["housing-introduction-offered"]
RULE = GOAL.ledgers[0].rule
SUBJECT = "tenancy-1"
START = datetime(2019, 3, 1, 12, tzinfo=UTC)
LATER = date(2030, 1, 1)


def moved_in(id: str = "in", *, at: int = 0, sequence: int | None = None, area: str = "oxnehaga", day: int = 1) -> Fact:
    data = {"tenancy_id": SUBJECT, "area_id": area, "moved_in_on": date(2019, 3, day)}
    return _fact("TenantMovedIn", id, at, data, sequence=sequence)


def cancelled(id: str = "cancel", *, at: int = 1) -> Fact:
    return _fact("MoveInCancelled", id, at, {"tenancy_id": SUBJECT})


def offered(id: str = "offer", *, at: int = 2, day: int = 3, sequence: int | None = None) -> Fact:
    data = {"tenancy_id": SUBJECT, "offered_on": date(2019, 3, day)}
    return _fact("HousingIntroductionOffered", id, at, data, sequence=sequence, topic="notifications.events")


def failed(
    id: str = "fail", *, at: int = 3, final: bool = True, message: str = "m1", occasion: str = "housing_introduction"
) -> Fact:
    data = {"message_id": message, "about": SUBJECT, "is_final": final, "occasion": occasion}
    return _fact("NotificationFailed", id, at, data, subject=message, topic="notifications.events")


def withdrawn(fact: Fact, id: str = "", *, by: str | None = None) -> Fact:
    source = by or fact.source
    data = {"withdrawn_source": fact.source, "withdrawn_id": fact.id}
    return Fact(source, id or f"w-{fact.id}", WITHDRAWN, fact.topic, fact.subject, START, None, data)


def _fact(
    name: str, id: str, at: int, data: dict[str, object], *, sequence: int | None = None,
    subject: str = SUBJECT, topic: str = "tenancy.events", source: str = "urn:test"
) -> Fact:  # fmt: skip
    type = f"se.vatterhem.{name}.v1"
    return Fact(source, id, type, topic, subject, START + timedelta(hours=at), sequence, data)


def figure(facts: Iterable[Fact]) -> tuple[int, int]:
    counts = RULE.contribution(RULE.fold(SUBJECT, facts)).values()
    return sum(n for n, _ in counts), sum(d for _, d in counts)


def incremental(batches: Sequence[Sequence[Fact]]) -> tuple[State, Contribution]:
    """As the projector does it: known facts dropped, states merged, folded anew on a withdrawal, differences added."""
    known: dict[tuple[str, str], Fact] = {}
    state: State = {}
    rollup: Contribution = {}
    for batch in batches:
        fresh = {(f.source, f.id): f for f in batch if (f.source, f.id) not in known}
        known.update(fresh)
        taken_back = withdrawn_among(known.values())
        delta: State = {}
        anew = any(f.type == WITHDRAWN for f in fresh.values())
        for fact in fresh.values():
            clause = next((clause for clause in RULE.clauses if clause.type == fact.type), None)
            if clause is None or clause.subject_of(fact) != SUBJECT:
                continue
            if identity(fact) in taken_back:
                anew = True
            else:
                keep(delta, clause.slot(fact), clause.version(fact))
        after = RULE.fold(SUBJECT, known.values()) if anew else merge(state, delta)
        for cell, numerator, denominator in difference(RULE.contribution(state), RULE.contribution(after)):
            was = rollup.get(cell, (0, 0))
            rollup[cell] = (was[0] + numerator, was[1] + denominator)
        state = after
    return state, {cell: counts for cell, counts in rollup.items() if counts != (0, 0)}


some_facts = st.lists(
    st.one_of(
        st.builds(
            moved_in,
            st.sampled_from(["in1", "in2", "in3"]),
            at=st.integers(0, 5),
            sequence=st.none() | st.integers(0, 2),
            area=st.sampled_from(["oxnehaga", "raslatt"]),
            day=st.integers(1, 5),
        ),
        st.builds(cancelled, st.sampled_from(["c1", "c2"]), at=st.integers(0, 5)),
        st.builds(
            offered,
            st.sampled_from(["o1", "o2", "o3"]),
            at=st.integers(0, 5),
            day=st.integers(1, 9),
            sequence=st.none() | st.integers(0, 2),
        ),
        st.builds(
            failed,
            st.sampled_from(["f1", "f2", "f3"]),
            at=st.integers(0, 6),
            final=st.booleans(),
            message=st.sampled_from(["m1", "m2"]),
        ),
    ),
    max_size=9,
    unique_by=lambda fact: fact.id,
)


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Fact], list[list[Fact]]]:
    """Facts and withdrawals, and the same in another order, some of them twice, split into batches."""
    facts = draw(some_facts)
    facts += [withdrawn(fact) for fact in facts if draw(st.integers(0, 3)) == 0]
    sent = draw(st.permutations(facts + [fact for fact in facts if draw(st.booleans())]))
    batches: list[list[Fact]] = [[]]
    for fact in sent:
        if draw(st.booleans()):
            batches.append([])
        batches[-1].append(fact)
    return facts, batches


@given(histories())
def test_any_order_repetition_and_split_ends_in_the_same_figure(history: tuple[list[Fact], list[list[Fact]]]) -> None:
    facts, batches = history
    state, rollup = incremental(batches)
    assert state == RULE.fold(SUBJECT, facts)
    assert rollup == RULE.contribution(RULE.fold(SUBJECT, facts))


@st.composite
def three_states(draw: st.DrawFn) -> list[State]:
    """Of overlapping parts of one history: an identity is one content wherever it turns up."""
    facts = draw(some_facts)
    return [RULE.fold(SUBJECT, [fact for fact in facts if draw(st.booleans())]) for _ in range(3)]


@given(three_states())
def test_merging_is_commutative_associative_and_idempotent(states: list[State]) -> None:
    a, b, c = states
    assert merge(a, b) == merge(b, a)
    assert merge(merge(a, b), c) == merge(a, merge(b, c))
    assert merge(a, a) == a


@given(histories())
def test_lineage_and_figure_follow_the_same_rules(history: tuple[list[Fact], list[list[Fact]]]) -> None:
    facts, _ = history
    found = RULE.parts(SUBJECT, facts, LATER)
    assert {(p.fact.source, p.fact.id) for p in found} == {(f.source, f.id) for f in facts}
    counted = (
        sum(p.role is Role.NUMERATOR for p in found),
        sum(p.role is Role.DENOMINATOR for p in found),
    )
    assert counted == figure(facts)
    assert all((p.reason is None) == (p.role is not Role.EXCLUDED) for p in found)


def test_a_household_with_an_offer_counts_once_in_both() -> None:
    assert figure([moved_in(), offered()]) == (1, 1)
    assert figure([moved_in(), offered("a"), offered("b", at=5)]) == (1, 1)
    assert figure([moved_in()]) == (0, 1)


def test_an_offer_without_a_move_in_waits() -> None:
    assert figure([offered()]) == (0, 0)
    assert RULE.contribution(RULE.fold(SUBJECT, [offered()])) == {}


def test_the_offer_counts_from_its_own_day_in_the_cohort_of_the_move_in() -> None:
    counts = RULE.contribution(RULE.fold(SUBJECT, [moved_in(day=1), offered(day=9)]))
    day = date(2019, 3, 1)
    assert counts == {Cell("oxnehaga", (), day, day): (0, 1), Cell("oxnehaga", (), day, date(2019, 3, 9)): (1, 0)}


@pytest.mark.parametrize("order", list(permutations([moved_in(), cancelled(), offered()])))
def test_a_cancelled_move_in_leaves_the_cohort_whenever_it_is_told(order: tuple[Fact, ...]) -> None:
    assert figure(order) == (0, 0)


def test_a_withdrawn_cancellation_brings_the_household_back() -> None:
    assert figure([moved_in(), cancelled(), withdrawn(cancelled())]) == (0, 1)


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (failed(at=3), (0, 1)),
        (failed(at=1), (1, 1)),  # before the offer
        (failed(at=3, final=False), (1, 1)),
        (failed(at=3, occasion="survey"), (1, 1)),
    ],
)
def test_only_a_later_final_failure_of_the_introduction_revokes_it(failure: Fact, expected: tuple[int, int]) -> None:
    assert figure([moved_in(), offered(at=2), failure]) == expected


def test_a_new_offer_after_the_failure_counts() -> None:
    assert figure([moved_in(), offered("a", at=2), failed(at=3), offered("b", at=4)]) == (1, 1)


def test_a_failure_that_is_corrected_to_not_final_revokes_nothing() -> None:
    assert figure([moved_in(), offered(at=2), failed("f1", at=3), failed("f2", at=4, final=False)]) == (1, 1)


def test_a_correction_moves_the_household_by_sequence_before_time() -> None:
    first = moved_in("a", at=9, sequence=1, area="raslatt")
    second = moved_in("b", at=0, sequence=2, area="oxnehaga", day=5)
    (cell,) = RULE.contribution(RULE.fold(SUBJECT, [second, first]))
    assert cell == Cell("oxnehaga", (), date(2019, 3, 5), date(2019, 3, 5))


def test_withdrawing_a_correction_lets_the_corrected_stand_again() -> None:
    first, second = moved_in("a", at=0, area="raslatt"), moved_in("b", at=1)
    (cell,) = RULE.contribution(RULE.fold(SUBJECT, [first, second, withdrawn(second)]))
    assert cell.area == "raslatt"


def test_only_the_publisher_itself_takes_an_event_back() -> None:
    assert figure([moved_in(), withdrawn(moved_in(), by="urn:somebody-else")]) == (0, 1)


def test_lineage_says_why_an_event_is_left_out() -> None:
    early, late = moved_in("a", at=0), moved_in("b", at=1)
    facts = [early, late, offered("o1", at=2), offered("o2", at=3), withdrawn(offered("o2", at=3)), failed("f", at=1)]
    reasons = {part.fact.id: part.reason for part in RULE.parts(SUBJECT, facts, LATER)}
    assert reasons == {
        "a": "superseded", "b": None, "o1": None, "o2": "withdrawn", "w-o2": "withdraws", "f": "no_effect",
    }  # fmt: skip


def test_what_is_dated_after_the_figure_does_not_count_yet() -> None:
    found = RULE.parts(SUBJECT, [moved_in(day=1), offered(day=9)], date(2019, 3, 5))
    assert [(p.role, p.reason) for p in found] == [(Role.DENOMINATOR, None), (Role.EXCLUDED, "not_yet")]
