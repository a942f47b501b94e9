"""Publishers' own topics in Kafka: made when a publisher is registered for one, never changed and never removed here."""

from collections.abc import Collection

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code

from services.chassis.context import Context
from services.chassis.errors import NotYet
from services.gateway.domain.inbound import PARTITIONS, config

ANSWER_WITHIN_MS = 10_000


async def make(ctx: Context, names: Collection[str]) -> None:
    """Makes those of `names` (in Kafka) that are missing. Raises `NotYet` where one can't be made or read yet."""
    admin = AIOKafkaAdminClient(bootstrap_servers=ctx.settings.kafka_servers, request_timeout_ms=ANSWER_WITHIN_MS)
    try:
        await admin.start()
        missing = sorted(set(names) - set(await admin.list_topics()))
        if missing:
            await _create(admin, missing, ctx.settings.topic_replicas)
        for topic in await admin.describe_topics(sorted(names)):
            if len(topic["partitions"]) == 0 or any(part["leader"] < 0 for part in topic["partitions"]):
                raise NotYet(f"topic {topic['topic']} has no leader yet")
    finally:
        await admin.close()


async def _create(admin: AIOKafkaAdminClient, names: Collection[str], replicas: int) -> None:
    answer = await admin.create_topics([NewTopic(name, PARTITIONS, replicas, topic_configs=config()) for name in names])
    for name, code, *detail in answer.topic_errors:
        kind = for_code(code)
        if code and kind is not TopicAlreadyExistsError:  # another replica was faster
            said = " ".join(str(word) for word in detail if word)
            raise NotYet(f"topic {name} can't be made: {kind.__name__} {said}".rstrip())
