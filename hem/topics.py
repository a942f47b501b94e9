"""Makes the topics of the catalogue, and says where an existing one differs: a typo never makes a topic here."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from hem.stack.errors import StackError
from schemas.topics import TOPICS, Topic

PARTITIONS = "partitions"
SET_ON_THE_TOPIC = 1  # Kafka's code for where a value comes from, beside the broker's own and the built-in ones
REQUEST_MS = 15_000


@dataclass(frozen=True)
class Difference:
    """What an existing topic has of an option, and what is declared."""

    topic: str
    option: str
    found: str | None
    declared: str

    @property
    def mendable(self) -> bool:
        """Not so the number of partitions: more of them would move keys, and with that the order of a key's events."""
        return self.option != PARTITIONS

    def __str__(self) -> str:
        if not self.mendable:
            return f"Topic {self.topic} has {self.found} partitions; {self.declared} are declared. That is never changed: keys would move."
        return f"Topic {self.topic} has {self.option}={self.found}; {self.declared} is declared."


@dataclass(frozen=True)
class Plan:
    """What a cluster lacks of the catalogue, and where it differs. `missing` are names, prefix and all, with what is declared."""

    missing: Mapping[str, Topic]
    differences: Sequence[Difference]

    def lines(self) -> list[str]:
        """One for each thing."""
        made = [
            f"Topic {name} is missing: {topic.partitions} partitions, "
            + ", ".join(f"{option}={value}" for option, value in topic.config().items())
            + "."
            for name, topic in self.missing.items()
        ]
        return made + [str(difference) for difference in self.differences]

    def text(self) -> str:
        return "\n".join(self.lines())


@dataclass(frozen=True)
class Outcome:
    """What `provision` did, and what it left as it found it."""

    made: Sequence[str]
    changed: Sequence[Difference]
    left: Sequence[Difference]


async def plan(servers: str, *, prefix: str = "", topics: Mapping[str, Topic] = TOPICS, within: float = 0) -> Plan:
    """Compare the cluster with the catalogue, changing nothing. StackError when Kafka isn't there `within` seconds, or refuses."""
    async with _admin(servers, within) as admin:
        return await _plan(admin, prefix, topics)


async def provision(
    servers: str,
    *,
    prefix: str = "",
    topics: Mapping[str, Topic] = TOPICS,
    replicas: int = 1,
    change: bool = False,
    within: float = 0,
) -> Outcome:
    """Make the topics that are missing, each on `replicas` brokers; with `change` also set what is declared on those that are there.

    What the operator set beyond the declared options stays. StackError when Kafka isn't there `within` seconds, or refuses.
    """
    async with _admin(servers, within) as admin:
        found = await _plan(admin, prefix, topics)
        if found.missing:
            await _create(admin, found.missing, replicas)
        changed = [difference for difference in found.differences if change and difference.mendable]
        if changed:
            await _set(admin, changed)
        return Outcome(list(found.missing), changed, [each for each in found.differences if each not in changed])


async def is_empty(servers: str, topic: str, *, prefix: str = "") -> bool:
    """Whether nothing was ever published on a topic of the catalogue."""
    partitions = [TopicPartition(f"{prefix}{topic}", number) for number in range(TOPICS[topic].partitions)]
    async with AIOKafkaConsumer(bootstrap_servers=servers) as consumer:
        return not any((await consumer.end_offsets(partitions)).values())


@asynccontextmanager
async def _admin(servers: str, within: float) -> AsyncIterator[AIOKafkaAdminClient]:
    """A client of a Kafka that names a broker; one that starts is waited for."""
    admin = await _connected(servers, time.monotonic() + within, within)
    try:
        yield admin
    except KafkaError as error:
        raise StackError(f"Kafka at {servers} does not do as it is asked ({error}).") from error
    finally:
        await admin.close()


async def _connected(servers: str, deadline: float, within: float) -> AIOKafkaAdminClient:
    while True:
        admin = AIOKafkaAdminClient(bootstrap_servers=servers, request_timeout_ms=REQUEST_MS)
        try:
            await admin.start()
            if (await admin.describe_cluster())["brokers"]:
                return admin
            said = "no broker is ready yet"
        except KafkaError as error:
            said = str(error)
        except ValueError as error:
            await admin.close()
            raise StackError(f"{servers!r} is no address of Kafka's; kafka:9092 is one ({error}).") from error
        except BaseException:
            await admin.close()
            raise
        await admin.close()
        if time.monotonic() > deadline:
            raise StackError(f"Kafka did not answer at {servers} within {within:.0f} s ({said}). Is it running?")
        await asyncio.sleep(0.5)


async def _plan(admin: AIOKafkaAdminClient, prefix: str, topics: Mapping[str, Topic]) -> Plan:
    existing = set(await admin.list_topics())
    declared = {f"{prefix}{name}": topic for name, topic in topics.items()}
    there = {name: topic for name, topic in declared.items() if name in existing}
    return Plan(
        {name: topic for name, topic in declared.items() if name not in existing}, await _differences(admin, there)
    )


async def _differences(admin: AIOKafkaAdminClient, topics: Mapping[str, Topic]) -> list[Difference]:
    if not topics:
        return []
    described = {found["topic"]: found for found in await admin.describe_topics(list(topics))}
    configs = await _configs(admin, topics)
    found = []
    for name, topic in topics.items():
        partitions = len(described[name]["partitions"])
        if partitions != topic.partitions:
            found.append(Difference(name, PARTITIONS, str(partitions), str(topic.partitions)))
        has = {option: value for option, (value, _) in configs[name].items()}
        found += [
            Difference(name, option, has.get(option), wanted)
            for option, wanted in topic.config().items()
            if has.get(option) != wanted
        ]
    return found


async def _create(admin: AIOKafkaAdminClient, topics: Mapping[str, Topic], replicas: int) -> None:
    new = [NewTopic(name, topic.partitions, replicas, topic_configs=topic.config()) for name, topic in topics.items()]
    answer = await admin.create_topics(new, timeout_ms=REQUEST_MS)
    for name, code, *detail in answer.topic_errors:
        if for_code(code) is not TopicAlreadyExistsError:  # another Hem on a shared cluster was faster
            _refused(f"make the topic {name}", code, *detail)


async def _set(admin: AIOKafkaAdminClient, differences: Iterable[Difference]) -> None:
    """Kafka's request replaces all that is set on a topic: what else was set there is sent along."""
    wanted: dict[str, dict[str, str]] = {}
    for difference in differences:
        wanted.setdefault(difference.topic, {})[difference.option] = difference.declared
    configs = await _configs(admin, wanted)
    resources = [
        ConfigResource(
            ConfigResourceType.TOPIC,
            name,
            {option: value for option, (value, source) in configs[name].items() if source == SET_ON_THE_TOPIC}
            | options,
        )
        for name, options in wanted.items()
    ]
    for answer in await admin.alter_configs(resources):
        for code, detail, _, name in answer.resources:
            _refused(f"change the topic {name}", code, detail)


async def _configs(admin: AIOKafkaAdminClient, names: Iterable[str]) -> dict[str, dict[str, tuple[str, int]]]:
    """Of each topic: option → value and Kafka's code for where it comes from."""
    found: dict[str, dict[str, tuple[str, int]]] = {}
    for answer in await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name) for name in names]):
        for code, detail, _, name, entries in answer.resources:
            _refused(f"say how the topic {name} is set", code, detail)
            found[name] = {option: (value, source) for option, value, _, source, *_ in map(tuple, entries)}
    return found


def _refused(what: str, code: int, *detail: Any) -> None:
    """Raise StackError unless the code says that nothing is wrong."""
    if code:
        words = " ".join(str(word) for word in detail if word)
        raise StackError(f"Kafka would not {what}: {for_code(code).__name__} {words}".strip())
