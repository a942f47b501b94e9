"""How the columns of a spreadsheet become the fields of an event, and all that is wrong with such a mapping, told before
a row is read."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import date
from difflib import get_close_matches
from functools import lru_cache
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from schemas import fields
from schemas.catalogue import MODELS
from schemas.door import FROM_OUTSIDE
from schemas.event import PREFIX, EventData
from schemas.withdrawal import EventWithdrawn


def _iso(said: object) -> object:
    """YAML takes 2019-03-01 for a date."""
    return said.isoformat() if isinstance(said, date) else said


Scalar = Annotated[str | int | float | bool, BeforeValidator(_iso)]
SUBJECT: Final = "subject"
"""Beside the data's fields: whom an EventWithdrawn is about."""

_PART: Final = re.compile(r"([^.\[\]]+)(?:\[(\d{1,3})\])?")


def text_key(key: object) -> object:
    """YAML takes 2019 for a number and no for false."""
    if isinstance(key, bool):
        raise PydanticCustomError("expected", "in quotation marks: YAML takes yes, no, on and off for true and false")
    return str(key) if isinstance(key, int) else key


class Cells(BaseModel):
    """Where a field's value comes from: one of `column`, `columns` (joined to one id) and `value` (always the same)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    column: str | None = None
    columns: tuple[str, ...] = ()
    value: Scalar | None = None
    values: dict[Annotated[str, BeforeValidator(text_key)], Scalar] = Field(default_factory=dict)
    other: Scalar | None = None
    default: Scalar | None = None
    split: str | None = Field(None, min_length=1)
    digits: int = Field(0, ge=0, le=32)

    @model_validator(mode="after")
    def _says_one(self) -> Self:
        if (self.column is not None) + bool(self.columns) + (self.value is not None) != 1:
            raise PydanticCustomError("expected", "one of column, columns and value")
        if self.other is not None and not self.values:
            raise PydanticCustomError("expected", "other only beside values, for what isn't among them")
        return self

    @property
    def read(self) -> tuple[str, ...]:
        """The columns it needs."""
        return self.columns or ((self.column,) if self.column is not None else ())

    def look_up(self, text: str) -> Scalar | None:
        """What `values` says of a text, in whatever case; None: nothing."""
        return _folded(self).get(text.casefold(), self.other)


@lru_cache(maxsize=512)
def _lowered(values: tuple[tuple[str, Scalar], ...]) -> Mapping[str, Scalar]:
    return {" ".join(text.split()).casefold(): said for text, said in values}


def _folded(cells: Cells) -> Mapping[str, Scalar]:
    return _lowered(tuple(cells.values.items()))


def _short(said: object) -> object:
    """`area_id: Område` for `area_id: {column: Område}`."""
    return {"column": said} if isinstance(said, str) else said


From = Annotated[Cells, BeforeValidator(_short)]


class Leaf(BaseModel):
    """One place for a value in an event's data: its JSON type, and for a list's item that of the item."""

    model_config = ConfigDict(frozen=True)

    type: Literal["string", "integer", "number", "boolean", "list"]
    day: bool = False
    month: bool = False
    item: "Leaf | None" = None


def model_of(name: str) -> type[EventData]:
    """The type by its name, in its newest version, or in full. Raises LookupError."""
    newest = sorted(
        (type_ for type_ in FROM_OUTSIDE if type_.removeprefix(PREFIX).rpartition(".v")[0] == name), key=_major
    )
    return MODELS[name if name in FROM_OUTSIDE else newest[-1]] if newest or name in FROM_OUTSIDE else _unknown(name)


def _major(type_: str) -> int:
    return int(type_.rpartition(".v")[2])


def _unknown(name: str) -> type[EventData]:
    known = [type_.removeprefix(PREFIX).rpartition(".v")[0] for type_ in FROM_OUTSIDE]
    near = get_close_matches(name, known, 3)
    raise LookupError(f"a type that other systems publish{f', such as {near[0]}' if near else ''}")


def steps(path: str) -> list[str | int]:
    """`statistics_regions[0].code` → its steps. Raises LookupError."""
    found: list[str | int] = []
    for part in path.split("."):
        matched = _PART.fullmatch(part)
        if matched is None:
            raise LookupError(path)
        found.append(matched[1])
        if matched[2] is not None:
            found.append(int(matched[2]))
    return found


@lru_cache(maxsize=128)
def schema_of(model: type[EventData]) -> Mapping[str, Any]:
    return model.model_json_schema(by_alias=True)


def leaf(model: type[EventData], path: str) -> Leaf:
    """The place that a path leads to. Raises LookupError when there is none that takes one value."""
    schema = schema_of(model)
    at: Mapping[str, Any] = schema
    for step in steps(path):
        at = _resolved(at, schema)
        if isinstance(step, int):
            at = at["items"] if at.get("type") == "array" else _nowhere(path)
        elif step in at.get("properties", {}):
            at = at["properties"][step]
        elif isinstance(at.get("additionalProperties"), dict):
            at = at["additionalProperties"]
        else:
            _nowhere(path)
    return _leaf(_resolved(at, schema), schema, path)


def _leaf(at: Mapping[str, Any], schema: Mapping[str, Any], path: str) -> Leaf:
    match at.get("type"):
        case "string" | "integer" | "number" | "boolean" as kind:
            return Leaf(type=kind, day=at.get("format") == "date", month=at.get("pattern") == fields.MONTH)
        case "array":
            return Leaf(type="list", item=_leaf(_resolved(at["items"], schema), schema, path))
        case _:
            raise LookupError(path)


def _resolved(at: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Behind references, and the one of several that isn't null."""
    while True:
        if "$ref" in at:
            at = schema["$defs"][at["$ref"].rpartition("/")[2]]
        elif "anyOf" in at:
            at = next(one for one in at["anyOf"] if one.get("type") != "null")
        elif "type" not in at and ("enum" in at or "const" in at):
            return {**at, "type": "string"}
        else:
            return at


def _nowhere(path: str) -> Any:
    raise LookupError(path)


def mistakes(type_: str, mapped: Mapping[str, Cells]) -> Iterator[str]:
    """All that is wrong with a mapping, each as a phrase; nothing when it can be used."""
    try:
        model = model_of(type_)
    except LookupError as unknown:
        yield f"type: expected {unknown}"
        return
    for path, cells in mapped.items():
        if path == SUBJECT and model is EventWithdrawn:
            continue
        try:
            place = leaf(model, path)
        except LookupError:
            near = get_close_matches(path, list(schema_of(model)["properties"]), 1)
            yield f"fields.{path}: is not a field of {type_}{f', is it {near[0]}' if near else ''}"
            continue
        if (place.type == "list") != (cells.split is not None):
            expected = "split, as it is a list" if place.type == "list" else "no split, as it is no list"
            yield f"fields.{path}: expected {expected}"
            continue
        yield from _wrong_values(model, path, cells, place)
    yield from (f"fields.{path}: is required and not mapped" for path in _missing(model, mapped))


def _missing(model: type[EventData], mapped: Mapping[str, Cells]) -> Iterator[str]:
    schema = schema_of(model)
    if model is EventWithdrawn and SUBJECT not in mapped:
        yield SUBJECT
    tops = {re.split(r"[.\[]", path)[0] for path in mapped}
    yield from (name for name in schema.get("required", ()) if name not in tops)
    for start in {match[1] for path in mapped if (match := re.match(r"(.+\[\d+\])\.", path))}:
        inner = _resolved(schema["properties"].get(start.partition("[")[0], {}), schema)
        parts = _resolved(inner.get("items", {}), schema)
        yield from (f"{start}.{name}" for name in parts.get("required", ()) if f"{start}.{name}" not in mapped)


def _wrong_values(model: type[EventData], path: str, cells: Cells, place: Leaf) -> Iterator[str]:
    """What the mapping itself says the value is, held against the field; only where the field has the model's own rule."""
    by_alias = {info.alias or name: info for name, info in model.model_fields.items()}
    if path not in by_alias:
        return
    adapter: TypeAdapter[Any] = TypeAdapter(by_alias[path].rebuild_annotation())
    own = {"value": cells.value, "other": cells.other, "default": cells.default}
    own |= {f"values.{text}": said for text, said in cells.values.items()}
    for name, said in own.items():
        if said is None or (place.type == "list" and name != "default"):
            continue
        whole = [said] if place.type == "list" else said
        try:
            adapter.validate_json(json.dumps(whole), strict=True)
        except ValidationError as error:
            yield f"fields.{path}.{name}: {error.errors(include_url=False)[0]['msg'].lower()}"
