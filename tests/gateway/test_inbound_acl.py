"""`hem topics acl`: what it prints, given to a Kafka that asks everybody who they are, lets nobody do more than their work."""

import shlex
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import GroupAuthorizationFailedError, TopicAuthorizationFailedError, for_code
from aiokafka.protocol.admin import CreateAclsRequest
from typer.testing import CliRunner

from hem.cli import app
from hem.stack.folder import free_ports
from hem.stack.kafka import Kafka
from schemas.topics import TOPICS

# Kafka's numbers for what the commands name.
RESOURCES = {"topic": 2, "group": 3, "cluster": 4}
PATTERNS = {"literal": 3, "prefixed": 4}
OPERATIONS = {"Read": 3, "Write": 4, "Create": 5, "Describe": 8, "DescribeConfigs": 10, "AlterConfigs": 11}
OPERATIONS |= {"IdempotentWrite": 12}
ALLOW = 3

Acl = tuple[str, str, str, str, str]
"""Account, operation, kind of resource, its name, literal or prefixed."""


def printed(*options: str) -> str:
    done = CliRunner().invoke(app, ["topics", "acl", *options])
    assert done.exit_code == 0, done.output
    return done.stdout


def acls(lines: str) -> Iterator[Acl]:
    """What the commands would add, as kafka-acls.sh reads its options."""
    for line in lines.splitlines():
        if line.startswith("#"):
            continue
        words = shlex.split(line)
        said = [(words[i], words[i + 1] if i + 1 < len(words) else "") for i in range(len(words))]
        [user] = [value.removeprefix("User:") for name, value in said if name == "--allow-principal"]
        pattern = next((value for name, value in said if name == "--resource-pattern-type"), "literal")
        resources = [(name[2:], value) for name, value in said if name in ("--topic", "--group")]
        resources += [("cluster", "kafka-cluster") for name, _ in said if name == "--cluster"]
        for operation in [value for name, value in said if name == "--operation"]:
            yield from ((user, operation, kind, name, pattern) for kind, name in resources)


def test_each_service_may_read_and_write_what_the_topics_say() -> None:
    found = set(acls(printed("--services-only")))
    for operation, of in (("Read", "readers"), ("Write", "writers")):
        declared = {(f"hem-{service}", topic.name) for topic in TOPICS.values() for service in getattr(topic, of)}
        given = {(user, name) for user, op, kind, name, _ in found if (op, kind) == (operation, "topic")}
        assert given - {("hem-gateway", "inbound.")} == declared
    assert ("hem-gateway", "Read", "topic", "inbound.", "prefixed") in found
    assert ("hem-reporting", "Read", "group", "reporting", "literal") in found


def test_a_publisher_s_account_for_strimzi() -> None:
    *_, user = yaml.safe_load_all(printed("--publisher", "housing", "--prefix", "t1.", "--strimzi", "main"))
    assert user["metadata"] == {"name": "t1-publisher-housing", "labels": {"strimzi.io/cluster": "main"}}
    assert user["spec"]["authorization"]["acls"] == [
        {
            "resource": {"type": "topic", "name": "t1.inbound.housing", "patternType": "literal"},
            "operations": ["Write", "Describe"],
        },
        {"resource": {"type": "cluster"}, "operations": ["IdempotentWrite"]},
    ]


class Guarded:
    """A Kafka with accounts: everybody's password is their name."""

    def __init__(self, anonymous: str, named: str, stack: AsyncExitStack) -> None:
        self.anonymous = anonymous
        self._named = named
        self._stack = stack

    def as_user(self, name: str) -> dict[str, Any]:
        return {
            "bootstrap_servers": self._named,
            "security_protocol": "SASL_PLAINTEXT",
            "sasl_mechanism": "PLAIN",
            "sasl_plain_username": name,
            "sasl_plain_password": name,
        }

    async def admin(self, **settings: Any) -> AIOKafkaAdminClient:
        found = AIOKafkaAdminClient(**settings)
        self._stack.push_async_callback(found.close)
        await found.start()
        return found

    async def write(self, name: str, topic: str) -> None:
        async with AIOKafkaProducer(**self.as_user(name), enable_idempotence=True, request_timeout_ms=5000) as producer:
            await producer.send_and_wait(topic, b"{}")

    async def read(self, name: str, topic: str, group: str) -> bytes | None:
        settings = {"group_id": group, "auto_offset_reset": "earliest", "request_timeout_ms": 5000}
        async with AIOKafkaConsumer(topic, **self.as_user(name), **settings) as consumer:
            record: bytes | None = (await consumer.getone()).value
            return record


@pytest.fixture
async def guarded(tmp_path: Path) -> AsyncIterator[Guarded]:
    """Accounts as `hem topics acl` prints them for the publishers housing and procurement; anonymous may do everything."""
    port, controller, named = free_ports(3)
    lines = printed("--publisher", "housing", "--publisher", "procurement")
    users = {acl[0] for acl in acls(lines)}
    passwords = " ".join(f'user_{name}="{name}"' for name in users)
    kafka = Kafka(
        tmp_path / "kafka",
        port=port,
        controller_port=controller,
        settings={
            "listeners": f"PLAINTEXT://127.0.0.1:{port},SASL_PLAINTEXT://127.0.0.1:{named},CONTROLLER://127.0.0.1:{controller}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port},SASL_PLAINTEXT://127.0.0.1:{named}",
            "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT",
            "inter.broker.listener.name": "PLAINTEXT",
            "sasl.enabled.mechanisms": "PLAIN",
            "listener.name.sasl_plaintext.plain.sasl.jaas.config": (
                f"org.apache.kafka.common.security.plain.PlainLoginModule required {passwords};"
            ),
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS",
        },
    )
    await kafka.start()
    try:
        async with AsyncExitStack() as stack:
            found = Guarded(kafka.servers, f"127.0.0.1:{named}", stack)
            admin = await found.admin(bootstrap_servers=kafka.servers)
            for user, operation, kind, name, pattern in acls(lines):
                answer = await admin._send_to_controller(
                    CreateAclsRequest(
                        RESOURCES[kind], name, PATTERNS[pattern], f"User:{user}", "*", OPERATIONS[operation], ALLOW
                    )
                )
                assert [code for code, _ in answer.creation_responses] == [0]
            await admin.create_topics([NewTopic(name, 1, 1) for name in ("inbound.procurement", "tenancy.events")])
            yield found
    finally:
        await kafka.stop()


async def test_a_publisher_writes_to_its_own_topic_and_nobody_does_what_is_another_s(guarded: Guarded) -> None:
    gateway = await guarded.admin(**guarded.as_user("hem-gateway"))
    made = await gateway.create_topics([NewTopic(name, 1, 1) for name in ("inbound.housing", "other")])
    assert [for_code(code).__name__ for _, code, *_ in made.topic_errors] == [
        "NoError",
        "TopicAuthorizationFailedError",
    ]

    await guarded.write("publisher-housing", "inbound.housing")
    for topic in ("inbound.procurement", "tenancy.events"):
        with pytest.raises(TopicAuthorizationFailedError):
            await guarded.write("publisher-housing", topic)
    for group in ("gateway", "its-own"):
        with pytest.raises((TopicAuthorizationFailedError, GroupAuthorizationFailedError)):
            await guarded.read("publisher-housing", "inbound.housing", group)

    assert await guarded.read("hem-gateway", "inbound.housing", "gateway") == b"{}"
    await guarded.write("hem-gateway", "tenancy.events")
    assert await guarded.read("hem-reporting", "tenancy.events", "reporting") == b"{}"
    with pytest.raises(TopicAuthorizationFailedError):
        await guarded.write("hem-reporting", "tenancy.events")
