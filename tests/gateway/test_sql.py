"""Every statement of the gateway fits its tables."""

import inspect
import pkgutil
from importlib import import_module

import pytest

from services.chassis.testkit import Running
from services.gateway import repository

MODULES = [import_module(f"{repository.__name__}.{found.name}") for found in pkgutil.iter_modules(repository.__path__)]
STATEMENTS = {
    f"{module.__name__.rpartition('.')[2]}.{name}": value
    for module in MODULES
    for name, value in inspect.getmembers(module)
    if name.isupper() and isinstance(value, str) and not name.endswith("_COLUMNS")
}


@pytest.mark.parametrize("name", sorted(STATEMENTS))
async def test_each_statement_can_be_prepared(gateway: Running, name: str) -> None:
    async with gateway.ctx.db.pool.acquire() as connection:
        await connection.prepare(STATEMENTS[name])
