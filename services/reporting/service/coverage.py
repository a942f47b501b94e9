"""Which goals are measured, which have no data, and which have stopped."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from services.chassis.clock import local_date
from services.chassis.context import Context
from services.chassis.transaction import Transaction
from services.reporting.audience import Audience
from services.reporting.definitions import Goal, Goals
from services.reporting.domain.figures import Status
from services.reporting.domain.periods import Period
from services.reporting.repository import quality as repository
from services.reporting.service import reading
from services.reporting.service.shapes import Report

State = Literal["measured", "filling", "stopped", "no_data"]
STATES: tuple[State, ...] = ("measured", "filling", "stopped", "no_data")
LOOKED_BACK = 6
"""Years before the one asked for that are looked through for when a goal had data last."""


@dataclass(frozen=True, slots=True)
class Covered:
    """How it is with one goal. `year`: the last with data, up to the one asked for. `heard`: when an event that it
    counts came last; only for staff."""

    goal: Goal
    state: State
    year: int | None
    heard: datetime | None
    next_on: date | None


async def coverage(
    ctx: Context, tx: Transaction, audience: Audience, goals: Goals, period: Period, *, years: Sequence[int]
) -> list[Covered]:
    """Every goal in force, in their order, as the audience may see its figures for the year of `period`."""
    found: dict[str, tuple[State, int | None]] = {}
    wanted = sorted({year for year in years if year < period.first.year}, reverse=True)[:LOOKED_BACK]
    missing = list(goals)
    for year in [period.first.year, *wanted]:
        if not missing:
            break
        reports = await reading.read(ctx, tx, audience, missing, Period.year(year))
        for report in reports:
            if (state := _state(report, year == period.first.year)) is not None:
                found[report.goal.id] = (state, year)
        missing = [goal for goal in missing if goal.id not in found]
    heard = await repository.last_of_types(tx.connection) if audience is Audience.STAFF else {}
    today = local_date(tx.now())
    return [
        Covered(goal, *found.get(goal.id, ("no_data", None)), _heard(goal, heard), next_on(goal, today, audience))
        for goal in goals
    ]


def _state(report: Report, is_asked_for: bool) -> State | None:
    """What a year's report says of the goal; None: nothing."""
    statuses = {f.status for measure in report.measures for f in (measure.company, *measure.areas)}
    if is_asked_for and Status.FILLING in statuses:
        return "filling"
    if statuses <= {Status.NO_DATA, Status.FILLING}:
        return None
    return "measured" if is_asked_for else "stopped"


def _heard(goal: Goal, last: Mapping[str, datetime]) -> datetime | None:
    types = {type for found in goal.events.values() for type in found}
    return max((last[type] for type in types if type in last), default=None)


def next_on(goal: Goal, today: date, audience: Audience) -> date | None:
    """The first day that a new figure may be told of; None: as soon as an event comes.

    The public is told quarter by quarter what is counted live, by publication.
    """
    match goal.frequency:
        case "live":
            return None if audience is Audience.STAFF else _first_of_next(today, 3)
        case "monthly":
            return _first_of_next(today, 1)
        case "quarterly":
            return _first_of_next(today, 3)
        case "yearly":
            return _first_of_next(today, 12)


def _first_of_next(day: date, months: int) -> date:
    """The first day of the next month, quarter or year."""
    following = (day.month - 1) // months * months + months
    return date(day.year + following // 12, following % 12 + 1, 1)
