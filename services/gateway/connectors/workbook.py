"""Workbooks (.xlsx) before a row is read: whether the archive is safe to unpack, which sheet is meant, what its cells
refer to. openpyxl knows the format; XML that grows when it is read is refused by defusedxml."""

import re
import struct
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from lzma import LZMAError
from typing import Any, BinaryIO, Final
from xml.etree.ElementTree import ParseError
from xml.parsers.expat import ExpatError, ParserCreate

from defusedxml.ElementTree import fromstring
from openpyxl.packaging.relationship import get_rels_path
from openpyxl.reader.excel import ExcelReader
from openpyxl.styles.numbers import BUILTIN_FORMATS, BUILTIN_FORMATS_MAX_SIZE
from openpyxl.styles.stylesheet import Stylesheet
from openpyxl.utils.cell import coordinate_to_tuple
from openpyxl.xml.constants import (
    ARC_CONTENT_TYPES,
    ARC_STYLE,
    ARC_WORKBOOK,
    SHARED_STRINGS,
    XLSM,
    XLSX,
    XLTM,
    XLTX,
)

from .rows import TableOptions
from .shape import Unreadable

CHUNK: Final = 1024 * 1024
RATIO: Final = 200
"""How much larger a large part may be unpacked; sheets come to 50."""
SMALL: Final = 10 * 1024 * 1024
PARTS: Final = 2_000
DIRECTORY: Final = 1024 * 1024
"""Bytes of the archive's list of contents."""
MERGED_ROWS: Final = 200_000
TEXT_TAGS: Final = 4_000_000
"""Of the shared texts, which are held in memory: four for each text."""
OTHER_TAGS: Final = 200_000
"""Of any other part that is read whole."""
ODD: Final = "The workbook is put together in a way that no spreadsheet program does."
SAVE: Final = "Open it in Excel or LibreOffice and save it as an Excel workbook (.xlsx)."

_CELL: Final = re.compile(rb"<(?:\w+:)?c[\s>]")
_MERGE: Final = re.compile(
    rb"<(?:\w+:)?mergeCell\s[^>]*?ref\s*=\s*[\"']([A-Z]{1,3}[0-9]{1,7}:[A-Z]{1,3}[0-9]{1,7})[\"']"
)
_END, _END_64, _LOCATOR = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"

# What zipfile, openpyxl and the XML parsers raise of a file that isn't what it should be.
BROKEN: Final = (
    zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, RuntimeError, EOFError, OSError,
    ValueError, LookupError, TypeError, AttributeError, ParseError, ExpatError,
    zlib.error, LZMAError,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet's part of the archive, and what its cells refer to: shared texts, and which styles show a number as a
    date, a duration or per cent. `merged`: row → (first column, last column, whether the value stands in it), from 1."""

    archive: zipfile.ZipFile
    part: str
    strings: list[str]
    dates: frozenset[int]
    durations: frozenset[int]
    percents: frozenset[int]
    epoch: datetime
    merged: dict[int, list[tuple[int, int, bool]]]


def open_sheet(file: BinaryIO, options: TableOptions, notes: list[str]) -> Sheet:
    """The sheet that `options` mean, or the only one there is. Raises `Unreadable`."""
    try:
        archive = _archive(file, options)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what openpyxl leaves out, which is never a cell
            reader = ExcelReader(file, read_only=True, data_only=True, keep_links=False)
            _refuse_many_tags(archive, OTHER_TAGS, [ARC_CONTENT_TYPES])
            reader.read_manifest()
            _refuse_many_tags(archive, TEXT_TAGS, _parts(reader, SHARED_STRINGS))
            books = [ARC_WORKBOOK, *_parts(reader, XLTM, XLTX, XLSM, XLSX)]
            _refuse_many_tags(archive, OTHER_TAGS, [*books, *map(get_rels_path, books), ARC_STYLE])
            reader.read_strings()
            reader.read_workbook()
            sheets = [
                (sheet.name, sheet.state == "visible", rel.target)
                for sheet, rel in reader.parser.find_sheets()
                if "chartsheet" not in rel.Type and rel.target in reader.valid_files
            ]
        part = _choose(archive, sheets, options, notes)
        _refuse_doctype(archive, part)
        dates, durations, percents = _styles(archive)
        merged = _merged(archive, part, options)
    except Unreadable:
        raise
    except BROKEN as error:
        raise Unreadable("The file is not a workbook that can be read.", SAVE) from error
    return Sheet(archive, part, reader.shared_strings, dates, durations, percents, reader.wb.epoch, merged)


def _archive(file: BinaryIO, options: TableOptions) -> zipfile.ZipFile:
    """The archive, when it is a workbook and no larger than said. Everything in it is unpacked once and counted."""
    if _directory(file) > DIRECTORY:
        raise Unreadable(ODD, SAVE)
    archive = zipfile.ZipFile(file)
    names = set(archive.namelist())
    if "xl/vbaProject.bin" in names:
        raise Unreadable("The workbook has macros.", "Save it as an Excel workbook without macros (.xlsx).")
    if "xl/workbook.bin" in names:
        raise Unreadable("The workbook is in the binary format (.xlsb).", SAVE)
    if "content.xml" in names:
        raise Unreadable("The file is an OpenDocument sheet (.ods).", SAVE)
    if "[Content_Types].xml" not in names:
        raise Unreadable("The file is a ZIP archive and not a workbook.", "Unpack it, and send the file in it.")
    parts = archive.infolist()
    if any(part.flag_bits & 1 for part in parts):
        raise Unreadable("The workbook is encrypted.", "Save it without a password.")
    if len(parts) > PARTS or sum(part.file_size for part in parts) > options.max_unpacked or any(map(_swells, parts)):
        raise Unreadable("The workbook becomes too large when it is unpacked.", SAVE)
    left = options.max_unpacked
    for part in parts:
        for chunk in _chunks(archive, part.filename):
            left -= len(chunk)
            if left < 0:
                raise Unreadable("The workbook becomes too large when it is unpacked.", SAVE)
    return archive


def _parts(reader: ExcelReader, *kinds: str) -> list[str]:
    contents: Any = reader.package
    found = [contents.find(kind) for kind in kinds]
    return [part.PartName.removeprefix("/") for part in found if part is not None]


def _refuse_many_tags(archive: zipfile.ZipFile, most: int, parts: list[str]) -> None:
    """Each element of what is read whole takes some 200 bytes of memory, and may be four in the file."""
    for part in set(parts) & set(archive.namelist()):
        if sum(chunk.count(b"<") for chunk in _chunks(archive, part)) > most:
            raise Unreadable(ODD, SAVE)


def _swells(part: zipfile.ZipInfo) -> bool:
    return part.file_size > SMALL and part.file_size > RATIO * part.compress_size


def _directory(file: BinaryIO) -> int:
    """Bytes of the archive's list of contents, which zipfile would read whole; 0 when there is none to be found."""
    size = file.seek(0, 2)
    file.seek(max(0, size - 66_000))
    tail = file.read()
    at = tail.rfind(_END)
    if at < 0 or len(tail) < at + 22:
        return 0
    (length,) = struct.unpack_from("<L", tail, at + 12)
    if tail[max(0, at - 20) : at].startswith(_LOCATOR) and tail[max(0, at - 76) : at].startswith(_END_64):
        (length,) = struct.unpack_from("<Q", tail, at - 76 + 40)
    return int(length)


def _chunks(archive: zipfile.ZipFile, part: str) -> Iterator[bytes]:
    with archive.open(part) as source:
        while chunk := source.read(CHUNK):
            yield chunk


def _search(archive: zipfile.ZipFile, part: str, wanted: re.Pattern[bytes]) -> Iterator[re.Match[bytes]]:
    """Every match in a part, read in pieces that overlap; a match is no longer than 200 bytes."""
    kept = b""
    for chunk in chain(_chunks(archive, part), [b""]):
        piece = kept + chunk
        keep = max(0, len(piece) - 200) if chunk else len(piece)
        last = 0
        for match in wanted.finditer(piece):
            if match.start() < keep:
                last = match.end()
                yield match
        kept = piece[max(keep, last) :]


def _choose(
    archive: zipfile.ZipFile, sheets: list[tuple[str, bool, str]], options: TableOptions, notes: list[str]
) -> str:
    """The part of the sheet to read. Raises `Unreadable` with no sheet's name but the one that was asked for."""
    if options.sheet is not None:
        named = [part for name, _, part in sheets if name == options.sheet]
        if not named:
            raise Unreadable(f"There is no sheet named {options.sheet}.", "Look at how the sheet is named (sheet).")
        return named[0]
    shown = [part for _, visible, part in sheets if visible]
    if len(shown) > 1:
        shown = [part for part in shown if any(_search(archive, part, _CELL))] or shown[:1]
    if len(shown) > 1:
        raise Unreadable(f"The workbook has {len(shown)} sheets.", "Say which one to read (sheet).")
    if not shown:
        raise Unreadable("The workbook has no sheet that is visible.", "Show the sheet, or say which it is (sheet).")
    if not all(visible for _, visible, _ in sheets):
        notes.append("The workbook has hidden sheets, which were not read.")
    return shown[0]


def _refuse_doctype(archive: zipfile.ZipFile, part: str) -> None:
    """A sheet has no document type, and without one no entities that grow. So the quick parser can read it, which
    defusedxml can't look into."""
    begun: list[str] = []
    doctype: list[str] = []
    parser = ParserCreate()
    parser.StartDoctypeDeclHandler = lambda name, *_: doctype.append(name)
    parser.StartElementHandler = lambda name, _: begun.append(name)
    parser.Parse(next(_chunks(archive, part), b""), False)
    if doctype:
        raise Unreadable("The workbook has a document type, which no spreadsheet program writes.", SAVE)
    if not begun:
        raise Unreadable(ODD, SAVE)


def _styles(archive: zipfile.ZipFile) -> tuple[frozenset[int], frozenset[int], frozenset[int]]:
    """The styles that show a number as a date, as a duration, and as per cent."""
    if ARC_STYLE not in archive.namelist():
        return frozenset(), frozenset(), frozenset()
    styles: Any = Stylesheet.from_tree(fromstring(archive.read(ARC_STYLE)))  # type: ignore[arg-type]  # the stubs' own element
    custom = dict(enumerate(styles.number_formats, BUILTIN_FORMATS_MAX_SIZE))
    formats = [custom.get(style.numFmtId) or BUILTIN_FORMATS.get(style.numFmtId, "") for style in styles.cell_styles]
    percents = {at for at, code in enumerate(formats) if "%" in re.sub(r'"[^"]*"|\\.', "", code)}
    return frozenset(styles.date_formats), frozenset(styles.timedelta_formats), frozenset(percents)


def _merged(archive: zipfile.ZipFile, part: str, options: TableOptions) -> dict[int, list[tuple[int, int, bool]]]:
    """What is merged from the header's row on. It stands after the rows in the XML, and has to be known before."""
    merged: dict[int, list[tuple[int, int, bool]]] = {}
    count = 0
    for match in _search(archive, part, _MERGE):
        where = match[1].decode()
        first, last = (coordinate_to_tuple(corner) for corner in where.split(":"))
        (top, left), (bottom, right) = first, last
        if top <= options.header_row <= bottom:
            raise Unreadable(
                f"The cells {where} of the header are merged.", "Unmerge them, and give each column a name."
            )
        if bottom < options.header_row:
            continue
        count += bottom - top + 1
        if count > MERGED_ROWS:
            raise Unreadable("The sheet has too many merged cells.", "Unmerge them.")
        for row in range(top, bottom + 1):
            merged.setdefault(row, []).append((left, right, row == top))
    return merged
