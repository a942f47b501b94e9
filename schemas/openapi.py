"""The catalogue as components of an OpenAPI 3.1 document: each type's data, its envelope, and all of them as one union.

A type `se.vatterhem.TenantMovedIn.v1` gives `TenantMovedInV1` (the data) and `TenantMovedInV1Event` (the event in structured
mode, whose `type` is that type and no other, so that a generated client tells them apart).
"""

from collections.abc import Iterable
from typing import Any

from .door import FROM_OUTSIDE
from .event import PREFIX, EventData
from .fields import NO_CONTROL, URI_REFERENCE
from .generate import example, json_schema

Json = dict[str, Any]
COMPONENTS = "#/components/schemas/"
ENVELOPE = "Attributes"
EVENT = "Event"
DATA = "EventData"

_ID = {"type": "string", "minLength": 1, "maxLength": 128, "pattern": NO_CONTROL}
_URI = {"type": "string", "minLength": 1, "maxLength": 256, "pattern": URI_REFERENCE}
_MOMENT = {"type": "string", "format": "date-time"}
ATTRIBUTES: dict[str, Json] = {
    "specversion": {"type": "string", "const": "1.0", "description": "The version of CloudEvents."},
    "id": {**_ID, "description": "Names the event together with `source`, for ever. Sent again it is a duplicate."},
    "source": {**_URI, "description": "The system that says it: one of the key's sources."},
    "subject": {
        **_ID,
        "description": "What it is about. May be left out where the data has it, in the field x-subject.",
    },
    "time": {**_MOMENT, "description": "When it happened, with offset, from 1900 on."},
    "datacontenttype": {"type": "string", "description": "application/json, or left out."},
    "recordedtime": {**_MOMENT, "description": "When it was accepted: the gateway writes its own."},
    "dataschema": {**_URI, "description": "Left out, or /schemas/{type}. The gateway writes its own."},
    "sequence": {
        "description": "Orders the events of one subject from one source: a whole number from 0, as text or number.",
        "oneOf": [
            {"type": "string", "pattern": "^[0-9]{1,18}$"},
            {"type": "integer", "minimum": 0, "maximum": 2**63 - 1},
        ],
    },
    "history": {
        "description": "Loaded from the past: counts in figures, causes no message and no to-do.",
        "type": "boolean",
    },
    "test": {
        "description": "Sent to try things out: validated, answered and passed on, and nothing comes of it. Always so under a test key.",
        "type": "boolean",
    },
    "traceparent": {"type": "string", "description": "W3C trace context; dropped where it isn't one."},
    "tracestate": {"type": "string", "description": "W3C trace context, beside `traceparent`."},
}
"""CloudEvents attributes as they stand in structured mode, but for `type`."""
NEEDED = ("specversion", "id", "source", "time")


def component_of(type_: str) -> str:
    """`se.vatterhem.TenantMovedIn.v1` → `TenantMovedInV1`."""
    name, _, major = type_.removeprefix(PREFIX).rpartition(".")
    return f"{name}{major.upper()}"


def ref(name: str) -> Json:
    return {"$ref": f"{COMPONENTS}{name}"}


def components(models: Iterable[type[EventData]]) -> dict[str, Json]:
    """Schemas by component name: every model's data; envelopes and unions of those that come from outside."""
    found: dict[str, Json] = {ENVELOPE: _envelope()}
    published = []
    for model in models:
        name = component_of(model.type)
        found |= _data(model, name)
        if model.type in FROM_OUTSIDE:
            published.append(model.type)
            found[f"{name}Event"] = _event(model, name)
    found[EVENT] = {
        "description": "One event in structured mode: `type` tells which.",
        "oneOf": [ref(f"{component_of(type_)}Event") for type_ in published],
        "discriminator": {
            "propertyName": "type",
            "mapping": {type_: f"{COMPONENTS}{component_of(type_)}Event" for type_ in published},
        },
    }
    found[DATA] = {
        "description": "The data of one event in binary mode: the header ce-type tells of which type.",
        "anyOf": [ref(component_of(type_)) for type_ in published],
    }
    return found


def _envelope() -> Json:
    return {
        "type": "object",
        "description": "The CloudEvents attributes. Others are dropped, with a warning in the answer.",
        "properties": ATTRIBUTES,
        "required": list(NEEDED),
    }


def _event(model: type[EventData], name: str) -> Json:
    return {
        "title": f"{name}Event",
        "allOf": [
            ref(ENVELOPE),
            {
                "type": "object",
                "properties": {"type": {"type": "string", "const": model.type}, "data": ref(name)},
                "required": ["type", "data"],
            },
        ],
        "examples": [example(model.type)],
    }


def _data(model: type[EventData], name: str) -> dict[str, Json]:
    """The model's schema as a component, and its parts as components beside it."""
    whole = json_schema(model)
    inner = whole.pop("$defs", {})
    parts = {part: f"{name}{part}" for part in inner}
    kept = {key: value for key, value in whole.items() if key not in ("$schema", "$id")}
    return {
        name: {**_pointing(kept, parts), "title": name},
        **{parts[part]: {**_pointing(body, parts), "title": parts[part]} for part, body in inner.items()},
    }


def _pointing(schema: Any, parts: dict[str, str]) -> Any:
    """`schema` with its own `#/$defs/…` pointing at the components."""
    if isinstance(schema, list):
        return [_pointing(inner, parts) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: f"{COMPONENTS}{parts[value.rpartition('/')[2]]}" if key == "$ref" else _pointing(value, parts)
        for key, value in schema.items()
    }
