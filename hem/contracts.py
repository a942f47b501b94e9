"""Whether events, and a changed schema, would do: told from the contracts alone, with no Hem running."""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from difflib import get_close_matches
from itertools import chain
from typing import BinaryIO, Literal

import orjson

from hem.publish import NOT_AN_EVENT, Line, read_lines, told
from hem.records import Found
from schemas import http, inbound
from schemas.catalogue import MODELS, versions_of
from schemas.compat import Break, breaks
from schemas.door import (
    FROM_OUTSIDE,
    MAX_EVENT,
    OWN_SOURCES,
    home_dropped,
    home_told,
    is_own,
    unknown_dropped,
    vouches_for_another,
)
from schemas.errors import Malformed, Problem
from schemas.event import PREFIX, Event, EventData
from schemas.generate import GENERATED
from schemas.lifecycle import DRAFT
from schemas.text import dump_json

AT_ONCE = 8 * 1024 * 1024
"""Bytes of one JSON text that isn't one event on each line: as much as the gateway takes in a request."""
A_TYPE = re.compile(re.escape(PREFIX) + r"[A-Z][A-Za-z0-9]*\.v[1-9][0-9]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong: `field` is a path or an attribute, empty for the event as a whole. Carries no value that was sent."""

    field: str
    expected: str
    got: str


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found of one event: `number` is its line, its place from 1 up where `unit` is `event`, or its offset in
    a `partition` where it is `record`.

    `unreadable` says why it is no event at all. `type` is given where it is one of the catalogue.
    """

    unit: Literal["line", "event", "record"]
    number: int
    id: str | None = None
    source: str | None = None
    type: str | None = None
    unreadable: str | None = None
    faults: tuple[Fault, ...] = ()
    warnings: tuple[str, ...] = ()
    partition: int | None = None

    @property
    def place(self) -> str:
        """`line 3`, `event 3`, or `record 0/3` (partition and offset)."""
        where = self.number if self.partition is None else f"{self.partition}/{self.number}"
        return f"{self.unit} {where}"

    @property
    def ok(self) -> bool:
        return self.unreadable is None and not self.faults

    @property
    def words(self) -> str:
        """As `hem publish` says it; empty when there is nothing to say."""
        if self.unreadable is not None:
            return self.unreadable
        return "; ".join([*(told(f.field, f.expected, f.got) for f in self.faults), *self.warnings])


class Checker:
    """Checks events one by one, and remembers their ids: one id for two different events is refused by the gateway."""

    def __init__(self) -> None:
        self._said: dict[tuple[str, str], tuple[str, int]] = {}

    def check(self, source: BinaryIO) -> Iterator[Checked]:
        """What is found of each event, in order. NDJSON is read line by line, one JSON object or list as a whole."""
        unit, lines = _lines(source)
        for line in lines:
            yield self._checked(unit, line)

    def _checked(self, unit: Literal["line", "event"], line: Line) -> Checked:
        if line.event is None:
            return Checked(unit, line.number, unreadable=line.fault)
        try:
            reading = http.read([("content-type", http.STRUCTURED)], dump_json(line.event))
        except Malformed as malformed:
            return Checked(unit, line.number, faults=_faults(malformed.problems))
        [entry] = reading.entries
        return self._judged(entry, Checked(unit, line.number), line.event.get("type"))

    def check_record(self, record: Found) -> Checked:
        """What is found of a record of a topic."""
        place = Checked("record", record.offset, partition=record.partition)
        if not record.readable:
            return replace(place, unreadable="a header's name is not UTF-8")
        entry = inbound.read(record.key, record.value, record.headers)
        return self._judged(entry, place, entry.event.type if entry.event is not None else None)

    def _judged(self, entry: http.Entry, place: Checked, type_: object) -> Checked:
        warnings = tuple(unknown_dropped(path) for path in entry.warnings)
        if entry.event is not None:
            warnings += tuple(home_dropped(name) for name in home_told(entry.event.data))
            faults = (*_turned_away(entry.event), *self._conflict(entry.event, place.place))
        else:
            faults = _faults(entry.problems)
        known = type_ if isinstance(type_, str) and type_ in MODELS else None
        return replace(place, id=entry.id, source=entry.source, type=known, faults=faults, warnings=warnings)

    def _conflict(self, event: Event[EventData], place: str) -> Iterator[Fault]:
        data = event.data.model_copy(update=dict.fromkeys(home_told(event.data))).json_bytes()
        said = hash((event.type, event.subject, event.time, event.sequence, event.history, data))
        first, before = self._said.setdefault((event.source, event.id), (place, said))
        if said != before:
            yield Fault(
                "id", "one that no other event of its source has", f"that of {first}, which says something else"
            )


def _turned_away(event: Event[EventData]) -> Iterator[Fault]:
    """What the gateway refuses whatever the key."""
    if event.data.draft:
        yield Fault("type", "a type that other systems publish", DRAFT)
    elif event.type not in FROM_OUTSIDE:
        yield Fault("type", "a type that other systems publish", "one that only Hem's own services do")
    if is_own(event.source):
        yield Fault("source", f"a source that does not begin with {OWN_SOURCES}", "one of Hem's own")
    if vouches_for_another(event):
        yield Fault("data.source", "the event's own source", "another source")
    if (size := len(event.data.json_bytes())) > MAX_EVENT:
        yield Fault("data", f"at most {MAX_EVENT} bytes", f"{size} bytes")


def _faults(problems: tuple[Problem, ...]) -> tuple[Fault, ...]:
    return tuple(Fault(problem.field or "", problem.expected, problem.got) for problem in problems)


def _lines(source: BinaryIO) -> tuple[Literal["line", "event"], Iterator[Line]]:
    """The events of a file, and what their numbers count.

    It is one event on each line, unless it begins with a list, or with an object that goes on over several lines.
    """
    beginning: list[bytes] = []
    said: list[bytes] = []
    for raw in source:
        text = (raw if beginning else raw.removeprefix(codecs.BOM_UTF8)).strip()
        beginning.append(raw)
        said += [text] if text else []
        if len(said) > 1 or (said and _is_json(said[0])):
            break
    spread = len(said) > 1 and said[0].startswith(b"{") and not said[1].startswith(b"{")
    if not said or not (spread or said[0].startswith(b"[")):
        return "line", read_lines(chain(beginning, source))
    head = b"".join(beginning)
    return "event", _events(head + source.read(max(0, AT_ONCE + 1 - len(head))))


def _is_json(text: bytes) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


def _events(body: bytes) -> Iterator[Line]:
    """The events of one JSON text, each with its place from 1 up."""
    if len(body) > AT_ONCE:
        yield Line(1, len(body), fault=f"more than {AT_ONCE} bytes in one text: write one event on each line")
        return
    try:
        whole = orjson.loads(body.removeprefix(codecs.BOM_UTF8))
    except orjson.JSONDecodeError as error:
        yield Line(1, len(body), fault=f"not JSON: {error.msg} at line {error.lineno}, column {error.colno}")
        return
    for number, event in enumerate(whole if isinstance(whole, list) else [whole], 1):
        if isinstance(event, dict):
            yield Line(number, 0, event=event)
        else:
            yield Line(number, 0, fault=NOT_AN_EVENT)


class NotComparable(Exception):
    """A proposed schema that can't be held against anything; says why and what to do."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a proposed schema of `type` would do to those who send and read the `published` one.

    `published` is None where there is none of this major version. `beside` are other major versions of the event, and
    `near` types whose names are much like this one's, where it is new.
    """

    type: str
    published: str | None
    breaks: tuple[Break, ...] = ()
    beside: tuple[str, ...] = ()
    near: tuple[str, ...] = ()

    @property
    def status(self) -> Literal["compatible", "breaks", "new"]:
        if self.published is None:
            return "new"
        return "breaks" if self.breaks else "compatible"


def compare(body: bytes) -> Comparison:
    """Hold the JSON Schema in `body` against the published one of the type that its `x-type` or `$id` names.

    Raises NotComparable.
    """
    try:
        proposed = orjson.loads(body.removeprefix(codecs.BOM_UTF8))
    except orjson.JSONDecodeError as error:
        raise NotComparable(f"not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from error
    if not isinstance(proposed, dict):
        raise NotComparable("not a JSON Schema: a JSON object is expected")
    type_ = proposed.get("x-type", str(proposed.get("$id", "")).rpartition("/")[2])
    if not isinstance(type_, str) or not A_TYPE.fullmatch(type_):
        raise NotComparable(f'it does not say of which event it is: write "x-type": "{PREFIX}<Name>.v<major>" in it')
    if type_ not in MODELS:
        beside = versions_of(type_)
        near = () if beside else tuple(get_close_matches(type_, MODELS, n=3, cutoff=0.85))
        return Comparison(type_, None, beside=beside, near=near)
    published = orjson.loads((GENERATED / f"{type_}.json").read_bytes())
    try:
        return Comparison(type_, published["$id"], tuple(breaks(published, {**proposed, "x-type": type_})))
    except ValueError as error:
        raise NotComparable(str(error)) from error
