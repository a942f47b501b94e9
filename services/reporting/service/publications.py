"""The verbs of publications: publish, approve, close, restate."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from schemas.fields import Unit
from schemas.reporting import FigurePublished, PeriodClosed, ReportRestated, RestatedFigure
from services.chassis.clock import local_date
from services.chassis.ids import uuid7
from services.chassis.postgres import Connection
from services.chassis.transaction import Transaction
from services.reporting.definitions import Goal
from services.reporting.definitions.groups import Unit as Measured
from services.reporting.domain.figures import Status
from services.reporting.domain.periods import Period
from services.reporting.domain.publication import Publication, Reason, Row, Signature
from services.reporting.repository import publications as repository
from services.reporting.service import publishing

UNITS: Mapping[Measured, Unit] = {
    "%": "percent", "points": "percentage_points", "number": "number", "sek": "sek", "hours": "hours", "days": "days",
    "index": "index", "date": "date", "done": "number",
}  # fmt: skip
FIGURES_AT_MOST = 1000  # in one ReportRestated


class Refused(Exception):
    """A publication that can't be made, or not now. `why`: a code."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True)
class Change:
    """A figure that a restatement would change, or has changed: what it was and is, in its measure's unit."""

    goal: str
    measure: str
    area: str | None
    dimension: tuple[str, str] | None
    before: Fraction | None
    after: Fraction | None


async def publish(
    tx: Transaction, goals: Iterable[Goal], period: Period, *, by: str, role: str, reason: Reason | None = None
) -> Publication:
    """Makes the figures of a period public, as they stand. Raises `Refused`.

    `not_over`: the period isn't over; `no_reason`: it is closed, and a restatement needs a reason; `not_closed`: it isn't,
    and needs none; `nothing_new`: nothing that may be told has changed since it was published.
    """
    by_id = {goal.id: goal for goal in goals}
    await repository.lock(tx.connection)
    if not period.is_over(local_date(tx.now())):
        raise Refused("not_over")
    closed = await repository.closed(tx.connection)
    if (period.label in closed) != (reason is not None):
        raise Refused("no_reason" if reason is None else "not_closed")
    signed = Signature(by, role, tx.now())
    number = len(await publications_of(tx.connection, period)) + 1
    made = await publishing.make(tx.connection, by_id.values(), period, tx.now(), number)
    changed = changes(made.rows)
    before = {} if number == 1 else await _previous(tx.connection, period, number)
    new = [row for row in made.rows if _is_new(row, before)]
    if not new:
        raise Refused("nothing_new")
    id = await repository.add(tx.connection, period, number, signed, reason)
    await repository.add_figures(tx.connection, id, made.rows)
    await repository.add_lineage(tx.connection, id, made.behind)
    publication = Publication(id, period, number, tx.now(), signed, reason)
    for row in new:
        _tell(tx, row, by_id[row.goal], publication)
    if reason is not None:
        _restate(tx, by_id, publication, changed)
    return publication


async def approve(tx: Transaction, period: Period, *, by: str, role: str) -> None:
    """Notes who stands behind a period's latest publication. Raises `Refused`: `not_published`, `approved` already."""
    await repository.lock(tx.connection)
    latest = await repository.latest(tx.connection, period, tx.now())
    if latest is None:
        raise Refused("not_published")
    if latest.approved is not None:
        raise Refused("approved")
    await repository.approve(tx.connection, latest.id, Signature(by, role, tx.now()))


async def close(tx: Transaction, period: Period, *, by: str, role: str) -> None:
    """Keeps a period's figures as they were last published. Raises `Refused`: `not_published`, `closed` already."""
    await repository.lock(tx.connection)
    if await repository.latest(tx.connection, period, tx.now()) is None:
        raise Refused("not_published")
    if not await repository.close(tx.connection, period, Signature(by, role, tx.now())):
        raise Refused("closed")
    tx.publish(PeriodClosed(period=period.label, closed_on=local_date(tx.now())))


async def publications_of(connection: Connection, period: Period) -> list[Publication]:
    """A period's publications, in order."""
    made = await repository.of_year(connection, period.first.year)
    return [publication for publication in made if publication.period == period]


async def changes_of(connection: Connection, publication: Publication) -> list[Change]:
    """What a publication told otherwise than the one before it."""
    return changes(await repository.figures(connection, publication.id))


def changes(rows: Iterable[Row]) -> list[Change]:
    """What these figures tell otherwise than the period's publication before theirs."""
    return [
        Change(
            row.goal,
            row.measure,
            row.area,
            row.dimension,
            row.content.was,
            row.content.told_value if row.shown else None,
        )
        for row in rows
        if row.content.changed
    ]


async def _previous(connection: Connection, period: Period, number: int) -> dict[tuple[str, ...], Row]:
    made = await publications_of(connection, period)
    before = next(publication for publication in made if publication.number == number - 1)
    return {_name(row): row for row in await repository.figures(connection, before.id)}


def _name(row: Row) -> tuple[str, ...]:
    return (row.goal, row.measure, *row.slice)


def _is_new(row: Row, before: Mapping[tuple[str, ...], Row]) -> bool:
    """Whether it wasn't told before, is told otherwise, or is final now."""
    was = before.get(_name(row))
    return was is None or row.content.changed or was.content.provisional is not row.content.provisional


def _dimension(area: str | None, dimension: tuple[str, str] | None) -> dict[str, str] | None:
    return {"area": area} if area is not None else {dimension[0]: dimension[1]} if dimension is not None else None


def _tell(tx: Transaction, row: Row, goal: Goal, publication: Publication) -> None:
    content, measure = row.content, goal.measure(row.measure)
    has_value = row.shown and content.told_value is not None and content.told_status is not Status.NO_DATA
    final: Literal["final", "provisional"] = "provisional" if content.provisional else "final"
    numerator, denominator = content.told_tally
    is_told = has_value and measure.is_ratio and numerator >= 0 and denominator > 0
    tx.publish(
        FigurePublished(
            goal_id=row.goal,
            measure=row.measure if len(goal.measures) > 1 else None,
            dimension=_dimension(row.area, row.dimension),
            period=publication.period.label,
            status=final if has_value else "no_data" if row.shown else "not_shown",
            value=_number(content.told_value) if has_value else None,
            unit=UNITS[measure.unit],
            numerator=float(numerator) if is_told else None,
            denominator=float(denominator) if is_told else None,
            definition_version=content.version,
            as_of=local_date(publication.as_of),
            published_on=local_date(publication.published.at),
        )
    )


def _restate(tx: Transaction, goals: Mapping[str, Goal], publication: Publication, changes: Sequence[Change]) -> None:
    for start in range(0, len(changes), FIGURES_AT_MOST):
        figures = [
            RestatedFigure(
                goal_id=change.goal,
                measure=change.measure if len(goals[change.goal].measures) > 1 else None,
                dimension=_dimension(change.area, change.dimension),
                period=publication.period.label,
                value_before=_number(change.before),
                value_after=_number(change.after),
                unit=UNITS[goals[change.goal].measure(change.measure).unit],
            )
            for change in changes[start : start + FIGURES_AT_MOST]
        ]
        tx.publish(
            ReportRestated(
                report_id=f"publication-{publication.period.label}",
                restatement_id=str(uuid7(tx.now())),
                figures=tuple(figures),
                reason=publication.reason or "other",
                restated_on=local_date(tx.now()),
            )
        )


def _number(value: Fraction | None) -> float | None:
    return None if value is None else float(value)
