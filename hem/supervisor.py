"""Keeps the parts of the stack running, says what it does, and ends them in order."""

import asyncio
import contextlib
import signal
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from hem.stack.child import Child, until_listening
from hem.stack.errors import StackError

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 10.0
STEADY_AFTER = 10.0


class Part(Protocol):
    """Something that runs: `start` returns when it works or raises StackError, `wait` when it has ended."""

    @property
    def name(self) -> str: ...
    @property
    def pid(self) -> int | None: ...
    async def start(self) -> None: ...
    async def wait(self) -> int: ...
    async def stop(self) -> None: ...


class ServerProcess(Child):
    """A child that has started when it listens on `port`, and is given 4 s to stop."""

    def __init__(self, name: str, argv: Sequence[str], *, port: int, **rest: object) -> None:
        super().__init__(name, argv, **rest)  # type: ignore[arg-type]
        self.port = port

    async def start(self) -> None:
        await super().start()
        try:
            await until_listening(self, self.port, within=30)
        except BaseException:
            await self.stop()
            raise

    async def stop(self, within: float = 4.0) -> None:
        await super().stop(within)


class Supervisor:
    """Runs parts in stages: each stage starts after the one before it works, and stops before it.

    A part that ends by itself is started again after 0.2 s, doubling to 10 s while it keeps ending
    within 10 s of life; each time `say` gets a line.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._stages: list[list[Part]] = []
        self._watchers: list[asyncio.Task[None]] = []

    async def start(self, *parts: Part) -> None:
        """Start a stage, its parts at the same time. Raises the first StackError; stop() is still the caller's to call."""
        self._stages.append(list(parts))
        starts = [asyncio.ensure_future(part.start()) for part in parts]
        try:
            await asyncio.gather(*starts)
        except BaseException:
            for start in starts:
                start.cancel()
            await asyncio.gather(*starts, return_exceptions=True)
            raise
        self._watchers += [asyncio.create_task(self._watch(part), name=f"watch {part.name}") for part in parts]

    async def stop(self) -> None:
        """End everything, the last stage first."""
        for watcher in self._watchers:
            watcher.cancel()
        await asyncio.gather(*self._watchers, return_exceptions=True)
        self._watchers.clear()
        while self._stages:
            parts = self._stages.pop()
            ends = await asyncio.gather(*(part.stop() for part in parts), return_exceptions=True)
            for part, error in zip(parts, ends, strict=True):
                if error is not None:  # the others still have to be stopped
                    self._say(f"{part.name} could not be stopped ({type(error).__name__}: {error}).")

    async def _watch(self, part: Part) -> None:
        pause = FIRST_PAUSE
        began = time.monotonic()
        while True:
            code = await part.wait()
            if time.monotonic() - began > STEADY_AFTER:
                pause = FIRST_PAUSE
            self._say(f"{part.name} ended ({_ending(code)}); starting it again in {pause:.1f} s.")
            while True:
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
                began = time.monotonic()
                try:
                    await part.start()
                    break
                except StackError as error:
                    self._say(f"{error} Trying again in {pause:.1f} s.")
                except Exception as error:  # whatever it was: a part that nobody starts again would be missed by nobody
                    told = f"{type(error).__name__}: {error}".rstrip(": ")
                    self._say(f"{part.name} can't be started ({told}). Trying again in {pause:.1f} s.")
            self._say(f"{part.name} runs again (process {part.pid}).")


def _ending(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    with contextlib.suppress(ValueError):
        return signal.Signals(-code).name
    return f"signal {-code}"
