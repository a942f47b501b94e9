"""A service as a process: how it ends when it can't start, and whose word it takes on where a request came from."""

import asyncio
import json
import os
import socket
import sys
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import httpx2
import pytest

from hem.stack.folder import free_ports
from services.chassis.testkit import MASTER_KEY, Bus, NewDatabase, eventually
from services.placements.app import service

SECRET = "s3cret-" + "x" * 32
PLAIN = {"PATH": os.defpath, "PYTHONPATH": str(Path.cwd())}


@pytest.fixture
async def environment(bus: Bus, new_database: NewDatabase) -> dict[str, str]:
    """All that placements needs."""
    [port] = free_ports(1)
    return {
        "HEM_PLACEMENTS_DATABASE_URL": await new_database(service),
        "HEM_PLACEMENTS_MASTER_KEY": MASTER_KEY,
        "HEM_PLACEMENTS_PORT": str(port),
        "HEM_KAFKA_SERVERS": bus.servers,
        "HEM_TOPIC_PREFIX": bus.prefix,
        "HEM_SESSION_SECRET": SECRET,
        "HEM_OPERATOR_TOKEN": SECRET,
    }


@asynccontextmanager
async def placements(environment: Mapping[str, str], *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.placements", *arguments, env={**PLAIN, **environment},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def refused(environment: Mapping[str, str], *arguments: str) -> str:
    """The one line that a start ended with."""
    async with placements(environment, *arguments) as process, asyncio.timeout(30):
        _, said = await process.communicate()
    assert process.returncode == 2
    [line] = said.decode().splitlines()
    assert SECRET not in line
    return line


@pytest.mark.parametrize(("arguments", "what"), [((), "start"), (("migrate",), "be migrated")])
async def test_a_newer_schema_ends_it_with_2_and_one_line(
    environment: dict[str, str], arguments: tuple[str, ...], what: str
) -> None:
    dsn = environment["HEM_PLACEMENTS_DATABASE_URL"]
    connection = await asyncpg.connect(dsn)
    await connection.execute("insert into schema_migrations values ('29990101000001')")
    await connection.close()
    assert await refused(environment, *arguments) == (
        f"placements can't {what}: the database {urlsplit(dsn).path[1:]} was migrated by a newer Hem: 29990101000001; "
        "start that version, or restore the copy taken before the upgrade"
    )


async def test_a_role_that_is_not_let_in_ends_it_with_2_and_one_line(environment: dict[str, str]) -> None:
    parts = urlsplit(environment["HEM_PLACEMENTS_DATABASE_URL"])
    url = parts._replace(netloc=f"nobody@127.0.0.1:{parts.port}").geturl()
    own = {"HEM_PLACEMENTS_DATABASE_URL": url, "HEM_PLACEMENTS_DATABASE_PASSWORD": SECRET}
    line = await refused(environment | own)
    assert line.startswith(
        f"placements can't start: Postgres at 127.0.0.1:{parts.port} does not let the role nobody in"
    )


async def test_a_taken_port_ends_it_with_2_and_one_line(environment: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", int(environment["HEM_PLACEMENTS_PORT"]))):
        line = await refused(environment)
    assert line == (
        f"placements can't start: 127.0.0.1, port {environment['HEM_PLACEMENTS_PORT']} can't be listened on "
        "(Address already in use): set HEM_PLACEMENTS_HOST or HEM_PLACEMENTS_PORT to another"
    )


async def test_a_missing_secret_ends_it_with_2_and_one_line(environment: dict[str, str]) -> None:
    environment["HEM_SESSION_SECRET_FILE"] = "/run/secrets/nowhere"
    del environment["HEM_SESSION_SECRET"]
    assert await refused(environment) == (
        "placements can't start: HEM_SESSION_SECRET_FILE names /run/secrets/nowhere, which is not there. "
        "Make it by: make secrets."
    )


@pytest.mark.parametrize(("proxies", "status"), [("127.0.0.1", 401), ("10.0.0.0/8", 200), ("*", 401)])
async def test_a_proxy_is_believed_where_the_setting_says_so(
    environment: dict[str, str], proxies: str, status: int
) -> None:
    """What a stranger may not see on a one-machine Hem tells whom the request is taken to come from."""
    async with (
        placements(environment | {"HEM_TRUSTED_PROXIES": proxies, "HEM_LOOPBACK": "true"}) as process,
        httpx2.AsyncClient(
            base_url=f"http://127.0.0.1:{environment['HEM_PLACEMENTS_PORT']}", trust_env=False
        ) as client,
    ):

        async def listens() -> bool:
            assert process.returncode is None
            try:
                return (await client.get("/health/live")).status_code == 200
            except httpx2.HTTPError:
                return False

        await eventually("placements to listen", listens)
        assert (await client.get("/metrics")).status_code == 200
        answer = await client.get("/metrics", headers={"X-Forwarded-For": "192.0.2.7"})
        assert answer.status_code == status


async def test_that_kafka_is_away_is_logged_once(environment: dict[str, str]) -> None:
    calls, often = 0, asyncio.Event()

    async def refuse(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal calls
        calls += 1
        writer.close()
        if calls > 4:
            often.set()

    async with (
        await asyncio.start_server(refuse, "127.0.0.1", 0) as kafka,
        placements(environment | {"HEM_KAFKA_SERVERS": f"127.0.0.1:{kafka.sockets[0].getsockname()[1]}"}) as process,
    ):
        async with asyncio.timeout(20):
            await often.wait()
        process.terminate()
        lines = [json.loads(line) for line in (await process.communicate())[0].splitlines()]
    said = Counter(line["event"] for line in lines if line["level"] in {"warning", "error"})
    assert said["relay begins again at the first unsent row"] == 1
    assert max(said.values()) == 1
