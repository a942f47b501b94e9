"""The one shape of a connector's kind: it reads a file, row by row, into what the rows say or why one says nothing.

The framework (`running`) does the rest: it opens the file, compares with what was published before, publishes what is
new or changed, remembers it, and says that the source has been looked through.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO, ClassVar, Protocol

from pydantic import BaseModel, ConfigDict

from schemas.event import EventData


class Options(BaseModel):
    """What stands under `options` in a connector's file. One subclass for each kind; an unknown name is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True, slots=True)
class Found:
    """What one row (numbered as in the file, the first line is 1) says.

    `key`: which thing it is about, the same in every file; the same key with other data is a correction. `time`: when
    it happened, aware; None: when the file is read. `subject`: only for data that has none (EventWithdrawn).
    `history`: from the past whatever the run is. `revision_field`: the field of the data that says how often it has been
    revised; what was published about the key before counts (0 the first time), and the comparison leaves it out.
    `compared`: what is compared with what was published about the key before; None: all of it. What it leaves out, such
    as the day that a table was fetched, is no correction when it alone has changed.
    """

    row: int
    key: str
    data: EventData
    time: datetime | None = None
    subject: str | None = None
    history: bool = False
    revision_field: str | None = None
    compared: bytes | None = None


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that says nothing, and why. `got` is a kind or a short fact, never a value that may be personal.

    `field` is the column's name in the file, or empty for the row as a whole.
    """

    row: int
    field: str
    expected: str
    got: str


@dataclass(frozen=True, slots=True)
class Note:
    """What whoever sent the file should know of how it was read, such as its encoding. One sentence, no value."""

    text: str


class Unreadable(Exception):
    """The file as a whole can't be read: `why`, and what to do (`mend`), each a sentence. Nothing is published."""

    def __init__(self, why: str, mend: str) -> None:
        super().__init__(f"{why} {mend}")
        self.why = why
        self.mend = mend


class Kind(Protocol):
    """A kind of connector. Its instances hold no state: everything is in what `read` is given."""

    name: ClassVar[str]
    """As `kind:` in a connector's file."""
    options: ClassVar[type[Options]]
    first_is_history: ClassVar[bool]
    """Whether all that the first run finds is from the past: it counts, and no letter goes out because of it."""

    def read(self, file: BinaryIO, filename: str, options: Any) -> Iterator[Found | RefusedRow | Note]:
        """Reads in a thread of its own and in bounded memory; no key is found twice. Raises `Unreadable`.

        `file` is seekable and stands at its beginning; `filename` is as the publisher named it; `options` is an
        instance of `self.options`.
        """
        ...
