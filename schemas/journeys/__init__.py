"""Journeys: what happens over several events, one YAML file each, in Swedish and English."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from schemas.catalogue import MODELS
from schemas.door import FROM_OUTSIDE
from schemas.event import PREFIX
from schemas.uses import writers

OUTSIDE = "outside"
Words = Mapping[str, str]
"""Language → text; English is always there."""


@dataclass(frozen=True, slots=True)
class Step:
    """An event of a journey: `by` is the service that says it, or `outside`; `who` stands behind it, in words."""

    type: str
    by: str
    who: Words
    what: Words


@dataclass(frozen=True, slots=True)
class Journey:
    name: str
    title: Words
    about: Words
    steps: tuple[Step, ...]


def parse(name: str, fields: Mapping[str, Any]) -> Journey:
    """The journey `name` of a parsed YAML file. Raises KeyError or ValueError naming what does not fit."""
    steps = tuple(_step(name, said) for said in fields["steps"])
    return Journey(name, _words(fields["title"]), _words(fields["about"]), steps)


def _step(journey: str, said: Mapping[str, Any]) -> Step:
    type_ = f"{PREFIX}{said['event']}.v1" if "." not in said["event"] else said["event"]
    if type_ not in MODELS:
        raise ValueError(f"journey {journey}: {type_} is not in the catalogue")
    by = said["by"]
    if type_ not in FROM_OUTSIDE if by == OUTSIDE else by not in writers(type_):
        raise ValueError(f"journey {journey}: {type_} is not said by {by}")
    return Step(type_, by, _words(said["who"]), _words(said["what"]))


def _words(said: Mapping[str, str]) -> Words:
    if set(said) != {"sv", "en"} or not all(isinstance(text, str) for text in said.values()):
        raise ValueError(f"in Swedish and in English: {said}")
    return said


def load(folder: Path = Path(__file__).parent) -> Mapping[str, Journey]:
    """Every journey in `folder`, by name."""
    files = sorted(folder.glob("*.yaml"))
    return MappingProxyType(
        {file.stem: parse(file.stem, yaml.safe_load(file.read_text(encoding="utf-8"))) for file in files}
    )


JOURNEYS: Mapping[str, Journey] = load()
"""Name, such as `a-tenant-moves-in` → journey."""


def through(type_: str) -> tuple[Journey, ...]:
    """The journeys that an event has a part in."""
    return tuple(journey for journey in JOURNEYS.values() if any(step.type == type_ for step in journey.steps))
