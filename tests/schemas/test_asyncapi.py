"""The AsyncAPI document is one by the official schema, and says what the registry says."""

import copy
import json
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator, Draft202012Validator

from schemas.asyncapi import document
from schemas.catalogue import MODELS
from schemas.door import FROM_OUTSIDE
from schemas.generate import example, json_schema
from schemas.lifecycle import Deprecation
from schemas.topics import TOPICS
from scripts import derive

OFFICIAL = Path(__file__).parent / "asyncapi-3.0.0.json"
MOVED_IN = "se.vatterhem.TenantMovedIn.v1"


@pytest.fixture(scope="module")
def said() -> dict[str, Any]:
    return document("https://hem.example.se/", "try-")


@lru_cache
def official() -> Draft7Validator:
    return Draft7Validator(json.loads(OFFICIAL.read_text(encoding="utf-8")))


def resolved(said: dict[str, Any], ref: str) -> Any:
    for part in ref.removeprefix("#/").split("/"):
        said = said[part]
    return said


def references(value: Any) -> list[str]:
    if isinstance(value, list):
        return [ref for inner in value for ref in references(inner)]
    if not isinstance(value, dict):
        return []
    own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
    return own + [ref for inner in value.values() for ref in references(inner)]


def test_it_is_an_asyncapi_document_and_the_official_schema_can_tell(said: dict[str, Any]) -> None:
    assert [error.message for error in official().iter_errors(said)] == []
    spoilt = copy.deepcopy(said)
    spoilt["operations"]["gateway.receive.inbound"]["action"] = "shout"
    assert not official().is_valid(spoilt)


def test_every_reference_leads_somewhere(said: dict[str, Any]) -> None:
    found = references(said)
    assert len(found) > 300
    for ref in found:
        assert resolved(said, ref)


def test_every_event_is_a_message_of_its_own_on_the_topic_it_goes_to(said: dict[str, Any]) -> None:
    assert set(said["components"]["messages"]) == set(MODELS)
    for name, topic in TOPICS.items():
        listed = {type_ for type_, model in MODELS.items() if model.topic == name and not model.draft}
        assert (
            set(said["channels"].get(name, {"messages": {}})["messages"]) - {"se.vatterhem.EventWithdrawn.v1"} == listed
        )
        if listed:
            assert said["channels"][name]["address"] == f"try-{name}"
            assert said["channels"][name]["bindings"]["kafka"]["partitions"] == topic.partitions
            senders = {key.partition(".send.")[0] for key in said["operations"] if key.endswith(f".send.{name}")}
            assert senders == set(topic.writers)
            hearers = {key.partition(".receive.")[0] for key in said["operations"] if key.endswith(f".receive.{name}")}
            assert hearers == set(topic.readers)
    assert set(said["channels"]["inbound"]["messages"]) == FROM_OUTSIDE


def test_a_service_hears_what_it_reacts_to_and_reporting_all(said: dict[str, Any]) -> None:
    def heard(key: str) -> set[str]:
        return {ref["$ref"].rpartition("/")[2] for ref in said["operations"][key]["messages"]}

    assert "se.vatterhem.TenantMovedOut.v1" not in heard("notifications.receive.tenancy.events")
    assert heard("reporting.receive.tenancy.events") == set(said["channels"]["tenancy.events"]["messages"])


@pytest.mark.parametrize("type_", sorted(MODELS))
def test_payload_and_headers_take_the_examples_they_show(said: dict[str, Any], type_: str) -> None:
    message = said["components"]["messages"][type_]
    [shown] = message["examples"]
    for place, value in (("headers", shown["headers"]), ("payload", shown.get("payload"))):
        schema = {**message[place], "components": said["components"]}
        assert list(Draft202012Validator(schema).iter_errors(value)) == [], place
    assert MODELS[type_].tombstone == ("payload" not in shown)
    assert not Draft202012Validator({**message["headers"], "components": said["components"]}).is_valid(
        {**shown["headers"], "ce_type": "another"}
    )


def test_a_message_says_that_its_event_is_deprecated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MODELS[MOVED_IN], "deprecated", Deprecation(date(2027, 1, 1), "Another one says more."))
    now = document.__wrapped__("https://hem.example.se")
    assert now["components"]["messages"][MOVED_IN]["deprecated"] is True
    assert official().is_valid(now)
    assert json_schema(MODELS[MOVED_IN])["deprecated"] is True
    assert example(MOVED_IN)["type"] == MOVED_IN


def test_what_is_derived_from_services_goals_and_versions_is_fresh() -> None:
    stale = [file.name for file, text in derive.outputs() if file.read_text(encoding="utf-8") != text]
    assert stale == [], "run python -m scripts.derive"
