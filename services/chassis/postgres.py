"""The pool, and the transactions that verbs are given."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import asyncpg
import orjson
from asyncpg.pool import PoolConnectionProxy

from services.chassis.clock import Clock
from services.chassis.errors import POSTGRES_LATER, NotYet, Unavailable, describe, is_temporary
from services.chassis.transaction import Transaction
from services.chassis.vault import Vault

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"

# A session that Postgres can't reach any more must not hold its locks: the other replica is waiting for them.
SERVER_SETTINGS = {"idle_in_transaction_session_timeout": "30s", "tcp_user_timeout": "10000"}
CONNECT_WITHIN = 5.0


class Database:
    """One service's database. `transaction()` is the boundary that commits; `pool` is for reading.

    `held_back`: what `transaction` raises for as long as the database isn't known to have the right schema.
    """

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", clock: Clock, vault: Vault, service: str) -> None:
        self.pool = pool
        self.clock = clock
        self.vault = vault
        self.service = service
        self.held_back: NotYet | None = None

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """A transaction that commits on leaving, its events with it. Raises `Unavailable` when Postgres is down."""
        try:
            async with self._connection() as connection, connection.transaction():
                tx = Transaction(connection, clock=self.clock, vault=self.vault, service=self.service)
                yield tx
                await tx.flush()
        except POSTGRES_LATER as error:
            if not is_temporary(error):
                raise
            raise Unavailable(f"postgres ({describe(error)})") from error

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        if self.held_back is not None:
            raise NotYet(self.held_back.what)
        try:
            connection = await self.pool.acquire(timeout=CONNECT_WITHIN)
        except (OSError, TimeoutError) as error:
            raise Unavailable("postgres") from error
        try:
            yield connection
        finally:
            await self.pool.release(connection)


async def connect(dsn: str, *, clock: Clock, vault: Vault, service: str) -> Database:
    """A pool that is made even while Postgres is down: `Database.transaction` raises `Unavailable` until it is up."""
    pool = asyncpg.create_pool(
        dsn,
        min_size=0,
        max_size=10,
        command_timeout=60,
        init=prepare,
        reset=_as_it_is,
        server_settings=SERVER_SETTINGS,
    )
    await pool
    return Database(pool, clock, vault, service)


async def prepare(connection: Connection) -> None:
    """Gives a connection the codecs that the chassis' SQL relies on: jsonb as Python objects."""
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=_encode_jsonb, decoder=_decode_jsonb, format="binary"
    )


async def _as_it_is(_connection: Connection) -> None:
    """Instead of RESET ALL, a round trip at the end of each transaction: nothing here changes more of a session than its
    transaction. What a transaction left open is rolled back even so."""


def _encode_jsonb(value: Any) -> bytes:
    return b"\x01" + orjson.dumps(value)


def _decode_jsonb(value: bytes) -> Any:
    return orjson.loads(value[1:])


async def close(database: Database) -> None:
    """Within a second: who still holds a connection then loses it."""
    try:
        async with asyncio.timeout(1):
            await database.pool.close()
    except TimeoutError:
        database.pool.terminate()
