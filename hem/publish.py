"""Publishing events through the gateway: in batches, again when it was away, with one answer per event."""

import codecs
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal
from urllib.parse import quote

import httpx2
import orjson

from hem.door import Door, DoorError, json_of, words
from schemas.text import NOT_JSON

BATCH_EVENTS, BATCH_BYTES = 1000, 2 * 2**20
AWAY_FOR = 60.0
MEDIA_TYPE = "application/cloudevents-batch+json"
REGISTER = "/ops/gateway/publishers"
NOT_AN_EVENT = "not an event: a JSON object is expected"
SURELY_FITS = 100
TOO_DEEP = f"data: expected {NOT_JSON}, got deeper nesting"


@dataclass(frozen=True)
class Line:
    """One line of a file: an event as JSON object, or why it isn't one. `size` is the line's length in bytes."""

    number: int
    size: int
    event: dict[str, Any] | None = None
    fault: str | None = None


@dataclass(frozen=True)
class Result:
    """What became of one line. `words` says which field, what is expected, or the warnings."""

    number: int
    status: Literal["accepted", "duplicate", "refused"]
    words: str = ""


def read_lines(source: Iterable[bytes], *, history: bool = False) -> Iterator[Line]:
    """The lines of an NDJSON file, empty ones left out. `history` marks every event as loaded from the past."""
    for number, raw in enumerate(source, 1):
        text = raw.removeprefix(codecs.BOM_UTF8) if number == 1 else raw
        if not text.strip():
            continue
        try:
            event = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            yield Line(number, len(raw), fault=f"not JSON: {error.msg} at column {error.colno}")
            continue
        if not isinstance(event, dict):
            yield Line(number, len(raw), fault=NOT_AN_EVENT)
            continue
        if _is_too_deep(text, event):
            yield Line(number, len(raw), fault=TOO_DEEP)
            continue
        yield Line(number, len(raw), event=event | {"history": True} if history else event)


def _is_too_deep(text: bytes, event: dict[str, Any]) -> bool:
    """Whether it could be read and can't be written again, in a batch."""
    if text.count(b"{") + text.count(b"[") <= SURELY_FITS:  # nearly always, and quickly told
        return False
    try:
        orjson.dumps([event])
    except orjson.JSONEncodeError:
        return True
    return False


def told(field: str, expected: str, got: str) -> str:
    """What is wrong with one field, in words: `field` is its path, or empty for the event as a whole."""
    return f"{field}: expected {expected}, got {got}".removeprefix(": ")


class KeyRing:
    """A publisher's key for whatever sources turn up, made with the operator's token and kept in this home's secrets."""

    def __init__(self, door: Door, publisher: str, key: str | None = None) -> None:
        self.door = door
        self.publisher = publisher
        self._given = key
        kept = door.home.known_secret(self._name)
        self._kept: dict[str, Any] = orjson.loads(kept) if kept and not key else {"sources": [], "key": None}

    @property
    def _name(self) -> str:
        """A secret of its own for each door: a key is shown only to the Hem that made it."""
        name = f"publisher-{quote(self.publisher, safe='')}"
        return name if self.door.is_home else f"{name}@{quote(self.door.url, safe='')}"

    def key(self, sources: set[str]) -> str:
        """A key that is good for `sources`. DoorError when one of them is another publisher's."""
        if self._given is not None:
            return self._given
        known = set(self._kept["sources"])
        if self._kept["key"] is None or not sources <= known:
            self.renew(sources)
        return str(self._kept["key"])

    def renew(self, sources: set[str]) -> bool:
        """Make a new key, for `sources` and those the old one had. False when the key was given to us."""
        if self._given is not None:
            return False
        wanted = sorted(sources | set(self._kept["sources"]))
        order = {"publisher": self.publisher, "allow": ["all"], "sources": wanted}
        try:
            made = self.door.operate("POST", "/ops/gateway/keys", order)
        except DoorError as error:
            raise DoorError(f"{error}\nTo publish as that publisher, give its key with --key or HEM_KEY.") from error
        self._kept = {"sources": wanted, "key": made["key"]}
        self.door.home.keep_secret(self._name, orjson.dumps(self._kept).decode())
        return True


def register(door: Door, publisher: str, *, owner: str, contact: str, every: str | None = None) -> None:
    """Tell who answers for a publisher of our own, unless somebody has told, or retired it: then it stays as it is.

    `every`: how long it may be silent (P7D, PT6H); without it nobody waits for it.
    """
    told_of = {row["publisher"] for row in door.operate("GET", REGISTER) if row["owner"] or row["retired_at"]}
    if publisher not in told_of:
        agreed = {"publisher": publisher, "owner": owner, "contact": contact, "expected_interval": every}
        door.operate("POST", REGISTER, {name: said for name, said in agreed.items() if said is not None})


def publish(ring: KeyRing, lines: Iterable[Line]) -> Iterator[list[Result]]:
    """Send the lines in order; yields the results of each batch. DoorError when the gateway refuses altogether or stays away."""
    for batch in _batches(lines):
        results = [Result(line.number, "refused", line.fault) for line in batch if line.fault is not None]
        sent = [line for line in batch if line.event is not None]
        if sent:
            answers = _post(ring, [line.event for line in sent if line.event is not None])
            results += [_result(line.number, answer) for line, answer in zip(sent, answers, strict=True)]
        yield sorted(results, key=lambda result: result.number)


def _batches(lines: Iterable[Line]) -> Iterator[list[Line]]:
    waiting = iter(lines)
    carried: list[Line] = []
    while chunk := carried + list(islice(waiting, BATCH_EVENTS - len(carried))):
        size = fitting = 0
        for line in chunk:
            size += line.size
            if fitting and size > BATCH_BYTES:
                break
            fitting += 1
        carried = chunk[fitting:]
        yield chunk[:fitting]


def _post(ring: KeyRing, events: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """One batch. Sending it again is harmless: the gateway knows every event by source and id."""
    sources = {source for event in events if isinstance(source := event.get("source"), str) and source}
    body = orjson.dumps(events)
    deadline = time.monotonic() + AWAY_FOR
    pause = 0.2
    renewed = False
    while True:
        headers = {"content-type": MEDIA_TYPE, "authorization": f"Bearer {ring.key(sources)}"}
        answer = _try(ring.door, body, headers)
        if answer is not None and answer.status_code in {202, 207}:
            answers: list[dict[str, Any]] = json_of(answer)
            return answers
        if answer is not None and answer.status_code == 401 and not renewed and ring.renew(sources):
            renewed = True  # the database was made anew since the key was kept
            continue
        if answer is not None and answer.status_code == 429:  # it says itself how long, and there is an end to that
            time.sleep(_retry_after(answer))
            deadline = time.monotonic() + AWAY_FOR
            continue
        if answer is not None and answer.status_code not in {502, 503}:
            raise DoorError(words(answer))
        if time.monotonic() > deadline:
            raise DoorError(
                f"The gateway at {ring.door.url} does not answer. What was accepted is kept: publish the same file again."
            )
        time.sleep(pause)
        pause = min(pause * 2, 5.0)


def _retry_after(answer: httpx2.Response) -> float:
    said = answer.headers.get("retry-after", "")
    return float(said) if said.isdecimal() else 1.0


def _try(door: Door, body: bytes, headers: dict[str, str]) -> httpx2.Response | None:
    try:
        return door.request("POST", "/events", content=body, headers=headers)
    except DoorError:
        return None


def _result(number: int, answer: dict[str, Any]) -> Result:
    problem = answer.get("problem") or {}
    faults = [told(error["field"], error["expected"], error["got"]) for error in problem.get("errors", [])]
    title = ": ".join(text for text in (problem.get("title"), problem.get("detail")) if text)
    return Result(
        number, answer["status"], "; ".join([*(faults or filter(None, [title])), *answer.get("warnings", [])])
    )
