"""Facts, and which of two that say the same thing stands: pure functions.

A fact is one event as it was stored. A later fact of the same type about the same thing corrects the earlier one; an
EventWithdrawn of the same publisher, on the same topic and key, takes a fact back.
"""

from collections.abc import Hashable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from schemas.catalogue import MODELS
from schemas.event import EventData

WITHDRAWN = "se.vatterhem.EventWithdrawn.v1"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

Identity = tuple[str, str, str, str]
"""(topic, subject, source, id) of a fact."""


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


def precedence(fact: Fact) -> tuple[int, int, str, str]:
    """The correction rule as one key: (sequence or -1, microseconds since 1970, id, source); the greatest stands."""
    return (
        -1 if fact.sequence is None else fact.sequence,
        (fact.time - EPOCH) // MICROSECOND,
        fact.id,
        fact.source,
    )


def about(fact: Fact) -> Hashable:
    """What a fact says something of: a later one of the same corrects it, also where it names another subject."""
    model = MODELS.get(fact.type)
    values = (fact.data.get(field) for field in (model.identity_fields if model else ()))
    said = tuple(tuple(sorted(value.items())) if isinstance(value, Mapping) else value for value in values)
    return (fact.type, fact.subject, *said)


def standing(facts: Iterable[Fact], *, apart_by: str | None = None) -> list[Fact]:
    """Those that are neither taken back nor corrected. `apart_by`: a field that tells facts of one thing apart as well."""
    facts = list(facts)
    withdrawn = withdrawn_among(facts)
    stands: dict[Hashable, Fact] = {}
    for fact in facts:
        if fact.type == WITHDRAWN or identity(fact) in withdrawn:
            continue
        other = stands.get(key := (about(fact), apart_by and fact.data.get(apart_by)))
        if other is None or precedence(fact) > precedence(other):
            stands[key] = fact
    return list(stands.values())


def standing_data(said: Iterable[tuple[Fact, EventData]], *, apart_by: str | None = None) -> list[EventData]:
    """What the facts that stand say."""
    said = list(said)
    data = {(fact.source, fact.id): data for fact, data in said}
    return [data[fact.source, fact.id] for fact in standing((fact for fact, _ in said), apart_by=apart_by)]


def identity(fact: Fact) -> Identity:
    return (fact.topic, fact.subject, fact.source, fact.id)


def target_of(withdrawal: Fact) -> Identity | None:
    """What an EventWithdrawn takes back: an event of the same topic, key and publisher. None: another's, no effect."""
    if withdrawal.data["withdrawn_source"] != withdrawal.source:
        return None
    return (withdrawal.topic, withdrawal.subject, withdrawal.source, str(withdrawal.data["withdrawn_id"]))


def withdrawn_among(facts: Iterable[Fact]) -> set[Identity]:
    """The identities that have been taken back. A withdrawal can't be withdrawn: publish the event again instead."""
    return {target for fact in facts if fact.type == WITHDRAWN and (target := target_of(fact)) is not None}
