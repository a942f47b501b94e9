"""A lease snapshot goes in by the front door, and what has become of the leases comes out on the topics."""

from datetime import timedelta

from schemas.gateway import SourceChecked
from schemas.tenancy import MoveInCancelled, TenantContactChanged, TenantContactErased, TenantMovedIn, TenantMovedOut
from services.chassis.testkit import Bus, MovableClock
from tests.gateway.connectors.estate import COLUMNS, Estate, as_csv, lease

NOTHING = {"rows": 0, "refused": 0, "unnumbered": 0, "unchanged": 0}


async def test_the_first_file_is_a_baseline_of_history(estate: Estate, bus: Bus) -> None:
    ended = await estate.run([lease(n) for n in range(5)])
    assert ended["state"] == "done", ended
    assert ended["counts"] == {**NOTHING, "rows": 5, "TenantContactChanged": 5, "TenantMovedIn": 5}
    moved = await bus.expect(TenantMovedIn, 5)
    contacts = await bus.expect(TenantContactChanged, 5)
    assert all(event.history for event in (*moved, *contacts))
    assert {event.data.tenant_ref for event in moved} == {event.data.tenant_ref for event in contacts}
    assert not any(ref in event.data.json_bytes().decode() for event in moved for ref in ("K-", "P-", "Test"))
    [checked] = await bus.expect(SourceChecked)
    assert checked.data.found_changes


async def test_what_has_become_of_the_leases_is_published_and_nothing_twice(
    estate: Estate, bus: Bus, clock: MovableClock
) -> None:
    rows = [lease(n) for n in range(20)]
    await estate.run(rows)
    clock.move(timedelta(days=1))
    assert (await estate.run(rows))["counts"] == {**NOTHING, "rows": 20, "unchanged": 20}
    rows[0] = lease(0, Lgh="l-mended")
    rows[1] = lease(1, **{"E-post": "another1@example.se"})
    del rows[2]
    rows.append(lease(20, Inflyttad=clock.now().date().isoformat(), Område="Råslätt"))
    clock.move(timedelta(days=1))
    ended = await estate.run(rows)
    assert ended["counts"] == {
        **NOTHING, "rows": 20, "unchanged": 18, "TenantMovedIn": 2, "TenantContactChanged": 2, "TenantMovedOut": 1
    }  # fmt: skip
    moved = await bus.expect(TenantMovedIn, 22)
    [mended] = [event for event in moved if event.data.dwelling_id == "l-mended"]
    [before] = [e for e in moved if e.data.tenancy_id == mended.data.tenancy_id and e.id != mended.id]
    assert (before.sequence, mended.sequence, mended.history) == (0, 1, False)
    [new] = [event for event in moved if event.data.area_id == "raslatt"]
    assert not new.history
    [out] = await bus.expect(TenantMovedOut)
    assert out.data.moved_out_on == clock.now().date()
    contacts = await bus.expect(TenantContactChanged, 22)
    [changed] = [event for event in contacts if event.data.email == "another1@example.se"]
    assert changed.sequence == 1
    assert [event.data.found_changes for event in await bus.expect(SourceChecked, 3)].count(False) == 1


async def test_a_lease_that_vanishes_before_its_first_day_is_cancelled_and_may_come_back(
    estate: Estate, bus: Bus, clock: MovableClock
) -> None:
    rows = [lease(n) for n in range(10)]
    await estate.run(rows)
    soon = lease(77, Inflyttad=(clock.now() + timedelta(days=30)).date().isoformat())
    await estate.run([*rows, soon])
    await estate.run(rows)
    [cancelled] = await bus.expect(MoveInCancelled)
    again = await estate.run([*rows, soon])
    assert again["counts"] == {**NOTHING, "rows": 11, "unchanged": 10, "EventWithdrawn": 1}
    moved = await bus.expect(TenantMovedIn, 11)
    assert [e.data.moved_in_on.isoformat() for e in moved if e.subject == cancelled.subject] == [soon["Inflyttad"]]


async def test_a_lease_with_a_last_day_ends_on_it(estate: Estate, bus: Bus, clock: MovableClock) -> None:
    last = (clock.now() + timedelta(days=3)).date().isoformat()
    rows = [lease(n) for n in range(10)]
    await estate.run(rows)
    rows[3] = lease(3, Avflyttad=last)
    assert "TenantMovedOut" not in (await estate.run(rows))["counts"]
    clock.move(timedelta(days=4))
    assert (await estate.run(rows))["counts"]["TenantMovedOut"] == 1
    del rows[3]
    assert "TenantMovedOut" not in (await estate.run(rows))["counts"]
    [out] = await bus.expect(TenantMovedOut)
    assert out.data.moved_out_on.isoformat() == last


async def test_who_moves_within_the_company_is_told_as_transferred(
    estate: Estate, bus: Bus, clock: MovableClock
) -> None:
    rows = [lease(n) for n in range(10)]
    await estate.run(rows)
    clock.move(timedelta(days=10))
    today = clock.now().date()
    rows[4] = lease(4, Avflyttad=(today + timedelta(days=20)).isoformat())
    rows.append(
        lease(50, Person="P-4", **{"E-post": "test4@example.se"}, Namn="Test Testsson 4", Inflyttad=today.isoformat())
    )
    await estate.run(rows)
    moved = await bus.expect(TenantMovedIn, 11)
    [new] = [event for event in moved if event.data.moved_in_on == today]
    [old] = [event for event in moved if event.data.tenancy_id == new.data.transferred_from]
    assert old.data.tenant_ref == new.data.tenant_ref
    assert len(await bus.events(TenantContactChanged)) == 10


async def test_the_protected_and_the_unreachable_look_alike(estate: Estate, bus: Bus) -> None:
    rows = [lease(n) for n in range(10)]
    unreachable = {"E-post": "", "Mobil": ""}
    await estate.run([*rows, lease(11, Skydd="ja"), lease(12, **unreachable)])
    moved = await bus.expect(TenantMovedIn, 12)
    by_letter = [event.data for event in moved if event.data.contact_rule == "letter_only"]
    assert [(d.building_id, d.dwelling_id) for d in by_letter] == [(None, None)] * 2
    assert len(await bus.expect(TenantContactChanged, 10)) == 10
    # What is kept tells them apart no more than what is published.
    kept = await estate.gateway.ctx.db.pool.fetch("select * from lease where contact_rule = 'letter_only'")
    assert all(row["building_id"] is None and row["dwelling_id"] is None for row in kept)

    ended = await estate.run(
        [lease(0, Skydd="ja"), lease(1, **unreachable), *rows[2:], lease(11, Skydd="ja"), lease(12, **unreachable)]
    )
    assert ended["counts"] == {**NOTHING, "rows": 12, "unchanged": 10, "TenantContactErased": 2, "TenantMovedIn": 2}
    erased = {event.subject for event in await bus.expect(TenantContactErased, 2)}
    later = await bus.expect(TenantMovedIn, 4, contact_rule="letter_only")
    assert not erased & {event.data.tenant_ref for event in later}
    assert all(event.data.building_id is None for event in later)
    assert sorted(event.sequence or 0 for event in later) == [0, 0, 1, 1]


async def test_who_has_no_lease_any_more_is_forgotten_after_the_agreed_time(
    estate: Estate, bus: Bus, clock: MovableClock
) -> None:
    rows = [lease(n) for n in range(10)]
    await estate.run(rows)
    gone = rows.pop()
    await estate.run(rows)
    clock.move(timedelta(days=29))
    assert "TenantContactErased" not in (await estate.run(rows))["counts"]
    clock.move(timedelta(days=2))
    assert (await estate.run(rows))["counts"]["TenantContactErased"] == 1
    [erased] = await bus.expect(TenantContactErased)
    back = await estate.run([*rows, gone])
    assert back["counts"] == {
        **NOTHING, "rows": 10, "unchanged": 9, "EventWithdrawn": 1, "TenantMovedIn": 1, "TenantContactChanged": 1
    }  # fmt: skip
    moved = await bus.expect(TenantMovedIn, 11)
    [again] = [event for event in moved if event.sequence == 3]
    assert again.data.tenant_ref != erased.subject  # nobody who was forgotten is remembered: a new reference


async def test_half_a_file_is_held_until_somebody_has_looked(estate: Estate, bus: Bus) -> None:
    rows = [lease(n) for n in range(10)]
    await estate.run(rows)
    run = await estate.order(rows[:5])
    held = await estate.ended(run)
    assert (held["state"], held["why"]) == ("held", "5 of 10 leases are gone from the file, or have ended in it.")
    assert not await bus.events(TenantMovedOut)
    await estate.operate("POST", "/leases/confirm")
    assert (await estate.ended(run))["counts"]["TenantMovedOut"] == 5
    await bus.expect(TenantMovedOut, 5)


async def test_a_column_that_has_lost_its_addresses_erases_nobody(estate: Estate, bus: Bus) -> None:
    await estate.run([lease(n) for n in range(10)])
    held = await estate.run([lease(n, **{"E-post": ""}) for n in range(10)])
    assert held["state"] == "held"
    assert not await bus.events(TenantContactErased)


async def test_a_row_that_is_wrong_is_refused_and_its_lease_left_as_it_is(estate: Estate, bus: Bus) -> None:
    rows = [lease(n) for n in range(10)]
    await estate.run(rows)
    rows[0] = lease(0, Inflyttad="1/3/2019")
    rows[1] = lease(1, Område="Okänd")
    rows[2] = lease(2, **{"E-post": "not an address"})
    rows.append(lease(3))
    ended = await estate.run(rows)
    assert ended["counts"] == {**NOTHING, "rows": 11, "refused": 5, "unchanged": 6}
    said = [(refused["row"], refused["field"], refused["got"]) for refused in ended["refused"]]
    assert said == [
        (2, "Inflyttad", "text of 8 characters"),
        (3, "Område", "another, or nothing"),
        (4, "E-post", "text of 14 characters"),
        (5, "Kontrakt", "a lease that stands in other rows too"),
        (12, "Kontrakt", "a lease that stands in other rows too"),
    ]
    assert len(await bus.events(TenantMovedIn)) == 10


async def test_no_lease_is_told_as_gone_while_a_row_has_no_number(estate: Estate, bus: Bus) -> None:
    rows = [lease(n) for n in range(10)]
    await estate.run(rows)
    ended = await estate.run([*rows[:9], lease(9, Kontrakt="")])
    assert ended["counts"] == {**NOTHING, "rows": 10, "refused": 1, "unnumbered": 1, "unchanged": 9, "gone_not_told": 1}
    assert not await bus.events(TenantMovedOut)


async def test_a_file_that_is_no_table_of_leases_publishes_nothing(estate: Estate) -> None:
    missing = await estate.run(as_csv([lease(1)], [name for name in COLUMNS if name != "Skydd"]))
    assert (missing["state"], missing["why"]) == ("failed", "The file has 11 columns, and not Skydd.")
    page = await estate.run(b"<!DOCTYPE html><html><body>Sign in</body></html>")
    assert page["state"] == "failed"
    assert "web page" in page["why"]


async def test_a_dry_run_shows_what_it_would_publish_and_leaves_nothing(estate: Estate, bus: Bus) -> None:
    shown = await estate.run([lease(n) for n in range(3)], dry=True)
    assert shown["counts"] == {**NOTHING, "rows": 3, "TenantContactChanged": 3, "TenantMovedIn": 3}
    assert [one["event"] for one in shown["would_publish"]] == ["TenantMovedIn"] * 3
    assert "Testsson" not in str(shown)
    assert "example.se" not in str(shown)
    assert await estate.gateway.ctx.db.pool.fetchval("select count(*) from lease") == 0
    assert not await bus.records("tenancy.events")
    assert (await estate.run([lease(n) for n in range(3)]))["counts"]["TenantMovedIn"] == 3
