"""Which of two events about the same thing holds.

The rule: higher `sequence` wins, else later `time`, else greater `id`. Read pair by pair it has a trap. With one
event without a sequence between two with one, "higher sequence" and "later time" can form a ring (1 at 12:00 beats
none at 11:00 beats 2 at 10:00 beats 1), and what holds then depends on the order of arrival. So `precedence` is one
key that all compare by: an event without a sequence stands below every event with one, and only among equals do time
and id decide. That is a total order: readers may merge in any order, twice or in parts, and agree.

Ids compare by code point, as in SQL with COLLATE "C". Times are instants, to the microsecond.
"""

from datetime import datetime
from typing import Protocol


class Dated(Protocol):
    """What the rule looks at; `Event` and `Attributes` both have it."""

    @property
    def sequence(self) -> int | None: ...
    @property
    def time(self) -> datetime: ...
    @property
    def id(self) -> str: ...
    @property
    def source(self) -> str: ...


Precedence = tuple[int, datetime, str, str]


def precedence(event: Dated) -> Precedence:
    """The key to order corrections by, ascending: (sequence or −1, time, id, source); the greatest holds."""
    return (-1 if event.sequence is None else event.sequence, event.time, event.id, event.source)


def supersedes(a: Dated, b: Dated) -> bool:
    """True when `a` replaces `b`. Both must be of one type and have the same `identity`. An event never replaces itself."""
    return precedence(a) > precedence(b)
