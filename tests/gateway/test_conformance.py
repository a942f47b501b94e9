"""The public CloudEvents scenarios, at the gateway's door and in what we write to Kafka and read from it.

Their events are translated to a type of ours; everything else is theirs: see `conformance/README.md`.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
import yaml

from schemas.errors import Malformed
from schemas.kafka import from_record, to_record
from schemas.tenancy import TenantMovedIn
from services.chassis.testkit import Bus, Running
from tests.gateway.conftest import BATCH, STRUCTURED, MakeKey

Json = dict[str, Any]
AllSent = Callable[[], Awaitable[None]]
SCENARIOS: Mapping[str, Any] = yaml.safe_load(
    (Path(__file__).parent / "conformance" / "scenarios.yaml").read_text(encoding="utf-8")
)
VALID: list[Json] = SCENARIOS["valid_events"]
INVALID: list[Json] = SCENARIOS["invalid_events"]
BY_ID = {scenario["id"]: scenario for scenario in (*VALID, *INVALID)}
TYPES: Mapping[str, list[str]] = SCENARIOS["content_types"]
SOURCES = sorted({scenario["set"]["source"] for scenario in VALID})
BASE = {
    "specversion": "1.0",
    "id": "scenario",
    "source": "https://cloudevents.io",
    "type": TenantMovedIn.type,
    "time": "2018-04-05T03:56:24Z",
}


def event(scenario: Mapping[str, Any], **more: Any) -> Json:
    """The scenario's event in structured mode, as a TenantMovedIn."""
    said = {**BASE, **scenario.get("set", {}), **more}
    data = {
        "tenancy_id": said.get("subject") or "tenancy-of-the-scenario",
        "tenant_ref": "ref-of-the-scenario",
        "area_id": "oxnehaga",
        "moved_in_on": "2018-04-05",
        "contact_rule": "any",
    }
    return {name: value for name, value in {**said, "data": data}.items() if name not in scenario.get("unset", ())}


def headers_of(said: Json) -> dict[str, str]:
    """The attributes as headers in binary mode."""
    given = {
        name: value for name, value in said.items() if name not in ("data", "datacontenttype") and value is not None
    }
    return {f"ce-{name}": quote(_canonical(value), safe=":/?#[]@!$&'()*+,;=") for name, value in given.items()}


def _canonical(value: object) -> str:
    return json.dumps(value) if isinstance(value, bool) else str(value)


@pytest.fixture
async def key(make_key: MakeKey) -> str:
    return await make_key(sources=SOURCES)


class Door:
    """The gateway's door as each mode uses it."""

    def __init__(self, gateway: Running, key: str) -> None:
        self._client = gateway.client
        self._key = {"Authorization": f"Bearer {key}"}

    async def send(self, mode: str, said: Json, content_type: str | None = None) -> httpx2.Response:
        if mode == "binary":
            headers = headers_of(said) | {"Content-Type": content_type or "application/json"}
            return await self.post(json.dumps(said["data"]), **headers)
        if mode == "batch":
            return await self.post(json.dumps([said]), **{"Content-Type": content_type or BATCH})
        return await self.post(json.dumps(said), **{"Content-Type": content_type or STRUCTURED})

    async def post(self, body: str, **headers: str) -> httpx2.Response:
        return await self._client.post("/events", content=body.encode(), headers=self._key | headers)


@pytest.fixture
def door(gateway: Running, key: str) -> Door:
    return Door(gateway, key)


@pytest.mark.parametrize("mode", ["binary", "structured", "batch"])
async def test_valid_events_come_through_with_every_attribute(
    mode: str, door: Door, bus: Bus, all_sent: AllSent
) -> None:
    for scenario in VALID:
        answer = await door.send(mode, event(scenario))
        assert answer.status_code == 202, (scenario["id"], answer.text)
        [told] = answer.json() if mode == "batch" else [answer.json()]
        dropped = [warning.partition(" ")[0] for warning in told.get("warnings", [])]
        assert sorted(dropped) == scenario.get("dropped", []), scenario["id"]
    await all_sent()
    written = {dict(record.headers)["ce_id"].decode(): record for record in await bus.records("tenancy.events")}
    assert written.keys() == {scenario["set"]["id"] for scenario in VALID}
    for scenario in VALID:
        record = written[scenario["set"]["id"]]
        said = event(scenario)
        attributes = {name[3:]: value.decode() for name, value in record.headers if name.startswith("ce_")}
        # What is theirs came through; dataschema and recordedtime are the gateway's own, as docs/publishing.md says.
        kept = {n: v for n, v in said.items() if v is not None and n in attributes and n != "dataschema"}
        assert {n: attributes[n] for n in kept} == kept | scenario.get("read", {}), scenario["id"]
        assert said.keys() - attributes.keys() <= {"data", "datacontenttype", "subject", *scenario.get("dropped", ())}
        assert json.loads(record.value) == said["data"], scenario["id"]
        assert dict(record.headers)["content-type"] == b"application/json"


async def test_invalid_events_are_refused_in_every_mode_and_none_is_written(
    door: Door, bus: Bus, all_sent: AllSent
) -> None:
    """In binary mode, those that a header can say: it has no numbers and no objects, and no second data."""
    unsayable = (
        "invalidNumericId",
        "invalidObjectId",
        "invalidNonIntegerExtensionValue",
        "invalidBothDataAndDataBase64",
    )
    media_types = ("invalidNonRfc2046DataContentType", "invalidEmptyDataContentType")
    for scenario in INVALID:
        name, said = scenario["id"], event(scenario)
        assert (await door.send("structured", said)).status_code == 422, name
        batch = await door.send("batch", said)
        assert (batch.status_code, [told["status"] for told in batch.json()]) == (207, ["refused"]), name
        if name in media_types:
            assert (await door.send("binary", said, said["datacontenttype"] or " ")).status_code == 415, name
        elif name not in (*unsayable, "invalidCapitalizedExtension"):  # a header's name has no capitals
            assert (await door.send("binary", said)).status_code == 422, name
    await all_sent()
    assert await bus.records("tenancy.events") == []


async def test_every_event_of_a_batch_is_answered_for_itself(door: Door) -> None:
    for batch in SCENARIOS["batches"]:
        sent = [event(BY_ID[name]) if name in BY_ID else name for name in batch["events"]]
        answer = await door.post(json.dumps(sent), **{"Content-Type": f"{BATCH}; charset=UTF-8"})
        assert answer.status_code == (207 if "refused" in batch["answers"] else 202), batch["id"]
        assert [told["status"] for told in answer.json()] == batch["answers"], batch["id"]


async def test_each_mode_comes_with_each_of_its_content_types(door: Door) -> None:
    for mode, content_types in TYPES.items():
        for content_type in content_types:
            said = event({}, id=f"{mode} {content_type}")
            assert (await door.send(mode, said, content_type)).status_code == 202, content_type


async def test_header_values_are_decoded_as_the_binding_says(door: Door, bus: Bus, all_sent: AllSent) -> None:
    for case in SCENARIOS["header_values"]:
        for written in case["written"]:
            said = event({}, subject=case["value"], id=f"{case['value']} as {written}")
            headers = headers_of(said) | {"ce-subject": written, "Content-Type": "application/json"}
            answer = await door.post(json.dumps(said["data"]), **headers)
            assert answer.status_code == 202, (written, answer.text)
            assert answer.json()["id"] == said["id"]
    for written in SCENARIOS["header_values_refused"]:
        said = event({}, id="refused")
        headers = headers_of(said) | {"ce-subject": written.encode("latin-1"), "Content-Type": "application/json"}
        answer = await door.post(json.dumps(said["data"]), **headers)
        assert answer.status_code == 400, written
        assert answer.json()["errors"][0]["field"] == "subject"
    await all_sent()
    subjects = {dict(record.headers)["ce_subject"].decode() for record in await bus.records("tenancy.events")}
    assert subjects == {case["value"] for case in SCENARIOS["header_values"]}


@pytest.mark.parametrize("scenario", VALID, ids=lambda scenario: scenario["id"])
def test_a_kafka_record_in_either_mode_is_the_event(scenario: Json) -> None:
    """What Kafka's binding calls parsing; and writing it again gives the same attributes and the subject as key."""
    said = event(scenario)
    said.setdefault("subject", said["data"]["tenancy_id"])
    said["subject"] = said["subject"] or said["data"]["tenancy_id"]
    text = {name: _canonical(value) for name, value in said.items() if name != "data" and value is not None}
    headers = [(f"ce_{name}", value.encode()) for name, value in text.items() if name != "datacontenttype"]
    body = json.dumps(said["data"]).encode()
    binary = [(body, [*headers, ("content-type", content_type.encode())]) for content_type in TYPES["binary"]]
    whole = json.dumps(said).encode()
    structured = [(whole, [("content-type", content_type.encode())]) for content_type in TYPES["structured"]]
    read = [from_record(None, *record) for record in (*binary, *structured)]
    assert all(one == read[0] for one in read)
    understood = said | scenario.get("read", {})
    assert read[0].time == datetime.fromisoformat(understood["time"])
    record = to_record(read[0])
    again = {name[3:]: value.decode() for name, value in record.headers if name.startswith("ce_")}
    assert again == {n: str(v) for n, v in understood.items() if n in again}
    assert again.keys() >= text.keys() - {"datacontenttype", *scenario.get("dropped", ())}
    assert (record.key.decode(), json.loads(record.value or b"")) == (said["subject"], said["data"])


@pytest.mark.parametrize("scenario", [s for s in INVALID if not s.get("at_the_door")], ids=lambda s: s["id"])
def test_an_invalid_event_in_a_kafka_record_is_malformed(scenario: Json) -> None:
    said = event(scenario)
    said.setdefault("subject", "" if "subject" in scenario.get("set", {}) else said["data"]["tenancy_id"])
    with pytest.raises(Malformed):
        from_record(None, json.dumps(said).encode(), [("content-type", STRUCTURED.encode())])
