"""A lease snapshot goes in by the front door, and what has become of the leases comes out on the topics."""

from datetime import timedelta

from schemas.gateway import SourceChecked
from schemas.tenancy import MoveInCancelled, TenantContactChanged, TenantContactErased, TenantMovedIn, TenantMovedOut
from services.chassis.testkit import Bus, MovableClock
from tests.gateway.connectors.estate import Estate, lease

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
