"""Every SQL statement in the code is one that the migrated database understands."""

import importlib
import pkgutil
import re
from collections.abc import Iterator

import asyncpg
import pytest

from services.chassis.postgres import prepare
from services.chassis.service import Service
from services.chassis.testkit import NewDatabase
from tests.architecture.repository import services

STATEMENT = re.compile(r"\s*(select|insert|update|delete|with|truncate|create temporary)\s", re.IGNORECASE)


TEMPORARY = re.compile(r"\s*create temporary", re.IGNORECASE)


def statements(package: str) -> Iterator[tuple[str, str]]:
    """(where, SQL) of every upper-case string constant, alone or in a tuple, that is a statement."""
    root = importlib.import_module(f"services.{package}")
    for info in pkgutil.walk_packages(root.__path__, f"{root.__name__}."):
        if info.name.endswith("__main__") or info.name.endswith(".testkit"):
            continue
        for name, value in vars(importlib.import_module(info.name)).items():
            for text in value if isinstance(value, tuple) else (value,):
                if name.isupper() and isinstance(text, str) and STATEMENT.match(text):
                    yield f"{info.name}.{name}", text


@pytest.mark.parametrize("name", services())
async def test_every_statement_is_prepared(name: str, new_database: NewDatabase) -> None:
    service: Service = importlib.import_module(f"services.{name}.app").service
    found = [*statements("chassis"), *statements(name)]
    assert len(found) > 20
    connection = await asyncpg.connect(await new_database(service))
    try:
        await prepare(connection)
        for where, sql in sorted(found, key=lambda one: not TEMPORARY.match(one[1])):
            if TEMPORARY.match(sql):
                await connection.execute(sql.replace("on commit drop", ""))
                continue
            try:
                await connection.prepare(sql)
            except asyncpg.PostgresError as error:
                pytest.fail(f"{where}: {error}")
    finally:
        await connection.close()
