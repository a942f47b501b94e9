"""The gateway as its users meet it: a running service, keys, and events as they stand in JSON."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx2
import pytest

from services.chassis.service import Service
from services.chassis.testkit import OPERATOR, Running, Start, eventually
from services.gateway.app import service

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"

MakeKey = Callable[..., Awaitable[str]]
Post = Callable[..., Awaitable[httpx2.Response]]
Json = dict[str, Any]


@dataclass
class Cable:
    """A TCP line to Postgres that can be pulled out and put back."""

    host: str
    port: int
    near: int = 0
    plugged: bool = True
    lines: set[asyncio.StreamWriter] = field(default_factory=set)

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection: both ways until either end, or the cable, gives up."""
        if not self.plugged:
            writer.close()
            return
        far_reader, far_writer = await asyncio.open_connection(self.host, self.port)
        self.lines |= {writer, far_writer}
        try:
            await asyncio.gather(self._copy(reader, far_writer), self._copy(far_reader, writer))
        finally:
            self.lines -= {writer, far_writer}

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    def cut(self) -> None:
        for line in self.lines:
            line.transport.abort()

    @asynccontextmanager
    async def pulled(self) -> AsyncIterator[None]:
        """Cuts what is connected and lets nobody connect, until the block ends."""
        self.plugged = False
        self.cut()
        yield
        self.plugged = True


@pytest.fixture
async def cable(postgres_dsn: str) -> AsyncIterator[Cable]:
    address = urlsplit(postgres_dsn)
    cable = Cable(str(address.hostname), int(address.port or 5432))
    server = await asyncio.start_server(cable.carry, "127.0.0.1", 0)
    async with server:
        cable.near = server.sockets[0].getsockname()[1]
        yield cable
        cable.cut()

        async def quiet() -> bool:
            return not cable.lines

        await eventually("the lines to Postgres to end", quiet)


@pytest.fixture
async def gateway(cable: Cable, start: Start, new_database: Callable[[Service], Awaitable[str]]) -> Running:
    """The service, with a cable to its database that a test may pull."""
    dsn = urlsplit(await new_database(service))
    credentials, at, _ = dsn.netloc.rpartition("@")
    through = dsn._replace(netloc=f"{credentials}{at}127.0.0.1:{cable.near}")
    return await start(service, database_url=urlunsplit(through))


@pytest.fixture
def make_key(gateway: Running) -> MakeKey:
    """`await make_key("housing", allow=["all"], sources=[])` → the key."""

    async def make(
        publisher: str = "housing", *, allow: list[str] | None = None, sources: list[str] | None = None
    ) -> str:
        order = {"publisher": publisher, "allow": allow or ["all"], "sources": sources or []}
        answer = await gateway.client.post("/ops/gateway/keys", json=order, headers=OPERATOR)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["key"])

    return make


@pytest.fixture
async def key(make_key: MakeKey) -> str:
    """A key of publisher "housing" for every type and the source urn:test:housing."""
    return await make_key(sources=["urn:test:housing"])


@pytest.fixture
def post(gateway: Running, key: str) -> Post:
    """`await post(event)`: an object goes structured, a list as a batch, bytes as they are; `key=None` sends none."""
    own = key

    async def send(
        body: Any, *, key: str | None = own, content_type: str | None = None, **headers: str
    ) -> httpx2.Response:
        if not isinstance(body, bytes):
            usual = BATCH if isinstance(body, list) else STRUCTURED
            content_type = usual if content_type is None else content_type
            body = json.dumps(body).encode()
        sent = {"content-type": STRUCTURED if content_type is None else content_type}
        if key is not None:
            sent["authorization"] = f"Bearer {key}"
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        return await gateway.client.post("/events", content=body, headers=sent)

    return send


_numbers = itertools.count()


def event(name: str, about: str, data: Json, **attributes: Any) -> Json:
    made: Json = {
        "specversion": "1.0",
        "id": f"e-{next(_numbers)}",
        "source": "urn:test:housing",
        "type": f"se.vatterhem.{name}.v1",
        "subject": about,
        "time": "2019-03-01T12:00:00+01:00",
        "datacontenttype": "application/json",
        "data": data,
    }
    return {k: v for k, v in (made | attributes).items() if v is not None}


@pytest.fixture
def move_in() -> Callable[..., Json]:
    """`move_in(tenancy="t-1", id=…, data={changes})`: a TenantMovedIn as JSON; an attribute set to None is left out."""

    def make(tenancy: str = "t-1", *, data: Json | None = None, **attributes: Any) -> Json:
        said = {
            "tenancy_id": tenancy,
            "tenant_ref": f"ref-{tenancy}",
            "area_id": "oxnehaga",
            "building_id": "b-7",
            "dwelling_id": "d-77",
            "moved_in_on": "2019-03-01",
            "contact_rule": "any",
        }
        return event("TenantMovedIn", tenancy, said | (data or {}), **attributes)

    return make


@pytest.fixture
def too_large() -> Callable[..., Json]:
    """`too_large()`: an AreaDefined that fits its schema and is larger than the gateway lets in."""
    region = {"code": "å" * 128, "kind": "RegSO", "version": "ö" * 128, "weight": 0.005}
    area: Json = {
        "area_id": "oxnehaga",
        "name": "Öxnehaga",
        "municipality_code": "0680",
        "statistics_regions": [region] * 200,
        "valid_from": "2019-01-01",
    }

    def make(**attributes: Any) -> Json:
        return event("AreaDefined", "oxnehaga", area, **attributes)

    return make


@pytest.fixture
def contact() -> Callable[..., Json]:
    """`contact("ref-1", email=…)`: a TenantContactChanged as JSON."""

    def make(ref: str = "ref-1", *, email: str = "amina.testsson@example.se", **attributes: Any) -> Json:
        said = {"tenant_ref": ref, "name": "Amina Testsson", "email": email, "language": "so"}
        return event("TenantContactChanged", ref, said, **attributes)

    return make


@pytest.fixture
def erasure() -> Callable[..., Json]:
    def make(ref: str = "ref-1", **attributes: Any) -> Json:
        return event("TenantContactErased", ref, {"tenant_ref": ref}, **attributes)

    return make


@pytest.fixture
def withdrawal() -> Callable[..., Json]:
    """`withdrawal(of=event)`: an EventWithdrawn as JSON."""

    def make(of: Json, *, reason: str = "registered_in_error", **attributes: Any) -> Json:
        said = {"withdrawn_source": of["source"], "withdrawn_id": of["id"], "reason": reason}
        return event("EventWithdrawn", of["subject"], said, **attributes)

    return make


@pytest.fixture
def all_sent(gateway: Running) -> Callable[[], Awaitable[None]]:
    """`await all_sent()`: waits until everything that was accepted stands on its topic."""

    async def wait() -> None:
        async def probe() -> bool:
            return not await gateway.ctx.db.pool.fetchval("select count(*) from outbox where sent_at is null")

        await eventually("the outbox to be sent", probe)

    return wait
