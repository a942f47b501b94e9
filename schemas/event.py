"""The envelope (CloudEvents 1.0) and the base of every event's data.

Four rules that publishers and readers share:

- **Identity.** `source` and `id` together name an event for ever.
- **History.** `history=True` marks an event loaded from the past: it counts in figures and never causes a message or
  a reaction.
- **Test.** `test=True` marks an event that was sent to try things out: it is read and handled like any other, and what
  comes of it is undone. It never counts and never sends.
- **Correction.** The same type again for the same thing replaces what was said: see `schemas.corrections`. An event
  is taken back altogether by `EventWithdrawn`.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, ClassVar, Generic, Self, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from .fields import Id, UriReference
from .lifecycle import Deprecation

PREFIX = "se.vatterhem."
ANY_TOPIC = "*"
"""`EventData.topic` of an event that goes to the topic of the event it speaks of (EventWithdrawn)."""


def _storable(moment: datetime) -> datetime:
    """Between 1900 and 9998, so that the moment survives a change of zone."""
    if not 1900 <= moment.year <= 9998:
        raise ValueError("a moment between 1900 and 9998")
    return moment


Moment = Annotated[AwareDatetime, AfterValidator(_storable)]


class Part(BaseModel):
    """A piece of an event's data. Frozen; strict about types; unknown fields are refused where we write them in code
    and ignored where `schemas.kafka` and `schemas.http` read them."""

    model_config = ConfigDict(
        frozen=True, strict=True, extra="forbid", allow_inf_nan=False, validate_by_name=True, validate_by_alias=True
    )


class EventData(Part):
    """What an event says. A subclass is one event type in one major version:

        class TenantMovedIn(EventData, name="TenantMovedIn", topic="tenancy.events", subject="tenancy_id"): ...

    `subject` names the field that is the aggregate's id, and so the Kafka key. `identity` names the fields that
    together tell one fact about that aggregate from another, where the aggregate alone does not (a programme runs in
    several areas); a later event with the same values in them is a correction. Where no one field is the aggregate,
    `subject` names several, `series:region_code`, and the key is their values joined in the same way. `tombstone` marks
    an event that is written to Kafka without a value, so that compaction erases what the key held. `own` marks one that
    the topic's writer says itself and takes from nobody. `draft` marks one that may still change and that nobody can
    send yet, `deprecated` one that should no longer be sent.
    """

    type: ClassVar[str] = ""
    topic: ClassVar[str] = ""
    subject_field: ClassVar[str] = ""
    identity_fields: ClassVar[tuple[str, ...]] = ()
    tombstone: ClassVar[bool] = False
    own: ClassVar[bool] = False
    draft: ClassVar[bool] = False
    deprecated: ClassVar[Deprecation | None] = None
    _subject_fields: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(
        cls,
        *,
        name: str = "",
        major: int = 1,
        topic: str = "",
        subject: str = "",
        identity: tuple[str, ...] = (),
        tombstone: bool = False,
        own: bool = False,
        draft: bool = False,
        deprecated: Deprecation | None = None,
        **config: Any,
    ) -> None:
        super().__init_subclass__(**config)
        if not name:  # a base that events share, such as governance.Target
            return
        cls.type = f"{PREFIX}{name}.v{major}"
        cls.topic = topic
        cls.subject_field = subject
        cls._subject_fields = tuple(filter(None, subject.split(":")))
        cls.identity_fields = identity or cls._subject_fields
        cls.tombstone = tombstone
        cls.own = own
        cls.draft = draft
        cls.deprecated = deprecated

    @property
    def subject(self) -> str:
        """The aggregate's id; empty for an event whose envelope alone says what it is about (EventWithdrawn)."""
        fields = self._subject_fields
        if len(fields) == 1:  # nearly always, and the projector asks it of every record
            return str(getattr(self, fields[0]))
        return ":".join([str(getattr(self, field)) for field in fields])

    @property
    def identity(self) -> tuple[object, ...]:
        """Hashable; equal for two events of one type exactly when the later one corrects the earlier."""
        values = (getattr(self, field) for field in self.identity_fields)
        return tuple(tuple(sorted(value.items())) if isinstance(value, Mapping) else value for value in values)

    def json_bytes(self) -> bytes:
        """The data as it goes on the wire: compact JSON, fields that are not set left out."""
        return self.model_dump_json(by_alias=True, exclude_none=True).encode()


T = TypeVar("T", bound=EventData)
D = TypeVar("D", bound=EventData, covariant=True)


class Event(BaseModel, Generic[D]):
    """An event with its CloudEvents attributes. `data` is already validated; `subject` is checked against it.

    `time` is when it happened, `recordedtime` when our platform accepted it; both aware. `sequence` counts the events
    of one subject from one source, from 0 up, and travels as decimal text.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    id: Id
    source: UriReference
    type: str
    subject: Id
    time: Moment
    data: D
    recordedtime: Moment | None = None
    dataschema: UriReference | None = None
    sequence: Annotated[int, Field(ge=0, lt=2**63)] | None = None
    history: bool = False
    test: bool = False
    traceparent: str | None = None
    tracestate: str | None = None

    @staticmethod
    def of(
        data: T, *, id: str, source: str, time: datetime, subject: str | None = None, **attributes: Any
    ) -> "Event[T]":
        """An event about `data`: type, subject and dataschema (`/schemas/<type>`) follow from it.

        `subject` is needed only where the data has none (EventWithdrawn).
        """
        attributes.setdefault("dataschema", f"/schemas/{data.type}")
        return Event(
            id=id, source=source, type=data.type, subject=subject or data.subject, time=time, data=data, **attributes
        )

    @model_validator(mode="after")
    def _agrees_with_its_data(self) -> Self:
        if self.type != self.data.type:
            raise ValueError(f"type {self.type} with data of {self.data.type}")
        if self.data.subject_field and self.subject != self.data.subject:
            raise ValueError(f"subject must be the value of data.{self.data.subject_field}")
        return self
