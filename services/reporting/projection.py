"""One batch of records into facts, states, rollups and offsets: one transaction, all or nothing."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import asyncpg
import structlog
from aiokafka import ConsumerRecord

from schemas.kafka import Malformed, is_test
from services.chassis import parked
from services.chassis.errors import describe
from services.chassis.parked import Arrived
from services.chassis.postgres import Connection
from services.chassis.transaction import Transaction
from services.reporting import repository
from services.reporting.definitions import Goal, Goals
from services.reporting.domain import (
    WITHDRAWN,
    Cell,
    Fact,
    State,
    contribution,
    difference,
    fold,
    identity,
    keep,
    merge,
    place,
    target_of,
)
from services.reporting.governance import landlord
from services.reporting.records import Decoded, decode, fact_of, fingerprint, stored_data, stored_fact
from services.reporting.repository import FactRow, Partition

log = structlog.get_logger(__name__)

Record: TypeAlias = ConsumerRecord[Any, Any]
GOVERNANCE = "governance.events"
SERVICE = "reporting"


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a record can't be projected."""

    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Arrival:
    """A record and what it says."""

    record: Record
    said: Decoded | Refused


Batch = Mapping[Partition, Sequence[Arrival]]


class Fenced(Exception):
    """Another process has applied records that this one believed to be its own: read the offsets again."""


class Recent:
    """The identities of the facts committed last: a duplicate usually follows soon, and is dropped without a look-up.

    Forgetting one costs time and never a fact: the table's key decides.
    """

    def __init__(self, most: int = 65_536) -> None:
        self._most = most
        self._seen: OrderedDict[tuple[str, str], None] = OrderedDict()

    def __contains__(self, key: tuple[str, str]) -> bool:
        return key in self._seen

    def add(self, keys: Sequence[tuple[str, str]]) -> None:
        self._seen.update(dict.fromkeys(keys))
        while len(self._seen) > self._most:
            self._seen.popitem(last=False)

    def clear(self) -> None:
        self._seen.clear()


@dataclass(slots=True)
class Applied:
    """What a batch came to. `tests`: test events, of which nothing is kept. `identities`: of all its facts, to be
    remembered once committed."""

    facts: int = 0
    parked: int = 0
    tests: int = 0
    identities: list[tuple[str, str]] = field(default_factory=list)


@dataclass(slots=True)
class Touched:
    """What a batch says about one goal's subjects: states to merge, and subjects to fold anew."""

    states: dict[str, State] = field(default_factory=dict)
    anew: set[str] = field(default_factory=set)


def read(record: Record, topic: str) -> Arrival:
    """Reads a record of `topic` (its name in the catalogue); never raises."""
    try:
        return Arrival(record, decode(record, topic))
    except Malformed as malformed:
        return Arrival(record, Refused(malformed.code, malformed.detail))
    except Exception as error:
        log.exception("a record can't be read", topic=topic, partition=record.partition, offset=record.offset)
        return Arrival(record, Refused("defect", describe(error)))


async def apply(
    tx: Transaction,
    goals: Goals,
    batch: Batch,
    *,
    believed: Mapping[Partition, int],
    recent: Recent,
    defect: str | None = None,
) -> Applied:
    """Applies the records of each partition, which begin at its `believed` offset. Raises `Fenced`.

    `defect`: don't look into the records, park them for this reason.
    """
    connection = tx.connection
    await connection.execute(repository.HOLD_OFF_REBUILD)
    if await repository.lock_offsets(connection, batch) != {p: believed[p] for p in batch}:
        raise Fenced
    applied = Applied()
    decoded: dict[tuple[str, str], Decoded] = {}
    for (topic, _), arrivals in batch.items():
        for arrival in arrivals:
            said = arrival.said if defect is None else Refused("defect", defect)
            if isinstance(said, Refused):
                await _park(tx, topic, arrival.record, said)
                applied.parked += not is_test(arrival.record.headers, arrival.record.value)
            elif said.test:
                applied.tests += 1
            else:
                decoded.setdefault((said.row.source, said.row.event_id), said)
    fresh = await _add_facts(connection, [d for key, d in decoded.items() if key not in recent])
    await project(connection, goals, fresh)
    last = {partition: arrivals[-1].record for partition, arrivals in batch.items()}
    await repository.advance(connection, {p: (record.offset + 1, fingerprint(record)) for p, record in last.items()})
    applied.facts = len(fresh)
    applied.identities = list(decoded)
    return applied


async def replay(tx: Transaction, goals: Goals, record: Arrived) -> None:
    """Projects a parked record again; of a test event, that it can be read is all. Raises `Malformed` when it can't."""
    await tx.execute(repository.HOLD_OFF_REBUILD)
    one = decode(_as_consumed(record), record.topic)
    if one.test:
        return
    await project(tx.connection, goals, await _add_staged(tx.connection, [one]))


async def project(connection: Connection, goals: Goals, fresh: Sequence[Decoded]) -> None:
    """Brings states, rollups and governance up to date with facts that have just been added."""
    touched: dict[str, Touched] = {}
    links: list[tuple[str, str, str]] = []
    early = await repository.early_withdrawals(connection)
    by_type = goals.by_type
    for one in fresh:
        is_withdrawn = bool(early) and identity(one.fact) in early
        if is_withdrawn:
            await connection.execute(repository.DROP_EARLY_WITHDRAWAL, *identity(one.fact))
        clauses = by_type.get(one.row.type)
        if clauses is None or one.data is None:
            continue
        fact = one.fact
        for goal, clause in clauses:
            subject = clause.subject_of(fact)
            if subject is None:
                continue
            if subject != fact.subject:
                links.append((subject, fact.source, fact.id))
            touch = touched.setdefault(goal.id, Touched())
            if is_withdrawn:
                touch.anew.add(subject)
            else:
                keep(touch.states.setdefault(subject, {}), clause.slot(fact, subject), clause.version(fact))
    if links:
        await repository.add_links(connection, links)
    withdrawals = [one.fact for one in fresh if one.row.type == WITHDRAWN and one.data is not None]
    if withdrawals:
        await _withdraw(connection, goals, withdrawals, touched)
    for goal in sorted((goals.by_id[id] for id in touched), key=lambda g: g.id):
        await _update(connection, goal, touched[goal.id])
    if any(one.row.topic == GOVERNANCE for one in fresh):
        await decide(connection)


async def _add_facts(connection: Connection, decoded: Sequence[Decoded]) -> Sequence[Decoded]:
    """Adds the facts, and gives those that are new. Most batches have no fact that is known, so COPY is tried first."""
    if not decoded:
        return []
    try:
        async with connection.transaction():
            await repository.copy_facts(connection, [one.row for one in decoded])
        return decoded
    except asyncpg.UniqueViolationError:
        return await _add_staged(connection, decoded)


async def _add_staged(connection: Connection, decoded: Sequence[Decoded]) -> Sequence[Decoded]:
    added = await repository.stage_facts(connection, [one.row for one in decoded])
    return [one for one in decoded if (one.row.source, one.row.event_id) in added]


async def _withdraw(
    connection: Connection, goals: Goals, withdrawals: Sequence[Fact], touched: dict[str, Touched]
) -> None:
    """Marks the subjects of what is taken back, to be folded anew; notes what is taken back before it has come."""
    targets = {target for fact in withdrawals if (target := target_of(fact)) is not None}
    if not targets:
        return
    rows = await repository.facts_at(connection, [(source, id) for _, _, source, id in targets])
    known = {(row.source, row.event_id) for row in rows}
    for target in targets:
        if target[2:] not in known:
            await connection.execute(repository.ADD_EARLY_WITHDRAWAL, *target)
    for row in rows:
        fact = stored_fact(row)
        if identity(fact) in targets:
            for goal, clause in goals.by_type.get(row.type, ()):
                subject = clause.subject_of(fact)
                if subject is not None:
                    touched.setdefault(goal.id, Touched()).anew.add(subject)


async def _update(connection: Connection, goal: Goal, touch: Touched) -> None:
    """Merges what is new into the states of a goal's subjects, and adds the difference to the rollup."""
    subjects = sorted(touch.states.keys() | touch.anew)
    states = await repository.lock_states(connection, goal.id, subjects)
    anew: dict[str, list[FactRow]] = {}
    if touch.anew:  # after the lock: what another process has added by then is seen
        anew = await repository.facts_about(connection, sorted(touch.anew), WITHDRAWN)
    deltas: dict[tuple[str, str, Cell], tuple[int, int]] = {}
    added: list[tuple[Any, ...]] = []
    changed: list[tuple[Any, ...]] = []
    for subject in subjects:
        before = states.get(subject)
        if subject in anew:
            after = fold(goal.rule, subject, map(stored_fact, anew[subject]))
        else:
            after = touch.states[subject] if before is None else merge(before, touch.states[subject])
        if after == (before or {}):
            continue
        counted = contribution(before) if before else {}
        for cell, numerator, denominator in difference(counted, contribution(after)):
            key = (goal.id, goal.measure, cell)
            was = deltas.get(key, (0, 0))
            deltas[key] = (was[0] + numerator, was[1] + denominator)
        area, day = place(after) or (None, None)
        row = (goal.id, subject, area, day, repository.written(after))
        (added if before is None else changed).append(row)
    if added:
        await repository.copy_states(connection, added)
    if changed:
        await repository.update_states(connection, changed)
    await repository.add_to_rollup(connection, deltas)


async def decide(connection: Connection) -> None:
    """Folds all of governance anew: it is little, and then in no need of an order."""
    await connection.execute(repository.LOCK_GOVERNANCE)
    said = []
    for row in await repository.governance_facts(connection):
        data = stored_data(row)
        if data is not None:
            said.append((fact_of(row, data), data))
    await repository.replace_governance(connection, landlord(said))


async def _park(tx: Transaction, topic: str, record: Record, refused: Refused) -> None:
    arrived = Arrived(topic, record.partition, record.offset, record.key, tuple(record.headers), record.value)
    log.info("a record is parked", topic=topic, partition=record.partition, offset=record.offset, reason=refused.reason)
    await parked.park(tx, SERVICE, arrived, refused.reason, refused.detail)


def _as_consumed(record: Arrived) -> Record:
    return ConsumerRecord(
        topic=record.topic, partition=record.partition, offset=record.offset, timestamp=0, timestamp_type=0,
        key=record.key, value=record.value, checksum=None, serialized_key_size=0, serialized_value_size=0,
        headers=tuple(record.headers),
    )  # fmt: skip
