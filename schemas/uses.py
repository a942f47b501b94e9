"""Who hears an event and what comes of it, and what became of its schema over the versions: read from `derived/`, which
`python -m scripts.derive` writes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from .catalogue import MODELS
from .event import ANY_TOPIC
from .topics import TOPICS

DERIVED: Final = Path(__file__).parent / "derived"


@dataclass(frozen=True, slots=True)
class Reaction:
    """That `service` does `outcome` (in words) when an event of `type` comes."""

    type: str
    service: str
    outcome: str


@dataclass(frozen=True, slots=True)
class Goal:
    """A goal whose figure is made of `types`; `titles` by language."""

    id: str
    titles: Mapping[str, str]
    types: tuple[str, ...]

    def title(self, language: str) -> str:
        return self.titles.get(language) or self.titles["en"]


@dataclass(frozen=True, slots=True)
class Change:
    """`added`: a new field that may be said; `rule`: what may stand in it, said in `what`; `words`: only its description."""

    kind: Literal["added", "rule", "words"]
    field: str
    what: str


@dataclass(frozen=True, slots=True)
class Step:
    """What a version changed in a type; nothing in the first that has it."""

    version: str
    changes: tuple[Change, ...]


def _read(name: str) -> Any:
    return json.loads((DERIVED / f"{name}.json").read_text(encoding="utf-8"))


_USES: Final = _read("uses")
REACTIONS: Final = tuple(Reaction(**said) for said in _USES["reactions"])
GOALS: Final = tuple(Goal(said["id"], said["titles"], tuple(said["types"])) for said in _USES["goals"])
HISTORY: Final[Mapping[str, tuple[Step, ...]]] = {
    type_: tuple(Step(step["version"], tuple(Change(**change) for change in step["changes"])) for step in steps)
    for type_, steps in _read("history").items()
}
"""Type → steps, oldest first; drafts have none."""


def hears(service: str, type_: str) -> bool:
    """Whether a service does anything with the type: it reacts to it, or has no reactions and reads whole topics."""
    reacts = {reaction.type for reaction in REACTIONS if reaction.service == service}
    model = MODELS[type_]
    if reacts or model.draft:
        return type_ in reacts
    topics = TOPICS.values() if model.topic == ANY_TOPIC else [TOPICS[model.topic]]
    return any(service in topic.readers for topic in topics)


def hearers(type_: str) -> tuple[str, ...]:
    """The services that hear the type."""
    services = sorted({reader for topic in TOPICS.values() for reader in topic.readers})
    return tuple(service for service in services if hears(service, type_))


def writers(type_: str) -> tuple[str, ...]:
    """The services that write the type to its topic; for one that goes to any topic, the gateway."""
    model = MODELS[type_]
    if model.topic == ANY_TOPIC:
        return ("gateway",)
    return () if model.draft else TOPICS[model.topic].writers
