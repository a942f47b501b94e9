"""From an event to the figures it touches: what each event about a subject did to every goal, in order."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from services.chassis.postgres import Connection
from services.reporting.definitions import Goal, Goals
from services.reporting.definitions.groups import Ledger
from services.reporting.definitions.measures import AnyMeasure
from services.reporting.domain.facts import WITHDRAWN, Fact, Identity, identity, precedence
from services.reporting.domain.states import Contribution, difference
from services.reporting.records import stored_fact
from services.reporting.repository import facts as stored
from services.reporting.repository import quality as repository
from services.reporting.repository import states
from services.reporting.service.about import about

EVENTS_AT_MOST = 300
"""More events about one subject are shown without what each did: the latest of them."""
SUBJECTS_AT_MOST = 40


@dataclass(frozen=True, slots=True)
class Effect:
    """What an event changed in one figure: so many more (or fewer) whole parts. Both 0: it counts from another day."""

    goal: Goal
    measure: AnyMeasure
    area: str
    year: int
    numerator: int
    denominator: int


@dataclass(slots=True)
class Happened:
    """An event, and what it did. `read_by`: measures that aren't sums and are made of events such as this."""

    fact: Fact
    effects: list[Effect] = field(default_factory=list)
    read_by: list[tuple[Goal, AnyMeasure]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Life:
    """A subject's events in order of time. `counts_in`: where it counts as everything stands. `events`: how many there
    are in all; where that is more than are shown, what each did isn't told."""

    happened: list[Happened]
    counts_in: list[Effect]
    events: int


async def life(connection: Connection, goals: Goals, subject: str) -> Life | None:
    """None when nothing is known of the subject."""
    total = (await repository.count_about(connection, [subject]))[subject]
    if total > EVENTS_AT_MOST:
        rows = await repository.latest_about(connection, subject, EVENTS_AT_MOST)
        return Life([Happened(fact) for fact in _in_order(map(stored_fact, rows))], [], total)
    rows = (await stored.facts_about(connection, [subject], WITHDRAWN))[subject]
    happened = {identity(fact): Happened(fact) for fact in _in_order(map(stored_fact, rows))}
    if not happened:
        return None
    counts_in: list[Effect] = []
    for one in happened.values():
        one.read_by = [(goal, m) for goal in goals for m in goal.measures if one.fact.type in m.reads]
    for name, subjects in sorted((await _touched(connection, goals, happened)).items()):
        ledger = goals.ledgers[name]
        counted = await repository.count_about(connection, sorted(subjects)[:SUBJECTS_AT_MOST])
        few = [each for each, events in counted.items() if events <= EVENTS_AT_MOST]
        known = await about(connection, ledger, few, most=EVENTS_AT_MOST + 1)
        for each, facts in known.items():
            if len(facts) <= EVENTS_AT_MOST:
                counts_in += _tell(goals, ledger, each, _in_order(facts), happened)
    return Life(list(happened.values()), counts_in, len(happened))


def _in_order(facts: Iterable[Fact]) -> list[Fact]:
    return sorted(facts, key=lambda fact: (fact.time, precedence(fact)))


async def _touched(connection: Connection, goals: Goals, happened: Mapping[Identity, Happened]) -> dict[str, set[str]]:
    """Ledger → the subjects that some of the events bear on: those they name, and those that look them up."""
    found: dict[str, set[str]] = defaultdict(set)
    looked_up: dict[str, set[str]] = defaultdict(set)
    for one in happened.values():
        for ledger, clause in goals.by_type.get(one.fact.type, ()):
            named = clause.subject_of(one.fact)
            if named is not None:
                (found if clause.looked_up_by is None else looked_up)[ledger.name].add(named)
    for name, keys in looked_up.items():
        found[name] |= await states.followers(connection, name, keys)
    return found


def _tell(
    goals: Goals, ledger: Ledger, subject: str, facts: Sequence[Fact], happened: Mapping[Identity, Happened]
) -> list[Effect]:
    """Notes what each of the events did for one subject of a ledger; gives where the subject counts in the end."""
    before: Contribution = {}
    for number, fact in enumerate(facts, 1):
        after = ledger.rule.contribution(ledger.rule.fold(subject, facts[:number]))
        one = happened.get(identity(fact))
        if one is not None:
            one.effects += _effects(goals, ledger, before, after)
        before = after
    return [effect for effect in _effects(goals, ledger, {}, before) if effect.numerator or effect.denominator]


def _effects(goals: Goals, ledger: Ledger, before: Contribution, after: Contribution) -> Iterator[Effect]:
    changes: dict[tuple[str, int], list[int]] = defaultdict(lambda: [0, 0])
    for cell, numerator, denominator in difference(before, after):
        change = changes[cell.area, cell.day.year]
        change[0] += numerator
        change[1] += denominator
    goal = goals.by_id[ledger.goal]
    for (area, year), (numerator, denominator) in sorted(changes.items()):
        yield Effect(goal, goal.measure(ledger.measure), area, year, numerator, denominator)
