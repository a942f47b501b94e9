"""Killing any process at any moment loses nothing and doubles nothing."""

import asyncio
import contextlib
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
from tests.flows.door import settled
from tests.flows.landlord import Landlord, batches
from tests.flows.stack import HemUp, hem_up

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


class Load:
    """Publishes a few households at a time until it is told that it is `enough`; `MOST` batches would last for minutes."""

    MOST = 1500

    def __init__(self, hem: HemUp, landlord: Landlord) -> None:
        self.enough = asyncio.Event()
        self._hem = hem
        self._landlord = landlord
        self._accepted = 0

    async def feed(self) -> None:
        while not self.enough.is_set() and self._accepted < self.MOST:
            await self._hem.publish(self._landlord.year(3, first=3 * self._accepted))
            self._accepted += 1
            with contextlib.suppress(TimeoutError):  # the pace: all of it has to be handled in the end
                await asyncio.wait_for(self.enough.wait(), 0.15)

    async def flows(self, feeding: asyncio.Task[None]) -> None:
        """Waits until two more batches are accepted: whatever is killed now is killed under load."""
        wanted = self._accepted + 2

        async def more() -> bool:
            assert not feeding.done(), "the load ended before the last kill"
            return self._accepted >= wanted

        await eventually("the load to go on", more, within=60)


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
        await hem.sign_in()
        load = Load(hem, landlord)
        feeding = asyncio.create_task(load.feed())
        for victim, words in VICTIMS.items():
            await load.flows(feeding)
            pid = await pid_of(hem, words)
            assert pid is not None, victim
            os.kill(pid, signal.SIGKILL)

            async def back(pid: int = pid, words: str = words) -> bool:
                again = await pid_of(hem, words)
                return again not in (None, pid) and (await ready(hem))

            await eventually(f"{victim} to be back", back, within=60)
            await load.flows(feeding)
        load.enough.set()
        await feeding
        await settled(hem, landlord.made)
        assert await one_mail_each(hem) > len(VICTIMS) * 2


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
        await settled(hem, landlord.made)


async def test_every_group_reset_and_every_inbox_emptied_repeats_no_effect(tmp_path: Path) -> None:
    landlord = Landlord(seed=11)
    async with hem_up(tmp_path / "home") as hem:
        await hem.sign_in()
        for batch in batches(landlord.year(150), 50):
            await hem.publish(batch)
        await settled(hem, landlord.made)
        before = sorted(await hem.offers()), await hem.figure(), await one_mail_each(hem)
        await hem.stop()
        await forget_what_was_read(hem)
        await hem.start()
        # A move-in that comes after everything that is read again: when it has been offered, all before it was handled.
        await hem.publish([e for n in range(1000, 1020) for e in landlord.household(n)])
        await settled(hem, landlord.made)
        offers = [o for o in await hem.offers() if int(o.rsplit("t", 1)[1]) < 1000]
        assert sorted(offers) == before[0]
        assert await one_mail_each(hem) == before[2] + 20


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
