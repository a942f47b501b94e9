"""The one way in, for every road: HTTP, a publisher's own topic, a form, a file."""

import asyncio
import math
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
from services.gateway.domain.door import Answer, Refusal, Sender, Submission
from services.gateway.repository import pace
from services.gateway.service import door as service
from services.gateway.service import known

log = structlog.get_logger(__name__)

ATTEMPTS = 3


class TooMany(Exception):
    """The publisher has sent more than was agreed. Nothing was kept; the same fits in `retry_after` seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"more events in a minute than were agreed: again in {retry_after} s")
        self.retry_after = retry_after


Note = Callable[[Transaction, Sequence[Answer]], Awaitable[None]]


async def let_in(
    ctx: Context, sender: Sender, submissions: Sequence[Submission], *, note: Note | None = None
) -> list[Answer]:
    """Lets in what may come in, by whichever road, and commits. One answer for each, in order.

    Raises `Unavailable`, and `TooMany` to whoever can come again: so can the reader of topics, which goes on with the
    others meanwhile. A file waits here until there is room.

    `note` writes down, in the same transaction, how far the sender has come: what it notes is true exactly when the
    events are in.
    """
    await _in_pace(ctx, sender, len(submissions))
    backoff = Backoff(first=0.1)
    for attempt in range(1, ATTEMPTS + 1):
        try:
            async with ctx.db.transaction() as tx:
                answers = await service.publish(tx, sender, submissions, public_url=ctx.settings.public_url)
                await known.note(tx, sender, submissions, answers)
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


async def _in_pace(ctx: Context, sender: Sender, events: int) -> None:
    default = ctx.settings.rate_limit
    while wait := await pace.take(ctx, sender.publisher, events, test=sender.test, default=default):
        if sender.road != "file":
            _outcomes(ctx.metrics.meter).add(events, {"outcome": "too_many"})
            log.warning("too many events", publisher=sender.publisher, road=sender.road, events=events)
            raise TooMany(math.ceil(wait))
        await asyncio.sleep(wait)


def _count(ctx: Context, sender: Sender, answers: Sequence[Answer]) -> None:
    counts = Counter[str](answer.status for answer in answers)
    for outcome, count in counts.items():
        _outcomes(ctx.metrics.meter).add(count, {"outcome": outcome})
    log.info("events came in", publisher=sender.publisher, road=sender.road, **counts)


def count_request(ctx: Context, refusal: Refusal) -> None:
    """Counts a request that was refused before its events were looked at, whoever sent it."""
    _requests(ctx.metrics.meter).add(1, {"reason": refusal.type.slug})


@lru_cache(maxsize=1)
def _requests(meter: metrics.Meter) -> metrics.Counter:
    return meter.create_counter("hem_requests_refused", description="requests refused as a whole, by reason")


@lru_cache(maxsize=1)
def _outcomes(meter: metrics.Meter) -> metrics.Counter:
    return meter.create_counter("hem_events_published", description="events that publishers sent, by outcome")
