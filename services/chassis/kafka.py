"""Whether Kafka answers and has the topics, asked before a part begins with them: its own words would not say."""

import asyncio
from collections.abc import Collection

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import (
    KafkaConnectionError,
    KafkaTimeoutError,
    NoBrokersAvailable,
    NodeNotReadyError,
    RequestTimedOutError,
    StaleMetadata,
)

from services.chassis.context import Context
from services.chassis.errors import NotYet, describe, is_temporary

ANSWER_WITHIN = 5.0
NAMED = 3  # missing topics, the others are only counted
SILENCE = (
    OSError, KafkaConnectionError, KafkaTimeoutError, NoBrokersAvailable, NodeNotReadyError, RequestTimedOutError,
    StaleMetadata,
)  # fmt: skip


async def cluster_id(ctx: Context, topics: Collection[str]) -> str:
    """The id of a cluster that answers and has `topics` (names in the catalogue). Raises `NotYet` otherwise."""
    servers: str = ctx.settings.kafka_servers
    admin = AIOKafkaAdminClient(bootstrap_servers=servers, request_timeout_ms=int(ANSWER_WITHIN * 1000))
    try:
        async with asyncio.timeout(ANSWER_WITHIN):
            await admin.start()
            there = set(await admin.list_topics())
            cluster = str((await admin.describe_cluster())["cluster_id"])
    except Exception as error:
        if not is_temporary(error):
            raise
        what = "does not answer" if isinstance(error, SILENCE) else f"refuses us ({describe(error)})"
        raise NotYet(f"Kafka at {servers} {what}") from error
    finally:
        await admin.close()
    if missing := sorted({ctx.topic(name) for name in topics} - there):
        raise NotYet(f"{_named(missing)} not there: make the topics with `hem topics apply`")
    return cluster


def _named(missing: list[str]) -> str:
    if len(missing) == 1:
        return f"topic {missing[0]} is"
    more = f" and {len(missing) - NAMED} more" if len(missing) > NAMED else ""
    return f"topics {', '.join(missing[:NAMED])}{more} are"
