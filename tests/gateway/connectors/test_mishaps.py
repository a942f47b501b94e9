"""Files and mappings that went wrong: what is kept of them, who is held back, and what no mishap may do."""

import json
import os
import shutil
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from schemas.community import VisitCounted
from schemas.tenancy import TenantContactErased, TenantMovedIn
from services.chassis import postgres
from services.chassis.testkit import OPERATOR, Bus, MovableClock, NewDatabase, Start, running, settings_for
from services.gateway.app import service
from services.gateway.connectors import comparing
from services.gateway.connectors.leases import LeaseSnapshot
from services.gateway.repository import connectors, leases
from tests.gateway.connectors.estate import CONFIGURED, Estate, as_csv, lease


async def test_numbers_of_tenants_that_are_all_new_are_held(estate: Estate) -> None:
    await estate.run([lease(n) for n in range(10)])
    held = await estate.run([lease(n, Person=f"0000-P-{n}") for n in range(10)])
    assert (held["state"], "10 of 10 households are gone" in held["why"]) == ("held", True)


async def test_last_days_that_have_come_for_half_the_leases_are_held(estate: Estate, clock: MovableClock) -> None:
    await estate.run([lease(n) for n in range(10)])
    day = clock.now().date().isoformat()
    held = await estate.run([lease(n, Avflyttad=day if n < 5 else "") for n in range(10)])
    assert (held["state"], "5 of 10 leases are gone" in held["why"]) == ("held", True)


async def test_a_cell_that_cant_be_read_erases_nobody(estate: Estate, bus: Bus) -> None:
    """Of a tenant's two leases one has something else than an address: the other still has it."""
    rows: list[dict[str, Any]] = [dict(lease(n)) for n in range(10)]
    rows[1] |= {"Person": "P-0", "Namn": "Test Testsson 0", "E-post": "test0@example.se"}
    await estate.run(json.dumps(rows).encode())
    rows[1]["E-post"] = ["test0@example.se"]
    ended = await estate.run(json.dumps(rows).encode())
    assert (ended["counts"]["refused"], ended["counts"]["unchanged"]) == (1, 9)
    assert not await bus.events(TenantContactErased)


MOVES = """
kind: spreadsheet
publisher: landlord
source: urn:test:moves
options:
  type: TenantMovedIn
  fields:
    tenancy_id: id
    tenant_ref: ref
    area_id: area
    moved_in_on: day
    building_id: building
    dwelling_id: dwelling
    contact_rule: {value: letter_only}
"""


async def test_a_dry_run_shows_no_door_of_those_by_letter_only(estate: Estate) -> None:
    (estate.folder / "moves.yaml").write_text(MOVES, encoding="utf-8")
    file = b"id,ref,area,day,building,dwelling\nt-1,r-1,oxnehaga,2019-09-01,h-secret,l-secret\n"
    shown = await estate.run(file, dry=True, name="moves")
    assert shown["would_publish"][0]["said"]["contact_rule"] == "letter_only"
    assert "secret" not in str(shown)


async def test_nothing_of_a_file_is_kept_when_its_run_has_failed(
    estate: Estate, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(leases, "make_refs", broken)
    assert (await estate.run([lease(1)]))["state"] == "failed"
    pool = estate.gateway.ctx.db.pool
    assert await pool.fetchval("select count(*) from lease_staged") == 0
    assert await pool.fetchval("select count(*) from connector_upload") == 0


async def test_what_is_held_outlives_a_later_run_that_never_began(estate: Estate) -> None:
    rows = [lease(n) for n in range(10)]
    await estate.run(rows)
    run = await estate.order(rows[:5])
    await estate.ended(run)
    (estate.folder / "leases.yaml").write_text("kind: [", encoding="utf-8")
    pool = estate.gateway.ctx.db.pool
    await pool.execute("insert into connector_run (connector, cause, dry, state, asked_at) values ($1, $2, false, $3, now())", "leases", "operator", "waiting")  # fmt: skip
    await estate.ended(run + 1)
    (estate.folder / "leases.yaml").write_text(CONFIGURED, encoding="utf-8")
    await estate.operate("POST", "/leases/confirm")
    assert (await estate.ended(run))["counts"]["TenantMovedOut"] == 5


async def test_a_file_that_takes_long_to_open_is_read_all_the_same(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Postgres ends a transaction that waits for half a minute: the run began again, for ever."""
    read = LeaseSnapshot.read

    def slow(self: LeaseSnapshot, file: BinaryIO, filename: str, options: Any) -> Iterator[Any]:
        time.sleep(1.6)
        yield from read(self, file, filename, options)

    monkeypatch.setattr(LeaseSnapshot, "read", slow)
    monkeypatch.setitem(postgres.SERVER_SETTINGS, "idle_in_transaction_session_timeout", "1s")
    (tmp_path / "leases.yaml").write_text(CONFIGURED, encoding="utf-8")
    estate = Estate(await start(service, connectors=tmp_path), tmp_path)
    await estate.register()
    for dry in (True, False):
        assert (await estate.run([lease(1)], dry=dry))["counts"]["TenantMovedIn"] == 1


async def test_a_file_of_this_machine_is_a_file_and_stays_as_it_is(
    estate: Estate, bus: Bus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = tmp_path / "export.csv"
    told = CONFIGURED.replace("options:", f"read: {export}\noptions:").replace(":leases", ":machine")
    (estate.folder / "machine.yaml").write_text(told, encoding="utf-8")

    async def run() -> Any:
        return await estate.ended((await estate.operate("POST", "/machine/runs"))["run"], name="machine")

    os.mkfifo(export)  # opened, it would wait for a writer, and everybody with it
    pipe = await run()
    assert (pipe["state"], "is not a file" in pipe["why"]) == ("failed", True)
    export.unlink()
    export.write_bytes(as_csv([lease(1)]))
    copy = shutil.copyfileobj

    def and_goes_on(*args: Any) -> None:
        copy(*args)
        with export.open("ab") as more:
            more.write(b"more")

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "copyfileobj", and_goes_on)
        grown = await run()
    assert (grown["state"], "changed while it was read" in grown["why"]) == ("failed", True)
    export.write_bytes(as_csv([lease(1)]))
    assert (await run())["counts"]["TenantMovedIn"] == 1


async def test_a_lease_of_which_one_event_was_refused_is_told_when_that_is_mended(
    estate: Estate, bus: Bus, clock: MovableClock
) -> None:
    await estate.register("narrow", allow=["se.vatterhem.TenantMovedIn.v1"])
    told = CONFIGURED.replace("publisher: landlord", "publisher: narrow").replace(":leases", ":narrow")
    (estate.folder / "narrow.yaml").write_text(told, encoding="utf-8")
    rows = [lease(1, Avflyttad="2019-09-01", Skydd="ja")]
    assert (await estate.run(rows, name="narrow"))["refused"][0]["field"] == "TenantMovedOut"
    answer = await estate.gateway.client.post(
        "/ops/gateway/publishers/narrow/change", json={"allow": ["all"]}, headers=OPERATOR
    )
    assert answer.is_success, answer.text
    clock.move(timedelta(days=1))
    mended = (await estate.run(rows, name="narrow"))["counts"]
    assert (mended["refused"], mended["TenantMovedIn"], mended["TenantMovedOut"]) == (0, 1, 1)
    assert (await estate.run(rows, name="narrow"))["counts"]["unchanged"] == 1


async def test_a_run_after_years_is_no_first(estate: Estate, bus: Bus, clock: MovableClock) -> None:
    rows = [lease(n) for n in range(10)]
    await estate.run(rows)
    clock.move(timedelta(days=500))
    async with estate.gateway.ctx.db.transaction() as tx:
        assert await connectors.forget_old_runs(tx, 100) == 0
    new = lease(10, Inflyttad=clock.now().date().isoformat())
    assert (await estate.run([*rows, new]))["counts"]["TenantMovedIn"] == 1
    moved = await bus.expect(TenantMovedIn, 11)
    assert sum(not event.history for event in moved) == 1


VISITS = """
kind: spreadsheet
publisher: landlord
source: urn:test:visits
read: {export}
options:
  type: VisitCounted
  fields: {{meeting_place_id: Place, visits: Visits, "on": Day}}
"""


async def test_a_run_that_is_cut_off_may_go_on_with_a_newer_file(
    bus: Bus, new_database: NewDatabase, clock: MovableClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparing, "AT_ONCE", 2)
    export = tmp_path / "visits.csv"
    (tmp_path / "visits.yaml").write_text(VISITS.format(export=export), encoding="utf-8")
    rows = "Place;Visits;Day\nm-1;1;2019-09-01\nm-2;2;2019-09-01\nm-3;3;2019-09-01\n"
    export.write_text(rows, encoding="utf-8")
    dsn = await new_database(service)
    slow = settings_for(service, bus, database_url=dsn, connectors=tmp_path, rate_limit=2)
    async with running(service, slow, clock) as first:
        await Estate(first, tmp_path).register()
        run = (await Estate(first, tmp_path).operate("POST", "/visits/runs"))["run"]
        await bus.expect(VisitCounted, 2)
    export.write_text(rows.replace("m-1;1", "m-1;10"), encoding="utf-8")
    fast = settings_for(service, bus, database_url=dsn, connectors=tmp_path)
    async with running(service, fast, clock) as second:
        ended = await Estate(second, tmp_path).ended(run, name="visits")
    assert (ended["state"], ended["counts"].get("refused", 0), ended["counts"]["VisitCounted"]) == ("done", 0, 4)
    events = await bus.expect(VisitCounted, 4)
    assert sorted((e.sequence, e.data.visits) for e in events) == [(0, 1), (0, 2), (0, 3), (1, 10)]
