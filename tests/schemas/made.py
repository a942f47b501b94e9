"""Anything a JSON Schema of ours takes, made by hypothesis: for events, and for schemas that have been changed."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from schemas.catalogue import MODELS
from schemas.envelope import parse_data
from schemas.errors import Malformed
from schemas.event import Event
from schemas.fields import EMAIL, LANGUAGE, LINES, NO_CONTROL
from schemas.generate import json_schema
from schemas.text import dump_json
from tests.schemas.samples import TRACE

Values = SearchStrategy[Any]
LETTERS = st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"])
IDS = st.text(LETTERS, min_size=1, max_size=128)
SOURCES = st.sampled_from(["urn:example:x", "https://example.se/tenancy", "a%20b", "../x?y=1#z"])
TIMES = st.datetimes(datetime(1900, 1, 2), datetime(9998, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001 (hypothesis adds the zone)


def values(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Values:
    """JSON values that satisfy `schema`, whose references are those of `root`; each rule at its limits too."""
    if "$ref" in schema:
        return values(root["$defs"][schema["$ref"].rpartition("/")[2]], root)
    if "anyOf" in schema:
        return st.one_of([values(way, root) for way in schema["anyOf"]])
    if "const" in schema or "enum" in schema:
        return st.sampled_from(schema.get("enum", [schema.get("const")]))
    return MAKERS[schema["type"]](schema, root)


def _lists(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Values:
    least = schema.get("minItems", 0)
    most = min(schema.get("maxItems", least + 3), least + 3)
    told_apart = str if schema.get("uniqueItems") else None
    return st.lists(values(schema["items"], root), min_size=least, max_size=most, unique_by=told_apart)


def _numbers(schema: Mapping[str, Any], _: Mapping[str, Any]) -> Values:
    least, above = schema.get("minimum"), schema.get("exclusiveMinimum")
    return st.floats(
        least if above is None else above,
        schema.get("maximum"),
        exclude_min=above is not None,
        allow_nan=False,
        allow_infinity=False,
    )


def _texts(schema: Mapping[str, Any], _: Mapping[str, Any]) -> Values:
    if schema.get("format") == "date":
        return st.dates(date(1900, 1, 1)).map(date.isoformat)
    least, most = schema.get("minLength", 0), schema.get("maxLength", 400)
    if "pattern" not in schema:
        return st.text(LETTERS, min_size=least, max_size=most)
    if schema["pattern"] in HARD:
        return HARD[schema["pattern"]]
    if schema["pattern"] in (NO_CONTROL, LINES):  # any text but for some letters: from_regex makes it short and plain
        return st.text(LETTERS, min_size=max(least, 1), max_size=most)
    matching = st.from_regex(schema["pattern"], fullmatch=True)
    return matching.filter(lambda text: least <= len(text) <= most)


def _objects(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Values:
    if isinstance(others := schema.get("additionalProperties"), dict):
        names = _texts(schema.get("propertyNames", {}), root)
        most = min(schema.get("maxProperties", 3), 3)
        return st.dictionaries(names, values(others, root), min_size=schema.get("minProperties", 0), max_size=most)
    needed = set(schema.get("required", ()))
    fields = {name: values(field, root) for name, field in schema.get("properties", {}).items()}
    return st.fixed_dictionaries(
        {name: made for name, made in fields.items() if name in needed},
        optional={name: made for name, made in fields.items() if name not in needed},
    )


HARD: Mapping[str, Values] = {
    LANGUAGE: st.sampled_from(
        ["sv", "ar", "TI", "ckb", "fa-AF", "zh-hant-tw", "es-419", "de-1996", "sl-rozaj", "ar-u-nu-latn", "en-x-AB"]
    ),
    EMAIL: st.from_regex(
        r"[^\s@<>()\[\]\\,;:\x22\x00-\x1f\x7f-\x9f]{1,30}@[a-zåäö0-9-]{1,20}\.[a-z]{2,8}", fullmatch=True
    ),
}
"""Patterns that hypothesis takes seconds to satisfy."""
MAKERS: Mapping[str, Callable[[Mapping[str, Any], Mapping[str, Any]], Values]] = {
    "null": lambda _schema, _root: st.none(),
    "boolean": lambda _schema, _root: st.booleans(),
    "integer": lambda schema, _: st.integers(schema.get("minimum"), schema.get("maximum")),
    "number": _numbers,
    "string": _texts,
    "array": _lists,
    "object": _objects,
}


@lru_cache
def said_by(type_: str) -> Values:
    """The data of any event of a type."""
    schema = json_schema(MODELS[type_])
    return values(schema, schema)


@st.composite
def events(draw: st.DrawFn, type_: str) -> Event[Any]:
    """Any event of a type, with any attributes."""
    data = draw(said_by(type_))
    try:
        parsed, unknown = parse_data(MODELS[type_], dump_json(data))
    except Malformed as malformed:  # fields that contradict each other: such a rule stands in no schema
        assume(malformed.field != "data")
        raise
    assert unknown == []
    assume(len(parsed.subject) <= 128)
    return Event.of(
        parsed,
        id=draw(IDS),
        source=draw(SOURCES),
        time=draw(TIMES),
        subject=parsed.subject or draw(IDS),
        recordedtime=draw(st.none() | TIMES),
        sequence=draw(st.none() | st.integers(0, 2**63 - 1)),
        history=draw(st.booleans()),
        **draw(st.sampled_from([{}, TRACE])),
    )
