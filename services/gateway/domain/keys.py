"""Publishers' keys: what they look like, what is kept of them, and until when they work."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from services.gateway.domain.door import KeyId, Publisher, Road, Sender

Kind = Literal["live", "test"]


@dataclass(frozen=True, slots=True)
class Key:
    """A publisher's key, without the key itself. `allow` is what it is for within what is agreed with the publisher."""

    id: KeyId
    publisher: Publisher
    kind: Kind
    allow: tuple[str, ...]
    sources: tuple[str, ...]
    created_at: datetime
    ends_at: datetime | None = None
    last_used_on: date | None = None
    revoked_at: datetime | None = None

    def works(self, now: datetime) -> bool:
        """Whether it has been neither taken back nor replaced."""
        return self.revoked_at is None and (self.ends_at is None or now < self.ends_at)

    def sender(self, road: Road) -> Sender:
        """Its publisher, as it sends with this key."""
        return Sender(
            self.publisher,
            road,
            self.allow,
            self.sources,
            key=self.id,
            last_used_on=self.last_used_on,
            test=self.kind == "test",
        )


def new_key(publisher: Publisher, kind: Kind) -> str:
    """`hem_<publisher>_<43 random characters>`, of a test key `hem_test_<publisher>_…`.

    It tells its owner apart when it turns up in a log, and can't be guessed.
    """
    name = "".join(c if c.isascii() and c.isalnum() else "-" for c in publisher.lower()).strip("-")[:24]
    # A publisher named test doesn't make its live keys look like another's test keys.
    kinds = "test_" if kind == "test" else "live_" if name == "test" else ""
    return f"hem_{kinds}{name}_{secrets.token_urlsafe(32)}"


def hash_key(key: str) -> bytes:
    """What is kept of a key: 32 bytes. Looking it up takes the same time however much of a guess is right."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()
