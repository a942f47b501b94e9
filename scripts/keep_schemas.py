"""Keeps what this version promises of its events, so that later versions can be held to it.

    .venv/bin/python -m scripts.keep_schemas 0.3.0

writes `tests/schemas/golden/0.3.0/`: the JSON Schema of every type as the gateway serves it, and its example as the
record that stands in Kafka (key, headers and value as text, one line each). Run it again whenever a schema changes
before the version is out; a version that stands in the changelog is never kept anew.
"""

import json
import re
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path

from schemas.catalogue import MODELS
from schemas.envelope import parse_data
from schemas.event import Event
from schemas.generate import example, json_schema
from schemas.kafka import to_record
from schemas.text import dump_json

ROOT = Path(__file__).resolve().parents[1]
GOLDEN = ROOT / "tests" / "schemas" / "golden"
RECORDED = datetime(2026, 1, 1, 12, tzinfo=UTC)


def record(type_: str) -> str:
    """The example of a type as its Kafka record, in one line of JSON."""
    said = example(type_)
    data, _ = parse_data(MODELS[type_], dump_json(said["data"]))
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


def keep(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "schemas").mkdir(parents=True)
    for type_, model in sorted(MODELS.items()):
        schema = json.dumps(json_schema(model), indent=1, ensure_ascii=False)
        (folder / "schemas" / f"{type_}.json").write_text(schema + "\n", encoding="utf-8")
    lines = "".join(f"{record(type_)}\n" for type_ in sorted(MODELS))
    (folder / "records.ndjson").write_text(lines, encoding="utf-8")


def main(version: str) -> None:
    if re.search(rf"^## {re.escape(version)} ", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE):
        sys.exit(f"{version} is out: what it promised stays as it is")
    keep(GOLDEN / version)
    print(GOLDEN / version)


if __name__ == "__main__":
    main(sys.argv[1])
