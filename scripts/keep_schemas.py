"""Keeps what this version promises of its events, so that later versions can be held to it.

    .venv/bin/python -m scripts.keep_schemas 0.3.0

writes `tests/schemas/golden/0.3.0/`: the JSON Schema of every type as the gateway serves it, and its example as the
record that stands in Kafka (key, headers and value as text, one line each), and once more with the least that may be
said. Drafts promise nothing and are left out. What the catalogue tells of versions is derived anew (`scripts.derive`). Run it again whenever a schema changes before the version is out; a version that stands in the changelog is never
kept anew.
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from schemas.catalogue import MODELS
from schemas.envelope import parse_data
from schemas.errors import Malformed
from schemas.event import Event
from schemas.generate import example, json_schema
from schemas.kafka import to_record
from schemas.text import dump_json
from scripts import derive

ROOT = Path(__file__).resolve().parents[1]
GOLDEN = ROOT / "tests" / "schemas" / "golden"
RECORDED = datetime(2026, 1, 1, 12, tzinfo=UTC)


def least(type_: str) -> dict[str, Any]:
    """The example's data without every field that may be left out."""
    data: dict[str, Any] = example(type_)["data"]
    for name in [*data]:
        fewer = {other: value for other, value in data.items() if other != name}
        try:
            parse_data(MODELS[type_], dump_json(fewer))
        except Malformed:
            continue
        data = fewer
    return data


def record(type_: str, said_of_it: Mapping[str, Any]) -> str:
    """The example of a type, with that data, as its Kafka record, in one line of JSON."""
    said = example(type_)
    data, _ = parse_data(MODELS[type_], dump_json(said_of_it))
    made = to_record(
        Event.of(
            data,
            id=said["id"],
            source=said["source"],
            time=datetime.fromisoformat(said["time"]),
            subject=said["subject"],
            sequence=int(said["sequence"]) if "sequence" in said else None,
            history=said.get("history", False),
            recordedtime=RECORDED,
        )
    )
    kept = {
        "type": type_,
        "key": made.key.decode(),
        "headers": [[name, value.decode()] for name, value in made.headers],
        "value": None if made.value is None else made.value.decode(),
    }
    return json.dumps(kept, ensure_ascii=False)


def files() -> Iterator[tuple[str, str]]:
    """Every file of the version under way, by its path in the version's folder, and its text."""
    promised = sorted(type_ for type_, model in MODELS.items() if not model.draft)
    for type_ in promised:
        schema = json.dumps(json_schema(MODELS[type_]), indent=1, ensure_ascii=False)
        yield f"schemas/{type_}.json", schema + "\n"
    yield "records.ndjson", "".join(f"{record(type_, example(type_)['data'])}\n" for type_ in promised)
    yield "least.ndjson", "".join(f"{record(type_, least(type_))}\n" for type_ in promised)


def keep(folder: Path) -> None:
    """Builds the folder beside the one that stands, and takes its place when it is whole."""
    with TemporaryDirectory(dir=folder.parent.parent, prefix=".golden-") as made:
        for name, text in files():
            file = Path(made) / "new" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        if folder.exists():
            folder.rename(Path(made) / "old")
        (Path(made) / "new").rename(folder)


def main(version: str) -> None:
    if not re.fullmatch(r"\d+\.\d+\.\d+", version, re.ASCII):
        sys.exit(f"{version!r} is no version such as 0.3.0")
    if re.search(rf"^## {re.escape(version)} ", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE):
        sys.exit(f"{version} is out: what it promised stays as it is")
    keep(GOLDEN / version)
    derive.main()
    print(GOLDEN / version)


if __name__ == "__main__":
    main(sys.argv[1])
