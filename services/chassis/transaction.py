"""What a verb is given: an open transaction, and the means to say what must commit with it."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

from opentelemetry import propagate

from schemas.event import Event, EventData
from schemas.kafka import to_record
from schemas.topics import TOPICS
from services.chassis import outbox
from services.chassis.clock import Clock
from services.chassis.ids import uuid7
from services.chassis.outbox import Outgoing
from services.chassis.vault import Vault

if TYPE_CHECKING:
    from services.chassis.postgres import Connection


class Transaction:
    """An open Postgres transaction. Verbs pass it on and never commit; events published in it leave when it commits."""

    def __init__(self, connection: "Connection", *, clock: Clock, vault: Vault, service: str) -> None:
        self.connection = connection
        self._clock = clock
        self._vault = vault
        self._service = service
        self._outgoing: list[Outgoing] = []

    def now(self) -> datetime:
        return self._clock.now()

    async def fetch(self, sql: str, *args: Any) -> list[Any]:
        return await self.connection.fetch(sql, *args)

    async def fetchrow(self, sql: str, *args: Any) -> Any | None:
        return await self.connection.fetchrow(sql, *args)

    async def fetchval(self, sql: str, *args: Any) -> Any:
        return await self.connection.fetchval(sql, *args)

    async def execute(self, sql: str, *args: Any) -> str:
        return await self.connection.execute(sql, *args)

    async def executemany(self, sql: str, args: Iterable[Sequence[Any]]) -> None:
        await self.connection.executemany(sql, args)

    def publish(self, data: EventData, *, time: datetime | None = None, history: bool = False) -> str:
        """Says that something happened, at `time` (now by default). Returns the event's id. Sent after the commit."""
        now = self.now()
        event = Event.of(
            data,
            id=str(uuid7(now)),
            source=source_of(self._service),
            time=time or now,
            recordedtime=now,
            history=history,
            **_trace(data),
        )
        self._outgoing.append(_outgoing(event, data.topic, {}, numbered=True))
        return event.id

    def forward(self, event: Event[EventData], topic: str, ours: Mapping[str, str]) -> None:
        """Sends on to `topic` an event that another system published, with its own id, source and attributes but for
        `ours`, which are as they go on the wire."""
        self._outgoing.append(_outgoing(event, topic, ours, numbered=False))

    def send(self, outgoing: Outgoing) -> None:
        """Sends a record that is not an event of the catalogue, such as the copy of a parked one."""
        self._outgoing.append(outgoing)

    async def seal(self, person: str, plaintext: bytes) -> bytes:
        """Encrypts under the person's key, made on first use. Raises `Erased`."""
        return await self._vault.seal(self.connection, person, plaintext)

    async def unseal(self, person: str, sealed: bytes) -> bytes:
        """Decrypts what `seal` made. Raises `Erased`, or `Unfit` for bytes of another key."""
        return await self._vault.unseal(self.connection, person, sealed)

    def seal_private(self, topic: str, plaintext: bytes) -> bytes:
        """Encrypts under the service's own key what came from, or goes to, a private topic."""
        return self._vault.seal_private(topic, plaintext)

    def unseal_private(self, topic: str, sealed: bytes) -> bytes:
        """Decrypts what `seal_private` made. Raises `Unfit` for bytes of another key or topic."""
        return self._vault.unseal_private(topic, sealed)

    async def erase(self, person: str) -> None:
        """Destroys the person's key: what is sealed under it is gone, and the ref is refused for ever."""
        await self._vault.erase(self.connection, person, self.now())

    async def is_erased(self, person: str) -> bool:
        return bool(await self.erased([person]))

    async def erased(self, persons: Sequence[str]) -> set[str]:
        """Which of `persons` have been erased."""
        return await self._vault.erased(self.connection, persons)

    def fingerprint(self, data: bytes) -> bytes:
        """A keyed hash, 32 bytes: tells same from different content, and can't be guessed from outside."""
        return self._vault.fingerprint(data)

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """What is done and published inside is undone when it raises; the transaction goes on."""
        before = len(self._outgoing)
        try:
            async with self.connection.transaction():
                yield
        except BaseException:
            del self._outgoing[before:]
            raise

    @asynccontextmanager
    async def undone(self) -> AsyncIterator[None]:
        """What is done and published inside is undone at its end, whether it raises or not; the transaction goes on."""
        with suppress(_Undo):
            async with self.savepoint():
                yield
                raise _Undo

    async def flush(self) -> None:
        """Writes the published events to the outbox. Called once by the boundary, last before the commit."""
        outgoing, self._outgoing = self._outgoing, []
        if outgoing:
            await outbox.add(self.connection, self._vault, outgoing)


class _Undo(Exception):
    """Ends `Transaction.undone`."""


def source_of(service: str) -> str:
    """The CloudEvents source of one of our own services."""
    return f"urn:hem:{service}"


def _outgoing(event: Event[EventData], topic_name: str, ours: Mapping[str, str], *, numbered: bool) -> Outgoing:
    record = to_record(event, ours)
    topic = TOPICS[topic_name]
    return Outgoing(
        event_id=event.id,
        topic=topic.name,
        key=event.subject,
        headers=tuple(record.headers),
        payload=record.value,
        person=event.subject if topic.personal else None,
        private=topic.private,
        numbered=numbered,
    )


def _trace(data: EventData) -> dict[str, str]:
    if TOPICS[data.topic].private:  # a trace would tie an answer to its answerer
        return {}
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    return {name: carrier[name] for name in ("traceparent", "tracestate") if name in carrier}
