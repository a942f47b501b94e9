"""The one registry of events: CloudEvents type → model. A new event is a class in its owner's module, and nothing else."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from . import (
    buildings,
    community,
    gateway,
    governance,
    invitations,
    notifications,
    placement_contacts,
    placements,
    procurement,
    reporting,
    statistics,
    summer_jobs,
    surveys,
    tenancy,
    withdrawal,
)
from .event import PREFIX, EventData

OWNERS = (
    tenancy, notifications, governance, buildings, procurement, community, statistics, gateway,
    placements, summer_jobs, placement_contacts, surveys, invitations, reporting, withdrawal,
)  # fmt: skip


def _declared() -> Iterator[type[EventData]]:
    for module in OWNERS:
        for value in vars(module).values():
            if (
                isinstance(value, type)
                and issubclass(value, EventData)
                and value.type
                and value.__module__ == module.__name__
            ):
                yield value


MODELS: Mapping[str, type[EventData]] = MappingProxyType({model.type: model for model in _declared()})
"""CloudEvents type, such as `se.vatterhem.TenantMovedIn.v1` → model; drafts too."""


def on_topic(topic: str) -> tuple[type[EventData], ...]:
    """The models whose events go to `topic` (a name without prefix), but for drafts; EventWithdrawn goes to all and is
    not listed."""
    return tuple(model for model in MODELS.values() if model.topic == topic and not model.draft)


def versions_of(type_: str) -> tuple[str, ...]:
    """The types in the catalogue with the same name and another major version: empty when the name is unknown."""
    stem, dot, _ = type_.rpartition(".")
    return tuple(
        sorted(known for known in MODELS if dot and stem.startswith(PREFIX) and known.rpartition(".")[0] == stem)
    )
