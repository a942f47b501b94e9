"""CloudEvents HTTP binding, for reading: binary, structured and batch mode.

| mode | `content-type` | body |
| --- | --- | --- |
| binary | `application/json`, attributes in `ce-<name>` headers (percent-encoded UTF-8) | the data |
| structured | `application/cloudevents+json` | one event: attributes and `data` in one object |
| batch | `application/cloudevents-batch+json` | a list of such objects |

Every event is read for itself: one that is wrong never stops the others, and all that is wrong with it is told at
once. Data fields and attributes we do not know are dropped and named in a warning. `history` (true or false) marks
events loaded from the past: they count in figures and cause no message. `test` marks those sent to try things out:
nothing comes of them. Sending the same type again for the same subject is a correction (`schemas.corrections`); the
same `source` and `id` again is the same event.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote

from .envelope import (
    JSON_MEDIA_TYPE,
    attributes_of,
    event_of,
    model_of,
    named,
    parse_data,
    parse_structured,
    strays,
    unknown_attributes,
)
from .errors import Malformed, Problem
from .event import Event, EventData
from .text import parse_json

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_ESCAPED = re.compile(r"\\(.)")
MEDIA_TYPES = f"application/json with ce- headers, {STRUCTURED} or {BATCH}"


class UnsupportedMediaType(Malformed):
    """The request is in none of the three modes: 415."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One event of a request, at `index` from 0: either `event`, or `problems` (at least one).

    `id`, `source` and `type` are as sent, where they could be read, for the answer. `warnings` are the paths of what is
    dropped because it is not known, such as `data.colour`, or `colour` for an attribute.
    """

    index: int
    id: str | None
    source: str | None
    event: Event[EventData] | None
    problems: tuple[Problem, ...]
    warnings: tuple[str, ...]
    type: str | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What a request held, in the order sent."""

    mode: Literal["binary", "structured", "batch"]
    entries: tuple[Entry, ...]


def read(headers: Iterable[tuple[str, str]], body: bytes, *, at_most: int | None = None) -> Reading:
    """Read a request in any mode. `headers` are as ASGI servers give them, decoded as Latin-1.

    Raises UnsupportedMediaType, and Malformed when the body as a whole cannot be read as JSON of the mode's shape, or
    holds more than `at_most` events (`too_many`): then none of them is looked at.
    """
    lowered = [(name.lower(), value) for name, value in headers]
    content_type = next((value for name, value in lowered if name == "content-type"), "")
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == STRUCTURED:
        return Reading("structured", (_structured(0, parse_json(body)),))
    if media_type == BATCH:
        events = _batch(body, at_most)
        return Reading("batch", tuple(_structured(index, whole) for index, whole in enumerate(events)))
    if JSON_MEDIA_TYPE.fullmatch(content_type.strip()):
        return Reading("binary", (_binary(lowered, body),))
    raise UnsupportedMediaType.because("media_type", MEDIA_TYPES, "another media type", "content-type")


def _batch(body: bytes, at_most: int | None) -> list[object]:
    events = parse_json(body)
    if not isinstance(events, list):
        raise Malformed.because("not_an_object", "a list of events", "something else")
    if at_most is not None and len(events) > at_most:
        raise Malformed.because("too_many", f"at most {at_most} events in a batch", str(len(events)))
    return events


def _structured(index: int, whole: object) -> Entry:
    try:
        raw, body = parse_structured(whole)
    except Malformed as malformed:
        raw = whole if isinstance(whole, dict) else {}
        return _entry(index, raw, None, malformed.problems, tuple(map(named, unknown_attributes(raw))))
    return _read(index, raw, body, ())


def _binary(headers: Iterable[tuple[str, str]], body: bytes) -> Entry:
    raw: dict[str, object] = {}
    problems: list[Problem] = []
    for name, value in headers:
        if name.startswith("ce-"):
            try:
                raw[name[3:]] = unquote(_unquoted(value.encode("ascii").decode()), errors="strict")
            except UnicodeError:
                problems.append(Problem("header_encoding", name[3:], "percent-encoded UTF-8", "other bytes"))
    return _read(0, raw, body, problems)


def _unquoted(value: str) -> str:
    """Without double quotes around it or parts of it, and the backslashes within them (RFC 7230, 3.2.6).

    CloudEvents 1.0 wrote values with spaces so; 1.0.2 encodes them and asks to read both.
    """
    if '"' not in value:
        return value
    return _QUOTED.sub(lambda found: _ESCAPED.sub(r"\1", found[1]), value)


def _read(index: int, raw: Mapping[str, object], body: bytes, earlier: Sequence[Problem]) -> Entry:
    unlisted = unknown_attributes(raw)
    problems = [*earlier, *strays(raw, unlisted)]
    unreadable = {problem.field for problem in earlier}
    found = data = event = None
    unknown: list[str] = []
    try:
        found = attributes_of(raw)
    except Malformed as malformed:
        problems.extend(problem for problem in malformed.problems if problem.field not in unreadable)
    if isinstance(type_ := raw.get("type"), str):
        try:
            data, unknown = parse_data(model_of(type_), body)
        except Malformed as malformed:
            problems.extend(malformed.problems)
            unknown = [*malformed.unknown]
    if found and data and not problems:
        try:
            event = event_of(found, data)
        except Malformed as malformed:
            problems.extend(malformed.problems)
    return _entry(index, raw, event, problems, (*(f"data.{field}" for field in unknown), *map(named, unlisted)))


def _entry(
    index: int,
    raw: Mapping[str, object],
    event: Event[EventData] | None,
    problems: Sequence[Problem],
    warnings: tuple[str, ...],
) -> Entry:
    return Entry(
        index=index,
        id=_shown(raw.get("id")),
        source=_shown(raw.get("source")),
        event=event,
        problems=tuple(problems),
        warnings=warnings,
        type=_shown(raw.get("type")),
    )


def _shown(said: object) -> str | None:
    """What can stand in an answer, of text: whole, or cut at 256, with what JSON cannot carry escaped."""
    if not isinstance(said, str):
        return None
    if len(said) <= 256 and said.isascii() and said.isprintable():  # nearly always, and quick
        return said
    return said[:256].encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")
