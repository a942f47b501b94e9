"""Event types in words, for the list and for each one's page, from their JSON Schemas."""

import gettext
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from schemas.catalogue import MODELS
from schemas.door import FROM_OUTSIDE
from schemas.event import ANY_TOPIC, EventData
from schemas.generate import OF_A_DAY, example, json_schema
from schemas.lifecycle import Deprecation
from schemas.topics import TOPICS, Topic
from services.gateway.domain.forms import in_words

Schema = Mapping[str, Any]
LONGEST_EXAMPLE = 60


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an event's data. `path` is as `lines[].places`; `value` says in a few words what may stand there, `codes`
    the closed set where it is one, `example` what stands in the made-up event, as JSON."""

    path: str
    value: str
    required: bool
    meaning: str
    codes: tuple[str, ...]
    example: str

    @property
    def name(self) -> str:
        return self.path.rpartition(".")[2].removesuffix("[]")


@dataclass(frozen=True, slots=True)
class Described:
    """One event type. `topic` and `subject` are empty where the event it speaks of decides them."""

    type: str
    name: str
    topic: str
    subject: str
    identity: tuple[str, ...]
    from_outside: bool
    draft: bool
    deprecated: Deprecation | None
    tombstone: bool
    paragraphs: tuple[str, ...]
    fields: tuple[Field, ...]

    @property
    def summary(self) -> str:
        return self.paragraphs[0]

    @property
    def owner(self) -> str:
        """The service that owns its topic."""
        return TOPICS[self.topic].owner if self.topic else "gateway"

    @property
    def on(self) -> Topic | None:
        return TOPICS.get(self.topic)

    @property
    def published_by(self) -> str:
        """Through the `gateway`, by `hem` itself, or, a draft, by `nobody` yet."""
        return "nobody" if self.draft else "gateway" if self.from_outside else "hem"


def describe(model: type[EventData]) -> Described:
    schema = json_schema(model)
    said = example(model.type)["data"]
    return Described(
        type=model.type,
        name=schema["title"],
        topic="" if model.topic == ANY_TOPIC else model.topic,
        subject=model.subject_field,
        identity=tuple(schema["x-identity"]),
        from_outside=model.type in FROM_OUTSIDE,
        draft=model.draft,
        deprecated=model.deprecated,
        tombstone=model.tombstone,
        paragraphs=tuple(" ".join(part.split()) for part in schema["description"].split("\n\n")),
        fields=tuple(_fields(schema, schema.get("$defs", {}), "", said)),
    )


def _fields(schema: Schema, parts: Schema, at: str, said: Any) -> Iterator[Field]:
    """The fields of an object, each with those of the object or objects in it after it."""
    required = set(schema.get("required", ()))
    for name, field in schema["properties"].items():
        path = f"{at}{name}"
        plain, inner, suffix = _inside(field, parts)
        shown = said.get(name) if isinstance(said, dict) else None
        nested = inner is not None and "properties" in inner
        yield Field(
            path=path,
            value=value_of(field, parts),
            required=name in required,
            meaning=field.get("description", ""),
            codes=tuple(str(code) for code in plain.get("enum", ())),
            example="" if nested else _short(shown),
        )
        if nested and inner is not None:
            first = shown[0] if isinstance(shown, list) and shown else shown
            yield from _fields(inner, parts, f"{path}{suffix}.", first)


def _inside(field: Schema, parts: Schema) -> tuple[Schema, Schema | None, str]:
    """The schema of a value as it is alone, that of the object in it if there is one, and what that adds to the path."""
    if "$ref" in field:
        return _inside(parts[field["$ref"].rpartition("/")[2]], parts)
    for way in field.get("anyOf", ()):
        if way.get("type") != "null":
            return _inside(way, parts)
    if field.get("type") == "array":
        plain, inner, _ = _inside(field["items"], parts)
        return plain, inner, "[]"
    return field, field if field.get("type") == "object" else None, ""


def _short(value: Any) -> str:
    text = "" if value is None else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST_EXAMPLE else f"{text[: LONGEST_EXAMPLE - 1]}…"


def value_of(schema: Schema, parts: Schema) -> str:
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
        case {"type": "object", "properties": _}:
            return "object"
        case {"type": "object", "additionalProperties": {} as item}:
            return f"{value_of(item, parts)} by name"
        case {"format": kind} | {"type": kind}:
            return {"string": "text", "boolean": "true or false", "integer": "whole number"}.get(kind, str(kind))
        case _:
            return "any value"


DESCRIBED: Mapping[str, Described] = {model.type: describe(model) for model in MODELS.values()}
"""Type → what it is, in the catalogue's order."""
NAMES: Mapping[str, str] = {entry.name: entry.type for entry in DESCRIBED.values()}


@dataclass(frozen=True, slots=True)
class InWords:
    """The reader's words for what the schemas say in English, where the forms have them; empty where not."""

    translations: gettext.NullTranslations

    def name(self, entry: Described) -> str:
        english = in_words(entry.name)
        said = self.translations.pgettext("event", english)
        return said if said != english else ""

    def text(self, english: str) -> str:
        plain = english.removesuffix(OF_A_DAY).strip()
        said = self.translations.gettext(plain) if plain else ""
        return said if said != plain else ""


def search(words: str, own: InWords, topic: str = "", owner: str = "") -> list[Described]:
    """The types that have every word of `words` in their name, meaning or fields, in English or in the reader's own
    words, on `topic` and of `owner` where given.

    Those that have it in their name come first.
    """
    terms = words.lower().split()
    found = [
        entry
        for entry in DESCRIBED.values()
        if topic in ("", entry.topic)
        and owner in ("", entry.owner)
        and all(term in _text(entry, own) for term in terms)
    ]
    return sorted(found, key=lambda entry: not all(term in f"{entry.name} {own.name(entry)}".lower() for term in terms))


def _text(entry: Described, own: InWords) -> str:
    fields = (
        f"{field.path} {field.meaning} {own.text(field.meaning)} {' '.join(field.codes)}" for field in entry.fields
    )
    return " ".join([entry.type, own.name(entry), *entry.paragraphs, own.text(entry.summary), *fields]).lower()
