"""A run from its beginning to its end: the file, the comparing, and what is written down about it."""

from contextlib import AsyncExitStack
from dataclasses import replace

import structlog

from schemas.event import Event
from schemas.gateway import SourceChecked
from services.chassis.clock import local_date
from services.chassis.context import Context
from services.chassis.errors import describe, is_temporary
from services.chassis.transaction import Transaction
from services.gateway.connectors import comparing, snapshot
from services.gateway.connectors.configured import Connector, Misconfigured, find
from services.gateway.connectors.fetching import opened
from services.gateway.connectors.kinds import KINDS
from services.gateway.connectors.leases import LeaseSnapshot
from services.gateway.connectors.shape import Unreadable
from services.gateway.connectors.work import Work
from services.gateway.domain.connectors import Ended, Refused, Run, event_id
from services.gateway.domain.door import Sender, Submission
from services.gateway.entrance import let_in
from services.gateway.repository import connectors as repository
from services.gateway.repository import leases
from services.gateway.service import publishers

log = structlog.get_logger(__name__)

COUNTED = frozenset({"rows", "refused", "unchanged", "unnumbered", "gone_not_told"})
"""Counts that are not of events."""


class _Undo(Exception):
    """Ends the transaction of a dry run."""


async def carry_out(ctx: Context, run: Run) -> None:
    """Does the run and writes down its end. What is away for a while is raised: the run goes on later where it was."""
    try:
        ended = await _ended(ctx, run)
    except Unreadable as error:
        ended = Ended("failed", why=error.why, mend=error.mend)
    except Exception as error:
        if is_temporary(error):
            raise
        log.exception("a connector's run failed", connector=run.connector, run=run.id)
        ended = Ended("failed", why=f"A defect ({describe(error)}).", mend="The gateway's log has where.")
    async with ctx.db.transaction() as tx:
        await repository.end(tx, run.id, ended)
        if ended.state == "failed" and not run.dry and await repository.held(tx, run.connector) is None:
            await leases.clear(tx, run.connector)
    log.info("a connector's run ended", connector=run.connector, run=run.id, state=ended.state, **ended.counts)


async def _ended(ctx: Context, run: Run) -> Ended:
    connector = find(ctx.settings.connectors, run.connector)
    if not isinstance(connector, Connector):
        why = connector.why[0] if isinstance(connector, Misconfigured) else "There is no such connector any more"
        return Ended("failed", why=f"{why}.", mend="Mend the connector's file, then run it again.")
    async with ctx.db.transaction() as tx:
        sender = await sender_of(tx, connector)
        if not isinstance(sender, Sender):
            return sender
        run = await repository.begin(tx, run.id)
        if not run.confirmed and not run.dry:
            await repository.drop_held(tx, run.connector)
    async with AsyncExitStack() as stack:
        file, name = (None, "") if run.staged else await stack.enter_async_context(opened(ctx, connector, run))
        work = Work(ctx, connector, run, sender, file, name)
        work.counts.update({name: n for name, n in run.counts.items() if run.staged or name not in COUNTED})
        work.notes += run.notes
        ended = await (_shown(work) if run.dry else _compared(work))
    if ended.state == "done" and not run.dry:
        await _say_checked(work)
    return replace(ended, notes=work.notes)


async def sender_of(tx: Transaction, connector: Connector) -> Sender | Ended:
    """The connector's publisher, as it sends by file; or why it can't."""
    known = await publishers.find(tx, connector.publisher)
    if known is None or known.retired_at is not None:
        why = f"{connector.publisher} is not a registered publisher." if known is None else f"{known.name} has retired."
        return Ended("failed", why=why, mend="Register it with the sources of its connectors: hem publishers.")
    return Sender(known.name, "file", known.allow, (connector.source,))


async def _compared(work: Work) -> Ended:
    match KINDS[work.connector.kind]:
        case LeaseSnapshot() as kind:
            return await snapshot.compare(work, kind)
        case kind:
            return await comparing.compare(work, kind)


async def _shown(work: Work) -> Ended:
    """What the run would publish: everything is done in one transaction, and undone."""
    ended, kept = Ended("failed"), list[Refused]()
    try:
        async with work.ctx.db.transaction() as tx:
            work.only = tx
            await repository.take_time(tx)
            ended = await _compared(work)
            kept = await repository.refused(tx, work.run.id, 10**6)
            raise _Undo
    except _Undo:
        work.only = None
    async with work.ctx.db.transaction() as tx:
        await repository.forget_refused(tx, work.run.id)
        await repository.refuse(tx, work.run.id, kept)
    return replace(ended, state="done")


async def _say_checked(work: Work) -> None:
    """The source has been looked through, also when nothing had changed: silence means a fault."""
    assert work.run.as_of is not None
    source = work.connector.source
    changed = any(count for name, count in work.counts.items() if name not in COUNTED)
    event = Event.of(
        SourceChecked(source=source, found_changes=changed, on=local_date(work.run.as_of)),
        id=event_id(source, f"{work.connector.name} checked", work.run.id),
        source=source,
        time=work.run.as_of,
    )
    [answer] = await let_in(work.ctx, work.sender, [Submission(event.id, source, event)])
    if answer.refusal is not None:
        log.warning("a connector's check was refused", connector=work.connector.name, why=answer.refusal.detail)
