"""Figures, days and times as the reader's language writes them."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal, get_minus_sign_symbol

from services.chassis.clock import STOCKHOLM

Numeric = int | float | Decimal


@dataclass(frozen=True)
class Formats:
    """The template filters of one language."""

    locale: Locale

    def percent(self, value: Numeric, decimals: int = 1) -> str:
        """A share in percent (91.333, not 0.91333): `91,3 %` in Swedish, the space one that doesn't break."""
        digits = f"#,##0.{'0' * decimals}".rstrip(".")
        pattern = self.locale.percent_formats[None].pattern.replace("#,##0", digits)
        # The pattern multiplies by a hundred; the value is rounded first, halves up as people do.
        return self._written(_rounded(value, decimals) / 100, pattern)

    def number(self, value: Numeric, decimals: int = 0) -> str:
        """`1 234` in Swedish; with `decimals`, always that many."""
        return self._written(_rounded(value, decimals), f"#,##0.{'0' * decimals}".rstrip("."))

    def _written(self, value: Decimal, pattern: str) -> str:
        # Babel leaves the hyphen of a pattern where the language has a minus sign of its own.
        return format_decimal(value, format=pattern, locale=self.locale).replace(
            "-", get_minus_sign_symbol(self.locale)
        )

    def date(self, value: date) -> str:
        """`1 mars 2019`. Of a moment, the day in Sweden."""
        day = value.astimezone(STOCKHOLM).date() if isinstance(value, datetime) else value
        return format_date(day, "long", locale=self.locale)

    def datetime(self, value: datetime) -> str:
        """`1 mars 2019 14:02`, Swedish time. `value` is aware."""
        local = value.astimezone(STOCKHOLM)
        return f"{self.date(local)} {format_datetime(local, 'HH:mm', tzinfo=STOCKHOLM, locale=self.locale)}"


def _rounded(value: Numeric, decimals: int) -> Decimal:
    return Decimal(str(value)).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
