"""Between what is typed and what is said: the texts of a form's inputs, and an event's data as JSON. Pure.

What can't be read as the value that a field wants goes on as it was typed, so that the same checking as everyone else's
says what is wrong with it.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from services.gateway.domain.forms import Field, Form, Shape

Json = Any
Typed = dict[str, list[str]]
"""The name of an input → what stands in it; several for boxes that are ticked. The rows of a list are counted in `<name>.#`."""

OTHER = ".other"
"""What the input is called where something that can't be chosen is written."""
COUNT = ".#"
MOST_ROWS = 200
_DIGITS = re.compile(r"[+-]?\d+")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)")
_LETTERS = str.maketrans({"å": "a", "ä": "a", "ö": "o", "é": "e", "ü": "u"})


def fresh(form: Form, *, today: date, new_id: Callable[[], str]) -> Typed:
    """A form to begin with: today where a day is asked for, defaults, and a new id for what the report brings into being."""
    typed: Typed = {}
    for field in form.fields:
        said = _first(field, today, new_id)
        if said is not None:
            typed |= _typed(field, said)
    return typed


def _first(field: Field, today: date, new_id: Callable[[], str]) -> Json:
    if field.own_id:
        return new_id()
    if not field.required:
        return field.default
    match field.shape:
        case Shape.DAY:
            return today.isoformat()
        case Shape.MONTH:  # the one that is over
            return (today.replace(day=1) - timedelta(days=1)).isoformat()[:7]
        case Shape.WHOLE if field.last == "year":
            return today.year
        case _:
            return field.default


def kept_of(form: Form, data: Mapping[str, Json]) -> Typed:
    """What another report like one that said `data` keeps: all but its days and the id of what it brought into being."""
    anew = {field.name for field in form.fields if field.own_id or field.shape in (Shape.DAY, Shape.MONTH)}
    return typed_of(form, {name: said for name, said in data.items() if name not in anew})


def typed_of(form: Form, data: Mapping[str, Json]) -> Typed:
    """What stands in the inputs of a form that says `data`."""
    typed: Typed = {}
    for field in form.fields:
        if (said := data.get(field.name)) is not None:
            typed |= _typed(field, said)
    return typed


def _typed(field: Field, said: Json) -> Typed:
    match field.shape:
        case Shape.YES_NO:
            return {field.name: ["yes" if said else "no"]}
        case Shape.NUMBER:
            return {field.name: [f"{Decimal(repr(said)):f}".replace(".", ",").removesuffix(",0")]}
        case Shape.CHOICES:
            return {field.name: list(said)}
        case Shape.LINES:
            return {field.name: ["\n".join(said)]}
        case Shape.PAIRS:
            said = [{"name": name, "member": member} for name, member in said.items()]
        case Shape.ROWS:
            pass
        case _:
            return {field.name: [str(said)]}
    typed: Typed = {f"{field.name}{COUNT}": [str(len(said))]}
    for number, row in enumerate(said):
        for column, inside in zip(field.columns, field.at(number), strict=True):
            part = row.get(column.name) if column.name else row
            if part is not None:
                typed |= _typed(inside, part)
    return typed


def rows(field: Field, typed: Typed) -> int:
    """How many rows of a list are shown."""
    with suppress(ValueError):
        return min(max(int(_one(typed, f"{field.name}{COUNT}")), 0), field.most or MOST_ROWS)
    return 0


def with_row(field: Field, typed: Typed) -> Typed:
    """The same with one more row."""
    return typed | {f"{field.name}{COUNT}": [str(min(rows(field, typed) + 1, field.most or MOST_ROWS))]}


def without_rows(field: Field, typed: Typed, gone: Sequence[int]) -> Typed:
    """The same without the rows `gone`; those after them move up."""
    left = [row for row in range(rows(field, typed)) if row not in gone]
    kept = {name: said for name, said in typed.items() if not name.startswith(f"{field.name}.")}
    for to, row in enumerate(left):
        for source, target in zip(field.at(row), field.at(to), strict=True):
            for ending in ("", OTHER):
                if (said := typed.get(source.name + ending)) is not None:
                    kept[target.name + ending] = said
    return kept | {f"{field.name}{COUNT}": [str(len(left))]}


def without_empty_rows(form: Form, typed: Typed) -> Typed:
    """The same without rows in which nothing is written, so that the rows are those of the data."""
    for field in form.fields:
        if field.columns:
            empty = [
                row
                for row in range(rows(field, typed))
                if not any(_one(typed, c.name) or _one(typed, c.name + OTHER) for c in field.at(row))
            ]
            typed = without_rows(field, typed, empty)
    return typed


def data_of(form: Form, typed: Typed) -> dict[str, Json]:
    """What a form says, as JSON. Fields with nothing in them are left out. `typed` has no empty rows."""
    said = {field.name: _said(field, typed) for field in form.fields}
    return {name: value for name, value in said.items() if value is not None}


def _said(field: Field, typed: Typed) -> Json:
    match field.shape:
        case Shape.ROWS:
            return [_row(field, number, typed) for number in range(rows(field, typed))] or None
        case Shape.PAIRS:
            pairs = (field.at(number) for number in range(rows(field, typed)))
            return {_one(typed, name.name): _one(typed, member.name) for name, member in pairs} or None
        case Shape.CHOICES:
            return [code for code in typed.get(field.name, []) if code] or None
        case Shape.LINES:
            return [line.strip() for line in _one(typed, field.name).split("\n") if line.strip()] or None
        case Shape.CODE:
            written = _one(typed, field.name + OTHER)
            return (as_code(written) if written else _one(typed, field.name)) or None
        case _:
            text = _one(typed, field.name + OTHER) or _one(typed, field.name)
            return _value(field.shape, text) if text else None


def _row(field: Field, number: int, typed: Typed) -> Json:
    if not field.columns[0].name:
        return _said(field.at(number)[0], typed)
    parts = {c.name: _said(at, typed) for c, at in zip(field.columns, field.at(number), strict=True)}
    return {name: part for name, part in parts.items() if part is not None}


def _value(shape: Shape, text: str) -> Json:
    plain = re.sub(r"[\s\u00a0\u202f]", "", text).replace(",", ".").replace("\u2212", "-")
    match shape:
        case Shape.YES_NO:
            return {"yes": True, "no": False}.get(text, text)
        case Shape.WHOLE if _DIGITS.fullmatch(plain) and len(plain) < 20:
            return int(plain)
        case Shape.WHOLE | Shape.NUMBER if _NUMBER.fullmatch(plain) and len(plain) < 40:
            with suppress(InvalidOperation):
                return float(Decimal(plain))
    return text


def as_code(written: str) -> str:
    """A code of what somebody wrote in their own words: `Öppet hus` → oppet_hus. What can't be one stays as it is."""
    plain = re.sub(r"[^a-z0-9_-]+", "_", written.lower().translate(_LETTERS)).strip("_-")
    return plain if re.match("[a-z]", plain) else written


def _one(typed: Typed, name: str) -> str:
    said = typed.get(name) or [""]
    return said[-1].replace("\r\n", "\n").replace("\r", "\n").strip()


def input_of(form: Form, path: str) -> str | None:
    """The name of the input that a problem's path is about: `data.statistics_regions[0].code` → `statistics_regions.0.code`."""
    wanted = re.sub(r"\[(\d+)\]", r".\1", path.removeprefix("data."))
    for field in form.fields:
        if wanted == field.name or wanted.startswith(f"{field.name}."):
            row = re.match(rf"{re.escape(field.name)}\.(\d+)", wanted)
            inside = field.at(int(row[1])) if field.columns and row else ()
            return next((column.name for column in inside if wanted == column.name), field.name)
    return None
