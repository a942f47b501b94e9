"""What the fields of an event can hold, read off its JSON Schema."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from schemas.event import EventData
from schemas.fields import MONTH, PERIOD

Shape = Mapping[str, Any]
FIRST_YEAR = 1900
TYPES: Mapping[str, type | tuple[type, ...]] = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "null": type(None),
}


@cache
def _schema(model: type[EventData]) -> Shape:
    return model.model_json_schema()


def shapes(model: type[EventData], path: str) -> list[Shape]:
    """The alternatives that a field, or with dots a part of it, may be. Empty: there is no such field."""
    whole = _schema(model)
    found: list[Shape] = [whole]
    for step in path.split("."):
        found = [shape for one in found for shape in _step(one, step, whole)]
    return found


def part_of(model: type[EventData], path: str) -> list[Shape]:
    """What the entries of a list field may be."""
    whole = _schema(model)
    lists = [shape for shape in shapes(model, path) if shape.get("type") == "array"]
    return [alternative for shape in lists for alternative in _alternatives(shape.get("items", {}), whole)]


def is_day(model: type[EventData], path: str) -> bool:
    """A date, or a year, a month or a period, whose first day it then is."""
    return any(
        shape.get("format") == "date"
        or shape.get("pattern") in (MONTH, PERIOD)
        or (shape.get("type") == "integer" and shape.get("minimum") == FIRST_YEAR)
        for shape in shapes(model, path)
    )


def is_number(model: type[EventData], path: str) -> bool:
    return any(shape.get("type") in ("integer", "number") for shape in shapes(model, path))


def is_list(model: type[EventData], path: str) -> bool:
    return any(shape.get("type") == "array" for shape in shapes(model, path))


def fits(alternatives: list[Shape], value: Any) -> bool:
    """Whether a field of these alternatives can be that value."""
    return any(_fits(shape, value) for shape in alternatives)


def _fits(shape: Shape, value: Any) -> bool:
    if "enum" in shape or "const" in shape:
        return bool(value in shape.get("enum", [shape.get("const")]))
    kind: str | None = shape.get("type")
    if kind is None:
        return True
    if isinstance(value, bool):
        return kind == "boolean"
    return kind in TYPES and isinstance(value, TYPES[kind])


def _step(shape: Shape, step: str, whole: Shape) -> Iterator[Shape]:
    for one in _alternatives(shape, whole):
        if step in one.get("properties", {}):
            yield from _alternatives(one["properties"][step], whole)
        elif isinstance(one.get("additionalProperties"), dict):
            yield from _alternatives(one["additionalProperties"], whole)


def _alternatives(shape: Shape, whole: Shape) -> Iterator[Shape]:
    if "$ref" in shape:
        yield from _alternatives(whole["$defs"][shape["$ref"].rpartition("/")[2]], whole)
    elif "anyOf" in shape:
        for one in shape["anyOf"]:
            yield from _alternatives(one, whole)
    else:
        yield shape
