"""The rules of connectors: when one is due, what its runs go through, and how its events get their ids."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, NewType

ConnectorName = NewType("ConnectorName", str)
RunId = NewType("RunId", int)
Cause = Literal["schedule", "operator"]
State = Literal["waiting", "running", "held", "done", "failed", "dropped"]

OPEN: tuple[State, ...] = ("waiting", "running")
AGAIN_AFTER_FAILURE = timedelta(minutes=15)
MAX_REFUSED_KEPT = 1_000
"""Of one run; all are counted."""
MAX_SHOWN = 6
"""Of each type of event, in a dry run."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a connector. `counts`: rows, refused, unchanged, published events by type, and more, by name. `notes`: how
    the file was read."""

    id: RunId
    connector: ConnectorName
    cause: Cause
    dry: bool
    filename: str | None
    state: State
    staged: bool
    confirmed: bool
    asked_at: datetime
    as_of: datetime | None = None
    ended_at: datetime | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    shown: Sequence[Mapping[str, Any]] = ()
    why: str | None = None
    mend: str | None = None
    notes: Sequence[str] = ()

    @property
    def is_open(self) -> bool:
        return self.state in OPEN

    @property
    def refused(self) -> int:
        return self.counts.get("refused", 0)


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that was refused; `got` is a kind of thing, never a value. `row` 0: the file as a whole."""

    row: int
    field: str
    expected: str
    got: str


@dataclass(frozen=True, slots=True)
class Ended:
    """What a run came to."""

    state: State
    counts: Mapping[str, int] = field(default_factory=dict)
    shown: Sequence[Mapping[str, Any]] = ()
    why: str | None = None
    mend: str | None = None
    notes: Sequence[str] = ()


def is_due(every: timedelta, last: Run | None, now: datetime) -> bool:
    """Whether a connector that runs `every` so often should run now, after its `last` run by schedule."""
    if last is None:
        return True
    if last.is_open or last.state == "held":
        return last.state == "held" and last.asked_at + every <= now
    wait = min(every, AGAIN_AFTER_FAILURE) if last.state == "failed" else every
    return last.asked_at + wait <= now


def event_id(source: str, about: str, number: int) -> str:
    """The id of the event number `number` (from 0) about `about`: the same whenever it is made."""
    return hashlib.sha256(f"{source}\n{about}\n{number}".encode()).hexdigest()[:32]
