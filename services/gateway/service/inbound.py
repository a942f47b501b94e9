"""The verbs of publishers' own topics: who is read, and what becomes of records that could not be let in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.chassis.transaction import Transaction
from services.gateway.domain.door import Publisher
from services.gateway.domain.inbound import PARKED_KEPT, Choice, Fault, Parked, ParkedId, Spot, topic_of
from services.gateway.repository import inbound as repository
from services.gateway.service.door import FORGET_AT_ONCE

REPLAY_AT_ONCE = 500
SETTLED_SHOWN = 10


async def topics(tx: Transaction) -> dict[str, Publisher]:
    """Topic (without the installation's prefix) → the publisher whose it is."""
    named = {topic_of(publisher): publisher for publisher in await repository.publishers(tx)}
    return {topic: publisher for topic, publisher in named.items() if topic is not None}


async def park(tx: Transaction, publisher: Publisher, faults: Sequence[tuple[Spot, Fault]]) -> None:
    """Sets records aside. Doing it twice does it once."""
    await repository.park(tx, publisher, faults)


async def discard(tx: Transaction, publisher: Publisher, choice: Choice, by: str) -> int:
    """Gives up those that are chosen and wait. Returns how many they were."""
    return await repository.discard(tx, publisher, choice, by)


async def chosen(tx: Transaction, publisher: Publisher, choice: Choice) -> tuple[list[Parked], int]:
    """Those to replay now, the oldest first, and how many there are: as many as can be done while somebody waits."""
    return (
        await repository.choose(tx, publisher, choice, REPLAY_AT_ONCE),
        await repository.count_chosen(tx, publisher, choice),
    )


async def conclude(
    tx: Transaction,
    *,
    let_in: Sequence[ParkedId],
    gone: Sequence[ParkedId],
    again: Sequence[tuple[ParkedId, Fault]],
    by: str,
) -> None:
    """Writes down what a replay came to, and for what was refused again why."""
    await repository.settle(tx, let_in, "replayed", by)
    await repository.settle(tx, gone, "gone", by)
    for parked, fault in again:
        await repository.refuse_again(tx, parked, fault)


async def forget_parked(tx: Transaction) -> int:
    """Drops what was set aside more than 30 days ago, some thousands at a time. Returns how many went."""
    return await repository.forget(tx, tx.now() - PARKED_KEPT, FORGET_AT_ONCE)


async def waiting(tx: Transaction, publisher: Publisher) -> int:
    """How many records of the publisher's topic wait for a decision."""
    return sum((await repository.counts(tx, publisher)).values())


@dataclass(frozen=True, slots=True)
class Shown:
    """What a publisher's page tells of its topic. `waiting`: reason → how many records; `latest` are the last of them.

    `topic` is without the installation's prefix; none for a publisher whose name can't be in one.
    """

    topic: str | None
    waiting: Mapping[str, int]
    latest: Sequence[Parked]
    settled: Sequence[Parked]


async def shown(tx: Transaction, publisher: Publisher, *, before: ParkedId | None = None, limit: int = 20) -> Shown:
    """What waits (the latest `limit`, older than `before`), and what was last decided about others."""
    return Shown(
        topic=topic_of(publisher),
        waiting=await repository.counts(tx, publisher),
        latest=await repository.listing(tx, publisher, ["open"], before=before, limit=limit),
        settled=await repository.listing(tx, publisher, ["replayed", "discarded", "gone"], limit=SETTLED_SHOWN),
    )
