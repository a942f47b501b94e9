"""Data quality: what is noted when events are projected, and what there is to mend.

Nothing that is found here takes an event out of a figure. It is shown with how many, from whom and since when, so that
whoever sent it can mend it: a correction or a withdrawal takes it off the list.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from schemas.catalogue import MODELS
from schemas.event import ANY_TOPIC
from schemas.gateway import PublisherRegistered, PublisherRetired
from services.chassis.clock import local_date
from services.chassis.postgres import Connection
from services.reporting.domain import quality as rules
from services.reporting.domain.facts import EPOCH, Fact, identity, precedence, withdrawn_among
from services.reporting.domain.quality import Finding, Gap, Heard, Kind
from services.reporting.records import Decoded, stored_data, stored_fact
from services.reporting.repository import facts as stored
from services.reporting.repository import quality as repository
from services.reporting.repository.quality import HeardDay, HeardOf, Waiting

LOOKED_AT = 1_000  # of what was found, the latest: it is said that there are more
LATELY = timedelta(days=30)
GAPS_SHOWN = 3
DECIDES = frozenset({"governance.events", "gateway.events", "reporting.events", ANY_TOPIC})
"""Topics of which no goal need count anything: they say what is decided, and who may say it."""


async def note(connection: Connection, fresh: Sequence[Decoded]) -> None:
    """Notes what facts that have just been added tell of, and what may be wrong with them. In the projector's own
    transaction, so that each is noted once."""
    found: list[Finding] = []
    told: dict[tuple[str, str, str], list[datetime]] = {}
    near = rules.surely_near(min((one.row.recordedtime or one.row.time for one in fresh), default=EPOCH))
    for one in fresh:
        row, data = one.row, one.data
        received = row.recordedtime or row.time
        area = (data is not None and getattr(data, "area_id", None)) or ""
        told.setdefault((row.source, row.type, area), []).append(received)
        if data is not None and rules.may_be_amiss(row.type, row.time, received, data.__dict__, near=near):
            found += rules.findings(one.fact, received)
    if told:
        counted = {key: (len(times), min(times), max(times)) for key, times in told.items()}
        await repository.add_heard_of(connection, counted)
    if found:
        await repository.add_findings(connection, found)


@dataclass(frozen=True, slots=True)
class Item:
    """Something to mend: what, from which source, in how many events, since when. `words`: what stood there, first and
    last in order."""

    kind: Kind
    source: str
    field: str
    type: str
    events: int
    since: datetime
    last: datetime
    words: tuple[str, str]


@dataclass(frozen=True, slots=True)
class UnknownArea:
    """An area that figures count and nobody has defined, with who has told of it."""

    area: str
    told: list[HeardOf]


@dataclass(slots=True)
class System:
    """One source: who registered it, how often it should be heard, how it is, and its pauses (the latest first)."""

    source: str
    publisher: str | None = None
    interval: str | None = None
    retired: date | None = None
    last: datetime | None = None
    heard: Heard = Heard.UNREGISTERED
    facts: int = 0
    late: int = 0
    gaps: list[Gap] = field(default_factory=list)

    @property
    def is_amiss(self) -> bool:
        return self.heard in (Heard.SILENT, Heard.NEVER)


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything there is to say about the quality of what has come. `more`: only the latest findings were looked at."""

    items: list[Item]
    more: bool
    unknown_areas: list[UnknownArea]
    unknown_types: list[HeardOf]
    unmeasured: list[HeardOf]
    parked: list[Waiting]
    withdrawn_early: dict[str, int]
    systems: list[System]

    @property
    def to_mend(self) -> int:
        """How many things there are to mend."""
        return (
            len(self.items)
            + len(self.unknown_areas)
            + len(self.unknown_types)
            + len(self.parked)
            + len(self.withdrawn_early)
            + sum(system.is_amiss for system in self.systems)
        )


async def overview(connection: Connection, measured: Collection[str], now: datetime) -> Overview:
    """`measured`: the types of event that some goal counts."""
    found = await repository.findings(connection, limit=LOOKED_AT + 1)
    areas = await repository.unknown_areas(connection)
    told = await repository.told_of_areas(connection, areas)
    others = await repository.told_of_other_types(connection, list(measured))
    return Overview(
        _items(await _standing(connection, found[:LOOKED_AT])),
        len(found) > LOOKED_AT,
        [UnknownArea(area, [one for one in told if one.area == area]) for area in areas],
        [one for one in others if one.type not in MODELS],
        [one for one in others if one.type in MODELS and MODELS[one.type].topic not in DECIDES],
        await repository.parked(connection),
        await repository.withdrawn_early(connection),
        await systems(connection, now),
    )


async def of_kind(
    connection: Connection, kind: Kind, source: str | None, field: str | None
) -> tuple[list[Finding], bool]:
    """The findings of a kind that nobody has mended, the latest first; and whether only the latest were looked at."""
    found = await repository.findings(connection, kind=kind.value, source=source, field=field, limit=LOOKED_AT + 1)
    return await _standing(connection, found[:LOOKED_AT]), len(found) > LOOKED_AT


async def told_of(connection: Connection, area: str) -> list[HeardOf]:
    """Who has told of an area, in which types of event."""
    return await repository.told_of_areas(connection, [area])


async def systems(connection: Connection, now: datetime) -> list[System]:
    """Every source that is registered or has been heard; what is amiss first, then in order of name."""
    found: dict[str, System] = {}
    for row in _registered([stored_fact(row) for row in await repository.register(connection)], now):
        found[row.source] = row
    days: dict[str, list[HeardDay]] = {}
    for day in await repository.heard_days(connection):
        days.setdefault(day.source, []).append(day)
    today = local_date(now)
    for source, heard in days.items():
        system = found.setdefault(source, System(source))
        system.last = max(day.last for day in heard)
        lately = [day for day in heard if day.day > today - LATELY]
        system.facts, system.late = sum(day.facts for day in lately), sum(day.late for day in lately)
        until = min(today, system.retired or today)  # afterwards nobody waits for it
        system.gaps = rules.gaps((day.day for day in heard), until)[:GAPS_SHOWN]
    for system in found.values():
        system.heard = rules.how_heard(system.last, system.interval, system.retired, now)
    order = list(Heard)
    return sorted(found.values(), key=lambda s: (not s.is_amiss, order.index(s.heard), s.source))


def _registered(facts: Sequence[Fact], now: datetime) -> Iterable[System]:
    """The sources of each publisher as its register stands today."""
    withdrawn = withdrawn_among(facts)
    today = local_date(now)
    registers: dict[str, Fact] = {}
    retired: dict[str, date] = {}
    for fact in sorted((f for f in facts if identity(f) not in withdrawn and f.data), key=precedence):
        if fact.type == PublisherRetired.type:
            retired[fact.subject] = fact.data["retired_on"]
        elif fact.type == PublisherRegistered.type and fact.data["from_"] <= today:
            standing = registers.get(fact.subject)
            if standing is None or fact.data["from_"] >= standing.data["from_"]:
                registers[fact.subject] = fact
    for publisher, fact in registers.items():
        end = retired.get(publisher)
        gone = end if end is not None and end >= fact.data["from_"] else None
        for source in fact.data["sources"]:
            yield System(source, publisher, fact.data["expected_interval"], gone)


async def _standing(connection: Connection, found: Sequence[Finding]) -> list[Finding]:
    """Those of `found` that nobody has taken back or corrected."""
    if not found:
        return []
    rows = await stored.facts_at(connection, [(one.source, one.event_id) for one in found])
    rows += await repository.later(connection, sorted({(one.topic, one.subject, one.type) for one in found}))
    facts = []
    for row in rows:
        data = stored_data(row)
        about = (row.type, row.subject, *(data.identity if data is not None else (row.source, row.event_id)))
        facts.append((stored_fact(row), about))
    mended = rules.mended(facts)
    return [one for one in found if (one.topic, one.subject, one.source, one.event_id) not in mended]


def _items(found: Sequence[Finding]) -> list[Item]:
    groups: dict[tuple[Kind, str, str, str], list[Finding]] = {}
    for one in found:
        groups.setdefault((one.kind, one.source, one.field, one.type), []).append(one)
    items = [
        Item(
            kind, source, name, type, len(group),
            min(one.received for one in group), max(one.received for one in group),
            (min(one.said for one in group), max(one.said for one in group)),
        )
        for (kind, source, name, type), group in groups.items()
    ]  # fmt: skip
    return sorted(items, key=lambda item: (-item.events, item.kind, item.source, item.type))
