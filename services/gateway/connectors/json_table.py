"""Tables in JSON: a list of objects, or an object a line (NDJSON), read one object at a time."""

import json
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, BinaryIO, Final, NoReturn, TextIO

from schemas.errors import kind

from .rows import Cell, Row, Table, TableOptions, WrongCell, too_many_rows
from .shape import Unreadable
from .texts import text_of

CHUNK: Final = 64 * 1024
OBJECT: Final = 1024 * 1024
"""Characters of one object, at most."""
SPACE: Final = " \t\r\n"
LARGEST: Final = 300
"""The greatest power of ten that is taken for a number: beyond it no field of ours has one."""
EXPECTED: Final = "Send a list of objects, or one object a line."
TEXT: Final = "text without NUL characters and lone surrogates"
_NO_TEXT: Final = re.compile(r"[\x00\ud800-\udfff]")


def read_json(file: BinaryIO, options: TableOptions) -> Table:
    """The table in `file`. Raises `Unreadable`, also later from the rows."""
    text, notes = text_of(file, windows=False)
    return Table(None, _rows(_Reader(text), options), notes)


class TwoOfAName(ValueError):
    """An object with two fields of one name."""


def once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of its fields, for a JSON decoder. Raises `TwoOfAName`."""
    made = dict(pairs)
    if len(made) < len(pairs):
        raise TwoOfAName
    return made


def no_number(_: str) -> NoReturn:
    """For a JSON decoder: NaN and Infinity are no JSON."""
    raise ValueError


_DECODER: Final = json.JSONDecoder(object_pairs_hook=once_each, parse_float=Decimal, parse_constant=no_number)


class _Reader:
    """What is read of a text and not used yet."""

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self._held = ""
        self._at = 0
        self._ended = False

    def more(self) -> bool:
        """Reads on; False at the end."""
        added = self._text.read(CHUNK)
        self._ended = not added
        self._held = self._held[self._at :] + added
        self._at = 0
        return bool(added)

    def peek(self) -> str:
        """The next character that isn't space; "" at the end."""
        while True:
            while self._at < len(self._held) and self._held[self._at] in SPACE:
                self._at += 1
            if self._at < len(self._held):
                return self._held[self._at]
            if not self.more():
                return ""

    def skip(self) -> None:
        self._at += 1

    def value(self, number: int) -> object:
        """The next JSON value, object `number` of the file. Raises `Unreadable`."""
        while True:
            try:
                value, end = _DECODER.raw_decode(self._held, self._at)
            except TwoOfAName:
                raise Unreadable(f"Object {number} has two fields of one name.", "Give each field once.") from None
            except RecursionError:
                raise Unreadable(f"Object {number} nests too deep.", EXPECTED) from None
            except ValueError:
                if len(self._held) - self._at > OBJECT:
                    raise Unreadable(f"Object {number} is too large, or not JSON.", EXPECTED) from None
                if not self.more():
                    raise Unreadable(f"Object {number} is not JSON, or the file ends within it.", EXPECTED) from None
            else:
                if end == len(self._held) and self.more():
                    continue  # a number may go on
                self._at = end
                return value


def _rows(reader: _Reader, options: TableOptions) -> Iterator[Row]:
    first = reader.peek()
    if first == "[":
        reader.skip()
        values = _listed(reader)
    elif first == "{":
        values = _lines(reader)
    else:
        raise Unreadable("The file is not JSON.", EXPECTED)
    for number, value in enumerate(values, 1):
        if number > options.max_rows:
            raise too_many_rows(options)
        yield _row(number, value, options)


def _listed(reader: _Reader) -> Iterator[object]:
    number = 0
    if reader.peek() == "]":
        reader.skip()
    else:
        while True:
            number += 1
            yield reader.value(number)
            after = reader.peek()
            reader.skip()
            if after == "]":
                break
            if after != ",":
                raise Unreadable(f"After object {number} there is neither a comma nor the list's end.", EXPECTED)
            reader.peek()
    if reader.peek():
        raise Unreadable("There is something after the list.", EXPECTED)


def _lines(reader: _Reader) -> Iterator[object]:
    number = 0
    while reader.peek():
        number += 1
        yield reader.value(number)


def _row(number: int, value: object, options: TableOptions) -> Row:
    if not isinstance(value, dict):
        return Row(number, {}, (WrongCell("", "an object", kind(value)),))
    cells: dict[str, Cell] = {}
    wrong: list[WrongCell] = []
    _flatten(value, "", cells, wrong, options)
    if len(cells) > options.max_columns:
        return Row(number, {}, (WrongCell("", f"at most {options.max_columns} fields", str(len(cells))),))
    return Row(number, cells, tuple(wrong))


def _flatten(
    value: Mapping[str, Any], under: str, cells: dict[str, Cell], wrong: list[WrongCell], options: TableOptions
) -> None:
    for name, inner in value.items():
        path = f"{under}{name}"
        if isinstance(inner, dict):
            _flatten(inner, f"{path}.", cells, wrong, options)
            continue
        expected = _expected(inner, options)
        if path in cells:
            expected = "one field of that path"
        if expected:
            wrong.append(WrongCell(path, expected, _got(inner, expected)))
        cells[path] = None if expected else (inner.strip() or None) if isinstance(inner, str) else inner


def _got(inner: object, expected: str) -> str:
    if expected == TEXT:
        return "text with one"
    return "a number" if isinstance(inner, Decimal) else kind(inner)


def _expected(inner: object, options: TableOptions) -> str | None:
    match inner:
        case list():
            return "one value"
        case str() if len(inner) > options.max_cell:
            return f"at most {options.max_cell} characters"
        case str() if _NO_TEXT.search(inner):
            return TEXT
        case Decimal() if abs(inner.adjusted()) > LARGEST:
            return "a number of usual size"
        case int() if abs(inner) > 10**LARGEST:
            return "a number of usual size"
    return None
