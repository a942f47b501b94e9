"""Goals are data: one YAML file each in goals/, checked when the service starts.

A mistake is reported as `file:line: field: what is wrong`, before anything runs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from schemas.catalogue import MODELS
from services.reporting.domain import Clause, ClauseName, CohortRatio
from services.reporting.figures import Counts

Language = Literal["sv", "en"]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,62}$")]
Line = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]


class DefinitionError(Exception):
    """One or more goal files are wrong: a line for each mistake."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ClauseData(_Strict):
    """Which event, which of its fields names the subject, and where its date and area are."""

    event: str
    subject: str
    day: str | None = None
    area: str | None = None
    where: dict[str, bool | int | str] = {}

    @model_validator(mode="after")
    def _exists_in_the_catalogue(self) -> "ClauseData":
        model = MODELS.get(self.event)
        if model is None:
            raise ValueError(f"{self.event} is not in the catalogue of events; known are {', '.join(sorted(MODELS))}")
        wanted = [field for field in (self.subject, self.day, self.area, *self.where) if field is not None]
        if missing := sorted(set(wanted) - model.model_fields.keys()):
            raise ValueError(
                f"{self.event} has no field {', '.join(missing)}; it has {', '.join(sorted(model.model_fields))}"
            )
        return self

    def clause(self, name: ClauseName) -> Clause:
        return Clause(name, self.event, self.subject, self.day, self.area, tuple(self.where.items()))


class Texts(_Strict):
    """What pages say. `in_words` has the places {numerator}, {denominator} and {period}."""

    title: Line
    in_words: Line
    things: Line
    numerator: Line
    denominator: Line
    belongs: Line

    @model_validator(mode="after")
    def _in_words_can_be_filled(self) -> "Texts":
        try:
            self.in_words.format(numerator="", denominator="", period="")
        except (KeyError, IndexError, ValueError) as error:
            raise ValueError("in_words knows {numerator}, {denominator} and {period} only") from error
        return self


class CohortRatioGoal(_Strict):
    """Subjects that achieved ÷ subjects that entered (`domain.CohortRatio`), with what a page needs to say about it."""

    kind: Literal["cohort_ratio"]
    id: Slug
    version: int = Field(ge=1)
    since: str
    measure: Slug
    unit: Literal["%"]
    counts: Counts
    min_n: int = Field(5, ge=3)
    dimensions: tuple[Literal["area"], ...] = Field(("area",), strict=False)
    programme: str | None = None
    document: str
    enters: ClauseData
    achieves: ClauseData
    leaves: ClauseData | None = None
    revokes: ClauseData | None = None
    texts: dict[Language, Texts]

    @model_validator(mode="after")
    def _is_whole(self) -> "CohortRatioGoal":
        if self.enters.area is None or self.enters.day is None:
            raise ValueError("enters needs day and area: they place a subject in its cohort")
        if self.texts.keys() != {"sv", "en"}:
            raise ValueError("texts are needed in sv and en")
        types = [clause.type for clause in self.rule.clauses]
        if len(types) != len(set(types)):
            raise ValueError("an event may stand in one clause only")
        return self

    @cached_property
    def rule(self) -> CohortRatio:
        named: list[tuple[ClauseName, ClauseData | None]] = [
            ("enters", self.enters),
            ("leaves", self.leaves),
            ("achieves", self.achieves),
            ("revokes", self.revokes),
        ]
        return CohortRatio(tuple(data.clause(name) for name, data in named if data is not None))

    @property
    def threshold(self) -> int:
        """Below this many the figure is not shown; 0 where it isn't about people."""
        return self.min_n if self.counts == "people" else 0

    def text(self, language: str) -> Texts:
        return self.texts["en" if language == "en" else "sv"]


Goal = CohortRatioGoal
KINDS: Mapping[str, type[Goal]] = {"cohort_ratio": CohortRatioGoal}


@dataclass(frozen=True)
class Goals:
    """All goals in force, and which of them an event type bears on."""

    by_id: Mapping[str, Goal]

    @cached_property
    def by_type(self) -> Mapping[str, Sequence[tuple[Goal, Clause]]]:
        found: dict[str, list[tuple[Goal, Clause]]] = {}
        for goal in self.by_id.values():
            for clause in goal.rule.clauses:
                found.setdefault(clause.type, []).append((goal, clause))
        return found

    def __iter__(self) -> Any:
        return iter(self.by_id.values())


def load(folder: Traversable | None = None) -> Goals:
    """Reads every goal of a folder (the service's own by default). Raises `DefinitionError`."""
    folder = folder or files("services.reporting") / "goals"
    goals: dict[str, Goal] = {}
    mistakes: list[str] = []
    for file in sorted(folder.iterdir(), key=lambda f: f.name):
        if not file.name.endswith(".yaml"):
            continue
        try:
            goal = parse(file.name, file.read_text(encoding="utf-8"))
        except DefinitionError as error:
            mistakes.append(str(error))
            continue
        if file.name != f"{goal.id}.yaml":
            mistakes.append(f"{file.name}:1: id: the file of goal {goal.id} is called {goal.id}.yaml")
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
    kind = KINDS.get(str(data.get("kind")))
    if kind is None:
        line = _line(node, ("kind",))
        raise DefinitionError(f"{name}:{line}: kind: {data.get('kind')!r} is not one of {', '.join(KINDS)}")
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        lines = (
            f"{name}:{_line(node, e['loc'])}: {'.'.join(map(str, e['loc'])) or 'goal'}: {e['msg']}"
            for e in error.errors()
        )
        raise DefinitionError("\n".join(lines)) from error


def _line(node: yaml.Node | None, path: Sequence[int | str]) -> int:
    """The line of the deepest part of `path` that the file has."""
    line = 1
    for step in path:
        match node:
            case yaml.MappingNode():
                found = next(((k, v) for k, v in node.value if k.value == str(step)), None)
                if found is None:
                    return line
                key, node = found
                line = key.start_mark.line + 1
            case yaml.SequenceNode() if isinstance(step, int) and step < len(node.value):
                node = node.value[step]
                line = node.start_mark.line + 1
            case _:
                return line
    return line
