"""Events waiting for Kafka, written in the transaction of the change they tell of.

Rows of one (topic, key) are numbered without gaps, under a lock on the aggregate: whoever comes second waits, so the
order of `seq` and of `id` is the order of the commits. The relay sends them in that order.
"""

import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from services.chassis.errors import Unfit
from services.chassis.vault import Vault

if TYPE_CHECKING:
    from services.chassis.postgres import Connection

SHARDS = 8
CHANNEL = "outbox"
# Well below the topics' max.message.bytes: one record over it would stop everything that waits behind it.
MAX_PAYLOAD = 512 * 1024
MAX_RECORD = 768 * 1024

# Sorted, so that two transactions that tell of the same aggregates wait for each other and don't deadlock.
NUMBER = """
    insert into aggregate (topic, key, seq)
    select * from unnest($1::text[], $2::text[], $3::bigint[]) order by 1, 2
    on conflict (topic, key) do update set seq = aggregate.seq + excluded.seq
    returning topic, key, seq
"""
COLUMNS = ("event_id", "topic", "key", "seq", "shard", "headers", "payload", "personal", "private")
WAKE_RELAY = f"notify {CHANNEL}"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A record on its way to Kafka. `person`: whose key seals it on the way; `private`: the service's own does.
    `numbered`: it gets a `ce_sequence`."""

    event_id: str
    topic: str
    key: str
    headers: tuple[tuple[str, bytes], ...]
    payload: bytes | None
    person: str | None = None
    numbered: bool = False
    private: bool = False

    def __post_init__(self) -> None:
        payload = len(self.payload or b"")
        record = payload + len(self.key.encode()) + sum(map(len, chain.from_iterable(self.headers)))
        if payload > MAX_PAYLOAD or record > MAX_RECORD:
            said = f"{payload} bytes of data, {record} in all; {MAX_PAYLOAD} and {MAX_RECORD} fit"
            raise Unfit("too_large", f"event {self.event_id} has {said}")


async def add(connection: "Connection", vault: Vault, outgoing: Sequence[Outgoing]) -> None:
    """Adds rows in the order given, in a handful of statements however many they are.

    What an erased person's record would say is left out: the tombstone that erased them follows it.
    """
    persons = {o.person for o in outgoing if o.person is not None}
    erased = await vault.erased(connection, persons) if persons else set()
    outgoing = [o for o in outgoing if o.payload is None or o.person not in erased]
    if not outgoing:
        return
    # Keys before aggregates: an erasure locks them in this order too.
    payloads = await _sealed(connection, vault, outgoing)
    sequences = await _number(connection, outgoing)
    rows = [
        (
            o.event_id,
            o.topic,
            o.key,
            sequence,
            shard_of(o.key),
            _headers(o, sequence),
            payload,
            o.person is not None,
            o.private,
        )
        for o, sequence, payload in zip(outgoing, sequences, payloads, strict=True)
    ]
    # COPY: half the work of an INSERT for us and for Postgres, and ids in the same order.
    await connection.copy_records_to_table("outbox", records=rows, columns=COLUMNS)
    await connection.execute(WAKE_RELAY)


def shard_of(key: str) -> int:
    return zlib.crc32(key.encode()) % SHARDS


async def _number(connection: "Connection", outgoing: Sequence[Outgoing]) -> list[int]:
    counts = Counter((o.topic, o.key) for o in outgoing)
    topics, keys = zip(*counts, strict=True)
    rows = await connection.fetch(NUMBER, topics, keys, list(counts.values()))
    next_free = {(row["topic"], row["key"]): row["seq"] - counts[row["topic"], row["key"]] for row in rows}
    sequences = []
    for o in outgoing:
        next_free[o.topic, o.key] += 1
        sequences.append(next_free[o.topic, o.key])
    return sequences


async def _sealed(connection: "Connection", vault: Vault, outgoing: Sequence[Outgoing]) -> list[bytes | None]:
    personal = [(o.person, o.payload) for o in outgoing if o.person is not None and o.payload is not None]
    sealed = iter(await vault.seal_many(connection, personal) if personal else ())
    payloads = []
    for o in outgoing:
        if o.payload is None or (o.person is None and not o.private):
            payloads.append(o.payload)
        else:
            payloads.append(next(sealed) if o.person is not None else vault.seal_private(o.topic, o.payload))
    return payloads


def _headers(outgoing: Outgoing, sequence: int) -> list[tuple[str, str]]:
    headers = [(name, value.decode()) for name, value in outgoing.headers]
    if outgoing.numbered:
        headers.append(("ce_sequence", str(sequence)))
    return headers
