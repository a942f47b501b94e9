"""A spreadsheet that somebody keeps anyway, as events: each row says one thing, and a mapping which."""

import json
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Annotated, Any, BinaryIO, ClassVar, Final, Literal, Self

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from schemas.envelope import parse_data
from schemas.errors import Malformed, Problem
from schemas.event import EventData
from services.gateway.domain.filling import as_code

from .cells import A_MOMENT, NotA, as_day, as_moment, as_number, as_text, as_yes_or_no, noon, what
from .mapping import SUBJECT, Cells, From, Leaf, Scalar, leaf, mistakes, model_of, steps
from .rows import Cell, Row, TableOptions
from .shape import Found, Note, Options, RefusedRow, Unreadable
from .tables import open_table
from .twice import Said, twice

MAX_ROWS: Final = 250_000
MAX_ITEMS: Final = 1_000
FEWER: Final = "one of the values that the mapping knows"
Json = Any


def _texts(said: object) -> object:
    """`only: {Status: Klar}` for `only: {Status: [Klar]}`."""
    return (
        {name: [one] if isinstance(one, str) else one for name, one in said.items()} if isinstance(said, dict) else said
    )


class SpreadsheetOptions(Options):
    """What stands under `options` of a connector of kind spreadsheet: see docs/connectors-spreadsheet.md."""

    type: str
    fields: dict[str, From] = Field(min_length=1)
    time: From | None = None
    only: Annotated[dict[str, tuple[str, ...]], BeforeValidator(_texts)] = Field(default_factory=dict)
    history_before: date | None = None
    decimal: Literal[",", "."] | None = None
    sheet: str | None = None
    header_row: int = Field(1, ge=1, le=100)
    delimiter: Literal[";", ",", "\t", "|"] | None = None

    @model_validator(mode="after")
    def _can_be_used(self) -> Self:
        wrong = list(mistakes(self.type, self.fields))
        if wrong:
            raise PydanticCustomError("expected", "{wrong}", {"wrong": "; ".join(wrong)})
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """All that it reads of the file, each once."""
        read = [name for cells in (*self.fields.values(), *([self.time] if self.time else [])) for name in cells.read]
        return tuple(dict.fromkeys([*read, *self.only]))


class Spreadsheet:
    """CSV, a workbook or JSON, and a mapping → any event that other systems publish."""

    name: ClassVar[str] = "spreadsheet"
    options: ClassVar[type[Options]] = SpreadsheetOptions
    first_is_history: ClassVar[bool] = False

    def read(self, file: BinaryIO, filename: str, options: SpreadsheetOptions) -> Iterator[Said]:
        return twice(partial(_read, file, filename, options))


def _read(file: BinaryIO, filename: str, options: SpreadsheetOptions) -> Iterator[Said]:
    table = open_table(
        file,
        filename,
        TableOptions(
            sheet=options.sheet, header_row=options.header_row, delimiter=options.delimiter, max_rows=MAX_ROWS
        ),
    )
    if table.columns is not None and (missing := [name for name in options.columns if name not in table.columns]):
        raise Unreadable(
            f"The file has no column named {', '.join(missing)}.",
            "Name the columns as the file does in the mapping, or say which row has their names (header_row).",
        )
    rows = _Rows(options)
    for row in table:
        if rows.wanted(row):
            yield from rows.said(row)
    for note in table.notes:
        yield Note(note)


class _Refused(Exception):
    """A row says nothing: all that is wrong in it."""

    def __init__(self, problems: list[tuple[str, str, str]]) -> None:
        super().__init__()
        self.problems = problems


class _Rows:
    """Rows read by one mapping."""

    def __init__(self, options: SpreadsheetOptions) -> None:
        self._options = options
        self._model = model_of(options.type)
        self._places = {path: leaf(self._model, path) for path in options.fields if path != SUBJECT}
        self._only = {name: {_folded(text) for text in texts} for name, texts in options.only.items()}

    def wanted(self, row: Row) -> bool:
        """Whether it is one of those that `only` asks for."""
        return all(_folded(as_text_or_none(row.cells.get(name))) in texts for name, texts in self._only.items())

    def said(self, row: Row) -> Iterator[Said]:
        try:
            yield self._found(row)
        except _Refused as refused:
            for field, expected, got in refused.problems:
                yield RefusedRow(row.number, field, expected, got)

    def _found(self, row: Row) -> Found:
        problems = [(cell.column, cell.expected, cell.got) for cell in row.wrong_in(self._options.columns)]
        if problems:
            raise _Refused(problems)
        values: dict[str, Json] = {}
        for path, place in self._places.items():
            cells = self._options.fields[path]
            try:
                values[path] = self._value(row, cells, place)
            except NotA as error:
                problems.append((_column(cells, path), error.expected, _what(row, cells)))
        time, subject = self._time(row, problems), self._subject(row, problems)
        data = self._data(values, problems)
        history = self._options.history_before is not None and time is not None and _before(time, self._options)
        about = data.identity if data.subject_field else (subject,)
        return Found(row.number, _key(data, about), data, time, subject, history)

    def _value(self, row: Row, cells: Cells, place: Leaf) -> Json:
        if cells.value is not None:
            return _listed(cells.value, place)
        if cells.columns:
            return _joined(row, cells) or cells.default
        cell = row.cells.get(cells.read[0])
        if cell is None:
            return None if cells.default is None else _listed(cells.default, place)
        if place.item is None:
            return self._one(cell, cells, place)
        parts = [part.strip() for part in (as_text(cell) or "").split(cells.split) if part.strip()]
        if len(parts) > MAX_ITEMS:
            raise NotA(f"at most {MAX_ITEMS} in a list")
        return [self._one(part, cells, place.item) for part in parts]

    def _one(self, cell: Cell, cells: Cells, place: Leaf) -> Json:
        if cells.values:
            found = cells.look_up(" ".join((as_text_or_none(cell) or "").split()))
            if found is None:
                raise NotA(FEWER)
            return found
        return _converted(cell, place, self._options.decimal, cells.digits)

    def _time(self, row: Row, problems: list[tuple[str, str, str]]) -> datetime | None:
        cells = self._options.time
        if cells is None:
            return None
        cell: Cell = (
            cells.value if isinstance(cells.value, str) else row.cells.get(cells.read[0]) if cells.read else None
        )
        try:
            time = as_moment(cell)
        except NotA as error:
            time, expected = None, error.expected
        else:
            expected = A_MOMENT
        column = _column(cells, "time")
        if time is None and all(field != column for field, _, _ in problems):
            problems.append((column, expected, what(cell)))
        return time

    def _subject(self, row: Row, problems: list[tuple[str, str, str]]) -> str | None:
        cells = self._options.fields.get(SUBJECT)
        if cells is None or self._model.subject_field:
            return None
        subject = str(cells.value) if cells.value is not None else as_text_or_none(row.cells.get(cells.read[0]))
        if not subject:
            problems.append((_column(cells, SUBJECT), "the subject of the event", "nothing"))
        return subject

    def _data(self, values: Mapping[str, Json], problems: list[tuple[str, str, str]]) -> EventData:
        """The event's data. Raises `_Refused` with `problems` and what the schema says besides."""
        body = json.dumps(_nested(values)).encode()
        known = {field for field, _, _ in problems}
        try:
            data, _ = parse_data(self._model, body)
        except Malformed as malformed:
            found = [self._told(problem) for problem in malformed.problems]
            raise _Refused([*problems, *(one for one in found if one[0] not in known)]) from None
        if problems:
            raise _Refused(problems)
        return data

    def _told(self, problem: Problem) -> tuple[str, str, str]:
        """A problem of the data, by the column that the field comes from."""
        path = (problem.field or "").removeprefix("data").removeprefix(".")
        nearest = max((mapped for mapped in self._options.fields if path.startswith(mapped)), key=len, default=None)
        column = _column(self._options.fields[nearest], path) if nearest else path
        return column, problem.expected, problem.got


def _column(cells: Cells, path: str) -> str:
    return ", ".join(cells.read) or path


def _what(row: Row, cells: Cells) -> str:
    return what(row.cells.get(cells.read[0])) if cells.read else "the mapping's own value"


def _key(data: EventData, about: tuple[object, ...]) -> str:
    """What tells one thing from another: the event's identity, which its corrections share."""
    return json.dumps([data.type, *about], default=str, ensure_ascii=False)


def _before(time: datetime, options: SpreadsheetOptions) -> bool:
    return options.history_before is not None and time < noon(options.history_before)


def _folded(text: str | None) -> str:
    return " ".join((text or "").split()).casefold()


def as_text_or_none(cell: Cell) -> str | None:
    """As text whatever it is, to compare with what a mapping names."""
    return str(cell).lower() if isinstance(cell, bool) else as_text(cell)


def _joined(row: Row, cells: Cells) -> str | None:
    """An id of several columns, such as forening-2019; None when one of them is empty."""
    parts = [as_text(row.cells.get(name), digits=cells.digits) for name in cells.columns]
    return "-".join(as_code(part) for part in parts if part) if all(parts) else None


def _listed(value: Scalar, place: Leaf) -> Json:
    return [value] if place.item is not None else value


def _converted(cell: Cell, place: Leaf, decimal: str | None, digits: int) -> Json:
    match place.type:
        case "boolean":
            return as_yes_or_no(cell)
        case "integer" | "number":
            number = as_number(cell, decimal=decimal)
            return None if number is None else _plain(number, whole=place.type == "integer")
        case "list":
            raise NotA("one value")
        case "string":
            pass
    if place.day:
        day = as_day(cell)
        return None if day is None else day.isoformat()
    if place.month and isinstance(cell, date):  # a sheet makes the first of the month of 2019-04
        return cell.isoformat()[: len("2019-04")]
    return as_text(cell, digits=digits)


def _plain(number: Decimal, *, whole: bool) -> int | float:
    if number == number.to_integral_value():
        return int(number)
    if whole:
        raise NotA("a whole number")
    return float(number)


def _nested(values: Mapping[str, Json]) -> Json:
    """`{"regions[0].code": 1}` → `{"regions": [{"code": 1}]}`, without what is None and rows of a list that are empty."""
    made: dict[str, Any] = {}
    for path, value in values.items():
        if value is None:
            continue
        at: Any = made
        *way, last = steps(path)
        for step in way:
            at = at.setdefault(step, {})
        at[last] = value
    return _with_lists(made)


def _with_lists(value: Json) -> Json:
    if not isinstance(value, dict):
        return value
    inner = {step: _with_lists(part) for step, part in value.items()}
    if inner and all(isinstance(step, int) for step in inner):
        return [inner[step] for step in sorted(inner)]
    return inner
