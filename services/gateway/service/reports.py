"""The verbs of reporting by form: note, find, list, forget."""

from collections.abc import Collection
from datetime import datetime, timedelta

from services.chassis.transaction import Transaction
from services.gateway.domain.reports import REPORTS_KEPT, WHOSE_KEPT, Desk, Draft, Report
from services.gateway.repository import reports as repository
from services.gateway.service.door import FORGET_AT_ONCE


async def moment(tx: Transaction, draft: Draft) -> datetime:
    """The time of a report's event: when it was first sent, so that the same form sent again is the same event.

    One that corrects another is later than it, whatever the clocks say.
    """
    sent = await repository.find(tx, [draft.desk], draft.id, b"")
    if sent is not None:
        return sent.time
    corrected = None if draft.replaces is None else await repository.find(tx, [draft.desk], draft.replaces, b"")
    return tx.now() if corrected is None else max(tx.now(), corrected.time + timedelta(milliseconds=1))


async def note(tx: Transaction, draft: Draft, at: datetime, name: str) -> None:
    """Remembers a report that was let in just now, from whoever is signed in as `name`."""
    await repository.add(tx, draft, at=at, session=_session(tx, name))


async def find(tx: Transaction, desks: Collection[Desk], id: str, name: str) -> Report | None:
    """A report that one of `desks` has sent."""
    return await repository.find(tx, desks, id, _session(tx, name))


async def latest(
    tx: Transaction, desks: Collection[Desk], name: str, *, everybodys: bool, most: int, skip: int
) -> list[Report]:
    """What has been reported from `desks`, the newest first: in sessions of this name, or by everybody there."""
    return await repository.latest(tx, desks, _session(tx, name), everybodys=everybodys, most=most, skip=skip)


async def forget(tx: Transaction) -> int:
    """Drops reports whose event can't be withdrawn any more. Returns how many."""
    return await repository.forget(tx, before=tx.now() - REPORTS_KEPT, limit=FORGET_AT_ONCE)


async def forget_whose(tx: Transaction) -> int:
    """Forgets in whose session old reports were sent. Returns how many."""
    return await repository.forget_whose(tx, before=tx.now() - WHOSE_KEPT, limit=FORGET_AT_ONCE)


def _session(tx: Transaction, name: str) -> bytes:
    """What is kept of who reported: tells the same name again, and can't be read back."""
    return tx.fingerprint(b"hem reports\0" + name.encode())
