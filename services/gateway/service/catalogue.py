"""The verbs of the catalogue: comment on a draft, and try an event at the door without letting it in."""

from dataclasses import dataclass
from typing import Any, Literal

import asyncpg

from schemas import http
from schemas.door import FROM_OUTSIDE, MAX_EVENT, OWN_SOURCES, is_own, vouches_for_another
from schemas.errors import Malformed
from schemas.event import ANY_TOPIC, Event
from schemas.lifecycle import DRAFT
from services.chassis.errors import Erased
from services.chassis.transaction import Transaction
from services.gateway.domain import comments
from services.gateway.domain.comments import Author
from services.gateway.domain.door import (
    Answer,
    FieldError,
    ProblemType,
    Refusal,
    Sender,
    Submission,
    refusal_of,
    submission,
    with_notice,
    without_home,
)
from services.gateway.repository import catalogue as repository
from services.gateway.service import door


class TooMuchSaid(Exception):
    """The event, or the author, has had as many comments as there is room for."""


@dataclass(frozen=True, slots=True)
class Tried:
    """What would become of an event: `answer` as the door's, and where a good one would go."""

    answer: Answer
    topic: str
    key: str

    @property
    def outcome(self) -> Literal["accepted", "duplicate", "refused"]:
        return self.answer.status


async def comment(tx: Transaction, type_: str, author: Author, said: str) -> int:
    """Keeps a comment, and returns its number. Raises `TooMuchSaid`."""
    on_it, by_them = await repository.count_comments(tx, type_, author, tx.now() - comments.WITHIN)
    if on_it >= comments.MOST_ON_ONE or by_them >= comments.MOST_OF_ONE:
        raise TooMuchSaid
    return await repository.add_comment(tx, type_, author, said)


def read_one(body: bytes) -> Submission:
    """The event in a body of JSON, or why it is none. Its source is what it says."""
    try:
        [entry] = http.read([("content-type", http.STRUCTURED)], body).entries
    except Malformed as malformed:
        return Submission(None, None, refusal=refusal_of(malformed.problems))
    return submission(entry)


def of_type(said: Submission, type_: str) -> Submission:
    """An event of another type than the page it was tried on is refused there."""
    if said.event is None or said.event.type == type_:
        return said
    error = FieldError("type", type_, "another type")
    return Submission(said.id, said.source, refusal=Refusal(ProblemType.INVALID, "It is another event.", (error,)))


def too_large(size: int, most: int) -> Tried:
    """The answer to what is not read at all."""
    detail = f"It takes {size} bytes; at most {most} can be tried at a time."
    return _tried(Answer(None, None, "refused", Refusal(ProblemType.TOO_LARGE, detail)), None)


def no_key(tried: Submission) -> Tried:
    """The answer to a key that is unknown, has ended or is revoked."""
    detail = "The key is unknown, has ended or is revoked."
    return _tried(Answer(tried.id, tried.source, "refused", Refusal(ProblemType.NO_KEY, detail)), None)


def judged(tried: Submission) -> Tried:
    """What the door asks of an event whoever sends it: nothing is looked up, and no rights are needed."""
    said = with_notice(without_home(tried))
    refusal = said.refusal or (_against(said.event) if said.event is not None else None)
    if refusal is not None:
        return _tried(Answer(said.id, said.source, "refused", refusal), said.event)
    return _tried(Answer(said.id, said.source, "accepted", warnings=said.warnings), said.event)


class _Undo(Exception):
    """Leaves a savepoint and what was done in it."""


async def judged_for(tx: Transaction, sender: Sender, tried: Submission, *, public_url: str) -> Tried:
    """What the door would answer `sender` now. Everything the door does is undone."""
    answer: Answer | None = None
    try:
        async with tx.savepoint():
            [answer] = await door.publish(tx, sender, [tried], public_url=public_url)
            raise _Undo
    except _Undo:
        assert answer is not None
    except (Erased, asyncpg.DeadlockDetectedError):
        answer = Answer(
            tried.id, tried.source, "refused", Refusal(ProblemType.ERASED, "The person is being erased just now.")
        )
    return _tried(answer, tried.event)


def _tried(answer: Answer, event: Event[Any] | None) -> Tried:
    if event is None or answer.status == "refused":
        return Tried(answer, "", "")
    topic = event.data.topic
    return Tried(answer, "" if topic == ANY_TOPIC else topic, event.subject)


def _against(event: Event[Any]) -> Refusal | None:
    if event.data.draft:
        return Refusal(ProblemType.DRAFT, f"{event.type} is {DRAFT}.")
    if event.type not in FROM_OUTSIDE:
        return Refusal(ProblemType.TYPE_NOT_ALLOWED, f"{event.type} is published by Hem's own services only.")
    if is_own(event.source):
        error = FieldError("source", f"a source that does not begin with {OWN_SOURCES}", "one of Hem's own")
        return Refusal(ProblemType.SOURCE_NOT_ALLOWED, "The source is one of Hem's own.", (error,))
    if vouches_for_another(event):
        error = FieldError("data.source", "the event's own source", "another source")
        return Refusal(ProblemType.INVALID, "A source is checked by its own publisher.", (error,))
    if (size := len(event.data.json_bytes())) > MAX_EVENT:
        return Refusal(ProblemType.TOO_LARGE, f"The event's data takes {size} bytes; at most {MAX_EVENT} are let in.")
    return None
