"""hem up, hem dev, hem doctor: running everything on one machine."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TextIO

import typer

import schemas
from hem.commands.common import fail
from hem.commands.events import show_goals
from hem.demo.play import play
from hem.doctor import examine
from hem.door import Door, DoorError
from hem.home import Home
from hem.routing import SERVICES
from hem.stack.errors import StackError
from hem.startup import publish_startup, until_known
from hem.up import Stack

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def up(
    demo: Annotated[bool, typer.Option("--demo", help="When empty, play a made-up year 2019 first.")] = False,
) -> None:
    """Run all of Hem on this machine until Ctrl-C. Data is kept in HEM_HOME (./.hem); pages are on HEM_PORT (8000)."""
    home = Home.here()
    stack = Stack(home, demo=demo, say=say)
    raise typer.Exit(asyncio.run(run(stack, lambda: welcome(stack))))


async def welcome(stack: Stack) -> None:
    """What is done once everything answers: start-up data, the ready line, the made-up year, a sign-in."""

    def greet() -> None:
        with Door(stack.home, url=stack.url) as door:
            publish_startup(door)
            until_known(door)
            say(f"Hem is ready at {stack.url}")
            if stack.demo.to_play:
                stack.demo.note("started")
                play(door, say)
                stack.demo.note("played")
            elif stack.demo.refused:
                say(f"There is data in {stack.home.root} already: the made-up year is left out.")
            if stack.demo.labelled:
                show_goals([f for f in door.read("/api/goals", {"period": "2019"}) if f["denominator"]])
                say("These figures are made up. Look at the goals: " + stack.url)
                say(
                    f"Households to reach by hand: {stack.url}/todo   Mail that was sent: {stack.url}/mail   (both after signing in)"
                )
            link = door.operate("POST", "/ops/gateway/sign-in-link")["url"]
            say(f"Sign in once, within ten minutes, on this machine: {link}")
            say("Ctrl-C stops.")

    await asyncio.to_thread(greet)


async def run(stack: Stack, then: Callable[[], Awaitable[None]]) -> int:
    """Start, do `then`, stay until asked to stop, stop. Returns the exit code. A second Ctrl-C ends everything at once."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    heard = [number for number in STOPPING if number is not signal.SIGHUP or not _told_to_outlive_the_terminal()]
    for number in heard:
        loop.add_signal_handler(number, stop.set)
    work = asyncio.create_task(_start(stack, then))
    asked = asyncio.create_task(stop.wait())
    code = 0
    try:
        await asyncio.wait({work, asked}, return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            await work
            await asked
    except (StackError, DoorError) as error:
        say(str(error), file=sys.stderr)
        code = 1
    finally:
        work.cancel()
        asked.cancel()
        with contextlib.suppress(asyncio.CancelledError, StackError, DoorError):
            await work
        for number in heard:
            loop.add_signal_handler(number, stack.kill)
        if code == 0:
            say("Stopping …")
        await stack.stop()
        if code == 0:
            say("Stopped. Everything is kept.")
    if stop.is_set():
        # A thread that fetches or publishes can't be cancelled, and nobody wants to wait for it: all parts have ended.
        sys.stdout.flush()
        os._exit(code)
    return code


async def _start(stack: Stack, then: Callable[[], Awaitable[None]]) -> None:
    await stack.start()
    await then()


def _told_to_outlive_the_terminal() -> bool:
    """Whether we were started by nohup."""
    return signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


def say(line: str, *, file: TextIO | None = None) -> None:
    """One line, at once, also when the output is a pipe; a reader that has gone away doesn't end what runs."""
    with contextlib.suppress(BrokenPipeError):
        print(line, file=file, flush=True)


def dev(
    service: Annotated[str, typer.Argument(help=f"One of {', '.join(SERVICES)}.")],
) -> None:
    """Run all of Hem with one service's log on the terminal, started again whenever its files change."""
    if service not in SERVICES:
        fail(f"There is no service {service}: {', '.join(SERVICES)}.", 2)
    stack = Stack(Home.here(), say=say, shown=service)

    async def greet_and_watch() -> None:
        await welcome(stack)
        await restart_when_changed(stack, service)

    raise typer.Exit(asyncio.run(run(stack, greet_and_watch)))


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


def doctor() -> None:
    """Look at the surroundings and at a running Hem, and say what is wrong and how to mend it."""
    faults = examine(Home.here(), say)
    if faults:
        fail(f"{faults} thing{'' if faults == 1 else 's'} to mend.")
