"""Charts as SVG, made by one hand for the pages, for pictures to download and for the report.

Pure: days, numbers and words in, SVG out. Every part has a class, which the pages' stylesheet colours. A chart that
leaves the site has the light colours on it as presentation attributes: no stylesheet or font has to follow it, and
what draws it need not know CSS. Time runs from left to right in every language, as on the axis.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from xml.etree import ElementTree as Xml

from services.reporting.picture import Level, Mark, Picture, reach, steps

Place = tuple[float, float]
"""x and y, in units of the view box from its upper left corner."""
Attributes = dict[str, str | float]

LETTER = 0.56
"""How wide a letter is on the whole, of its size."""
MARKS = 9
"""The most notes that are drawn: more would hide the curve. All are listed beside the chart."""


@dataclass(frozen=True, slots=True)
class Size:
    """The view box, the size of its letters, and how many lines the value axis has at most."""

    width: float
    height: float
    text: float = 14
    lines: int = 5


WIDE, NARROW, SHEET = Size(640, 320), Size(340, 260, text=13, lines=4), Size(960, 470, text=16)

LIGHT: dict[str, Attributes] = {
    "grid-line": {"stroke": "#e3e0d8"},
    "axis-line": {"stroke": "#7d8590"},
    "tick": {"fill": "#5a6472"},
    "trend-line": {"fill": "none", "stroke": "#0b5c63", "stroke-width": 3, "stroke-linejoin": "round"},
    "dot": {"fill": "#0b5c63"},
    "dot open": {"fill": "#ffffff", "stroke": "#0b5c63", "stroke-width": 2.5},
    "value-label": {"fill": "#1c2430", "font-weight": 700},
    "target-line": {"fill": "none", "stroke": "#1b7046", "stroke-width": 2, "stroke-dasharray": "6 4"},
    "last-year-line": {"fill": "none", "stroke": "#5f6873", "stroke-width": 2, "stroke-dasharray": "2 4"},
    "target-label": {"fill": "#1b7046", "font-weight": 700},
    "last-year-label": {"fill": "#5a6472"},
    "break-line": {"stroke": "#7d8590", "stroke-dasharray": "1 4", "stroke-width": 2, "stroke-linecap": "round"},
    "break-label": {"fill": "#5a6472"},
    "note-line": {"stroke": "#5a6472"},
    "note-mark": {"fill": "#1c2430"},
    "note-number": {"fill": "#ffffff", "font-weight": 700},
    "note-text": {"fill": "#5a6472"},
    "heading": {"fill": "#1c2430", "font-weight": 700},
    "foot": {"fill": "#5a6472"},
}
"""How each class looks away from the site: the light tokens of hem.css."""
HALO: Attributes = {"stroke": "#ffffff", "stroke-width": 4, "stroke-linejoin": "round", "paint-order": "stroke"}


def chart(picture: Picture, size: Size = WIDE, name: str = "chart") -> str:
    """A trend with its axes, targets as they were, breaks and notes: an `svg` element of class `name`, for a page."""
    sheet = _Sheet()
    sheet.svg.attrib |= {
        "class": name,
        "viewBox": f"0 0 {size.width:g} {size.height:g}",
        "role": "img",
        "aria-label": picture.spoken,
    }
    _Chart(sheet, picture, size, (0.0, 0.0)).draw()
    return sheet.written()


def alone(picture: Picture, heading: str, lead: str, foot: Sequence[str], size: Size = SHEET) -> str:
    """The same chart as a file of its own: under its `heading` and `lead`, with the `foot` lines below that follow it.

    Notes and breaks are written out first among those. Lines that don't fit are folded.
    """
    sheet = _Sheet(size.text)
    room = int(size.width / (size.text * 0.85 * LETTER)) - 6
    heads = list(_folded([heading], int(room / 1.75)))
    leads = list(_folded([lead], int(room / 1.1)))
    feet = list(_folded([*_written_out(picture), *foot], room))
    top = 24 + 34 * len(heads) + 24 * len(leads)
    height = top + size.height + 22 * len(feet) + 24
    sheet.svg.attrib |= {
        "xmlns": "http://www.w3.org/2000/svg",
        "viewBox": f"0 0 {size.width:g} {height:g}",
        "width": f"{size.width:g}",
        "height": f"{height:g}",
        "font-family": "Noto Sans, Noto Sans Arabic, sans-serif",
        "font-size": f"{size.text:g}",
    }
    sheet.put("title").text = heading
    sheet.put("desc").text = picture.spoken
    sheet.put("rect", width=size.width, height=height, fill="#ffffff")
    for row, line in enumerate(heads):
        sheet.text("heading", (24, 44 + 34 * row), line, size=size.text * 1.6)
    for row, line in enumerate(leads):
        sheet.text("foot", (24, 34 * len(heads) + 36 + 24 * row), line)
    _Chart(sheet, picture, size, (0.0, top)).draw()
    for row, line in enumerate(feet):
        sheet.text("foot", (24, top + size.height + 22 * (row + 1)), line, size=size.text * 0.85)
    return sheet.written()


def spark(picture: Picture, span: tuple[float, float] | None = None) -> str:
    """A small trend with its target and its last point in the colour of the status; no words. Empty without data.

    `span`: the values at foot and top, for several that are to be compared; else as far as this one's own reach.
    """
    if not any(dot.value is not None for dot in picture.dots):
        return ""
    sheet = _Sheet()
    sheet.svg.attrib |= {
        "viewBox": "0 0 176 40",
        "preserveAspectRatio": "none",
        "class": f"spark {picture.status}",
        "aria-hidden": "true",
    }
    x, y = _Days(picture.first, picture.last, 4, 170), _Values(*(span or reach([picture])), 36, 5)
    for level in _within(picture.levels, picture):
        height = y(level.value)
        sheet.put("path", f"{level.kind.replace('_', '-')}-line", d=f"M{x(level.first)} {height}H{x(level.last)}")
    runs = _runs(picture, x, y)
    for run in runs:
        sheet.put("polyline", "trend-line", points=_points(run))
    end_x, end_y = runs[-1][-1]
    sheet.put("path", "dot", d=f"M{end_x} {end_y}h.01")
    return sheet.written()


@dataclass(slots=True)
class _Sheet:
    """The SVG under the pen. `text_size`: a picture on its own, whose parts carry their looks."""

    text_size: float | None = None
    svg: Xml.Element = field(default_factory=lambda: Xml.Element("svg"))

    def put(self, tag: str, name: str | None = None, **attributes: str | float) -> Xml.Element:
        look = LIGHT.get(name or "", {}) if self.text_size else {}
        given = {**({"class": name} if name else {}), **look, **attributes}
        written = {key.replace("_", "-"): f"{v:g}" if isinstance(v, float | int) else v for key, v in given.items()}
        return Xml.SubElement(self.svg, tag, written)

    def text(
        self, name: str, at: Place, words: str, anchor: str = "start", *, size: float | None = None, halo: bool = False
    ) -> None:
        extra: Attributes = {"text-anchor": anchor} if anchor != "start" else {}
        if size is not None and self.text_size:
            extra["font-size"] = round(size, 1)
        if halo and self.text_size:
            extra |= HALO
        self.put("text", name, x=round(at[0], 1), y=round(at[1], 1), **extra).text = words

    def written(self) -> str:
        return Xml.tostring(self.svg, encoding="unicode")


class _Days:
    """The x of a day between the first and the last."""

    def __init__(self, first: date, last: date, left: float, right: float) -> None:
        self._first, self._days = first.toordinal(), max((last - first).days, 1)
        self._left, self._width = left, right - left

    def __call__(self, day: date) -> float:
        part = (day.toordinal() - self._first) / self._days
        return round(self._left + self._width * min(max(part, 0.0), 1.0), 1)


class _Values:
    """The height of a value between the lowest and the highest."""

    def __init__(self, low: float, high: float, foot: float, top: float) -> None:
        self._low, self._range = low, (high - low) or 1.0
        self._foot, self._rise = foot, foot - top

    def __call__(self, value: float) -> float:
        return round(self._foot - (value - self._low) / self._range * self._rise, 1)


class _Chart:
    """One chart on a sheet, its upper left corner at `at`."""

    def __init__(self, sheet: _Sheet, picture: Picture, size: Size, at: Place) -> None:
        self.sheet, self.picture, self.size = sheet, picture, size
        self.levels = _within(picture.levels, picture)
        self.rows = steps(*reach([picture]), size.lines)
        em = size.text
        widest = max(len(picture.tick(row)) for row in self.rows)
        label = max((len(level.label) for level in self.levels[-1:]), default=0)
        self.beside = label * em * 0.6 < size.width * 0.2  # the target's name has room beside the curve
        self.left = at[0] + widest * em * LETTER + em
        self.right = at[0] + size.width - (label * em * 0.6 + em if self.beside else em)
        self.top, self.foot = at[1] + em * 1.9, at[1] + size.height - em * 2
        self.x = _Days(picture.first, picture.last, self.left + em * 0.4, self.right - em * 0.4)
        self.y = _Values(self.rows[0], self.rows[-1], self.foot, self.top)

    def draw(self) -> None:
        self._axes()
        self._breaks()
        self._targets()
        self._trend()
        self._notes()

    def _axes(self) -> None:
        em = self.size.text
        for row in self.rows:
            height = self.y(row)
            name = "axis-line" if row == 0 and self.rows[0] < 0 else "grid-line"
            self.sheet.put("path", name, d=f"M{self.left:g} {height}H{self.right:g}")
            words = self.picture.tick(row)
            self.sheet.text("tick", (self.left - em * 0.5, height + em * 0.35), words, "end")
        free = -math.inf
        for tick in self.picture.ticks:
            half = len(tick.label) * em * LETTER / 2
            middle = self.x(tick.on)
            if middle - half > free and middle + half < self.right + em * 3:
                self.sheet.text("tick", (middle, self.foot + em * 1.5), tick.label, "middle")
                free = middle + half + em * 0.4

    def _breaks(self) -> None:
        em = self.size.text
        for seam in _those_within(self.picture.breaks, self.picture):
            x = self.x(seam.on)
            self.sheet.put("path", "break-line", d=f"M{x} {self.foot:g}V{self.top - em * 0.4:g}")
            rightwards = x < (self.left + self.right) / 2
            words = _cut(seam.text, (self.right - x if rightwards else x - self.left) / (em * LETTER))
            at = (x, self.top - em * 0.7)
            self.sheet.text("break-label", at, words, "start" if rightwards else "end", halo=True)

    def _targets(self) -> None:
        em, before = self.size.text, None
        for number, level in enumerate(self.levels):
            kind = level.kind.replace("_", "-")
            height, first, last = self.y(level.value), self.x(level.first), self.x(level.last)
            first = self.left if number == 0 and first <= self.x(self.picture.first) else first
            last = self.right if last >= self.x(self.picture.last) else last
            riser = f"M{first} {before}V{height}" if before is not None else f"M{first} {height}"
            self.sheet.put("path", f"{kind}-line", d=f"{riser}H{last:g}")
            before = height
            if number == len(self.levels) - 1 and self.beside:
                at, anchor = (last + em * 0.4, height + em * 0.35), "start"
            else:
                at, anchor = (first + em * 0.3, height - em * 0.45), "start"
            self.sheet.text(f"{kind}-label", at, level.label, anchor, halo=True)

    def _trend(self) -> None:
        runs, em = _runs(self.picture, self.x, self.y), self.size.text
        for run in runs:
            if len(run) > 1:
                self.sheet.put("polyline", "trend-line", points=_points(run))
            else:
                self.sheet.put("circle", "dot", cx=run[0][0], cy=run[0][1], r=3)
        if not runs:
            return
        x, y = runs[-1][-1]
        self.sheet.put("circle", "dot open" if self.picture.is_open else "dot", cx=x, cy=y, r=5)
        last = [dot.value for dot in self.picture.dots if dot.value is not None][-1]
        words = self.picture.value(last)
        room = len(words) * em * LETTER / 2
        under = y - em * 2 < self.top - em * 1.4 or any(0 < y - self.y(t.value) < em * 2.1 for t in self.levels[-1:])
        at = (min(max(x, self.left + room), self.right - room), y + em * 1.7 if under else y - em * 0.85)
        self.sheet.text("value-label", at, words, "middle", halo=True)

    def _notes(self) -> None:
        em = self.size.text
        notes = _those_within(self.picture.notes, self.picture)[:MARKS]
        for number, note in enumerate(notes, 1):
            x, on_curve = self.x(note.on), self._height_on(note.on)
            y = self.foot - em * 0.9
            self.sheet.put("path", "note-line", d=f"M{x} {on_curve + em * 0.5:g}V{y}")
            self.sheet.put("circle", "note-mark", cx=x, cy=y, r=em * 0.62)
            self.sheet.text("note-number", (x, y + em * 0.3), str(number), "middle", size=em * 0.85)
            if len(notes) == 1 and self.size.width > NARROW.width:
                rightwards = x < (self.left + self.right) / 2
                words = _cut(note.text, ((self.right - x if rightwards else x - self.left) - em) / (em * LETTER))
                at = (x + em * 0.95 if rightwards else x - em * 0.95, y + em * 0.35)
                self.sheet.text("note-text", at, words, "start" if rightwards else "end", halo=True)

    def _height_on(self, day: date) -> float:
        """Where the curve is that day, so that the note hangs from it; the top where there is none."""
        shown = [(dot.on.toordinal(), self.y(dot.value)) for dot in self.picture.dots if dot.value is not None]
        at = day.toordinal()
        before, after = [d for d in shown if d[0] <= at][-1:], [d for d in shown if d[0] > at][:1]
        if before and after:
            part = (at - before[0][0]) / (after[0][0] - before[0][0])
            return round(before[0][1] + (after[0][1] - before[0][1]) * part, 1)
        return (before or after or [(0, self.top)])[0][1]


def _within(levels: Sequence[Level], picture: Picture) -> list[Level]:
    return [level for level in levels if level.first <= picture.last and level.last >= picture.first]


def _those_within(marks: Sequence[Mark], picture: Picture) -> list[Mark]:
    return sorted((m for m in marks if picture.first <= m.on <= picture.last), key=lambda mark: mark.on)


def _runs(picture: Picture, x: _Days, y: _Values) -> list[list[Place]]:
    """The curve in pieces: a day without a value parts it, and so does a break."""
    seams = sorted(mark.on for mark in picture.breaks)
    runs: list[list[Place]] = [[]]
    before: date | None = None
    for dot in picture.dots:
        if dot.value is None or (before is not None and any(before < seam <= dot.on for seam in seams)):
            runs.append([])
        if dot.value is not None:
            runs[-1].append((x(dot.on), y(dot.value)))
            before = dot.on
    return [run for run in runs if run]


def _points(run: Sequence[Place]) -> str:
    return " ".join(f"{x:g},{y:g}" for x, y in run)


def _written_out(picture: Picture) -> list[str]:
    """The notes that are drawn, by number, and the breaks: the drawing may have had to cut them."""
    notes = _those_within(picture.notes, picture)[:MARKS]
    return [
        *(f"{number}. {note.on.isoformat()}: {note.text}" for number, note in enumerate(notes, 1)),
        *(f"{seam.on.isoformat()}: {seam.text}" for seam in _those_within(picture.breaks, picture)),
    ]


def _cut(words: str, letters: float) -> str:
    return words if len(words) <= letters else f"{words[: max(int(letters) - 1, 1)].rstrip()}…"


def _folded(lines: Iterable[str], letters: int) -> Iterable[str]:
    for line in lines:
        row = ""
        for word in line.split():
            if row and len(row) + 1 + len(word) > letters:
                yield row
                row = word
            else:
                row = f"{row} {word}" if row else word
        if row:
            yield row
