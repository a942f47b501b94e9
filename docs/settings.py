"""Writes docs/settings.md from the settings classes: `python docs/settings.py`. A test fails when it is stale."""

import importlib
import json
from collections.abc import Iterable, Iterator
from enum import Enum
from pathlib import Path

from pydantic.fields import FieldInfo

from hem.routing import SERVICES
from services.chassis.settings import ServiceSettings, variable

PAGE = Path(__file__).with_name("settings.md")
KINDS: dict[str, type[ServiceSettings]] = {
    name: importlib.import_module(f"services.{name}.app").service.settings for name in SERVICES
}
HEAD = """# Settings

Made by `.venv/bin/python docs/settings.py` from the settings classes. Every setting is an environment variable, or a file that
another names: `HEM_SESSION_SECRET_FILE=/run/secrets/session-secret` gives what stands in that file to `HEM_SESSION_SECRET`, and so
for every variable here. Give one of the two. What is empty counts as not given.

A service that lacks a setting, or finds one wrong, doesn't start and says which, what is wrong and what to set. `hem up` sets all
that are needed; what the command itself reads stands in [the README of hem](../hem/README.md).

*all*: one variable, the same for every service. *each*: one of its own for every service, {services} for `<SERVICE>`.

| variable | meaning | default | service |
| --- | --- | --- | --- |
"""


def page() -> str:
    """The whole page, in Markdown."""
    return HEAD.format(services=_spoken([name.upper() for name in KINDS])) + "".join(f"{row}\n" for row in _rows())


def _rows() -> Iterator[str]:
    base = ServiceSettings.model_fields
    shared = [name for name, field in base.items() if field.validation_alias]
    yield from _of(ServiceSettings, shared, "all")
    yield from _of(ServiceSettings, [name for name in base if name not in shared], "each", prefix="HEM_<SERVICE>_")
    for service, kind in sorted(KINDS.items()):
        yield from _of(kind, [name for name in kind.model_fields if name not in base], service)


def _of(kind: type[ServiceSettings], names: Iterable[str], service: str, prefix: str = "") -> Iterator[str]:
    for name in names:
        field = kind.model_fields[name]
        yield f"| `{prefix}{variable(kind, name)}` | {field.description} | {_default(field)} | {service} |"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**needed**"
    value = field.default
    match value:
        case None | "":
            return "–"
        case Enum():
            return f"`{value.value}`"
        case bool():
            return f"`{str(value).lower()}`"
        case frozenset():
            return f"`{json.dumps(sorted(value))}`"
        case _:
            return f"`{value}`"


def _spoken(names: list[str]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
