"""hem up as a person runs it: one command, made-up year and all, stopped and started again."""

import json
import re
import time
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest
import pytest_asyncio

from hem.demo.landlord import make_past
from hem.demo.year import AREAS, PROGRAMME_AREA, SOURCE, make_year
from hem.startup import EVENTS
from schemas.event import ANY_TOPIC, Event, EventData
from schemas.http import BATCH
from schemas.http import read as read_batch
from services.chassis.testkit import eventually
from tests.flows.door import GOAL
from tests.flows.landlord import cohort
from tests.flows.stack import HemUp, hem_up
from tests.reporting.recount import Recount, Sent
from tests.reporting.recounts import EVERY_MEASURE

# One made-up year for all tests here: its processes belong to one event loop.
pytestmark = [pytest.mark.timeout(240), pytest.mark.asyncio(loop_scope="module")]
GREETED = "Ctrl-C stops."


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def demo(stack_folder: Path) -> AsyncIterator[HemUp]:
    """A Hem with the made-up year, its client signed in."""
    async with hem_up(stack_folder / "demo", "--demo", until=GREETED) as hem:
        await hem.sign_in()
        yield hem


def move_in(number: int, **changed: Any) -> dict[str, Any]:
    data = {
        "tenancy_id": f"own-{number}",
        "tenant_ref": f"own-h-{number}",
        "area_id": PROGRAMME_AREA,
        "moved_in_on": "2021-03-01",
        "contact_rule": "letter_only",
    }
    return {
        "specversion": "1.0",
        "id": f"own-{number}",
        "source": "urn:test:own",
        "type": "se.vatterhem.TenantMovedIn.v1",
        "subject": f"own-{number}",
        "time": "2021-03-01T08:00:00+01:00",
        "datacontenttype": "application/json",
        "data": data | changed,
    }


async def test_made_up_year_gives_the_figure_that_a_recount_gives(demo: HemUp) -> None:
    year = make_year()
    cohorts = {area: cohort(year.events, area, 2019) for area in AREAS}
    assert {area: len(members) for area, members in cohorts.items()} == {a: s.move_ins for a, s in AREAS.items()}

    mails = await demo.mails()
    written_to = {mail["recipient"] for mail in mails}
    addresses: dict[str, set[str]] = {}
    for event in year.events:
        if "TenantContactChanged" in event["type"]:
            addresses.setdefault(event["subject"], set()).add(event["data"]["email"])
    by_mail = {
        tenancy
        for tenancy, event in cohorts[PROGRAMME_AREA].items()
        if addresses.get(event["data"]["tenant_ref"], set()) & written_to
    }
    by_hand = set(year.by_hand[:5])

    figure = await demo.figure(PROGRAMME_AREA)
    assert (figure["numerator"], figure["denominator"]) == (len(by_mail | by_hand), 150)
    assert (figure["numerator"], figure["status"]) == (137, "met")
    assert by_mail.isdisjoint(by_hand)
    assert {mail["times"] for mail in mails} == {1}

    for area, members in cohorts.items():
        assert (await demo.figure(area))["denominator"] == len(members)
    printed = json.loads(await demo.cli("goals", "--json", "--period", "2019"))
    [own] = [f for f in printed if (f["goal"], f["area"]) == (GOAL, PROGRAMME_AREA)]
    assert (own["numerator"], own["denominator"]) == (137, 150)
    assert any("137 of 150" in line for line in demo.said)
    page = (await demo.client.get("/", headers={"Accept": "text/html"})).text
    assert "2019</h1>" in page  # the start of 2020 doesn't hide it
    assert "hem_service_up" in (await demo.client.get("/metrics")).text


async def test_every_figure_of_the_made_up_years_is_that_of_a_recount(demo: HemUp) -> None:
    """By company, area and every other dimension; but for the offers, which are counted above."""
    recount = Recount([Sent(topic_of(event), event) for event in told()], date(2026, 1, 1))
    for period in ("2018", "2019"):
        answer = await demo.client.get("/api/v1/figures", params={"period": period, "limit": 5000})
        shown = {(f["goal"], f["measure"], *slice_of(f)): f for f in answer.raise_for_status().json()["figures"]}
        assert {f["status"] for f in shown.values()} >= {"met", "missed", "no_data", "suppressed", "information"}
        for goal, measure in EVERY_MEASURE - {(GOAL, "share")}:
            for where, counted in recount.figures(goal, measure, period).items():
                figure = shown.get((goal, measure, *(where or ())))
                if figure is None or figure["status"] == "suppressed":
                    continue
                value = None if counted.value is None else float(counted.value)
                told_as = (goal, measure, period, where, figure["status"])
                assert (figure["value"] or 0) == pytest.approx(value or 0), told_as


async def test_a_closed_year_tells_what_came_late_and_what_was_said_before(demo: HemUp) -> None:
    page = (await demo.client.get("/publications/2018", headers={"Accept": "text/html"})).raise_for_status().text
    assert "67 %" in page
    assert "75 %" in page
    figure = (await demo.client.get("/api/goals/social-requirements", params={"period": "2018"})).json()
    assert (figure["numerator"], figure["denominator"], figure["published"]) == (9, 12, True)


def told() -> list[Event[EventData]]:
    """All that the made-up landlord tells, and what every Hem knows."""
    year = make_year()
    past = make_past(year)
    sent = [*map(orjson.loads, EVENTS.read_bytes().splitlines()), *year.events]
    read = [entry.event for entry in read_batch([("content-type", BATCH)], orjson.dumps(sent)).entries]
    through = [event for events in past.through_the_door.values() for event in events]
    return [*(event for event in read if event), *through, *past.straight, *past.late]


def topic_of(event: Event[EventData]) -> str:
    """Where it goes; what is taken back here is of the areas or a move-in."""
    if event.data.topic != ANY_TOPIC:
        return event.data.topic
    return "community.events" if event.source.endswith("community") else "tenancy.events"


def slice_of(figure: dict[str, Any]) -> tuple[str, ...]:
    if figure["area"]:
        return ("area", figure["area"])
    return tuple(next(iter(figure["dimensions"].items()), ()))


async def test_pages_say_that_the_data_is_made_up(demo: HemUp) -> None:
    for path in ("/", "/todo", "/mail", "/events"):
        assert "made-up" in (await demo.client.get(path)).raise_for_status().text, path


async def test_publish_names_the_line_and_the_field_that_is_wrong(demo: HemUp, tmp_path: Path) -> None:
    lines = [
        json.dumps(move_in(1)),
        "{not json",
        json.dumps(move_in(2, moved_in_on="2021-02-30")),
        "",
        "[1]",
        json.dumps(move_in(3, floor=7)),
        json.dumps(move_in(1)),
    ]
    file = tmp_path / "events.ndjson"
    file.write_text("\n".join(lines))

    told = await demo.cli("publish", str(file), code=1)

    assert re.search(r"line 2: not JSON: .* column", told)
    assert re.search(r"line 3: .*moved_in_on.*a date that exists", told)
    assert "line 5: not an event: a JSON object is expected" in told
    assert re.search(r"line 6: .*floor", told)
    assert "line 1:" not in told
    assert "2 accepted, 1 known before, 3 refused" in told

    again = await demo.cli("publish", "-", stdin=json.dumps(move_in(1)))
    assert "0 accepted, 1 known before, 0 refused" in again


async def test_key_of_another_publisher_s_source_is_refused_with_the_way_out(demo: HemUp) -> None:
    foreign = json.dumps(move_in(9) | {"source": SOURCE})
    assert "--key" in await demo.cli("publish", "-", stdin=foreign, code=1)

    name = "other/one..two?"
    key = json.loads(await demo.cli("keys", "create", "--publisher", name, "--allow", "all", "--json"))
    assert set(key) == {"publisher", "key"}
    assert "line 1:" in await demo.cli("publish", "-", "--key", key["key"], stdin=foreign, code=1)
    assert name in await demo.cli("keys", "list", COLUMNS="200")
    assert f"1 key of {name} revoked" in await demo.cli("keys", "revoke", name)
    await demo.cli("publish", "-", "--key", key["key"], stdin=json.dumps(move_in(10)), code=1)


async def test_second_hem_on_the_same_home_is_refused_and_the_first_lives(demo: HemUp) -> None:
    assert "in use by another Hem" in await demo.cli("up", code=1)
    assert (await demo.client.get("/health/ready")).status_code == 200
    assert "ready, nothing parked" in await demo.cli("doctor")


async def test_start_up_data_is_published_once(demo: HemUp) -> None:
    assert await demo.cli("startup") == "The start-up data is published: 0 events were new.\n"
    told = {one["publisher"]: one["owner"] for one in json.loads(await demo.cli("publishers", "list", "--json"))}
    assert told["landlord-governance"] == "Hem"
    assert told["made-up-housing"] == "Made-up landlord"


async def test_topics_of_this_home_are_found_and_as_declared(demo: HemUp) -> None:
    assert await demo.cli("topics", "plan") == "All topics are as declared.\n"


async def test_metrics_are_open_here_and_under_this_machine_s_names_alone(demo: HemUp) -> None:
    async with httpx2.AsyncClient(base_url=demo.url, timeout=30, trust_env=False) as nobody:
        assert (await nobody.get("/metrics")).text.count("hem_service_up{") == 5
        assert (await nobody.get("/metrics", headers={"host": "evil.example"})).status_code == 401


async def test_taken_door_is_told_with_the_way_out(demo: HemUp, tmp_path: Path) -> None:
    told = await demo.cli("up", code=1, HEM_HOME=str(tmp_path / "other"))
    assert f"Port {demo.port} for Hem's pages is taken by another program. Stop it, or set HEM_PORT" in told


async def test_stop_is_quick_and_a_second_start_keeps_everything(stack_folder: Path) -> None:
    async with hem_up(stack_folder / "twice", until=GREETED) as hem:
        empty = await hem.figure(PROGRAMME_AREA)
        assert (empty["status"], empty["target"]["comparison"], empty["target"]["value"]) == ("no_data", ">=", 90)
        await hem.cli("publish", "-", stdin="\n".join(json.dumps(move_in(n)) for n in range(20)))

        async def counted() -> bool:
            return (await hem.figure(PROGRAMME_AREA, "2021"))["denominator"] == 20

        await eventually("the published households to be counted", counted)
        began = time.monotonic()
        assert "Stopped. Everything is kept." in await hem.stop()
        assert time.monotonic() - began < 10
        assert hem.process is not None
        assert hem.process.returncode == 0

        await hem.start("--demo", until=GREETED)
        assert any("made-up year is left out" in line for line in hem.said)
        assert await counted()
        assert "1 known before" in await hem.cli("publish", "-", stdin=json.dumps(move_in(1)))
        assert "made-up" not in (await hem.client.get("/")).text
    assert not open_to_others(hem.home.root)


def open_to_others(root: Path) -> list[Path]:
    """What of a home somebody else could read, were its folder open."""
    return [path for path in (root, *root.rglob("*")) if not path.is_symlink() and path.stat().st_mode & 0o077]
