"""The whole of Hem as a child process or in the test itself, and what a test asks of it from outside."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from hem.home import Home
from hem.stack.folder import free_ports
from schemas.notifications import HousingIntroductionOffered
from schemas.tenancy import TenantMovedIn
from services.chassis.testkit import Bus
from tests.flows.door import HemDoor

READY = "Hem is ready at "


class HemUp(HemDoor):
    """`hem up` in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        super().__init__(free_ports(1)[0])
        self.home = Home(folder)
        self.env = os.environ | {"HEM_HOME": str(folder), "HEM_PORT": str(self.port)}
        self.process: asyncio.subprocess.Process | None = None
        self.said: list[str] = []
        self._reading: asyncio.Task[bytes] | None = None

    async def start(self, *arguments: str, until: str = READY) -> None:
        """Runs `hem up` until it prints a line that starts with `until`; `said` has what it printed so far."""
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "hem.cli", "up", *arguments, env=self.env,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        assert self.process.stdout is not None
        said = self.said = list[str]()
        async with asyncio.timeout(120):
            while not any(line.startswith(until) for line in said):
                line = await self.process.stdout.readline()
                assert line, f"hem up ended: {said}"
                said.append(line.decode().rstrip())
        self._reading = asyncio.create_task(self.process.stdout.read())

    async def stop(self, how: signal.Signals = signal.SIGINT) -> str:
        """Ends it with a signal. Returns the rest of what it printed."""
        assert self.process is not None
        if self.process.returncode is None:
            self.process.send_signal(how)
        async with asyncio.timeout(30):
            await self.process.wait()
            return (await self._reading).decode() if self._reading else ""

    async def cli(self, *arguments: str, stdin: str = "", code: int = 0, **env: str) -> str:
        """Runs a hem command against it. Returns its standard output, its errors too when it is to end with another `code` than 0."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "hem.cli", *arguments, env=self.env | env,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        async with asyncio.timeout(60):
            out, error = await process.communicate(stdin.encode())
        assert process.returncode == code, f"hem {' '.join(arguments)}: {error.decode()} {out.decode()}"
        return out.decode() if code == 0 else out.decode() + error.decode()

    @property
    def bus(self) -> Bus:
        ports = json.loads((self.home.root / "ports.json").read_text())
        return Bus(f"127.0.0.1:{ports['kafka']}", "", None)  # only read from

    async def offers(self) -> list[str]:
        found = {e.id: e.data.tenancy_id for e in await self.bus.events(HousingIntroductionOffered)}
        return list(found.values())

    async def move_ins(self) -> set[str]:
        return {e.id for e in await self.bus.events(TenantMovedIn)}

    async def mails(self) -> list[dict[str, Any]]:
        answer = await self.client.get("/mail/messages")
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()
        return found


@asynccontextmanager
async def hem_up(folder: Path, *arguments: str, until: str = READY) -> AsyncIterator[HemUp]:
    """A running Hem with a key to publish with, stopped in the end whatever happens."""
    hem = HemUp(folder)
    try:
        await hem.start(*arguments, until=until)
        await hem.make_key()
        yield hem
    finally:
        if hem.process is not None and hem.process.returncode is None:
            await hem.stop()
        await hem.client.aclose()
