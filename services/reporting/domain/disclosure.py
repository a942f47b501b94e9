"""Disclosure control (röjandekontroll): which cells of a publication are hidden, so that nobody can work out a small one.

A *cell* is shown or hidden as one. It tells a number of people and, of a share, how many of them achieved. Cells stand in
*sums*: the company is its areas, a quarter its months, what was told before is told still. First the small cells are
hidden, then others with them, the smallest first, until what is known no longer gives away a hidden number: by linear
programming, the least and the most that each can be must lie so far apart that a small number looks like a large one.

Whoever attacks is taken to know all that has ever been told, every sum, how much each thing has changed since it was told,
and that a hidden cell isn't empty.
"""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from math import ceil, floor

import numpy as np
from scipy.optimize import linprog  # type: ignore[import-untyped]
from scipy.sparse import csr_array  # type: ignore[import-untyped]

Quantity = Hashable
"""Names a number. Two cells that name the same one tell the same number: two goals with one population."""
NEARLY = 1e-6
ROOM = (
    6  # thresholds that a number is tried above the truth: more is never needed to hide it, and less is slower to find
)


@dataclass(frozen=True, slots=True)
class Cell:
    """`members` people, named `of`; of them `achieved`, named `by`, or None where there is no numerator.

    `threshold`: at least 2; fewer members aren't shown. `sensitive`: nor fewer who achieved, or who didn't.
    """

    of: Quantity
    members: int
    by: Quantity | None
    achieved: int | None
    threshold: int
    sensitive: bool

    @property
    def is_small(self) -> bool:
        """Whether it is hidden for its own sake."""
        if not self.members:
            return False
        small = self.members
        if self.sensitive and self.achieved is not None:  # none of them, or all, tells of each
            small = min(small, self.achieved, self.members - self.achieved)
        return small < self.threshold


@dataclass(frozen=True, slots=True)
class Sum:
    """A number that is the sum of others, or differs from it by what everybody is taken to know."""

    whole: Quantity
    parts: tuple[Quantity, ...]

    @property
    def all(self) -> tuple[Quantity, ...]:
        return (self.whole, *self.parts)


@dataclass(frozen=True, slots=True)
class Secret:
    """What must not be worked out: a number, or (`less`) how much greater it is than another, to within `room`."""

    number: Quantity
    less: Quantity | None
    room: int


@dataclass(frozen=True, slots=True)
class World:
    """All cells but those to decide on. `told`, `hidden`: what earlier publications showed and hid. `derived`: what nobody
    tells and sums may give away, such as the month that is left of a quarter."""

    told: Sequence[Cell]
    hidden: Sequence[Cell]
    derived: Sequence[Cell]
    sums: Sequence[Sum]


def hide(new: Sequence[Cell], world: World) -> set[int] | None:
    """Which of `new` to hide, by place in the list. An empty cell is none of them.

    None: that some are empty and others not would by itself give away what was hidden before. Then tell nothing.
    """
    choice = {number for number, cell in enumerate(new) if cell.is_small}
    return complement(_Known(new, world), choice)


def complement(known: "_Known", choice: set[int]) -> set[int] | None:
    """`choice`, and what has to be hidden besides."""
    choice = _at_least_two_in_every_sum(known, choice)
    silence = _System(known, {n for n, cell in enumerate(known.new) if cell.members > 0}, notes=False)
    before = _System(_Known([], known.world), set())
    lost: set[Secret] = set()
    while True:
        system = _System(known, choice)
        exposed = next((s for s in known.secrets(choice) if s not in lost and not system.keeps(s)), None)
        if exposed is None:
            return choice
        if not silence.keeps(exposed):
            if before.knows_of(exposed) and not before.keeps(exposed):
                lost.add(exposed)
                continue
            return None
        more = _next_to(known, choice, system, exposed)
        if more is None:
            lost.add(exposed)
        else:
            choice = choice | {more}


class _Known:
    """All cells and sums, with the true value of every quantity."""

    def __init__(self, new: Sequence[Cell], world: World) -> None:
        self.new, self.world = new, world
        self.hidden, self.derived = world.hidden, world.derived
        self.truth: dict[Quantity, int] = {}
        for cell in (*new, *world.told, *world.hidden, *world.derived):
            self.truth[cell.of] = cell.members
            if cell.by is not None and cell.achieved is not None:
                self.truth[cell.by] = cell.achieved
        self.sums = [s for s in dict.fromkeys(world.sums) if all(quantity in self.truth for quantity in s.all)]
        self.of_sums: dict[Quantity, list[Sum]] = {}
        for s in self.sums:
            for quantity in s.all:
                self.of_sums.setdefault(quantity, []).append(s)
        # How low and how high a number, or how much greater it is than another, has been seen to fit.
        self.seen: dict[tuple[Quantity, Quantity | None], tuple[int, int]] = {}
        self.cells_of: dict[Quantity, list[int]] = {}
        for number, cell in enumerate(new):
            for quantity in _quantities(cell):
                self.cells_of.setdefault(quantity, []).append(number)
        self.told = self._follows({quantity for cell in world.told for quantity in _quantities(cell)})

    def _follows(self, told: set[Quantity]) -> set[Quantity]:
        """What follows from `told` by one sum after another: hiding that would be in vain."""
        ahead = list(told)
        while ahead:
            for s in self.of_sums.get(ahead.pop(), ()):
                unknown = [quantity for quantity in s.all if quantity not in told]
                if len(unknown) == 1:
                    told.add(unknown[0])
                    ahead.append(unknown[0])
        return told

    def shown(self, choice: set[int]) -> set[Quantity]:
        """The quantities that are public when `choice` of the new cells is hidden."""
        return self.told | {q for n, cell in enumerate(self.new) if n not in choice for q in _quantities(cell)}

    def has_room(self, secret: Secret) -> bool:
        """Whether the number is known to fit far enough apart already. What fits goes on fitting when more is hidden."""
        low, high = self.seen.get((secret.number, secret.less), (0, -1))
        return high - low >= secret.room

    def fits(self, number: Quantity, less: Quantity | None, value: float) -> None:
        """Notes that a number, or how much greater it is than another, may as well be this."""
        low, high = self.seen.get((number, less), (ceil(value - NEARLY), floor(value + NEARLY)))
        self.seen[number, less] = (min(low, ceil(value - NEARLY)), max(high, floor(value + NEARLY)))

    def secrets(self, choice: set[int]) -> Iterable[Secret]:
        """What must not be worked out, the small first."""
        cells = [*(self.new[n] for n in choice), *self.hidden, *(cell for cell in self.derived if cell.is_small)]
        for cell in sorted(cells, key=lambda cell: (cell.members, repr(cell.of))):
            yield from (secret for secret in _secrets(cell) if secret.number not in self.told)


def _quantities(cell: Cell) -> tuple[Quantity, ...]:
    return (cell.of,) if cell.by is None else (cell.of, cell.by)


def _secrets(cell: Cell) -> Iterable[Secret]:
    """A number that is none is no secret, but where a goal is sensitive: of nobody, nothing is told."""
    apart = cell.threshold - 1
    if cell.members <= 0:
        return
    yield Secret(cell.of, None, apart)
    if cell.by is None or cell.achieved is None:
        return
    if cell.sensitive:
        yield Secret(cell.by, None, apart)
        yield Secret(cell.of, cell.by, apart)
    elif cell.achieved > 0:
        yield Secret(cell.by, None, 1)


def _at_least_two_in_every_sum(known: _Known, choice: set[int]) -> set[int]:
    """Hides until each sum of members has none hidden, or so many that they can't be told apart by it alone."""
    choice = set(choice)
    least = {cell.of: cell.threshold for cell in (*known.new, *known.hidden)}
    while True:
        shown, grown = known.shown(choice), False
        for s in known.sums:
            unknown = [quantity for quantity in s.all if quantity not in shown]
            threshold = max((least.get(quantity, 0) for quantity in unknown), default=0)
            if not unknown or not threshold:
                continue
            enough = s.whole in unknown or sum(known.truth[q] for q in unknown) >= threshold + len(unknown) - 1
            if len(unknown) > 1 and enough:
                continue
            more = _smallest(known, choice, [quantity for quantity in s.all if quantity in shown])
            if more is not None:
                choice.add(more)
                shown, grown = known.shown(choice), True
        if not grown:
            return choice


def _smallest(known: _Known, choice: set[int], quantities: Iterable[Quantity]) -> int | None:
    """The smallest new cell that tells one of the quantities and may be hidden."""
    numbers = {
        number
        for quantity in quantities
        if quantity not in known.told
        for number in known.cells_of.get(quantity, ())
        if number not in choice and known.new[number].members > 0
    }
    return min(numbers, key=lambda n: (known.new[n].members, n), default=None)


def _next_to(known: _Known, choice: set[int], system: "_System", exposed: Secret) -> int | None:
    """The new cell to hide next: one that tells it outright, one in a sum with it, one in a sum with what hangs together
    with it. None: what was told before gives it away."""
    outright = _smallest(known, choice, [exposed.number])
    if outright is not None:
        return outright
    sums = known.of_sums.get(exposed.number, ())
    alone = [s for s in sums if [q for q in s.all if q in system.unknown] == [exposed.number]]
    for those in (alone, sums):
        near = _smallest(known, choice, (quantity for s in those for quantity in s.all))
        if near is not None:
            return near
    around = system.group_of(exposed.number)
    return _smallest(known, choice, (q for one in around for s in known.of_sums.get(one, ()) for q in s.all))


class _System:
    """What an attacker can set up: the unknown quantities, the sums they stand in, and how far each can move."""

    def __init__(self, known: _Known, choice: set[int], *, notes: bool = True) -> None:
        self.known, self.notes = known, notes
        shown = known.shown(choice)
        cells = [*(known.new[n] for n in choice), *known.hidden, *known.derived]
        self.least = {cell.of: 0 for cell in known.derived} | {c.of: 1 for c in cells[: -len(known.derived) or None]}
        self.pairs = [(c.by, c.of) for c in cells if c.by is not None]
        self.room = max((cell.threshold for cell in cells), default=0) * ROOM
        self.shown = shown
        self.unknown = {q for cell in cells for q in _quantities(cell) if q not in shown}
        self.links: dict[Quantity, set[Quantity]] = {q: set() for q in self.unknown}
        for together in (*(s.all for s in known.sums), *self.pairs):
            free = [q for q in together if q in self.unknown]
            for quantity in free:
                self.links[quantity].update(free)
        self.groups: dict[Quantity, _Group] = {}

    def group_of(self, quantity: Quantity) -> set[Quantity]:
        """The unknown quantities that hang together with one."""
        found, ahead = {quantity}, [quantity]
        while ahead:
            for other in self.links.get(ahead.pop(), ()):
                if other not in found:
                    found.add(other)
                    ahead.append(other)
        return found

    def knows_of(self, secret: Secret) -> bool:
        """Whether there is such a number."""
        return secret.number in self.known.truth

    def keeps(self, secret: Secret) -> bool:
        """Whether the secret is kept."""
        free = [q for q in (secret.number, secret.less) if q in self.unknown]
        if not free:
            return False
        if self.known.has_room(secret):
            return True
        group = self.groups.get(free[0])
        if group is None:
            members = self.group_of(free[0])
            group = _Group(self, members)
            self.groups |= dict.fromkeys(members, group)
        return group.has_room(secret)


class _Group:
    """One set of unknown quantities that hang together, as a linear program."""

    def __init__(self, system: _System, members: set[Quantity]) -> None:
        self.known = known = system.known
        self.notes = system.notes
        self.pairs = [(part, whole) for part, whole in system.pairs if part in members or whole in members]
        self.truth = known.truth
        self.names = sorted(members, key=repr)
        self.at = {name: number for number, name in enumerate(self.names)}
        self.bounds = [(min(system.least.get(q, 0), known.truth[q]), known.truth[q] + system.room) for q in self.names]
        equal: dict[tuple[tuple[int, int], ...], int] = {}
        for s in {s for q in self.names for s in known.of_sums.get(q, ())}:
            row = [(self.at[q], -1 if q == s.whole else 1) for q in s.all if q in self.at]
            equal[tuple(row)] = sum(sign * self.truth[self.names[column]] for column, sign in row)
        self.equal = _matrix(list(equal), len(self.names))
        self.sums = np.array(list(equal.values()), dtype=float)
        less, most = [], []
        for part, whole in self.pairs:
            row = [(self.at[q], sign) for q, sign in ((part, 1), (whole, -1)) if q in self.at]
            less.append(tuple(row))
            most.append(0 if len(row) > 1 else self._known_side(part, whole))
        self.less, self.most = _matrix(less, len(self.names)), np.array(most, dtype=float)

    def _known_side(self, part: Quantity, whole: Quantity) -> int:
        """What stands on the right of part ≤ whole when one of the two is known."""
        return self.truth[whole] if part in self.at else -self.truth[part]

    def has_room(self, secret: Secret) -> bool:
        """Whether the most and the least that the secret can be lie far enough apart. The truth is one that fits."""
        goal = np.zeros(len(self.names))
        for quantity, sign in ((secret.number, 1), (secret.less, -1)):
            if quantity is not None and quantity in self.at:
                goal[self.at[quantity]] += sign
        true = sum(goal[at] * self.truth[name] for name, at in self.at.items() if goal[at])
        high = -self._extreme(-goal)
        if floor(high + NEARLY) - true >= secret.room:
            return True
        return floor(high + NEARLY) - ceil(self._extreme(goal) - NEARLY) >= secret.room

    def _extreme(self, goal: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> float:
        found = linprog(
            goal,
            A_ub=self.less if len(self.most) else None,
            b_ub=self.most if len(self.most) else None,
            A_eq=self.equal if len(self.sums) else None,
            b_eq=self.sums if len(self.sums) else None,
            bounds=self.bounds,
            method="highs",
        )
        if found.status != 0:
            raise ArithmeticError(
                f"the linear program of {len(self.names)} hidden numbers has no answer: {found.message}"
            )
        if self.notes:
            self._note(found.x)
        return float(found.fun)

    def _note(self, values: Sequence[float]) -> None:
        for name, value in zip(self.names, values, strict=True):
            self.known.fits(name, None, value)
        for part, whole in self.pairs:
            value = values[self.at[whole]] if whole in self.at else self.truth[whole]
            less = values[self.at[part]] if part in self.at else self.truth[part]
            self.known.fits(whole, part, value - less)


def _matrix(rows: Sequence[Sequence[tuple[int, int]]], width: int) -> csr_array:
    entries = [(number, column, sign) for number, row in enumerate(rows) for column, sign in row]
    numbers, columns, signs = zip(*entries, strict=True) if entries else ((), (), ())
    return csr_array((np.array(signs, dtype=float), (numbers, columns)), shape=(len(rows), width))
