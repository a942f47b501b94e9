"""A record of a publisher's own Kafka topic, read as an HTTP request with the same event would be.

Binary mode (`ce_<name>` headers, the data as the value; `content-type` may be left out) and structured mode (the whole
event as the value, `content-type: application/cloudevents+json`). All that is wrong is told at once, and what is not
known is dropped with a warning: the HTTP binding's own reading does the work, so that both doors say the same.
"""

from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import quote

from . import http
from .catalogue import MODELS
from .errors import Malformed, Problem
from .http import Entry
from .text import dump_json

__all__ = ["read"]

NEITHER_UTF8 = "%FF"
LONGEST_SHOWN = 256


def read(key: bytes | None, value: bytes | None, headers: Sequence[tuple[str, bytes | None]]) -> Entry:
    """The event in a record, or all that is wrong with it. Never raises, whatever stands in the topic.

    The key, where there is one, must be the event's subject: it decides in which order its events are read.
    """
    said = [(f"ce-{name[3:]}", _text(content)) for name, content in headers if name[:3] == "ce_"]
    content_type = next((content for name, content in headers if name.lower() == "content-type"), None)
    media_type = b"application/json" if content_type is None else content_type
    named = {name[3:]: content for name, content in headers if name[:3] == "ce_"}
    if media_type.partition(b";")[0].strip().lower() == http.BATCH.encode():
        return _refused(named, [Problem("media_type", "content-type", "one event in each record", "a batch")])
    body = value
    if body is None:
        model = MODELS.get((named.get("type") or b"").decode("utf-8", "replace"))
        if model is None or not model.tombstone:
            return _refused(named, [Problem("no_value", "data", "a JSON object", "a record without a value")])
        body = dump_json({model.subject_field: (named.get("subject") or b"").decode("utf-8", "replace")})
    try:
        [entry] = http.read([*said, ("content-type", media_type.decode("latin-1"))], body).entries
    except Malformed as malformed:
        return _refused(named, malformed.problems)
    if entry.event is None:
        return replace(entry, problems=tuple(map(_of_kafka, entry.problems)))
    if key is not None and key != entry.event.subject.encode():
        problem = Problem("key_mismatch", "key", "the event's subject as the record's key, or no key", "another key")
        return replace(entry, event=None, problems=(problem,))
    return entry


def _text(content: bytes | None) -> str:
    """A header as HTTP carries it; what is no UTF-8 stays so and is told."""
    return NEITHER_UTF8 if content is None else quote(content, safe="")


def _of_kafka(problem: Problem) -> Problem:
    if problem.code != "header_encoding":
        return problem
    return replace(problem, expected="UTF-8 text", got="null or other bytes")


def _refused(named: dict[str, bytes | None], problems: Sequence[Problem]) -> Entry:
    return Entry(0, _shown(named.get("id")), _shown(named.get("source")), None, tuple(problems), ())


def _shown(content: bytes | None) -> str | None:
    if content is None:
        return None
    return content.decode("utf-8", "backslashreplace")[:LONGEST_SHOWN].replace("\0", "\\0")
