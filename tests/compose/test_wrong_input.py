"""What an operator is told when something is wrong: the words of docs/operate/compose.md, and whether it waits or stops."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from services.chassis.testkit import eventually
from tests.architecture.repository import ROOT
from tests.compose.driver import Compose
from tests.compose.load import households
from tests.flows.door import settled

pytestmark = pytest.mark.timeout(400)

PAGE = (ROOT / "docs/operate/compose.md").read_text()
SPARE = "postgres://hem_reporting@postgres:5432/{}?sslmode=disable"
READ_ONLY = """
services:
  postgres: {volumes: ["postgres:/var/lib/postgresql/data:ro"]}
  kafka: {volumes: ["kafka:/var/lib/kafka/data:ro"]}
"""


def told(said: str, *words: str) -> None:
    """Asserts that what was said has the words, and that the operator's page names each of them."""
    for word in words:
        assert word in said
        assert word in PAGE, f"the page doesn't say what to do about: {word}"


async def once(hem: Compose, service: str, *, code: int, **env: str) -> str:
    """Runs one more container of a service until it ends."""
    given = [part for name, value in env.items() for part in ("-e", f"{name}={value}")]
    return await hem.compose("run", "--rm", "--no-deps", "-T", *given, service, code=code)


@asynccontextmanager
async def waiting(hem: Compose, service: str, **env: str) -> AsyncIterator[str]:
    """Runs one more container of a service. Gives its name."""
    given = [part for name, value in env.items() for part in ("-e", f"{name}={value}")]
    name = f"{hem.name}-waiting"
    await hem.compose("run", "-d", "--no-deps", "--name", name, *given, service)
    try:
        yield name
    finally:
        await hem.run("docker", "rm", "-f", name)


async def waits_for(hem: Compose, name: str, *words: str) -> None:
    """The container says so in its log and when it is asked whether it is ready, and stays."""

    async def says() -> bool:
        health = await hem.run("docker", "exec", name, "python", "-IS", "/app/health.py", code=None)
        log = await hem.run("docker", "logs", name)
        return all(word in health and word in log for word in words)

    await eventually(f"{words}", says)
    told("\n".join(words), *words)
    assert (await hem.run("docker", "inspect", "-f", "{{.State.Running}}", name)).strip() == "true"


async def test_a_missing_secret_stops_the_start_and_is_named(other: Compose) -> None:
    (other.secrets / "gateway-database").unlink()
    said = await other.compose("up", "-d", "--no-deps", "gateway", code=1)
    told(said, "bind source path does not exist")
    assert "gateway-database" in said
    (other.secrets / "gateway-database").touch()
    told(await once(other, "databases", code=1), "Not set: HEM_")
    told(
        await once(other, "gateway-migrate", code=2, HEM_OPERATOR_TOKEN_FILE="/run/secrets/none"), "which is not there"
    )


async def test_a_wrong_setting_stops_its_service_with_one_line(other: Compose) -> None:
    said = await once(other, "notifications", code=2, HEM_NOTIFICATIONS_MODE="perhaps")
    lines = [line for line in said.splitlines() if "HEM_NOTIFICATIONS_MODE" in line]
    assert len(lines) == 1
    told(said, "can't start: ", " is wrong")


async def test_a_wrong_database_password_stops_job_and_service(hem: Compose) -> None:
    wrong = {"HEM_PLACEMENTS_DATABASE_PASSWORD_FILE": "/run/secrets/operator-token"}
    for service in ("placements-migrate", "placements"):
        said = await once(hem, service, code=2, **wrong)
        told(said, "refuses the password of the role")
        assert "HEM_PLACEMENTS_DATABASE_PASSWORD" in said.splitlines()[-1]
    said = await once(hem, "databases", code=1, HEM_POSTGRES_PASSWORD_FILE="/run/secrets/gateway-database")
    told(said, "A server keeps the superuser's password that its data were made with")


async def test_an_older_schema_is_waited_for_and_a_newer_one_stops(hem: Compose) -> None:
    async def sql(database: str, statement: str) -> None:
        await hem.inside("postgres", "psql", "-U", "postgres", "-d", database, "-qc", statement)

    await sql("postgres", "create database hem_spare owner hem_reporting")
    try:
        spare = {"HEM_REPORTING_DATABASE_URL": SPARE.format("hem_spare")}
        async with waiting(hem, "reporting", **spare, HEM_TOPIC_PREFIX="absent.") as name:
            await waits_for(hem, name, "run the migration job")
            await once(hem, "reporting-migrate", code=0, **spare)

            async def goes_on() -> bool:
                health = await hem.run("docker", "exec", name, "python", "-IS", "/app/health.py", code=None)
                return "migration job" not in health

            await eventually("the service to go on after the migration", goes_on)
        await sql("hem_spare", "insert into schema_migrations values ('29991231000001')")
        for service in ("reporting", "reporting-migrate"):
            told(await once(hem, service, code=2, **spare), "was migrated by a newer Hem")
    finally:
        await sql("postgres", "drop database hem_spare with (force)")


async def test_a_database_or_topics_that_are_not_there_are_waited_for(hem: Compose) -> None:
    async with waiting(hem, "reporting", HEM_REPORTING_DATABASE_URL=SPARE.format("hem_none")) as name:
        await waits_for(hem, name, "make it with `hem databases apply`")
    async with waiting(hem, "reporting", HEM_TOPIC_PREFIX="absent.") as name:
        await waits_for(hem, name, "make the topics with `hem topics apply`")


async def test_everything_waits_for_kafka_and_loses_nothing(sending: Compose) -> None:
    hem = sending
    await hem.compose("stop", "kafka")
    try:

        async def said() -> bool:
            health = await hem.inside("reporting", "python", "-IS", "/app/health.py", code=None)
            return "Kafka at kafka:9092 does not answer" in health and (await hem.ready())["code"] == 503

        await eventually("Hem to say that it isn't ready, and why", said, within=60)
        assert "Kafka at kafka:9092 does not answer" in PAGE
        # What is published meanwhile is accepted: it waits in the outbox.
        await hem.publish(households(10, "o"))
        job = asyncio.create_task(once(hem, "topics", code=0))
    finally:
        await hem.compose("start", "kafka")
    assert "All topics are as declared." in await job

    async def well() -> bool:
        return (await hem.ready())["code"] == 200

    await eventually("everything to be ready again", well, within=60)
    await settled(hem, hem.made)


async def test_a_port_that_is_taken_is_named(other: Compose) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = await other.compose("up", "-d", "--no-deps", "nginx", code=1, HEM_PORT=str(port))
    told(said, "address already in use")
    assert f"127.0.0.1:{port}" in said


async def test_a_volume_that_can_not_be_written_to_is_named(other: Compose, tmp_path: Path) -> None:
    (tmp_path / "read-only.yml").write_text(READ_ONLY)
    files = ("-f", "docker-compose.yml", "-f", str(tmp_path / "read-only.yml"))
    await other.compose(*files, "up", "-d", "--no-deps", "postgres", "kafka")
    for service in ("postgres", "kafka"):

        async def says(service: str = service) -> bool:
            return "Read-only file system" in await other.compose(*files, "logs", "--no-color", service)

        await eventually(f"{service} to say what is wrong", says)


async def test_a_command_that_can_not_keep_its_keys_says_where(hem: Compose) -> None:
    told(await once(hem, "startup", code=1, HEM_HOME="/app/home"), "Read-only file system")
