"""Tables in files, whoever made them: CSV, XLSX and JSON, read row by row in bounded memory.

    table = open_table(file, "leases.csv", TableOptions())
    for row in table:
        row.wrong_in({"Inflyttad"})        # each makes a RefusedRow
        as_day(row.cells.get("Inflyttad"))  # of `cells`; raises NotA
    table.notes                             # how it was read, each a Note

Nothing of what a file holds stands in a message: rows and columns are named by where they are, and what came by its
kind.
"""

from typing import BinaryIO, Final

from .csv_table import read_csv
from .json_table import read_json
from .rows import Table, TableOptions
from .shape import Unreadable
from .xlsx_table import read_xlsx

HEAD: Final = 1024
JSON_NAMES: Final = (".json", ".ndjson", ".jsonl")
_MARKS: Final = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED: Final = "EncryptedPackage".encode("utf-16-le")


def open_table(file: BinaryIO, name: str, options: TableOptions) -> Table:
    """The table in `file`, which must be able to seek. What it is, its content says; its name only that it should be
    JSON. Raises `Unreadable`, also later from the rows."""
    size = file.seek(0, 2)
    file.seek(0)
    head = file.read(HEAD)
    if not size:
        raise Unreadable("The file is empty.", "Export it again.")
    if size > options.max_bytes:
        raise Unreadable(f"The file is larger than {options.max_bytes // 1024**2} MB.", "Send it in several files.")
    if head.startswith(b"PK\x03\x04"):
        return read_xlsx(file, options)
    start = start_of(head)
    _refuse_others(file, head, start)
    if start.startswith((b"{", b"[")) or name.lower().endswith(JSON_NAMES):
        return read_json(file, options)
    return read_csv(file, options)


def start_of(head: bytes) -> bytes:
    """The first letters without a byte order mark and spaces, in lower case; of UTF-16 without its zeros."""
    for mark in _MARKS:
        head = head.removeprefix(mark)
    return head.replace(b"\0", b"").lstrip().lower()


def _refuse_others(file: BinaryIO, head: bytes, start: bytes) -> None:
    if head.startswith(_OLE):
        if _holds(file, _ENCRYPTED):
            raise Unreadable("The workbook is encrypted.", "Save it without a password.")
        raise Unreadable(
            "The file is in Excel's old format (.xls).", "Save it as an Excel workbook (.xlsx) or CSV UTF-8."
        )
    if start.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        raise Unreadable(
            "The file is a web page, often one that says that something went wrong.",
            "Open it in a browser to see what it says, and export the table again.",
        )
    if start.startswith((b"<?xml", b"<")):
        raise Unreadable("The file is XML.", "Save it as an Excel workbook (.xlsx), CSV UTF-8 or JSON.")
    if head.startswith((b"%PDF", b"\x1f\x8b", b"PK")):
        raise Unreadable(
            "The file is a PDF or an archive, not a table.", "Send an Excel workbook (.xlsx), CSV UTF-8 or JSON."
        )


def _holds(file: BinaryIO, wanted: bytes) -> bool:
    file.seek(0)
    kept = b""
    while chunk := file.read(HEAD * HEAD):
        if wanted in kept + chunk:
            return True
        kept = chunk[-len(wanted) :]
    return False
