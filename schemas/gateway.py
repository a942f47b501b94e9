"""Publishers, their sources, and how pages are liked. The register of publishers is the gateway's own word."""

from pydantic import Field

from .event import EventData
from .fields import Day, EachOnce, Id, Interval, Source

TOPIC = "gateway.events"


class PublisherRegistered(
    EventData, name="PublisherRegistered", topic=TOPIC, subject="publisher", identity=("publisher", "from_"), own=True
):
    """Another system may publish, and how often it is expected to be heard. Written by the gateway itself when a
    publisher is registered or its register changes. What it says holds from its day until the next one's; the same
    publisher and day again is a correction."""

    publisher: Id = Field(description="The publisher, such as housing-system; never a person.")
    sources: EachOnce[Source] = Field(max_length=100, description="The CloudEvents sources that are its own.")
    expected_interval: Interval = Field(
        description="How long it may be silent, such as P1D; longer and the goal *systems-connected* misses it."
    )
    from_: Day = Field(alias="from", description="The first day of it (in Python: `from_`).")


class PublisherRetired(
    EventData, name="PublisherRetired", topic=TOPIC, subject="publisher", identity=("publisher", "retired_on"), own=True
):
    """The system no longer publishes and is no longer waited for. What it said stays. Written by the gateway itself."""

    publisher: Id = Field(description="The publisher, as in PublisherRegistered.")
    retired_on: Day = Field(description="The last day it was expected to be heard.")


class SourceChecked(EventData, name="SourceChecked", topic=TOPIC, subject="source", identity=("source", "on")):
    """A source has been looked through, also when nothing had changed: so that silence means a fault. Send it after
    each run of an import; once a day is enough."""

    source: Source = Field(
        description="The source that was looked through: the same as the event's own `source`, or it is refused."
    )
    found_changes: bool = Field(description="Whether anything had changed since it was last looked through.")
    on: Day = Field(description="The day it was looked through.")


class PageRated(EventData, name="PageRated", topic=TOPIC, subject="page", identity=("page", "rating_id")):
    """A reader has said whether a page helped. One event for each rating; nothing tells who it was."""

    page: Id = Field(description="Path of the page, such as /goals/housing-introduction-offered.")
    rating_id: Id = Field(description="Random, one for each rating: the same again changes that rating.")
    was_helpful: bool = Field(description="True for yes.")
