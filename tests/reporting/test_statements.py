"""Every SQL statement of reporting fits the schema as its migrations leave it."""

from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

import asyncpg

from services.chassis.testkit import NewDatabase
from services.reporting import repository
from services.reporting.app import service
from services.reporting.repository import facts

VERBS = ("select", "insert", "update", "delete", "truncate", "with", "create")
MODULES: list[ModuleType] = [
    import_module(f"{repository.__name__}.{module.name}") for module in iter_modules(repository.__path__)
]


def statements() -> dict[str, str]:
    """`module.NAME` → its SQL."""
    return {
        f"{module.__name__.rpartition('.')[2]}.{name}": value
        for module in MODULES
        for name, value in vars(module).items()
        if name.isupper() and isinstance(value, str) and value.lstrip().startswith(VERBS)
    }


async def test_every_statement_fits_the_schema(new_database: NewDatabase) -> None:
    connection = await asyncpg.connect(await new_database(service))
    wrong = {}
    try:
        for name, sql in statements().items():
            try:
                async with connection.transaction():
                    if "staged" in sql and sql != facts.STAGE_FACTS:
                        await connection.execute(facts.STAGE_FACTS)
                    await connection.prepare(sql)
            except asyncpg.PostgresError as error:
                wrong[name] = str(error)
    finally:
        await connection.close()
    assert not wrong
    assert len(statements()) > 50
