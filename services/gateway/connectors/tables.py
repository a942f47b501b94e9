"""Tables in files, whoever made them: CSV, XLSX and JSON, read row by row in bounded memory.

    for row in open_table(file, "leases.csv", TableOptions()):
        if row.wrong: ...            # each is a RefusedRow
        row.cells.get("Inflyttad")

Nothing of what a file holds stands in a message: rows and columns are named by where they are, and what came by its kind.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import BinaryIO

Cell = str | int | Decimal | bool | date | datetime | None
"""What a cell holds. CSV knows only text, stripped of spaces around it; None for an empty cell in all. A date from a
sheet is a `date`, with a time of day a naive `datetime`; `services.gateway.connectors.cells` reads text as the rest."""


class Unreadable(ValueError):
    """The file as a whole can't be read as a table: `why`, and what to `do` about it, each one sentence."""

    def __init__(self, why: str, do: str) -> None:
        self.why = why
        self.do = do
        super().__init__(f"{why} {do}")


@dataclass(frozen=True, slots=True)
class WrongCell:
    """What is wrong in a row: `column` is its name in the header (its letter where it has none), `got` a kind of thing."""

    column: str
    expected: str
    got: str


@dataclass(frozen=True, slots=True)
class Row:
    """One row. `number` is the one a spreadsheet shows, the header's counted; of JSON, that of the object, from 1.

    `cells` has every column of the header, and of JSON the fields the object has (`outer.inner` for one in another).
    A row with something `wrong` has the other cells nevertheless.
    """

    number: int
    cells: Mapping[str, Cell]
    wrong: tuple[WrongCell, ...] = ()


@dataclass(frozen=True, slots=True)
class TableOptions:
    """`sheet`: a workbook's sheet by name, needed where several are visible. `header_row`: the row with the names."""

    sheet: str | None = None
    header_row: int = 1
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


def open_table(file: BinaryIO, name: str, options: TableOptions) -> Table:
    """The table in `file`, which must be able to seek; what it is, its content says. Raises `Unreadable`, also later
    from the rows."""
    raise NotImplementedError
