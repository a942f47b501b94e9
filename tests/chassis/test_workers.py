"""A worker that fails says so, is started again, and is well again when it then runs on."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast

import asyncpg
import pytest

from services.chassis.context import Context
from services.chassis.errors import Unavailable, is_temporary
from services.chassis.health import Health
from services.chassis.workers import keep_running, name_of

SOON, LATER = 0.05, 600.0


class Worker:
    """Fails once for each of `errors`, then runs on."""

    def __init__(self, *errors: Exception) -> None:
        self._errors = list(errors)
        self.runs_on = asyncio.Event()

    async def run(self, _ctx: Context) -> None:
        if self._errors:
            raise self._errors.pop(0)
        self.runs_on.set()
        await asyncio.Event().wait()


PART = name_of(Worker.run)  # type: ignore[arg-type]


class Noted(Health):
    """Notes what it is told; says `then` of itself as soon as it is bad."""

    def __init__(self, then: str | None = None) -> None:
        super().__init__()
        self.said: list[str] = []
        self.looked_again = asyncio.Event()
        self._then = then

    def bad(self, part: str, why: str) -> None:
        self.said.append(why)
        super().bad(part, self._then or why)

    def recovered(self, part: str, why: str) -> None:
        super().recovered(part, why)
        self.looked_again.set()


@asynccontextmanager
async def kept(
    work: Callable[[Context], Awaitable[None]], recovered_after: float, then: str | None = None
) -> AsyncIterator[Noted]:
    health = Noted(then)
    task = asyncio.create_task(keep_running(work, cast("Context", SimpleNamespace(health=health)), recovered_after))
    try:
        yield health
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_a_worker_with_a_defect_is_started_again_and_the_service_is_not_ready_meanwhile() -> None:
    worker = Worker(LookupError("with a value in it"))
    async with kept(worker.run, LATER) as health:
        await asyncio.wait_for(worker.runs_on.wait(), 5)
        assert health.report() == {PART: "LookupError"}
        assert not health.ready


async def test_one_that_runs_on_is_well_again() -> None:
    worker = Worker(LookupError())
    async with kept(worker.run, SOON) as health:
        await asyncio.wait_for(health.looked_again.wait(), 5)
        assert health.said == ["LookupError"]
        assert health.report() == {PART: "ok"}


async def test_what_it_said_since_stands() -> None:
    worker = Worker(LookupError())
    async with kept(worker.run, SOON, then="something else") as health:
        await asyncio.wait_for(health.looked_again.wait(), 5)
        assert health.report() == {PART: "something else"}


async def test_a_dependency_that_is_away_is_not_the_workers_defect() -> None:
    worker = Worker(Unavailable("postgres"), asyncpg.InternalClientError())
    async with kept(worker.run, LATER) as health:
        await asyncio.wait_for(worker.runs_on.wait(), 5)
        assert health.report() == {}


@pytest.mark.parametrize(
    ("error", "temporary"),
    [
        (asyncpg.InternalClientError("got result for unknown protocol state 3"), True),
        (ExceptionGroup("", [ConnectionResetError(), asyncpg.InternalClientError()]), True),
        (ExceptionGroup("", [TimeoutError(), ExceptionGroup("", [Unavailable("postgres")])]), True),
        (ssl.SSLEOFError(), True),
        (ssl.SSLCertVerificationError(), False),
        (ExceptionGroup("", [ConnectionResetError(), LookupError()]), False),
        (ExceptionGroup("", [ExceptionGroup("", [FileNotFoundError()])]), False),
    ],
)
def test_what_another_try_can_mend(error: Exception, temporary: Any) -> None:
    assert is_temporary(error) is temporary
