"""Where an event stands in its life: a draft that may still change, in use, or on its way out."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from email.utils import format_datetime
from typing import Final

DRAFT: Final = "a draft: it can be read, tried and commented on, and not sent yet"
"""Said of an event's type, after `is`, wherever one that can't be sent is refused."""


@dataclass(frozen=True, slots=True)
class Deprecation:
    """That an event should no longer be sent.

    `on`: from which day. `reason`: why, in a sentence. `replaced_by`: the type to send instead. `removed_on`: the day
    from which it may be refused; none is set yet where it is left out.
    """

    on: date
    reason: str
    replaced_by: str | None = None
    removed_on: date | None = None

    def warning(self, type_: str) -> str:
        """What a publisher that still sends `type_` is told."""
        instead = f" Send {self.replaced_by} instead." if self.replaced_by else ""
        until = f" It may be refused from {self.removed_on}." if self.removed_on else ""
        return f"{type_} is deprecated since {self.on}: {self.reason}{instead}{until}"

    def headers(self, page: str) -> dict[str, str]:
        """`Deprecation` (RFC 9745), `Sunset` (RFC 8594) and links to `page`, the event's own."""
        said = {"Deprecation": f"@{int(_midnight(self.on).timestamp())}", "Link": f'<{page}>; rel="deprecation"'}
        if self.removed_on:
            said["Sunset"] = format_datetime(_midnight(self.removed_on), usegmt=True)
            said["Link"] += f', <{page}>; rel="sunset"'
        if self.replaced_by:
            said["Link"] += f', <{page.rpartition("/")[0]}/{self.replaced_by}>; rel="successor-version"'
        return said


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
