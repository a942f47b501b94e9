"""How events become figures: pure functions over one subject's facts.

A *cohort ratio* follows a subject (a tenancy). One kind of event puts it in the cohort of a day and an area, another
takes it out again, a third achieves the goal, a fourth revokes what was achieved. The *state* of a subject keeps, for
each of these, the version that stands: a map from slot to the greatest version by the correction rule. Such maps merge
by taking the greater of each slot, which is commutative, associative and idempotent, so facts may come in any order,
in any number of batches and any number of times.

The one thing that can't be merged is a withdrawal: what the withdrawn version had superseded stands again. There the
state is folded anew from all the subject's facts.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any, Literal, NamedTuple, assert_never

from services.chassis.clock import local_date

WITHDRAWN = "se.vatterhem.EventWithdrawn.v1"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

ClauseName = Literal["enters", "leaves", "achieves", "revokes"]


class Fact(NamedTuple):
    """One event as stored. (`source`, `id`) is its identity, `subject` its Kafka key, `data` its fields as typed."""

    source: str
    id: str
    type: str
    topic: str
    subject: str
    time: datetime
    sequence: int | None
    data: Mapping[str, Any]


class Version(NamedTuple):
    """What one event says for one slot. The first four fields are the correction rule: the greater stands.

    `sequence`: -1 where the event has none. `time`: microseconds since 1970 UTC. `day`: ISO date. `holds`: whether the
    clause's condition is met.
    """

    sequence: int
    time: int
    id: str
    source: str
    day: str | None
    area: str | None
    holds: bool


State = dict[str, Version]


@dataclass(frozen=True, slots=True)
class Clause:
    """How one type of event bears on the subject named by its field `subject`.

    `day`: the field with the date; none means the event's own time, as a date in Stockholm. `area`: the field with the
    area. `where`: fields and the values that make the clause hold.
    """

    name: ClauseName
    type: str
    subject: str
    day: str | None = None
    area: str | None = None
    where: tuple[tuple[str, Any], ...] = ()

    def subject_of(self, fact: Fact) -> str | None:
        """The subject that the fact is about for this clause; None when it names none."""
        value = fact.data.get(self.subject)
        return None if value is None else str(value)

    def version(self, fact: Fact) -> Version:
        """What the fact says."""
        day = local_date(fact.time) if self.day is None else fact.data[self.day]
        return Version(
            *precedence(fact),
            day.isoformat(),
            None if self.area is None else str(fact.data[self.area]),
            all(fact.data.get(field) == value for field, value in self.where),
        )

    def slot(self, fact: Fact, subject: str) -> str:
        """Where the version is kept: events under another key than the subject's correct only their own kind."""
        return self.name if fact.subject == subject else f"{self.name}/{fact.subject}"


@dataclass(frozen=True, slots=True)
class CohortRatio:
    """Subjects that achieved ÷ subjects that entered, by the day and area of entering."""

    clauses: tuple[Clause, ...]

    def clause_for(self, type: str) -> Clause | None:
        return next((clause for clause in self.clauses if clause.type == type), None)


class Cell(NamedTuple):
    """A place in the rollup: the cohort's area and day, and the day `since` which the contribution counts."""

    area: str
    day: date
    since: date


Contribution = dict[Cell, tuple[int, int]]
"""Cell → (numerator, denominator)."""


def keep(state: State, slot: str, version: Version) -> None:
    """Puts a version in its slot, unless a greater one is there."""
    standing = state.get(slot)
    if standing is None or version[:4] > standing[:4]:
        state[slot] = version


def merge(one: State, other: State) -> State:
    """The state after the facts of both: commutative, associative, idempotent."""
    merged = dict(one)
    for slot, version in other.items():
        keep(merged, slot, version)
    return merged


def fold(rule: CohortRatio, subject: str, facts: Iterable[Fact]) -> State:
    """The state of a subject from scratch. A withdrawn entry only leaves its place behind, for lineage."""
    facts = list(facts)
    withdrawn = withdrawn_among(facts)
    state: State = {}
    for fact in facts:
        clause = rule.clause_for(fact.type)
        if clause is None or clause.subject_of(fact) != subject:
            continue
        if identity(fact) not in withdrawn:
            keep(state, clause.slot(fact, subject), clause.version(fact))
        elif clause.name == "enters":
            keep(state, "withdrawn", clause.version(fact))
    return state


def precedence(fact: Fact) -> tuple[int, int, str, str]:
    """The correction rule as one key: (sequence or -1, microseconds since 1970, id, source); the greatest stands."""
    return (
        -1 if fact.sequence is None else fact.sequence,
        (fact.time - EPOCH) // MICROSECOND,
        fact.id,
        fact.source,
    )


def identity(fact: Fact) -> tuple[str, str, str, str]:
    return (fact.topic, fact.subject, fact.source, fact.id)


def target_of(withdrawal: Fact) -> tuple[str, str, str, str] | None:
    """What an EventWithdrawn takes back: an event of the same topic, key and publisher. None: another's, no effect."""
    if withdrawal.data["withdrawn_source"] != withdrawal.source:
        return None
    return (withdrawal.topic, withdrawal.subject, withdrawal.source, str(withdrawal.data["withdrawn_id"]))


def withdrawn_among(facts: Iterable[Fact]) -> set[tuple[str, str, str, str]]:
    """The identities that have been taken back. A withdrawal can't be withdrawn: publish the event again instead."""
    return {target for fact in facts if fact.type == WITHDRAWN and (target := target_of(fact)) is not None}


def place(state: State) -> tuple[str, date] | None:
    """The area and day that a subject is listed under in lineage, counted or not."""
    entered = state.get("enters") or state.get("withdrawn")
    if entered is None or entered.area is None or entered.day is None:
        return None
    return entered.area, date.fromisoformat(entered.day)


def is_left(state: State) -> bool:
    return any(version.holds for version in _named(state, "leaves"))


def achieved_on(state: State) -> date | None:
    """The day the goal was achieved, unless a later event has revoked it."""
    achieved = _standing_achievement(state)
    if achieved is None or achieved.day is None:
        return None
    if any(version.holds and version.time > achieved.time for version in _named(state, "revokes")):
        return None
    return date.fromisoformat(achieved.day)


def contribution(state: State) -> Contribution:
    """What a subject adds to the rollup: one to the denominator from its day on, one to the numerator when achieved."""
    entered = state.get("enters")
    if entered is None or entered.area is None or entered.day is None:
        return {}
    day = date.fromisoformat(entered.day)
    counts: Contribution = {Cell(entered.area, day, day): (0, 1)}
    if len(state) == 1:  # most are just that: nothing else has been said
        return counts
    if is_left(state):
        return {}
    achieved = achieved_on(state)
    if achieved is not None:
        cell = Cell(entered.area, day, max(day, achieved))
        counts[cell] = (1, counts.get(cell, (0, 0))[1])
    return counts


def difference(before: Contribution, after: Contribution) -> Iterator[tuple[Cell, int, int]]:
    """What to add to the rollup to get from one contribution to the other."""
    for cell in before.keys() | after.keys():
        numerator, denominator = after.get(cell, (0, 0))
        was_numerator, was_denominator = before.get(cell, (0, 0))
        if (numerator, denominator) != (was_numerator, was_denominator):
            yield cell, numerator - was_numerator, denominator - was_denominator


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


def parts(rule: CohortRatio, subject: str, facts: Iterable[Fact], as_of: date) -> list[Part]:
    """The part of each fact about a subject, in order of time, by the very rules that make the figure."""
    facts = sorted(facts, key=lambda fact: (fact.time, fact.id, fact.source))
    state = fold(rule, subject, facts)
    withdrawn = withdrawn_among(facts)
    found = []
    for fact in facts:
        clause = rule.clause_for(fact.type)
        if fact.type == WITHDRAWN:
            found.append(Part(fact, Role.EXCLUDED, "withdraws"))
        elif identity(fact) in withdrawn:
            found.append(Part(fact, Role.EXCLUDED, "withdrawn"))
        elif clause is not None and clause.subject_of(fact) == subject:
            found.append(_part(clause, fact, state, subject, as_of))
    return found


def _part(clause: Clause, fact: Fact, state: State, subject: str, as_of: date) -> Part:
    version = clause.version(fact)
    if state[clause.slot(fact, subject)] != version:
        return Part(fact, Role.EXCLUDED, "superseded")
    match clause.name:
        case "enters":
            reason = _why_not_entered(version, state, as_of)
            return Part(fact, Role.EXCLUDED if reason else Role.DENOMINATOR, reason)
        case "achieves":
            reason = _why_not_achieved(version, state, as_of)
            return Part(fact, Role.EXCLUDED if reason else Role.NUMERATOR, reason)
        case "leaves":
            return Part(fact, Role.EXCLUDED, "cancels" if version.holds else "no_effect")
        case "revokes":
            achieved = _standing_achievement(state)
            revokes = version.holds and achieved is not None and version.time > achieved.time
            return Part(fact, Role.EXCLUDED, "revokes" if revokes else "no_effect")
        case _:
            assert_never(clause.name)


def _why_not_entered(version: Version, state: State, as_of: date) -> Reason | None:
    if is_left(state):
        return "cancelled"
    return "not_yet" if version.day is None or date.fromisoformat(version.day) > as_of else None


def _why_not_achieved(version: Version, state: State, as_of: date) -> Reason | None:
    entered = state.get("enters")
    if entered is None:
        return "no_cohort"
    if is_left(state):
        return "cancelled"
    if version != _standing_achievement(state):
        return "superseded" if version.holds else "no_effect"
    achieved = achieved_on(state)
    if achieved is None:
        return "revoked"
    return "not_yet" if max(achieved.isoformat(), entered.day or "") > as_of.isoformat() else None


def _standing_achievement(state: State) -> Version | None:
    return max((version for version in _named(state, "achieves") if version.holds), default=None)


def _named(state: State, name: ClauseName) -> list[Version]:
    """The versions of a clause, under the subject's own key and under others. No name begins with another."""
    return [version for slot, version in state.items() if slot.startswith(name)]
