"""Running everything on one machine until asked to stop: what `hem up` and `hem dev` do."""

import asyncio
import contextlib
import os
import signal
import sys
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NoReturn

import asyncpg
import httpx2
from aiokafka.errors import KafkaError

import schemas
from hem.commands.common import kafka_here, say
from hem.commands.goals import show_goals
from hem.demo.play import play
from hem.demo.staff import GOAL as PLAYED_GOAL
from hem.door import Door, DoorError
from hem.home import Home
from hem.stack.errors import StackError
from hem.startup import publish_startup, until_known
from hem.up import Stack

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# A part, a disk or a connection that went away under us.
OUTSIDE = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, KafkaError, httpx2.HTTPError)


def run_up(*, demo: bool) -> NoReturn:
    """`hem up`: everything until asked to stop, then the end of this process."""
    stack = Stack(Home.here(), demo=demo, say=say)
    asyncio.run(run_and_leave(stack, lambda: welcome(stack)))


def run_dev(service: str) -> NoReturn:
    """`hem dev`: the same, with the log of `service` on the terminal and a restart of it at every change of its files."""
    stack = Stack(Home.here(), say=say, shown=service)

    async def greet_and_watch() -> None:
        await welcome(stack)
        await restart_when_changed(stack, service)

    asyncio.run(run_and_leave(stack, greet_and_watch))


async def welcome(stack: Stack) -> None:
    """What is done once everything answers: start-up data, the ready line, the made-up year, a sign-in."""

    def greet() -> None:
        with Door(stack.home, url=stack.url) as door:
            publish_startup(door)
            until_known(door)
            say(f"Hem is ready at {stack.url}")
            if stack.demo.to_play:
                stack.demo.note("started")
                play(door, say, kafka=kafka_here())
                stack.demo.note("played")
            elif stack.demo.refused:
                say(f"There is data in {stack.home.root} already: the made-up year is left out.")
            if stack.demo.labelled:
                figures = door.read("/api/goals", {"period": "2019"})
                show_goals([f for f in figures if f["denominator"] and f["goal"] == PLAYED_GOAL])
                say("These figures are made up. Look at the goals: " + stack.url)
                say(
                    f"Households to reach by hand: {stack.url}/todo   Mail that was sent: {stack.url}/mail   (both after signing in)"
                )
            link = door.operate("POST", "/ops/gateway/sign-in-link")["url"]
            say(f"Sign in once, within ten minutes, on this machine: {link}")
            say("Ctrl-C stops.")

    await asyncio.to_thread(greet)


async def run_and_leave(stack: Stack, then: Callable[[], Awaitable[None]]) -> NoReturn:
    """`run`, and the end of this process: a thread that fetches or publishes can't be cancelled, and nobody wants to wait for it."""
    code = await run(stack, then)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(BrokenPipeError):
            stream.flush()
    os._exit(code)


async def run(stack: Stack, then: Callable[[], Awaitable[None]]) -> int:
    """Start, do `then`, stay until asked to stop, stop whatever went wrong. Returns the exit code. A second Ctrl-C ends everything at once."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    heard = [number for number in STOPPING if number is not signal.SIGHUP or not _told_to_outlive_the_terminal()]
    for number in heard:
        loop.add_signal_handler(number, stop.set)
    work = asyncio.create_task(_start(stack, then))
    asked = asyncio.create_task(stop.wait())
    await asyncio.wait({work, asked}, return_when=asyncio.FIRST_COMPLETED)
    code = _told(stack, work.exception()) if work.done() else 0
    if code == 0:
        await asked
    for number in heard:
        loop.add_signal_handler(number, stack.kill)
    work.cancel()
    asked.cancel()
    await asyncio.gather(work, asked, return_exceptions=True)
    if code == 0:
        say("Stopping …")
    await stack.stop()
    if code == 0:
        say("Stopped. Everything is kept.")
    return code


def _told(stack: Stack, error: BaseException | None) -> int:
    """Say what went wrong; returns the exit code, 0 when nothing did."""
    if error is None:
        return 0
    if isinstance(error, StackError | DoorError):
        say(str(error), file=sys.stderr)
    elif isinstance(error, OUTSIDE):
        words = f"{type(error).__name__}: {error}".rstrip(": ")
        say(
            f"Hem has to stop: something it needs went away ({words}). The logs are in {stack.home.logs}.",
            file=sys.stderr,
        )
    else:
        traceback.print_exception(error)
    return 1


async def _start(stack: Stack, then: Callable[[], Awaitable[None]]) -> None:
    await stack.start()
    await then()


def _told_to_outlive_the_terminal() -> bool:
    """Whether we were started by nohup."""
    return signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


async def restart_when_changed(stack: Stack, service: str) -> None:
    """For ever: when a file that the service is made of changes, end it; the supervisor starts it again."""
    house = Path(schemas.__file__).parent.parent
    folders = [house / "schemas", house / "services" / "chassis", house / "services" / service]
    seen = newest(folders)
    while True:
        await asyncio.sleep(0.5)
        if (now := newest(folders)) != seen:
            seen = now
            say(f"Files of {service} changed.")
            await stack.parts[service].stop()


def newest(folders: list[Path]) -> float:
    """When a file in the folders last changed, compiled ones left out; seconds since 1970."""
    files = (path for folder in folders for path in folder.rglob("*") if "__pycache__" not in path.parts)
    return max(path.stat().st_mtime for path in files if path.is_file())
