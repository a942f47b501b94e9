"""The register of publishers: what was agreed with each, and when one of its sources has been silent for too long."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from services.gateway.domain.door import ALL, Publisher, Road, Sender

NAME = r"^[a-z0-9][a-z0-9-]{0,62}$"
"""Of a new publisher: it becomes part of a topic's name. Older ones may have other names."""

_INTERVAL = re.compile(r"P(?:(\d+)D|T(\d+)H)")


def duration(interval: str) -> timedelta:
    """Of `P7D` or `PT6H`, as `schemas.fields.Interval` has them."""
    found = _INTERVAL.fullmatch(interval)
    if found is None:
        raise ValueError(f"not an interval of whole days or hours: {interval}")
    return timedelta(days=int(found[1] or 0), hours=int(found[2] or 0))


@dataclass(frozen=True, slots=True)
class Agreed:
    """What is agreed with a publisher; None where nobody has told yet.

    `allow` are event types, or `all`. `expected_interval` (P1D, PT6H) is how long each of its sources may be silent;
    None: it is not waited for. `rate_limit` is events a minute; None: the gateway's own.
    """

    owner: str | None = None
    contact: str | None = None
    allow: tuple[str, ...] = (ALL,)
    expected_interval: str | None = None
    rate_limit: int | None = None
    kafka: bool = False


@dataclass(frozen=True, slots=True)
class Registered:
    """A publisher of the register. `sources` are its own for ever."""

    name: Publisher
    agreed: Agreed
    sources: tuple[str, ...]
    registered_at: datetime
    awaited_from: datetime
    retired_at: datetime | None = None

    @property
    def owner(self) -> str | None:
        return self.agreed.owner

    @property
    def contact(self) -> str | None:
        return self.agreed.contact

    @property
    def allow(self) -> tuple[str, ...]:
        return self.agreed.allow

    @property
    def expected_interval(self) -> str | None:
        return self.agreed.expected_interval

    @property
    def rate_limit(self) -> int | None:
        return self.agreed.rate_limit

    @property
    def kafka(self) -> bool:
        return self.agreed.kafka

    def sender(self, road: Road) -> Sender:
        """It, as it sends by a road that needs no key."""
        return Sender(self.name, road, self.allow, self.sources)

    def silent_from(self, heard: datetime | None) -> datetime | None:
        """When a source of its that was last `heard` then began to be silent for too long; None: it is not waited for."""
        if self.expected_interval is None or self.retired_at is not None:
            return None
        return max(heard or self.awaited_from, self.awaited_from) + duration(self.expected_interval)


@dataclass(frozen=True, slots=True)
class Source:
    """A source and when it was last heard; `silent_from` is in the past when it should have been heard since."""

    source: str
    heard_at: datetime | None
    silent_from: datetime | None

    def is_silent(self, now: datetime) -> bool:
        return self.silent_from is not None and self.silent_from <= now


Standing = Literal["heard", "silent", "not_yet", "not_awaited", "retired"]


def standing(publisher: Registered, sources: Sequence[Source], now: datetime) -> Standing:
    """How it stands with a publisher, in one word: silent when one of its sources is."""
    if publisher.retired_at is not None:
        return "retired"
    if any(source.is_silent(now) for source in sources):
        return "silent"
    if not any(source.heard_at for source in sources):
        return "not_yet"
    return "heard" if publisher.expected_interval is not None else "not_awaited"


def sources_of(publisher: Registered, heard: Mapping[str, datetime]) -> list[Source]:
    """Its sources, with when each was last heard."""
    return [Source(source, heard.get(source), publisher.silent_from(heard.get(source))) for source in publisher.sources]


def narrowed(types: Sequence[str], within: Sequence[str]) -> tuple[str, ...]:
    """Those of `types` that are in `within`; either may be `all`."""
    if ALL in within:
        return tuple(types)
    return tuple(within) if ALL in types else tuple(name for name in types if name in within)


def widened(types: Sequence[str], by: Sequence[str]) -> tuple[str, ...]:
    """`types` and those of `by`; either may be `all`."""
    return (ALL,) if ALL in {*types, *by} else tuple(dict.fromkeys((*types, *by)))
