"""What each published version promised of its events: `golden/<version>/`, made by `python -m scripts.keep_schemas`."""

import json
from functools import lru_cache
from hashlib import sha256
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
def records(version: str) -> dict[str, list[Record]]:
    """Type → records as `version` wrote them: its example, and from 0.3.0 on the least that may be said."""
    kept: dict[str, list[Record]] = {}
    for file in sorted((FOLDER / version).glob("*.ndjson"), reverse=True):
        for one in map(json.loads, file.read_text(encoding="utf-8").splitlines()):
            value = None if one["value"] is None else one["value"].encode()
            record = Record(one["key"].encode(), value, [(name, said.encode()) for name, said in one["headers"]])
            kept.setdefault(one["type"], []).append(record)
    return kept


def digest(version: str) -> str:
    """SHA-256 of every file of a version, with its name."""
    seen = sha256()
    for file in sorted(file for file in (FOLDER / version).rglob("*") if file.is_file()):
        seen.update(file.relative_to(FOLDER / version).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return seen.hexdigest()


CLOSED_THEN = ("0.1.0", "0.2.0")
OPENED = {
    "se.vatterhem.ProgrammeStarted.v1": "programme",
    "se.vatterhem.ProgrammeEnded.v1": "programme",
    "se.vatterhem.NotificationSent.v1": "occasion",
    "se.vatterhem.NotificationFailed.v1": "occasion",
    "se.vatterhem.NotificationSuppressed.v1": "occasion",
}
"""Type → the field that was a closed set in CLOSED_THEN and is open since: the one exception (decision 0015)."""


def opened(version: str, type_: str) -> str | None:
    return OPENED.get(type_) if version in CLOSED_THEN else None


def readers_schema(version: str, type_: str) -> dict[str, Any]:
    """What a reader of `version` has to take: its schema, open where the exception opened it."""
    told = schema(version, type_)
    if field := opened(version, type_):
        return told | {"properties": told["properties"] | {field: {"type": "string"}}}
    return told


PUBLISHED = [(version, type_) for version in VERSIONS for type_ in types(version)]
