"""What people write in cells, as what they mean: Swedish numbers, days as they are written in Sweden, yes and no."""

import re
from datetime import date, datetime, time
from decimal import Decimal
from typing import Final

from schemas.fields import A_DAY
from services.chassis.clock import STOCKHOLM

from .rows import Cell

A_NUMBER: Final = "a number, such as 12 or 1 234,5"
PLAIN_NUMBER: Final = "a number that reads one way only: 1.234 may be 1234 (say decimal)"
DAY_FORMS: Final = f"{A_DAY}, or 1 mars 2019, 1/3 2019, 1.3.2019"
A_MOMENT: Final = "a day, or a day and a time"
YES_OR_NO: Final = "yes or no (ja, nej)"

_SPACE: Final = re.compile(r"[\s\u00a0\u2007\u2009\u202f']")
_MINUS: Final = str.maketrans({"\u2212": "-", "\u2013": "-"})
_UNITS: Final = re.compile(r"(?:%|procent|kr|kronor|st)\.?$", re.IGNORECASE)
_PLAIN: Final = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)", re.ASCII)
_THOUSANDS: Final = {
    ".": re.compile(r"[+-]?\d{1,3}(?:\.\d{3})+(?:,\d*)?", re.ASCII),
    ",": re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d*)?", re.ASCII),
}
_EITHER: Final = re.compile(r"[+-]?[1-9]\d{0,2}\.\d{3}", re.ASCII)

_MONTHS: Final = ("jan", "feb", "mar", "apr", "maj", "jun", "jul", "aug", "sep", "okt", "nov", "dec")
_ISO: Final = re.compile(r"(\d{4})[-./ ](\d{1,2})[-./ ](\d{1,2})(?:[T ]00:00(?::00(?:\.0+)?)?)?", re.ASCII)
_COMPACT: Final = re.compile(r"((?:19|20|21)\d{2})(\d{2})(\d{2})", re.ASCII)
_DOTTED: Final = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})", re.ASCII)
_SLASHED: Final = re.compile(r"(\d{1,2})/(\d{1,2})[ -](\d{4})", re.ASCII)
_NAMED: Final = re.compile(r"(?:den )?(\d{1,2})[:.]?(?:a|e)? ([a-zå]{3,9})\.? (\d{4})", re.ASCII | re.IGNORECASE)

_YES: Final = frozenset({"ja", "j", "yes", "y", "true", "sant", "x", "1"})
_NO: Final = frozenset({"nej", "n", "no", "false", "falskt", "0"})


class NotA(ValueError):
    """A cell that isn't what it should be: `expected`, as a phrase."""

    def __init__(self, expected: str) -> None:
        self.expected = expected
        super().__init__(expected)


def what(cell: Cell) -> str:
    """The kind of thing in a cell, never the thing."""
    match cell:
        case None:
            return "nothing"
        case bool():
            return "true or false"
        case int() | Decimal():
            return "a number"
        case datetime():
            return "a day and a time"
        case date():
            return "a day"
        case str():
            return f"text of {len(cell)} characters"


def as_text(cell: Cell, *, digits: int = 0) -> str | None:
    """What stands there, as text; days as YYYY-MM-DD. `digits`: how many a code has whose first zeros a sheet drops."""
    match cell:
        case None | str():
            text = cell
        case bool():
            raise NotA("text")
        case int():
            text = str(cell)
        case Decimal():
            text = format(cell, "f")
            text = text.rstrip("0").rstrip(".") if "." in text else text
        case _:
            text = cell.isoformat()
    return text.zfill(digits) if text and text.isdecimal() else text


def as_number(cell: Cell, *, decimal: str | None = None) -> Decimal | None:
    """A number, also as 1 234,5 or 52,3 % (which is 52.3). `decimal`: what stands before decimals in this file; None:
    a comma or a point, and what could be both is refused."""
    match cell:
        case None:
            return None
        case bool() | date():
            raise NotA(A_NUMBER)
        case int() | Decimal():
            return Decimal(cell)
        case str():
            pass
    text = _UNITS.sub("", _SPACE.sub("", cell.translate(_MINUS)))
    point = decimal or _point(text)
    group = "." if point == "," else ","
    if group in text:
        if not _THOUSANDS[group].fullmatch(text):
            raise NotA(A_NUMBER)
        text = text.replace(group, "")
    text = text.replace(point, ".", 1)
    if len(text) > 40 or not _PLAIN.fullmatch(text):
        raise NotA(A_NUMBER)
    return Decimal(text)


def _point(text: str) -> str:
    """What stands before the decimals: of a comma and a point the last, of one that comes again and again the other."""
    if _EITHER.fullmatch(text):
        raise NotA(PLAIN_NUMBER)
    commas, points = text.count(","), text.count(".")
    if commas and points:
        return max(",.", key=text.rfind)
    if commas > 1 or points > 1:
        return "," if points else "."
    return "," if commas else "."


def as_day(cell: Cell) -> date | None:
    """A day. A number is none, unless it is written YYYYMMDD: how a sheet counts days, its own format says. 1/3/2019 is
    March in Sweden and January elsewhere, and refused."""
    match cell:
        case None:
            return None
        case datetime() if cell.time() == time():
            return cell.date()
        case datetime() | bool() | Decimal():
            raise NotA(DAY_FORMS)
        case date():
            return cell
        case _:
            pass
    text = " ".join(str(cell).split())
    try:
        if found := _ISO.fullmatch(text) or _COMPACT.fullmatch(text):
            return date(int(found[1]), int(found[2]), int(found[3]))
        if found := _DOTTED.fullmatch(text) or _SLASHED.fullmatch(text):
            return date(int(found[3]), int(found[2]), int(found[1]))
        if found := _NAMED.fullmatch(text):
            return date(int(found[3]), _MONTHS.index(found[2][:3].lower()) + 1, int(found[1]))
    except ValueError:
        pass
    raise NotA(DAY_FORMS)


def as_moment(cell: Cell) -> datetime | None:
    """A moment, aware. A day is its noon in Sweden, a time without offset is in Sweden."""
    if isinstance(cell, str) and re.search(r"\d[T ]\d\d:\d\d", cell):
        try:
            cell = datetime.fromisoformat(cell)
        except ValueError:
            raise NotA(A_MOMENT) from None
    if isinstance(cell, datetime):
        return cell if cell.tzinfo else cell.replace(tzinfo=STOCKHOLM)
    try:
        day = as_day(cell)
    except NotA:
        raise NotA(A_MOMENT) from None
    return None if day is None else noon(day)


def noon(day: date) -> datetime:
    """The middle of a day in Sweden: the same day nearly everywhere."""
    return datetime.combine(day, time(12), STOCKHOLM)


def as_yes_or_no(cell: Cell) -> bool | None:
    if cell is None or isinstance(cell, bool):
        return cell
    text = str(cell).strip().lower()
    if text in _YES or text in _NO:
        return text in _YES
    raise NotA(YES_OR_NO)
