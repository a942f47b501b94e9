"""A service from its parts: what it hears, what it serves, what it runs. `app.py` of each service is made of this."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from opentelemetry.sdk.trace import TracerProvider
from prometheus_client import CollectorRegistry
from prometheus_client.registry import Collector

import services
from schemas.event import ANY_TOPIC, EventData
from services.chassis import housekeeping, kafka, postgres, relay, schema, telemetry
from services.chassis.backoff import Backoff
from services.chassis.clock import Clock, SystemClock
from services.chassis.context import Context
from services.chassis.errors import POSTGRES_LATER, Never, NotYet, Unavailable, describe, is_temporary
from services.chassis.health import Health
from services.chassis.metrics import instruments
from services.chassis.operations import health_routes
from services.chassis.parked import Arrived
from services.chassis.parked_routes import parked_routes
from services.chassis.reception import STOP_WITHIN, Reaction, Reception, start_broker, stop_broker
from services.chassis.seldom import Seldom
from services.chassis.settings import ServiceSettings
from services.chassis.transaction import Transaction
from services.chassis.vault import Vault
from services.chassis.web import Router, install
from services.chassis.web.problem import refusal
from services.chassis.web.router import refuse_undeclared
from services.chassis.workers import Worker, keep_running

log = structlog.get_logger(__name__)

Replay = Callable[[Context, Arrived, Transaction], Awaitable[None]]
GiveUp = Callable[[Never], None]


@dataclass(frozen=True)
class Service:
    """The contents page of one service.

    `reactions`: event model → what happens; `routes`: pages and API; `workers`: what runs beside them;
    `collectors`: Prometheus collectors of the service's own; `replay`: how a parked record is handled again, where that
    isn't by its reaction; `larger_bodies`: path → bytes that requests below it may have, where files are sent.
    """

    name: str
    settings: type[ServiceSettings]
    reactions: Mapping[type[EventData], Reaction] = field(default_factory=dict)
    routes: Sequence[Router] = ()
    workers: Sequence[Worker] = ()
    collectors: Sequence[Callable[[Context], Collector]] = ()
    replay: Replay | None = None
    larger_bodies: Mapping[str, int] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        return Path(services.__path__[0]) / self.name

    @property
    def hears(self) -> list[str]:
        """The topics this service has reactions to."""
        return sorted({data.topic for data in self.reactions} - {ANY_TOPIC})

    def app(
        self,
        settings: ServiceSettings,
        *,
        clock: Clock | None = None,
        tracing: TracerProvider | None = None,
        give_up: GiveUp = lambda _why: None,
    ) -> FastAPI:
        """The service as an ASGI application. Raises `UndeclaredRoutes` when a route has no permission.

        `give_up` is called, in the loop, when it turns out that the service can't start and that waiting is in vain.
        """
        clock = clock or SystemClock()
        tracing = tracing or telemetry.tracing(self.name, settings.otlp_endpoint)

        @asynccontextmanager
        async def lifespan(app: FastAPI) -> AsyncIterator[None]:
            async with AsyncExitStack() as stack:
                app.state.ctx = ctx = await self._build(stack, settings, clock, tracing)
                await self._start(stack, ctx, give_up)
                yield

        app = FastAPI(title=f"Hem {self.name}", openapi_url=None, lifespan=lifespan)
        install(
            app,
            settings=settings,
            service_name=self.name,
            now=clock.now,
            templates_dir=self.folder / "templates",
            locales_dir=self.folder / "locales",
            larger_bodies=self.larger_bodies,
        )
        for router in (*self.routes, health_routes(), parked_routes(self.name)):
            app.include_router(router)
        for kind in (Unavailable, ConnectionError, TimeoutError, *POSTGRES_LATER):
            app.add_exception_handler(kind, _not_now)
        app.state.replay = self.replay or self._replay
        refuse_undeclared(app)
        return app

    async def _build(
        self, stack: AsyncExitStack, settings: ServiceSettings, clock: Clock, tracing: TracerProvider
    ) -> Context:
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
        return ctx

    async def _start(self, stack: AsyncExitStack, ctx: Context, give_up: GiveUp) -> None:
        """Starts the parts, which wait for the right schema, and returns after the first look for it.

        `stack` stops them in the reverse order: fetching, then workers and relay, then the pool.
        """
        telemetry.keep_values_out_of_loop_errors(asyncio.get_running_loop())
        right, looked = asyncio.Event(), asyncio.Event()
        ctx.health.expect(schema.PART)
        ctx.health.expect("relay")
        workers = (relay.run, relay.watch, housekeeping.run, *self.workers)
        work = [_after(right, partial(keep_running, worker, ctx)) for worker in workers]
        await stack.enter_async_context(_running(*work))
        if self.reactions:
            ctx.health.expect("reception")
            await stack.enter_async_context(_running(_after(right, partial(self._receive, ctx))))
        await stack.enter_async_context(_running(self._open(ctx, right, looked, give_up)))
        await looked.wait()

    async def _open(self, ctx: Context, right: asyncio.Event, looked: asyncio.Event, give_up: GiveUp) -> None:
        try:
            await schema.until_right(ctx, self.folder, looked.set)
        except Exception as error:
            if isinstance(error, Never):
                never = error
                log.error("the service can't start", why=str(never))
            else:
                never = Never(f"a defect ({describe(error)}); the log has where")
                log.exception("the service can't start: a defect")
            ctx.db.held_back = NotYet(str(never))
            ctx.health.bad(schema.PART, str(never))
            give_up(never)
        else:
            right.set()
            await asyncio.sleep(0)  # the workers say first what they expect of themselves
            ctx.health.ok(schema.PART)
        finally:
            looked.set()

    async def _replay(self, ctx: Context, record: Arrived, tx: Transaction) -> None:
        await Reception(ctx, self.reactions).replay(record, tx)

    async def _receive(self, ctx: Context) -> None:
        """Joins the consumer group, however long Kafka takes to be there, and receives until cancelled."""
        reception = Reception(ctx, self.reactions)
        backoff, news = Backoff(), Seldom()
        while True:
            try:
                await kafka.cluster_id(ctx, self.hears)
                broker = await start_broker(ctx, reception, self.hears)
            except Exception as error:
                ctx.health.bad("reception", f"waiting: {describe(error)}")
                if news(describe(error)):
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


async def _after(right: asyncio.Event, work: Callable[[], Awaitable[None]]) -> None:
    await right.wait()
    await work()


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
