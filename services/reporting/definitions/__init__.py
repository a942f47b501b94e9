"""Goals are data: one YAML file each in goals/, checked before anything runs.

A mistake is reported as `file:line: field: what is wrong`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from services.reporting.definitions.checks import Mistake, measure_mistakes, tells_area
from services.reporting.definitions.checks import told as told_by
from services.reporting.definitions.clauses import Name, Slug, Strict
from services.reporting.definitions.groups import Ledger
from services.reporting.definitions.located import DefinitionError as DefinitionError
from services.reporting.definitions.located import read
from services.reporting.definitions.measures import AnyMeasure, Measure
from services.reporting.domain.clauses import Clause
from services.reporting.domain.figures import Counts

Language = Literal["sv", "en"]
Line = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]


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

    @cached_property
    def others(self) -> tuple[str, ...]:
        """The dimensions beside the area."""
        return tuple(dimension for dimension in self.dimensions if dimension != "area")

    @cached_property
    def ledgers(self) -> tuple[Ledger, ...]:
        return tuple(ledger for measure in self.measures for ledger in measure.ledgers(self.id, self.others))

    @cached_property
    def events(self) -> Mapping[str, tuple[str, ...]]:
        """Measure → the types of event that it is made of."""
        found: dict[str, dict[str, None]] = {measure.id: dict.fromkeys(measure.reads) for measure in self.measures}
        for ledger in self.ledgers:
            found[ledger.measure] |= {clause.type: None for clause in ledger.rule.clauses}
        return {measure: tuple(types) for measure, types in found.items()}

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


def _mistakes(goal: Goal) -> Iterator[Mistake]:
    """What is wrong with a goal whose parts are right each by itself."""
    ids = [measure.id for measure in goal.measures]
    for number, measure in enumerate(goal.measures):
        if measure.id in ids[:number]:
            yield ("measures", number, "id"), f"two measures are called {measure.id}"
        yield from measure_mistakes(measure, ("measures", number), goal.others)
    for language in sorted({"sv", "en"} - goal.texts.keys()):
        yield ("texts", language), f"texts are needed in sv and en; {language} is missing"
    for language, texts in goal.texts.items():
        for id in ids:
            if id not in texts.measures:
                yield ("texts", language, "measures"), f"texts of the measure {id} are missing"
        for id in texts.measures:
            if id not in ids:
                yield ("texts", language, "measures", id), f"there is no measure {id}; there is {', '.join(ids)}"
    told = {dimension for measure in goal.measures for dimension in told_by(measure)}
    told |= {"area"} if any(tells_area(measure) for measure in goal.measures) else set()
    for number, dimension in enumerate(goal.dimensions):
        if dimension not in told:
            yield ("dimensions", number), f"no clause says which field is the dimension {dimension}"


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
    def moving(self) -> frozenset[str]:
        """The types of event whose corrections may be about another subject."""
        return frozenset[str]().union(*(ledger.rule.moving for ledger in self.ledgers.values()))

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


@lru_cache(maxsize=256)
def parse(name: str, text: str) -> Goal:
    """One goal file. Raises `DefinitionError` naming file and line."""
    return read(name, text, Goal, "goal", _mistakes)
