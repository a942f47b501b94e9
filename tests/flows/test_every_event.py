"""Every event that other systems publish comes in by HTTP, by form and by file, and is found wherever it should be."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from schemas.catalogue import MODELS
from schemas.door import FROM_OUTSIDE
from schemas.event import ANY_TOPIC
from schemas.gateway import SourceChecked
from schemas.generate import example
from schemas.kafka import from_record
from schemas.tenancy import TenantContactErased
from schemas.topics import TOPICS
from schemas.withdrawal import EventWithdrawn
from services.chassis.testkit import OPERATOR, Bus, Running, Start, eventually
from services.chassis.web import Role
from services.chassis.web.session import SESSION_COOKIE, seal_session
from services.gateway.app import service as gateway_service
from services.gateway.domain.filling import typed_of
from services.gateway.domain.forms import form_of
from services.reporting.app import service as reporting_service

pytestmark = pytest.mark.timeout(180)

WITHDRAWN = EventWithdrawn.type
TYPES = sorted(FROM_OUTSIDE - {WITHDRAWN}, key=lambda name: name == TenantContactErased.type)  # an erasure comes last
BATCH = "application/cloudevents-batch+json"
Json = dict[str, Any]


@dataclass
class Town:
    """The gateway and reporting, on one bus."""

    gateway: Running
    reporting: Running
    bus: Bus

    async def register(self, publisher: str, source: str) -> str:
        """A publisher of every type: its key."""
        order = {"publisher": publisher, "allow": ["all"], "sources": [source]}
        answer = await self.gateway.client.post("/ops/gateway/keys", json=order, headers=OPERATOR)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["key"])

    async def found(self, source: str, types: set[str]) -> None:
        """Waits until an event of each type from `source` stands on its topic and, but for personal ones, is a fact."""
        facts = {name for name in types if not TOPICS[_topic_of(name)].personal}

        async def are_facts() -> bool:
            rows = await self.reporting.ctx.db.pool.fetch("select type from fact where source = $1", source)
            return {row["type"] for row in rows} == facts

        await eventually(f"facts from {source}", are_facts)
        on_topics = set()
        for topic in {_topic_of(name) for name in types}:
            for record in await self.bus.records(topic):
                event = from_record(record.key, record.value, record.headers)
                if event.source == source:
                    on_topics.add(event.type)
        assert on_topics == types

    async def numbers(self, publisher: str) -> tuple[Json, str]:
        """What the publisher's page says, as JSON and as a person sees it."""
        said = await self.gateway.client.get(f"/ops/gateway/publishers/{publisher}", headers=OPERATOR)
        shown = await self.gateway.client.get(f"/publishers/{publisher}", headers={**OPERATOR, "Accept": "text/html"})
        assert (said.status_code, shown.status_code) == (200, 200)
        numbers: Json = said.json()["last_30_days"]
        return numbers, shown.text


def _topic_of(event_type: str) -> str:
    topic = MODELS[event_type].topic
    return "community.events" if topic == ANY_TOPIC else topic  # what is withdrawn here is a VisitCounted


def data_of(event_type: str, source: str) -> Json:
    """The example's data, as it fits a source: no other vouches for it, and nobody is erased whom others speak of."""
    data: Json = example(event_type)["data"]
    if event_type == SourceChecked.type:
        return data | {"source": source}
    if event_type == TenantContactErased.type:
        return {"tenant_ref": f"gone-{source.rpartition(':')[2]}"}
    return data


@pytest.fixture
async def town(start: Start, bus: Bus, tmp_path: Path) -> Town:
    gateway = await start(gateway_service, connectors=tmp_path)
    return Town(gateway, await start(reporting_service), bus)


async def test_by_http(town: Town) -> None:
    source = "urn:test:http"
    key = await town.register("by-http", source)
    events = [
        example(name) | {"id": name, "source": source, "subject": None, "data": data_of(name, source)} for name in TYPES
    ]
    visit = next(event for event in events if event["type"].endswith("VisitCounted.v1"))
    withdrawal = {"withdrawn_source": source, "withdrawn_id": visit["id"], "reason": "sent_twice"}
    events.append(
        example(WITHDRAWN)
        | {"source": source, "subject": visit["data"]["meeting_place_id"], "data": withdrawal, "id": "w"}
    )
    answer = await town.gateway.client.post(
        "/events",
        content=json.dumps([{k: v for k, v in event.items() if v is not None} for event in events]),
        headers={"Content-Type": BATCH, "Authorization": f"Bearer {key}"},
    )
    assert answer.status_code == 202, [one for one in answer.json() if one["status"] == "refused"]
    await town.found(source, {*TYPES, WITHDRAWN})
    await shown_as_accepted(town, "by-http", "http", {*TYPES, WITHDRAWN})


async def test_by_form(town: Town) -> None:
    source = "urn:hem:staff:operator"
    session = seal_session(town.gateway.settings, "operator", [Role.OPERATOR], town.gateway.ctx.clock.now())
    headers = {"Cookie": f"{SESSION_COOKIE}={session}", "Accept": "text/html"}
    sent: dict[str, str] = {}

    async def report(name: str, said: dict[str, Any]) -> None:
        answer = await town.gateway.client.post(f"/report/{name}", data={**said, "hem-sure": "yes"}, headers=headers)
        assert answer.status_code == 303, (name, answer.text)
        sent[name] = answer.headers["location"].removeprefix("/report/mine/").partition("?")[0]

    for name in TYPES:
        typed = typed_of(form_of(name), data_of(name, source))
        await report(name, {field: said if len(said) > 1 else said[0] for field, said in typed.items()})
    visit = next(name for name in TYPES if name.endswith("VisitCounted.v1"))
    await report(WITHDRAWN, {"withdrawn_id": sent[visit], "reason": "sent_twice"})
    await town.found(source, {*TYPES, WITHDRAWN})
    await shown_as_accepted(town, "staff-operator", "form", {*TYPES, WITHDRAWN})


async def test_by_file(town: Town, tmp_path: Path) -> None:
    """A spreadsheet for each type, read by the mapping that names its columns as the fields."""
    source = "urn:test:file"
    await town.register("by-file", source)
    visit = next(name for name in TYPES if name.endswith("VisitCounted.v1"))
    runs = [await order(town, tmp_path, name, row=dict(leaves(data_of(name, source)))) for name in TYPES]
    for run in runs:
        await over(town, run)
    record = next(
        found
        for found in [from_record(r.key, r.value, r.headers) for r in await town.bus.records("community.events")]
        if found.type == visit
    )
    taken_back = {"withdrawn_source": source, "withdrawn_id": record.id, "reason": "sent_twice"}
    await over(town, await order(town, tmp_path, WITHDRAWN, row={**taken_back, "subject": record.subject}))
    await town.found(source, {*TYPES, WITHDRAWN})
    await shown_as_accepted(town, "by-file", "file", {*TYPES, WITHDRAWN})


async def order(town: Town, folder: Path, event_type: str, *, row: Json) -> str:
    """Sends a file of one row to a connector made for it: the address of the run."""
    name = event_type.split(".")[2].lower()
    fields = {path: {"column": path} | ({"split": "|"} if isinstance(said, list) else {}) for path, said in row.items()}
    cells = {path: "|".join(said) if isinstance(said, list) else said for path, said in row.items()}
    options = {"type": event_type, "fields": fields}
    told = {"kind": "spreadsheet", "publisher": "by-file", "source": "urn:test:file", "options": options}
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(told))
    runs = f"/ops/gateway/connectors/{name}/runs"
    answer = await town.gateway.client.post(
        runs, params={"filename": "one.json"}, content=json.dumps([cells]), headers=OPERATOR
    )
    assert answer.status_code == 202, answer.text
    return f"{runs}/{answer.json()['run']}"


async def over(town: Town, run: str) -> None:
    """Waits until a run has ended, with nothing refused."""

    async def ended() -> Json | None:
        said: Json = (await town.gateway.client.get(run, headers=OPERATOR)).json()
        return said if said["ended_at"] else None

    found = await eventually(f"the end of {run}", ended, within=60)
    assert found is not None
    assert (found["state"], found["refused"]) == ("done", []), found


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value of an event's data under its path, as a mapping names it."""
    match value:
        case dict():
            for name, inner in value.items():
                yield from leaves(inner, f"{path}.{name}" if path else name)
        case list() if any(isinstance(item, dict) for item in value):
            for number, inner in enumerate(value):
                yield from leaves(inner, f"{path}[{number}]")
        case _:
            yield path, value


async def shown_as_accepted(town: Town, publisher: str, road: str, types: set[str]) -> None:
    numbers, page = await town.numbers(publisher)
    assert {one["type"] for one in numbers["types"]} >= types
    assert (numbers["refused"], numbers["by_road"].keys()) == ({}, {road})
    assert all(name in page for name in types)
