"""Every published version is kept to: its events are read, its readers can read ours, and a change that breaks is named."""

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
from schemas.kafka import Record, from_record, to_record
from scripts import keep_schemas
from tests.schemas import golden

ROOT = Path(__file__).resolve().parents[2]
DIGESTS = {
    "0.1.0": "0c266a46a6661d33fa876599406a94e4df18dd55385d41fc5c00a7a8acd6f839",
    "0.2.0": "0c266a46a6661d33fa876599406a94e4df18dd55385d41fc5c00a7a8acd6f839",
    "0.3.0": "ba8ed19b273f1a273683fcf793d106a2427b2e3fbfd0b9226783359ccf1ea498",
    "0.4.0": "bd0f846f0b8bb4a522ea759fb0c7ec72c80bf4656586e8e9624c700de021d148",
}
"""Version that is out → digest of what was kept of it. A version gets its line when it goes into the changelog."""
MENDED = "give the changed event the next major version, beside this one (docs/add-an-event.md)"


def broken(version: str, type_: str, model: type[EventData] | None) -> str:
    """What `model` breaks of what a version promised, a line each; empty when nothing."""
    if model is None:
        return f"{type_} was published in {version} and is gone"
    found = [
        one
        for one in breaks(golden.schema(version, type_), json_schema(model))
        if one.field != golden.opened(version, type_)
    ]
    return "\n".join(f"{type_} as of {version}: {one}; {MENDED}" for one in found)


@pytest.mark.parametrize(("version", "type_"), golden.PUBLISHED)
def test_no_event_breaks_what_was_published_of_it(version: str, type_: str) -> None:
    said = broken(version, type_, MODELS.get(type_))
    assert not said, said


@pytest.mark.parametrize("version", golden.CLOSED_THEN)
@pytest.mark.parametrize(("type_", "field"), golden.OPENED.items())
def test_the_exception_opens_a_set_and_takes_every_code_of_it(version: str, type_: str, field: str) -> None:
    told, now = golden.schema(version, type_)["properties"][field], json_schema(MODELS[type_])["properties"][field]
    assert {one.field for one in breaks(golden.schema(version, type_), json_schema(MODELS[type_]))} == {field}
    assert all(Draft202012Validator(now).is_valid(code) for code in told.get("enum", [told.get("const")]))
    assert Draft202012Validator(now).is_valid("another_one")


@pytest.mark.parametrize(("version", "type_"), golden.PUBLISHED)
def test_events_of_every_version_are_read_whole(version: str, type_: str) -> None:
    for old in golden.records(version)[type_]:
        _is_read_whole(old)


def _is_read_whole(old: Record) -> None:
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
        golden.readers_schema(version, type_), format_checker=Draft202012Validator.FORMAT_CHECKER
    )
    assert list(validator.iter_errors(example(type_)["data"])) == []


def test_every_version_that_is_out_is_kept() -> None:
    out = re.findall(r"^## (\d+\.\d+\.\d+) ", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert set(out) <= set(golden.VERSIONS), "run python -m scripts.keep_schemas VERSION, on the code of that version"
    assert set(golden.VERSIONS) - set(out) <= {golden.VERSIONS[-1]}
    assert {version: golden.digest(version) for version in out} == DIGESTS, "what is out stays as it was"


def test_the_newest_version_kept_is_the_code() -> None:
    newest = golden.FOLDER / golden.VERSIONS[-1]
    kept = {f.relative_to(newest).as_posix(): f.read_text(encoding="utf-8") for f in newest.rglob("*") if f.is_file()}
    now = dict(keep_schemas.files())
    stale = sorted(name for name in kept.keys() | now.keys() if kept.get(name) != now.get(name))
    assert stale == [], "run python -m scripts.keep_schemas VERSION, with the version under way (not one that is out)"


@pytest.mark.parametrize("version", ["0.1.0", "0.3", "../0.3.0", "v0.3.0", "0.3.0\n", ""])
def test_only_a_version_under_way_is_kept_anew(version: str) -> None:
    with pytest.raises(SystemExit):
        keep_schemas.main(version)


def test_a_version_is_kept_whole_in_place_of_what_stood(tmp_path: Path) -> None:
    folder = tmp_path / "golden" / "9.9.9"
    (folder / "schemas").mkdir(parents=True)
    (folder / "schemas" / "left-over.json").write_text("{}")
    keep_schemas.keep(folder)
    assert {f.relative_to(folder).as_posix() for f in folder.rglob("*.*")} == {name for name, _ in keep_schemas.files()}
    assert [file.name for file in tmp_path.iterdir()] == ["golden"]


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
