"""Comparing a lease snapshot with what was published before, and publishing what has become of the leases.

The file goes to a staging table, and the comparing is SQL. References are made once, in a transaction before the
first event that carries them; how far the publishing has come is noted in the transactions that let the events in. So
a run may be cut off anywhere and begun again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from itertools import islice
from typing import TypeVar

import orjson

from schemas.tenancy import TenantContactErased
from services.chassis.clock import local_date
from services.chassis.transaction import Transaction
from services.gateway.connectors.leases import LeaseOptions, LeaseRow, LeaseSnapshot, contact_of
from services.gateway.connectors.shape import Note as Remark
from services.gateway.connectors.work import Note, Said, Work
from services.gateway.domain.connectors import Ended, Refused
from services.gateway.domain.leases import Lease, Teller, Told, event_about
from services.gateway.repository import connectors as runs
from services.gateway.repository import leases as repository
from services.gateway.repository.leases import ContactDue, Staged

READ_AT_ONCE = 4_000
TELL_AT_ONCE = 1_000
Key = TypeVar("Key")
Batch = tuple[list[Said], Note]


async def compare(work: Work, kind: LeaseSnapshot) -> Ended:
    """Reads, compares, publishes. `held` when so much is gone that somebody should look. Raises `Unreadable`."""
    options = work.connector.options
    assert isinstance(options, LeaseOptions)
    assert work.run.as_of is not None
    if not work.run.staged:
        await _stage(work, kind, options)
    why = None if work.run.confirmed else await _too_much_is_gone(work, options)
    if why is not None and work.only is None:
        return Ended("held", work.counts, (), why, "Look at the file. If it is right, confirm the run.")
    async with work.transaction() as tx:
        before = await runs.before(tx, work.connector.name)
        today = local_date(work.run.as_of)
        teller = Teller(
            source=work.connector.source,
            as_of=work.run.as_of,
            today=today,
            before=None if before is None else local_date(before),
            first=before is None,
            history_before=today - timedelta(days=options.history_older_than_days),
        )
        await repository.make_refs(tx, work.connector.name, today=today, transfer_days=options.transfer_within_days)
    await _Telling(work, teller).everything(forget_after_days=options.forget_after_days)
    async with work.transaction() as tx:
        await repository.clear(tx, work.connector.name)
    return Ended("done", work.counts, work.shown, why)


async def _stage(work: Work, kind: LeaseSnapshot, options: LeaseOptions) -> None:
    assert work.file is not None
    work.counts.clear()
    rows = kind.read(work.file, work.filename, options)
    async with work.transaction() as tx:
        await runs.take_time(tx)
        await repository.clear(tx, work.connector.name)
        await runs.forget_refused(tx, work.run.id)
        while chunk := await asyncio.to_thread(_next, tx, rows, work):
            staged, sealed, refused, unnumbered, remarks = chunk
            work.remark(remarks)
            work.counts["rows"] += len(staged) + unnumbered
            work.counts["unnumbered"] += unnumbered
            await work.refuse(tx, refused)
            await repository.stage(tx, work.connector.name, staged, sealed)
        twice = await repository.finish_staging(tx, work.connector.name)
        column = options.columns.lease[0]
        await work.refuse(
            tx, [Refused(row, column, "each lease once", "a lease that stands in other rows too") for row in twice]
        )
        if work.only is None:
            await runs.note_staged(tx, work.run.id, work.counts)


def _next(
    tx: Transaction, rows: Iterator[LeaseRow | Remark], work: Work
) -> tuple[list[Staged], list[bytes], list[Refused], int, list[Remark]] | None:
    """Some rows, what is sealed of each, refusals, how many rows have no number, remarks. In a thread of its own."""
    read = list(islice(rows, READ_AT_ONCE))
    if not read:
        return None
    chunk = [row for row in read if isinstance(row, LeaseRow)]
    remarks = [one for one in read if isinstance(one, Remark)]
    numbered = [row for row in chunk if row.number is not None]
    refused = [Refused(w.row, w.field, w.expected, w.got) for row in chunk for w in row.wrong]
    staged = [_staged(tx, row, work.connector.name) for row in numbered]
    return (
        staged,
        [tx.seal_private(work.place, _secret(row)) for row in numbered],
        refused,
        len(chunk) - len(numbered),
        remarks,
    )


def _staged(tx: Transaction, row: LeaseRow, connector: str) -> Staged:
    def hashed(kind: str, said: str) -> bytes:
        return tx.fingerprint(f"{connector}\n{kind}\n{said}".encode())

    staged = Staged(
        row=row.row,
        lease=hashed("lease", row.number or ""),
        person=None if row.tenant is None else hashed("tenant", row.tenant),
        refused=row.move is None,
        by_letter=row.by_letter,
    )
    if row.move is None:
        return staged
    return replace(
        staged,
        area_id=row.move.area_id,
        building_id=row.move.building_id,
        dwelling_id=row.move.dwelling_id,
        moved_in_on=row.move.moved_in_on,
        moved_out_on=row.moved_out_on,
        contact=None if row.contact is None else tx.fingerprint(b"contact\n" + row.contact),
    )


def _secret(row: LeaseRow) -> bytes:
    return orjson.dumps([row.number, row.contact.decode() if row.contact else None])


async def _too_much_is_gone(work: Work, options: LeaseOptions) -> str | None:
    assert work.run.as_of is not None
    async with work.transaction() as tx:
        leases, gone = await repository.size(tx, work.connector.name, local_date(work.run.as_of))
        contacts, lost = await repository.contacts_lost(tx, work.connector.name)
    if gone > options.hold_above * leases:
        return f"{gone} of {leases} leases are gone from the file, or have ended in it."
    if lost > options.hold_above * contacts:
        return (
            f"{lost} of {contacts} households are gone from the file, or have no e-mail or phone any more in it, "
            "and would be erased."
        )
    return None


class _Telling:
    """Publishes what has become of households and leases, in the order in which it makes sense to those who read it."""

    def __init__(self, work: Work, teller: Teller) -> None:
        self.work, self.teller, self.name = work, teller, work.connector.name

    async def everything(self, *, forget_after_days: int) -> None:
        work, today = self.work, self.teller.today
        await self._erasures()
        async with work.transaction() as tx:
            contacts = await repository.contacts(tx, self.name)
        await _in_turn(work, contacts, self._contacts)
        async with work.transaction() as tx:
            changed = await repository.changed(tx, self.name, today)
            gone = await repository.gone(tx, self.name)
            work.counts["unchanged"] = await repository.count_fine(tx, self.name) - len(changed)
        await _in_turn(work, changed, self._changed)
        if work.counts["unnumbered"]:  # one of them may be what seems to be gone
            work.counts["gone_not_told"] = len(gone)
        else:
            await _in_turn(work, gone, self._gone)
        async with work.transaction() as tx:
            gone_by = today - timedelta(days=forget_after_days)
            await repository.forget(tx, self.name, today=today, gone_by=gone_by)
        await self._erasures()

    async def _erasures(self) -> None:
        async with self.work.transaction() as tx:
            due = await repository.erasures(tx, self.name)
        await _in_turn(self.work, due, self._erased)

    async def _erased(self, due: Sequence[tuple[str, int]]) -> Batch:
        said = [
            (0, event_about(
                self.teller.source, TenantContactErased(tenant_ref=ref), about=ref, number=told, as_of=self.teller.as_of
            ))
            for ref, told in due
        ]  # fmt: skip

        async def note(tx: Transaction, let: Sequence[bool]) -> None:
            await repository.erased(tx, [ref for (ref, _), fine in zip(due, let, strict=True) if fine])

        return said, note

    async def _contacts(self, rows: Sequence[int]) -> Batch:
        async with self.work.transaction() as tx:
            due = await repository.contacts_at(tx, self.name, rows)
            opened = self._open(tx, [d.sealed for d in due])
        said = await asyncio.to_thread(self._contact_events, due, opened)

        async def note(tx: Transaction, let: Sequence[bool]) -> None:
            await repository.know_contacts(tx, self.name, [d for d, fine in zip(due, let, strict=True) if fine])

        return said, note

    def _contact_events(self, due: Sequence[ContactDue], opened: Sequence[bytes]) -> list[Said]:
        said = []
        for one, secret in zip(due, opened, strict=True):
            data = contact_of(orjson.loads(secret)[1], one.tenant_ref)
            event = event_about(
                self.teller.source,
                data,
                about=one.tenant_ref,
                number=one.told,
                as_of=self.teller.as_of,
                history=self.teller.first,
            )
            said.append((one.row, event))
        return said

    async def _changed(self, rows: Sequence[int]) -> Batch:
        async with self.work.transaction() as tx:
            leases = await repository.changed_at(tx, self.name, self.teller.today, rows)
            fresh = [lease for lease in leases if _has_new_ref(lease)]
            opened = self._open(tx, [lease.sealed for lease in fresh if lease.sealed is not None])
        numbers = {lease.lease: orjson.loads(secret)[0].encode() for lease, secret in zip(fresh, opened, strict=True)}
        return await self._tell(leases, numbers)

    async def _gone(self, leases: Sequence[bytes]) -> Batch:
        async with self.work.transaction() as tx:
            found = await repository.gone_at(tx, self.name, leases)
        return await self._tell(found, {})

    async def _tell(self, leases: Sequence[Lease], numbers: dict[bytes, bytes]) -> Batch:
        told = await asyncio.to_thread(lambda: [self.teller.tell(lease) for lease in leases])
        said = [(lease.row, event) for lease, one in zip(leases, told, strict=True) for event in one.events]

        async def note(tx: Transaction, let: Sequence[bool]) -> None:
            fine = iter(let)
            known: list[tuple[Lease, Told]] = []
            for lease, one in zip(leases, told, strict=True):
                answered = [next(fine) for _ in one.events]
                if all(answered):
                    known.append((lease, one))
            if known:
                sealed = await self._seal(tx, known, numbers)
                rows = [(lease, one, sealed.get(lease.lease)) for lease, one in known]
                await repository.know_leases(tx, self.name, rows)

        return said, note

    async def _seal(
        self, tx: Transaction, known: Sequence[tuple[Lease, Told]], numbers: dict[bytes, bytes]
    ) -> dict[bytes, bytes]:
        """The numbers of leases, each for its household. An erased household's is not kept."""
        refs = {lease.lease: lease.home.tenant_ref for lease, _ in known if lease.home and lease.lease in numbers}
        erased = await tx.erased(list(refs.values()))
        kept = [(lease, ref) for lease, ref in refs.items() if ref not in erased]
        sealed = await self.work.ctx.db.vault.seal_many(tx.connection, [(ref, numbers[lease]) for lease, ref in kept])
        return {lease: one for (lease, _), one in zip(kept, sealed, strict=True)}

    def _open(self, tx: Transaction, sealed: Sequence[bytes]) -> list[bytes]:
        return [tx.unseal_private(self.work.place, one) for one in sealed]


def _has_new_ref(lease: Lease) -> bool:
    return lease.home is not None and (lease.known is None or lease.known.tenant_ref != lease.home.tenant_ref)


async def _in_turn(work: Work, keys: Sequence[Key], make: Callable[[Sequence[Key]], Awaitable[Batch]]) -> None:
    """Publishes batch after batch; while one is let in, the next is made."""
    ahead: asyncio.Task[Batch] | None = None
    try:
        for at in range(0, len(keys) + TELL_AT_ONCE, TELL_AT_ONCE):
            batch = None if ahead is None else await ahead
            some = keys[at : at + TELL_AT_ONCE]
            ahead = asyncio.ensure_future(make(some)) if some else None
            if batch is not None:
                await work.publish(*batch)
    finally:
        if ahead is not None and not ahead.done():
            ahead.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await ahead
