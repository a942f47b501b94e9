"""What is asked of the figures: one, all, what stands behind one, and to make them anew."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from services.chassis.clock import STOCKHOLM, local_date
from services.chassis.postgres import Connection
from services.reporting import repository
from services.reporting.definitions import Goal, Goals
from services.reporting.domain import WITHDRAWN, Part, Role, parts
from services.reporting.figures import (
    STILL_TO_REACH,
    Count,
    Landlord,
    Period,
    Point,
    Status,
    Tally,
    Target,
    company_tells_of_few,
    is_too_few,
    status_of,
    trend,
)
from services.reporting.records import stored_fact

LINEAGE_CHUNK = 200
SWEDISH_LAST = "åäö"
BEHIND_AT_MOST = 20_000  # a goal page reads this many events at most


class UnknownArea(LookupError):
    """An area that neither governance nor any event has named."""

    def __init__(self, area: str, known: Sequence[str]) -> None:
        super().__init__(f"there is no area {area!r}")
        self.known = list(known)


@dataclass(frozen=True, slots=True)
class Figure:
    """One goal's figure for a period, of an area or (None) the company.

    `tally` is the truth; what may be shown of it is None in `shown` when there is no data or too few.
    """

    goal: Goal
    period: Period
    area: str | None
    area_name: str | None
    in_programme: bool
    tally: Tally
    status: Status
    target: Target | None
    provisional: bool
    as_of: datetime
    trend: list[Point]

    @property
    def shown(self) -> Tally | None:
        return None if self.status in (Status.NO_DATA, Status.SUPPRESSED) else self.tally

    def to_json(self, language: str) -> dict[str, Any]:
        """The figure object of the API. `value` in the goal's unit; null when not shown or without data."""
        shown, target = self.shown, self.target
        return {
            "goal": self.goal.id,
            "measure": self.goal.measure,
            "title": self.goal.text(language).title,
            "period": self.period.label,
            "area": self.area,
            "dimensions": {},
            "value": shown.share if shown else None,
            "unit": self.goal.unit,
            "numerator": shown.numerator if shown else None,
            "denominator": shown.denominator if shown else None,
            "target": target
            and {
                "comparison": target.comparison,
                "value": None if target.value is None else _number(float(target.value)),
            },
            "status": self.status.value,
            "provisional": self.provisional,
            "published": False,
            "as_of": self.as_of.astimezone(STOCKHOLM).isoformat(timespec="seconds"),
            "definition_version": self.goal.version,
        }


@dataclass(frozen=True, slots=True)
class Report:
    """A goal's figures for a period: the company's, and each area's in order of name."""

    company: Figure
    areas: list[Figure]

    def of(self, area: str | None) -> Figure:
        """Raises `UnknownArea`."""
        if area is None:
            return self.company
        for figure in self.areas:
            if figure.area == area:
                return figure
        raise UnknownArea(area, [figure.area or "" for figure in self.areas])


async def report(
    connection: Connection, goal: Goal, period: Period, now: datetime, landlord: Landlord | None = None
) -> Report:
    """All figures of a goal for a period, as they stand `now`."""
    as_of = local_date(now)
    landlord = landlord or await repository.landlord(connection)
    counts = await repository.counts(
        connection,
        goal.id,
        goal.measure,
        period.first,
        period.last,
        as_of=as_of,
        programme=goal.programme,
        young_after=as_of - STILL_TO_REACH,
    )
    known = {a.id for a in landlord.areas} | await repository.areas_with_data(connection)
    by_area: dict[str, list[Count]] = {area: [] for area in known}
    for count in counts:
        by_area[count.area].append(count)
    make = _Maker(goal, period, now, landlord)
    named = {area: landlord.name_of(area, make.in_force) for area in known}
    areas = [make.of_area(area, by_area[area]) for area in sorted(known, key=lambda a: _swedish(named[a]))]
    scoped = [
        (Tally.of(c for c in by_area[figure.area or ""] if c.scoped), figure.status is Status.SUPPRESSED)
        for figure in areas
    ]
    hidden = company_tells_of_few(scoped, goal.threshold)
    return Report(make.of_company([c for c in counts if c.scoped], hidden), areas)


@dataclass(frozen=True, slots=True)
class _Maker:
    goal: Goal
    period: Period
    now: datetime
    landlord: Landlord

    @property
    def in_force(self) -> date:
        """The day of the period by which it is judged: today, or its nearest day."""
        return min(self.period.last, max(local_date(self.now), self.period.first))

    def of_area(self, area: str, counts: list[Count]) -> Figure:
        in_programme = self.landlord.runs_in(self.goal.programme, area, self.period)
        return self._figure(area, counts, in_programme=in_programme, hidden=False)

    def of_company(self, counts: list[Count], hidden: bool) -> Figure:
        return self._figure(None, counts, in_programme=True, hidden=hidden)

    def _figure(self, area: str | None, counts: list[Count], *, in_programme: bool, hidden: bool) -> Figure:
        as_of, goal = local_date(self.now), self.goal
        tally = Tally.of(counts)
        target = self.landlord.target(goal.id, goal.measure, goal.unit, area, self.in_force)
        hidden = hidden or is_too_few(tally, goal.threshold)
        is_over = self.period.is_over(as_of)
        return Figure(
            goal=goal,
            period=self.period,
            area=area,
            area_name=None if area is None else self.landlord.name_of(area, self.in_force),
            in_programme=in_programme,
            tally=tally,
            status=status_of(tally, target=target if in_programme else None, is_over=is_over, hidden=hidden),
            target=target,
            provisional=not is_over,
            as_of=self.now,
            trend=[] if hidden else trend(counts, self.period, as_of, goal.threshold),
        )


async def reports(connection: Connection, goals: Goals, period: Period, now: datetime) -> list[Report]:
    """The reports of all goals for a period."""
    landlord = await repository.landlord(connection)
    return [await report(connection, goal, period, now, landlord) for goal in goals]


async def periods(connection: Connection, goals: Goals, now: datetime) -> tuple[list[int], Period]:
    """The years with data, and the period to show when none is asked for.

    That is the latest year with enough in a cohort to be shown, else the latest with any, else this year: a few
    households that are told of ahead of time must not hide the year that people ask about.
    """
    as_of = local_date(now)
    found = await repository.years(connection, [goal.id for goal in goals], as_of)
    least = {goal.id: goal.threshold for goal in goals}
    years = sorted({year for year, _, _ in found})
    shown = [year for year, goal, members in found if members >= least[goal]]
    return years, Period.year(max(shown or years, default=as_of.year))


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page of lineage begins: a cohort day, subjects of that day to skip, events of the next to skip."""

    day: date
    subjects: int
    events: int

    def __str__(self) -> str:
        return f"{self.day.isoformat()}.{self.subjects}.{self.events}"

    @staticmethod
    def parse(text: str) -> "Place":
        """Raises `ValueError`."""
        day, subjects, events = text.split(".")
        place = Place(date.fromisoformat(day), int(subjects), int(events))
        if place.subjects < 0 or place.events < 0:
            raise ValueError("a place counts from 0")
        return place


@dataclass(frozen=True, slots=True)
class Lineage:
    """The events behind a figure, with the subject each bears on; `next`: where the next page begins."""

    entries: list[tuple[str, Part]]
    next: Place | None


async def lineage(
    connection: Connection, figure: Figure, *, role: Role | None = None, start: Place | None = None, limit: int
) -> Lineage:
    """Up to `limit` events behind a figure, by cohort day. None where the figure may not be shown: it would tell it."""
    if figure.status is Status.SUPPRESSED:
        return Lineage([], None)
    entries: list[tuple[str, Part]] = []
    as_of = local_date(figure.as_of)
    at = start or Place(figure.period.first, 0, 0)
    while True:
        subjects = await repository.cohort(
            connection,
            figure.goal.id,
            max(at.day, figure.period.first),
            figure.period.last,
            area=figure.area,
            programme=figure.goal.programme if figure.area is None else None,
            skip=at.subjects,
            limit=LINEAGE_CHUNK,
        )
        facts = await repository.facts_about(connection, [subject for subject, _ in subjects], WITHDRAWN)
        for subject, day in subjects:
            if day != at.day:
                at = Place(day, 0, 0)
            found = parts(figure.goal.rule, subject, map(stored_fact, facts[subject]), as_of)
            for number, part in enumerate(found):
                if number < at.events or (role is not None and part.role is not role):
                    continue
                if len(entries) == limit:
                    return Lineage(entries, Place(day, at.subjects, number))
                entries.append((subject, part))
            at = Place(day, at.subjects + 1, 0)
        if len(subjects) < LINEAGE_CHUNK:
            return Lineage(entries, None)


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
    return sorted(rows, key=lambda b: (order.index(b.role), -b.count, b.type)), found.next is not None


def _number(value: float) -> float | int:
    return int(value) if value.is_integer() else value


def _swedish(text: str) -> list[int]:
    """A key that puts å, ä and ö last: Postgres and Python know no Swedish here."""
    return [
        SWEDISH_LAST.find(letter) + 0x110000 if letter in SWEDISH_LAST else ord(letter) for letter in text.casefold()
    ]
