"""Goals are data: one YAML file each in goals/, checked before anything runs.

A mistake is reported as `file:line: field: what is wrong`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import Field, StringConstraints, ValidationError, model_validator

from services.reporting.definitions.clauses import ClauseData, Name, Slug, Strict
from services.reporting.definitions.measures import AnyMeasure, Group, Ledger, Measure
from services.reporting.domain.clauses import Clause
from services.reporting.domain.figures import Counts

Language = Literal["sv", "en"]
Line = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]


class DefinitionError(Exception):
    """One or more goal files are wrong: a line for each mistake."""


class MeasureTexts(Strict):
    """What pages say of one measure. `in_words` has the places {value}, {numerator}, {denominator} and {period}.

    `things`: what the numbers count, in the plural. `belongs`: which day puts something in a period.
    """

    title: Line
    in_words: Line
    things: Line
    numerator: Line
    denominator: Line | None = None
    belongs: Line

    @model_validator(mode="after")
    def _in_words_can_be_filled(self) -> "MeasureTexts":
        try:
            self.in_words.format(value="", numerator="", denominator="", period="")
        except (KeyError, IndexError, ValueError) as error:
            raise ValueError("in_words knows {value}, {numerator}, {denominator} and {period} only") from error
        return self


class Texts(Strict):
    """What pages say of a goal. `definition`: in one or two sentences. `source`: where the figures come from."""

    title: Line
    definition: Line
    population: Line
    source: Line
    note: Line | None = None
    measures: dict[Slug, MeasureTexts]


class Aim(Strict):
    """What the goal is judged by; the value itself is a TargetSet event. `document`: the steering document that set it."""

    comparison: Literal[">", ">=", "<=", "increase", "decrease", "done", "information"]
    document: Slug


class Goal(Strict):
    """A goal with its measures; the first is the main one. `frequency`: how often it is told."""

    id: Slug
    version: int = Field(ge=1)
    since: str
    counts: Counts
    min_n: int = Field(5, ge=3)
    sensitive: bool = False
    dimensions: list[Name] = ["area"]
    programme: str | None = None
    proxy: bool = False
    frequency: Literal["live", "monthly", "quarterly", "yearly"] = "live"
    aim: Aim
    measures: list[Measure] = Field(min_length=1)
    texts: dict[Language, Texts]

    @model_validator(mode="after")
    def _is_whole(self) -> "Goal":
        ids = [measure.id for measure in self.measures]
        if len(set(ids)) < len(ids):
            raise ValueError("two measures have one id")
        if self.texts.keys() != {"sv", "en"}:
            raise ValueError("texts are needed in sv and en")
        for language, texts in self.texts.items():
            if texts.measures.keys() != set(ids):
                raise ValueError(f"texts.{language}.measures has texts for {', '.join(ids)}, no more and no fewer")
        for measure in self.measures:
            for name, clause in _clauses(measure):
                if unknown := sorted(clause.dimensions.keys() - set(self.others)):
                    raise ValueError(f"{measure.id}.{name}: {', '.join(unknown)} is none of the goal's dimensions")
        told = {d for m in self.measures for _, clause in _clauses(m) for d in clause.dimensions}
        told |= {dimension for m in self.measures for each in _each(m) for dimension in each}
        told |= {"publisher"} if any(m.kind == "freshness" for m in self.measures) else set()
        if untold := sorted(set(self.others) - told):
            raise ValueError(f"no clause says which field is the dimension {', '.join(untold)}")
        return self

    @cached_property
    def others(self) -> tuple[str, ...]:
        """The dimensions beside the area."""
        return tuple(dimension for dimension in self.dimensions if dimension != "area")

    @cached_property
    def ledgers(self) -> tuple[Ledger, ...]:
        return tuple(ledger for measure in self.measures for ledger in measure.ledgers(self.id, self.others))

    @property
    def document(self) -> str:
        return self.aim.document

    @property
    def main(self) -> AnyMeasure:
        return self.measures[0]

    def measure(self, id: str) -> AnyMeasure:
        """Raises `KeyError`."""
        return {measure.id: measure for measure in self.measures}[id]

    @property
    def threshold(self) -> int:
        """Below this many the figure is not shown; 0 where it isn't about people."""
        return self.min_n if self.counts == "people" else 0

    def text(self, language: str) -> Texts:
        return self.texts["en" if language == "en" else "sv"]


def _clauses(group: Group) -> Iterator[tuple[str, ClauseData]]:
    """Every clause of a measure, of its sides too."""
    yield from group.groups()
    for field in type(group).model_fields:
        side = getattr(group, field)
        if isinstance(side, Group):
            yield from _clauses(side)


def _each(group: Group) -> Iterator[set[str]]:
    for field in type(group).model_fields:
        said = getattr(group, field)
        if field == "each" and said is not None:
            yield set(said.dimensions)
        elif isinstance(said, Group):
            yield from _each(said)


@dataclass(frozen=True)
class Goals:
    """All goals in force, and which of their ledgers an event type bears on. `generation`: raised at every change."""

    by_id: Mapping[str, Goal]
    generation: int = 0

    @cached_property
    def by_type(self) -> Mapping[str, Sequence[tuple[Ledger, Clause]]]:
        found: dict[str, list[tuple[Ledger, Clause]]] = {}
        for ledger in self.ledgers.values():
            for clause in ledger.rule.clauses:
                found.setdefault(clause.type, []).append((ledger, clause))
        return found

    @cached_property
    def ledgers(self) -> Mapping[str, Ledger]:
        return {ledger.name: ledger for goal in self for ledger in goal.ledgers}

    def __iter__(self) -> Iterator[Goal]:
        return iter(self.by_id.values())


def shipped() -> Traversable:
    """The folder of goals that comes with reporting."""
    return files("services.reporting") / "goals"


def texts_of(folder: Traversable | Path) -> dict[str, str]:
    """File name → text of every goal file in a folder."""
    found = sorted(folder.iterdir(), key=lambda f: f.name)
    return {file.name: file.read_text(encoding="utf-8") for file in found if file.name.endswith(".yaml")}


def load(folder: Traversable | Path | None = None) -> Goals:
    """Reads every goal of a folder (the service's own by default). Raises `DefinitionError`."""
    goals: dict[str, Goal] = {}
    mistakes: list[str] = []
    for name, text in texts_of(folder or shipped()).items():
        try:
            goal = parse(name, text)
        except DefinitionError as error:
            mistakes.append(str(error))
            continue
        goals[goal.id] = goal
    if mistakes:
        raise DefinitionError("\n".join(mistakes))
    return Goals(goals)


def parse(name: str, text: str) -> Goal:
    """One goal file. Raises `DefinitionError` naming file and line."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise DefinitionError(f"{name}:{line}: not YAML: {error.problem}") from error
    if not isinstance(data, dict):
        raise DefinitionError(f"{name}:1: a goal is a mapping of fields")
    try:
        goal = Goal.model_validate(data)
    except ValidationError as error:
        lines = (
            f"{name}:{_line(node, e['loc'])}: {'.'.join(map(str, e['loc'])) or 'goal'}: {e['msg']}"
            for e in error.errors()
        )
        raise DefinitionError("\n".join(lines)) from error
    if name != f"{goal.id}.yaml":
        raise DefinitionError(f"{name}:{_line(node, ('id',))}: id: the file of goal {goal.id} is called {goal.id}.yaml")
    return goal


def _line(node: yaml.Node | None, path: Sequence[int | str]) -> int:
    """The line of the deepest part of `path` that the file has. Steps that only the model knows are passed over."""
    line = 1
    for step in path:
        match node:
            case yaml.MappingNode():
                found = next(((k, v) for k, v in node.value if k.value == str(step)), None)
                if found is None:
                    continue
                key, node = found
                line = key.start_mark.line + 1
            case yaml.SequenceNode() if isinstance(step, int) and step < len(node.value):
                node = node.value[step]
                line = node.start_mark.line + 1
            case _:
                return line
    return line
