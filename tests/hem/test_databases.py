"""Every service has a role and a database of its own, by a password that is in no log and can be changed."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio
from typer.testing import CliRunner

from hem.cli import app
from hem.databases import prepare
from hem.routing import SERVICES
from hem.stack.errors import StackError
from hem.stack.postgres import Postgres

pytestmark = pytest.mark.asyncio(loop_scope="module")
SUPERUSERS = "the-superusers-own-word"
SURVEYS = "the-word-of-surveys"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def postgres(stack_folder: Path) -> AsyncIterator[Postgres]:
    """A PostgreSQL that asks for passwords (SCRAM) and writes every statement into its log."""
    server = Postgres(
        stack_folder / "passwords", password=SUPERUSERS, settings={"fsync": "off", "log_statement": "all"}
    )
    await server.start()
    yield server
    await server.stop()


def address(server: Postgres) -> str:
    return f"postgres://postgres@127.0.0.1:{server.port}/postgres?sslmode=disable"


async def enter(server: Postgres, service: str, password: str) -> str:
    """The owner of the database that `service` comes into."""
    dsn = f"postgres://hem_{service}@127.0.0.1:{server.port}/hem_{service}"
    connection = await asyncpg.connect(dsn, password=password, ssl=False)
    try:
        return await connection.fetchval(
            "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()"
        )
    finally:
        await connection.close()


async def test_each_service_comes_into_its_own_and_no_other_s(postgres: Postgres) -> None:
    words = {"gateway": "one pass'word", "surveys": SURVEYS}
    for _ in range(2):
        await prepare(address(postgres), words, password=SUPERUSERS)
    for service, password in words.items():
        assert await enter(postgres, service, password) == f"hem_{service}"
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asyncpg.connect(
            f"postgres://hem_surveys@127.0.0.1:{postgres.port}/hem_gateway", password=SURVEYS, ssl=False
        )

    await prepare(address(postgres), {"gateway": "a new one"}, password=SUPERUSERS)
    assert await enter(postgres, "gateway", "a new one") == "hem_gateway"
    with pytest.raises(asyncpg.InvalidPasswordError):
        await enter(postgres, "gateway", "one pass'word")

    log = (postgres.folder / "postgres.log").read_text()
    assert 'ALTER ROLE "hem_gateway" PASSWORD' in log
    assert not [word for word in (*words.values(), "a new one") if word in log]


async def test_wrong_password_is_said_without_any(postgres: Postgres) -> None:
    for dsn in (address(postgres), f"postgres://postgres:hush@127.0.0.1:{postgres.port}/postgres"):
        with pytest.raises(StackError, match=r"at 127\.0\.0\.1:\d+ does not let us in") as told:
            await prepare(dsn, {"gateway": "x"}, password="hush" if "hush" not in dsn else None)
        assert "hush" not in str(told.value)


@pytest.mark.parametrize(
    ("dsn", "told"),
    [
        (
            "postgres://postgres:hush@127.0.0.1:9/postgres",
            r"at 127.0.0.1:9 does not answer \(waited 0 s\). Is it running",
        ),
        ("postgres://postgres:hush@127.0.0.1:hush/postgres", "The address of PostgreSQL is none"),
        ("http://postgres:hush@127.0.0.1", "The address of PostgreSQL is none"),
        ("postgres://postgres:hu/sh@127.0.0.1/postgres", "The address of PostgreSQL is none"),
    ],
)
async def test_address_that_leads_nowhere_is_said_without_its_password(dsn: str, told: str) -> None:
    with pytest.raises(StackError, match=told) as error:
        await prepare(dsn, {"gateway": "x"})
    assert "hush" not in str(error.value)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ("sslmode=require", "has no TLS, which sslmode in HEM_POSTGRES_URL asks for"),
        ("sslmode=verify-full&sslrootcert=/none", "a file that HEM_POSTGRES_URL names"),
        ("sslmode=verify-full", "or its options are wrong"),
    ],
)
async def test_what_no_waiting_mends_is_said_at_once(
    postgres: Postgres, options: str, told: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    dsn = f"postgres://postgres@127.0.0.1:{postgres.port}/postgres?{options}"
    async with asyncio.timeout(20):
        with pytest.raises(StackError, match=told):
            await prepare(dsn, {"gateway": "x"}, password=SUPERUSERS, within=60)


async def test_role_without_the_right_to_make_databases_is_said(postgres: Postgres) -> None:
    await prepare(address(postgres), {"surveys": SURVEYS}, password=SUPERUSERS)
    with pytest.raises(StackError, match="refuses to make the databases: permission denied"):
        await prepare(
            f"postgres://hem_surveys@127.0.0.1:{postgres.port}/hem_surveys", {"gateway": "x"}, password=SURVEYS
        )


def hem_databases_apply(environment: dict[str, str]) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["databases", "apply"], env=environment)
    return done.exit_code, done.output


async def test_command_takes_passwords_from_files(postgres: Postgres, tmp_path: Path) -> None:
    environment = {"HEM_POSTGRES_URL": address(postgres)}
    words = {"postgres": SUPERUSERS, **{f"{service}_database": f"word of {service}" for service in SERVICES}}
    for name, word in words.items():
        (tmp_path / name).write_text(f"{word}\n")
        environment[f"HEM_{name.upper()}_PASSWORD_FILE"] = str(tmp_path / name)
    code, told = await asyncio.to_thread(hem_databases_apply, environment)
    assert code == 0, told
    assert "word of" not in told
    for service in SERVICES:
        assert await enter(postgres, service, f"word of {service}") == f"hem_{service}"


async def test_command_names_every_setting_that_is_missing_or_doubled(tmp_path: Path) -> None:
    code, told = await asyncio.to_thread(hem_databases_apply, {"HEM_SURVEYS_DATABASE_PASSWORD": "hush"})
    assert code == 1
    for name in ("HEM_POSTGRES_URL", "HEM_GATEWAY_DATABASE_PASSWORD", "HEM_REPORTING_DATABASE_PASSWORD"):
        assert name in told
    assert "SURVEYS" not in told

    file = {"HEM_GATEWAY_DATABASE_PASSWORD_FILE": str(tmp_path / "none")}
    _, told = await asyncio.to_thread(hem_databases_apply, file)
    assert "which can't be read: No such file" in told
    both = file | {"HEM_GATEWAY_DATABASE_PASSWORD": "hush"}
    code, told = await asyncio.to_thread(hem_databases_apply, both)
    assert (code, "both set" in told, "hush" in told) == (1, True, False)
