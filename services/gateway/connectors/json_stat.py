"""JSON-stat as PxWebApi serves it: 2.0 (`json-stat2`, versions 1 and 2) and the older 1.x (`json-stat`, version 1 only),
which puts the same into an object named `dataset`. https://json-stat.org/full/"""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, BinaryIO, Final

from services.chassis.clock import local_date

from .json_table import TwoOfAName, no_number, once_each
from .shape import Unreadable
from .texts import text_of

MAX_BYTES: Final = 64 * 1024 * 1024
MAX_VALUES: Final = 500_000
"""Statistics Sweden serves 150,000 at a time."""
FETCH: Final = "Ask the agency for JSON-stat 2 (json-stat2), and send what it answers as it is."
Json = Any

_CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]+")


@dataclass(frozen=True, slots=True)
class Dimension:
    """One dimension: its codes in order, and what is said of it and of each of them."""

    id: str
    codes: tuple[str, ...]
    notes: tuple[str, ...]
    notes_of: Mapping[str, tuple[str, ...]]
    units: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Observation:
    """One value, numbered from 1 as in the file. `value` is None where there is none, and text where something else than
    a number stands there. `symbol` is the agency's status."""

    number: int
    codes: Mapping[str, str]
    value: float | str | None
    symbol: str | None


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset. `updated` is the day the agency says it was published; `time`, `metric` and `geo` name dimensions."""

    dimensions: tuple[Dimension, ...]
    values: Mapping[int, Json] | Sequence[Json]
    statuses: Mapping[int, str] | Sequence[str | None] | str
    notes: tuple[str, ...]
    updated: date | None
    time: str | None
    metric: str | None
    geo: str | None

    def dimension(self, id_: str) -> Dimension | None:
        return next((one for one in self.dimensions if one.id == id_), None)

    def __iter__(self) -> Iterator[Observation]:
        """Every value, the last dimension's codes changing first."""
        for number in range(math.prod(len(one.codes) for one in self.dimensions)):
            codes: dict[str, str] = {}
            rest = number
            for one in reversed(self.dimensions):
                rest, at = divmod(rest, len(one.codes))
                codes[one.id] = one.codes[at]
            yield self._observation(number, codes)

    def at(self, codes: Mapping[str, str]) -> Observation | None:
        """The value of a code in each dimension; None when there is no such code."""
        number = 0
        for one in self.dimensions:
            if codes[one.id] not in one.codes:
                return None
            number = number * len(one.codes) + one.codes.index(codes[one.id])
        return self._observation(number, codes)

    def notes_at(self, codes: Mapping[str, str]) -> tuple[str, ...]:
        """What the agency says of the dataset, its dimensions and a value's codes, each once."""
        said = [*self.notes]
        for one in self.dimensions:
            said += [*one.notes, *one.notes_of.get(codes[one.id], ())]
        return tuple(dict.fromkeys(said))

    def _observation(self, number: int, codes: Mapping[str, str]) -> Observation:
        said = self.values.get(number) if isinstance(self.values, Mapping) else self.values[number]
        return Observation(number + 1, codes, _number(said), _status(self.statuses, number))


def _number(said: Json) -> float | str | None:
    if said is None:
        return None
    if isinstance(said, bool) or not isinstance(said, int | float):
        return str(said)
    return said


def _status(statuses: Mapping[int, str] | Sequence[str | None] | str, number: int) -> str | None:
    match statuses:
        case str():
            said: str | None = statuses
        case Mapping():
            said = statuses.get(number)
        case _:
            said = statuses[number] if statuses else None
    return said or None


def read_json_stat(file: BinaryIO) -> Dataset:
    """The dataset in `file`. Raises `Unreadable`, also for JSON that is something else."""
    if file.seek(0, 2) > MAX_BYTES:
        raise Unreadable(
            f"The file is larger than {MAX_BYTES // 1024**2} MB.", "Ask for fewer regions or years at a time."
        )
    text, _ = text_of(file, windows=False)
    try:
        whole = json.load(text, parse_constant=no_number, object_pairs_hook=once_each)
    except TwoOfAName:
        raise Unreadable("The file has an object with two fields of one name.", FETCH) from None
    except (ValueError, RecursionError):
        raise Unreadable("The file is not JSON, or ends within it.", FETCH) from None
    try:
        return _read(_dataset(whole))
    except Unreadable:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise Unreadable("The file is not JSON-stat: a part of it is missing or of another kind.", FETCH) from error


def _dataset(whole: Json) -> dict[str, Json]:
    """The dataset in what was served. Raises `Unreadable` that tells what else it is."""
    if not isinstance(whole, dict):
        raise Unreadable("The file is JSON, and not JSON-stat.", FETCH)
    if whole.get("class") in {"collection", "dimension"}:
        raise Unreadable(f"The file is a JSON-stat {whole['class']}: it has no values.", "Ask for the table's data.")
    if "columns" in whole and "data" in whole:
        raise Unreadable("The file is PxWeb's own JSON, which says neither units nor notes.", FETCH)
    if "error" in whole or ("title" in whole and "status" in whole and "dimension" not in whole):
        raise Unreadable("The file is what the agency answers when something is wrong.", "Look at it, and ask again.")
    if "dimension" in whole:
        if "value" not in whole:
            raise Unreadable("The file describes a table and has none of its values.", "Ask for the table's data.")
        return whole
    sets = [inner for inner in whole.values() if isinstance(inner, dict) and "dimension" in inner and "value" in inner]
    if len(sets) != 1:
        raise Unreadable("The file is JSON, and not one dataset in JSON-stat.", FETCH)
    return sets[0]


def _read(said: dict[str, Json]) -> Dataset:
    described = said["dimension"]
    about = said if "id" in said else described  # 1.x has id, size and role among the dimensions
    ids, sizes, roles = about["id"], about["size"], about.get("role") or {}
    if len(ids) != len(sizes) or len(set(ids)) < len(ids) or not ids:
        raise Unreadable("The file names its dimensions otherwise than their sizes.", FETCH)
    total = math.prod(_count(size) for size in sizes)
    if total > MAX_VALUES:
        raise Unreadable(f"The dataset has more than {MAX_VALUES} values.", "Ask for fewer regions or years at a time.")
    dimensions = tuple(_dimension(id_, size, described[id_]) for id_, size in zip(ids, sizes, strict=True))
    return Dataset(
        dimensions=dimensions,
        values=_values(said["value"], total),
        statuses=_statuses(said.get("status"), total),
        notes=_notes(said.get("note")),
        updated=_day(said.get("updated")),
        time=_only(roles.get("time"), ids),
        metric=_only(roles.get("metric"), ids),
        geo=_only(roles.get("geo"), ids),
    )


def _count(size: Json) -> int:
    if isinstance(size, bool) or not isinstance(size, int) or not 0 <= size <= MAX_VALUES:
        raise ValueError
    return size


def _dimension(id_: str, size: int, said: dict[str, Json]) -> Dimension:
    category = said["category"]
    index = category.get("index", category.get("label", {}) if size == 1 else {})
    if isinstance(index, list):
        codes = [str(code) for code in index]
    elif "index" in category:
        codes = sorted(index, key=lambda code: _count(index[code]))
        if sorted(index.values()) != list(range(len(index))):
            raise Unreadable(f"The categories of the dimension {id_} have gaps in their order.", FETCH)
    else:  # a dimension of one category needs no order
        codes = list(index)
    if len(codes) != size or len(set(codes)) < size:
        raise Unreadable(f"The dimension {id_} should have {size} categories, and has {len(set(codes))}.", FETCH)
    notes_of = {code: _notes(note) for code, note in (category.get("note") or {}).items()}
    units = {
        code: str(unit.get("base") or unit.get("label") or "")
        for code, unit in (category.get("unit") or {}).items()
        if isinstance(unit, dict)
    }
    return Dimension(str(id_), tuple(codes), _notes(said.get("note")), notes_of, units)


def _values(said: Json, total: int) -> Mapping[int, Json] | Sequence[Json]:
    if isinstance(said, dict):
        return _sparse(said, total)
    if not isinstance(said, list):
        raise TypeError
    if len(said) != total:
        raise Unreadable(f"The dataset should have {total} values, and has {len(said)}.", FETCH)
    return said


def _sparse(said: dict[str, Json], total: int) -> dict[int, Json]:
    found = {int(place): inner for place, inner in said.items()}
    if any(not 0 <= place < total for place in found):
        raise Unreadable("The dataset has a value or status at a place that it doesn't have.", FETCH)
    return found


def _statuses(said: Json, total: int) -> Mapping[int, str] | Sequence[str | None] | str:
    match said:
        case None:
            return ()
        case str():
            return said
        case dict():
            return {place: str(status) for place, status in _sparse(said, total).items() if status is not None}
        case list() if len(said) == 1:
            return "" if said[0] is None else str(said[0])
        case list() if len(said) == total:
            return [None if status is None else str(status) for status in said]
        case list():
            raise Unreadable(f"The dataset should have {total} statuses, and has {len(said)}.", FETCH)
        case _:
            raise TypeError


def _notes(said: Json) -> tuple[str, ...]:
    if said is None:
        return ()
    told = [said] if isinstance(said, str) else said
    clean = (_CONTROL.sub(" ", str(note).replace("\r\n", "\n")).strip() for note in told)
    return tuple(note for note in clean if note)


def _day(said: Json) -> date | None:
    """The day in Sweden of a moment as the agency writes it."""
    if not isinstance(said, str):
        return None
    try:
        moment = datetime.fromisoformat(said)
    except ValueError:
        return None
    return moment.date() if moment.tzinfo is None else local_date(moment)


def _only(said: Json, ids: Sequence[str]) -> str | None:
    """The one dimension of a role; None when there is none, or several to choose from."""
    return said[0] if isinstance(said, list) and len(said) == 1 and said[0] in ids else None
