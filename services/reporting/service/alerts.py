"""Alerts: what the rules say of the figures as staff see them now, and what comes of it since the last look."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from fractions import Fraction

from schemas.reporting import AlertCleared, AlertRaised
from services.chassis.clock import local_date
from services.chassis.transaction import Transaction
from services.reporting.domain.alerts import Dot, Rule, Step, Thing, Watch, alert_id, is_unusual, steps
from services.reporting.repository import alerts as repository
from services.reporting.repository.alerts import Watched
from services.reporting.service.shapes import Figure, MeasureReport, Report

STEADY_FROM = 3  # the month at whose end a share of the year is looked at first

Seen = Mapping[Watched, bool]


def seen(rules: Sequence[Rule], reports: Iterable[Report], before: Mapping[tuple[str, str], MeasureReport]) -> Seen:
    """Whether each rule holds for each thing that it is about. What isn't shown, or is of a period that is over, such as
    official statistics of two years ago, is never looked at, and never holds.

    `before`: (goal, measure) → the same a year earlier, for what is usual.
    """
    found: dict[Watched, bool] = {}
    for report in reports:
        for measure in report.measures:
            earlier = before.get((report.goal.id, measure.measure.id))
            for rule in (rule for rule in rules if rule.is_about(report.goal.id, measure.measure.unit)):
                for figure in _slices(rule, measure):
                    is_open = figure.shown is not None and not figure.period.is_over(local_date(figure.as_of))
                    holds = is_open and _holds(rule, figure, _same(earlier, figure))
                    found[Watched(rule.id, thing_of(figure))] = holds
    return found


def thing_of(figure: Figure) -> Thing:
    dimension, value = figure.dimension or ("", "")
    return Thing(figure.goal.id, figure.measure.id, figure.period.label, figure.area or "", dimension, value)


def _slices(rule: Rule, report: MeasureReport) -> Iterator[Figure]:
    for each in rule.each:
        match each:
            case "company":
                yield report.company
            case "area":
                yield from report.areas
            case "publisher":
                yield from report.by.get(each, ())


def _same(earlier: MeasureReport | None, figure: Figure) -> Figure | None:
    """The figure of the same slice a year earlier."""
    if earlier is None or figure.dimension is not None:
        return None
    return next((f for f in (earlier.company, *earlier.areas) if f.area == figure.area), None)


def _holds(rule: Rule, figure: Figure, earlier: Figure | None) -> bool:
    match rule.kind:
        case "status":
            return figure.status.value in rule.statuses
        case "below":
            value = figure.value_shown
            return value is not None and rule.below is not None and value < rule.below
        case "jump":
            return rule.jump is not None and is_unusual(_steps(figure, earlier), rule.jump)


def _steps(figure: Figure, earlier: Figure | None) -> list[Fraction]:
    """The steps of the trend, last year's before this year's, up to the last month that is over.

    A share of the year is unsteady while few are in it: its steps begin after the first quarter.
    """
    as_of = local_date(figure.as_of) - timedelta(days=1)
    found: dict[date, Fraction] = {}
    for one in (earlier, figure):
        if one is not None and one.shown is not None:
            skipped = STEADY_FROM if one.measure.is_ratio and not one.measure.cumulative else 1
            dots = [Dot(point.on, point.value) for point in one.trend if point.on.month >= skipped]
            found |= steps(dots, [seam.on for seam in one.breaks], as_of)
    return [found[day] for day in sorted(found)]


async def look(tx: Transaction, rules: Mapping[str, Rule], seen: Seen) -> tuple[int, int]:
    """Raises and clears what has held, or been over, for long enough. Returns how many of each.

    The caller has this to itself (`repository.look_alone`). What nothing was seen of any more, such as last year, is over.
    """
    now = tx.now()
    watches = await repository.watches(tx.connection)
    changed: dict[Watched, Watch] = {}
    raised = cleared = 0
    for watched in sorted(watches.keys() | seen.keys()):
        before = watches.get(watched, Watch())
        rule = rules.get(watched.rule)
        if rule is None:  # its file is gone: what it raised is cleared at the next look
            rule = Rule(watched.rule, "status", frozenset(), (), timedelta(0), timedelta(0))
        after, step = before.look(rule, holds=seen.get(watched, False), now=now)
        if after != before:
            changed[watched] = after
        match step:
            case Step.RAISE:
                raised += await _raise(tx, watched, after.episode)
            case Step.CLEAR:
                cleared += await _clear(tx, watched, after.episode)
            case Step.NOTHING:
                pass
    await repository.keep_watches(tx.connection, changed)
    return raised, cleared


async def _raise(tx: Transaction, watched: Watched, episode: int) -> bool:
    rule, thing = watched
    id = alert_id(rule, thing, episode)
    if not await repository.raise_alert(tx.connection, id, watched, tx.now()):
        return False
    tx.publish(
        AlertRaised(
            alert_id=id, goal_id=thing.goal, measure=thing.measure, dimension=thing.of, period=thing.period, rule=rule,
            raised_on=local_date(tx.now()),
        )
    )  # fmt: skip
    return True


async def _clear(tx: Transaction, watched: Watched, episode: int) -> bool:
    id = alert_id(watched.rule, watched.thing, episode)
    if not await repository.clear_alert(tx.connection, id, tx.now()):
        return False
    tx.publish(AlertCleared(alert_id=id, goal_id=watched.thing.goal, cleared_on=local_date(tx.now())))
    return True
