"""Tables in workbooks, streamed: the sheet's XML is read row by row, where a cell's formula and value stand beside each
other (openpyxl gives one of them)."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from math import isfinite
from typing import IO, Any, BinaryIO, Final
from xml.etree.ElementTree import Element, iterparse  # `workbook` has refused a sheet with a DOCTYPE

from openpyxl.utils.cell import column_index_from_string
from openpyxl.utils.datetime import from_excel
from openpyxl.xml.constants import SHEET_MAIN_NS

from .rows import Cell, Row, Table, TableOptions, WrongCell, header, too_many_rows
from .shape import Unreadable
from .workbook import BROKEN, ODD, SAVE, Sheet, open_sheet

DIGITS: Final = 15
"""Of a number, all that Excel keeps."""
A_VALUE: Final = "a value"
ROW: Final = 4 * 1024 * 1024
"""Bytes of XML before, between and within rows, at most: what is read of it is held until a row ends."""

_ROWS: Final = f"{{{SHEET_MAIN_NS}}}sheetData"
_ROW: Final = f"{{{SHEET_MAIN_NS}}}row"
_VALUE: Final = f"{{{SHEET_MAIN_NS}}}v"
_FORMULA: Final = f"{{{SHEET_MAIN_NS}}}f"
_INLINE: Final = f"{{{SHEET_MAIN_NS}}}is"
_TEXTS: Final = f".//{{{SHEET_MAIN_NS}}}t"
_ERRORS: Final = frozenset({"#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A", "#GETTING_DATA"})


@dataclass(frozen=True, slots=True)
class _Wrong:
    """What is wrong with a cell."""

    expected: str
    got: str


_Line = tuple[int, dict[int, Cell | _Wrong]]
"""A row's number, and what stands in its columns, both from 1."""


def read_xlsx(file: BinaryIO, options: TableOptions) -> Table:
    """The table in `file`. Raises `Unreadable`, also later from the rows."""
    notes: list[str] = []
    sheet = open_sheet(file, options, notes)
    seen: Counter[str] = Counter()
    lines = _lines(sheet, options, seen)
    columns = header(_names(lines, options), options)
    return Table(columns, _told(_rows(lines, columns, sheet, options, seen), seen, notes), notes)


def _names(lines: Iterator[_Line], options: TableOptions) -> list[str]:
    for number, cells in lines:
        if number == options.header_row:
            named = {at: "" if cell is None or isinstance(cell, _Wrong) else str(cell) for at, cell in cells.items()}
            return [named.get(at, "") for at in range(1, max(named, default=0) + 1)]
        if number > options.header_row:
            break
    return []


def _rows(
    lines: Iterator[_Line], columns: tuple[str, ...], sheet: Sheet, options: TableOptions, seen: Counter[str]
) -> Iterator[Row]:
    width = len(columns)
    for number, cells in lines:
        if all(cell is None for cell in cells.values()):
            continue
        seen["rows"] += 1
        if seen["rows"] > options.max_rows:
            raise too_many_rows(options)
        seen["left out"] += any(at > width and cell is not None for at, cell in cells.items())
        for first, last, on_top in sheet.merged.get(number, ()):
            for at in range(first + on_top, min(last, width) + 1):
                cells[at] = _Wrong("a cell of its own", "a part of merged cells")
        yield _row(number, cells, columns, options)


def _told(rows: Iterator[Row], seen: Counter[str], notes: list[str]) -> Iterator[Row]:
    """The rows, and after the last what was seen on the way."""
    yield from rows
    if seen["left out"]:
        notes.append(f"In {seen['left out']} rows, cells to the right of the last column with a name were left out.")
    if seen["formulas"]:
        notes.append(f"{seen['formulas']} cells are formulas: the values they had when the file was saved were taken.")
    if seen["hidden"]:
        notes.append(f"{seen['hidden']} rows are hidden in the sheet, and were read like the others.")


def _row(number: int, found: dict[int, Cell | _Wrong], columns: tuple[str, ...], options: TableOptions) -> Row:
    cells: dict[str, Cell] = dict.fromkeys(columns)
    wrong = []
    for at, name in enumerate(columns, 1):
        cell = found.get(at)
        if isinstance(cell, str) and len(cell) > options.max_cell:
            cell = _Wrong(f"at most {options.max_cell} characters", f"text of {len(cell)} characters")
        if isinstance(cell, _Wrong):
            wrong.append(WrongCell(name, cell.expected, cell.got))
        else:
            cells[name] = cell
    return Row(number, cells, tuple(wrong))


class _Bounded:
    """A sheet's XML, of which `left` bytes may be read. Raises `Unreadable` for more."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self.left = ROW

    def read(self, size: int = -1) -> bytes:
        found = self._source.read(size)
        self.left -= len(found)
        if self.left < 0:
            raise Unreadable(ODD, SAVE)
        return found


def _lines(sheet: Sheet, options: TableOptions, seen: Counter[str]) -> Iterator[_Line]:
    number = 0
    try:
        with sheet.archive.open(sheet.part) as source:
            bounded = _Bounded(source)
            for _, element in iterparse(bounded):  # noqa: S314
                if element.tag == _ROW:
                    number = int(element.get("r") or number + 1)
                    yield number, _cells(element, sheet, seen, header=number <= options.header_row)
                    element.clear()
                    bounded.left = ROW
                elif element.tag == _ROWS:
                    return
    except BROKEN as error:
        if isinstance(error, Unreadable):
            raise
        raise Unreadable("The sheet is damaged.", SAVE) from error


def _cells(row: Element, sheet: Sheet, seen: Counter[str], *, header: bool) -> dict[int, Cell | _Wrong]:
    found: dict[int, Cell | _Wrong] = {}
    formulas = at = 0
    for cell in row:
        where = cell.get("r")
        at = _column(where.rstrip("0123456789")) if where else at + 1
        raw, calculated = "", False
        for part in cell:
            if part.tag == _VALUE:
                raw = part.text or ""
            elif part.tag == _FORMULA:
                calculated = True
        found[at] = value = _value(cell, raw, sheet, calculated=calculated)
        formulas += calculated and value is not None
    if not header:
        seen["formulas"] += formulas
        seen["hidden"] += row.get("hidden") in {"1", "true"} and any(value is not None for value in found.values())
    return found


@lru_cache(maxsize=1024)
def _column(letters: str) -> int:
    return column_index_from_string(letters)


def _value(cell: Element, raw: str, sheet: Sheet, *, calculated: bool) -> Cell | _Wrong:
    kind = cell.get("t", "n")
    if kind == "inlineStr":
        inline = cell.find(_INLINE)
        return _text("".join(text.text or "" for text in inline.iterfind(_TEXTS))) if inline is not None else None
    if not raw:
        if calculated and kind != "str":  # a formula that says text may say nothing
            return _Wrong(A_VALUE, "a formula that was never calculated")
        return None
    match kind:
        case "s" | "str":
            return _text(sheet.strings[int(raw)] if kind == "s" else raw)
        case "b":
            return raw in {"1", "true"}
        case "e":
            return _Wrong(A_VALUE, f"the error {raw}" if raw in _ERRORS else "an error")
        case "d":
            return _day_or_moment(datetime.fromisoformat(raw))
        case _:
            return _number(raw, int(cell.get("s") or 0), sheet)


def _text(value: str) -> str | None:
    return value.replace("_x000D_", "").strip() or None  # how a workbook writes a carriage return


def _number(raw: str, style: int, sheet: Sheet) -> Cell | _Wrong:
    if style in sheet.dates:
        try:
            return _day_or_moment(from_excel(float(raw), sheet.epoch, timedelta=style in sheet.durations))
        except (OverflowError, ValueError):
            return _Wrong("a date", "a number that no date has")
    if style in sheet.percents:
        return f"{float(raw) * 100:.{DIGITS}g} %".replace(".", ",")  # as it is shown: 52,3 % and not 0.523
    if raw.lstrip("-").isdecimal() and len(raw.lstrip("-")) > DIGITS:
        return _Wrong(f"a number of at most {DIGITS} digits, or text", "a longer number")
    if not isfinite(float(raw)):
        return _Wrong("a number", "infinity, or no number")
    exact = f"{float(raw):.{DIGITS}g}"
    return int(exact) if exact.lstrip("-").isdecimal() else Decimal(exact)


def _day_or_moment(value: Any) -> Cell:
    """A date without a time of day is a day; a time or a duration alone is text."""
    match value:
        case datetime() if value.time() == time():
            return value.date()
        case datetime() | date():
            return value
        case time():
            return value.isoformat()
        case timedelta():
            minutes, seconds = divmod(round(value.total_seconds()), 60)
            return f"{minutes // 60}:{minutes % 60:02}" + (f":{seconds:02}" if seconds else "")
        case _:
            return None
