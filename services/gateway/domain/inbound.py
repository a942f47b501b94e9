"""What a publisher's own Kafka topic is called, and what is kept of a record there that could not be let in."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, NewType

from services.gateway.domain.door import Answer, FieldError, Publisher, Sender, Submission
from services.gateway.domain.outcomes import known_type, shown_errors, shown_id

ParkedId = NewType("ParkedId", int)
State = Literal["open", "replayed", "discarded", "gone"]
"""`gone`: to be replayed when the topic no longer had it."""

FIRST_PART = "inbound."
KEPT_IN_TOPIC = timedelta(days=7)
PARKED_KEPT = timedelta(days=30)
PARTITIONS = 3
MAX_RECORD = 1024 * 1024
MAX_ERRORS = 50  # kept of one record
UNDECODABLE = "undecodable"
MISSED = "missed"
DEFECT = "defect"
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in a publisher's topic, and when what stands there was written (none where that can't be known)."""

    partition: int
    offset: int
    written_at: datetime | None


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a record can't be let in: `reason` is the slug of a `ProblemType`, or one of this module's.

    `event_id` where it can't be about anybody, `source` where it is the publisher's own.
    """

    reason: str
    detail: str
    errors: tuple[FieldError, ...] = ()
    event_id: str | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Parked:
    """A record set aside. `settled_by` says who replayed or discarded it: a person's role, or the publisher."""

    id: ParkedId
    publisher: Publisher
    spot: Spot
    fault: Fault
    parked_at: datetime
    state: State
    settled_at: datetime | None
    settled_by: str | None


@dataclass(frozen=True, slots=True)
class Choice:
    """Which parked records of a publisher are meant: those with these numbers, all of a reason, or (neither) all."""

    ids: tuple[ParkedId, ...] | None = None
    reason: str | None = None


def topic_of(publisher: Publisher) -> str | None:
    """The publisher's topic, by its name without the installation's prefix; none for one whose name can't be in it."""
    return f"{FIRST_PART}{publisher}" if _NAME.fullmatch(publisher) else None


def config() -> dict[str, str]:
    """Kafka's configuration of such a topic."""
    return {
        "cleanup.policy": "delete",
        "retention.ms": str(int(KEPT_IN_TOPIC.total_seconds() * 1000)),
        "retention.bytes": "-1",
        "max.message.bytes": str(MAX_RECORD),
    }


def fault_of(sender: Sender, submission: Submission, answer: Answer) -> Fault | None:
    """Why the record is to be set aside, when it is, without a value that may be about a person."""
    if answer.refusal is None:
        return None
    refusal = answer.refusal
    detail = f"{refusal.type.title}." if refusal.errors else refusal.detail  # which names fields as they were sent
    errors = shown_errors(refusal, known_type(submission))[:MAX_ERRORS]
    source = answer.source if answer.source in sender.sources else None
    return Fault(refusal.type.slug, detail, errors, shown_id(answer.id), source)


def missed(first: int, next_there: int) -> Fault:
    """The fault of records that the topic lost before they were read."""
    return Fault(
        MISSED,
        f"The records from offset {first} to {next_there - 1} were gone before they could be read: the topic keeps "
        f"them for {KEPT_IN_TOPIC.days} days. Send these events again.",
    )


STEPPED_OVER = Fault(
    UNDECODABLE, "A header's name is not UTF-8: the record can't be read, and is only in the topic, at this offset."
)
BROKEN = Fault(DEFECT, "The gateway failed at this record. That is a defect in it: tell whoever runs it.")
