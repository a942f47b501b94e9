"""hem up, hem dev, hem doctor: running everything on one machine."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Annotated, TextIO

import typer

from hem.commands.common import fail
from hem.commands.events import show_goals
from hem.demo.play import play
from hem.doctor import examine
from hem.door import Door, DoorError
from hem.home import Home
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
    for number in STOPPING:
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
        for number in STOPPING:
            loop.add_signal_handler(number, stack.kill)
        if code == 0:
            say("Stopping …")
        await stack.stop()
        if code == 0:
            say("Stopped. Everything is kept.")
    return code


async def _start(stack: Stack, then: Callable[[], Awaitable[None]]) -> None:
    await stack.start()
    await then()


def say(line: str, *, file: TextIO | None = None) -> None:
    """One line, at once, also when the output is a pipe."""
    print(line, file=file, flush=True)


def doctor() -> None:
    """Look at the surroundings and at a running Hem, and say what is wrong and how to mend it."""
    faults = examine(Home.here(), say)
    if faults:
        fail(f"{faults} thing{'' if faults == 1 else 's'} to mend.")
