"""The form of a publisher: what was typed, what is wrong with it, and what it says when nothing is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError
from starlette.datastructures import FormData

from schemas.catalogue import MODELS
from schemas.door import FROM_OUTSIDE
from schemas.event import ANY_TOPIC
from services.chassis.web.words import N_
from services.gateway.domain.door import ALL
from services.gateway.domain.publishers import Registered
from services.gateway.routes.publisher_orders import NewPublisher, PublisherOrder

TYPES = sorted(
    (m.topic, m.type) for m in MODELS.values() if m.type in FROM_OUTSIDE and m.topic != ANY_TOPIC and not m.draft
)
"""(topic, type) of what a publisher may be allowed to send."""

# In the order of the form.
WRONG = {
    "publisher": N_("Small letters, digits and hyphens, at most 63, such as housing-system."),
    "owner": N_("Say which unit of the organisation answers for it."),
    "contact": N_("A mail address of a function, such as it@example.se."),
    "sources": N_("One on each line: an address such as urn:example:housing, at most 128 characters."),
    "allow": N_("Choose at least one type, or all."),
    "expected_interval": N_("A whole number from 1 to 999, or nothing."),
    "rate_limit": N_("A whole number from 1 to 10 000 000, or nothing."),
}
NAME_TAKEN = N_("There is a publisher of that name.")
SOURCE_TAKEN = N_("One of these belongs to another publisher, or to Hem itself.")


@dataclass(frozen=True, slots=True)
class Typed:
    """What stands in the form, as text; `wrong` is what to say beside which field."""

    publisher: str = ""
    owner: str = ""
    contact: str = ""
    every_type: bool = True
    types: frozenset[str] = frozenset()
    sources: str = ""
    interval: str = ""
    unit: str = "days"
    rate_limit: str = ""
    kafka: bool = False
    wrong: Mapping[str, str] = field(default_factory=dict)


def typed(form: FormData) -> Typed:
    """What was sent."""

    def text(name: str) -> str:
        said = form.get(name, "")
        return said.strip() if isinstance(said, str) else ""

    return Typed(
        publisher=text("publisher"),
        owner=text("owner"),
        contact=text("contact"),
        every_type=text("every_type") == "yes",
        types=frozenset(one for one in form.getlist("types") if isinstance(one, str)),
        sources=text("sources"),
        interval=text("interval"),
        unit=text("unit"),
        rate_limit=text("rate_limit"),
        kafka=text("kafka") == "yes",
    )


def filled(publisher: Registered) -> Typed:
    """What is agreed, to change it."""
    interval = publisher.expected_interval or ""
    return Typed(
        publisher=publisher.name,
        owner=publisher.owner or "",
        contact=publisher.contact or "",
        every_type=ALL in publisher.allow,
        types=frozenset(publisher.allow),
        interval=interval.strip("PTDH"),
        unit="hours" if interval.endswith("H") else "days",
        rate_limit=str(publisher.rate_limit or ""),
        kafka=publisher.kafka,
    )


def new_order(said: Typed) -> NewPublisher | dict[str, str]:
    """The publisher to register, or what is wrong by field, as message ids."""
    try:
        return NewPublisher.model_validate(_written(said) | {"publisher": said.publisher})
    except ValidationError as error:
        return _wrong(error)


def order_of(said: Typed) -> PublisherOrder | dict[str, str]:
    """What is to be agreed, or what is wrong by field, as message ids."""
    try:
        return PublisherOrder.model_validate(_written(said))
    except ValidationError as error:
        return _wrong(error)


def _written(said: Typed) -> dict[str, Any]:
    return {
        "owner": said.owner,
        "contact": said.contact,
        "allow": [ALL] if said.every_type else sorted(said.types),
        "sources": said.sources.split(),
        "expected_interval": _interval(said),
        "rate_limit": said.rate_limit or None,
        "kafka": said.kafka,
    }


def _wrong(error: ValidationError) -> dict[str, str]:
    at = {str(one["loc"][0]) for one in error.errors()}
    return {name: why for name, why in WRONG.items() if name in at}


def _interval(said: Typed) -> str | None:
    if not said.interval:
        return None
    return f"PT{said.interval}H" if said.unit == "hours" else f"P{said.interval}D"
