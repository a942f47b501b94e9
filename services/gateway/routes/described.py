"""Event types in words, for the list and for each one's page, from their JSON Schemas."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from schemas.door import FROM_OUTSIDE
from schemas.event import ANY_TOPIC, EventData
from schemas.generate import json_schema


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an event's data: `value` says in a few words what may stand there."""

    name: str
    value: str
    required: bool
    meaning: str


@dataclass(frozen=True, slots=True)
class Described:
    """One event type. `topic` and `subject` are empty where the event it speaks of decides them."""

    type: str
    name: str
    topic: str
    subject: str
    from_outside: bool
    paragraphs: tuple[str, ...]
    fields: tuple[Field, ...]

    @property
    def summary(self) -> str:
        return self.paragraphs[0]


def describe(model: type[EventData]) -> Described:
    schema = json_schema(model)
    required = set(schema.get("required", ()))
    return Described(
        type=model.type,
        name=schema["title"],
        topic="" if model.topic == ANY_TOPIC else model.topic,
        subject=model.subject_field,
        from_outside=model.type in FROM_OUTSIDE,
        paragraphs=tuple(" ".join(part.split()) for part in schema["description"].split("\n\n")),
        fields=tuple(
            Field(name, value_of(field, schema.get("$defs", {})), name in required, field.get("description", ""))
            for name, field in schema["properties"].items()
        ),
    )


def value_of(schema: Mapping[str, Any], parts: Mapping[str, Any]) -> str:
    """What may stand in a place of `schema`, in a few words: `date`, `text`, `email | sms`, `list of text`."""
    if "const" in schema:
        schema = {"enum": [schema["const"]]}
    match schema:
        case {"enum": allowed}:
            return " | ".join(str(value) for value in allowed)
        case {"anyOf": ways}:
            return " | ".join(value_of(way, parts) for way in ways if way.get("type") != "null")
        case {"$ref": where}:
            return value_of(parts[where.rpartition("/")[2]], parts)
        case {"type": "array", "items": item}:
            return f"list of {value_of(item, parts)}"
        case {"type": "object", "properties": fields}:
            return f"{{{', '.join(f'{name}: {value_of(field, parts)}' for name, field in fields.items())}}}"
        case {"format": kind} | {"type": kind}:
            return {"string": "text", "boolean": "true or false", "integer": "whole number"}.get(kind, str(kind))
        case _:
            return "any value"
