"""What all kinds of rules have in common: from a subject's facts to its state, its contribution, and each fact's part."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cached_property
from typing import Literal

from services.reporting.domain.clauses import Clause
from services.reporting.domain.facts import WITHDRAWN, Fact, identity, standing, withdrawn_among
from services.reporting.domain.states import Contribution, State, Version, keep


class Role(StrEnum):
    NUMERATOR = "numerator"
    DENOMINATOR = "denominator"
    EXCLUDED = "excluded"


Reason = Literal[
    "withdrawn",  # taken back by its publisher
    "withdraws",  # takes another back
    "superseded",  # a correction stands in its place
    "cancelled",  # its subject has left the cohort
    "cancels",  # takes its subject out of the cohort
    "revoked",  # a later event says it didn't hold
    "revokes",  # says so
    "too_late",  # came after the time the goal gives
    "not_yet",  # dated after the moment the figure is true for
    "no_cohort",  # nothing has put its subject in the cohort
    "no_effect",  # about the subject, and changes nothing
]


@dataclass(frozen=True, slots=True)
class Part:
    """The part one event plays in a figure. `reason` says why it is excluded; counted events have none."""

    fact: Fact
    role: Role
    reason: Reason | None


class Rule(ABC):
    """A kind of measure over one subject's facts. Pure: the same facts in any order give the same contribution."""

    clauses: tuple[Clause, ...]

    @abstractmethod
    def contribution(self, state: State) -> Contribution:
        """What a subject adds to the rollup."""

    def versions(self, clause: Clause, state: State) -> list[Version]:
        """What stands of a clause: of one that is looked up, about the things that its clause names."""
        if clause.looked_up_by is None:
            return clause.standing(state)
        name, field = clause.looked_up_by
        found = []
        for naming in (other for other in self.clauses if other.name == name):
            for version in self.versions(naming, state):
                key = naming.said(version, field)
                if key is not None:
                    found += clause.standing(state, str(key))
        return found

    @cached_property
    def moving(self) -> frozenset[str]:
        """The types of event whose corrections may be about another subject."""
        return frozenset(clause.type for clause in self.clauses if clause.moves)

    @cached_property
    def alone(self) -> frozenset[str]:
        """The types of event of which one stands under each Kafka key: whatever else was said there changes nothing."""
        shared = {clause.type for clause in self.clauses if not clause.stands_alone}
        return frozenset(clause.type for clause in self.clauses) - shared

    @cached_property
    def looks_up(self) -> bool:
        """Whether events about other things bear on a subject."""
        return any(clause.looked_up_by for clause in self.clauses)

    def keys(self, facts: Iterable[Fact]) -> set[str]:
        """The other things that the facts name, in any version."""
        named = {clause.looked_up_by for clause in self.clauses if clause.looked_up_by is not None}
        found = set()
        for fact in facts:
            for clause in self.clauses:
                for name, field in named:
                    if clause.name == name and clause.type == fact.type and (key := fact.data.get(field)) is not None:
                        found.add(str(key))
        return found

    def fold(self, subject: str, facts: Iterable[Fact]) -> State:
        """The state of a subject from scratch; `facts` may hold some about the things it names, and those that correct
        them and name another."""
        facts = standing(facts)
        keys = self.keys(facts) if self.looks_up else set()
        state: State = {}
        for fact in facts:
            for clause in self._of(fact, subject, keys):
                keep(state, clause.slot(fact), clause.version(fact))
        return state

    def _of(self, fact: Fact, subject: str, keys: set[str]) -> Iterator[Clause]:
        """The clauses by which a fact bears on a subject."""
        for clause in self.clauses:
            if clause.type == fact.type:
                about = clause.subject_of(fact)
                if about == subject if clause.looked_up_by is None else about in keys:
                    yield clause

    def place(
        self, subject: str, state: State, counted: Contribution, facts: Iterable[Fact] = ()
    ) -> tuple[str, date] | None:
        """The area and day that a subject is listed under in lineage, counted or not. `counted`: its contribution.
        `facts`: all that was said of it, where some of that is taken back: what says so is listed too."""
        if counted:
            first = min(counted, key=lambda cell: (cell.day, cell.area))
            return first.area, first.day
        said = [clause.version(fact) for fact in facts for clause in self._of(fact, subject, set())]
        places = [(not v.area, v.day, v.area or "") for v in (*state.values(), *said) if v.day is not None]
        if not places:
            return None
        _, day, area = min(places)
        return area, date.fromisoformat(day)

    def parts(self, subject: str, facts: Iterable[Fact], as_of: date) -> list[Part]:
        """The part of each fact about a subject, in order of time, by the very rules that make the figure."""
        facts = sorted(facts, key=lambda fact: (fact.time, fact.id, fact.source))
        state = self.fold(subject, facts)
        withdrawn, stand = withdrawn_among(facts), {identity(fact) for fact in standing(facts)}
        keys = self.keys(facts) if self.looks_up else set()
        found = []
        for fact in facts:
            if fact.type == WITHDRAWN:
                found.append(Part(fact, Role.EXCLUDED, "withdraws"))
            elif identity(fact) in withdrawn:
                found.append(Part(fact, Role.EXCLUDED, "withdrawn"))
            elif clauses := list(self._of(fact, subject, keys)):
                if identity(fact) not in stand:
                    found.append(Part(fact, Role.EXCLUDED, "superseded"))
                    continue
                found.append(self._best(fact, [self._part(clause, fact, state, as_of) for clause in clauses]))
        return found

    def _best(self, fact: Fact, parts: list[tuple[Role, Reason | None]]) -> Part:
        """Of an event that bears in several ways, the one that counts most."""
        role, reason = min(parts, key=lambda part: list(Role).index(part[0]))
        return Part(fact, role, reason)

    def _part(self, clause: Clause, fact: Fact, state: State, as_of: date) -> tuple[Role, Reason | None]:
        slot, version = clause.slot(fact), clause.version(fact)
        if state.get(slot, version)[:4] != version[:4]:
            return Role.EXCLUDED, "superseded"
        return self.part_of(clause, slot, version, state, as_of)

    def part_of(
        self, clause: Clause, slot: str, version: Version, state: State, as_of: date
    ) -> tuple[Role, Reason | None]:
        """The part of a version that stands: what would be another without it."""
        if version.day is not None and date.fromisoformat(version.day) > as_of:
            return Role.EXCLUDED, "not_yet"
        counted = self.contribution(state)
        without = self.contribution({name: other for name, other in state.items() if name != slot})
        if counted == without:
            return Role.EXCLUDED, "no_effect"
        for role, side in ((Role.NUMERATOR, 0), (Role.DENOMINATOR, 1)):
            if sum(amounts[side] for amounts in counted.values()) > sum(amounts[side] for amounts in without.values()):
                return role, None
        if {cell: amounts[0] for cell, amounts in counted.items()} != {
            cell: amounts[0] for cell, amounts in without.items()
        }:
            return (Role.EXCLUDED, "cancels") if len(counted) < len(without) else (Role.NUMERATOR, None)
        return Role.DENOMINATOR, None


def others_of(versions: Iterable[Version], count: int) -> tuple[str | None, ...]:
    """The first value that any of the versions gives for each of the `count` dimensions beside the area."""
    if count == 0:
        return ()
    values: list[str | None] = [None] * count
    for version in versions:
        for number, value in enumerate(version.others):
            if values[number] is None:
                values[number] = value
    return tuple(values)
