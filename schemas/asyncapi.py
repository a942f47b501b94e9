"""The AsyncAPI 3.0 document of everything that is said over Kafka, from the registry: models, topics, reactions.

A channel is a topic, a message an event type, an operation what one service sends or receives on one topic. Payloads are
the published JSON Schemas, written as AsyncAPI's own schema format; headers are CloudEvents' Kafka binding in binary mode.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from .catalogue import MODELS, on_topic
from .door import FROM_OUTSIDE
from .envelope import parse_data
from .event import ANY_TOPIC, Event, EventData
from .generate import example, json_schema
from .kafka import to_record
from .text import dump_json
from .topics import TOPICS, Topic
from .uses import HISTORY, hears
from .withdrawal import EventWithdrawn

Json = dict[str, Any]

BINDING: Final = "0.5.0"
VERSION: Final = max(
    (step.version for steps in HISTORY.values() for step in steps), key=lambda v: [*map(int, v.split("."))]
)
"""The newest version of the schemas."""
INBOUND: Final = "inbound"
NUMBERS: Final = ("retention.ms", "retention.bytes", "max.message.bytes", "delete.retention.ms")
"""What the Kafka binding has words for, of a topic's configuration."""
TEXT: Final = {"type": "string"}
MOMENT: Final = {"type": "string", "format": "date-time"}
HEADERS: Final[Mapping[str, Json]] = {
    "ce_specversion": {"const": "1.0"},
    "ce_id": TEXT | {"description": "Made by the publisher; with the source it identifies the event for ever."},
    "ce_source": TEXT | {"format": "uri-reference", "description": "The publishing system."},
    "ce_subject": TEXT | {"description": "The aggregate's id: the record's key."},
    "ce_time": MOMENT | {"description": "When it happened."},
    "content-type": {"const": "application/json"},
    "ce_recordedtime": MOMENT | {"description": "When the platform accepted it."},
    "ce_dataschema": TEXT | {"format": "uri-reference", "description": "The address of the data's JSON Schema."},
    "ce_sequence": TEXT | {"pattern": "^[0-9]+$", "description": "Counts the events of one subject from one source."},
    "ce_history": {"const": "true", "description": "Loaded from the past: counts, and never causes a message."},
    "ce_test": {"const": "true", "description": "For trying out: read like any other, and never counts or sends."},
    "ce_traceparent": TEXT | {"description": "W3C trace context."},
    "ce_tracestate": TEXT | {"description": "W3C trace context."},
}
NEEDED: Final = ("ce_specversion", "ce_id", "ce_source", "ce_type", "ce_subject", "ce_time")


@lru_cache
def document(public_url: str, prefix: str = "") -> Json:
    """The document of an installation that is reached at `public_url` and has `prefix` before every topic."""
    base = public_url.rstrip("/")
    return {
        "asyncapi": "3.0.0",
        "id": "urn:hem:events",
        "info": _info(base),
        "defaultContentType": "application/json",
        "servers": {"kafka": _server()},
        "channels": {INBOUND: _inbound(prefix), **{t.name: _channel(t, prefix) for t in TOPICS.values() if _types(t)}},
        "operations": dict(_operations()),
        "components": {
            "schemas": {"CloudEventHeaders": _headers(), **dict(_schemas())},
            "messages": {type_: _message(model, base) for type_, model in MODELS.items()},
        },
    }


def _info(base: str) -> Json:
    return {
        "title": "Hem: events",
        "version": VERSION,
        "description": "What the systems of the housing company tell each other, and who hears it. Other systems publish "
        "over HTTP, or over Kafka to a topic of their own.",
        "license": {"name": "EUPL-1.2"},
        "externalDocs": {"url": f"{base}/schemas", "description": "The same to browse: meaning, fields, examples."},
        "tags": [{"name": topic.name, "description": topic.description} for topic in TOPICS.values() if _types(topic)],
    }


def _server() -> Json:
    return {
        "host": "{bootstrap}",
        "protocol": "kafka",
        "description": "The installation's Kafka. Its operator gives publishers the address.",
        "variables": {"bootstrap": {"description": "Bootstrap server, host:port.", "examples": ["kafka:9092"]}},
    }


def _types(topic: Topic) -> tuple[str, ...]:
    """The types on a topic; withdrawals too where others' events can be withdrawn."""
    types = tuple(model.type for model in on_topic(topic.name))
    withdrawn = "gateway" in topic.writers and not topic.personal and any(type_ in FROM_OUTSIDE for type_ in types)
    return (*types, EventWithdrawn.type) if withdrawn else types


def _channel(topic: Topic, prefix: str) -> Json:
    marks = [{"name": name} for name, is_so in (("personal", topic.personal), ("private", topic.private)) if is_so]
    config = topic.config()
    known: Json = {name: int(value) for name, value in config.items() if name in NUMBERS}
    known["cleanup.policy"] = [config["cleanup.policy"]]
    return {
        "address": f"{prefix}{topic.name}",
        "description": f"{topic.description} Key: {topic.key}.",
        "messages": {type_: {"$ref": f"#/components/messages/{type_}"} for type_ in _types(topic)},
        "servers": [{"$ref": "#/servers/kafka"}],
        "tags": [{"name": topic.owner, "description": "The service that owns the topic."}, *marks],
        "bindings": {
            "kafka": {"partitions": topic.partitions, "topicConfiguration": known, "bindingVersion": BINDING},
        },
    }


def _inbound(prefix: str) -> Json:
    return {
        "address": f"{prefix}inbound.{{publisher}}",
        "description": "What one publisher sends over Kafka. The gateway holds it against the same rules as over HTTP, and "
        "sends it on to its topic or parks it with the reason.",
        "parameters": {"publisher": {"description": "The publisher's name.", "examples": ["housing-system"]}},
        "messages": {type_: {"$ref": f"#/components/messages/{type_}"} for type_ in MODELS if type_ in FROM_OUTSIDE},
        "servers": [{"$ref": "#/servers/kafka"}],
        "bindings": {"kafka": {"bindingVersion": BINDING}},
    }


def _operations() -> Iterator[tuple[str, Json]]:
    yield "gateway.receive.inbound", _operation("receive", "gateway", INBOUND, sorted(FROM_OUTSIDE))
    for topic in TOPICS.values():
        types = _types(topic)
        for service in topic.writers if types else ():
            yield f"{service}.send.{topic.name}", _operation("send", service, topic.name, types)
        for service in topic.readers:
            heard = [type_ for type_ in types if hears(service, type_)]
            yield f"{service}.receive.{topic.name}", _operation("receive", service, topic.name, heard)


def _operation(action: str, service: str, channel: str, types: Iterable[str]) -> Json:
    return {
        "action": action,
        "summary": f"{service} {'sends to' if action == 'send' else 'hears'} {channel}",
        "channel": {"$ref": f"#/channels/{channel}"},
        "messages": [{"$ref": f"#/channels/{channel}/messages/{type_}"} for type_ in types],
        "tags": [{"name": service}],
    }


def _message(model: type[EventData], base: str) -> Json:
    """One event type. A tombstone's record has headers and no value."""
    words = " ".join((model.__doc__ or "").split())
    said: Json = {
        "name": model.type,
        "title": model.__name__,
        "summary": words.partition(". ")[0].rstrip(".") + ".",
        "description": words,
        "contentType": "application/json",
        "headers": {
            "type": "object",
            "allOf": [{"$ref": "#/components/schemas/CloudEventHeaders"}],
            "properties": {"ce_type": {"const": model.type}},
        },
        "payload": {"type": "null"} if model.tombstone else {"$ref": f"#/components/schemas/{model.type}"},
        "bindings": {
            "kafka": {
                "key": TEXT
                | {"description": f"The event's subject: {model.subject_field or 'that of the withdrawn event'}."},
                "bindingVersion": BINDING,
            }
        },
        "tags": [{"name": "any topic" if model.topic == ANY_TOPIC else model.topic}],
        "externalDocs": {"url": f"{base}/schemas/{model.type}"},
        "examples": [_example(model)],
    }
    if model.draft:
        said["x-draft"] = True
    if model.deprecated:
        said["deprecated"] = True
    return said


def _example(model: type[EventData]) -> Json:
    said = example(model.type)
    data, _ = parse_data(model, dump_json(said["data"]))
    record = to_record(
        Event.of(
            data,
            id=said["id"],
            source=said["source"],
            time=datetime.fromisoformat(said["time"]),
            subject=said["subject"],
        )
    )
    shown: Json = {"name": "made-up", "headers": {name: value.decode() for name, value in record.headers}}
    return shown if model.tombstone else shown | {"payload": said["data"]}


def _headers() -> Json:
    return {"type": "object", "required": [*NEEDED], "properties": {"ce_type": TEXT, **HEADERS}}


def _schemas() -> Iterator[tuple[str, Json]]:
    """Each payload's schema, and beside it the parts that it refers to."""
    for type_, model in MODELS.items():
        schema = json_schema(model)
        parts = schema.pop("$defs", {})
        for name in ("$schema", "$id"):
            del schema[name]
        for name, part in parts.items():
            yield f"{type_}.{name}", _referring(part, type_)
        yield type_, _referring(schema, type_)


def _referring(schema: Any, type_: str) -> Any:
    if isinstance(schema, list):
        return [_referring(inner, type_) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: inner.replace("#/$defs/", f"#/components/schemas/{type_}.")
        if name == "$ref"
        else _referring(inner, type_)
        for name, inner in schema.items()
    }
