"""What the gateway asks of an event besides its schema, and that can be told without a key and without a database.

The gateway holds every event against it, and `hem validate` does before anything is sent.
"""

from typing import Final

from .catalogue import MODELS
from .event import ANY_TOPIC, Event, EventData
from .gateway import SourceChecked
from .tenancy import TenantMovedIn
from .topics import TOPICS

MAX_EVENT: Final = 64 * 1024
"""Bytes of one event's data: what CloudEvents asks everybody to carry, and well below what the topics take."""
OWN_SOURCES: Final = "urn:hem:"
"""How the sources of our own services begin, those still to come too: no publisher can have one."""
FROM_OUTSIDE: Final = frozenset(
    model.type
    for model in MODELS.values()
    if model.topic == ANY_TOPIC or ("gateway" in TOPICS[model.topic].writers and not model.own and not model.draft)
)
"""The types that other systems publish: those of topics the gateway writes, but for its own and for drafts, and
EventWithdrawn."""


def is_own(source: str) -> bool:
    """Whether a source is one of Hem itself. A URN's beginning is the same in capitals."""
    return source.lower().startswith(OWN_SOURCES)


def vouches_for_another(event: Event[EventData]) -> bool:
    """Whether it says that a source was checked which isn't its own: no publisher speaks for another."""
    return isinstance(event.data, SourceChecked) and event.data.source != event.source


def home_told(data: EventData) -> tuple[str, ...]:
    """The fields that lead to a home and are dropped: building and dwelling, of a move-in by letter only."""
    if not isinstance(data, TenantMovedIn) or data.contact_rule != "letter_only":
        return ()
    return tuple(name for name in ("building_id", "dwelling_id") if getattr(data, name) is not None)


def unknown_dropped(path: str) -> str:
    """The warning about a field or attribute that is not known."""
    return f"{path} is not known and was dropped"


def home_dropped(name: str) -> str:
    """The warning about a field of `home_told`."""
    return f"data.{name} was dropped: a move-in by letter only says nothing of where"
