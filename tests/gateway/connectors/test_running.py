"""Runs of connectors: by schedule, cut off and begun again, one at a time; and what is configured wrong."""

import asyncio
import http.server
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from schemas.community import VisitCounted
from schemas.gateway import SourceChecked
from schemas.tenancy import TenantContactChanged, TenantMovedIn
from services.chassis.testkit import OPERATOR, Bus, MovableClock, NewDatabase, eventually, running, settings_for
from services.gateway.app import service
from services.gateway.connectors import snapshot, worker
from tests.gateway.connectors.estate import CONFIGURED, Estate, as_csv, lease
from tests.hem.serving import serving


async def test_a_run_that_is_cut_off_goes_on_where_it_was(
    bus: Bus, new_database: NewDatabase, clock: MovableClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "TELL_AT_ONCE", 50)
    (tmp_path / "leases.yaml").write_text(CONFIGURED, encoding="utf-8")
    dsn = await new_database(service)
    rows = [lease(n, Skydd="ja" if n % 2 else "") for n in range(120)]
    # At this pace 60 contacts and the first 50 leases come in, and the rest has to wait.
    slow = settings_for(service, bus, database_url=dsn, connectors=tmp_path, rate_limit=130)
    async with running(service, slow, clock) as first:
        estate = Estate(first, tmp_path)
        await estate.register()
        run = await estate.order(rows)

        async def half_way() -> bool:
            return bool(await first.ctx.db.pool.fetchval("select count(*) = 50 from lease where state = 'current'"))

        await eventually("the first leases to be known", half_way)
    fast = settings_for(service, bus, database_url=dsn, connectors=tmp_path)
    async with running(service, fast, clock) as second:
        ended = await Estate(second, tmp_path).ended(run)
        assert ended["state"] == "done"
        assert (ended["counts"]["TenantMovedIn"], ended["counts"]["TenantContactChanged"]) == (120, 60)
        moved = await bus.expect(TenantMovedIn, 120)
        contacts = await bus.expect(TenantContactChanged, 60)
        # By id: what the relay had sent and not yet noted when it was cut off, it sends again.
        assert (len({event.id for event in moved}), len({event.subject for event in moved})) == (120, 120)
        assert len({event.id for event in contacts}) == 60
        assert {event.subject for event in contacts} <= {event.data.tenant_ref for event in moved}
        assert all(event.history for event in moved)


async def test_a_connector_reads_its_file_by_schedule(
    estate: Estate, bus: Bus, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "SCHEDULE_EVERY_LOOKS", 1)
    export = estate.folder / "export.csv"
    export.write_bytes(as_csv([lease(n) for n in range(10)]))
    told = CONFIGURED.replace("options:", f"read: {export}\nevery: PT6H\noptions:").replace(":leases", ":nightly")
    (estate.folder / "nightly.yaml").write_text(told, encoding="utf-8")
    await bus.expect(TenantMovedIn, 10)
    [checked] = await bus.expect(SourceChecked)
    assert checked.source == "urn:test:nightly"
    export.write_bytes(as_csv([lease(n) for n in range(11)]))
    clock.move(timedelta(hours=7))
    await bus.expect(TenantMovedIn, 11)


async def test_one_run_of_a_connector_at_a_time(estate: Estate) -> None:
    pool = estate.gateway.ctx.db.pool
    async with pool.acquire() as other:  # as another replica would hold it
        await other.fetchval("select pg_advisory_lock(hashtextextended('connector ' || 'leases', 0))")
        run = await estate.order([lease(1)])
        again = await estate.gateway.client.post(
            "/ops/gateway/connectors/leases/runs", params={"filename": "x.csv"}, content=b"x", headers=OPERATOR
        )
        assert (again.status_code, again.json()["type"]) == (409, "urn:hem:problem:under-way")
        await asyncio.sleep(0.6)  # two looks of the worker
        assert await pool.fetchval("select state from connector_run where id = $1", run) == "waiting"
        await other.fetchval("select pg_advisory_unlock(hashtextextended('connector ' || 'leases', 0))")
    assert (await estate.ended(run))["state"] == "done"


async def test_what_is_configured_wrong_says_so_and_stops_none_of_the_others(estate: Estate) -> None:
    wrong = {
        "not-yaml": "kind: [",
        "no-kind": CONFIGURED.replace("kind: leases", "kind: lease"),
        "ours": CONFIGURED.replace("urn:test:leases", "urn:hem:gateway"),
        "no-protected": CONFIGURED.replace("    protected: Skydd\n", ""),
        "relative": CONFIGURED.replace("options:", "read: leases.csv\noptions:"),
    }
    for name, told in wrong.items():
        (estate.folder / f"{name}.yaml").write_text(told, encoding="utf-8")
    listed = {one["name"]: one["wrong"] for one in await estate.operate("GET", "")}
    assert listed == {
        "leases": [],
        "no-kind": [listed["no-kind"][0]],
        "no-protected": ["options.columns.protected: is missing"],
        "not-yaml": ["not-yaml.yaml is not YAML in UTF-8, line 1"],
        "ours": ["source: a source of the publisher's own; those that begin with urn:hem: are Hem's"],
        "relative": ["read: the whole path of a file, from /, or an address that begins with http:// or https://"],
    }
    assert listed["no-kind"][0].startswith("kind: one of leases")
    assert (await estate.run([lease(1)]))["state"] == "done"


async def test_a_connector_of_nobody_publishes_nothing(estate: Estate, bus: Bus) -> None:
    told = CONFIGURED.replace("publisher: landlord", "publisher: unknown").replace(":leases", ":unknown")
    (estate.folder / "unknown.yaml").write_text(told, encoding="utf-8")
    ended = await estate.run([lease(1)], name="unknown")
    assert (ended["state"], ended["why"]) == ("failed", "unknown is not a registered publisher.")
    assert not await bus.records("tenancy.events")


async def test_what_the_publisher_may_not_send_is_refused_by_row(estate: Estate, bus: Bus) -> None:
    await estate.register("narrow", allow=["se.vatterhem.TenantContactChanged.v1"])
    told = CONFIGURED.replace("publisher: landlord", "publisher: narrow").replace(":leases", ":narrow")
    (estate.folder / "narrow.yaml").write_text(told, encoding="utf-8")
    ended = await estate.run([lease(1)], name="narrow")
    assert ended["counts"]["refused"] == 1
    assert ended["refused"][0]["field"] == "TenantMovedIn"
    assert not await bus.records("tenancy.events")


VISITS = """
kind: spreadsheet
publisher: landlord
source: urn:test:visits
options:
  type: VisitCounted
  fields: {meeting_place_id: Place, visits: Visits, "on": Day}
"""


async def test_rows_that_stand_for_themselves_are_published_once_and_corrected(estate: Estate, bus: Bus) -> None:
    (estate.folder / "visits.yaml").write_text(VISITS, encoding="utf-8")
    first = b"Place;Visits;Day\nm-1;10;2019-09-01\nm-1;12;2019-09-02\nm-2;many;2019-09-02\n"
    ended = await estate.run(first, name="visits")
    assert (ended["counts"]["VisitCounted"], ended["counts"]["refused"]) == (2, 1)
    assert [(one["row"], one["field"]) for one in ended["refused"]] == [(4, "Visits")]
    assert (await estate.run(first, name="visits"))["counts"]["unchanged"] == 2
    mended = first.replace(b"m-1;12", b"m-1;13")
    shown = await estate.run(mended, dry=True, name="visits")
    assert [one["said"]["visits"] for one in shown["would_publish"]] == [13]
    await estate.run(mended, name="visits")
    await estate.run(first, name="visits")  # back again: not the same event as the first time
    events = await bus.expect(VisitCounted, 4)
    of_the_day = sorted((e.sequence, e.data.visits) for e in events if e.data.on.day == 2)
    assert of_the_day == [(0, 12), (1, 13), (2, 12)]
    assert not any(event.history for event in events)


class Exports(http.server.ThreadingHTTPServer):
    """A housing system's address: what it answers can be set."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Export)
        self.answer = (200, as_csv([lease(1)]))


class Export(http.server.BaseHTTPRequestHandler):
    server: Exports

    def do_GET(self) -> None:
        status, body = self.server.answer
        self.send_response(status)
        self.send_header("location", "/elsewhere")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


async def test_a_connector_reads_the_address_it_is_told_and_no_other(estate: Estate) -> None:
    with serving(Exports()) as exports:
        address = f"http://127.0.0.1:{exports.server_port}/leases.csv?key=secret"
        told = CONFIGURED.replace("options:", f"read: {address}\noptions:").replace(":leases", ":address")
        (estate.folder / "address.yaml").write_text(told, encoding="utf-8")

        async def run() -> Any:
            return await estate.ended((await estate.operate("POST", "/address/runs"))["run"], name="address")

        assert (await run())["counts"]["TenantMovedIn"] == 1
        exports.answer = (302, b"")
        moved = await run()
        assert (moved["state"], "status 302" in moved["why"]) == ("failed", True)
    away = await run()
    assert (away["state"], "could not be read" in away["why"]) == ("failed", True)
    assert "secret" not in str(await estate.operate("GET", "/address")) + str(away)
