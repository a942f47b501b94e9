"""Figures as a workbook: one sheet of figures, one of definitions, one of sources. Nothing in it is ever a formula."""

import io
from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal

import xlsxwriter  # type: ignore[import-untyped]
from xlsxwriter.format import Format  # type: ignore[import-untyped]
from xlsxwriter.workbook import Workbook  # type: ignore[import-untyped]
from xlsxwriter.worksheet import Worksheet  # type: ignore[import-untyped]

from services.chassis.clock import STOCKHOLM
from services.chassis.web.words import N_
from services.reporting.exports.rows import COLUMNS, Cell, Table, safe

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
WIDTHS = {"goal": 30, "title": 44, "notes": 60, "as_of": 26, "area_name": 18}
Text = Callable[[str], str]

SHEETS = (N_("Figures"), N_("Definitions"), N_("Sources"))
DEFINITION = (
    N_("Goal"), N_("Title"), N_("Version"), N_("Since"), N_("Definition"), N_("Population"), N_("Measure"),
    N_("Measure in words"), N_("Unit"), N_("Numerator"), N_("Denominator"), N_("Least number shown"),
)  # fmt: skip
SOURCE = (N_("Goal"), N_("Title"), N_("Steering document"), N_("Source"), N_("Events it is made of"))


def write(table: Table, text: Text) -> bytes:
    """The workbook's bytes: the same for the same table. `text` puts the words of headings in the reader's language."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    created = table.as_of.astimezone(STOCKHOLM).replace(tzinfo=None, microsecond=0)
    book.set_properties({"title": table.title, "comments": table.citation, "created": created})
    bold = book.add_format({"bold": True, "bottom": 1})
    figures, definitions, sources = (book.add_worksheet(text(name)) for name in SHEETS)
    _figures(book, figures, bold, table)
    _lines(book, definitions, bold, map(text, DEFINITION), _definitions(table))
    _lines(book, sources, bold, map(text, SOURCE), _sources(table, text))
    book.close()
    return out.getvalue()


def _figures(book: Workbook, sheet: Worksheet, bold: Format, table: Table) -> None:
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    formats = {n: book.add_format({"num_format": _pattern(n)}) for n in sorted({row.decimals for row in table.rows})}
    value = COLUMNS.index("value")
    for column, name in enumerate(COLUMNS):
        sheet.write_string(0, column, name, bold)
        sheet.set_column(column, column, WIDTHS.get(name, max(10, len(name) + 2)))
    for number, row in enumerate(table.rows, start=1):
        for column, cell in enumerate(row.cells()):
            form = day if isinstance(cell, date) else formats[row.decimals] if column == value else None
            _write(sheet, (number, column), cell, form)
    sheet.freeze_panes(1, 2)
    sheet.autofilter(0, 0, max(len(table.rows), 1), len(COLUMNS) - 1)


def _pattern(decimals: int) -> str:
    return f"#,##0.{'0' * decimals}".rstrip(".")


def _write(sheet: Worksheet, at: tuple[int, int], cell: Cell, form: Format | None) -> None:
    match cell:
        case None:
            return
        case bool():
            sheet.write_boolean(*at, cell)
        case int() | Decimal():
            sheet.write_number(*at, float(cell), form)
        case date():
            sheet.write_datetime(*at, cell, form)
        case str():
            sheet.write_string(*at, safe(cell))


def _lines(
    book: Workbook, sheet: Worksheet, bold: Format, heading: Iterable[str], lines: Iterable[list[str | int | None]]
) -> None:
    wrapped = book.add_format({"text_wrap": True, "valign": "top"})
    for column, name in enumerate(heading):
        sheet.write_string(0, column, name, bold)
        sheet.set_column(column, column, 32)
    for number, line in enumerate(lines, start=1):
        for column, cell in enumerate(line):
            if isinstance(cell, int):
                sheet.write_number(number, column, cell, wrapped)
            elif cell:
                sheet.write_string(number, column, safe(cell), wrapped)
    sheet.freeze_panes(1, 1)


def _definitions(table: Table) -> Iterable[list[str | int | None]]:
    for about in table.about:
        for part in about.parts:
            yield [
                about.goal, about.title, about.version, about.since, about.definition, about.population, part.id,
                part.title, part.unit, part.numerator, part.denominator, about.threshold or None,
            ]  # fmt: skip


def _sources(table: Table, text: Text) -> Iterable[list[str | int | None]]:
    for about in table.about:
        yield [about.goal, about.title, about.document, about.source, ", ".join(about.events)]
    yield []
    yield [text(N_("To quote")), table.citation]
    yield [text(N_("Read at")), table.address]
