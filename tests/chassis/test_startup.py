"""A start waits for what may come and says what for; for what can't, it gives up and says what and how to mend it."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import httpx2
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import ClusterAuthorizationFailedError, KafkaConnectionError
from fastapi import FastAPI
from structlog.testing import capture_logs

from hem.stack.folder import free_ports
from services.chassis import kafka, schema
from services.chassis.errors import Never, NotYet
from services.chassis.migrate import MigrationError, migrate
from services.chassis.settings import ServiceSettings
from services.chassis.testkit import OPERATOR, Bus, NewDatabase, eventually, settings_for, with_database
from tests.chassis.echo import Echo, MoveIn
from tests.chassis.proxy import Proxy

NEWER = "29990101000001"


class Trial:
    """A service that is started, whether or not it can; `given_up` is why it didn't go on trying."""

    def __init__(self, app: FastAPI, client: httpx2.AsyncClient, given_up: list[Never]) -> None:
        self.app = app
        self.client = client
        self.given_up = given_up

    async def parts(self) -> dict[str, str]:
        found: dict[str, str] = (await self.client.get("/health/ready")).json()["parts"]
        return found

    async def says(self, part: str, what: str) -> None:
        async def probe() -> bool:
            return what in (await self.parts()).get(part, "")

        await eventually(f"{part} to say “{what}”", probe)

    async def is_ready(self) -> bool:
        return (await self.client.get("/health/ready")).status_code == 200

    async def becomes_ready(self) -> None:
        await eventually("ready", self.is_ready)
        assert (await self.parts())["schema"] == "ok"


@asynccontextmanager
async def started(echo: Echo, settings: ServiceSettings) -> AsyncIterator[Trial]:
    given_up: list[Never] = []
    app = echo.service.app(settings, give_up=given_up.append)
    transport = httpx2.ASGITransport(app=app, client=("127.0.0.1", 50000), raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000", timeout=30) as client,
    ):
        yield Trial(app, client, given_up)


def through(dsn: str, port: int) -> str:
    parts = urlsplit(dsn)
    return urlunsplit(parts._replace(netloc=f"{parts.username}@127.0.0.1:{port}"))


async def execute(dsn: str, *statements: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def test_while_postgres_is_away_it_says_so_and_answers(
    bus: Bus, echo: Echo, new_database: NewDatabase, move_in: MoveIn
) -> None:
    [port] = free_ports(1)
    dsn = await new_database(echo.service)
    await bus.publish(move_in())
    async with started(echo, settings_for(echo.service, bus, database_url=through(dsn, port))) as trial:
        waiting = f"Postgres at 127.0.0.1:{port} does not answer"
        assert (await trial.client.get("/health/live")).status_code == 200
        assert not await trial.is_ready()
        parts = await trial.parts()
        assert parts["schema"] == f"waiting: {waiting}"
        assert parts["postgres"] == waiting
        assert parts["relay"] == parts["reception"] == "starting"
        assert (await trial.client.get("/ops/notifications/parked", headers=OPERATOR)).status_code == 503
        async with Proxy(port, urlsplit(dsn).port or 5432).open():
            await trial.becomes_ready()
            await eventually("the event to be handled", lambda: _seen(echo))
        assert not trial.given_up


async def _seen(echo: Echo) -> bool:
    return bool(echo.seen)


async def test_a_database_that_is_not_there_yet_is_waited_for(
    bus: Bus, echo: Echo, new_database: NewDatabase, postgres_dsn: str
) -> None:
    template = urlsplit(await new_database(echo.service)).path.strip("/")
    dsn = with_database(postgres_dsn, f"{template}_late")
    async with started(echo, settings_for(echo.service, bus, database_url=dsn)) as trial:
        await trial.says("schema", f"waiting: the database {template}_late is not there")
        await execute(postgres_dsn, f'create database "{template}_late" template "{template}"')
        await trial.becomes_ready()


@pytest.fixture
def older(echo: Echo, tmp_path: Path) -> Path:
    """A service's folder with all migrations but the newest, those of the chassis too."""
    files = [*schema.OF_ALL.glob("*.sql"), *(echo.service.folder / "migrations").glob("*.sql")]
    folder = tmp_path / "notifications" / "migrations"
    folder.mkdir(parents=True)
    for file in sorted(files, key=lambda file: file.name)[:-1]:
        shutil.copy(file, folder)
    return folder.parent


async def test_an_older_schema_is_waited_for_and_nothing_works_before(
    bus: Bus, echo: Echo, new_database: NewDatabase, older: Path, move_in: MoveIn
) -> None:
    another = await new_database(echo.service)
    name = f"{urlsplit(another).path.strip('/')}_older"
    dsn = with_database(another, name)
    await execute(another, f'create database "{name}"')
    count = len([*(older / "migrations").iterdir()]) + 1
    async with started(echo, settings_for(echo.service, bus, database_url=dsn)) as trial:
        job = "run the migration job: python -m services.notifications migrate"
        await trial.says("schema", f"waiting: the database {name} lacks {count} migrations, {job}")
        with pytest.MonkeyPatch.context() as before:
            before.setattr("services.chassis.migrate.OF_ALL", older / "none")
            await asyncio.to_thread(migrate, dsn, older)
        await bus.publish(move_in())
        await trial.says("schema", f"waiting: the database {name} lacks 1 migration, {job}")
        refused = await trial.client.get("/ops/notifications/parked", headers=OPERATOR)
        assert refused.status_code == 503
        assert (await trial.parts())["relay"] == "starting"
        assert not echo.seen
        await asyncio.to_thread(migrate, dsn, echo.service.folder)
        await trial.becomes_ready()
        await eventually("the event to be handled", lambda: _seen(echo))


async def test_a_newer_schema_stops_a_start_and_no_running_service(
    bus: Bus, echo: Echo, new_database: NewDatabase
) -> None:
    dsn = await new_database(echo.service)
    settings = settings_for(echo.service, bus, database_url=dsn)
    async with started(echo, settings) as running:
        await running.becomes_ready()
        await execute(dsn, f"insert into schema_migrations values ('{NEWER}')")
        async with started(echo, settings) as trial:
            name = urlsplit(dsn).path.strip("/")
            assert [str(why) for why in trial.given_up] == [
                f"the database {name} was migrated by a newer Hem: {NEWER}; "
                "start that version, or restore the copy taken before the upgrade"
            ]
            assert (await trial.parts())["schema"] == str(trial.given_up[0])
            assert (await trial.parts())["relay"] == "starting"
        assert await running.is_ready()
        assert not running.given_up


async def test_another_services_database_is_not_taken_for_a_newer_one(
    bus: Bus, echo: Echo, new_database: NewDatabase
) -> None:
    dsn = await new_database(echo.service)
    await execute(dsn, "delete from schema_migrations where version = (select max(version) from schema_migrations)")
    await execute(dsn, f"insert into schema_migrations values ('{NEWER}')")
    async with started(echo, settings_for(echo.service, bus, database_url=dsn)) as trial:
        [why] = map(str, trial.given_up)
    assert "is another service's or another version's" in why


def _ask_for_password(rules: Path, role: str) -> None:
    rules.write_text(f"host all {role} all scram-sha-256\n{rules.read_text()}")


@pytest.fixture
async def guarded(echo: Echo, new_database: NewDatabase, postgres_dsn: str) -> str:
    """The DSN, with the right password, of a role that has to say one."""
    dsn = await new_database(echo.service)
    role = urlsplit(dsn).path.strip("/").replace("test", "role")
    await execute(dsn, f"create role {role} login superuser password 'right'")
    admin = await asyncpg.connect(postgres_dsn)
    _ask_for_password(Path(await admin.fetchval("show hba_file")), role)
    await admin.execute("select pg_reload_conf()")
    await admin.close()
    parts = urlsplit(dsn)
    host = f"{parts.hostname}:{parts.port}"

    async def asked() -> bool:
        try:
            await execute(urlunsplit(parts._replace(netloc=f"{role}:wrong@{host}")))
        except asyncpg.InvalidPasswordError:
            return True
        return False

    await eventually("the password to be asked for", asked)
    return urlunsplit(parts._replace(netloc=f"{role}:right@{host}"))


@pytest.mark.parametrize("wrong", ["hush-hush", None])
async def test_a_wrong_password_stops_the_start_also_when_postgres_comes_late(
    bus: Bus, echo: Echo, guarded: str, wrong: str | None
) -> None:
    [port] = free_ports(1)
    role = urlsplit(guarded).username
    apart: dict[str, Any] = {"database_url": through(guarded, port), "database_password": wrong}
    async with started(echo, settings_for(echo.service, bus, **apart)) as trial:
        await trial.says("schema", "does not answer")
        assert not trial.given_up
        async with Proxy(port, urlsplit(guarded).port or 5432).open():

            async def given_up() -> bool:
                return bool(trial.given_up)

            await eventually("the start to be given up", given_up)
        said = str(trial.given_up[0])
        assert said == (
            f"Postgres at 127.0.0.1:{port} refuses the password of the role {role}: "
            "look at HEM_NOTIFICATIONS_DATABASE_PASSWORD and HEM_NOTIFICATIONS_DATABASE_URL"
        )


async def test_a_right_password_apart_from_the_address_lets_everything_start(
    bus: Bus, echo: Echo, guarded: str
) -> None:
    url = through(guarded, urlsplit(guarded).port or 5432)
    settings = settings_for(echo.service, bus, database_url=url, database_password="right")
    async with started(echo, settings) as trial:
        await trial.becomes_ready()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        ("alter role {role} nologin", "does not let the role {role} in"),
        ("revoke connect on database {name} from public; alter role {role} nosuperuser", "may not use the database"),
        ("alter role {role} nosuperuser", "may not use the database"),
    ],
)
async def test_a_role_that_is_not_allowed_stops_the_start(
    bus: Bus, echo: Echo, guarded: str, spoil: str, said: str
) -> None:
    role, name = urlsplit(guarded).username, urlsplit(guarded).path.strip("/")
    await execute(guarded, *spoil.format(role=role, name=name).split(";"))
    async with started(echo, settings_for(echo.service, bus, database_url=guarded)) as trial:
        [why] = map(str, trial.given_up)
    assert said.format(role=role) in why
    assert "right" not in why.replace("gives it the right", "")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("sslmode=verify-full&sslrootcert=/none", "a file that HEM_NOTIFICATIONS_DATABASE_URL names (sslrootcert"),
        ("sslmode=require", "has no TLS, which sslmode in HEM_NOTIFICATIONS_DATABASE_URL asks for"),
        (f"sslmode=verify-full&sslrootcert={__file__}", "can't be used (SSLError)"),
    ],
)
async def test_options_of_the_address_that_no_waiting_mends_stop_the_start(
    bus: Bus, echo: Echo, new_database: NewDatabase, options: str, said: str
) -> None:
    url = f"{await new_database(echo.service)}?{options}"
    async with started(echo, settings_for(echo.service, bus, database_url=url)) as trial:
        [why] = map(str, trial.given_up)
    assert said in why


async def test_a_defect_before_the_first_look_stops_the_start(
    bus: Bus, echo: Echo, new_database: NewDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def look(*_: Any) -> None:
        raise LookupError

    monkeypatch.setattr(schema, "look", look)
    async with started(echo, settings_for(echo.service, bus, database_url=await new_database(echo.service))) as trial:
        assert [str(why) for why in trial.given_up] == ["a defect (LookupError); the log has where"]
        assert not await trial.is_ready()
        assert (await trial.parts())["schema"] == str(trial.given_up[0])


async def test_what_is_waited_for_is_logged_once(bus: Bus, echo: Echo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "LONGEST_PAUSE", 0.05)
    calls = 0

    async def refuse(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal calls
        calls += 1
        writer.close()

    async def often() -> bool:
        return calls > 10

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with capture_logs() as logs:
        async with (
            server,
            started(echo, settings_for(echo.service, bus, database_url=f"postgres://a@127.0.0.1:{port}/b")),
        ):
            await eventually("many looks", often)
    assert [line["event"] for line in logs if "why" in line] == ["the start waits"]


async def test_while_kafka_is_away_relay_and_reception_say_so(bus: Bus, echo: Echo, new_database: NewDatabase) -> None:
    [port] = free_ports(1)
    nowhere = Bus(f"127.0.0.1:{port}", bus.prefix, bus.producer)
    settings = settings_for(echo.service, nowhere, database_url=await new_database(echo.service))
    async with started(echo, settings) as trial:
        away = f"Kafka at 127.0.0.1:{port} does not answer"
        await trial.says("reception", f"waiting: {away}")
        await trial.says("relay", f"sending has stopped and is tried again: {away}")
        assert (await trial.parts())["schema"] == "ok"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ClusterAuthorizationFailedError(), "refuses us (ClusterAuthorizationFailedError)"),
        (KafkaConnectionError(), "does not answer"),
        (TimeoutError(), "does not answer"),
    ],
)
async def test_a_kafka_that_answers_with_a_refusal_is_not_said_to_be_away(
    monkeypatch: pytest.MonkeyPatch, error: Exception, said: str
) -> None:
    async def refuse(_admin: AIOKafkaAdminClient) -> None:
        raise error

    monkeypatch.setattr(AIOKafkaAdminClient, "start", refuse)
    context: Any = SimpleNamespace(settings=SimpleNamespace(kafka_servers="kafka:9092"))
    with pytest.raises(NotYet) as caught:
        await kafka.cluster_id(context, [])
    assert str(caught.value) == f"Kafka at kafka:9092 {said}"


async def test_migrating_waits_for_postgres_and_then_says_so(echo: Echo) -> None:
    [port] = free_ports(1)
    with pytest.raises(MigrationError, match=rf"^Postgres at 127.0.0.1:{port} does not answer \(waited 0 s\)$"):
        await asyncio.to_thread(migrate, f"postgres://a:hush@127.0.0.1:{port}/b", echo.service.folder, within=0.1)


async def test_migrating_begins_when_postgres_has_come(echo: Echo, new_database: NewDatabase) -> None:
    [port] = free_ports(1)
    dsn = await new_database(echo.service)
    waiting = asyncio.create_task(asyncio.to_thread(migrate, through(dsn, port), echo.service.folder, within=20))
    done, _ = await asyncio.wait([waiting], timeout=0.5)
    assert not done
    async with Proxy(port, urlsplit(dsn).port or 5432).open():
        await waiting


async def test_migrating_refuses_a_newer_schema_and_a_wrong_password_at_once(echo: Echo, guarded: str) -> None:
    with pytest.raises(MigrationError, match="refuses the password") as refused:
        await asyncio.to_thread(migrate, guarded.replace(":right@", ":hush@"), echo.service.folder)
    assert "hush" not in str(refused.value)
    await execute(guarded, f"insert into schema_migrations values ('{NEWER}')")
    with pytest.raises(MigrationError, match=f"newer Hem: {NEWER};"):
        await asyncio.to_thread(migrate, guarded, echo.service.folder)


@pytest.mark.parametrize("apart", [False, True])
async def test_what_dbmate_says_is_passed_on_without_the_password(
    echo: Echo, guarded: str, tmp_path: Path, *, apart: bool
) -> None:
    await execute(guarded, "alter role current_user password 'p/w@d'")
    dsn = guarded.replace(":right@", ":p%2Fw%40d@")
    if apart:
        dsn = guarded.replace(":right@", "@") + "?password=p%2Fw%40d"
    folder = tmp_path / "notifications"
    shutil.copytree(echo.service.folder / "migrations", folder / "migrations")
    quoted = "do $$ begin raise exception 'a p/w@d p%%2Fw%%40d z'; end $$"
    (folder / "migrations" / f"{NEWER}_broken.sql").write_text(f"-- migrate:up\n{quoted};\n-- migrate:down\n")
    with pytest.raises(MigrationError, match="a … … z"):
        await asyncio.to_thread(migrate, dsn, folder)
