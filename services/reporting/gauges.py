"""Goal figures for Prometheus, of the period that pages show by default. A figure that isn't shown there is absent here.

The names and labels are a promise: dashboards and rules of others are written against them. How many series there are is
bounded: companies and areas only, no other dimension, and never more than `MOST` figures.
"""

import asyncio
import time
from collections.abc import Iterable, Iterator, Sequence

import structlog
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from services.chassis.context import Context
from services.chassis.errors import describe, is_temporary
from services.reporting.audience import Audience
from services.reporting.exports.tables import row
from services.reporting.repository import offsets
from services.reporting.service import figures, reading
from services.reporting.service.shapes import Figure, Report
from services.reporting.service.shelf import in_force

log = structlog.get_logger(__name__)

LABELS = ("goal", "measure", "area", "period")
WHOLE_COMPANY = "all"
MOST = 2_000
LOOK_EVERY = 1.0  # seconds between looks at whether anything has been applied
ANEW_AFTER = 60.0  # seconds after which time alone may have changed a figure
REST = 8.0  # times as long as the figures took to count: gauges take a ninth of a core at most, while events flow


async def run(ctx: Context) -> None:
    """Keeps the gauges, until cancelled."""
    gauges = Gauges()
    ctx.registry.register(gauges)
    applied, at = -1, 0.0
    try:
        while True:
            began = time.monotonic()
            try:
                async with ctx.db.transaction() as tx:
                    now_applied = await offsets.applied(tx.connection)
                    if now_applied != applied or began - at > ANEW_AFTER:
                        goals = await in_force(ctx, tx.connection)
                        _, period = await figures.periods(tx.connection, goals, tx.now())
                        gauges.show(await reading.read(ctx, tx, Audience.STAFF, goals, period))
                        applied, at = now_applied, began
            except Exception as error:
                if not is_temporary(error):
                    raise
                gauges.show([])  # what can't be read isn't known
                applied = -1
                log.warning("gauges wait for the database", error=describe(error))
            await asyncio.sleep(max(LOOK_EVERY, (time.monotonic() - began) * REST))
    finally:
        ctx.registry.unregister(gauges)


class Gauges(Collector):
    """The figures last computed, as gauges by goal, measure, area and period."""

    def __init__(self) -> None:
        self.figures: Sequence[Figure] = ()
        self.left_out = 0

    def show(self, reports: Iterable[Report]) -> None:
        """Takes these figures in place of the last: the companies' first, where there is no room for all."""
        measures = [measure for report in reports for measure in report.measures]
        found = [m.company for m in measures] + [area for m in measures for area in m.areas]
        found = [figure for figure in found if figure.value_shown is not None]
        self.figures, self.left_out = found[:MOST], max(len(found) - MOST, 0)

    def collect(self) -> Iterator[Metric]:
        """The metrics, each with a sample for every figure that is shown and has it."""
        value = GaugeMetricFamily("hem_goal_value", "A goal's figure, in its unit (per cent: 0 to 100)", labels=LABELS)
        numerator = GaugeMetricFamily("hem_goal_numerator", "Numerator of a goal's figure", labels=LABELS)
        denominator = GaugeMetricFamily("hem_goal_denominator", "Denominator of a goal's figure", labels=LABELS)
        target = GaugeMetricFamily("hem_goal_target", "The target in force, in the unit of the figure", labels=LABELS)
        for figure in self.figures:
            shown = row(figure)
            labels = (shown.goal, shown.measure, shown.area or WHOLE_COMPANY, shown.period)
            for family, number in (
                (value, shown.value),
                (numerator, shown.numerator),
                (denominator, shown.denominator),
                (target, shown.target),
            ):
                if number is not None:
                    family.add_metric(labels, float(number))
        yield from (numerator, denominator, value, target)
        yield GaugeMetricFamily("hem_goal_figures_left_out", "Figures beyond the bound on series", value=self.left_out)
