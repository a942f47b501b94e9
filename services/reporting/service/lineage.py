"""The events behind a figure, one by one and counted."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from services.chassis.clock import local_date
from services.chassis.postgres import Connection
from services.reporting.definitions.groups import Ledger
from services.reporting.definitions.measures import AnyMeasure, FreshnessMeasure, OfficialMeasure, ShareMeasure
from services.reporting.domain.facts import WITHDRAWN, Fact, identity, withdrawn_among
from services.reporting.domain.figures import SILENT, UNKNOWN_AREA
from services.reporting.domain.rules import Part, Role
from services.reporting.domain.states import State
from services.reporting.records import stored_fact
from services.reporting.repository import facts, governance, quality, states, tallies
from services.reporting.service.about import about
from services.reporting.service.outside import statistics_of
from services.reporting.service.shapes import Figure

CHUNK = 200
BEHIND_AT_MOST = 20_000  # a goal page reads this many events at most
ABOUT_AT_MOST = 1_000
"""Events of one type about one subject that are listed: the latest."""
FROM_THE_BEGINNING = date(1900, 1, 1)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page of lineage begins: which ledger of the measure, a cohort day, subjects of that day to skip, events of
    the next to skip."""

    ledger: int
    day: date
    subjects: int
    events: int

    def __str__(self) -> str:
        return f"{self.ledger}.{self.day.isoformat()}.{self.subjects}.{self.events}"

    @staticmethod
    def parse(text: str) -> "Place":
        """Raises `ValueError`."""
        ledger, day, subjects, events = text.split(".")
        place = Place(int(ledger), date.fromisoformat(day), int(subjects), int(events))
        if min(place.ledger, place.subjects, place.events) < 0:
            raise ValueError("a place counts from 0")
        return place


@dataclass(frozen=True, slots=True)
class Lineage:
    """The events behind a figure, with the subject each bears on; `next`: where the next page begins. `shortened`: the
    subjects with more events of a type than are listed."""

    entries: list[tuple[str, Part]]
    next: Place | None
    shortened: tuple[str, ...] = ()


async def lineage(
    connection: Connection, figure: Figure, *, role: Role | None = None, start: Place | None = None, limit: int
) -> Lineage:
    """Up to `limit` events behind a figure, by cohort day. None where the figure isn't shown: it would tell it."""
    if figure.status in SILENT:
        return Lineage([], None)
    if _is_outside(figure.measure):
        return await _outside(connection, figure, role, start, limit)
    entries: list[tuple[str, Part]] = []
    ledgers = [ledger for ledger in figure.goal.ledgers if ledger.measure == figure.measure.id]
    first = FROM_THE_BEGINNING if figure.measure.cumulative else figure.period.first
    place = start or Place(0, first, 0, 0)
    shortened: set[str] = set()
    for number, ledger in enumerate(ledgers):
        if number < place.ledger:
            continue
        at = place if number == place.ledger else Place(number, first, 0, 0)
        more = await _of_ledger(
            connection, figure, ledger, role=role, at=at, limit=limit, entries=entries, shortened=shortened
        )
        if more is not None:
            return Lineage(entries, more, tuple(sorted(shortened)))
    return Lineage(entries, None, tuple(sorted(shortened)))


def _is_outside(measure: AnyMeasure) -> bool:
    return isinstance(measure, OfficialMeasure | FreshnessMeasure) or (
        isinstance(measure, ShareMeasure) and measure.governance is not None
    )


async def _of_ledger(
    connection: Connection, figure: Figure, ledger: Ledger, *, role: Role | None, at: Place, limit: int,
    entries: list[tuple[str, Part]], shortened: set[str],
) -> Place | None:  # fmt: skip
    """Adds a ledger's events to `entries`, and to `shortened` the subjects of which not all are; where to go on when they
    are full."""
    as_of = local_date(figure.as_of)
    areas = await _areas(connection, figure)
    while True:
        subjects = await states.cohort(
            connection,
            ledger.name,
            at.day,
            figure.period.last,
            areas=areas,
            programme=figure.goal.programme if figure.area is None else None,
            skip=at.subjects,
            limit=CHUNK,
        )
        found = await about(connection, ledger, [subject for subject, _, _ in subjects], most=ABOUT_AT_MOST)
        for subject, day, state in subjects:
            if day != at.day:
                at = Place(at.ledger, day, 0, 0)
            parts = ledger.rule.parts(subject, found[subject], as_of) if _is_of(figure, ledger, state) else []
            if _is_cut(parts):
                shortened.add(subject)
            for number, part in enumerate(parts):
                if number < at.events or (role is not None and part.role is not role):
                    continue
                if len(entries) == limit:
                    return Place(at.ledger, day, at.subjects, number)
                entries.append((subject, part))
            at = Place(at.ledger, day, at.subjects + 1, 0)
        if len(subjects) < CHUNK:
            return None


def _is_cut(parts: Sequence[Part]) -> bool:
    """Whether there may be more events of a type than were read."""
    return len(parts) >= ABOUT_AT_MOST and max(Counter(p.fact.type for p in parts).values()) >= ABOUT_AT_MOST


async def _areas(connection: Connection, figure: Figure) -> list[str] | None:
    if figure.area is None:
        return [""] if figure.measure.given_totals and figure.dimension is None else None
    if figure.area != UNKNOWN_AREA:
        return [figure.area]
    landlord = await governance.landlord(connection)
    return sorted(area for area in await tallies.areas_with_data(connection) if not landlord.is_defined(area))


def _is_of(figure: Figure, ledger: Ledger, state: State) -> bool:
    """Whether a subject counts for the figure's value of another dimension."""
    if figure.dimension is None:
        return True
    number = figure.goal.others.index(figure.dimension[0])
    cells = ledger.rule.contribution(state)
    if not cells:
        return any(number < len(v.others) and v.others[number] == figure.dimension[1] for v in state.values())
    return any(number < len(cell.others) and cell.others[number] == figure.dimension[1] for cell in cells)


async def _outside(
    connection: Connection, figure: Figure, role: Role | None, start: Place | None, limit: int
) -> Lineage:
    """The events of a figure that isn't a sum: observations, registrations, or what has been decided."""
    parts = [part for part in await _outside_parts(connection, figure) if role in (None, part.role)]
    skip = 0 if start is None else start.events
    entries = [(part.fact.subject, part) for part in parts[skip : skip + limit]]
    more = Place(0, figure.period.first, 0, skip + limit) if len(parts) > skip + limit else None
    return Lineage(entries, more)


async def _outside_parts(connection: Connection, figure: Figure) -> list[Part]:
    match figure.measure:
        case OfficialMeasure():
            statistics = await statistics_of(connection, figure.measure)
            series = statistics.series(figure.measure.promise, figure.area, figure.period, local_date(figure.as_of))
            point = series.latest
            if point is None:
                return []
            both = [*point.observations, *(point.against.observations if point.against else ())]
            codes = {(o.group.series, o.code, o.period, o.revision) for o in both}
            subjects = sorted({f"{o.group.series}:{o.code}" for o in both})
            rows = await facts.facts_about(connection, subjects, WITHDRAWN)
            every = [stored_fact(row) for subject in subjects for row in rows[subject]]
            return _parts(every, lambda fact: _observed(fact) in codes)
        case FreshnessMeasure():
            return _parts([stored_fact(row) for row in await quality.register(connection)], lambda fact: True)
        case _:
            rows_ = await governance.governance_facts(connection)
            decided = [stored_fact(row) for row in rows_ if "Target" in row.type or "Document" in row.type]
            return _parts(decided, lambda fact: True)


def _observed(fact: Fact) -> tuple[object, ...]:
    return tuple(fact.data.get(name) for name in ("series", "region_code", "period", "revision"))


def _parts(every: Iterable[Fact], counts: Callable[[Fact], bool]) -> list[Part]:
    every = sorted(every, key=lambda fact: (fact.time, fact.id, fact.source))
    withdrawn = withdrawn_among(every)
    found = []
    for fact in every:
        if fact.type == WITHDRAWN:
            found.append(Part(fact, Role.EXCLUDED, "withdraws"))
        elif identity(fact) in withdrawn:
            found.append(Part(fact, Role.EXCLUDED, "withdrawn"))
        elif counts(fact):
            found.append(Part(fact, Role.NUMERATOR, None))
    return found


@dataclass(frozen=True, slots=True)
class Behind:
    """How many events of a type and source play a part in a figure."""

    type: str
    role: Role
    source: str
    count: int


async def behind(connection: Connection, figure: Figure) -> tuple[list[Behind], bool]:
    """The events behind a figure, counted; and whether there are more than were counted."""
    found = await lineage(connection, figure, limit=BEHIND_AT_MOST)
    counts = Counter((part.fact.type, part.role, part.fact.source) for _, part in found.entries)
    order = list(Role)
    rows = [Behind(type, role, source, n) for (type, role, source), n in counts.items()]
    return sorted(rows, key=lambda b: (order.index(b.role), -b.count, b.type)), bool(found.next or found.shortened)
