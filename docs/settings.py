"""Writes docs/settings.md from the settings classes: `python docs/settings.py`. A test fails when it is stale."""

import json
from collections.abc import Iterable
from enum import Enum
from pathlib import Path

from pydantic.fields import FieldInfo

from services.chassis.settings import ServiceSettings, variable
from services.gateway.settings import GatewaySettings
from services.notifications.settings import NotificationsSettings
from services.reporting.settings import ReportingSettings

PAGE = Path(__file__).with_name("settings.md")
SERVICES: dict[str, type[ServiceSettings]] = {
    "gateway": GatewaySettings,
    "notifications": NotificationsSettings,
    "reporting": ReportingSettings,
}
HEAD = """# Settings

Made by `.venv/bin/python docs/settings.py` from the settings classes. Every setting is an environment variable. A service that lacks one,
or finds one wrong, doesn't start and says which, what is wrong and what to set. `hem up` sets all that are needed; what
the command itself reads stands in [the README of hem](../hem/README.md).
"""
SHARED = "## Shared: one variable for all services"
OWN = "## Of each service: replace `<SERVICE>` by GATEWAY, NOTIFICATIONS or REPORTING"


def page() -> str:
    """The whole page, in Markdown."""
    base = ServiceSettings.model_fields
    shared = [name for name, field in base.items() if field.validation_alias]
    parts = [HEAD, SHARED, _table(ServiceSettings, shared)]
    own = _table(ServiceSettings, [name for name in base if name not in shared], prefix="HEM_<SERVICE>_")
    parts += [OWN, own]
    for service, kind in SERVICES.items():
        if names := [name for name in kind.model_fields if name not in base]:
            parts += [f"## {service.capitalize()} alone", _table(kind, names)]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _table(kind: type[ServiceSettings], names: Iterable[str], prefix: str = "") -> str:
    rows = ["| variable | default | what |", "| --- | --- | --- |"]
    for name in names:
        field = kind.model_fields[name]
        rows.append(f"| `{prefix}{variable(kind, name)}` | {_default(field)} | {field.description} |")
    return "\n".join(rows)


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


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
