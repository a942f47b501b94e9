"""Topics come from the catalogue and nowhere else, and a difference is said."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import UnknownTopicOrPartitionError
from typer.testing import CliRunner

from hem.cli import app
from hem.stack.errors import StackError
from hem.topics import Outcome, is_empty, plan, provision
from schemas.topics import TOPICS
from services.chassis.testkit import eventually


@asynccontextmanager
async def admin(servers: str) -> AsyncIterator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(bootstrap_servers=servers)
    await client.start()
    try:
        yield client
    finally:
        await client.close()


async def test_topics_are_made_once_and_differences_are_said(kafka_servers: str) -> None:
    prefix = "provisioned."
    assert (await provision(kafka_servers, prefix=prefix)).made == [f"{prefix}{name}" for name in TOPICS]
    assert await provision(kafka_servers, prefix=prefix) == Outcome([], [], [])

    declared = dict(TOPICS)
    declared["tenancy.events"] = replace(TOPICS["tenancy.events"], partitions=7, max_message_bytes=2**21)
    left = (await provision(kafka_servers, prefix=prefix, topics=declared)).left
    assert [str(difference) for difference in left] == [
        "Topic provisioned.tenancy.events has 4 partitions; 7 are declared. That is never changed: keys would move.",
        "Topic provisioned.tenancy.events has max.message.bytes=1048576; 2097152 is declared.",
    ]


async def test_change_sets_what_is_declared_and_nothing_else(kafka_servers: str) -> None:
    prefix = "changed."
    await provision(kafka_servers, prefix=prefix)
    name = f"{prefix}tenancy.contacts"
    operators = {"min.compaction.lag.ms": "1000", "segment.ms": "86400000"}
    declared = dict(TOPICS)
    declared["tenancy.contacts"] = replace(TOPICS["tenancy.contacts"], partitions=7, tombstones_ms=1000)
    async with admin(kafka_servers) as kafka:

        async def settings(of: dict[str, str]) -> bool:
            [described] = await kafka.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)])
            now = {option: value for option, value, *_ in described.resources[0][4]}
            return now | of == now

        wanted = TOPICS["tenancy.contacts"].config() | operators
        [answer] = await kafka.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, wanted)])
        assert answer.resources[0][0] == 0
        # The controller changes, the broker tells: one a moment after the other.
        await eventually("the broker to tell what the operator set", lambda: settings(wanted))

        done = await provision(kafka_servers, prefix=prefix, topics=declared, change=True)

        assert [(each.option, each.found) for each in done.changed] == [("delete.retention.ms", "7776000000")]
        assert [each.option for each in done.left] == ["partitions"]
        wanted = declared["tenancy.contacts"].config() | operators
        await eventually("the broker to tell what was changed, and the operator's", lambda: settings(wanted))
    assert [each.option for each in (await plan(kafka_servers, prefix=prefix, topics=declared)).differences] == [
        "partitions"
    ]


async def test_what_kafka_refuses_is_said(kafka_servers: str) -> None:
    with pytest.raises(StackError, match=r"would not make the topic refused\..*InvalidReplicationFactor"):
        await provision(kafka_servers, prefix="refused.", replicas=3)
    await provision(kafka_servers, prefix="refused.")
    declared = {"tenancy.events": replace(TOPICS["tenancy.events"], max_message_bytes=-5)}
    with pytest.raises(StackError, match=r"would not change the topic refused\.tenancy\.events"):
        await provision(kafka_servers, prefix="refused.", topics=declared, change=True)


@pytest.mark.parametrize(
    ("servers", "told"),
    [
        ("127.0.0.1:9", "did not answer at 127.0.0.1:9 within 0 s"),
        ("127.0.0.1:x", "no address"),
        ("nowhere.invalid:9", "nowhere"),
    ],
)
async def test_kafka_that_is_not_there_is_said(servers: str, told: str) -> None:
    with pytest.raises(StackError, match=told):
        await plan(servers)


def test_commands_plan_apply_and_plan_again(kafka_servers: str) -> None:
    def hem(*arguments: str, code: int = 0) -> list[str]:
        done = CliRunner().invoke(
            app, ["topics", *arguments], env={"HEM_KAFKA_SERVERS": kafka_servers, "HEM_TOPIC_PREFIX": "told."}
        )
        assert done.exit_code == code, done.output
        return done.output.splitlines()

    assert len(hem("plan", code=3)) == len(TOPICS)
    assert "Topic told.tenancy.events is made." in hem("apply")
    assert hem("plan") == hem("apply") == ["All topics are as declared."]
    assert "INVALID" in str(hem("apply", "--replicas", "0", code=2)).upper()


def test_without_an_address_the_command_says_where_it_looked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEM_KAFKA_SERVERS", raising=False)
    monkeypatch.setenv("HEM_HOME", str(tmp_path))
    done = CliRunner().invoke(app, ["topics", "plan"])
    assert (done.exit_code, "Set HEM_KAFKA_SERVERS" in done.output) == (1, True)


async def test_a_topic_knows_whether_anything_was_ever_published(kafka_servers: str) -> None:
    prefix = "emptiness."
    await provision(kafka_servers, prefix=prefix)
    assert await is_empty(kafka_servers, "tenancy.events", prefix=prefix)

    async with AIOKafkaProducer(bootstrap_servers=kafka_servers) as producer:
        await producer.send_and_wait(f"{prefix}tenancy.events", b"x", key=b"t-1")

    assert not await is_empty(kafka_servers, "tenancy.events", prefix=prefix)


async def test_a_typo_makes_no_topic(kafka_servers: str) -> None:
    async with AIOKafkaProducer(bootstrap_servers=kafka_servers, request_timeout_ms=1000) as producer:
        with pytest.raises(UnknownTopicOrPartitionError):
            await producer.send_and_wait("tenancy.event", b"x")
