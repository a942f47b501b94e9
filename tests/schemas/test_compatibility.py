"""Every published version is kept to: its events are read, its readers can read ours, and a change that breaks is named."""

import json
import re
from pathlib import Path
from typing import Any

import orjson
import pytest
from jsonschema import Draft202012Validator

from schemas.catalogue import MODELS
from schemas.compat import breaks
from schemas.event import EventData
from schemas.fields import Day, Id
from schemas.generate import example, json_schema
from schemas.kafka import from_record, to_record
from scripts.keep_schemas import record
from tests.schemas import golden

ROOT = Path(__file__).resolve().parents[2]
MENDED = "give the changed event the next major version, beside this one (docs/add-an-event.md)"


def broken(version: str, type_: str, model: type[EventData] | None) -> str:
    """What `model` breaks of what a version promised, a line each; empty when nothing."""
    if model is None:
        return f"{type_} was published in {version} and is gone"
    found = breaks(golden.schema(version, type_), json_schema(model))
    return "\n".join(f"{type_} as of {version}: {one}; {MENDED}" for one in found)


@pytest.mark.parametrize(("version", "type_"), golden.PUBLISHED)
def test_no_event_breaks_what_was_published_of_it(version: str, type_: str) -> None:
    said = broken(version, type_, MODELS.get(type_))
    assert not said, said


@pytest.mark.parametrize(("version", "type_"), golden.PUBLISHED)
def test_events_of_every_version_are_read_whole(version: str, type_: str) -> None:
    old = golden.records(version)[type_]
    event = from_record(old.key, old.value, old.headers)
    again = to_record(event)
    assert (again.key, dict(old.headers).items() - dict(again.headers).items()) == (old.key, set())
    assert (again.value is None) == (old.value is None)
    if old.value is not None and again.value is not None:
        said, kept = orjson.loads(old.value), orjson.loads(again.value)
        assert {name: kept.get(name) for name in said} == said


@pytest.mark.parametrize(("version", "type_"), golden.PUBLISHED)
def test_readers_of_every_version_can_read_what_is_said_now(version: str, type_: str) -> None:
    validator = Draft202012Validator(
        golden.schema(version, type_), format_checker=Draft202012Validator.FORMAT_CHECKER
    )  # fmt: skip
    assert list(validator.iter_errors(example(type_)["data"])) == []


def test_every_version_that_is_out_is_kept() -> None:
    out = re.findall(r"^## (\d+\.\d+\.\d+) ", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert set(out) <= set(golden.VERSIONS), "run python -m scripts.keep_schemas VERSION, on the code of that version"
    assert set(golden.VERSIONS) - set(out) <= {golden.VERSIONS[-1]}
    if golden.VERSIONS[-1] not in out:  # under way
        kept = golden.VERSIONS[-1]
        stale = [t for t in golden.types(kept) if golden.schema(kept, t) != json_schema(MODELS[t])]
        assert (stale, set(golden.types(kept))) == ([], set(MODELS)), f"run python -m scripts.keep_schemas {kept}"
        now = [json.loads(record(type_)) for type_ in sorted(MODELS)]
        lines = (golden.FOLDER / kept / "records.ndjson").read_text(encoding="utf-8").splitlines()
        assert [json.loads(line) for line in lines] == now, f"run python -m scripts.keep_schemas {kept}"


class Gone(EventData, name="TenantMovedOut", topic="tenancy.events", subject="tenancy_id"):
    """Without `moved_out_on`."""

    tenancy_id: Id


class Retyped(EventData, name="TenantMovedOut", topic="tenancy.events", subject="tenancy_id"):
    """With a text for a day."""

    tenancy_id: Id
    moved_out_on: str


class Demanding(EventData, name="TenantMovedOut", topic="tenancy.events", subject="tenancy_id"):
    """With one thing more that must be said."""

    tenancy_id: Id
    moved_out_on: Day
    floor: int


class Elsewhere(
    EventData, name="TenantMovedOut", topic="tenancy.events", subject="tenancy_id", identity=("moved_out_on",)
):
    """With another rule for what a correction is."""

    tenancy_id: Id
    moved_out_on: Day


class Fuller(EventData, name="TenantMovedOut", topic="tenancy.events", subject="tenancy_id"):
    """With one thing more that may be said."""

    tenancy_id: Id
    moved_out_on: Day
    floor: int | None = None


@pytest.mark.parametrize(
    ("model", "named"),
    [
        (Gone, "moved_out_on"),
        (Retyped, "moved_out_on"),
        (Demanding, "floor"),
        (Elsewhere, "x-identity"),
        (None, "gone"),
    ],
)
def test_a_model_that_breaks_what_was_published_is_named(model: Any, named: str) -> None:
    said = broken("0.3.0", "se.vatterhem.TenantMovedOut.v1", model)
    assert named in said
    assert all("TenantMovedOut.v1" in line for line in said.splitlines())


def test_a_new_optional_field_breaks_nothing() -> None:
    assert broken("0.3.0", "se.vatterhem.TenantMovedOut.v1", Fuller) == ""
