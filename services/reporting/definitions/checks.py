"""What can be wrong with a goal file that is whole in itself: it names what isn't there, or what can't be meant.

Each mistake is told with its place in the file: a path of keys and numbers.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.reporting.definitions.clauses import AmountData, ClauseData, condition
from services.reporting.definitions.groups import Group
from services.reporting.definitions.measures import (
    AnyMeasure,
    CohortRatioMeasure,
    CountedData,
    FreshnessMeasure,
    OfficialMeasure,
    ShareMeasure,
    StepsData,
)
from services.reporting.definitions.shapes import fits, is_day, is_list, is_number, part_of, shapes

Path = tuple[int | str, ...]
Mistake = tuple[Path, str]


@dataclass(frozen=True, slots=True)
class Placed:
    """A clause, its name within its group, and where it stands."""

    name: str
    data: ClauseData
    path: Path


def measure_mistakes(measure: AnyMeasure, path: Path, dimensions: Sequence[str]) -> Iterator[Mistake]:
    """What is wrong with one measure of a goal with these dimensions beside the area."""
    if isinstance(measure, OfficialMeasure):
        for field in ("ages", "stand_ins"):
            said = getattr(measure, field)
            if any(first > last for first, last in ([said] if field == "ages" else said)):
                yield (*path, field), "an age span goes from the youngest to the oldest"
        return
    for group, at in _groups(measure, path):
        yield from _of_group(group, at, dimensions)


def clauses_of(measure: AnyMeasure, path: Path) -> Iterator[Placed]:
    """Every clause of a measure, of its sides too."""
    if not isinstance(measure, OfficialMeasure):
        for group, at in _groups(measure, path):
            yield from _placed(group, at)


def told(measure: AnyMeasure) -> set[str]:
    """The dimensions beside the area that a measure says a field of."""
    found = {dimension for placed in clauses_of(measure, ()) for dimension in placed.data.dimensions}
    for group, _ in _groups(measure, ()):
        if isinstance(group, StepsData) and group.each is not None:
            found |= group.each.dimensions.keys()
    return found | ({"publisher"} if isinstance(measure, FreshnessMeasure) else set())


def tells_area(measure: AnyMeasure) -> bool:
    """Whether a measure says where, or needs no field for it."""
    own = isinstance(measure, OfficialMeasure) or (isinstance(measure, ShareMeasure) and measure.governance is not None)
    return own or any(placed.data.area is not None for placed in clauses_of(measure, ()))


def _groups(group: Group, path: Path) -> Iterator[tuple[Group, Path]]:
    yield group, path
    for field in type(group).model_fields:
        side = getattr(group, field)
        if isinstance(side, Group):
            yield from _groups(side, (*path, field))


def _placed(group: Group, path: Path) -> list[Placed]:
    at = {}
    for field in type(group).model_fields:
        said = getattr(group, field)
        for number, data in enumerate(said if isinstance(said, list) else [said]):
            at[id(data)] = (*path, field, number) if isinstance(said, list) else (*path, field)
    return [Placed(name, data, at[id(data)]) for name, data in group.groups()]


def _of_group(group: Group, path: Path, dimensions: Sequence[str]) -> Iterator[Mistake]:
    placed = _placed(group, path)
    named: dict[str, Placed] = {}
    for one in placed:
        if one.name in named:
            yield one.path, f"two clauses are called {one.name}; give one of them a name of its own"
        named[one.name] = one
    for one in placed:
        yield from _of_clause(one, dimensions)
        yield from _of_look_up(one, named)
    if isinstance(group, CountedData):
        yield from _of_counted(group, path, named)
    if isinstance(group, StepsData):
        yield from _of_steps(group, path, dimensions)
    if isinstance(group, CohortRatioMeasure):
        yield from _of_cohort(group, path, named)


def _of_clause(one: Placed, dimensions: Sequence[str]) -> Iterator[Mistake]:
    data = one.data
    if data.day is not None and not is_day(data.model, data.day):
        yield (*one.path, "day"), f"{data.day} of {data.event} is not a date, a year, a month or a period"
    for dimension in data.dimensions:
        if dimension not in dimensions:
            yield (*one.path, "dimensions", dimension), f"{dimension} is none of the goal's dimensions"
    for field, wanted in data.where.items():
        yield from _of_condition(data, field, wanted, (*one.path, "where", field))
    for side in ("adds", "of"):
        said = getattr(data, side)
        for field in _summed(said):
            if not is_number(data.model, field):
                yield (*one.path, side), f"{field} of {data.event} is not a number"
        if isinstance(said, AmountData):
            if said.count is not None and not is_list(data.model, said.count):
                yield (*one.path, side, "count"), f"{said.count} of {data.event} is not a list"
            for field, wanted in said.if_.items():
                yield from _of_condition(data, field, wanted, (*one.path, side, "if", field))


def _summed(said: Any) -> Sequence[str]:
    match said:
        case str():
            return [said]
        case list():
            return said
        case AmountData():
            return said.product
        case _:
            return []


def _of_condition(data: ClauseData, field: str, wanted: Any, path: Path) -> Iterator[Mistake]:
    """A value that a field can never have is a slip of the pen."""
    found = shapes(data.model, field)
    if not found:
        yield path, f"{data.event} has no field {field}"
        return
    try:
        test = condition(data.model, field, wanted)
    except ValueError as error:
        yield path, str(error)
        return
    if test.operator == "year_after":
        if not (is_day(data.model, field) and is_day(data.model, str(wanted["year_after"]))):
            yield path, f"{field} and {wanted['year_after']} of {data.event} are not both days"
        return
    values = test.value if test.operator in ("in", "all") else [test.value]
    within = part_of(data.model, field) if test.operator == "all" else found
    for value in values:
        if not fits(within, value):
            yield path, f"{field} of {data.event} is never {value!r}"


def _of_look_up(one: Placed, named: Mapping[str, Placed]) -> Iterator[Mistake]:
    seen = [one.name]
    while (look_up := named[seen[-1]].data.look_up) is not None:
        target, _, field = look_up.partition(".")
        if target not in named:
            yield (*one.path, "look_up"), f"{look_up}: there is no clause {target}; there is {', '.join(sorted(named))}"
            return
        if not _has(named[target].data, field):
            yield (*one.path, "look_up"), f"{look_up}: {named[target].data.event} has no field {field}"
            return
        if target in seen:
            if target == one.name:
                yield (*one.path, "look_up"), f"{' looks up '.join([*seen, target])}: a cycle"
            return
        seen.append(target)


def _has(data: ClauseData, field: str) -> bool:
    return bool(shapes(data.model, field)) and "." not in field


def _of_counted(group: CountedData, path: Path, named: Mapping[str, Placed]) -> Iterator[Mistake]:
    if group.latest_by not in (None, "day"):
        for data in group.counted:
            if not _has(data, group.latest_by or ""):
                yield (*path, "latest_by"), f"{data.event} has no field {group.latest_by}"
    if group.undone_by is not None:
        for data in (*group.counted, group.undone_by):
            if not _has(data, group.undone_by.same):
                yield (*path, "undone_by", "same"), f"{data.event} has no field {group.undone_by.same}"
    around = [one for one in named.values() if any(one.data is data for data in (*group.requires, *group.attributes))]
    for name in ("at_most", "dated_by"):
        said = getattr(group, name)
        if said is None:
            continue
        clause, _, field = said.partition(".")
        found = next((one for one in around if one.name == clause), None)
        if found is None:
            known = ", ".join(sorted(one.name for one in around)) or "none"
            yield (*path, name), f"there is no clause {clause} among requires and attributes; there is {known}"
        elif name == "at_most" and not is_number(found.data.model, field):
            yield (*path, name), f"{found.data.event} has no number {field}"


def _of_steps(group: StepsData, path: Path, dimensions: Sequence[str]) -> Iterator[Mistake]:
    for data in group.opens:
        if group.ends is not None and not is_day(data.model, group.ends):
            yield (*path, "ends"), f"{data.event} has no day {group.ends}"
        if group.each is None:
            continue
        if not is_list(data.model, group.each.lines):
            yield (*path, "each", "lines"), f"{data.event} has no list {group.each.lines}"
            continue
        parts = part_of(data.model, group.each.lines)
        fields = {name for part in parts for name in part.get("properties", {})}
        if group.each.amount not in fields:
            yield (
                (*path, "each", "amount"),
                f"{group.each.lines} have no {group.each.amount}; they have {', '.join(sorted(fields))}",
            )
        for dimension, field in group.each.dimensions.items():
            if dimension not in dimensions:
                yield (*path, "each", "dimensions", dimension), f"{dimension} is none of the goal's dimensions"
            elif field not in fields:
                yield (*path, "each", "dimensions", dimension), f"{group.each.lines} have no {field}"


def _of_cohort(group: CohortRatioMeasure, path: Path, named: Mapping[str, Placed]) -> Iterator[Mistake]:
    if group.revised_by is not None and not is_day(group.revised_by.model, group.revised_by.said):
        yield (*path, "revised_by", "said"), f"{group.revised_by.event} has no day {group.revised_by.said}"
    if group.covers is None:
        return
    for data in group.achieves:
        if not is_list(data.model, group.covers.field):
            yield (*path, "covers", "field"), f"{data.event} has no list {group.covers.field}"
    clause, _, field = group.covers.all_of.partition(".")
    if clause not in named or not is_list(named[clause].data.model, field):
        yield (*path, "covers", "all_of"), f"{group.covers.all_of}: there is no clause {clause} with a list {field}"
