"""Reading at once and reading with care agree on everything that the quick way lets through."""

from datetime import date
from typing import Any

import pytest
from aiokafka import ConsumerRecord
from hypothesis import given
from hypothesis import strategies as st

from schemas.kafka import Malformed, to_record
from services.reporting.records import decode, decode_with_care, fingerprint
from tests.reporting.landlord import moved_in, offered_to


def consumed(key: bytes | None, value: bytes | None, headers: Any) -> ConsumerRecord[Any, Any]:
    return ConsumerRecord(
        topic="t", partition=1, offset=7, timestamp=0, timestamp_type=0, key=key, value=value, checksum=None,
        serialized_key_size=0, serialized_value_size=0, headers=tuple(headers),
    )  # fmt: skip


def read(reader: Any, record: ConsumerRecord[Any, Any]) -> Any:
    """What a reader makes of a record, its stored bytes aside: care writes the data anew."""
    try:
        found = reader(record, "tenancy.events")
    except Malformed as malformed:
        return malformed.code
    return found.row._replace(payload=b""), found.data, found.test


VALID = [
    to_record(moved_in(1)),
    to_record(offered_to(2, sequence=3, history=True, recordedtime=moved_in(1).time)),
    to_record(moved_in(3, on=date(2019, 12, 31), traceparent="00-" + "1" * 32 + "-" + "2" * 16 + "-01")),
]
ODD = st.sampled_from([
    None, b"", b"\xff", b"x", b"true", b"TRUE", b"-1", b"007", b"9" * 19, b"2019-03-01T11:00:00Z", b"2019-03-01",
    b"2019-03-01t11:00:00z", b"2019-03-01T11:00:00+01:00", b"1899-01-01T00:00:00Z", b"2019-02-30T00:00:00Z", b"1.0",
    b"a" * 129, b"with space", "å\u200b".encode(), b"\x00", b"application/json", b"application/json; charset=utf-8",
])  # fmt: skip


@pytest.mark.parametrize("record", VALID)
def test_our_own_records_are_read_at_once_and_alike(record: Any) -> None:
    arrived = consumed(record.key, record.value, record.headers)
    assert read(decode, arrived) == read(decode_with_care, arrived)
    assert decode(arrived, "t").row.payload == record.value


@given(st.sampled_from(VALID), st.data())
def test_whatever_stands_in_a_header_both_say_the_same(record: Any, data: st.DataObject) -> None:
    headers = list(record.headers)
    for _ in range(data.draw(st.integers(1, 2))):
        name = data.draw(
            st.sampled_from([name for name, _ in headers] + ["ce_sequence", "ce_history", "ce_recordedtime", "ce_test"])
        )
        headers = [(n, v) for n, v in headers if n != name]
        if data.draw(st.booleans()):
            headers.append((name, data.draw(ODD)))
    arrived = consumed(record.key, record.value, headers)
    assert read(decode, arrived) == read(decode_with_care, arrived)


@pytest.mark.parametrize(
    "value",
    [None, b"", b"{}", b"[]", b"\xff", b'{"tenancy_id": "t1\\u0000"}', b'{"tenancy_id": "other"}', b"null", b"NaN"],
)
@pytest.mark.parametrize("key", [None, b"t1", b"t2", b"\xff"])
def test_whatever_is_the_body_or_key_both_say_the_same(key: bytes | None, value: bytes | None) -> None:
    for body in (value, VALID[0].value):
        arrived = consumed(key, body, VALID[0].headers)
        assert read(decode, arrived) == read(decode_with_care, arrived)


def test_a_fingerprint_tells_records_apart() -> None:
    first, second = (consumed(r.key, r.value, r.headers) for r in VALID[:2])
    assert fingerprint(first) == fingerprint(first)
    assert fingerprint(first) != fingerprint(second)
    assert fingerprint(consumed(b"a", b"bc", [])) != fingerprint(consumed(b"ab", b"c", []))
