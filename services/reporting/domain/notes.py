"""What staff say of a figure, and what is done about it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from schemas.surveys import ActionCancelled, ActionCompleted, ActionPlanned, ActionRevised
from services.reporting.domain.facts import Fact, identity, withdrawn_among

LONGEST = 300
"""Letters of a note: what can be read beside a curve."""


@dataclass(frozen=True, slots=True)
class Note:
    """What happened on a `day`, or why a figure is as it is. `area`: None for the goal everywhere.

    `action`: the id of an action that is done about it. `role`: as whom it was written. `withdrawn_at`: taken back then.
    """

    id: UUID
    goal: str
    area: str | None
    day: date
    text: str
    action: str | None
    role: str
    written_at: datetime
    withdrawn_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Action:
    """An action as it stands. `plan`: survey, internship … `done_on`: None while it isn't."""

    id: str
    plan: str
    area: str | None
    due_on: date
    done_on: date | None = None
    is_cancelled: bool = False


def actions(facts: Iterable[Fact]) -> dict[str, Action]:
    """The actions that surveys.events tell of, by id, as they stand."""
    facts = list(facts)
    gone = withdrawn_among(facts)
    standing = sorted((fact for fact in facts if identity(fact) not in gone), key=lambda fact: fact.time)
    found: dict[str, Action] = {}
    for fact in standing:
        if fact.type == ActionPlanned.type:
            found.setdefault(fact.subject, _planned(fact))
    for fact in standing:
        known = found.get(fact.subject)
        if known is None:
            continue
        if fact.type == ActionRevised.type:
            found[fact.subject] = replace(_planned(fact), done_on=known.done_on, is_cancelled=known.is_cancelled)
        elif fact.type == ActionCompleted.type:
            found[fact.subject] = replace(known, done_on=fact.data["completed_on"])
        elif fact.type == ActionCancelled.type:
            found[fact.subject] = replace(known, is_cancelled=True)
    return found


def _planned(fact: Fact) -> Action:
    return Action(fact.subject, fact.data["plan"], fact.data["area_id"], fact.data["due_on"])
