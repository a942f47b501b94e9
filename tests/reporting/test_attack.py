"""Nobody who isn't signed in can work out what isn't shown, from all that has been published; nobody who is sees too few."""

import asyncio
import csv
import io
import random
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx2
import pytest

from schemas.event import Event
from schemas.governance import AreaDefined, ProgrammeStarted
from services.chassis.testkit import OPERATOR, Bus, MovableClock, Running, Start
from services.chassis.web.session import SESSION_COOKIE, seal_session
from services.reporting.app import service
from services.reporting.domain import disclosure
from services.reporting.routes import live
from services.reporting.service import figures
from tests.reporting.attacker import GOALS, PAIR, Attack, Public, look
from tests.reporting.landlord import Landlord, Settled, moved_in, offered_to

PERIODS = ("2019-01", "2019-02", "2019-03", "2019-Q1", "2019-04", "2019-06", "2019-Q2", "2019-Q3", "2019")
RAN = {
    "a0": date(2019, 1, 1),
    "a1": date(2019, 1, 1),
    "a2": date(2019, 1, 1),
    "a3": date(2019, 1, 1),
    "a4": date(2019, 2, 12),
}
AREAS = [*RAN, "a5", "a6"]
MIN_N = 5


async def a_landlord(bus: Bus, seed: int) -> None:
    """Seven areas, in most months with few that move in; four with the programme all the year, one from February on."""
    rng = random.Random(seed)
    for area in AREAS:
        data = AreaDefined(area_id=area, name=area.upper(), municipality_code="0680", valid_from=date(2010, 1, 1))
        await bus.publish(data)
    for area, first in RAN.items():
        await bus.publish(ProgrammeStarted(programme="housing_introduction", area_id=area, from_=first))
    events: list[Event[Any]] = []
    number = 0
    for area in AREAS:
        for month in range(1, 13):
            for _ in range(rng.choice((0, 1, 1, 2, 3, 4, 6, 8))):
                number += 1
                on = date(2019, month, rng.randint(1, 28))
                events.append(moved_in(number, on=on, area=area))
                if rng.random() < 0.7:
                    events.append(offered_to(number, on=on, area=area))
    for start in range(0, len(events), 100):
        await asyncio.gather(*(bus.send(event) for event in events[start : start + 100]))


async def publish_all(
    start: Start, bus: Bus, clock: MovableClock, settled: Settled, seed: int
) -> tuple[Running, Public]:
    """The periods published one after the other, a day between, and all that a visitor has then seen."""
    clock.set(datetime(2020, 2, 1, 12, tzinfo=UTC))
    await a_landlord(bus, seed)
    reporting = await start(service, public_figures="published")
    await settled(reporting)
    for period in PERIODS:
        answer = await reporting.client.post(f"/publications/{period}/publish", data={"sure": "yes"}, headers=OPERATOR)
        assert answer.status_code == 303, answer.text
        clock.move(timedelta(days=1))
    public = Public()
    await look(reporting.client, public, PERIODS, [date(2020, 2, 1) + timedelta(days=n) for n in (2, len(PERIODS))])
    return reporting, public


@pytest.mark.parametrize("seed", [1, 2])
async def test_nothing_hidden_can_be_worked_out(
    start: Start, bus: Bus, clock: MovableClock, settled: Settled, seed: int
) -> None:
    _, public = await publish_all(start, bus, clock, settled, seed)
    assert len(public.hidden) > 20
    assert sum(pairs != [(0, 0)] for pairs in public.shown.values()) > 20
    for (goal, period), pairs in public.on_pages.items():
        told = {pair for where, those in public.shown.items() if where[:2] == (goal, period) for pair in those}
        assert pairs <= told, f"the page of {goal} {period} says {pairs - told}"
    assert Attack(public, 2019, RAN).worked_out(MIN_N) == []


async def test_the_attack_finds_what_is_hidden_alone(
    start: Start, bus: Bus, clock: MovableClock, settled: Settled, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disclosure, "complement", lambda known, choice: choice)
    _, public = await publish_all(start, bus, clock, settled, 1)
    assert len(Attack(public, 2019, RAN).worked_out(MIN_N)) > 10


@pytest.fixture
async def few(start: Start, landlord: Landlord, clock: MovableClock, settled: Settled) -> Running:
    """Three of three in one area, and in one month of another."""
    clock.set(datetime(2020, 2, 1, 12, tzinfo=UTC))
    number = 0
    for area, month, of in (("small", 3, 3), ("middle", 3, 12), ("large", 3, 20), ("large", 11, 3)):
        await landlord.area(area, area.title(), target=90)
        for _ in range(of):
            number += 1
            await landlord.household(number, on=date(2019, month, 5), area=area)
    reporting = await start(service, public_figures="published")
    await settled(reporting)
    return reporting


async def test_who_is_signed_in_sees_no_figure_of_too_few(few: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not in pages, API, exports, gauges, updates or lineage."""
    monkeypatch.setattr(live, "LOOK_EVERY", 0.01)
    monkeypatch.setattr(live, "ENDS_AFTER", 2)
    reader = reader_of(few)
    assert await told_of_few(few, reader) == {}
    lineage = await few.client.get(f"/api/goals/{GOALS[0]}/events?period=2019&area=small", headers=reader)
    assert lineage.json()["events"] == []


async def test_the_look_finds_few_where_no_threshold_hides_them(few: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "is_too_few", lambda *_, **__: False)
    monkeypatch.setattr(live, "LOOK_EVERY", 0.01)
    monkeypatch.setattr(live, "ENDS_AFTER", 2)
    found = await told_of_few(few, reader_of(few))
    asked = {path.split("?")[0] for path in found}
    assert {"/", "/areas/small", "/api/goals", "/api/v1/figures", "/api/v1/figures.csv", "/live"} <= asked


def reader_of(reporting: Running) -> dict[str, str]:
    """Headers of somebody made up who is signed in as a reader."""
    session = seal_session(reporting.ctx.settings, "a reader", ["reader"], reporting.ctx.clock.now())
    return {"cookie": f"{SESSION_COOKIE}={session}", "accept-language": "en"}


async def told_of_few(reporting: Running, reader: dict[str, str]) -> dict[str, list[str]]:
    """Path → what it tells of too few."""
    found = {}
    for path in READ:
        answer = await reporting.client.get(path, headers=reader)
        assert answer.status_code == 200, f"{path}: {answer.status_code}"
        if said := _too_few(answer):
            found[path] = said
    return found


HOUSEHOLDS = re.compile(PAIR.pattern + r"(?:\s|&nbsp;|\u00a0)+households")
READ = [
    *(f"/?period={p}" for p in ("2019", "2019-Q1", "2019-Q4")),
    *(f"/goals/{g}?period={p}{a}" for g in GOALS for p in ("2019", "2019-Q4") for a in ("", "&area=small")),
    *("/areas?period=2019", "/areas/small?period=2019", "/areas/large?period=2019-Q4", "/compare?period=2019"),
    *(f"/compare?goal={g}" for g in GOALS),
    *(f"/api/goals?period={p}" for p in ("2019", "2019-11")),
    *(f"/api/goals/{g}?period=2019&area=small" for g in GOALS),
    *(f"/api/v1/figures?period={p}&limit=1000" for p in ("2019", "2019-11")),
    *(f"/api/v1/figures.csv?period={p}&lang=en" for p in ("2019", "2019-11")),
    *(f"/live?period={p}&since=long-ago" for p in ("2019", "2019-Q4")),
    *(f"/live?goal={g}&period=2019&area=small&since=long-ago" for g in GOALS),
    "/metrics",
]


def _too_few(answer: httpx2.Response) -> list[str]:
    """What an answer tells of fewer households than the threshold."""
    kind, text = answer.headers["content-type"].split(";")[0], answer.text
    if kind == "application/json" and "jsonstat" not in str(answer.url):
        rows = list(_figures(answer.json()))
    elif kind == "text/csv":
        rows = list(
            csv.DictReader(io.StringIO(text.removeprefix("\ufeff")), delimiter=";" if ";" in text[:40] else ",")
        )
    elif answer.url.path == "/metrics":
        gauges = re.findall(r'hem_goal_denominator\{.*goal="(.*?)".*\} (\S+)\n', text)
        rows = [{"goal": goal, "denominator": value} for goal, value in gauges]
    else:
        return [found.group() for found in HOUSEHOLDS.finditer(text) if 0 < int(found[2]) < MIN_N]
    told = [
        float(str(row["denominator"]).replace(",", ".")) for row in rows if row["goal"] in GOALS and row["denominator"]
    ]
    assert told or "small" in str(answer.url) or "2019-11" in str(answer.url), f"{answer.url} tells nothing"
    return [str(number) for number in told if 0 < number < MIN_N]


def _figures(found: Any) -> Iterator[dict[str, Any]]:
    """The figure objects in a JSON answer, however deep."""
    if isinstance(found, dict):
        if "denominator" in found:
            yield found
        found = list(found.values())
    if isinstance(found, list):
        for part in found:
            yield from _figures(part)
