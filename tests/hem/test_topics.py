"""Topics come from the catalogue and nowhere else, and a difference is said."""

from dataclasses import replace

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import UnknownTopicOrPartitionError

from hem.topics import is_empty, provision
from schemas.topics import TOPICS


async def test_topics_are_made_once_and_differences_are_said(kafka_servers: str) -> None:
    prefix = "provisioned."
    assert await provision(kafka_servers, prefix=prefix) == []
    assert await provision(kafka_servers, prefix=prefix) == []

    declared = dict(TOPICS)
    declared["tenancy.events"] = replace(TOPICS["tenancy.events"], partitions=7, max_message_bytes=2**21)
    assert await provision(kafka_servers, prefix=prefix, topics=declared) == [
        "Topic provisioned.tenancy.events has 4 partitions; 7 are declared.",
        "Topic provisioned.tenancy.events has max.message.bytes=1048576; 2097152 is declared.",
    ]


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
