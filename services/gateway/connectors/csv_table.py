"""Tables in CSV, as Excel, Statistics Sweden and others write it."""

import csv
from collections.abc import Iterator
from typing import BinaryIO, Final, TextIO

from .rows import Row, Table, TableOptions, WrongCell, header, too_many_rows
from .shape import Unreadable
from .texts import text_of

DELIMITERS: Final = ("\t", ";", ",")
"""Those that are found by themselves, the surest first: a comma is also what numbers and sentences have."""
NONE: Final = "\x1f"
"""A delimiter for a file of one column, which has none."""
SAMPLE: Final = 64 * 1024
LINE: Final = 1024 * 1024
"""Characters of a line, at most: a file without line breaks isn't read into memory whole."""


def read_csv(file: BinaryIO, options: TableOptions) -> Table:
    """The table in `file`. Raises `Unreadable`, also later from the rows."""
    text, notes = text_of(file)
    sample = text.read(SAMPLE)
    said = sample.partition("\n")[0].strip().lower()
    skipped = 1 if said.startswith("sep=") else 0  # Excel's own line, which it doesn't show
    delimiter = options.delimiter or (said[4:] or "\t" if skipped else _delimiter(sample, options))
    if len(delimiter) != 1:
        raise Unreadable("The delimiter is not one character.", "Say which it is: ; , or a tab.")
    text, _ = text_of(file)
    records = _records(text, delimiter)
    for _ in range(skipped + options.header_row - 1):
        next(records, None)
    columns = header(next(records, []), options)
    return Table(columns, _rows(records, columns, options), notes)


def _delimiter(sample: str, options: TableOptions) -> str:
    """The one that splits the header, and most rows of the sample alike."""
    lines = sample.splitlines(keepends=True)[:200]

    def fit(delimiter: str) -> tuple[int, int]:
        widths = [len(record) for record in csv.reader(lines, delimiter=delimiter)][options.header_row - 1 :]
        width = widths[0] if widths else 0
        return (widths.count(width), width) if width > 1 else (0, 0)

    best = max(DELIMITERS, key=fit)  # the first of equals
    return best if fit(best) > (0, 0) else NONE


def _records(text: TextIO, delimiter: str) -> Iterator[list[str]]:
    reader = csv.reader(_lines(text), delimiter=delimiter, strict=True)
    row = 0
    try:
        for record in reader:
            row += 1
            yield [cell.strip() for cell in record]
    except csv.Error:
        raise Unreadable(
            f"Row {row + 1} has a quotation mark that is not closed, or text after a closing one.",
            "Look at the quotation marks in that row: one within a text is written twice.",
        ) from None


def _lines(text: TextIO) -> Iterator[str]:
    while line := text.readline(LINE):
        if len(line) == LINE and not line.endswith(("\n", "\r")):
            raise Unreadable("The file has a line of more than a million characters.", "Export it again, as CSV.")
        yield line


def _rows(records: Iterator[list[str]], columns: tuple[str, ...], options: TableOptions) -> Iterator[Row]:
    width = len(columns)
    for count, record in enumerate(records, 1):
        if count > options.max_rows:
            raise too_many_rows(options)
        if not any(record):
            continue
        number = options.header_row + count
        yield (
            _row(number, record, columns, options)
            if len(record) == width
            else _uneven(number, record, columns, options)
        )


def _row(number: int, record: list[str], columns: tuple[str, ...], options: TableOptions) -> Row:
    cells = dict(zip(columns, [cell or None for cell in record], strict=False))
    if max(map(len, record)) <= options.max_cell:
        return Row(number, cells)
    long = [name for name, cell in cells.items() if cell and len(cell) > options.max_cell]
    wrong = [
        WrongCell(name, f"at most {options.max_cell} characters", f"text of {len(cells[name] or '')} characters")
        for name in long
    ]
    return Row(number, cells | dict.fromkeys(long), tuple(wrong))


def _uneven(number: int, record: list[str], columns: tuple[str, ...], options: TableOptions) -> Row:
    """A row that isn't as wide as the header: which cell belongs where can't be told, unless what is too much is empty."""
    if len(record) > len(columns) and not any(record[len(columns) :]):
        return _row(number, record[: len(columns)], columns, options)
    expected = f"{len(columns)} cells, as the header has"
    return Row(number, dict.fromkeys(columns), (WrongCell("", expected, f"{len(record)}"),))
