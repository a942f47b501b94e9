"""The SQL of connectors: their runs, what was sent for them to read, and what they have published before."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from services.chassis.transaction import Transaction
from services.gateway.domain.connectors import ConnectorName, Ended, Refused, Run, RunId

RUN_COLUMNS = """
    id, connector, cause, dry, filename, state, staged, confirmed, asked_at, as_of, ended_at, counts, shown, why, mend, notes
"""
ASK = f"""
    insert into connector_run (connector, cause, dry, filename, state, asked_at) values ($1, $2, $3, $4, 'waiting', $5)
    on conflict (connector) where state in ('waiting', 'running') do nothing
    returning {RUN_COLUMNS}
"""
FIND = f"select {RUN_COLUMNS} from connector_run where connector = $1 and id = $2"
LAST = f"select {RUN_COLUMNS} from connector_run where connector = $1 order by id desc limit $2"
LAST_BY_SCHEDULE = f"""
    select {RUN_COLUMNS} from connector_run where connector = $1 and cause = 'schedule' order by id desc limit 1
"""
HELD = f"""
    select {RUN_COLUMNS} from connector_run where connector = $1 and state = 'held' order by id desc limit 1 for update
"""
OPEN_RUNS = f"select {RUN_COLUMNS} from connector_run where state in ('waiting', 'running') order by id"
# The last run that came to its end: what the next one compares with.
BEFORE = """
    select as_of from connector_run where connector = $1 and state = 'done' and not dry order by id desc limit 1
"""
BEGIN = f"""
    update connector_run set state = 'running', as_of = coalesce(as_of, $2) where id = $1 returning {RUN_COLUMNS}
"""
NOTE_STAGED = "update connector_run set staged = true, counts = $2 where id = $1"
NOTE_COUNTS = "update connector_run set counts = $2 where id = $1"
END = """
    update connector_run set state = $2, counts = $3, shown = $4, why = $5, mend = $6, ended_at = $7, notes = $8 where id = $1
"""
CONFIRM = "update connector_run set state = 'waiting', confirmed = true, why = null, mend = null, ended_at = null where id = $1"
DROP_HELD = """
    update connector_run set state = 'dropped', ended_at = $2 where connector = $1 and state = 'held'
"""
REFUSE = """
    insert into connector_refused (run, row, field, expected, got)
    select $1, * from unnest($2::bigint[], $3::text[], $4::text[], $5::text[])
"""
FORGET_REFUSED = "delete from connector_refused where run = $1"
REFUSED = "select row, field, expected, got from connector_refused where run = $1 order by row limit $2"
ADD_PIECE = "insert into connector_upload (run, piece, sealed) values ($1, $2, $3)"
PIECE = "select sealed from connector_upload where run = $1 and piece = $2"
FORGET_PIECES = "delete from connector_upload where run = $1"
FORGET_OLD = """
    delete from connector_run where id in (
        select id from connector_run one
        where ended_at < $1::timestamptz - interval '400 days' and exists (
            select from connector_run later
            where later.connector = one.connector and later.id > one.id and later.state = 'done' and not later.dry
        )
        limit $2
    )
"""

KNOWN = "select key, content, told from connector_known where connector = $1 and key = any($2::bytea[])"
KNOW = """
    insert into connector_known (connector, key, content, told)
    select $1, key, content, told from unnest($2::bytea[], $3::bytea[], $4::integer[]) as new (key, content, told)
    order by key
    on conflict (connector, key) do update set content = excluded.content, told = excluded.told
"""

# A large file is opened and read between two statements. Without this Postgres ends the transaction after half a
# minute, and the run would begin again for ever.
TAKE_TIME = "select set_config('idle_in_transaction_session_timeout', '15min', true)"

# Of the session, so that a process that is killed lets go of it.
LOCK = "select pg_try_advisory_lock(hashtextextended('connector ' || $1, 0))"
UNLOCK = "select pg_advisory_unlock(hashtextextended('connector ' || $1, 0))"


async def take_time(tx: Transaction) -> None:
    """This transaction may wait for the file that it reads from."""
    await tx.execute(TAKE_TIME)


async def ask(tx: Transaction, connector: ConnectorName, *, cause: str, dry: bool, filename: str | None) -> Run | None:
    """A new run that waits; None while another of the connector waits or is under way."""
    row = await tx.fetchrow(ASK, connector, cause, dry, filename, tx.now())
    return None if row is None else _run(row)


async def find(tx: Transaction, connector: ConnectorName, run: RunId) -> Run | None:
    row = await tx.fetchrow(FIND, connector, run)
    return None if row is None else _run(row)


async def last(tx: Transaction, connector: ConnectorName, most: int) -> list[Run]:
    """The connector's runs, the latest first."""
    return [_run(row) for row in await tx.fetch(LAST, connector, most)]


async def last_by_schedule(tx: Transaction, connector: ConnectorName) -> Run | None:
    row = await tx.fetchrow(LAST_BY_SCHEDULE, connector)
    return None if row is None else _run(row)


async def held(tx: Transaction, connector: ConnectorName) -> Run | None:
    """The run that waits for somebody to confirm it, locked."""
    row = await tx.fetchrow(HELD, connector)
    return None if row is None else _run(row)


async def open_runs(tx: Transaction) -> list[Run]:
    """Those that wait or were under way, perhaps in a process that is no more."""
    return [_run(row) for row in await tx.fetch(OPEN_RUNS)]


async def before(tx: Transaction, connector: ConnectorName) -> Any:
    """When the file was read that this connector published last; None: never one."""
    return await tx.fetchval(BEFORE, connector)


async def begin(tx: Transaction, run: RunId) -> Run:
    """It is under way. One that is taken up again keeps the moment its file was read at."""
    return _run(await tx.fetchrow(BEGIN, run, tx.now()))


async def note_staged(tx: Transaction, run: RunId, counts: Mapping[str, int]) -> None:
    await tx.execute(NOTE_STAGED, run, dict(counts))


async def note_counts(tx: Transaction, run: RunId, counts: Mapping[str, int]) -> None:
    await tx.execute(NOTE_COUNTS, run, dict(counts))


async def end(tx: Transaction, run: RunId, ended: Ended) -> None:
    """Writes down what it came to, and forgets the file that was sent for it."""
    await tx.execute(
        END, run, ended.state, dict(ended.counts), list(ended.shown), ended.why, ended.mend, tx.now(), list(ended.notes)
    )
    await tx.execute(FORGET_PIECES, run)


async def confirm(tx: Transaction, run: RunId) -> None:
    await tx.execute(CONFIRM, run)


async def drop_held(tx: Transaction, connector: ConnectorName) -> None:
    """A newer file has come: what is held of an older one is of no use."""
    await tx.execute(DROP_HELD, connector, tx.now())


async def refuse(tx: Transaction, run: RunId, refused: Sequence[Refused]) -> None:
    await tx.execute(
        REFUSE,
        run,
        [r.row for r in refused],
        [r.field for r in refused],
        [r.expected for r in refused],
        [r.got for r in refused],
    )


async def forget_refused(tx: Transaction, run: RunId) -> None:
    """Before its file is read again."""
    await tx.execute(FORGET_REFUSED, run)


async def refused(tx: Transaction, run: RunId, most: int) -> list[Refused]:
    return [Refused(**row) for row in await tx.fetch(REFUSED, run, most)]


async def add_piece(tx: Transaction, run: RunId, number: int, sealed: bytes) -> None:
    await tx.execute(ADD_PIECE, run, number, sealed)


async def pieces(tx: Transaction, run: RunId) -> AsyncIterator[bytes]:
    """What was sent, piece by piece, sealed."""
    number = 0
    while (piece := await tx.fetchval(PIECE, run, number)) is not None:
        yield piece
        number += 1


async def forget_old_runs(tx: Transaction, most: int) -> int:
    """Drops runs that ended 400 days ago, but for a connector's last: its next one is no first. Returns how many."""
    return int((await tx.execute(FORGET_OLD, tx.now(), most)).removeprefix("DELETE "))


async def known(tx: Transaction, connector: ConnectorName, keys: Sequence[bytes]) -> dict[bytes, tuple[bytes, int]]:
    """Key → (content, events told), of those that were published before."""
    return {row["key"]: (row["content"], row["told"]) for row in await tx.fetch(KNOWN, connector, keys)}


async def know(tx: Transaction, connector: ConnectorName, things: Sequence[tuple[bytes, bytes, int]]) -> None:
    """Remembers (key, content, events told) of each thing that was published."""
    await tx.execute(
        KNOW, connector, [key for key, _, _ in things], [c for _, c, _ in things], [n for _, _, n in things]
    )


def _run(row: Any) -> Run:
    return Run(**{**row, "shown": tuple(row["shown"])})
