"""Writes what is derived from the models and topics: `python -m schemas.generate`. A test fails when it is stale.

- `schemas/generated/<type>.json`: JSON Schema 2020-12 of each event's data, with its example, as the gateway serves it
- `schemas/generated/who-talks-to-whom.mmd` and `docs/who-talks-to-whom.md`: the picture of writers and readers
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .catalogue import MODELS, on_topic
from .event import ANY_TOPIC, PREFIX, EventData
from .topics import KEEP, TOPICS, UNITS_MS, Topic

HERE = Path(__file__).parent
EXAMPLES = HERE / "examples"
GENERATED = HERE / "generated"
OF_A_DAY = "YYYY-MM-DD, not before 1900."
PICTURE_PAGE = HERE.parent / "docs" / "who-talks-to-whom.md"


def example(type_: str) -> dict[str, Any]:
    """The made-up example of a type: one event in structured mode."""
    found: dict[str, Any] = json.loads((EXAMPLES / f"{type_}.json").read_text(encoding="utf-8"))
    return found


def json_schema(model: type[EventData]) -> dict[str, Any]:
    """JSON Schema of an event's data, for publishers: open, since unknown fields are dropped and not refused.

    `x-topic` and `x-subject` say where the event goes and which field the envelope's `subject` repeats (`a:b`: both
    values, joined by a colon); `x-identity`, the fields in which a correction agrees with what it corrects. `x-tombstone`:
    it has no value on Kafka; `x-own`: the topic's writer says it itself and takes it from nobody. `x-draft`: it may still
    change, and nobody can send it yet.
    """
    body = _opened(model.model_json_schema(by_alias=True))
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"/schemas/{model.type}",
        "title": model.__name__,
        "description": body.pop("description"),
        "x-type": model.type,
        "x-topic": "that of the withdrawn event" if model.topic == ANY_TOPIC else model.topic,
        "x-subject": model.subject_field or "that of the withdrawn event",
        "x-identity": [model.model_fields[field].alias or field for field in model.identity_fields],
        "x-tombstone": model.tombstone,
        "x-own": model.own,
    }
    if model.draft:
        head["x-draft"] = True
    if model.deprecated:
        head["deprecated"] = True
        head["x-deprecation"] = {k: str(v) for k, v in asdict(model.deprecated).items() if v is not None}
    return {**head, **body, "examples": [example(model.type)["data"]]}


def _opened(schema: Any) -> Any:
    """Without `additionalProperties: false` and the titles that only repeat a field's name; days say their least, for which
    JSON Schema has no word."""
    if isinstance(schema, list):
        return [_opened(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("format") == "date" and schema.get("type") == "string":
        schema = {**schema, "description": " ".join(filter(None, [schema.get("description"), OF_A_DAY]))}
    noise = {name for name in ("title", "additionalProperties") if isinstance(schema.get(name), str | bool)}
    return {name: _opened(inner) for name, inner in schema.items() if name not in noise}


def picture(topics: Mapping[str, Topic] = TOPICS) -> str:
    """Mermaid flowchart: boxes are services, rounded are topics, arrows follow the events."""
    live = {name: topic for name, topic in topics.items() if topic.readers}
    services = sorted({service for topic in live.values() for service in (*topic.writers, *topic.readers)})
    lines = ["flowchart LR", "    outside[/other company systems/] -->|HTTP| gateway"]
    lines += [f"    {service}[{service}]" for service in services]
    for name, topic in live.items():
        node = name.replace(".", "_")
        lines.append(f"    {node}([{name}{' 🔒' if topic.personal else ''}])")
        lines += [f"    {writer} --> {node}" for writer in topic.writers]
        lines += [f"    {node} --> {reader}" for reader in topic.readers]
    return "\n".join(lines) + "\n"


def picture_page() -> str:
    """The picture and a table of every topic, in Markdown."""
    rows = [
        f"| `{topic.name}` | {', '.join(topic.writers)} | {', '.join(topic.readers) or '–'} | {topic.key} | {_kept(topic)} "
        f"| {', '.join(_short(model) for model in on_topic(topic.name)) or topic.description} |"
        for topic in TOPICS.values()
    ]
    return "\n".join(
        [
            "# Who talks to whom",
            "",
            "Made by `python -m schemas.generate` from `schemas/topics/*.yaml`; tested against the subscriptions in the code.",
            "🔒 marks a topic with contact details.",
            "",
            "```mermaid",
            picture().rstrip(),
            "```",
            "",
            "| topic | written by | read by | key | kept | what |",
            "| --- | --- | --- | --- | --- | --- |",
            *rows,
            "",
            "`EventWithdrawn` may come on any of them, beside the event it takes back.",
            "",
        ]
    )


def _kept(topic: Topic) -> str:
    if topic.cleanup == "compact":
        return "latest per key"
    return "for ever" if topic.retention_ms == KEEP else f"{topic.retention_ms // UNITS_MS['d']} days"


def _short(model: type[EventData]) -> str:
    return model.type.removeprefix(PREFIX).removesuffix(".v1")


def outputs() -> Iterator[tuple[Path, str]]:
    """Every generated file and its text."""
    for model in MODELS.values():
        yield GENERATED / f"{model.type}.json", json.dumps(json_schema(model), indent=2, ensure_ascii=False) + "\n"
    yield GENERATED / "who-talks-to-whom.mmd", picture()
    yield PICTURE_PAGE, picture_page()


def main() -> None:
    """Write every file, and remove schemas of types that are gone."""
    written = dict(outputs())
    for old in GENERATED.glob("*.json"):
        if old not in written:
            old.unlink()
    for file, text in written.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
