"""The pool gives connections back without asking Postgres to clean up, and without what a transaction left open. One that is full says so."""

from contextlib import AsyncExitStack

from services.chassis import postgres
from services.chassis.testkit import MASTER_KEY, MovableClock, NewDatabase, Start
from services.chassis.vault import Vault
from tests.chassis.echo import Echo


async def test_a_connection_goes_back_with_nothing_open_and_no_round_trip(
    new_database: NewDatabase, echo: Echo, clock: MovableClock
) -> None:
    vault = Vault.from_base64(MASTER_KEY)
    db = await postgres.connect(await new_database(echo.service), clock=clock, vault=vault, service="notifications")
    async with db.pool.acquire() as watching:
        connection = await db.pool.acquire()
        server = connection.get_server_pid()
        await connection.execute("begin")
        await connection.execute("commit")
        await db.pool.release(connection)
        last = await watching.fetchval("select query from pg_stat_activity where pid = $1", server)
        assert last == "commit"

        connection = await db.pool.acquire()
        assert connection.get_server_pid() == server
        await connection.execute("begin")
        await db.pool.release(connection)
        async with db.pool.acquire() as again:
            assert again.get_server_pid() == server
            assert not again.is_in_transaction()
    await postgres.close(db)


async def test_a_pool_with_no_connection_free_does_not_blame_postgres(start: Start, echo: Echo) -> None:
    service = await start(echo.service)
    pool = service.ctx.db.pool
    async with AsyncExitStack() as stack:
        while pool.get_size() < pool.get_max_size() or pool.get_idle_size():
            await stack.enter_async_context(pool.acquire(timeout=10))
        answer = await service.client.get("/health/ready")
    assert (answer.status_code, answer.json()["parts"]["postgres"]) == (503, "no connection is free within 2 s")
    assert (await service.client.get("/health/ready")).json()["parts"]["postgres"] == "ok"
