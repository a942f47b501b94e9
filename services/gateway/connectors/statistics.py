"""Official statistics, in JSON-stat or in a table, as OfficialStatisticImported: one observation each, with where it comes
from. Nothing is guessed: what neither the file nor the connector says is refused."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any, BinaryIO, ClassVar, Final

from schemas.envelope import parse_data
from schemas.errors import Malformed
from schemas.event import EventData
from schemas.fields import PERIOD, PHRASES
from schemas.statistics import OfficialStatisticImported

from .cells import NotA, as_number, as_text, noon, what
from .json_stat import Dataset, read_json_stat
from .rows import Cell, Row, Table, TableOptions
from .shape import Found, Note, Options, RefusedRow, Unreadable
from .statistics_options import Axis, Measure, StatisticsOptions, as_ages, as_period
from .tables import open_table, start_of
from .twice import Said, twice

MAX_ROWS: Final = 250_000
MAX_NOTES: Final = 20
MAX_NOTE: Final = 2_000
COUNTED_WITHOUT: Final = frozenset({"published_on", "revision"})
"""What a table that is fetched again says anew of every figure."""
UNITS: Final[Mapping[str, str]] = {
    "procent": "percent", "percent": "percent", "per cent": "percent", "%": "percent",
    "antal": "number", "number": "number", "antal personer": "number", "number of persons": "number",
    "tkr": "sek-thousand", "sek thousands": "sek-thousand", "kr": "sek", "kronor": "sek", "sek": "sek",
}  # fmt: skip
"""Units as agencies name them, of which we know the code."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """One value of the file, and the codes that its dimensions or columns say of it. `others`: values of the measures that
    go with it."""

    row: int
    codes: Mapping[str, str | None]
    region: str
    period: str | None
    period_from: str
    measure: str
    value: Cell | float
    symbol: str | None
    notes: tuple[str, ...]
    others: Mapping[str, Cell | float]


class OfficialStatistics:
    """JSON-stat, CSV or a workbook → OfficialStatisticImported."""

    name: ClassVar[str] = "statistics"
    options: ClassVar[type[Options]] = StatisticsOptions
    first_is_history: ClassVar[bool] = True

    def read(self, file: BinaryIO, filename: str, options: StatisticsOptions) -> Iterator[Said]:
        return twice(partial(_read, file, filename, options))


def _read(file: BinaryIO, filename: str, options: StatisticsOptions) -> Iterator[Said]:
    file.seek(0)
    if start_of(file.read(1024)).startswith(b"{"):
        dataset = read_json_stat(file)
        observations = _Observations(options, dataset.updated)
        yield from observations.said(_of_dataset(dataset, options))
        return
    table = open_table(
        file,
        filename,
        TableOptions(
            sheet=options.sheet, header_row=options.header_row, delimiter=options.delimiter, max_rows=MAX_ROWS
        ),
    )
    observations = _Observations(options, None)
    yield from observations.said(_of_table(table, options))
    for note in table.notes:
        yield Note(note)


def _of_dataset(dataset: Dataset, options: StatisticsOptions) -> Iterator[_Seen]:
    """The values of the measures that are asked for. Raises `Unreadable` when the dataset isn't as the options say."""
    metric = options.measure_dimension or dataset.metric
    time = (
        options.period.dimension
        if isinstance(options.period, Axis)
        else dataset.time
        if options.period is None
        else None
    )
    region = options.region.dimension or dataset.geo
    if region is None:
        raise Unreadable("The file doesn't say which dimension has the regions.", "Say which (region, dimension).")
    _agree(dataset, options, {name for name in (metric, time, region) if name})
    if metric is None and len(options.measures) != 1:
        raise Unreadable("The file has one measure only.", "Say only that one (measures).")
    _check_units(dataset, options, metric)
    for one in dataset:
        measure = one.codes[metric] if metric else next(iter(options.measures))
        wanted = options.measures.get(measure)
        if wanted is None or any(one.codes[name] != code for name, code in options.others.items()):
            continue
        yield _Seen(
            row=one.number,
            codes=one.codes,
            region=one.codes[region],
            period=one.codes[time] if time is not None else None,
            period_from=time or "",
            measure=measure,
            value=one.value,
            symbol=one.symbol,
            notes=dataset.notes_at(one.codes),
            others=_beside(dataset, wanted, one.codes, metric),
        )


def _beside(dataset: Dataset, wanted: Measure, codes: Mapping[str, str], metric: str | None) -> dict[str, Cell | float]:
    """The values of other measures that go with one, by their codes."""
    beside = [name for name in (wanted.numerator, wanted.denominator) if name is not None]
    if metric is None:
        return {}
    found = {name: dataset.at({**codes, metric: name}) for name in beside}
    return {name: one.value for name, one in found.items() if one is not None}


def _agree(dataset: Dataset, options: StatisticsOptions, roles: set[str]) -> None:
    """Raises `Unreadable` when dimensions are named that the dataset doesn't have, or it has others that may differ."""
    there = {one.id for one in dataset.dimensions}
    missing = [name for name in options.dimensions if name not in there]
    if missing:
        raise Unreadable(
            f"The file has no dimension named {', '.join(missing)}.",
            "Name the dimensions as the file does, by their codes.",
        )
    named = {*options.dimensions, *roles}
    loose = [one.id for one in dataset.dimensions if one.id not in named and len(one.codes) != 1]
    if loose:
        raise Unreadable(
            f"The connector doesn't say what the dimension {', '.join(loose)} is.",
            "Say which of the event's fields it tells, or which of its codes is meant (others).",
        )


def _check_units(dataset: Dataset, options: StatisticsOptions, metric: str | None) -> None:
    measures = dataset.dimension(metric) if metric else None
    if measures is None:
        return
    for code, measure in options.measures.items():
        beside = [name for name in (measure.numerator, measure.denominator) if name is not None]
        missing = [name for name in (code, *beside) if name not in measures.codes]
        if missing:
            raise Unreadable(f"The file has no measure {', '.join(missing)}.", "Name the measures as the file does.")
        said = measures.units.get(code, "").strip()
        known = UNITS.get(said.lower())
        wrong = said != measure.unit_in_file if measure.unit_in_file is not None else known not in {None, measure.unit}
        if wrong:
            raise Unreadable(
                f"The file gives {code} in another unit than the connector says ({measure.unit}).",
                "Look at which is right: a series has one unit.",
            )


def _of_table(table: Table, options: StatisticsOptions) -> Iterator[_Seen | RefusedRow]:
    """The values of a table whose columns are dimensions and measures. Raises `Unreadable` for columns that aren't there."""
    region = options.region.dimension
    beside = {m: [n for n in (v.numerator, v.denominator) if n] for m, v in options.measures.items()}
    asked = [*options.dimensions, *options.measures, *(name for names in beside.values() for name in names)]
    asked += [options.status_column] if options.status_column else []
    if region is None or options.period is None:
        raise Unreadable("A table doesn't say by itself where regions and periods are.", "Say it (region, period).")
    if table.columns is not None and (missing := [name for name in dict.fromkeys(asked) if name not in table.columns]):
        raise Unreadable(f"The file has no column named {', '.join(missing)}.", "Name the columns as the file does.")
    time = options.period.dimension if isinstance(options.period, Axis) else ""
    for row in table:
        wrong = row.wrong_in(asked)
        yield from (RefusedRow(row.number, cell.column, cell.expected, cell.got) for cell in wrong)
        if not wrong and all(_text(row, name) == code for name, code in options.others.items()):
            codes = {name: _text(row, name) for name in options.dimensions}
            for measure in options.measures:
                yield _Seen(
                    row=row.number,
                    codes=codes,
                    region=(codes[region] or "").zfill(options.region.digits),
                    period=codes.get(time),
                    period_from=time,
                    measure=measure,
                    value=row.cells.get(measure),
                    symbol=_text(row, options.status_column) if options.status_column else None,
                    notes=(),
                    others={name: row.cells.get(name) for name in beside[measure]},
                )


def _text(row: Row, column: str) -> str | None:
    cell = row.cells.get(column)
    return None if isinstance(cell, bool) else as_text(cell)


class _Observations:
    """Values made events, with what the connector knows of them."""

    def __init__(self, options: StatisticsOptions, updated: date | None) -> None:
        published_on = options.published_on or updated
        if published_on is None:
            raise Unreadable("The file doesn't say when it was published.", "Say it in the connector (published_on).")
        self._options = options
        self._published_on = published_on

    def said(self, seen: Iterator[_Seen | RefusedRow]) -> Iterator[Said]:
        for one in seen:
            if isinstance(one, RefusedRow):
                yield one
                continue
            if not self._options.region.starting or one.region.startswith(self._options.region.starting):
                yield self._found(one)

    def _found(self, seen: _Seen) -> Said:
        try:
            body = {name: value for name, value in self._fields(seen).items() if value is not None}
        except _Refused as refused:
            return RefusedRow(seen.row, refused.field, refused.expected, refused.got)
        try:
            data, _ = parse_data(OfficialStatisticImported, json.dumps(body).encode())
        except Malformed as malformed:
            first = malformed.problems[0]
            return RefusedRow(seen.row, (first.field or "").removeprefix("data."), first.expected, first.got)
        return Found(
            seen.row,
            json.dumps(data.identity),
            data,
            noon(self._published_on),
            revision_field="revision",
            compared=_compared(data),
        )

    def _fields(self, seen: _Seen) -> dict[str, Any]:
        options, measure = self._options, self._options.measures[seen.measure]
        division = options.region.division(seen.region)
        if division is None or not seen.region:
            raise _Refused(options.region.dimension or "", "a region of a division that the connector names", "another")
        ages = self._told(options.age, seen, as_ages, "an age span, such as 20-64")
        value, status, marked = self._value(seen)
        return {
            "series": measure.series,
            "source_table": options.source_table,
            "register": self._told(options.register_, seen),
            "operator_agency": options.operator_agency,
            "region_code": seen.region.removesuffix(division.ending),
            "region_kind": division.kind,
            "region_version": division.version,
            "population": self._told(options.population, seen),
            "age_from": ages.from_,
            "age_to": ages.to,
            "sex": self._told(options.sex, seen),
            "birth_region": self._told(options.birth_region, seen),
            "period": self._period(seen),
            "value": value,
            "status": status,
            "unit": measure.unit,
            "numerator": self._count(seen, measure.numerator),
            "denominator": self._count(seen, measure.denominator),
            "published_on": self._published_on.isoformat(),
            "revision": 0,
            "notes": _fitted((*options.notes, *seen.notes, *marked)),
        }

    def _told(
        self, told: Any, seen: _Seen, plain: Any = None, expected: str = "a code that the connector explains"
    ) -> Any:
        """What is told once for the whole file, or by a dimension's code."""
        if not isinstance(told, Axis):
            return told
        code = seen.codes[told.dimension]
        if code in told.codes:
            return told.codes[code]
        found = plain(code) if plain is not None and code is not None else None
        if found is None:
            raise _Refused(told.dimension, expected, "nothing" if code is None else "another code")
        return found

    def _period(self, seen: _Seen) -> str:
        period = self._options.period
        if isinstance(period, str):
            return period
        code = seen.period
        named = period.codes.get(code or "") if period is not None else None
        found = named or (as_period(code) if code else None)
        if found is None:
            raise _Refused(seen.period_from, PHRASES[PERIOD], what(code))
        return found

    def _value(self, seen: _Seen) -> tuple[float | None, str, tuple[str, ...]]:
        """The value, its status, and a note of a symbol that says neither."""
        said, symbol = seen.value, seen.symbol
        if isinstance(said, str) and self._options.meaning(said) is not None:  # in a table, symbols stand among figures
            said, symbol = None, said
        meaning = self._options.meaning(symbol) if symbol is not None else None
        if said is None:
            if symbol is not None and meaning is None:
                raise _Refused(seen.measure, "a symbol that the connector explains (symbols)", "another one")
            return (0.0, self._options.status, ()) if meaning == "zero" else (None, _without(meaning), ())
        if meaning in {"missing", "confidential", "not_applicable"}:
            return None, _without(meaning), ()
        value = _figure(said, seen.measure, self._options.decimal)
        marked = (f"Marked {symbol[:32]} by the agency.",) if symbol is not None and meaning is None else ()
        return value, "preliminary" if meaning == "preliminary" else self._options.status, marked

    def _count(self, seen: _Seen, name: str | None) -> int | None:
        said = seen.others.get(name) if name is not None else None
        if name is None or said is None or (isinstance(said, str) and self._options.meaning(said) is not None):
            return None
        number = _figure(said, name, self._options.decimal)
        if not number.is_integer():
            raise _Refused(name, "a whole number", "a number with decimals")
        return int(number)


class _Refused(Exception):
    """A value that says nothing, and why."""

    def __init__(self, field: str, expected: str, got: str) -> None:
        super().__init__(expected)
        self.field, self.expected, self.got = field, expected, got


def _figure(said: Cell | float, field: str, decimal: str | None) -> float:
    try:
        number = as_number(Decimal(repr(said)) if isinstance(said, float) else said, decimal=decimal)
    except NotA as error:
        raise _Refused(field, error.expected, what(said if not isinstance(said, float) else None)) from None
    assert number is not None
    return float(number)


def _without(meaning: str | None) -> str:
    return meaning if meaning in {"confidential", "not_applicable"} else "missing"


def _fitted(notes: tuple[str, ...]) -> list[str]:
    """Notes no longer and no more than an event takes: long ones in parts, and many put together."""
    parts = [note[at : at + MAX_NOTE] for note in dict.fromkeys(notes) for at in range(0, len(note), MAX_NOTE)]
    if len(parts) <= MAX_NOTES:
        return parts
    whole = "\n".join(parts)
    return [whole[at : at + MAX_NOTE] for at in range(0, len(whole), MAX_NOTE)]


def _compared(data: EventData) -> bytes:
    return data.model_dump_json(by_alias=True, exclude_none=True, exclude=set(COUNTED_WITHOUT)).encode()
