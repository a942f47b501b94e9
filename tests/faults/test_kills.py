"""Killing any process at any moment loses nothing and doubles nothing."""

import asyncio
import os
import signal
from collections.abc import Sequence
from pathlib import Path

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer

from hem.stack.kafka import Kafka
from hem.stack.postgres import Postgres
from services.chassis.testkit import eventually, with_database
from services.notifications.app import service as notifications
from services.reporting import projector
from tests.flows.landlord import Landlord, batches
from tests.flows.stack import HemUp, hem_up, settled

pytestmark = [pytest.mark.faults, pytest.mark.timeout(400)]

VICTIMS = {
    "gateway": "services.gateway",
    "notifications": "services.notifications",
    "reporting": "services.reporting",
    "front": "hem.front",
    "catcher": "hem.catcher",
    "kafka": "kafka.Kafka",
    "postgres": "postgres -D",
}


def child_of(pid: int, words: str) -> int | None:
    """The pid of the process below `pid` whose command line holds `words`."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except (OSError, ValueError, IndexError):
                continue
            if parent == pid and words in command:
                return int(entry.name)
    return None


def alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


async def one_mail_each(hem: HemUp) -> int:
    """Asserts one Message-ID for each household; returns how many mails there are."""
    mails = await hem.mails()
    recipients = [mail["recipient"] for mail in mails]
    assert len(recipients) == len(set(recipients)), "a household got a second mail"
    return len(mails)


async def test_kill_9_of_each_process_in_turn_under_load(tmp_path: Path) -> None:
    landlord = Landlord(seed=9)
    async with hem_up(tmp_path / "home") as hem:
        assert hem.process is not None
        await hem.sign_in()
        feeding = asyncio.create_task(feed(hem, landlord, 600))
        for victim, words in VICTIMS.items():
            pid = await eventually(f"{victim} to run", lambda words=words: pid_of(hem, words), within=60)
            os.kill(pid, signal.SIGKILL)

            async def back(pid: int = pid, words: str = words) -> bool:
                again = await pid_of(hem, words)
                return again not in (None, pid) and (await ready(hem))

            await eventually(f"{victim} to be back", back, within=90)
        await feeding
        await settled(hem, landlord)
        await one_mail_each(hem)


async def test_kill_9_of_hem_itself_leaves_no_process_and_the_next_start_goes_on(tmp_path: Path) -> None:
    landlord = Landlord(seed=10)
    async with hem_up(tmp_path / "home") as hem:
        assert hem.process is not None
        events = landlord.year(120)
        for batch in batches(events[: len(events) // 2], 40):
            await hem.publish(batch)
        pids = [p for words in VICTIMS.values() if (p := child_of(hem.process.pid, words))]
        assert len(pids) == len(VICTIMS)
        await hem.stop(signal.SIGKILL)

        async def gone() -> bool:
            return not any(alive(pid) for pid in pids)

        await eventually("every process to be gone", gone)
        await hem.start()
        for batch in batches(events[len(events) // 2 :], 40):
            await hem.publish(batch)
        await settled(hem, landlord)


async def test_every_group_reset_and_every_inbox_emptied_repeats_no_effect(tmp_path: Path) -> None:
    landlord = Landlord(seed=11)
    async with hem_up(tmp_path / "home") as hem:
        await hem.sign_in()
        for batch in batches(landlord.year(150), 50):
            await hem.publish(batch)
        await settled(hem, landlord)
        before = sorted(await hem.offers()), await hem.figure(), await one_mail_each(hem)
        await hem.stop()
        await forget_what_was_read(hem)
        await hem.start()
        # A move-in that comes after everything that is read again: when it has been offered, all before it was handled.
        await hem.publish([e for n in range(1000, 1020) for e in landlord.household(n)])
        await settled(hem, landlord)
        offers = [o for o in await hem.offers() if int(o.rsplit("t", 1)[1]) < 1000]
        assert sorted(offers) == before[0]
        assert await one_mail_each(hem) == before[2] + 20


async def feed(hem: HemUp, landlord: Landlord, households: int) -> None:
    for batch in batches(landlord.year(households), 10):
        await hem.publish(batch)


async def pid_of(hem: HemUp, words: str) -> int | None:
    assert hem.process is not None
    return child_of(hem.process.pid, words)


async def ready(hem: HemUp) -> bool:
    try:
        return (await hem.client.get("/health/ready")).status_code == 200
    except Exception:
        return False


async def forget_what_was_read(hem: HemUp) -> None:
    """Moves the consumer groups back to the start and empties the inboxes, with only Kafka and Postgres running."""
    kafka = Kafka(hem.home.folder("kafka"))
    postgres = Postgres(hem.home.folder("postgres"), password=hem.home.secret("postgres-superuser"))
    await kafka.start()
    await postgres.start()
    try:
        await back_to_the_start(kafka.servers, notifications.hears, group="notifications")
        await back_to_the_start(kafka.servers, projector.topics(), group="reporting")
        for service in ("notifications", "reporting"):
            connection = await asyncpg.connect(with_database(postgres.dsn, f"hem_{service}"))
            await connection.execute("delete from inbox")
            await connection.close()
    finally:
        await kafka.stop()
        await postgres.stop()


async def back_to_the_start(servers: str, topics: Sequence[str], *, group: str) -> None:
    consumer = AIOKafkaConsumer(*topics, bootstrap_servers=servers, group_id=group, enable_auto_commit=False)
    await consumer.start()
    try:

        async def assigned() -> bool:
            await consumer.getmany(timeout_ms=10)
            return bool(consumer.assignment())

        await eventually(f"the partitions of {group}", assigned)
        assert any([await consumer.committed(partition) for partition in consumer.assignment()])
        await consumer.commit(dict.fromkeys(consumer.assignment(), 0))
    finally:
        await consumer.stop()
