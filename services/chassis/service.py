"""A service from its parts: what it hears, what it serves, what it runs. `app.py` of each service is made of this."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from opentelemetry.sdk.trace import TracerProvider
from prometheus_client import CollectorRegistry
from prometheus_client.registry import Collector

import services
from schemas.event import ANY_TOPIC, EventData
from services.chassis import housekeeping, postgres, relay, telemetry
from services.chassis.backoff import Backoff
from services.chassis.clock import Clock, SystemClock
from services.chassis.context import Context
from services.chassis.errors import POSTGRES_LATER, Unavailable, describe, is_temporary
from services.chassis.health import Health
from services.chassis.metrics import instruments
from services.chassis.operations import health_routes, parked_routes
from services.chassis.parked import Arrived
from services.chassis.reception import STOP_WITHIN, Reaction, Reception, start_broker, stop_broker
from services.chassis.settings import ServiceSettings
from services.chassis.transaction import Transaction
from services.chassis.vault import Vault
from services.chassis.web import Router, install
from services.chassis.web.problem import refusal
from services.chassis.web.router import refuse_undeclared
from services.chassis.workers import Worker, keep_running

log = structlog.get_logger(__name__)

Replay = Callable[[Context, Arrived, Transaction], Awaitable[None]]


@dataclass(frozen=True)
class Service:
    """The contents page of one service.

    `reactions`: event model → what happens; `routes`: pages and API; `workers`: what runs beside them;
    `collectors`: Prometheus collectors of the service's own; `replay`: how a parked record is handled again, where that
    isn't by its reaction.
    """

    name: str
    settings: type[ServiceSettings]
    reactions: Mapping[type[EventData], Reaction] = field(default_factory=dict)
    routes: Sequence[Router] = ()
    workers: Sequence[Worker] = ()
    collectors: Sequence[Callable[[Context], Collector]] = ()
    replay: Replay | None = None

    @property
    def folder(self) -> Path:
        return Path(services.__path__[0]) / self.name

    @property
    def hears(self) -> list[str]:
        """The topics this service has reactions to."""
        return sorted({data.topic for data in self.reactions} - {ANY_TOPIC})

    def app(
        self, settings: ServiceSettings, *, clock: Clock | None = None, tracing: TracerProvider | None = None
    ) -> FastAPI:
        """The service as an ASGI application. Raises `UndeclaredRoutes` when a route has no permission."""
        clock = clock or SystemClock()
        tracing = tracing or telemetry.tracing(self.name, settings.otlp_endpoint)

        @asynccontextmanager
        async def lifespan(app: FastAPI) -> AsyncIterator[None]:
            async with AsyncExitStack() as stack:
                app.state.ctx = await self._start(stack, settings, clock, tracing)
                yield

        app = FastAPI(title=f"Hem {self.name}", openapi_url=None, lifespan=lifespan)
        install(
            app,
            settings=settings,
            service_name=self.name,
            now=clock.now,
            templates_dir=self.folder / "templates",
            locales_dir=self.folder / "locales",
        )
        for router in (*self.routes, health_routes(), parked_routes(self.name)):
            app.include_router(router)
        for kind in (Unavailable, ConnectionError, TimeoutError, *POSTGRES_LATER):
            app.add_exception_handler(kind, _not_now)
        app.state.replay = self.replay or self._replay
        refuse_undeclared(app)
        return app

    async def _start(
        self, stack: AsyncExitStack, settings: ServiceSettings, clock: Clock, tracing: TracerProvider
    ) -> Context:
        """Starts the parts; `stack` stops them in the reverse order: fetching, then workers and relay, then the pool."""
        vault = Vault.from_base64(settings.master_key.get_secret_value())
        db = await postgres.connect(settings.dsn, clock=clock, vault=vault, service=self.name)
        stack.push_async_callback(postgres.close, db)
        registry = CollectorRegistry()
        stack.push_async_callback(_shut_down, tracing)
        ctx = Context(
            name=self.name,
            settings=settings,
            db=db,
            clock=clock,
            health=Health(),
            metrics=instruments(telemetry.measuring(self.name, registry).get_meter("hem")),
            tracer=tracing.get_tracer("hem"),
            registry=registry,
        )
        for collector in self.collectors:
            registry.register(collector(ctx))
        telemetry.keep_values_out_of_loop_errors(asyncio.get_running_loop())
        ctx.health.expect("relay")
        workers = (relay.run, relay.watch, housekeeping.run, *self.workers)
        await stack.enter_async_context(_running(*(keep_running(worker, ctx) for worker in workers)))
        if self.reactions:
            ctx.health.expect("reception")
            await stack.enter_async_context(_running(self._receive(ctx)))
        return ctx

    async def _replay(self, ctx: Context, record: Arrived, tx: Transaction) -> None:
        await Reception(ctx, self.reactions).replay(record, tx)

    async def _receive(self, ctx: Context) -> None:
        """Joins the consumer group, however long Kafka takes to be there, and receives until cancelled."""
        reception = Reception(ctx, self.reactions)
        backoff = Backoff()
        while True:
            try:
                broker = await start_broker(ctx, reception, self.hears)
            except Exception as error:
                ctx.health.bad("reception", f"waiting for Kafka: {describe(error)}")
                log.warning("reception can't start yet", error=describe(error))
                await backoff.wait()
                continue
            try:
                ctx.health.ok("reception")
                await asyncio.Event().wait()
            finally:
                await stop_broker(broker)


async def _not_now(request: Request, error: Exception) -> Response:
    if not is_temporary(error):
        raise error
    log.warning("a request could not be served", path=request.url.path, error=describe(error))
    return refusal(request, 503, headers={"Retry-After": "5"})


async def _shut_down(tracing: TracerProvider) -> None:
    """In a thread and for a second at the most: it waits for a collector that may be away."""
    with suppress(TimeoutError):
        async with asyncio.timeout(1):
            await asyncio.to_thread(tracing.shutdown)


@asynccontextmanager
async def _running(*works: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(work) for work in works]
    try:
        yield
    finally:
        # More than once, since what is cancelled while its connection breaks may report the break and go on.
        deadline = time.monotonic() + STOP_WITHIN + 0.5
        while tasks and time.monotonic() < deadline:
            for task in tasks:
                task.cancel()
            _, left = await asyncio.wait(tasks, timeout=deadline - time.monotonic() - 0.4)
            tasks = list(left)
