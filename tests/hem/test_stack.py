"""The embedded parts: what goes wrong on one machine, and what people are told then."""

import asyncio
import errno
import os
import shutil
import socket
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from hem.home import Home
from hem.stack import jars
from hem.stack.child import Child
from hem.stack.errors import StackError
from hem.stack.folder import FolderLock, check_port
from hem.stack.jars import MANIFEST, Place, check, kafka_jars, read_manifest
from hem.stack.kafka import Kafka, format_folder
from hem.stack.postgres import Postgres
from hem.up import Stack


@pytest.fixture
async def kafka(stack_folder: Path, request: pytest.FixtureRequest) -> AsyncIterator[Kafka]:
    broker = Kafka(stack_folder / request.node.name)
    await broker.start()
    yield broker
    await broker.stop()


async def make_topic(servers: str, name: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, num_partitions=1, replication_factor=1)])
    finally:
        await admin.close()


async def send(servers: str, topic: str, value: bytes) -> int:
    async with AIOKafkaProducer(bootstrap_servers=servers, acks="all", request_timeout_ms=5000) as producer:
        record = await producer.send_and_wait(topic, value)
        return int(record.offset)


async def test_second_broker_on_a_folder_is_refused_and_the_first_lives(kafka: Kafka) -> None:
    await make_topic(kafka.servers, "before")

    with pytest.raises(StackError, match=r"in use by another Hem \(process \d+\)"):
        await Kafka(kafka.folder).start()

    await make_topic(kafka.servers, "after")
    assert await send(kafka.servers, "after", b"x") == 0


async def test_killed_broker_keeps_what_it_acknowledged(kafka: Kafka) -> None:
    await make_topic(kafka.servers, "kept")
    assert await send(kafka.servers, "kept", b"one") == 0

    kafka.kill()
    assert await kafka.wait() == -9
    await kafka.start()

    assert await send(kafka.servers, "kept", b"two") == 1


async def test_folder_stays_locked_while_an_orphaned_child_lives(tmp_path: Path) -> None:
    lock = FolderLock(tmp_path, "Kafka")
    child = Child("sleeper", ["sleep", "30"], inherit=[lock.fd])
    await child.start()
    lock.close()  # as if the supervisor were gone

    with pytest.raises(StackError, match="in use by another Hem"):
        FolderLock(tmp_path, "Kafka")

    child.kill()
    await child.wait()
    FolderLock(tmp_path, "Kafka").close()


@pytest.mark.parametrize("part", [Kafka, Postgres])
async def test_taken_port_is_named_with_the_way_out(tmp_path: Path, part: type[Kafka] | type[Postgres]) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(StackError, match=rf"Port {port} for \w+ is taken .* HEM_(KAFKA|POSTGRES)_PORT"):
            await part(tmp_path, port=port).start()


@pytest.mark.parametrize(
    "part", [Kafka, Postgres, lambda folder: Stack(Home(folder))], ids=["kafka", "postgres", "hem"]
)
async def test_full_disk_is_told_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: Callable[[Path], Kafka | Postgres | Stack]
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=299 * 2**20))
    started = part(tmp_path / "a" / "folder")
    with pytest.raises(StackError, match=r"disk is nearly full: 299 MB free .* HEM_HOME"):
        await started.start()
    await started.stop()
    assert os.listdir(tmp_path) == []  # noqa: PTH208 (nothing waits for it)


def test_port_that_we_have_no_right_to_is_told_apart_from_a_taken_one(monkeypatch: pytest.MonkeyPatch) -> None:
    class Barred(socket.socket):
        def bind(self, _: object) -> None:
            raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(socket, "socket", Barred)
    with pytest.raises(StackError, match=r"^Port 80 for the door needs rights .*Set HEM_PORT to a free port\.$"):
        check_port(80, "the door", "HEM_PORT")


async def test_lock_of_a_hem_that_is_gone_is_told_as_stopping(tmp_path: Path) -> None:
    gone = await asyncio.create_subprocess_exec("true")
    await gone.wait()
    with FolderLock(tmp_path, "Kafka"):
        (tmp_path / "hem.lock").write_text(str(gone.pid))
        with pytest.raises(StackError, match=rf"process {gone.pid}\) is still stopping; try again in a few seconds"):
            FolderLock(tmp_path, "Kafka")


def test_what_others_keep_in_the_cache_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = [tmp_path / "maven" / "theirs.jar", tmp_path / "jgo" / "envs" / "theirs"]
    for file in theirs:
        file.parent.mkdir(parents=True)
        file.touch()
    good = kafka_jars()
    monkeypatch.setenv("HEM_CACHE", str(tmp_path))
    monkeypatch.setattr(jars, "_build", lambda *_: good)
    assert kafka_jars() == good
    assert all(file.exists() for file in theirs)
    assert (tmp_path / "hem" / "jgo" / "hem.whole").exists()


def test_half_written_kafka_folder_is_refused_but_an_unfinished_format_is_redone(tmp_path: Path) -> None:
    unfinished = tmp_path / "unfinished"
    (unfinished / "log").mkdir(parents=True)
    format_folder(unfinished)
    first = (unfinished / "log" / "meta.properties").read_text()
    format_folder(unfinished)
    assert (unfinished / "log" / "meta.properties").read_text() == first

    damaged = tmp_path / "damaged"
    (damaged / "log" / "tenancy.events-0").mkdir(parents=True)
    with pytest.raises(StackError, match="half-written"):
        format_folder(damaged)


async def test_half_written_postgres_folder_and_another_version_are_refused(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    with pytest.raises(StackError, match="half-written or damaged"):
        await Postgres(tmp_path).start()

    (data / "PG_VERSION").write_text("13\n")
    (data / "global").mkdir()
    (data / "global" / "pg_control").touch()
    with pytest.raises(StackError, match="made by version 13"):
        await Postgres(tmp_path).start()


async def test_killed_postgres_keeps_what_it_committed_and_takes_no_other_password(stack_folder: Path) -> None:
    server = Postgres(stack_folder / "killed-postgres", password="right")
    await server.start()
    try:

        async def run(sql: str) -> object:
            connection = await asyncpg.connect(server.dsn, ssl=False)
            try:
                return await connection.fetchval(sql)
            finally:
                await connection.close()

        await run("CREATE TABLE kept AS SELECT 42 AS answer")
        server.kill()
        assert await server.wait() == -9
        await server.start()
        assert await run("SELECT answer FROM kept") == 42
    finally:
        await server.stop()

    with pytest.raises(StackError, match="don't belong together"):
        await Postgres(server.folder, password="wrong").start()


def test_jars_that_are_not_ours_are_refused(tmp_path: Path) -> None:
    expected = read_manifest(MANIFEST.read_text())
    jars = {path.name: path for path in kafka_jars()}
    assert len(jars) == 46
    check(jars, expected)

    changed = tmp_path / "slf4j-simple-1.7.36.jar"
    changed.write_bytes(jars[changed.name].read_bytes() + b"x")
    with pytest.raises(StackError, match=r"not the ones .*: slf4j-simple-1\.7\.36\.jar"):
        check(jars | {changed.name: changed}, expected)
    with pytest.raises(StackError, match=r"extra\.jar"):
        check(jars | {"extra.jar": changed}, expected)


async def test_child_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(
        "import asyncio\n"
        "from hem.stack.child import Child\n"
        "async def main():\n"
        "    child = Child('sleeper', ['sleep', '60'])\n"
        "    await child.start()\n"
        "    print(child.pid, flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    parent = await asyncio.create_subprocess_exec(sys.executable, str(script), stdout=asyncio.subprocess.PIPE)
    assert parent.stdout is not None
    child = int(await parent.stdout.readline())
    parent.kill()
    await parent.wait()
    async with asyncio.timeout(5):
        while _alive(child):  # noqa: ASYNC110 (another process's end has no event to wait on)
            await asyncio.sleep(0.02)


def _alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0]
    except FileNotFoundError:
        return False


def test_download_that_was_cut_short_is_mended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    good = {path.name: path for path in kafka_jars()}
    cut = tmp_path / "slf4j-simple-1.7.36.jar"
    cut.write_bytes(good[cut.name].read_bytes()[:100])
    given = {theirs: [*(good | {cut.name: cut}).values()], ours: [*good.values()]}
    monkeypatch.setattr(
        jars, "places", lambda *_: [Place(theirs, tmp_path, own=False), Place(ours, tmp_path / "maven", own=True)]
    )
    monkeypatch.setattr(jars, "_build", lambda place, _: given[place.cache])
    (ours / "envs" / "unfinished").mkdir(parents=True)

    assert set(kafka_jars()) == set(good.values())
    assert not (ours / "envs").exists()
    assert (ours / "hem.whole").exists()

    given[ours] = given[theirs]
    with pytest.raises(StackError, match=r"not the ones .*: slf4j-simple-1\.7\.36\.jar"):
        kafka_jars()
