"""The one way in, for every road: HTTP, a publisher's own topic, a form, a file."""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from functools import lru_cache

import asyncpg
import structlog
from opentelemetry import metrics

from services.chassis.backoff import Backoff
from services.chassis.context import Context
from services.chassis.errors import Erased, Unavailable
from services.chassis.transaction import Transaction
from services.gateway.domain.door import Answer, Sender, Submission
from services.gateway.service import door as service

log = structlog.get_logger(__name__)

ATTEMPTS = 3
Note = Callable[[Transaction, Sequence[Answer]], Awaitable[None]]


async def let_in(
    ctx: Context, sender: Sender, submissions: Sequence[Submission], *, note: Note | None = None
) -> list[Answer]:
    """Lets in what may come in, by whichever road, and commits. One answer for each, in order. Raises `Unavailable`.

    `note` writes down, in the same transaction, how far the sender has come: what it notes is true exactly when the
    events are in.
    """
    backoff = Backoff(first=0.1)
    for attempt in range(1, ATTEMPTS + 1):
        try:
            async with ctx.db.transaction() as tx:
                answers = await service.publish(tx, sender, submissions, public_url=ctx.settings.public_url)
                if note is not None:
                    await note(tx, answers)
        except Erased:  # between our look and our commit: the next look sees it
            continue
        except Unavailable as error:  # a contact and an erasure of one person can wait for each other
            if not isinstance(error.__cause__, asyncpg.DeadlockDetectedError) or attempt == ATTEMPTS:
                raise
            await backoff.wait()
        else:
            _count(ctx, sender, answers)
            return answers
    raise Unavailable("what these events are about: others are changing it")


def _count(ctx: Context, sender: Sender, answers: Sequence[Answer]) -> None:
    counts = Counter[str](answer.status for answer in answers)
    for outcome, count in counts.items():
        _outcomes(ctx.metrics.meter).add(count, {"outcome": outcome})
    log.info("events came in", publisher=sender.publisher, road=sender.road, **counts)


@lru_cache(maxsize=1)
def _outcomes(meter: metrics.Meter) -> metrics.Counter:
    return meter.create_counter("hem_events_published", description="events that publishers sent, by outcome")
