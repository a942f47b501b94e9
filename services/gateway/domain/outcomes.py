"""What is kept of what publishers sent: counts, and the last refusals, without any value that may be about a person."""

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from schemas.catalogue import MODELS
from schemas.envelope import CHECKS
from schemas.event import EventData, Part
from services.gateway.domain.door import Answer, FieldError, Refusal, Sender, Submission

Outcome = Literal["accepted", "duplicate", "refused"]

EXAMPLES = 20
"""Refusals kept of each publisher."""
MASKED = "…"

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")
_TOKENS = re.compile(r"[A-Za-z]+|[0-9]+")
_SHAPE = re.compile(r"[A-Za-z0-9]+([-_.:/][A-Za-z0-9]+)*", re.ASCII)
MOST_DIGITS = 6
"""In an id that is shown: fewer than a phone number or a personal identity number has."""


@dataclass(frozen=True, slots=True)
class Noted:
    """One kind of outcome. `type` of the catalogue or empty, `source` the publisher's own or empty."""

    test: bool
    type: str
    source: str
    outcome: Outcome
    reason: str


@dataclass(frozen=True, slots=True)
class Count:
    noted: Noted
    road: str
    count: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Example:
    """A refused event as its publisher's page shows it. `place` in the request from 0; None: the request as a whole."""

    test: bool
    place: int | None
    event_id: str | None
    source: str | None
    type: str | None
    reason: str
    errors: tuple[FieldError, ...]
    at: datetime | None = None
    road: str = ""


@dataclass(frozen=True, slots=True)
class TypeHeard:
    type: str
    count: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Numbers:
    """What became of what a publisher sent: events, and requests refused whole. `refused` by reason, most first."""

    accepted: int
    duplicate: int
    refused: tuple[tuple[str, int], ...]
    roads: tuple[tuple[str, int], ...]
    types: tuple[TypeHeard, ...]
    """Let in or known, most lately heard first."""

    @property
    def refusals(self) -> int:
        return sum(count for _, count in self.refused)

    @property
    def any(self) -> bool:
        return bool(self.accepted or self.duplicate or self.refused)


def numbers(counts: Sequence[Count], *, test: bool) -> Numbers:
    """Of the live events among `counts`, or of the test events."""
    ends, reasons, roads = Counter[str](), Counter[str](), Counter[str]()
    heard: dict[str, TypeHeard] = {}
    for c in counts:
        if c.noted.test is not test:
            continue
        ends[c.noted.outcome] += c.count
        roads[c.road] += c.count
        if c.noted.outcome == "refused":
            reasons[c.noted.reason] += c.count
        elif c.noted.type:
            before = heard.get(c.noted.type, TypeHeard(c.noted.type, 0, c.last_at))
            heard[c.noted.type] = TypeHeard(c.noted.type, before.count + c.count, max(before.last_at, c.last_at))
    types = sorted(heard.values(), key=lambda one: one.last_at, reverse=True)
    return Numbers(
        ends["accepted"], ends["duplicate"], tuple(reasons.most_common()), tuple(roads.most_common()), tuple(types)
    )


def outcomes(
    sender: Sender, own: Collection[str], answers: Sequence[Answer], submissions: Sequence[Submission]
) -> list[tuple[Noted, int]]:
    """How many came to which end. `own` are the publisher's sources: another's, or a mistyped one, is not kept."""
    counted = Counter(
        Noted(
            is_test(sender, s),
            known_type(s) or "",
            a.source if a.source is not None and a.source in own else "",
            a.status,
            a.refusal.type.slug if a.refusal else "",
        )
        for a, s in zip(answers, submissions, strict=True)
    )
    return list(counted.items())


def examples(
    sender: Sender, own: Collection[str], answers: Sequence[Answer], submissions: Sequence[Submission]
) -> list[Example]:
    """The last refused ones, in the order sent."""
    refused = [(n, a, s) for n, (a, s) in enumerate(zip(answers, submissions, strict=True)) if a.refusal]
    return [
        Example(
            is_test(sender, s),
            place,
            shown_id(a.id),
            a.source if a.source in own else None,
            known_type(s),
            a.refusal.type.slug,
            shown_errors(a.refusal, known_type(s)),
        )
        for place, a, s in refused[-EXAMPLES:]
        if a.refusal
    ]


def is_test(sender: Sender, submission: Submission) -> bool:
    """Whether it runs through everything and neither counts nor sends: by its key, or by its own word."""
    return sender.test or (submission.event is not None and submission.event.test)


def shown_errors(refusal: Refusal, event_type: str | None) -> tuple[FieldError, ...]:
    """What is wrong, with field names of the schema only: a publisher may have made a key of somebody's address."""
    known = names_of(MODELS[event_type]) if event_type else frozenset[str]()
    return tuple(FieldError(_shown_path(e.field, known), e.expected, e.got) for e in refusal.errors)


def shown_id(event_id: str | None) -> str | None:
    """An id that can't be about anybody; of another only how long it is.

    Shown are UUIDs, ULIDs, and what is made of the catalogue's own words, single letters and few digits. An id that was
    refused was made by nobody knows whom, out of a name or a phone number as likely as not.
    """
    if event_id is None or _UUID.fullmatch(event_id) or _ULID.fullmatch(event_id):
        return event_id
    tokens = _TOKENS.findall(event_id)
    digits = sum(len(token) for token in tokens if token.isdigit())
    words = [token.lower() for token in tokens if not token.isdigit()]
    if _SHAPE.fullmatch(event_id) and digits <= MOST_DIGITS and all(w in VOCABULARY or len(w) == 1 for w in words):
        return event_id
    return f"{MASKED} ({len(event_id)})"


def names_of(model: type[Part]) -> frozenset[str]:
    """Every field's name on the wire, of the model and of the parts in it."""
    found: set[str] = set()
    for name, field in model.model_fields.items():
        found.add(field.alias or name)
        for part in _parts(field.annotation):
            found |= names_of(part)
    return frozenset(found)


def _parts(annotation: object) -> list[type[Part]]:
    if isinstance(annotation, type) and issubclass(annotation, Part):
        return [annotation]
    return [part for inner in get_args(annotation) for part in _parts(inner)]


def known_type(submission: Submission) -> str | None:
    """The type it was sent as, when the catalogue has it."""
    said = submission.event.type if submission.event is not None else submission.type
    return said if said in MODELS else None


def _shown_path(path: str, known: Collection[str]) -> str:
    """`data.lines[0].places` as it is; a step that no schema names is masked."""
    if path in CHECKS or path in _ENVELOPE:
        return path
    head, *steps = path.split(".")
    if head != "data":
        return MASKED
    shown = [step if step.partition("[")[0] in known and _INDEX.fullmatch(step) else MASKED for step in steps]
    return ".".join([head, *shown])


_INDEX = re.compile(r"\w+(\[\d+\])*", re.ASCII)
_ENVELOPE = frozenset({"", "data", "key", "content-type", "data_base64", "test"})


def _words(model: type[EventData]) -> set[str]:
    name = model.type.split(".")[-2]
    spoken = [*re.findall(r"[A-Z][a-z]+", name), *(word for field in names_of(model) for word in field.split("_"))]
    return {word.lower() for word in spoken}


VOCABULARY = frozenset[str]().union(*(_words(model) for model in MODELS.values())) | {"event", "e", "row", "line"}
