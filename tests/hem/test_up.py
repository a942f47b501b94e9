"""hem up as a person runs it: one command, made-up year and all, stopped and started again."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest

from hem.demo.year import AREAS, PROGRAMME_AREA, SOURCE, make_year
from hem.stack.folder import free_ports

pytestmark = pytest.mark.timeout(240)
GOAL = "/api/goals/housing-introduction-offered"


class Running:
    """A `hem up` in a home of its own, with what it has said."""

    def __init__(self, home: Path, *arguments: str, port: int | None = None) -> None:
        self.home = home
        self.port = port or free_ports(1)[0]
        self.environment = os.environ | {"HEM_HOME": str(home), "HEM_PORT": str(self.port)}
        self.url = f"http://127.0.0.1:{self.port}"
        self.said: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "hem.cli", "up", *arguments],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def until(self, text: str) -> str:
        """The first line with `text`; fails when the process ends before."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(line.rstrip())
            if text in line:
                return line
        raise AssertionError("\n".join(self.said))

    def hem(self, *arguments: str, code: int = 0, stdin: str | None = None) -> str:
        """The output of another hem command on this home."""
        done = subprocess.run(
            [sys.executable, "-m", "hem.cli", *arguments],
            env=self.environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def read(self, path: str, **parameters: str) -> Any:
        return httpx2.get(self.url + path, params=parameters, timeout=20).raise_for_status().json()

    @contextmanager
    def signed_in(self) -> Iterator[httpx2.Client]:
        """A browser that has used a printed sign-in address."""
        found = re.search(r"code=([^&\s]+)", self.hem("sign-in"))
        assert found is not None
        with httpx2.Client(base_url=self.url, timeout=20) as client:
            assert client.post("/sign-in", data={"code": found[1]}).is_redirect
            yield client

    def stop(self) -> float:
        """Ctrl-C; seconds until everything has ended."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        assert self.process.stdout is not None
        self.said += self.process.stdout.read().splitlines()
        self.process.wait(30)
        return time.monotonic() - began

    def close(self) -> None:
        """End it if it still runs, and the pipe."""
        if self.process.poll() is None:
            self.stop()
        if self.process.stdout is not None:
            self.process.stdout.close()


@contextmanager
def hem_up(home: Path, *arguments: str, port: int | None = None) -> Iterator[Running]:
    running = Running(home, *arguments, port=port)
    try:
        yield running
    finally:
        running.close()


@pytest.fixture(scope="module")
def demo(stack_folder: Path) -> Iterator[Running]:
    with hem_up(stack_folder / "demo", "--demo") as running:
        running.until("Ctrl-C stops.")
        yield running


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


def recount(events: list[dict[str, Any]], area: str) -> set[str]:
    """The tenancies of 2019's cohort by the rules of the catalogue, written without a line of reporting's."""
    unique = {event["id"]: event for event in events}.values()
    withdrawn = {event["data"]["withdrawn_id"] for event in unique if "EventWithdrawn" in event["type"]}
    cancelled = {event["subject"] for event in unique if "MoveInCancelled" in event["type"]}
    last: dict[str, dict[str, Any]] = {}
    for event in sorted(unique, key=lambda event: (datetime.fromisoformat(event["time"]), event["id"])):
        if "TenantMovedIn" in event["type"] and event["id"] not in withdrawn:
            last[event["subject"]] = event["data"]
    return {
        tenancy
        for tenancy, data in last.items()
        if tenancy not in cancelled and data["area_id"] == area and data["moved_in_on"].startswith("2019")
    }


def test_made_up_year_gives_the_figure_that_a_recount_gives(demo: Running) -> None:
    year = make_year()
    cohorts = {area: recount(year.events, area) for area in AREAS}
    assert {area: len(cohort) for area, cohort in cohorts.items()} == {a: s.move_ins for a, s in AREAS.items()}

    household = {e["subject"]: e["data"]["tenant_ref"] for e in year.events if "TenantMovedIn" in e["type"]}
    with demo.signed_in() as staff:
        mails = staff.get("/mail/messages").raise_for_status().json()
    written_to = {mail["recipient"] for mail in mails}
    addresses: dict[str, set[str]] = {}
    for event in year.events:
        if "TenantContactChanged" in event["type"]:
            addresses.setdefault(event["subject"], set()).add(event["data"]["email"])
    by_mail = {t for t in cohorts[PROGRAMME_AREA] if addresses.get(household[t], set()) & written_to}
    by_hand = set(year.by_hand[:5])

    figure = demo.read(GOAL, period="2019", area=PROGRAMME_AREA)
    assert (figure["numerator"], figure["denominator"]) == (len(by_mail | by_hand), 150)
    assert (figure["numerator"], figure["status"]) == (137, "met")
    assert by_mail.isdisjoint(by_hand)
    assert {mail["times"] for mail in mails} == {1}

    for area, cohort in cohorts.items():
        assert demo.read(GOAL, period="2019", area=area)["denominator"] == len(cohort)
    printed = json.loads(demo.hem("goals", "--json", "--period", "2019"))
    assert figure["numerator"] in {f["numerator"] for f in printed if f["area"] == PROGRAMME_AREA}
    assert any("137 of 150" in line for line in demo.said)
    assert "hem_service_up" in httpx2.get(f"{demo.url}/metrics").text


def test_pages_say_that_the_data_is_made_up(demo: Running) -> None:
    with demo.signed_in() as staff:
        for path in ("/", "/todo", "/mail", "/events"):
            assert "made-up" in staff.get(path).raise_for_status().text, path


def test_publish_names_the_line_and_the_field_that_is_wrong(demo: Running, tmp_path: Path) -> None:
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

    told = demo.hem("publish", str(file), code=1)

    assert re.search(r"line 2: not JSON: .* column", told)
    assert re.search(r"line 3: .*moved_in_on.*a date that exists", told)
    assert "line 5: not an event: a JSON object is expected" in told
    assert re.search(r"line 6: .*floor", told)
    assert "line 1:" not in told
    assert "2 accepted, 1 known before, 3 refused" in told

    again = demo.hem("publish", "-", stdin=json.dumps(move_in(1)))
    assert "0 accepted, 1 known before, 0 refused" in again


def test_key_of_another_publisher_s_source_is_refused_with_the_way_out(demo: Running) -> None:
    foreign = move_in(9) | {"source": SOURCE}
    told = demo.hem("publish", "-", stdin=json.dumps(foreign), code=1)
    assert "--key" in told

    key = json.loads(demo.hem("keys", "create", "--publisher", "other", "--allow", "all", "--json"))
    assert set(key) == {"publisher", "key"}
    refused = demo.hem("publish", "-", "--key", key["key"], stdin=json.dumps(foreign), code=1)
    assert "line 1:" in refused
    assert "other" in demo.hem("keys", "list")
    assert "1 key of other revoked" in demo.hem("keys", "revoke", "other")
    demo.hem("publish", "-", "--key", key["key"], stdin=json.dumps(move_in(10)), code=1)


def test_second_hem_on_the_same_home_is_refused_and_the_first_lives(demo: Running) -> None:
    with hem_up(demo.home) as second:
        second.until("in use by another Hem")
        assert second.process.wait(20) == 1
    assert demo.read("/health/ready")["status"] == "ready"
    assert "ready, nothing parked" in demo.hem("doctor")


def test_taken_door_is_told_with_the_way_out(demo: Running, tmp_path: Path) -> None:
    with hem_up(tmp_path / "other", port=demo.port) as second:
        second.until(f"Port {demo.port} for Hem's pages is taken by another program. Stop it, or set HEM_PORT")
        assert second.process.wait(20) == 1


@pytest.mark.faults
@pytest.mark.parametrize("part", ["gateway", "front", "kafka"])
async def test_events_published_while_a_part_is_killed_arrive_once(demo: Running, part: str, tmp_path: Path) -> None:
    first = {"gateway": 10_000, "front": 20_000, "kafka": 30_000}[part]
    year = {"gateway": "2022", "front": "2023", "kafka": "2024"}[part]
    file = tmp_path / "many.ndjson"
    with file.open("w") as out:
        for number in range(first, first + 4000):
            out.write(json.dumps(move_in(number, moved_in_on=f"{year}-05-01", area_id="bankeryd")) + "\n")

    publishing = asyncio.create_task(asyncio.to_thread(demo.hem, "publish", str(file)))
    await until_counted(demo, year, range(1, 4000))
    kill_part(demo, part)
    told = await publishing

    assert "0 refused" in told
    await until_counted(demo, year, range(4000, 4001))


async def until_counted(running: Running, year: str, wanted: range) -> None:
    """Wait until the made-up area counts one of `wanted` households of `year`; never more than the last."""
    counted = None
    async with asyncio.timeout(60):
        while counted not in wanted:
            try:
                figure = await asyncio.to_thread(running.read, GOAL, period=year, area="bankeryd")
            except httpx2.HTTPError:  # the door or the service is being started again
                continue
            counted = figure["denominator"] or 0
            assert counted < wanted.stop
            await asyncio.sleep(0.05)


def kill_part(running: Running, part: str) -> None:
    """kill -9 to the part's process, found among the children of `hem up`."""
    marks = {"gateway": "services.gateway", "front": "hem.front", "kafka": "kafka.Kafka"}
    children = Path(f"/proc/{running.process.pid}/task/{running.process.pid}/children").read_text().split()
    for child in children:
        if marks[part].encode() in Path(f"/proc/{child}/cmdline").read_bytes():
            os.kill(int(child), signal.SIGKILL)
            return
    raise AssertionError(f"no process of {part}")


def test_stop_is_quick_and_a_second_start_keeps_everything(stack_folder: Path) -> None:
    home = stack_folder / "twice"
    with hem_up(home) as first:
        first.until("Ctrl-C stops.")
        empty = first.read(GOAL, period="2019", area=PROGRAMME_AREA)
        assert (empty["status"], empty["target"]) == ("no_data", {"comparison": ">=", "value": 90})
        first.hem("publish", "-", stdin="\n".join(json.dumps(move_in(n)) for n in range(20)))
        deadline = time.monotonic() + 30
        while first.read(GOAL, period="2021", area=PROGRAMME_AREA)["denominator"] != 20:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert first.stop() < 10
        assert first.process.returncode == 0
        assert "Stopped. Everything is kept." in first.said

    with hem_up(home, "--demo") as second:
        assert "made-up year is left out" in second.until("left out")
        second.until("Ctrl-C stops.")
        assert second.read(GOAL, period="2021", area=PROGRAMME_AREA)["denominator"] == 20
        assert "1 known before" in second.hem("publish", "-", stdin=json.dumps(move_in(1)))
        assert "made-up" not in httpx2.get(second.url).text
    assert oct((home / "secrets").stat().st_mode)[-3:] == "700"
    assert {oct(secret.stat().st_mode)[-3:] for secret in (home / "secrets").iterdir()} == {"600"}
