"""Every statement of the gateway fits its tables."""

import inspect

import pytest

from services.chassis.testkit import Running
from services.gateway import repository

STATEMENTS = {name: value for name, value in inspect.getmembers(repository) if name.isupper() and name != "KEY_COLUMNS"}


@pytest.mark.parametrize("name", sorted(STATEMENTS))
async def test_each_statement_can_be_prepared(gateway: Running, name: str) -> None:
    async with gateway.ctx.db.pool.acquire() as connection:
        await connection.prepare(STATEMENTS[name])
