"""Comments on events that are still drafts: who may write, and how much."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

LONGEST = 2000
"""Characters of one comment."""
MOST_OF_ONE = 20
"""Comments of one author, on everything, in `WITHIN`."""
WITHIN = timedelta(days=1)
MOST_ON_ONE = 200
"""Comments on one event."""


@dataclass(frozen=True, slots=True)
class Author:
    """A role or a publisher, never a person."""

    kind: Literal["role", "publisher"]
    name: str

    @property
    def key(self) -> str:
        return f"{self.kind}:{self.name}"

    @staticmethod
    def of(key: str) -> "Author":
        """The author with this `key`."""
        kind, _, name = key.partition(":")
        return Author("role" if kind == "role" else "publisher", name)


@dataclass(frozen=True, slots=True)
class Comment:
    id: int
    author: Author
    said: str
    at: datetime


def author_of(roles: Collection[str]) -> Author | None:
    """Whom somebody signed in with these roles writes as: the first by name."""
    return Author("role", min(roles)) if roles else None


def readable(said: str) -> str:
    """A comment as it is kept: line breaks of one kind, no other control characters, nothing around it."""
    lines = said.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(c for c in lines if c == "\n" or (c.isprintable() and not "\ud800" <= c <= "\udfff")).strip()
