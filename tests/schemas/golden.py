"""What each published version promised of its events: `golden/<version>/`, made by `python -m scripts.keep_schemas`."""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from schemas.kafka import Record

FOLDER = Path(__file__).parent / "golden"
VERSIONS = sorted((folder.name for folder in FOLDER.iterdir()), key=lambda name: [int(n) for n in name.split(".")])


def types(version: str) -> list[str]:
    return sorted(file.stem for file in (FOLDER / version / "schemas").iterdir())


@lru_cache
def schema(version: str, type_: str) -> dict[str, Any]:
    """The JSON Schema of a type as `version` published it."""
    return json.loads((FOLDER / version / "schemas" / f"{type_}.json").read_text(encoding="utf-8"))


@lru_cache
def records(version: str) -> dict[str, Record]:
    """Type → a record as `version` wrote it."""
    lines = (FOLDER / version / "records.ndjson").read_text(encoding="utf-8").splitlines()
    kept = [json.loads(line) for line in lines]
    return {
        one["type"]: Record(
            one["key"].encode(),
            None if one["value"] is None else one["value"].encode(),
            [(name, value.encode()) for name, value in one["headers"]],
        )
        for one in kept
    }


PUBLISHED = [(version, type_) for version in VERSIONS for type_ in types(version)]
