"""One event of every type, from the examples publishers see."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from schemas.catalogue import MODELS
from schemas.envelope import parse_data
from schemas.event import Event
from schemas.generate import example
from schemas.http import Entry, read
from schemas.kafka import to_record
from schemas.text import dump_json

EVERY_TYPE = sorted(MODELS)
TRACE = {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01", "tracestate": "x=1"}


def event(type_: str, **attributes: Any) -> Event[Any]:
    said = example(type_)
    data, unknown = parse_data(MODELS[type_], dump_json(said["data"]))
    assert unknown == []
    time = datetime.fromisoformat(said["time"])
    return Event.of(data, id=said["id"], source=said["source"], time=time, subject=said["subject"], **attributes)


def full_event(type_: str) -> Event[Any]:
    """With every attribute set."""
    moment = datetime(2019, 3, 2, 1, 2, 3, 456789, tzinfo=UTC)
    return event(type_, recordedtime=moment, sequence=12, history=True, test=True, **TRACE)


def move_in() -> dict[str, Any]:
    """TenantMovedIn in structured mode, to be bent."""
    said = example("se.vatterhem.TenantMovedIn.v1")
    return {**said, "data": dict(said["data"])}


def read_one(whole: object) -> Entry:
    return read([("content-type", "application/cloudevents+json")], dump_json(whole)).entries[0]


def to_structured(said: Event[Any]) -> bytes:
    """The event as a publisher would send it in structured mode."""
    headers = to_record(said).headers
    attributes: dict[str, Any] = {name[3:]: value.decode() for name, value in headers if name.startswith("ce_")}
    if said.history:
        attributes["history"] = True
    if said.test:
        attributes["test"] = True
    return orjson.dumps({**attributes, "data": orjson.loads(said.data.json_bytes())})


def to_batch(said: Sequence[Event[Any]]) -> bytes:
    return b"[%b]" % b",".join(map(to_structured, said))
