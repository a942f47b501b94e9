"""Writes what the catalogue tells of events and can't see for itself: `python -m scripts.derive`. A test fails when it is stale.

- `schemas/derived/uses.json`: which reactions and goals each event type has, from the services' `app.py` and the goals
- `schemas/derived/history.json`: since which version a type is there, and what each later version changed in it, from
  `tests/schemas/golden/`
"""

import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from schemas.compat import breaks
from services.chassis.service import Service
from services.reporting.definitions import load

ROOT = Path(__file__).resolve().parents[1]
GOLDEN = ROOT / "tests" / "schemas" / "golden"
DERIVED = ROOT / "schemas" / "derived"

Json = dict[str, Any]


def uses() -> Json:
    """`{"reactions": [{"type", "service", "outcome"}], "goals": [{"id", "titles": {language: title}, "types": […]}]}`."""
    return {"reactions": [*_reactions()], "goals": [*_goals()]}


def _reactions() -> Iterator[Json]:
    for file in sorted((ROOT / "services").glob("*/app.py")):
        service: Service = importlib.import_module(f"services.{file.parent.name}.app").service
        for model, reaction in service.reactions.items():
            outcome = getattr(reaction, "__name__", "").replace("_", " ")
            yield {"type": model.type, "service": service.name, "outcome": outcome}


def _goals() -> Iterator[Json]:
    for goal in load():
        titles = {language: said.title for language, said in goal.texts.items()}
        yield {"id": goal.id, "titles": titles, "types": sorted({type for of in goal.events.values() for type in of})}


def history() -> Json:
    """Type → `[{"version", "changes": [{"kind", "field", "what"}]}]`, oldest first. The first has no changes.

    `kind`: `added` (a field that may be said), `rule` (what may stand in one, said in `what`), `words`.
    """
    versions = sorted((folder.name for folder in GOLDEN.iterdir()), key=lambda name: [int(n) for n in name.split(".")])
    told: dict[str, list[Json]] = {}
    last: dict[str, Json] = {}
    for version in versions:
        for file in sorted((GOLDEN / version / "schemas").iterdir()):
            schema = json.loads(file.read_text(encoding="utf-8"))
            before = last.get(file.stem)
            changes = [] if before is None else [*_changes(before, schema)]
            if before is None or changes:
                told.setdefault(file.stem, []).append({"version": version, "changes": changes})
            last[file.stem] = schema
    return dict(sorted(told.items()))


def _changes(before: Json, after: Json) -> Iterator[Json]:
    old, new = before["properties"], after["properties"]
    for name in [name for name in new if name not in old]:
        yield {"kind": "added", "field": name, "what": ""}
    said: dict[str, list[str]] = {}
    for one in breaks(before, after):
        said.setdefault(one.field, []).append(one.what.replace("would be", "became"))
    for field, whats in said.items():
        yield {"kind": "rule", "field": field, "what": "; ".join(dict.fromkeys(whats))}
    if before["description"] != after["description"]:
        yield {"kind": "words", "field": "", "what": ""}
    for name in old:
        if old[name].get("description") != new.get(name, {}).get("description") and name not in said:
            yield {"kind": "words", "field": name, "what": ""}


def outputs() -> Iterator[tuple[Path, str]]:
    """Every derived file and its text."""
    for name, said in (("uses", uses()), ("history", history())):
        yield DERIVED / f"{name}.json", json.dumps(said, indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    for file, text in outputs():
        file.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
