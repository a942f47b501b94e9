"""Goal figures for Prometheus. A figure that isn't shown on the page is absent here too."""

import asyncio
import time
from collections.abc import Iterator, Sequence

import structlog
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from services.chassis.context import Context
from services.chassis.errors import describe, is_temporary
from services.reporting import repository, service
from services.reporting.definitions import load
from services.reporting.service import Figure

log = structlog.get_logger(__name__)

LABELS = ("goal", "measure", "area", "period")
WHOLE_COMPANY = "all"
LOOK_EVERY = 1.0  # seconds between looks at whether anything has been applied
ANEW_AFTER = 60.0  # seconds after which time alone may have changed a figure


async def run(ctx: Context) -> None:
    """Keeps the gauges of the period that pages show by default, until cancelled."""
    gauges = Gauges()
    ctx.registry.register(gauges)
    goals = load()
    applied, at = -1, 0.0
    try:
        while True:
            try:
                async with ctx.db.transaction() as tx:
                    now_applied = await repository.applied(tx.connection)
                    if now_applied != applied or time.monotonic() - at > ANEW_AFTER:
                        _, period = await service.periods(tx.connection, goals, tx.now())
                        reports = await service.reports(tx.connection, goals, period, tx.now())
                        gauges.figures = [figure for r in reports for figure in (r.company, *r.areas)]
                        applied, at = now_applied, time.monotonic()
            except Exception as error:
                if not is_temporary(error):
                    raise
                gauges.figures = []  # what can't be read isn't known
                applied = -1
                log.warning("gauges wait for the database", error=describe(error))
            await asyncio.sleep(LOOK_EVERY)
    finally:
        ctx.registry.unregister(gauges)


class Gauges(Collector):
    """The figures last computed, as gauges by goal, measure, area and period."""

    def __init__(self) -> None:
        self.figures: Sequence[Figure] = ()

    def collect(self) -> Iterator[Metric]:
        numerator = GaugeMetricFamily("hem_goal_numerator", "Numerator of a goal's figure", labels=LABELS)
        denominator = GaugeMetricFamily("hem_goal_denominator", "Denominator of a goal's figure", labels=LABELS)
        value = GaugeMetricFamily("hem_goal_value", "A goal's figure, in its unit (per cent: 0 to 100)", labels=LABELS)
        target = GaugeMetricFamily("hem_goal_target", "The target in force, in the unit of the figure", labels=LABELS)
        for figure in self.figures:
            goal = figure.goal
            labels = (goal.id, goal.measure, figure.area or WHOLE_COMPANY, figure.period.label)
            if figure.shown is None or figure.shown.share is None:
                continue
            numerator.add_metric(labels, figure.shown.numerator)
            denominator.add_metric(labels, figure.shown.denominator)
            value.add_metric(labels, figure.shown.share)
            if figure.target is not None and figure.target.value is not None:
                target.add_metric(labels, float(figure.target.value))
        yield from (numerator, denominator, value, target)
