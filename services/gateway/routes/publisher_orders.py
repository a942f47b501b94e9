"""What an operator, or a form, may say about a publisher."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator
from pydantic_core import PydanticCustomError

from schemas.fields import Email, Interval, Line, Source
from services.gateway.domain.door import ALL, Publisher
from services.gateway.domain.publishers import NAME, Agreed

PAGES = {"me", "register"}
"""Names of pages beside the publishers' own."""


class PublisherOrder(BaseModel):
    """What is agreed with a publisher. `owner` is an organisation unit and `contact` a mailbox of it, never a person's.

    `sources` are those it gets besides the ones it has.
    """

    model_config = ConfigDict(extra="forbid")

    owner: Line
    contact: Email
    allow: list[str] = Field([ALL], min_length=1)
    sources: list[Source] = Field([], max_length=100)
    expected_interval: Interval | None = None
    rate_limit: int | None = Field(None, ge=1, le=10_000_000)
    kafka: bool = False

    def agreed(self) -> Agreed:
        said: dict[str, Any] = self.model_dump(include=set(Agreed.__slots__))
        return Agreed(**said | {"allow": tuple(self.allow)})


class NewPublisher(PublisherOrder):
    """A publisher to register."""

    publisher: Annotated[Publisher, StringConstraints(pattern=NAME)]

    @field_validator("publisher")
    @classmethod
    def _is_no_page(cls, name: Publisher) -> Publisher:
        if name in PAGES:
            raise PydanticCustomError("expected", "another name: this one is a page's")
        return name


class PublisherChange(PublisherOrder):
    """What is to be agreed from now on; what isn't said stays."""

    owner: Line = ""
    contact: Email = ""

    def applied(self, before: Agreed) -> Agreed:
        said: dict[str, Any] = self.model_dump(include=set(Agreed.__slots__), exclude_unset=True)
        kept = {name: getattr(before, name) for name in Agreed.__slots__}
        return Agreed(**kept | said | ({"allow": tuple(self.allow)} if "allow" in said else {}))
