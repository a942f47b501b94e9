"""What a table in a file is, whichever kind of file it came from."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from .shape import Unreadable

Cell = str | int | Decimal | bool | date | datetime | None
"""What a cell holds. CSV knows only text, without spaces around it; None is an empty cell in all. A day from a sheet is
a `date`, one with a time of day a naive `datetime`; `cells` reads text as the other kinds."""


@dataclass(frozen=True, slots=True)
class WrongCell:
    """What is wrong in a row. `column` is its name in the header, "" for the row itself; `got` is a kind of thing."""

    column: str
    expected: str
    got: str


@dataclass(frozen=True, slots=True)
class Row:
    """One row. `number` is the one a spreadsheet shows, the header's counted; of JSON, that of the object, from 1.

    `cells` has every column of the header, and of JSON the fields the object has (`outer.inner` for one in another).
    A cell with something `wrong` is None.
    """

    number: int
    cells: Mapping[str, Cell]
    wrong: tuple[WrongCell, ...] = ()

    def wrong_in(self, columns: Collection[str]) -> tuple[WrongCell, ...]:
        """What is wrong with the row itself and in `columns`. What nobody asks for may be as it is."""
        return tuple(cell for cell in self.wrong if not cell.column or cell.column in columns)


@dataclass(frozen=True, slots=True)
class TableOptions:
    """How to read a file, where it doesn't say so itself, and how much of it.

    `sheet` is a workbook's sheet by name, needed where several are visible; `header_row` the row with the names;
    `delimiter` that of CSV, found when it is None. Sizes are in bytes, `max_unpacked` that of a workbook's parts.
    """

    sheet: str | None = None
    header_row: int = 1
    delimiter: str | None = None
    max_bytes: int = 256 * 1024 * 1024
    max_unpacked: int = 1024 * 1024 * 1024
    max_rows: int = 1_000_000
    max_columns: int = 200
    max_cell: int = 32_767


@dataclass(slots=True)
class Table(Iterator[Row]):
    """The rows, to go through once. `columns` is the header, None of JSON. `notes` says what was done to read it, and
    may grow until the last row: show it after that."""

    columns: tuple[str, ...] | None
    rows: Iterator[Row]
    notes: list[str] = field(default_factory=list)

    def __next__(self) -> Row:
        return next(self.rows)


def letter(column: int) -> str:
    """The letters a spreadsheet shows for a column, counted from 0: A, B … Z, AA."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def header(names: list[str], options: TableOptions) -> tuple[str, ...]:
    """The columns' names, cleaned of line breaks and of empty ones at the end. Raises `Unreadable`, with letters only:
    where the row isn't the header, its cells are somebody's."""
    names = [" ".join(name.split()) for name in names]
    while names and not names[-1]:
        names.pop()
    where = f"Row {options.header_row}, which should have the columns' names,"
    if not names:
        raise Unreadable(f"{where} is empty.", "Put the names there, or say which row they are in (header_row).")
    if len(names) > options.max_columns:
        raise Unreadable(f"{where} has more than {options.max_columns} columns.", "Keep the columns that are needed.")
    empty = [letter(at) for at, name in enumerate(names) if not name]
    if empty:
        raise Unreadable(
            f"{where} has no name in column {', '.join(empty)}.",
            "Give each column a name of its own, unmerge merged header cells, or say which row has the names (header_row).",
        )
    if len(set(names)) < len(names):
        twice = [
            ", ".join(letter(at) for at, other in enumerate(names) if other == name) for name in dict.fromkeys(names)
        ]
        raise Unreadable(
            f"{where} has the same name in columns {'; '.join(same for same in twice if ', ' in same)}.",
            "Give each column a name of its own.",
        )
    if any(len(name) > options.max_cell for name in names):
        raise Unreadable(f"{where} has a name that is too long.", "Say which row has the names (header_row).")
    return tuple(names)


def too_many_rows(options: TableOptions) -> Unreadable:
    return Unreadable(f"The file has more than {options.max_rows} rows.", "Send it in several files.")
