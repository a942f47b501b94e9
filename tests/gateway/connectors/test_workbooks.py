"""Reading tables from workbooks: values as they are shown, and no file that isn't safe."""

import datetime as dt
import io
import random
import struct
import zipfile
from contextlib import suppress
from decimal import Decimal
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from services.gateway.connectors.shape import Unreadable
from tests.gateway.connectors.files import PLAIN, damaged, refused, rows, table

MORNING = dt.datetime.fromisoformat("2019-03-01T08:30")


def workbook(*lines: list[Any], **sheets: list[list[Any]]) -> openpyxl.Workbook:
    book = openpyxl.Workbook()
    assert book.active is not None
    for line in lines:
        book.active.append(line)
    for name, content in sheets.items():
        sheet = book.create_sheet(name)
        for line in content:
            sheet.append(line)
    return book


def saved(book: openpyxl.Workbook) -> bytes:
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def rezipped(content: bytes, **changes: bytes | None) -> bytes:
    """A workbook with parts replaced: `sheet` is the first sheet's XML; others by name with / as __ and . as _dot_."""
    changed = {name.replace("__", "/").replace("_dot_", "."): part for name, part in changes.items()}
    if "sheet" in changed:
        changed["xl/worksheets/sheet1.xml"] = changed.pop("sheet")
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as before, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as after:
        for name in before.namelist():
            if name not in changed:
                after.writestr(name, before.read(name))
        for name, part in changed.items():
            if part is not None:
                after.writestr(name, part)
    return file.getvalue()


def sheet_xml(cells: str, after: str = "") -> bytes:
    """A sheet with a header "a", "b", "c" and then `cells`."""
    header = "".join(f'<c r="{letter}1" t="str"><v>{letter.lower()}</v></c>' for letter in "ABC")
    return (
        '<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        f'<sheetData><row r="1">{header}</row>{cells}</sheetData>{after}</worksheet>'
    ).encode()


def test_a_workbook_keeps_numbers_exact_and_days_as_days_in_both_calendars() -> None:
    values = [0.1 + 0.2, 1234.5, 42, "0680", True, dt.date(2019, 3, 1), MORNING, None]
    for epoch in (None, CALENDAR_MAC_1904):
        book = workbook([f"k{at}" for at in range(8)], values)
        if epoch:
            book.epoch = epoch
        (row,) = rows(saved(book), "a.xlsx")
        assert list(row.cells.values()) == [
            Decimal("0.3"), Decimal("1234.5"), 42, "0680", True, dt.date(2019, 3, 1), MORNING, None,
        ]  # fmt: skip


def test_per_cent_is_read_as_it_is_shown() -> None:
    book = workbook(["andel"], [0.523])
    assert book.active is not None
    book.active["A2"].number_format = "0.0%"
    assert rows(saved(book))[0].cells == {"andel": "52,3 %"}


def test_formulas_errors_and_hidden_rows_are_told() -> None:
    cells = (
        '<row r="2" hidden="1"><c r="A2"><f>1+1</f><v>2</v></c><c r="B2"><f>1+1</f></c><c r="C2" t="e"><v>#N/A</v></c></row>'
        '<row r="4"><c r="A4" t="str"><f>""</f><v></v></c><c r="B4"><v>12345678901234567</v></c><c r="E4"><v>5</v></c></row>'
    )
    found = table(rezipped(saved(workbook(["x"])), sheet=sheet_xml(cells)))
    first, second = list(found)
    assert first.cells["a"] == 2
    assert [(cell.column, cell.got) for cell in first.wrong] == [
        ("b", "a formula that was never calculated"),
        ("c", "the error #N/A"),
    ]
    assert (second.number, second.cells["a"], [cell.column for cell in second.wrong]) == (4, None, ["b"])
    assert [note.split()[:3] for note in found.notes] == [
        ["In", "1", "rows,"],
        ["2", "cells", "are"],
        ["1", "rows", "are"],
    ]


def test_a_date_that_no_calendar_has_is_wrong_by_its_cell() -> None:
    book = workbook(["dag"], [dt.date(2019, 3, 1)])
    content = saved(book)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        xml = archive.read("xl/worksheets/sheet1.xml")
    assert b"<v>43525</v>" in xml
    (row,) = rows(rezipped(content, sheet=xml.replace(b"<v>43525</v>", b"<v>-43525000000</v>")))
    assert [cell.expected for cell in row.wrong] == ["a date"]


def test_merged_cells_are_refused_in_the_header_and_wrong_below_it() -> None:
    lines: list[list[Any]] = [["Område", "Besök"], ["Öxnehaga", 1], [None, 2]]
    book = workbook(["Besök 2019", None], *lines)
    assert book.active is not None
    book.active.merge_cells("A1:B1")  # a title over the table
    book.active.merge_cells("A3:A4")
    content = saved(book)
    assert "A1:B1 of the header" in refused(content)
    first, second = rows(content, header_row=2)
    assert (first.cells, first.wrong) == ({"Område": "Öxnehaga", "Besök": 1}, ())
    assert [(cell.column, cell.got) for cell in second.wrong] == [("Område", "a part of merged cells")]


def test_the_sheet_is_the_only_one_or_the_one_that_is_named() -> None:
    lines: list[list[Any]] = [["a"], [1]]
    two = workbook(["b"], [2], Blad2=lines)
    assert "2 sheets" in refused(saved(two))
    assert rows(saved(two), sheet="Blad2")[0].cells == {"a": 1}
    assert "no sheet named" in refused(saved(two), sheet="Blad9")
    two["Blad2"].sheet_state = "hidden"
    hidden = table(saved(two))
    assert [row.cells for row in hidden] == [{"b": 2}]
    assert "hidden sheets" in hidden.notes[0]
    empty = workbook(["b"], [2], Blad2=[], Blad3=[])
    assert rows(saved(empty))[0].cells == {"b": 2}


def test_trailing_empty_rows_and_columns_are_nothing() -> None:
    book = workbook(["a", None], [1, None])
    assert book.active is not None
    book.active["D900"].number_format = "0.00"
    assert [row.cells for row in rows(saved(book))] == [{"a": 1}]


def bomb() -> bytes:
    return rezipped(saved(workbook(["a"], [1])), sheet=sheet_xml(f"<!--{' ' * 30_000_000}-->"))


def lying_bomb() -> bytes:
    """A bomb whose list of contents says that it is small."""
    content = bytearray(bomb())
    at = content.rfind(b"PK\x01\x02")
    while content[at + 46 : at + 46 + 24] != b"xl/worksheets/sheet1.xml":
        at = content.rfind(b"PK\x01\x02", 0, at)
    struct.pack_into("<L", content, at + 24, 500)
    return bytes(content)


def many_parts() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for at in range(20_000):
            archive.writestr(f"[Content_Types].xml{at}", b"")
    return file.getvalue()


def entities(encoding: str = "utf-8") -> bytes:
    xml = sheet_xml('<row r="2"><c r="A2" t="str"><v>&b;</v></c></row>')
    doctype = b'<!DOCTYPE w [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;&a;">]>'
    grown = xml.replace(b"<worksheet", doctype + b"<worksheet", 1).decode().replace('<?xml version="1.0"?>', "")
    return rezipped(saved(workbook(["a"])), sheet=grown.encode(encoding))


def old_excel(*, encrypted: bool = False) -> bytes:
    stream = "EncryptedPackage" if encrypted else "Workbook"
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 2_000 + stream.encode("utf-16-le") + b"\0" * 500


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (bomb(), "too large"),
        (lying_bomb(), "can be read"),
        (many_parts(), "no spreadsheet program"),
        (entities(), "document type"),
        (entities("utf-16"), "document type"),
        (rezipped(saved(workbook(["a"])), xl__vbaProject_dot_bin=b"x"), "macros"),
        (rezipped(saved(workbook(["a"])), xl__workbook_dot_bin=b"x"), ".xlsb"),
        (rezipped(saved(workbook(["a"])), content_dot_xml=b"x"), ".ods"),
        (rezipped(saved(workbook(["a"])), **{"[Content_Types]_dot_xml": None}), "ZIP archive and not"),
        (rezipped(saved(workbook(["a"])), **{"[Content_Types]_dot_xml": b"<x/>"}), "not a workbook"),
        (rezipped(saved(workbook(["a"])), sheet=sheet_xml("")[:-30]), "sheet is damaged"),
        (saved(workbook(["a"], [1]))[:-100], "not a workbook"),
        (old_excel(), "(.xls)"),
        (old_excel(encrypted=True), "encrypted"),
        (saved(workbook()), "is empty"),
    ],
)
def test_a_file_that_is_no_safe_workbook_is_refused(content: bytes, why: str) -> None:
    assert why in refused(content, "leases.xlsx")


VALUES = st.one_of(
    st.integers(-(10**14), 10**14),
    st.decimals(-(10**6), 10**6, places=3),
    PLAIN.map(str.strip).filter(bool),
    st.dates(dt.date(1900, 3, 1), dt.date(2199, 1, 1)),
    st.booleans(),
    st.none(),
)


@given(
    st.lists(st.lists(VALUES, min_size=3, max_size=3).filter(lambda line: any(v is not None for v in line)), max_size=6)
)
@settings(max_examples=40, deadline=None)
def test_xlsx_round_trips(lines: list[list[Any]]) -> None:
    book = workbook(["ett", "två", "tre"])
    for number, line in enumerate(lines, 2):
        for column, value in enumerate(line, 1):
            assert book.active is not None
            cell = book.active.cell(number, column)
            cell.value = value
            if isinstance(value, str):  # what begins with = is text here
                cell.data_type = "s"
    assert [list(row.cells.values()) for row in rows(saved(book))] == lines


@given(st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_a_damaged_workbook_is_read_or_refused_and_never_a_defect(seed: int) -> None:
    content = saved(workbook(["a", "b"], [1, "x"], [dt.date(2019, 3, 1), None]))
    chance = random.Random(seed)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        part = chance.choice(archive.namelist())
        changed = {part.replace("/", "__").replace(".", "_dot_"): damaged(archive.read(part), chance)}
    for broken in (damaged(content, chance), rezipped(content, **changed)):
        with suppress(Unreadable):
            rows(broken)


def test_a_part_that_would_fill_the_memory_is_refused_though_it_packs_badly() -> None:
    """Each empty element takes 200 bytes of memory: 2 MB of such a workbook took more than a gigabyte."""
    chance = random.Random(1)
    junk = "".join(chance.choices(["<a/>", "<b/>", "<d/>", "<e/>"], k=1_100_000))
    book = saved(workbook(["a", "b", "c"], [1, 2, 3]))
    for sheet in (sheet_xml(f'<row r="2">{junk}</row>'), sheet_xml(junk)):
        assert "no spreadsheet program" in refused(rezipped(book, sheet=sheet), "a.xlsx")
    assert "no spreadsheet program" in refused(rezipped(book, xl__styles_dot_xml=sheet_xml(junk)), "a.xlsx")
    late = sheet_xml('<row r="2"><c r="A2"><v>1</v></c></row>', f"<after>{junk}</after>")
    assert len(rows(rezipped(book, sheet=late), "a.xlsx")) == 1
