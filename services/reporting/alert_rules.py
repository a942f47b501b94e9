"""Rules of alerts are data: one YAML file each in alerts/, checked when the service starts, as goals are.

A mistake is reported as `file:line: field: what is wrong`, before anything runs.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, model_validator

from services.reporting.definitions import Language, Line, texts_of
from services.reporting.definitions.clauses import Strict
from services.reporting.definitions.groups import Unit
from services.reporting.definitions.located import DefinitionError, read
from services.reporting.domain.alerts import Jump, Kind, Rule, Slice

_DURATION = re.compile(r"P(?:(\d{1,4})D)?(?:T(?:(\d{1,4})H)?(?:(\d{1,4})M)?)?")


def _duration(value: Any) -> timedelta:
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if found is None or not any(found.groups()):
        raise ValueError("a duration of days, hours or minutes is needed, such as P1D, PT6H or PT30M")
    days, hours, minutes = (int(part or 0) for part in found.groups())
    return timedelta(days=days, hours=hours, minutes=minutes)


def _some_time(value: timedelta) -> timedelta:
    if value < timedelta(minutes=1):
        raise ValueError("a minute at least is needed, so that what comes and goes raises nothing")
    return value


Wait = Annotated[timedelta, BeforeValidator(_duration), AfterValidator(_some_time)]
Judged = Literal["met", "on_track", "behind", "missed"]
"""The statuses that a rule may be about: a figure that isn't shown raises nothing."""
Number = Annotated[Decimal, Field(ge=0, strict=False)]


class Texts(Strict):
    """What the page says: the rule's name, what has been seen, and what to do about it."""

    title: Line
    says: Line
    todo: Line


class JumpData(Strict):
    times: Number = Field(ge=1)
    least: Number
    history: int = Field(ge=3)


class RuleFile(Strict):
    """One file of alerts/. `goals`, `units`: those it watches; none: all."""

    id: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$", max_length=40)]
    kind: Kind
    goals: tuple[str, ...] = Field((), strict=False)
    units: tuple[Unit, ...] = Field((), strict=False)
    each: tuple[Slice, ...] = Field(strict=False, min_length=1)
    raise_after: Wait
    clear_after: Wait
    statuses: tuple[Judged, ...] | None = Field(None, strict=False, min_length=1)
    below: Number | None = None
    jump: JumpData | None = None
    texts: dict[Language, Texts]

    @model_validator(mode="after")
    def _is_whole(self) -> "RuleFile":
        given = {"status": self.statuses, "below": self.below, "jump": self.jump}
        if given.pop(self.kind) is None or any(value is not None for value in given.values()):
            needed = {"status": "statuses", "below": "below", "jump": "jump"}[self.kind]
            raise ValueError(f"a rule of kind {self.kind} needs {needed}, and none of the other kinds' fields")
        if self.texts.keys() != {"sv", "en"}:
            raise ValueError("texts are needed in sv and en")
        return self

    @property
    def rule(self) -> Rule:
        said = self.jump
        jump = None if said is None else Jump(Fraction(said.times), Fraction(said.least), said.history)
        return Rule(
            self.id,
            self.kind,
            frozenset(self.goals),
            self.each,
            self.raise_after,
            self.clear_after,
            frozenset(self.statuses or ()),
            None if self.below is None else Fraction(self.below),
            jump,
            frozenset(self.units),
        )

    def text(self, language: str) -> Texts:
        return self.texts["en" if language == "en" else "sv"]


@dataclass(frozen=True)
class Rules:
    """All rules, by id."""

    by_id: Mapping[str, RuleFile]

    @property
    def rules(self) -> list[Rule]:
        return [file.rule for file in self.by_id.values()]


def load(goals: Collection[str], folder: Traversable | Path | None = None) -> Rules:
    """Reads every rule of a folder (the service's own by default). `goals`: ids that exist. Raises `DefinitionError`."""
    found: dict[str, RuleFile] = {}
    mistakes: list[str] = []
    for name, text in texts_of(folder or files("services.reporting") / "alerts").items():
        try:
            found[name] = parse(name, text, goals)
        except DefinitionError as error:
            mistakes.append(str(error))
    if mistakes:
        raise DefinitionError("\n".join(mistakes))
    return Rules({file.id: file for file in found.values()})


def parse(name: str, text: str, goals: Collection[str]) -> RuleFile:
    """One file of alerts/. Raises `DefinitionError` naming file and line."""
    file = read(name, text, RuleFile, "rule")
    if unknown := sorted(set(file.goals) - set(goals)):
        line = next((n for n, line in enumerate(text.splitlines(), 1) if unknown[0] in line), 1)
        raise DefinitionError(
            f"{name}:{line}: goals: there is no goal {', '.join(unknown)}; there is {', '.join(sorted(goals))}"
        )
    return file
