"""Lease snapshots: an export of the leases that are current, read row by row.

What leaves a row is what an event may say. Names, addresses and numbers go no further than the seal they are kept
under; of a household by letter only not even that.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, BinaryIO, ClassVar, Final, TypeVar

import orjson
from pydantic import BeforeValidator, Field, ValidationError

from schemas.envelope import parse_data
from schemas.errors import Malformed
from schemas.tenancy import TenantContactChanged, TenantMovedIn
from services.gateway.connectors.cells import NotA, as_day, as_text, as_yes_or_no, what
from services.gateway.connectors.rows import Cell, Row, Table, TableOptions
from services.gateway.connectors.shape import Note, Options, RefusedRow, Unreadable
from services.gateway.connectors.tables import open_table

REF: Final = "-"
"""In place of the references, which are made later."""
Data = TypeVar("Data", TenantMovedIn, TenantContactChanged)


def _names(told: object) -> object:
    return (told,) if isinstance(told, str) else told


Columns = Annotated[tuple[str, ...], BeforeValidator(_names)]
"""One column, or several that are read together, in this order."""


class LeaseColumns(Options):
    """Which column holds what. `protected` must be told: null says that the file has no such column."""

    lease: Annotated[Columns, Field(min_length=1)]
    tenant: str
    area: str
    moved_in: str
    protected: str | None
    moved_out: str | None = None
    building: str | None = None
    dwelling: str | None = None
    name: Columns = ()
    email: str | None = None
    phone: str | None = None
    address: Columns = ()
    language: str | None = None
    opted_out: str | None = None

    def named(self) -> frozenset[str]:
        """Every column that is read."""
        told = self.model_dump()
        return frozenset(
            name for value in told.values() if value for name in ([value] if isinstance(value, str) else value)
        )


class LeaseOptions(Options):
    """`areas` and `languages`: what the file writes → area id, language tag. `hold_above`: a file in which a larger
    share of the leases, or of the contacts, is gone waits for somebody to confirm it."""

    columns: LeaseColumns
    sheet: str | None = None
    header_row: int = Field(1, ge=1, le=1000)
    delimiter: str | None = None
    areas: Mapping[str, str] = {}
    languages: Mapping[str, str] = {}
    language_else: str = "sv"
    hold_above: float = Field(0.2, ge=0, le=1)
    forget_after_days: int = Field(30, ge=0, le=400)
    history_older_than_days: int = Field(90, ge=0)
    transfer_within_days: int = Field(60, ge=0, le=400)


@dataclass(frozen=True, slots=True)
class LeaseRow:
    """One row. `number` and `tenant` are the publisher's own. A row with something `wrong` says only that they are there.

    `contact`: canonical JSON, None where the household is by letter.
    """

    row: int
    number: str | None
    tenant: str | None
    by_letter: bool
    wrong: tuple[RefusedRow, ...] = ()
    move: TenantMovedIn | None = None
    moved_out_on: date | None = None
    contact: bytes | None = None


class LeaseSnapshot:
    """The kind `leases`. It compares in a way of its own: what is gone from the file says something too."""

    name: ClassVar[str] = "leases"
    options: ClassVar[type[Options]] = LeaseOptions

    def read(self, file: BinaryIO, filename: str, options: LeaseOptions) -> Iterator[LeaseRow | Note]:
        """The rows, and how they were read. Raises `Unreadable`, also when a column is missing."""
        table = open_table(file, filename, TableOptions(options.sheet, options.header_row, options.delimiter))
        _refuse_missing(table, options.columns)
        reader = _Reader(options)
        for row in table:
            yield reader.read(row)
        yield from map(Note, table.notes)


def _refuse_missing(table: Table, columns: LeaseColumns) -> None:
    if table.columns is None:
        return
    missing = sorted(columns.named() - set(table.columns))
    if missing:
        there = len(table.columns)
        raise Unreadable(
            f"The file has {there} columns, and not {', '.join(missing)}.",
            "Export it with these columns, or mend the names under options.columns.",
        )


class _Wrong(Exception):
    def __init__(self, column: str, expected: str, got: str) -> None:
        self.column, self.expected, self.got = column, expected, got


class _Reader:
    def __init__(self, options: LeaseOptions) -> None:
        self.options = options
        self.columns = options.columns
        self.named = options.columns.named()
        self.places = _places(options.columns)

    def read(self, row: Row) -> LeaseRow:
        columns, cells = self.columns, row.cells
        number = "/".join(part for name in columns.lease if (part := _text(cells.get(name))))
        tenant = _text(cells.get(columns.tenant)) or None
        by_letter = self._is_by_letter(row)
        wrong = [RefusedRow(row.number, cell.column, cell.expected, cell.got) for cell in row.wrong_in(self.named)]
        try:
            if not number:
                raise _Wrong(columns.lease[0], "the lease's number", "nothing")
            if tenant is None:
                raise _Wrong(columns.tenant, "the tenant's number", "nothing")
            if columns.protected is not None and columns.protected not in cells:
                raise _Wrong(columns.protected, "whether the person is protected", "nothing")
            if not wrong:
                return self._whole(row, number, tenant, by_letter=by_letter)
        except _Wrong as found:
            wrong.append(RefusedRow(row.number, found.column, found.expected, found.got))
        return LeaseRow(row.number, number or None, tenant, by_letter, tuple(wrong))

    def _whole(self, row: Row, number: str, tenant: str, *, by_letter: bool) -> LeaseRow:
        return LeaseRow(
            row.number,
            number,
            tenant,
            by_letter,
            move=self._move(row.cells, by_letter=by_letter),
            moved_out_on=_day(row.cells, self.columns.moved_out),
            contact=None if by_letter else self._contact(row.cells),
        )

    def _is_by_letter(self, row: Row) -> bool:
        """Whoever is protected, and whoever has neither e-mail nor phone: nothing tells the one from the other.

        A cell that can't be read is no cell without an address: it erases nobody.
        """
        columns, cells = self.columns, row.cells
        protected = columns.protected is not None and (
            _is_yes(cells.get(columns.protected)) or bool(row.wrong_in({columns.protected}))
        )
        addresses = {name for name in (columns.email, columns.phone) if name is not None}
        reachable = any(_text(cells.get(name)) for name in addresses) or bool(row.wrong_in(addresses))
        return protected or not reachable

    def _move(self, cells: Mapping[str, Cell], *, by_letter: bool) -> TenantMovedIn:
        columns = self.columns
        area = _text(cells.get(columns.area))
        if self.options.areas:
            if area not in self.options.areas:
                raise _Wrong(columns.area, "an area that options.areas names", "another, or nothing")
            area = self.options.areas[area]
        said = {
            "tenancy_id": REF,
            "tenant_ref": REF,
            "area_id": area or None,
            "building_id": None if by_letter else _told(cells, columns.building),
            "dwelling_id": None if by_letter else _told(cells, columns.dwelling),
            "moved_in_on": _day(cells, columns.moved_in),
            "contact_rule": "letter_only" if by_letter else "any",
        }
        return self._valid(TenantMovedIn, said)

    def _contact(self, cells: Mapping[str, Cell]) -> bytes:
        columns = self.columns
        spoken = _told(cells, columns.language)
        said = {
            "tenant_ref": REF,
            "name": " ".join(part for name in columns.name if (part := _text(cells.get(name)))) or None,
            "email": _told(cells, columns.email),
            "phone": _told(cells, columns.phone),
            "postal_address": "\n".join(part for name in columns.address if (part := _text(cells.get(name)))) or None,
            "language": self.options.languages.get(spoken, spoken) if spoken else self.options.language_else,
            "opted_out_of": _opted_out(cells, columns.opted_out),
        }
        return self._valid(TenantContactChanged, said).json_bytes()

    def _valid(self, model: type[Data], said: dict[str, Any]) -> Data:
        try:
            return model(**said)
        except ValidationError:
            pass
        try:
            told = {name: value for name, value in said.items() if value is not None}
            parse_data(model, orjson.dumps(told))
        except Malformed as malformed:
            first = malformed.problems[0]
            field = (first.field or "").removeprefix("data.").partition("[")[0]
            raise _Wrong(self.places.get(field, field), first.expected, first.got) from None
        raise AssertionError("JSON is held to be right, and its values are not")


def _places(columns: LeaseColumns) -> dict[str, str]:
    """Field of an event → the column it is read from."""
    told = {
        "area_id": columns.area,
        "building_id": columns.building,
        "dwelling_id": columns.dwelling,
        "moved_in_on": columns.moved_in,
        "name": next(iter(columns.name), "name"),
        "email": columns.email,
        "phone": columns.phone,
        "postal_address": next(iter(columns.address), None),
        "language": columns.language,
        "opted_out_of": columns.opted_out,
    }
    return {field: column for field, column in told.items() if column is not None}


def contact_of(told: bytes, tenant_ref: str) -> TenantContactChanged:
    """The event's data from what `LeaseRow.contact` kept."""
    return TenantContactChanged.model_validate_json(orjson.dumps(orjson.loads(told) | {"tenant_ref": tenant_ref}))


def _opted_out(cells: Mapping[str, Cell], column: str | None) -> tuple[str, ...]:
    """Yes is all occasions; otherwise those that are named, with commas between."""
    cell = None if column is None else cells.get(column)
    try:
        return ("all",) if as_yes_or_no(cell) else ()
    except NotA:
        return tuple(part.strip() for part in _text(cell).split(",") if part.strip())


def _text(cell: Cell) -> str:
    if isinstance(cell, bool):
        return "ja" if cell else "nej"
    return as_text(cell) or ""


def _told(cells: Mapping[str, Cell], column: str | None) -> str | None:
    return None if column is None else _text(cells.get(column)) or None


def _day(cells: Mapping[str, Cell], column: str | None) -> date | None:
    cell = None if column is None else cells.get(column)
    try:
        return as_day(cell)
    except NotA as error:
        raise _Wrong(column or "", error.expected, what(cell)) from None


def _is_yes(cell: Cell) -> bool:
    """Whatever isn't a no is a yes: who may need protection gets it."""
    try:
        return bool(as_yes_or_no(cell))
    except NotA:
        return True
