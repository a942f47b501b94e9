"""From Kafka to the reactions: one transaction a batch, each event's effect once, nothing lost, nothing in the way.

FastStream gives the batches. Every default that loses or blocks records is set aside here; why each is as it is stands
in docs/decisions/0006-consuming.md, and a test in tests/chassis fails when one is reverted.
"""

import asyncio
import dataclasses
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import structlog
from aiokafka import ConsumerRecord
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage
from opentelemetry.trace import Link, SpanKind, get_current_span

from schemas.event import ANY_TOPIC, Event, EventData
from schemas.kafka import Malformed, UnknownType, from_record, is_test
from schemas.topics import TOPICS
from services.chassis import inbox, parked
from services.chassis.backoff import Backoff
from services.chassis.consumer import CarefulConsumer, park_unreadable
from services.chassis.context import Context
from services.chassis.errors import Unfit, describe, is_temporary
from services.chassis.parked import Arrived
from services.chassis.telemetry import context_of, span
from services.chassis.transaction import Transaction

log = structlog.get_logger(__name__)

Reaction = Callable[[Event[Any], Transaction], Awaitable[None]]
BATCH = 500


@dataclasses.dataclass(frozen=True, slots=True)
class Refused:
    """Why a record can't be handled."""

    reason: str
    detail: str


BEHIND = Refused(parked.BEHIND, "an earlier event of this key is parked; events of this topic are handled in order")


STOP_WITHIN = 3.0  # seconds; with the other parts of a service a stop stays within ten


@dataclasses.dataclass(slots=True)
class Done:
    """What a batch came to, counted when it is committed. `parked`: live ones, which somebody has to see to."""

    handled: int = 0
    parked: int = 0
    tests: int = 0


class Reception:
    """Hands a service's events to its reactions, by type."""

    def __init__(self, ctx: Context, reactions: Mapping[type[EventData], Reaction]) -> None:
        self._ctx = ctx
        self._reactions = {data.type: reaction for data, reaction in reactions.items()}
        self._ordered = {name for name, topic in TOPICS.items() if ctx.name in topic.ordered}
        self._backoff = Backoff()

    async def receive(self, message: KafkaMessage) -> None:
        """FastStream's handler. Never raises into the framework, which would acknowledge or spin."""
        records = [self._arrived(record) for record in message.raw_message]
        self._ctx.metrics.received.add(len(records))
        try:
            await self.handle(records)
        except Exception as error:
            # Handling parks what is wrong with an event, so this is a dependency or our own defect: neither is skipped.
            self._ctx.health.bad("reception", f"waiting: {describe(error)}")
            self._ctx.metrics.waits.add(1)
            (log.warning if is_temporary(error) else log.exception)("reception waits", error=describe(error))
            await self._backoff.wait()
            await message.nack()  # the same batch comes again, in order
            return
        self._backoff.reset()
        self._ctx.health.ok("reception")
        await message.ack()

    async def handle(self, records: Sequence[Arrived]) -> None:
        """Has every effect of `records` committed, or raises because a dependency is down."""
        started = time.monotonic()
        with span(self._ctx.tracer, "batch", kind=SpanKind.CONSUMER):
            try:
                async with self._ctx.db.transaction() as tx:
                    done = await self._together(tx, records)
            except Exception as error:
                if is_temporary(error):
                    raise
                log.info("a batch is handled one event at a time", records=len(records), error=describe(error))
                async with self._ctx.db.transaction() as tx:
                    done = await self._one_by_one(tx, records)
        self._ctx.metrics.handled.add(done.handled)
        self._ctx.metrics.parked.add(done.parked)
        self._ctx.metrics.tests.add(done.tests)
        self._ctx.metrics.batch_duration.record(time.monotonic() - started)

    async def replay(self, record: Arrived, tx: Transaction) -> None:
        """Handles a parked record again. Raises where it still can't be handled."""
        match self._read(record):
            case Refused(reason, detail):
                raise Unfit(reason, detail)
            case None:
                raise Unfit("no_reaction", f"{self._ctx.name} has no reaction to this type of event")
            case Event(test=True) as event:
                async with tx.undone():
                    await self._react(event, tx)
            case Event() as event:
                for fresh in await inbox.claim(tx, self._ctx.name, [event]):
                    await self._react(fresh, tx)

    async def _together(self, tx: Transaction, records: Sequence[Arrived]) -> "Done":
        done = Done()
        held = await self._held(tx, records)
        events: list[Event[Any]] = []
        tests: list[tuple[Arrived, Event[Any]]] = []
        for record in records:
            match self._outcome(record, held):
                case Refused() as refused:
                    await self._park(tx, record, refused, done)
                case Event(test=True) as event:
                    tests.append((record, event))
                case Event() as event:
                    events.append(event)
                case None:
                    pass
        for event in await inbox.claim(tx, self._ctx.name, events):
            await self._react(event, tx)
            done.handled += 1
        for record, event in tests:
            if wrong := await self._try_out(tx, event, done):
                await self._park(tx, record, wrong, done)
        return done

    async def _one_by_one(self, tx: Transaction, records: Sequence[Arrived]) -> "Done":
        done = Done()
        held = await self._held(tx, records)
        for record in records:
            outcome = self._outcome(record, held)
            if isinstance(outcome, Event):
                handle = self._try_out if outcome.test else self._try
                outcome = await handle(tx, outcome, done)
                if outcome is not None:
                    self._hold(record, held)
            if outcome is not None:
                await self._park(tx, record, outcome, done)
        return done

    async def _try(self, tx: Transaction, event: Event[Any], done: "Done") -> Refused | None:
        try:
            async with tx.savepoint():
                for fresh in await inbox.claim(tx, self._ctx.name, [event]):
                    await self._react(fresh, tx)
                    done.handled += 1
        except Exception as error:
            return _refused(event, error)
        return None

    async def _try_out(self, tx: Transaction, event: Event[Any], done: "Done") -> Refused | None:
        """Runs the reaction to a test event and undoes all of it. The inbox isn't asked: a live event may bear the id."""
        done.tests += 1
        try:
            async with tx.undone():
                await self._react(event, tx)
        except Exception as error:
            return _refused(event, error)
        return None

    async def _react(self, event: Event[Any], tx: Transaction) -> None:
        batch = Link(get_current_span().get_span_context())
        with span(
            self._ctx.tracer,
            f"react to {event.data.__class__.__name__}",
            context=context_of(event),
            kind=SpanKind.CONSUMER,
            links=[batch],
            attributes={"messaging.message.id": event.id},
        ):
            await self._reactions[event.type](event, tx)

    def _outcome(self, record: Arrived, held: set[tuple[str, bytes]]) -> Event[Any] | Refused | None:
        """The event to react to; why it can't be; or None where this service has no reaction to its type."""
        behind = record.key is not None and (record.topic, record.key) in held
        outcome = BEHIND if behind and not is_test(record.headers, record.value) else self._read(record)
        if isinstance(outcome, Refused):
            self._hold(record, held)
        return outcome

    def _read(self, record: Arrived) -> Event[Any] | Refused | None:
        try:
            event = from_record(record.key, record.value, record.headers)
            if event.data.topic not in (record.topic, ANY_TOPIC):
                return Refused("wrong_topic", f"events of this type belong on {event.data.topic}")
        except UnknownType:
            return None  # a type that came after this version: others react to it
        except Malformed as malformed:
            return Refused(malformed.code, malformed.detail)
        return event if event.type in self._reactions else None

    def _hold(self, record: Arrived, held: set[tuple[str, bytes]]) -> None:
        """Later events of its key wait, unless it is a test event: such a one neither waits nor makes others wait."""
        if record.topic in self._ordered and record.key is not None and not is_test(record.headers, record.value):
            held.add((record.topic, record.key))

    async def _held(self, tx: Transaction, records: Sequence[Arrived]) -> set[tuple[str, bytes]]:
        ordered = [record for record in records if record.topic in self._ordered]
        return await parked.keys_with_parked(tx, self._ctx.name, ordered) if ordered else set()

    async def _park(self, tx: Transaction, record: Arrived, refused: Refused, done: "Done") -> None:
        await parked.park(tx, self._ctx.name, record, refused.reason, refused.detail)
        done.parked += not is_test(record.headers, record.value)

    def _arrived(self, record: ConsumerRecord) -> Arrived:
        topic = self._ctx.catalogue_name(record.topic)
        return Arrived(topic, record.partition, record.offset, record.key, tuple(record.headers), record.value)


def _refused(event: Event[Any], error: Exception) -> Refused:
    """Why `event` is parked. Raises the error when it is a dependency that is down."""
    if is_temporary(error):
        raise error
    log.error("an event could not be handled", event_id=event.id, type=event.type, test=event.test, exc_info=error)
    return Refused(error.reason, error.detail) if isinstance(error, Unfit) else Refused("defect", describe(error))


async def start_broker(ctx: Context, reception: Reception, topics: Sequence[str]) -> KafkaBroker:
    """Feeds `reception` from `topics` (names in the catalogue), which must exist. Whoever starts it stops it."""
    broker = KafkaBroker(
        ctx.settings.kafka_servers,
        consumer_only=True,
        allow_auto_create_topics=False,  # a typo would make a topic, whatever the cluster's own setting says
        apply_types=False,
        graceful_timeout=STOP_WITHIN,
        request_timeout_ms=11000,  # a topic that is missing is reported in so many seconds, not in forty
        logger=None,
    )
    subscriber = broker.subscriber(
        *(ctx.topic(name) for name in topics),
        group_id=ctx.group,
        batch=True,
        max_records=BATCH,
        batch_timeout_ms=1000,  # for the first record; what comes is handed out at once
        auto_offset_reset="earliest",
        ack_policy=AckPolicy.MANUAL,
        parser=_parser,
        decoder=_as_it_is,
        session_timeout_ms=10000,
        heartbeat_interval_ms=1000,
        rebalance_timeout_ms=20000,
        max_poll_interval_ms=120000,
    )
    subscriber(reception.receive)
    try:
        await broker.connect()
        config = broker.config.broker_config
        builder: partial[Any] = config.builder  # type: ignore[assignment]
        config.builder = partial(CarefulConsumer, unreadable=park_unreadable(ctx), **builder.keywords)
        await broker.start()
    except BaseException:
        await stop_broker(broker)
        raise
    return broker


async def stop_broker(broker: KafkaBroker) -> None:
    """Stops fetching and finishes the batch in hand. With Kafka away aiokafka would wait for it to commit and to leave
    the group: then it is left so, and the next start copes."""
    with suppress(Exception):
        async with asyncio.timeout(STOP_WITHIN):
            await broker.stop()


async def _parser(batch: tuple[ConsumerRecord, ...], original: Any) -> KafkaMessage:
    """FastStream's own parser, given headers that it survives; the untouched records stay on `raw_message`."""
    message: KafkaMessage = await original(tuple(dataclasses.replace(record, headers=()) for record in batch))
    message.raw_message = batch
    return message


async def _as_it_is(message: KafkaMessage) -> KafkaMessage:
    return message
