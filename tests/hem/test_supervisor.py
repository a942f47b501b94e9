"""Parts that die are started again and said so; the stop is in order and quick."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hem.stack.errors import StackError
from hem.stack.folder import free_ports
from hem.supervisor import ServerProcess, Supervisor

SERVER = """
import asyncio, sys
async def main():
    server = await asyncio.start_server(lambda r, w: w.close(), "127.0.0.1", int(sys.argv[1]))
    await server.serve_forever()
asyncio.run(main())
"""
DEAF = "import signal, socket, sys, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\ns = socket.create_server(('127.0.0.1', int(sys.argv[1])))\ntime.sleep(60)\n"


def server(name: str, tmp_path: Path, program: str = SERVER) -> ServerProcess:
    (port,) = free_ports(1)
    return ServerProcess(name, [sys.executable, "-c", program, str(port)], port=port, log=tmp_path / f"{name}.log")


class Lines(list[str]):
    """What was said, with a way to wait for it."""

    def __init__(self) -> None:
        super().__init__()
        self.changed = asyncio.Event()

    def __call__(self, line: str) -> None:
        self.append(line)
        self.changed.set()

    async def until(self, text: str) -> str:
        async with asyncio.timeout(20):
            while not any(text in line for line in self):
                self.changed.clear()
                await self.changed.wait()
        return next(line for line in self if text in line)


@pytest.fixture
async def said() -> Lines:
    return Lines()


@pytest.fixture
async def supervisor(said: Lines) -> AsyncIterator[Supervisor]:
    supervisor = Supervisor(said)
    yield supervisor
    await supervisor.stop()


async def test_killed_part_is_started_again_and_said_so(supervisor: Supervisor, said: Lines, tmp_path: Path) -> None:
    first, second = server("first", tmp_path), server("second", tmp_path)
    await supervisor.start(first, second)
    killed, spared = first.pid, second.pid

    first.kill()

    assert await said.until("first ended") == "first ended (SIGKILL); starting it again in 0.2 s."
    await said.until("first runs again")
    assert first.pid not in {None, killed}
    assert second.pid == spared
    _, writer = await asyncio.open_connection("127.0.0.1", first.port)
    writer.close()


async def test_part_that_keeps_dying_is_started_less_and_less_often(
    supervisor: Supervisor, said: Lines, tmp_path: Path
) -> None:
    flag = tmp_path / "broken"
    part = server("shaky", tmp_path, f"import os, sys\nif os.path.exists({str(flag)!r}): sys.exit(7)\n" + SERVER)
    await supervisor.start(part)
    flag.touch()
    part.kill()

    await said.until("Trying again in 0.8 s")
    assert "shaky ended while starting." in said[1]
    flag.unlink()
    await said.until("shaky runs again")


async def test_part_whose_start_fails_in_an_unheard_of_way_is_tried_again(
    supervisor: Supervisor, said: Lines, tmp_path: Path
) -> None:
    class Odd(ServerProcess):
        starts = 0

        async def start(self) -> None:
            self.starts += 1
            if self.starts == 2:
                raise RuntimeError("a defect")
            await super().start()

    (port,) = free_ports(1)
    part = Odd("odd", [sys.executable, "-c", SERVER, str(port)], port=port, log=tmp_path / "odd.log")
    await supervisor.start(part)
    part.kill()
    await said.until("odd can't be started (RuntimeError: a defect). Trying again in 0.4 s.")
    await said.until("odd runs again")


async def test_part_that_can_not_be_stopped_leaves_no_other_running(
    supervisor: Supervisor, said: Lines, tmp_path: Path
) -> None:
    class Stuck(ServerProcess):
        async def stop(self, within: float = 4.0) -> None:
            await super().stop(within)
            raise OSError("stuck")

    base = server("base", tmp_path)
    (port,) = free_ports(1)
    stuck = Stuck("stuck", [sys.executable, "-c", SERVER, str(port)], port=port, log=tmp_path / "stuck.log")
    await supervisor.start(base)
    await supervisor.start(stuck)
    await supervisor.stop()
    assert not base.running
    await said.until("stuck could not be stopped")


async def test_a_part_that_can_not_start_is_an_error_with_its_last_words(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    part = server("broken", tmp_path, "import sys; sys.exit('the reason why')")
    with pytest.raises(StackError, match=r"(?s)broken ended while starting.*the reason why"):
        await supervisor.start(part)


async def test_stop_ends_later_stages_first_and_uses_force_on_the_deaf(said: Lines, tmp_path: Path) -> None:
    supervisor = Supervisor(said)
    base, deaf = server("base", tmp_path), server("deaf", tmp_path, DEAF)
    await supervisor.start(base)
    await supervisor.start(deaf)
    order: list[str] = []

    async def note(part: ServerProcess) -> None:
        await part.wait()
        order.append(part.name)

    notes = asyncio.gather(note(base), note(deaf))
    began = time.monotonic()
    await supervisor.stop()
    await notes

    assert order == ["deaf", "base"]
    assert time.monotonic() - began < 10
    assert said == []
