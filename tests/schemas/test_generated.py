"""What is generated is not stale, and schema, model and example agree."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from schemas.catalogue import MODELS
from schemas.envelope import parse_data
from schemas.errors import Malformed
from schemas.generate import EXAMPLES, GENERATED, example, json_schema, outputs, picture
from schemas.text import dump_json
from schemas.topics import TOPICS
from tests.schemas.samples import EVERY_TYPE, read_one


def validator(type_: str) -> Draft202012Validator:
    return Draft202012Validator(json_schema(MODELS[type_]), format_checker=Draft202012Validator.FORMAT_CHECKER)


@pytest.mark.parametrize("file", [file for file, _ in outputs()], ids=lambda file: file.name)
def test_generated_file_is_fresh(file: Any) -> None:
    assert file.read_text(encoding="utf-8") == dict(outputs())[file], "run python -m schemas.generate"


def test_no_file_is_left_over() -> None:
    types = {f"{type_}.json" for type_ in MODELS}
    assert {file.name for file in GENERATED.iterdir()} == types | {"who-talks-to-whom.mmd"}
    assert {file.name for file in EXAMPLES.iterdir()} == types


@pytest.mark.parametrize("type_", EVERY_TYPE)
def test_example_satisfies_schema_model_and_envelope(type_: str) -> None:
    Draft202012Validator.check_schema(json_schema(MODELS[type_]))
    said = example(type_)
    assert list(validator(type_).iter_errors(said["data"])) == []
    entry = read_one(said)
    assert entry.problems == ()
    assert entry.warnings == ()
    assert set(said["data"]) <= {info.alias or name for name, info in MODELS[type_].model_fields.items()}


@pytest.mark.parametrize("type_", EVERY_TYPE)
def test_schema_and_model_refuse_alike(type_: str) -> None:
    data = example(type_)["data"]
    others: tuple[Any, ...] = (7, "", "a\u0007", [], {"A": 1}, {"a": "b"}, "2019-02-30", None)
    spoilt = [{name: value for name, value in data.items() if name != gone} for gone in data]
    spoilt += [{**data, name: other} for name in data for other in others]
    for bad in spoilt:
        try:
            parse_data(MODELS[type_], dump_json(bad))
        except Malformed as malformed:
            between_fields = malformed.field == "data"  # such a rule stands in the description
            taken = False
        else:
            between_fields, taken = False, True
        assert between_fields or validator(type_).is_valid(bad) == taken, bad


@pytest.mark.parametrize(
    ("type_", "changes"),
    [
        ("OfficialStatisticImported", {"value": None}),
        ("OfficialStatisticImported", {"status": "missing"}),
        ("FigurePublished", {"status": "not_shown"}),
        ("FigurePublished", {"value": None}),
        ("FigurePublished", {"status": "no_data", "value": None}),
        ("InvitationIssued", {"person_ref": "p"}),
        ("InvitationIssued", {"tenancy_id": None}),
        ("ReminderIssued", {"tenancy_id": None}),
    ],
)
def test_the_schema_tells_of_fields_that_hang_together(type_: str, changes: dict[str, Any]) -> None:
    data = example(f"se.vatterhem.{type_}.v1")["data"]
    assert not validator(f"se.vatterhem.{type_}.v1").is_valid(data | changes)


def test_every_day_says_its_least() -> None:
    schema = json_schema(MODELS["se.vatterhem.AreaDefined.v1"])["properties"]
    days = [schema["valid_from"], schema["valid_to"]["anyOf"][0]]
    assert all(day["description"].endswith("YYYY-MM-DD, not before 1900.") for day in days)


def test_schemas_stay_open_for_fields_to_come() -> None:
    assert "'additionalProperties': False" not in str([json_schema(model) for model in MODELS.values()])


def test_picture_shows_every_arrow() -> None:
    drawn = picture()
    for name, topic in TOPICS.items():
        node = name.replace(".", "_")
        for reader in topic.readers:
            assert f"{node} --> {reader}\n" in drawn
        if topic.readers:
            assert f"{topic.writers[0]} --> {node}\n" in drawn
