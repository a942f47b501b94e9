"""The correction rule is one total order, so that the order of arrival cannot matter."""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from schemas.corrections import precedence, supersedes

NOON = datetime(2019, 3, 1, 12, tzinfo=UTC)


class Said(NamedTuple):
    sequence: int | None
    time: datetime
    id: str
    source: str = "urn:x"


events = st.builds(
    Said,
    st.none() | st.integers(0, 3),
    st.integers(0, 3).map(lambda hours: NOON + timedelta(hours=hours)),
    st.sampled_from(["a", "b", "Å", "ä", "\U0001f3e0", "\uffee"]),
    st.sampled_from(["urn:x", "urn:y"]),
)


def test_sequence_then_time_then_id() -> None:
    assert supersedes(Said(2, NOON, "a"), Said(1, NOON + timedelta(1), "b"))
    assert supersedes(Said(1, NOON + timedelta(1), "a"), Said(1, NOON, "b"))
    assert supersedes(Said(1, NOON, "b"), Said(1, NOON, "a"))
    assert supersedes(Said(None, NOON + timedelta(1), "a"), Said(None, NOON, "b"))
    assert supersedes(Said(10, NOON, "a"), Said(9, NOON, "a")), "as numbers, not as text"


def test_a_mixture_of_present_and_absent_sequences_forms_no_ring() -> None:
    low = Said(1, NOON, "a")
    none = Said(None, NOON - timedelta(hours=1), "b")
    high = Said(2, NOON - timedelta(hours=2), "c")
    assert supersedes(low, none)
    assert supersedes(high, low)
    assert supersedes(high, none), "though it is earlier: else what holds would hang on the order of arrival"


@given(events, events, events)
def test_the_order_is_total_and_transitive(a: Said, b: Said, c: Said) -> None:
    assert not supersedes(a, a)
    assert (a == b) or (supersedes(a, b) != supersedes(b, a))
    if supersedes(a, b) and supersedes(b, c):
        assert supersedes(a, c)


@given(st.lists(events, min_size=1, max_size=4))
def test_every_order_of_arrival_ends_with_the_same(said: list[Said]) -> None:
    def held(arrived: tuple[Said, ...]) -> Said:
        current = arrived[0]
        for event in arrived[1:]:
            if supersedes(event, current):
                current = event
        return current

    assert len({held(order) for order in permutations(said)}) == 1


@given(events, events)
def test_ids_compare_as_in_sql_with_collate_c(a: Said, b: Said) -> None:
    assert (a.id < b.id) == (a.id.encode() < b.id.encode())
    assert (precedence(a) > precedence(b)) == supersedes(a, b)
