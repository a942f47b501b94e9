"""Official series of random histories against the slow recount: every goal, area and year, without Kafka or Postgres."""

from datetime import date

import pytest

from services.reporting.definitions import load
from services.reporting.definitions.measures import OfficialMeasure
from services.reporting.domain.facts import Fact
from services.reporting.domain.official import Promise, Statistics
from services.reporting.domain.periods import Period
from services.reporting.domain.published import extents, observations
from tests.reporting.histories import History, history
from tests.reporting.recount import Recount
from tests.reporting.recounts import EVERY_MEASURE

AS_OF = date(2021, 6, 1)
YEARS = ("2018", "2019", "2020", "2021")


def statistics(told: History) -> Statistics:
    once = {(e.source, e.id): (topic, e) for topic, e in reversed(told.sent) if not e.test}
    facts = [
        (Fact(e.source, e.id, e.type, topic, e.subject, e.time, e.sequence, vars(e.data)), e.data)
        for topic, e in once.values()
    ]
    return Statistics(observations(facts), extents(facts))


def promises() -> dict[tuple[str, str], Promise]:
    return {
        (goal.id, m.id): m.promise for goal in load() for m in goal.measures if isinstance(m, OfficialMeasure)
    }  # fmt: skip


@pytest.mark.parametrize("seed", range(6))
def test_every_official_figure_is_what_the_recount_says(seed: int) -> None:
    told = history(seed, 1200)
    known, recount, shown = statistics(told), Recount(told.truth, AS_OF), 0
    assert len(promises()) == 3
    assert promises().keys() <= EVERY_MEASURE
    for (goal, measure), promise in promises().items():
        for year in YEARS:
            expected = recount.figures(goal, measure, year)
            for area in (None, *sorted({extent.area for extent in known.extents})):
                latest = known.series(promise, area, Period.parse(year), AS_OF).latest
                wanted = expected.get(None if area is None else ("area", area))
                value = None if wanted is None else wanted.value
                assert (latest.value if latest else None) == value, (goal, area, year)
                shown += value is not None
    assert shown > 5
