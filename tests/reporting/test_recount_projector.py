"""Every figure of every goal equals the recount, however its events arrive and whatever dies on the way."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from itertools import product
from random import Random
from typing import Any

import asyncpg
import pytest
from pydantic import SecretStr

from hem.stack.folder import free_ports
from schemas.buildings import PremisesLet, PremisesRegistered, PremisesVacated
from schemas.community import VisitCounted
from schemas.event import Event
from schemas.kafka import to_record
from schemas.placements import ReferralMade
from schemas.withdrawal import EventWithdrawn
from services.chassis.service import Service
from services.chassis.settings import variable
from services.chassis.testkit import Bus, MovableClock, Running, Start, event_of, eventually, running, settings_for
from services.reporting import projector
from services.reporting.app import service
from services.reporting.definitions import load
from services.reporting.domain.facts import Fact
from services.reporting.domain.periods import Period
from services.reporting.domain.rules import Rule
from services.reporting.repository import definitions
from services.reporting.service import filling, projection
from services.reporting.service.figures import report as report_of
from services.reporting.service.figures import reports
from services.reporting.service.shapes import Figure, MeasureReport
from services.reporting.service.shelf import in_force
from tests.reporting import recount
from tests.reporting.histories import history
from tests.reporting.landlord import NOON, ends, failed, moved_in, offered_to
from tests.reporting.recount import Recount, Sent, Slice
from tests.reporting.recounts import EVERY_MEASURE

pytestmark = pytest.mark.timeout(180)

NewDatabase = Callable[[Service], Awaitable[str]]
PERIODS = ("2019", "2019-Q2", "2019-05", "2020")
DAYS = (date(2019, 6, 15), date(2020, 3, 1))


async def deliver(bus: Bus, sent: Sequence[Sent]) -> None:
    """Publishes past the gateway, in this order."""
    waiting = []
    for topic, event in sent:
        record = to_record(event)
        name = f"{bus.prefix}{topic}"
        waiting.append(await bus.producer.send(name, record.value, key=record.key, headers=list(record.headers)))
    await asyncio.gather(*waiting)


async def applied(bus: Bus, reporting: Running) -> None:
    """Waits until everything on the topics is applied, by whichever process."""

    async def probe() -> bool:
        stored = await reporting.ctx.db.pool.fetch("select topic, part, next_offset from projection_offset")
        done = {(row["topic"], row["part"]): row["next_offset"] for row in stored}
        return all(done.get(p) == end for p, end in (await ends(bus)).items())

    await eventually("everything to be projected", probe, within=60)
    rows = await reporting.ctx.db.pool.fetch("select reason, detail, key from parked")
    assert not [dict(row) for row in rows]


async def faults(reporting: Running, truth: Sequence[Sent]) -> list[str]:
    """Where figures differ from the recount: nowhere."""
    found = []
    for as_of in DAYS:
        expected = Recount(truth, as_of)
        now = datetime.combine(as_of, time(12), UTC)
        for period in (period for period in map(Period.parse, PERIODS) if period.first <= as_of):
            async with reporting.ctx.db.transaction() as tx:
                goals = await in_force(reporting.ctx, tx.connection)
                made = await reports(tx.connection, goals, period, now)
            for report in made:
                for measure in report.measures:
                    about = (report.goal.id, measure.measure.id)
                    if about in EVERY_MEASURE:
                        where = f"{period.label} on {as_of}: {about}"
                        found += [f"{where}: {fault}" for fault in compared(measure, about, expected, period)]
    return found


def compared(measure: MeasureReport, about: tuple[str, str], expected: Recount, period: Period) -> Iterator[str]:
    asked = recount.Period.of(period.label[:4] if measure.measure.yearly else period.label)
    wanted = expected.figures(*about, asked)
    made = {slice_of(figure): figure for figure in figures_of(measure)}
    adds_up = measure.measure.kind in ("count", "sum")
    nothing = Fraction(0) if adds_up and expected.told(*about, asked.last) else None
    for slice in made.keys() | wanted.keys():
        figure, counted = made.get(slice), wanted.get(slice)
        value, right = (None if figure is None else figure.value), (counted.value if counted else None) or nothing
        if value != right if adds_up and figure is not None else (value or 0) != (right or 0):
            yield f"{slice}: {value} ({figure.tally if figure else None}), counted {counted}"


def figures_of(measure: MeasureReport) -> Iterator[Figure]:
    yield measure.company
    yield from measure.areas
    for figures in measure.by.values():
        yield from figures


def slice_of(figure: Figure) -> Slice:
    return figure.dimension if figure.area is None else ("area", figure.area)


def test_every_measure_is_recounted() -> None:
    measures = {(goal.id, measure.id) for goal in load() for measure in goal.measures}
    assert measures - EVERY_MEASURE == {("systems-connected", "share")}
    assert measures >= EVERY_MEASURE


class Crashes:
    """Ends a part of the batches as a crash would: all is done, and nothing is committed. Every fifth has to try again."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.happened = self.batches = 0
        self.processes: set[int] = set()
        real = projection.apply

        async def apply(tx: Any, *args: Any, recent: projection.Recent, **more: Any) -> Any:
            done = await real(tx, *args, recent=recent, **more)
            self.processes.add(id(recent))
            self.batches += 1
            if self.batches % 5 == 0:
                self.happened += 1
                await tx.connection.execute("select pg_terminate_backend(pg_backend_pid())")
            return done

        monkeypatch.setattr(projector, "apply", apply)

    async def both_apply(self) -> bool:
        return len(self.processes) == 2


async def fill_anew(reporting: Running) -> None:
    """Forgets what is counted of every goal, as when its definition changes: it is filled from the facts."""
    async with reporting.ctx.db.transaction() as tx:
        await definitions.hold_alone(tx.connection)
        for one in await definitions.definitions(tx.connection):
            await definitions.put(tx.connection, one.goal, one.version, one.text, tx.now(), fill=True)
        await tx.execute(definitions.NEXT_GENERATION)


async def filled(reporting: Running) -> None:
    async def probe() -> bool:
        async with reporting.ctx.db.transaction() as tx:
            return not any(one.is_filling for one in await definitions.definitions(tx.connection))

    await eventually("every goal to be filled", probe, within=60)


@pytest.mark.parametrize("seed", [11, 12])
async def test_two_processes_that_crash_and_fill_goals_anew_count_what_the_recount_counts(
    bus: Bus, new_database: NewDatabase, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    random, told = Random(seed), history(seed, 900)
    first, second, third = (
        told.sent[n : n + len(told.sent) // 3 + 1] for n in range(0, len(told.sent), len(told.sent) // 3 + 1)
    )
    monkeypatch.setattr(filling, "LOOK_EVERY", 0.1)
    monkeypatch.setattr(filling, "CHUNK", random.choice([50, 400]))
    crashes = Crashes(monkeypatch)
    database, clock = await new_database(service), MovableClock(datetime(2020, 3, 1, tzinfo=UTC))

    def process() -> Any:
        batch = random.choice([11, 29, 60])
        return running(service, settings_for(service, bus, database_url=database, batch=batch), clock)

    async with process() as one:
        await deliver(bus, first)
        async with process():  # takes over a part of the partitions, and is stopped in the middle of its work
            await deliver(bus, second)
            await fill_anew(one)
        await deliver(bus, third)
        await applied(bus, one)
        await filled(one)
        assert crashes.happened >= 3
        assert not await faults(one, told.truth)


@asynccontextmanager
async def process_of_its_own(bus: Bus, database: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """`python -m services.reporting`, killed at the end without a warning."""
    settings = settings_for(service, bus, database_url=database, batch=23, port=free_ports(1)[0], log_level="error")
    said = {
        variable(type(settings), name): value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        for name in type(settings).model_fields
        if (value := getattr(settings, name)) not in (None, "")
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.reporting", env={**os.environ, **said}
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_a_process_killed_in_the_middle_of_its_work_leaves_what_the_recount_counts(
    bus: Bus, new_database: NewDatabase
) -> None:
    told = history(21, 900)
    half = len(told.sent) // 2
    database, clock = await new_database(service), MovableClock(datetime(2020, 3, 1, tzinfo=UTC))
    pool = await asyncpg.create_pool(database, min_size=2, max_size=2)
    async with process_of_its_own(bus, database) as process, pool.acquire() as holding:
        await deliver(bus, told.sent[:60])

        async def under_way() -> bool:
            return bool(await pool.fetchval("select count(*) from fact") > 10)

        await eventually("it to be under way", under_way, within=30)
        async with holding.transaction():
            await holding.execute("lock table fact in share mode")  # the next batch stops in the middle
            await deliver(bus, told.sent[60:half])

            async def stopped() -> bool:
                waits = "select count(*) from pg_locks where relation = 'fact'::regclass and not granted"
                return bool(await pool.fetchval(waits))

            await eventually("it to be in the middle of a batch", stopped, within=30)
            process.kill()
            await process.wait()
    assert await pool.fetchval("select count(*) from fact") < half
    await pool.close()
    async with running(service, settings_for(service, bus, database_url=database, batch=150), clock) as reporting:
        await deliver(bus, told.sent[half:])
        await applied(bus, reporting)
        assert not await faults(reporting, told.truth)


async def test_very_many_events_of_one_tenancy_cost_the_others_nothing(
    bus: Bus, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stands for a subject stays small, and taking it back reads what stands then, not all that was ever said."""
    folded: list[int] = []
    real = Rule.fold

    def fold(self: Rule, subject: str, facts: Iterable[Fact]) -> Any:
        folded.append(len(facts := list(facts)))
        return real(self, subject, facts)

    monkeypatch.setattr(Rule, "fold", fold)
    reporting, topic, many = await start(service), "tenancy.events", 20_000
    of_one = [moved_in(0, id=f"in-{n}", time=NOON + timedelta(seconds=n)) for n in range(many)]
    others = [event for number in range(1, 8) for event in (moved_in(number), offered_to(number))]
    back = [
        Event.of(
            EventWithdrawn(withdrawn_source=gone.source, withdrawn_id=gone.id, reason="other"),
            id=f"back-{gone.id}", source=gone.source, time=NOON, subject="t0",
        )
        for gone in (of_one[5], of_one[-1])
    ]  # fmt: skip
    truth = [Sent(topic, event) for event in (*of_one, *others, *back)] + [Sent("notifications.events", failed(0))]
    truth = [Sent(one.event.data.topic.replace("*", topic), one.event) for one in truth]
    await deliver(bus, truth)
    await applied(bus, reporting)
    assert not await faults(reporting, truth)
    assert folded
    assert max(folded) < 10
    assert await reporting.ctx.db.pool.fetchval("select max(length(state)) from standing") < 1000


async def test_zero_is_told_until_it_is_taken_back(bus: Bus, start: Start) -> None:
    reporting = await start(service)
    nobody = event_of(VisitCounted(meeting_place_id="m", visits=0, on=date(2018, 5, 1)), time=NOON)
    many = event_of(VisitCounted(meeting_place_id="m", visits=9, on=date(2019, 5, 1)), time=NOON)
    back = Event.of(
        EventWithdrawn(withdrawn_source=nobody.source, withdrawn_id=nobody.id, reason="other"),
        id="back", source=nobody.source, time=NOON, subject="m",
    )  # fmt: skip

    async def visits() -> Figure:
        await applied(bus, reporting)
        async with reporting.ctx.db.transaction() as tx:
            goal = (await in_force(reporting.ctx, tx.connection)).by_id["meeting-places"]
            report = await report_of(tx.connection, goal, Period.parse("2019"), datetime(2020, 1, 1, tzinfo=UTC))
        return report.of("visits")

    topic = nobody.data.topic
    await deliver(bus, [Sent(topic, nobody)])
    only_zero = await visits()
    assert only_zero.value == 0
    assert only_zero.before == 0
    await deliver(bus, [Sent(topic, many)])
    both = await visits()
    assert both.value == 9
    assert both.before == 0
    await deliver(bus, [Sent(topic, back)])
    one = await visits()
    assert one.value == 9
    assert one.before is None


async def test_wrong_clocks_and_impossible_days_lose_nothing(bus: Bus, start: Start) -> None:
    """They count on the day they say, and correct by the time they say."""
    reporting = await start(service)
    ahead, behind = datetime(9998, 12, 30, tzinfo=UTC), datetime(1900, 1, 2, tzinfo=UTC)
    truth = []
    for number, (day, moment) in enumerate(
        product((date(1900, 1, 1), date(2019, 3, 1), date.max), (ahead, behind, NOON))
    ):
        moved, offered = moved_in(number, on=day, time=moment), offered_to(number, on=day, time=moment)
        again = moved_in(number, on=date(2019, 5, 5), id=f"again-{number}")
        truth += [Sent(event.data.topic, event) for event in (moved, again, offered)]
        gone = PremisesVacated(premises_id=f"p{number}", vacated_on=day)
        let = PremisesLet(premises_id=f"p{number}", business_kind="grocery", let_on=date(2019, 1, 1))
        known = PremisesRegistered(
            premises_id=f"p{number}", centre="c", area_id="oxnehaga", registered_on=date(2018, 1, 1)
        )
        made = ReferralMade(referral_id=f"r{number}", made_on=day)
        truth += [Sent(data.topic, event_of(data, time=moment)) for data in (gone, let, known, made)]
    await deliver(bus, truth)
    await applied(bus, reporting)
    assert not await faults(reporting, truth)
