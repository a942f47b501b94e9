"""What the catalogue tells of an event besides its contract, and the picture of who talks to whom."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from schemas.topics import Topic

WIDTH = 960
SIDE, MIDDLE, HIGH, GAP = 190, 250, 34, 12
"""Widths of the boxes at the sides and in the middle, their height, and the space between them."""


@dataclass(frozen=True, slots=True)
class Heard:
    """That a publisher's events of a type were let in: the last of them at `last_at`, and `lately` many in 30 days."""

    type: str
    publisher: str
    last_at: datetime
    lately: int


@dataclass(frozen=True, slots=True)
class Box:
    """A system or a topic. `x`, `y` are its corner; `label_x`, `label_y` the middle of its text."""

    name: str
    kind: str
    x: float
    y: float
    width: float
    personal: bool = False

    @property
    def label_x(self) -> float:
        return self.x + self.width / 2

    @property
    def label_y(self) -> float:
        return self.y + HIGH / 2 + 5


@dataclass(frozen=True, slots=True)
class Picture:
    """Writers on one side, topics in the middle, readers on the other. `arrows` are SVG paths."""

    width: int
    height: float
    boxes: tuple[Box, ...]
    arrows: tuple[str, ...]


def draw(topics: Iterable[Topic], *, rightwards: bool) -> Picture:
    """The picture of these topics; from right to left where the reader's language runs so."""
    ordered = sorted(topics, key=lambda topic: (topic.writers, not topic.readers, topic.name))
    middle = {topic.name: place * (HIGH + GAP) + GAP for place, topic in enumerate(ordered)}
    height = len(ordered) * (HIGH + GAP) + GAP
    writers = _side(
        {s: [middle[t.name] for t in ordered if s in t.writers] for t in ordered for s in t.writers}, height
    )
    readers = _side(
        {s: [middle[t.name] for t in ordered if s in t.readers] for t in ordered for s in t.readers}, height
    )

    def across(x: float, width: float) -> float:
        return x if rightwards else WIDTH - x - width

    centre = (WIDTH - MIDDLE) / 2
    boxes = [Box(name, "system", across(0, SIDE), y, SIDE) for name, y in writers.items()]
    boxes += [Box(t.name, "topic", across(centre, MIDDLE), middle[t.name], MIDDLE, t.personal) for t in ordered]
    boxes += [Box(name, "system", across(WIDTH - SIDE, SIDE), y, SIDE) for name, y in readers.items()]
    arrows = [
        _arrow(across(SIDE, 0), writers[writer], across(centre, 0), middle[topic.name])
        for topic in ordered
        for writer in topic.writers
    ]
    arrows += [
        _arrow(across(centre + MIDDLE, 0), middle[topic.name], across(WIDTH - SIDE, 0), readers[reader])
        for topic in ordered
        for reader in topic.readers
    ]
    return Picture(WIDTH, height, tuple(boxes), tuple(arrows))


def _side(beside: Mapping[str, Collection[float]], height: float) -> dict[str, float]:
    """Each system at the height of its topics, on average, and none over another."""
    wanted = sorted((sum(ys) / len(ys), name) for name, ys in beside.items())
    placed: dict[str, float] = {}
    lowest = 0.0
    for place, (y, name) in enumerate(wanted):
        room = height - (len(wanted) - place) * (HIGH + GAP)
        placed[name] = max(lowest, min(y, room))
        lowest = placed[name] + HIGH + GAP
    return placed


def _arrow(x1: float, y1: float, x2: float, y2: float) -> str:
    """From the middle of one box's edge to that of another's; a little short of it, for the head."""
    a, b = y1 + HIGH / 2, y2 + HIGH / 2
    end = x2 - 8 if x2 > x1 else x2 + 8
    bend = (x1 + end) / 2
    return f"M{x1:g} {a:g}C{bend:g} {a:g} {bend:g} {b:g} {end:g} {b:g}"
