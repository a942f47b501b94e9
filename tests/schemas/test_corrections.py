"""The correction rule is one total order, so that the order of arrival cannot matter."""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.catalogue import MODELS
from schemas.corrections import precedence, supersedes
from schemas.envelope import parse_data
from schemas.generate import example
from schemas.text import dump_json

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


def identity(type_: str, **changes: Any) -> tuple[object, ...]:
    type_ = f"se.vatterhem.{type_}.v1"
    return parse_data(MODELS[type_], dump_json(example(type_)["data"] | changes))[0].identity


@pytest.mark.parametrize(
    ("type_", "another"),
    [
        ("ActionRevised", {"revised_on": "2020-03-02"}),
        ("CommitmentRevised", {"revised_on": "2019-03-02"}),
        ("RenovationChanged", {"changed_on": "2019-06-03"}),
        ("ConsultationHeld", {"session": "evening"}),
        ("PartnerMeetingHeld", {"session": "evening"}),
        ("AreaGroupMet", {"session": "evening"}),
        ("HousingIntroductionNotHeld", {"booked_for": "2019-06-03"}),
        ("ReportRestated", {"restatement_id": "report-2019-owner-2"}),
        ("PublisherRegistered", {"from": "2020-01-01"}),
        ("PublisherRetired", {"retired_on": "2022-06-30"}),
    ],
)
def test_each_step_stands_beside_the_one_before(type_: str, another: dict[str, Any]) -> None:
    assert identity(type_, **another) != identity(type_)


@pytest.mark.parametrize(
    ("type_", "mended"),
    [
        ("ActionRevised", {"due_on": "2020-06-30"}),
        ("ReportRestated", {"restated_on": "2020-04-21"}),
        ("OfficialStatisticImported", {"source_table": "TAB5169", "notes": ["One line,\nand another."]}),
        ("PublisherRegistered", {"expected_interval": "P7D"}),
        ("SocialRequirementSet", {"places": 7}),
    ],
)
def test_what_is_told_better_of_one_fact_corrects_it(type_: str, mended: dict[str, Any]) -> None:
    assert identity(type_, **mended) == identity(type_)
