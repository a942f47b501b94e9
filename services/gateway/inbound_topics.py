"""Publishers' own topics in Kafka: made when a publisher is registered for one, never changed and never removed here."""

from collections.abc import Collection, Mapping
from typing import Any

import structlog
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code

from services.chassis.context import Context
from services.gateway.domain.inbound import PARTITIONS, config

log = structlog.get_logger(__name__)

ANSWER_WITHIN_MS = 10_000


async def make(ctx: Context, names: Collection[str]) -> set[str]:
    """Makes those of `names` (in Kafka) that are missing. Gives those that can be read; of the others the log tells why."""
    admin = AIOKafkaAdminClient(bootstrap_servers=ctx.settings.kafka_servers, request_timeout_ms=ANSWER_WITHIN_MS)
    try:
        await admin.start()
        missing = sorted(set(names) - set(await admin.list_topics()))
        if missing:
            await _create(admin, missing, ctx.settings.topic_replicas)
        return {topic["topic"] for topic in await admin.describe_topics(sorted(names)) if _is_led(topic)}
    finally:
        await admin.close()


def _is_led(topic: Mapping[str, Any]) -> bool:
    return bool(topic["partitions"]) and all(part["leader"] >= 0 for part in topic["partitions"])


async def _create(admin: AIOKafkaAdminClient, names: Collection[str], replicas: int) -> None:
    answer = await admin.create_topics([NewTopic(name, PARTITIONS, replicas, topic_configs=config()) for name in names])
    for name, code, *detail in answer.topic_errors:
        kind = for_code(code)
        if code and kind is not TopicAlreadyExistsError:  # another replica was faster
            said = " ".join(str(word) for word in detail if word)
            log.warning("a publisher's topic can't be made", topic=name, error=kind.__name__, detail=said)
