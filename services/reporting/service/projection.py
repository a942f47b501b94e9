"""One batch of records into facts, states, rollups and offsets: one transaction, all or nothing."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, TypeAlias

import asyncpg
import structlog
from aiokafka import ConsumerRecord

from schemas.kafka import Malformed, is_test
from services.chassis import parked
from services.chassis.clock import local_date
from services.chassis.errors import describe
from services.chassis.parked import Arrived
from services.chassis.postgres import Connection
from services.chassis.transaction import Transaction
from services.reporting.definitions import Goals
from services.reporting.definitions.groups import Ledger
from services.reporting.domain.facts import WITHDRAWN, Fact, identity, precedence, target_of
from services.reporting.domain.governance import landlord
from services.reporting.domain.states import Cell, State, difference, keep, merge, told
from services.reporting.records import Decoded, decode, fact_of, fingerprint, stored_data, stored_fact
from services.reporting.repository import definitions, facts, governance, offsets, states
from services.reporting.repository.facts import FactRow
from services.reporting.repository.offsets import Partition
from services.reporting.service import quality
from services.reporting.service.about import about

log = structlog.get_logger(__name__)

Record: TypeAlias = ConsumerRecord[Any, Any]
GOVERNANCE = "governance.events"
SERVICE = "reporting"
LATE = timedelta(days=1)
"""An event that comes longer than this after it happened is late."""


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


class DefinitionsMoved(Exception):
    """The definitions in force are other than those this process works by: read them again."""


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
    """What a batch says about one ledger's subjects: states to merge, what is taken back of them (by precedence), subjects
    to fold anew, and things that others look up."""

    states: dict[str, State] = field(default_factory=dict)
    taken_back: dict[str, set[tuple[int, int, str, str]]] = field(default_factory=dict)
    anew: set[str] = field(default_factory=set)
    looked_up: set[str] = field(default_factory=set)


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
    """Applies the records of each partition, which begin at its `believed` offset. Raises `Fenced`, `DefinitionsMoved`.

    `defect`: don't look into the records, park them for this reason.
    """
    connection = tx.connection
    if await offsets.hold_off_rebuild(connection) != goals.generation:
        raise DefinitionsMoved
    if await offsets.lock_offsets(connection, batch) != {p: believed[p] for p in batch}:
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
    await offsets.advance(connection, {p: (record.offset + 1, fingerprint(record)) for p, record in last.items()})
    applied.facts = len(fresh)
    applied.identities = list(decoded)
    return applied


async def replay(tx: Transaction, goals: Goals, record: Arrived) -> None:
    """Projects a parked record again; of a test event, that it can be read is all. Raises `Malformed` when it can't."""
    if await definitions.hold_alone(tx.connection) != goals.generation:
        raise DefinitionsMoved
    one = decode(_as_consumed(record), record.topic)
    if one.test:
        return
    await project(tx.connection, goals, await _add_staged(tx.connection, [one]))
    await tx.execute(definitions.NEXT_GENERATION)  # no offset moves, and whoever keeps figures must read them again


async def project(connection: Connection, goals: Goals, fresh: Sequence[Decoded]) -> None:
    """Brings states, tallies and governance up to date with facts that have just been added."""
    touched: dict[str, Touched] = {}
    links: list[tuple[str, str, str]] = []
    early = await facts.early_withdrawals(connection)
    moved = await touch_moved(connection, goals, [one.fact for one in fresh], touched)
    for one in fresh:
        is_withdrawn = bool(early) and identity(one.fact) in early
        if is_withdrawn:
            await connection.execute(facts.DROP_EARLY_WITHDRAWAL, *identity(one.fact))
        if one.data is not None:
            touch(goals, one.fact, touched, links, anew=is_withdrawn or key_of(one.fact) in moved)
    if links:
        await facts.add_links(connection, links)
    await states.add_heard(connection, heard_of(one.row for one in fresh))
    await quality.note(connection, fresh)
    withdrawals = [one.fact for one in fresh if one.row.type == WITHDRAWN and one.data is not None]
    if withdrawals:
        await _withdraw(connection, goals, withdrawals, touched)
    await update(connection, goals, touched)
    if any(one.row.topic == GOVERNANCE for one in fresh):
        await decide(connection)


def touch(
    goals: Goals, fact: Fact, touched: dict[str, Touched], links: list[tuple[str, str, str]], *, anew: bool,
    taken_back: bool = False,
) -> None:  # fmt: skip
    """Notes what one fact says for every ledger that it bears on, and its links: (subject, source, event id).

    `anew`: its subjects are to be folded from all their facts: it is taken back, or stands against others.
    """
    linked: set[str] = set()
    for ledger, clause in goals.by_type.get(fact.type, ()):
        subject = clause.subject_of(fact)
        if subject is None:
            continue
        if subject != fact.subject:
            linked.add(subject)
        into = touched.setdefault(ledger.name, Touched())
        if clause.looked_up_by is not None:
            into.looked_up.add(subject)
        elif taken_back and not ledger.rule.looks_up:
            into.taken_back.setdefault(subject, set()).add(precedence(fact))
        elif anew or ledger.rule.looks_up:
            into.anew.add(subject)
        else:
            keep(into.states.setdefault(subject, {}), clause.slot(fact), clause.version(fact))
    links += [(subject, fact.source, fact.id) for subject in linked]


Key: TypeAlias = tuple[str, str, str]
"""(topic, type, Kafka key) of a fact."""


def key_of(fact: Fact) -> Key:
    return (fact.topic, fact.type, fact.subject)


async def touch_moved(
    connection: Connection, goals: Goals, said: Iterable[Fact], touched: dict[str, Touched]
) -> set[Key]:
    """Where a correction may be about another subject, has the subjects of all that is said under the same key folded
    anew. Gives the keys with more than one fact."""
    keys = {key_of(fact) for fact in said if fact.type in goals.moving}
    again = list(map(stored_fact, await facts.said_again(connection, keys))) if keys else []
    for fact in again:
        touch(goals, fact, touched, [], anew=True)
    return {key_of(fact) for fact in again}


def heard_of(rows: Iterable[FactRow]) -> states.Heard:
    """Of each source and day of being recorded, how many facts, how many late, and the last."""
    found: dict[tuple[str, date], tuple[int, int, datetime]] = {}
    for row in rows:
        recorded = row.recordedtime or row.time
        key = (row.source, local_date(recorded))
        count, late, last = found.get(key, (0, 0, recorded))
        late += not row.history and recorded - row.time > LATE
        found[key] = (count + 1, late, max(last, recorded))
    return found


async def _add_facts(connection: Connection, decoded: Sequence[Decoded]) -> Sequence[Decoded]:
    """Adds the facts, and gives those that are new. Most batches have no fact that is known, so COPY is tried first."""
    if not decoded:
        return []
    try:
        async with connection.transaction():
            await facts.copy_facts(connection, [one.row for one in decoded])
        return decoded
    except asyncpg.UniqueViolationError:
        return await _add_staged(connection, decoded)


async def _add_staged(connection: Connection, decoded: Sequence[Decoded]) -> Sequence[Decoded]:
    added = await facts.stage_facts(connection, [one.row for one in decoded])
    return [one for one in decoded if (one.row.source, one.row.event_id) in added]


async def _withdraw(
    connection: Connection, goals: Goals, withdrawals: Sequence[Fact], touched: dict[str, Touched]
) -> None:
    """Marks the subjects of what is taken back, to be folded anew; notes what is taken back before it has come."""
    targets = {target for fact in withdrawals if (target := target_of(fact)) is not None}
    if not targets:
        return
    rows = await facts.facts_at(connection, [(source, id) for _, _, source, id in targets])
    known = {(row.source, row.event_id) for row in rows}
    for target in targets:
        if target[2:] not in known:
            await connection.execute(facts.ADD_EARLY_WITHDRAWAL, *target)
    taken_back = [fact for row in rows if identity(fact := stored_fact(row)) in targets]
    for fact in taken_back:
        touch(goals, fact, touched, [], anew=True, taken_back=True)
    await touch_moved(connection, goals, taken_back, touched)


async def update(connection: Connection, goals: Goals, touched: Mapping[str, Touched]) -> None:
    """Brings the states and tallies of all touched ledgers up to date, in one order for everyone."""
    names = sorted(touched)
    for name in names:
        ledger, into = goals.ledgers[name], touched[name]
        if ledger.rule.looks_up:
            # Whoever holds the lock sees what those before it have added: a link and what it leads to never miss each other.
            await states.lock_ledger(connection, name)
            if into.looked_up:
                into.anew |= await states.followers(connection, name, into.looked_up)
    for name in names:
        await _update(connection, goals.ledgers[name], touched[name])


async def _update(connection: Connection, ledger: Ledger, into: Touched) -> None:
    """Merges what is new into the states of a ledger's subjects, and adds the difference to the tally."""
    rule = ledger.rule
    subjects = sorted(into.states.keys() | into.anew | into.taken_back.keys())
    before_all = await states.lock_states(connection, ledger.name, subjects)
    for subject, gone in into.taken_back.items():  # what was corrected before it was taken back is missed by nobody
        versions = (*before_all.get(subject, {}).values(), *into.states.get(subject, {}).values())
        if any(version[:4] in gone for version in versions):
            into.anew.add(subject)
    subjects = [subject for subject in subjects if subject in into.states or subject in into.anew]
    # After the lock: what another process has added by then is seen.
    anew = await about(connection, ledger, sorted(into.anew)) if into.anew else {}
    deltas: dict[tuple[str, str, Cell], tuple[int, int, int]] = {}
    added: list[tuple[Any, ...]] = []
    changed: list[tuple[Any, ...]] = []
    for subject in subjects:
        before = before_all.get(subject)
        if subject in anew:
            after = rule.fold(subject, anew[subject])
        else:
            after = into.states[subject] if before is None else merge(before, into.states[subject])
        if after == (before or {}) and (before is not None or subject not in anew):
            continue
        counts = rule.contribution(after)
        place = rule.place(subject, after, counts, anew.get(subject, ()))
        if before is None and not after and place is None:
            continue
        counted = rule.contribution(before) if before else {}
        for cell, numerator, denominator in difference(counted, counts):
            key = (ledger.goal, ledger.measure, cell)
            was = deltas.get(key, (0, 0, 0))
            deltas[key] = (was[0] + numerator, was[1] + denominator, was[2])
        for cell, times in told(counted, counts):
            key = (ledger.goal, ledger.measure, cell)
            was = deltas.get(key, (0, 0, 0))
            deltas[key] = (was[0], was[1], was[2] + times)
        area, day = place or (None, None)
        (added if before is None else changed).append((ledger.name, subject, area, day, states.written(after)))
    if added:
        await states.copy_states(connection, added)
    if changed:
        await states.update_states(connection, changed)
    await states.add_to_tally(connection, deltas)


async def decide(connection: Connection) -> None:
    """Folds all of governance anew: it is little, and then in no need of an order."""
    await connection.execute(governance.LOCK_GOVERNANCE)
    said = []
    for row in await governance.governance_facts(connection):
        data = stored_data(row)
        if data is not None:
            said.append((fact_of(row, data), data))
    await governance.replace_governance(connection, landlord(said))


async def _park(tx: Transaction, topic: str, record: Record, refused: Refused) -> None:
    arrived = Arrived(topic, record.partition, record.offset, record.key, tuple(record.headers), record.value)
    log.info("a record is parked", topic=topic, partition=record.partition, offset=record.offset, reason=refused.reason)
    await parked.park(tx, SERVICE, arrived, refused.reason, refused.detail)


def is_race(error: BaseException) -> bool:
    """Whether two processes added the same new subject at once, or waited for each other: the second try goes well."""
    return isinstance(error, asyncpg.UniqueViolationError | asyncpg.DeadlockDetectedError)


def _as_consumed(record: Arrived) -> Record:
    return ConsumerRecord(
        topic=record.topic, partition=record.partition, offset=record.offset, timestamp=0, timestamp_type=0,
        key=record.key, value=record.value, checksum=None, serialized_key_size=0, serialized_value_size=0,
        headers=tuple(record.headers),
    )  # fmt: skip
