"""What stands for one subject of a goal, and what it adds to the figures.

The *state* of a subject keeps, for each slot, the version that stands: the greatest by the correction rule. Such maps
merge by taking the greater of each slot, which is commutative, associative and idempotent, so facts may come in any
order, in any number of batches and any number of times. The one thing that can't be merged is a withdrawal: what the
withdrawn version had superseded stands again. There the state is folded anew from all the subject's facts.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any, NamedTuple


class Version(NamedTuple):
    """What one event says for one slot. The first four fields are the correction rule: the greater stands.

    `sequence`: -1 where the event has none. `time`: microseconds since 1970 UTC. `day`: ISO date. `holds`: whether the
    clause's condition is met. `adds`, `of`: what it puts in numerator and denominator, in the measure's whole parts.
    `others`: values of the goal's dimensions beside the area. `extra`: further fields that the clause keeps.
    """

    sequence: int
    time: int
    id: str
    source: str
    day: str | None
    area: str | None
    holds: bool
    adds: int
    of: int
    others: tuple[str | None, ...]
    extra: tuple[Any, ...]


State = dict[str, Version]
"""Slot → the version that stands."""


class Cell(NamedTuple):
    """A place in the rollup: area ("" for none), other dimensions, cohort day, the day `since` which the contribution
    counts, and for durations how many days it was (else 0)."""

    area: str
    others: tuple[str | None, ...]
    day: date
    since: date
    bucket: int = 0


Contribution = dict[Cell, tuple[int, int]]
"""Cell → (numerator, denominator)."""


def keep(state: State, slot: str, version: Version) -> None:
    """Puts a version in its slot, unless a greater one is there."""
    standing = state.get(slot)
    if standing is None or version[:4] > standing[:4]:
        state[slot] = version


def merge(one: State, other: State) -> State:
    """The state after the facts of both: commutative, associative, idempotent."""
    merged = dict(one)
    for slot, version in other.items():
        keep(merged, slot, version)
    return merged


def add(contribution: Contribution, cell: Cell, numerator: int, denominator: int) -> None:
    """Adds to a cell; one that is taken back is left out, one that was told to be zero is not."""
    n, d = contribution.get(cell, (0, 0))
    if n + numerator or d + denominator or not (numerator or denominator):
        contribution[cell] = (n + numerator, d + denominator)
    else:
        contribution.pop(cell, None)


def told(before: Iterable[Cell], after: Iterable[Cell]) -> Iterator[tuple[Cell, int]]:
    """The cells that a subject says something of now and didn't before, 1, or the other way round, -1: zero is told too."""
    was, now = set(before), set(after)
    yield from ((cell, 1) for cell in now - was)
    yield from ((cell, -1) for cell in was - now)


def difference(
    before: Mapping[Cell, tuple[int, int]], after: Mapping[Cell, tuple[int, int]]
) -> Iterator[tuple[Cell, int, int]]:
    """What to add to the rollup to get from one contribution to the other."""
    for cell in before.keys() | after.keys():
        numerator, denominator = after.get(cell, (0, 0))
        was_numerator, was_denominator = before.get(cell, (0, 0))
        if (numerator, denominator) != (was_numerator, was_denominator):
            yield cell, numerator - was_numerator, denominator - was_denominator
