"""Makes the topics of the catalogue, and says where an existing one differs: a typo never makes a topic here."""

from collections.abc import Iterable, Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import TopicAlreadyExistsError, for_code

from hem.stack.errors import StackError
from schemas.topics import TOPICS, Topic


async def provision(
    servers: str, *, prefix: str = "", topics: Mapping[str, Topic] = TOPICS, replicas: int = 1
) -> list[str]:
    """Make the topics that are missing. Returns a line for each existing one that differs from what is declared.

    Raises StackError when Kafka refuses one.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    try:
        existing = {name.removeprefix(prefix) for name in await admin.list_topics() if name.startswith(prefix)}
        missing = [topic for name, topic in topics.items() if name not in existing]
        if missing:
            await _create(admin, missing, prefix, replicas)
        return await _drift(admin, [topic for name, topic in topics.items() if name in existing], prefix)
    finally:
        await admin.close()


async def is_empty(servers: str, topic: str, *, prefix: str = "") -> bool:
    """Whether nothing was ever published on a topic of the catalogue."""
    partitions = [TopicPartition(f"{prefix}{topic}", number) for number in range(TOPICS[topic].partitions)]
    async with AIOKafkaConsumer(bootstrap_servers=servers) as consumer:
        return not any((await consumer.end_offsets(partitions)).values())


async def _create(admin: AIOKafkaAdminClient, topics: Iterable[Topic], prefix: str, replicas: int) -> None:
    new = [
        NewTopic(f"{prefix}{topic.name}", topic.partitions, replicas, topic_configs=topic.config()) for topic in topics
    ]
    answer = await admin.create_topics(new, timeout_ms=15_000)
    for name, code, *detail in answer.topic_errors:
        error = for_code(code)
        if code and error is not TopicAlreadyExistsError:  # another Hem on a shared cluster was faster
            raise StackError(
                f"Kafka would not make the topic {name}: {error.__name__} {' '.join(map(str, detail))}".strip()
            )


async def _drift(admin: AIOKafkaAdminClient, topics: list[Topic], prefix: str) -> list[str]:
    if not topics:
        return []
    names = [f"{prefix}{topic.name}" for topic in topics]
    described = {found["topic"]: found for found in await admin.describe_topics(names)}
    configs = await _configs(admin, names)
    lines = []
    for topic, name in zip(topics, names, strict=True):
        found = len(described[name]["partitions"])
        if found != topic.partitions:
            lines.append(f"Topic {name} has {found} partitions; {topic.partitions} are declared.")
        lines += [
            f"Topic {name} has {option}={configs[name].get(option)}; {wanted} is declared."
            for option, wanted in topic.config().items()
            if configs[name].get(option) != wanted
        ]
    return lines


async def _configs(admin: AIOKafkaAdminClient, names: list[str]) -> dict[str, dict[str, str]]:
    wanted = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    found: dict[str, dict[str, str]] = {}
    for answer in await admin.describe_configs(wanted):
        for resource in answer.resources:
            _, _, _, name, entries = resource
            found[name] = {option: value for option, value, *_ in _entries(entries)}
    return found


def _entries(entries: Iterable[Any]) -> Iterable[tuple[Any, ...]]:
    return (tuple(entry) for entry in entries)
