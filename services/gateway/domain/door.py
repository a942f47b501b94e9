"""The rules of the door: who may publish what, what makes two events the same, and what each refusal says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, timedelta
from enum import Enum
from typing import Any, Literal, NewType, assert_never

import orjson

from schemas.door import home_dropped, home_told, unknown_dropped
from schemas.errors import Code
from schemas.errors import Problem as Wrong
from schemas.event import ANY_TOPIC, Event
from schemas.http import Entry
from schemas.topics import TOPICS

KeyId = NewType("KeyId", int)
Publisher = NewType("Publisher", str)
EventKey = tuple[str, str]
"""(source, id): what identifies an event for ever."""

IDENTITIES_KEPT = timedelta(days=400)
TEST_IDENTITIES_KEPT = timedelta(days=30)
MAX_BATCH = 20_000
"""Events in one request."""
STAYS_HERE = "a test event about a person was checked, and goes no further than the gateway"
ALL = "all"
Road = Literal["http", "kafka", "form", "file"]
"""How events come to the door."""


class ProblemType(Enum):
    """Why an event, or a whole request, is refused: a closed set, each with its status and title.

    400 is for what can't be read as an event at all, 422 for an event that can be read and doesn't fit its schema.
    """

    UNREADABLE = 400, "Not an event that can be read"
    NO_KEY = 401, "A publisher's key is needed"
    TYPE_NOT_ALLOWED = 403, "The key is not for this type of event"
    SOURCE_NOT_ALLOWED = 403, "The source is not this publisher's"
    CONFLICT = 409, "Another event has this source and id"
    ERASED = 410, "The person has been erased"
    TOO_LARGE = 413, "That is too large"
    MEDIA_TYPE = 415, "The media type is none of those understood"
    INVALID = 422, "The event does not fit its schema"
    UNKNOWN_TYPE = 422, "There is no such type of event"
    DRAFT = 422, "The type of event is a draft"
    NOTHING_TO_WITHDRAW = 422, "The withdrawn event is not known"
    NOT_WITHDRAWABLE = 422, "Events of this type can't be withdrawn"
    TOO_MANY = 429, "More events in a minute than were agreed"

    @property
    def status(self) -> int:
        return int(self.value[0])

    @property
    def title(self) -> str:
        return str(self.value[1])

    @property
    def slug(self) -> str:
        return self.name.lower().replace("_", "-")


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one field. `got` is a kind or a short fact, never a value that may be personal."""

    field: str
    expected: str
    got: str


@dataclass(frozen=True, slots=True)
class Refusal:
    type: ProblemType
    detail: str
    errors: tuple[FieldError, ...] = ()


@dataclass(frozen=True, slots=True)
class Submission:
    """One event as it was sent: readable (`event`), or refused already."""

    id: str | None
    source: str | None
    event: Event[Any] | None = None
    refusal: Refusal | None = None
    warnings: tuple[str, ...] = ()
    type: str | None = None
    """As it was sent, also where the event can't be read."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one submission. `refusal` is given exactly when it was refused."""

    id: str | None
    source: str | None
    status: Literal["accepted", "duplicate", "refused"]
    refusal: Refusal | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Identity:
    source: str
    id: str
    fingerprint: bytes = field(repr=False)
    type: str
    topic: str
    subject: str


@dataclass(frozen=True, slots=True)
class Sender:
    """A publisher and the road it comes by, and what it may send there.

    No `sources` means those of a key that is bound to the first one it is used with; only a `key` can be so.
    """

    publisher: Publisher
    road: Road
    allow: tuple[str, ...]
    sources: tuple[str, ...]
    key: KeyId | None = None
    last_used_on: date | None = None
    test: bool = False
    """All it sends runs through everything, and neither counts nor sends."""

    def allows(self, event_type: str) -> bool:
        """Whether it may send this type, given that the gateway is a writer of the type's topic."""
        return ALL in self.allow or event_type in self.allow


def submission(entry: Entry) -> Submission:
    """What was read of one event, as the door takes it."""
    return Submission(
        id=entry.id,
        source=entry.source,
        event=entry.event,
        refusal=None if entry.event is not None else refusal_of(entry.problems),
        warnings=tuple(unknown_dropped(path) for path in entry.warnings),
        type=entry.type,
    )


def refusal_of(problems: Sequence[Wrong]) -> Refusal:
    """The refusal of what has `problems` (at least one): the first decides its type, all are listed."""
    first = problems[0]
    where = f"{first.field}: " if first.field else ""
    more = f", and {len(problems) - 1} more" if len(problems) > 1 else ""
    errors = tuple(FieldError(p.field or "", p.expected, p.got) for p in problems)
    return Refusal(type_of(first.code), f"{where}expected {first.expected}, got {first.got}{more}.", errors)


def type_of(code: Code) -> ProblemType:
    match code:
        case "empty_body" | "not_json" | "not_an_object" | "header_encoding":
            return ProblemType.UNREADABLE
        case "too_many":
            return ProblemType.TOO_LARGE
        case "media_type":
            return ProblemType.MEDIA_TYPE
        case "unknown_type" | "unknown_version":
            return ProblemType.UNKNOWN_TYPE
        case (
            "missing_attribute" | "invalid_attribute" | "missing_field" | "invalid_field" | "key_mismatch" | "no_value"
        ):
            return ProblemType.INVALID
        case _:
            assert_never(code)


def content(event: Event[Any], data: Mapping[str, Any]) -> bytes:
    """The canonical bytes of what an event says. Two events with one (source, id) and other bytes are a conflict.

    `data` is the event's data as JSON values, without fields that are not given: a later optional field doesn't turn
    an old event into another one.
    """
    said = {
        "type": event.type,
        "subject": event.subject,
        "time": event.time.astimezone(UTC).isoformat(),
        "data": data,
        "sequence": event.sequence,
        "history": event.history,
    }
    return orjson.dumps(said, option=orjson.OPT_SORT_KEYS)


def without_home(submission: Submission) -> Submission:
    """Takes building and dwelling out of a move-in by letter only: nothing here may lead to such a household's door."""
    event = submission.event
    given = home_told(event.data) if event is not None else ()
    if event is None or not given:
        return submission
    data = event.data.model_copy(update=dict.fromkeys(given))
    warnings = tuple(home_dropped(name) for name in given)
    return replace(
        submission, event=event.model_copy(update={"data": data}), warnings=(*submission.warnings, *warnings)
    )


def as_test(sender: Sender, submission: Submission) -> Submission:
    """Marks what a test key sends, and warns whoever sends a test event that goes no further than the gateway."""
    event = submission.event
    if event is None or not (sender.test or event.test):
        return submission
    event = event.model_copy(update={"test": True})
    more = (STAYS_HERE,) if stays_here(event, event.data.topic) else ()
    return replace(submission, event=event, warnings=(*submission.warnings, *more))


def stays_here(event: Event[Any], topic: str) -> bool:
    """Whether it is a test event about a person: on a compacted topic it would take the place of the real record."""
    return event.test and topic != ANY_TOPIC and (TOPICS[topic].personal or TOPICS[topic].private)


def with_notice(submission: Submission) -> Submission:
    """Warns whoever sends an event that is deprecated."""
    event = submission.event
    if event is None or event.data.deprecated is None:
        return submission
    return replace(submission, warnings=(*submission.warnings, event.data.deprecated.warning(event.type)))


def judge_withdrawal(
    sender: Sender, withdrawal: Event[Any], target: Identity | None, owner: Publisher | None, *, personal: bool
) -> Refusal | None:
    """Whether `sender` may take back `target`, which belongs to `owner` and lies on a topic that may be `personal`."""
    if owner != sender.publisher:
        return Refusal(
            ProblemType.SOURCE_NOT_ALLOWED,
            "Only the publisher of an event can withdraw it, and the withdrawn source is not this publisher's.",
        )
    if target is None:
        return Refusal(
            ProblemType.NOTHING_TO_WITHDRAW,
            "No event with that source and id has been accepted in the last 400 days. A withdrawal follows its event to "
            "the event's topic: send the event first, in the same batch if you like.",
        )
    if not sender.allows(target.type):
        return Refusal(
            ProblemType.TYPE_NOT_ALLOWED, f"The withdrawn event is a {target.type}, which this publisher may not send."
        )
    if personal:
        return Refusal(
            ProblemType.NOT_WITHDRAWABLE,
            "Contact details are not withdrawn but replaced, or erased by TenantContactErased.",
        )
    if withdrawal.subject != target.subject:
        error = FieldError("subject", "the subject of the withdrawn event", "another subject")
        return Refusal(ProblemType.INVALID, "A withdrawal has the subject of the event it takes back.", (error,))
    return None
