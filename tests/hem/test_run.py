"""Running until asked to stop: whatever goes wrong, all parts are ended and a person is told."""

import asyncio
import signal
import sys
import time
from pathlib import Path
from typing import Any, cast

import asyncpg
import httpx2
import pytest
from aiokafka.errors import KafkaConnectionError

from hem.door import DoorError
from hem.home import Home
from hem.running import run
from hem.stack.errors import StackError
from hem.up import Stack


class Parts:
    """Stands for the stack: starts or fails, and notes that it was stopped."""

    def __init__(self, folder: Path, error: Exception | None = None) -> None:
        self.home = Home(folder)
        self.error = error
        self.stopped = False

    async def start(self) -> None:
        if self.error is not None:
            raise self.error

    async def stop(self) -> None:
        self.stopped = True

    def kill(self) -> None:
        pass


async def nothing() -> None:
    pass


async def run_to_its_end(parts: Parts, then: Any = nothing) -> int:
    async with asyncio.timeout(10):
        return await run(cast("Stack", parts), then)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (StackError("The disk is full."), "The disk is full."),
        (DoorError("Refused."), "Refused."),
        (OSError(28, "No space left on device"), "No space left on device"),
        (asyncpg.CannotConnectNowError("starting up"), "starting up"),
        (asyncpg.InterfaceError("closed"), "closed"),
        (KafkaConnectionError("gone"), "gone"),
        (httpx2.ReadError("cut"), "cut"),
        (RuntimeError("a defect"), "Traceback"),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_every_error_ends_all_parts(
    tmp_path: Path, error: Exception, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    parts = Parts(tmp_path, error)
    assert await run_to_its_end(parts) == 1
    assert parts.stopped
    said = capsys.readouterr().err
    assert told in said
    if not isinstance(error, StackError | DoorError | RuntimeError):
        assert str(tmp_path / "log") in said
        assert len(said.splitlines()) == 1


async def test_ctrl_c_stops_what_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parts = Parts(tmp_path)

    async def press_it() -> None:
        signal.raise_signal(signal.SIGINT)

    assert await run_to_its_end(parts, press_it) == 0
    assert parts.stopped
    assert "Stopped. Everything is kept." in capsys.readouterr().out


async def test_a_thread_that_can_not_be_cancelled_does_not_hold_up_the_end(tmp_path: Path) -> None:
    script = tmp_path / "hanging.py"
    script.write_text(
        "import asyncio, sys, time\n"
        "from pathlib import Path\n"
        "from hem.running import run_and_leave\n"
        "from hem.home import Home\n"
        "from hem.stack.errors import StackError\n"
        "class Parts:\n"
        "    home = Home(Path('.'))\n"
        "    async def start(self):\n"
        "        asyncio.ensure_future(asyncio.to_thread(time.sleep, 60))\n"
        "        await asyncio.sleep(0.1)\n"
        "        raise StackError('no Kafka')\n"
        "    async def stop(self): print('stopped')\n"
        "    def kill(self): pass\n"
        "asyncio.run(run_and_leave(Parts(), None))\n"
    )
    began = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(script), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, error = await process.communicate()
    assert time.monotonic() - began < 20
    assert (process.returncode, out, error) == (1, b"stopped\n", b"no Kafka\n")
