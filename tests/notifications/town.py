"""A mail server that says what a test wants, and the households and events a test is made of."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import date
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from itertools import count
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from schemas.governance import ProgrammeStarted
from schemas.tenancy import TenantContactChanged, TenantMovedIn
from services.chassis.testkit import Bus, Running, eventually

HOST = "127.0.0.1"
MOVED_IN = date(2019, 3, 1)

Notify = Callable[..., Awaitable[Running]]


class Conversation(SMTP):
    """Tells its server when it is over."""

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        self.event_handler.ended += 1


@dataclass
class MailServer:
    """Takes mail by real SMTP. `rcpt`, `data`: its answers, which tests replace; `mails`: what it has taken."""

    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    connections: int = 0
    ended: int = 0
    options: dict[str, Any] = field(default_factory=dict)
    utf8: bool = True
    port: int = 0
    _server: asyncio.Server | None = None
    _open: set[SMTP] = field(default_factory=set)

    async def rcpt(self, address: str) -> str:
        return "250 OK"

    async def data(self, connection: SMTP) -> str:
        return "250 OK, taken"

    async def up(self) -> None:
        self._server = await asyncio.get_running_loop().create_server(self._protocol, HOST, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def down(self) -> None:
        """Closes the door and every conversation, as a server that is stopped does."""
        assert self._server is not None
        self._server.close()
        for protocol in self._open:
            hang_up(protocol)
        await self._server.wait_closed()

    def _protocol(self) -> SMTP:
        self.connections += 1
        protocol = Conversation(self, enable_SMTPUTF8=self.utf8, **self.options)
        self._open.add(protocol)
        return protocol

    async def handle_RCPT(  # noqa: N802 (aiosmtpd's name)
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = await self.rcpt(address)
        if answer.startswith("2"):
            envelope.rcpt_tos.append(address)
            envelope.rcpt_options.extend(options)
        return answer

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content if isinstance(envelope.content, bytes) else str(envelope.content).encode()
        answer = await self.data(server)
        if answer.startswith("2"):
            self.mails.append(message_from_bytes(content, policy=default))
            self.recipients += envelope.rcpt_tos
        return answer


def hang_up(connection: SMTP) -> None:
    """Loses the connection without a word."""
    if isinstance(connection.transport, asyncio.WriteTransport):
        connection.transport.abort()


@dataclass(frozen=True)
class State:
    """What is true of one tenancy in the end: each message's state, the channel of the offer, the to-do's state."""

    messages: tuple[str, ...] = ()
    offered: str | None = None
    todo: str | None = None


async def settled(running: Running, bus: Bus) -> None:
    """Waits until all that was published is heard and decided about."""
    await running.caught_up(bus)
    pool = running.ctx.db.pool

    async def decided() -> bool:
        return not await pool.fetchval("select count(*) from reconsider where due_at <= $1", running.ctx.clock.now())

    await eventually("every decision", decided)
    await running.caught_up(bus)


async def state_of(running: Running, tenancy: str) -> State:
    pool = running.ctx.db.pool
    messages = await pool.fetch("select state from message where subject = $1 order by version", tenancy)
    return State(
        messages=tuple(row["state"] for row in messages),
        offered=await pool.fetchval("select channel from offer where tenancy_id = $1", tenancy),
        todo=await pool.fetchval("select state from todo where tenancy_id = $1", tenancy),
    )


async def becomes(running: Running, tenancy: str, wanted: State) -> None:
    """Waits until a tenancy's state is the wanted one."""
    last = None

    async def is_so() -> bool:
        nonlocal last
        last = await state_of(running, tenancy)
        return last == wanted

    try:
        await eventually(f"{tenancy} to become {wanted}", is_so)
    except pytest.fail.Exception:
        pytest.fail(f"{tenancy}: wanted {wanted}, last seen {last}")


_numbers = count(1)


@dataclass(frozen=True)
class Household:
    """A made-up household and what could be told of it; ids are new for each."""

    area: str = "oxnehaga"
    number: int = field(default_factory=lambda: next(_numbers))

    @property
    def tenancy(self) -> str:
        return f"tenancy-{self.number}"

    @property
    def ref(self) -> str:
        return f"household-{self.number}"

    @property
    def email(self) -> str:
        return f"household{self.number}@example.se"

    def moved_in(self, **said: Any) -> TenantMovedIn:
        facts = {"area_id": self.area, "moved_in_on": MOVED_IN, "contact_rule": "any", **said}
        return TenantMovedIn(tenancy_id=self.tenancy, tenant_ref=self.ref, **facts)

    def contact(self, **said: Any) -> TenantContactChanged:
        facts = {"name": "Amina Ek", "email": self.email, "language": "sv", **said}
        return TenantContactChanged(tenant_ref=self.ref, **facts)


def programme(area: str = "oxnehaga", begins: date = date(2019, 1, 1)) -> ProgrammeStarted:
    return ProgrammeStarted(programme="housing_introduction", area_id=area, from_=begins)


async def tries(running: Running, home: Household, number: int) -> None:
    """Waits until a household's message has been turned down so many times, and that is written down.

    That the server was asked is too early to move the clock at: the next try is reckoned from when it is written down.
    """

    async def turned_down() -> bool:
        return bool(
            await running.ctx.db.pool.fetchval(
                "select postponed = $2 from message where subject = $1", home.tenancy, number
            )
        )

    await eventually(f"{number} tries", turned_down)
