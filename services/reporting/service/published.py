"""Figures as they were published: for the public as they are told, for staff, of a closed period, as they were counted.

The public's curve is made of what has been published alone: a year's of its months and quarters, as far as they are shown.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import NamedTuple

from services.chassis.clock import local_date
from services.chassis.postgres import Connection
from services.reporting.definitions import Goal
from services.reporting.definitions.measures import AnyMeasure
from services.reporting.domain.figures import Point, Status, Tally
from services.reporting.domain.periods import Period
from services.reporting.domain.publication import Behind, Publication, Row
from services.reporting.repository import publications as repository
from services.reporting.service.figures import way_of
from services.reporting.service.shapes import Figure, MeasureReport, PublishedAs, Report


class Piece(NamedTuple):
    """A figure of a part of a period, as it was published: the part's last day, its months, and the figure's row."""

    first: date
    last: date
    row: Row


Pieces = Mapping[tuple[str, ...], Sequence[Piece]]
"""(goal, measure, *slice) → the parts of the period that were published, in order of their days."""


async def periods(connection: Connection, at: datetime) -> list[Period]:
    """What had been published by then."""
    return await repository.periods(connection, at)


async def reports(connection: Connection, goals: Iterable[Goal], period: Period, at: datetime) -> list[Report]:
    """What the public sees of a period: its latest publication by `at`. A goal that isn't in it has no report."""
    publication = await repository.latest(connection, period, at)
    if publication is None:
        return []
    goals = list(goals)
    ids = [goal.id for goal in goals]
    closed = (await repository.closed(connection)).get(period.label)
    pieces = await _pieces(connection, ids, period, at)
    rows = await repository.figures(connection, publication.id, ids)
    return _reports(goals, rows, _Public(publication, closed is not None and closed.at <= at, pieces))


async def kept(connection: Connection, goals: Iterable[Goal], period: Period, at: datetime) -> list[Report] | None:
    """What staff see of a period that is closed: what was counted at its latest publication. None: it isn't closed."""
    publication = await repository.latest(connection, period, at)
    closed = (await repository.closed(connection)).get(period.label)
    if publication is None or closed is None or closed.at > at:
        return None
    goals = list(goals)
    rows = await repository.figures(connection, publication.id, [goal.id for goal in goals])
    return _reports(goals, rows, _Staff(publication, closed=True))


async def behind(connection: Connection, figure: Figure) -> list[Behind]:
    """The events behind a published figure, counted: those that may be told, and only of the company's figure."""
    if figure.published is None or figure.area is not None or figure.dimension is not None:
        return []
    publication = await repository.latest(connection, figure.period, figure.published.as_of)
    if publication is None:
        return []
    found = await repository.lineage(connection, [publication.id], figure.goal.id)
    return [row for _, row in found if row.measure == figure.measure.id and row.shown]


async def _pieces(connection: Connection, goals: Sequence[str], period: Period, at: datetime) -> Pieces:
    months = list(period.months())
    if len(months) == 1:
        return {}
    made = [p for p in await repository.of_year(connection, period.first.year) if p.published.at <= at]
    latest = {p.period: p for p in made if p.period != period and period.first <= p.period.first <= period.last}
    found: dict[tuple[str, ...], list[Piece]] = {}
    for part, publication in sorted(latest.items(), key=lambda pair: (pair[0].first, pair[0].last)):
        if part.last <= period.last:
            for row in await repository.figures(connection, publication.id, goals):
                if row.people:
                    found.setdefault((row.goal, row.measure, *row.slice), []).append(Piece(part.first, part.last, row))
    return found


class _View(ABC):
    """How an audience sees the rows of a publication."""

    def __init__(self, publication: Publication, closed: bool) -> None:
        self.publication, self.closed = publication, closed

    @abstractmethod
    def figure(self, goal: Goal, measure: AnyMeasure, row: Row) -> Figure:
        """The figure of a row."""

    def as_published(self, row: Row) -> PublishedAs:
        content, reason = row.content, self.publication.reason
        restated = content.changed and reason is not None
        return PublishedAs(
            on=local_date(self.publication.published.at),
            as_of=self.publication.as_of,
            definition_version=content.version,
            restated=restated,
            deferred=content.deferred,
            number=self.publication.number,
            was=content.was if restated else None,
            reason=reason if restated else None,
            closed=self.closed,
        )

    def as_counted(self, goal: Goal, measure: AnyMeasure, row: Row) -> Figure:
        """The figure as staff see it."""
        content = row.content
        return Figure(
            goal=goal,
            measure=measure,
            period=self.publication.period,
            area=row.area,
            area_name=content.area_name,
            dimension=row.dimension,
            in_programme=content.in_programme,
            tally=Tally(*content.tally, spread=content.spread),
            value=content.value,
            before=content.before,
            status=content.status,
            target=content.target,
            targets=content.targets,
            provisional=content.provisional,
            ripe_on=content.ripe_on,
            as_of=self.publication.as_of,
            trend=list(content.trend),
            breaks=content.breaks,
            flags=content.flags,
            published=self.as_published(row),
            range=content.range,
        )


class _Staff(_View):
    def figure(self, goal: Goal, measure: AnyMeasure, row: Row) -> Figure:
        return self.as_counted(goal, measure, row)


class _Public(_View):
    """What isn't shown isn't in the figure at all."""

    def __init__(self, publication: Publication, closed: bool, pieces: Pieces) -> None:
        super().__init__(publication, closed)
        self.pieces = pieces

    def figure(self, goal: Goal, measure: AnyMeasure, row: Row) -> Figure:
        found = self.as_counted(goal, measure, row)
        if not row.people:
            return found
        content = row.content
        return replace(
            found,
            tally=Tally(*content.told_tally) if row.shown else Tally(),
            value=content.told_value if row.shown and content.told_status is not Status.NO_DATA else None,
            before=content.told_before if row.shown else None,
            status=content.told_status,
            trend=self._trend(goal, measure, row) if row.shown else [],
        )

    def _trend(self, goal: Goal, measure: AnyMeasure, row: Row) -> list[Point]:
        """The figure at each month's end, of the parts that were published and are shown; the last is the figure."""
        period, way = self.publication.period, way_of(measure)
        pieces = [p for p in self.pieces.get((goal.id, measure.id, *row.slice), ()) if p.row.shown]
        reached: dict[date, Tally] = {}
        for piece in pieces:
            tally = Tally(*piece.row.content.told_tally)
            if measure.cumulative or way.median:
                continue
            if piece.first == period.first:
                reached.setdefault(piece.last, tally)
            else:
                before = next((reached[end] for end in reached if (piece.first - end).days == 1), None)
                if before is not None:
                    both = Tally(before.numerator + tally.numerator, before.denominator + tally.denominator)
                    reached.setdefault(piece.last, both)
        values = {end: way.value(tally) for end, tally in reached.items()}
        if measure.cumulative:
            values = {piece.last: piece.row.content.told_value for piece in pieces}
        values[period.last] = row.content.told_value
        return [Point(end, values.get(end)) for end in period.month_ends()]


def _reports(goals: Sequence[Goal], rows: Sequence[Row], view: _View) -> list[Report]:
    by_goal: dict[str, dict[str, list[Row]]] = {}
    for row in rows:
        by_goal.setdefault(row.goal, {}).setdefault(row.measure, []).append(row)
    found = []
    for goal in goals:
        mine = by_goal.get(goal.id, {})
        measures = [_measure(goal, measure, mine[measure.id], view) for measure in goal.measures if measure.id in mine]
        if measures:
            found.append(Report(goal, measures))
    return found


def _measure(goal: Goal, measure: AnyMeasure, rows: Sequence[Row], view: _View) -> MeasureReport:
    made = [view.figure(goal, measure, row) for row in rows]
    by: dict[str, list[Figure]] = {dimension: [] for dimension in goal.others}
    for figure in made:
        if figure.dimension is not None:
            by.setdefault(figure.dimension[0], []).append(figure)
    company = next(figure for figure in made if figure.area is None and figure.dimension is None)
    return MeasureReport(measure, company, [figure for figure in made if figure.area is not None], by)
