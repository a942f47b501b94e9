"""Figures as CSV, written the way Excel of the reader's language reads it when the file is opened with a double click.

Swedish: fields apart by `;`, decimals after a comma. English: `,` and a point. Both are UTF-8 with a byte order mark
(without one, Excel takes å for Ã¥), lines end with CRLF, and days are ISO 8601, which both understand.
"""

import csv
import io
from datetime import date
from decimal import Decimal

from services.reporting.exports.rows import COLUMNS, Cell, Table, safe

MEDIA_TYPE = "text/csv; charset=utf-8; header=present"


def write(table: Table, language: str) -> bytes:
    """The rows of a table. `language`: sv or en."""
    separator, point = (",", ".") if language == "en" else (";", ",")
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in table.rows:
        writer.writerow([_written(cell, point) for cell in row.cells()])
    return out.getvalue().encode("utf-8-sig")


def _written(cell: Cell, point: str) -> str:
    match cell:
        case None:
            return ""
        case bool():
            return "true" if cell else "false"
        case Decimal():
            return f"{cell:f}".replace(".", point)
        case int():
            return str(cell)
        case date():
            return cell.isoformat()
        case str():
            return safe(cell)
