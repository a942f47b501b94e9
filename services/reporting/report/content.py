"""What a report says, in one language: texts only, all formatted, in the order they are read.

A template lays this out and adds no word of its own, so the page, the HTML file and the PDF say the same.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Standing:
    """How many figures have a status: its code, the word for it."""

    code: str
    word: str
    count: str


@dataclass(frozen=True, slots=True)
class Table:
    """A data table. The first cell of each row names it. `is_curve`: a column of points, which paper folds."""

    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    is_curve: bool = False


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart: a whole SVG document, the same in words, and what stands under it."""

    svg: str
    alt: str
    caption: str


@dataclass(frozen=True, slots=True)
class Comment:
    """What staff have written. `language` is the text's own; `note` says so when it isn't the report's."""

    paragraphs: Sequence[str]
    language: str
    note: str | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One figure that is judged, or followed: of a goal, for the company or an area.

    `code`: the status, for its colour; `word`: the status in words.
    """

    place: str
    figure: str
    target: str
    code: str
    word: str


@dataclass(frozen=True, slots=True)
class Answer:
    """One goal's part of the report. `outcome`: (status code, words): all of it in short, for the list of contents.

    `facts`: (term, what it is): how it is counted, from what, in which version.
    """

    id: str
    title: str
    outcome: tuple[str, str]
    definition: str
    in_words: str
    entries: Sequence[Entry]
    remarks: Sequence[str]
    picture: Picture | None
    comment: Comment | None
    tables: Sequence[Table]
    facts: Sequence[tuple[str, str]]
    changes: Sequence[str]


@dataclass(frozen=True, slots=True)
class Section:
    """The goals of one steering document. `about`: by whom it was adopted, and how long it applies."""

    title: str
    about: str
    answers: Sequence[Answer]


@dataclass(frozen=True, slots=True)
class Labels:
    """The headings and terms of the layout, in the report's language."""

    contents: str
    standing: str
    goal: str
    figure: str
    target: str
    status: str
    comment: str
    no_comment: str
    facts: str
    changes: str
    reading: str
    page: str


@dataclass(frozen=True, slots=True)
class Content:
    """A whole report. `banner`: what must be seen first (a draft, made-up data); `about`: for whom, when, from what."""

    language: str
    direction: str
    title: str
    publisher: str
    banner: Sequence[str]
    about: Sequence[str]
    introduction: Comment | None
    standing: Sequence[Standing]
    sections: Sequence[Section]
    reading: Sequence[tuple[str, str]]
    labels: Labels

    def plain(self) -> dict[str, Any]:
        """As JSON would have it: what templates are given, now and when a kept report is shown again."""
        return asdict(self)

    def written(self) -> bytes:
        """As JSON, the same bytes for the same content."""
        return json.dumps(self.plain(), ensure_ascii=False, sort_keys=True, indent=1).encode()
