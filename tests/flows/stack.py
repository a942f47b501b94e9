"""The whole of Hem as a child process or in the test itself, and what a test asks of it from outside."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2

from hem.home import Home
from hem.stack.folder import free_ports
from schemas.notifications import HousingIntroductionOffered
from schemas.tenancy import TenantMovedIn
from services.chassis.testkit import Bus, eventually
from tests.flows.landlord import Landlord, cohort, recount

GOAL = "housing-introduction-offered"
READY = "Hem is ready at "
BATCH = {"content-type": "application/cloudevents-batch+json"}


class HemUp:
    """`hem up` in a folder of its own, asked over its door and its command line as anybody would."""

    def __init__(self, folder: Path) -> None:
        self.home = Home(folder)
        self.port = free_ports(1)[0]
        self.url = f"http://127.0.0.1:{self.port}"
        self.env = os.environ | {"HEM_HOME": str(folder), "HEM_PORT": str(self.port)}
        self.process: asyncio.subprocess.Process | None = None
        self.client = httpx2.AsyncClient(base_url=self.url, timeout=30, trust_env=False)
        self.key = ""
        self.said: list[str] = []

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
            return (await self._reading).decode()

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

    async def make_key(self) -> None:
        made = json.loads(await self.cli("keys", "create", "--publisher", "housing", "--allow", "all", "--json"))
        self.key = made["key"]

    async def publish(self, events: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Posts a batch, again until it is answered: what a careful publisher does. Gives the answers in order."""

        last = ""

        async def post() -> list[dict[str, Any]]:
            nonlocal last
            try:
                answer = await self.client.post(
                    "/events", content=json.dumps(events), headers={**BATCH, "Authorization": f"Bearer {self.key}"}
                )
            except httpx2.HTTPError as error:
                last = repr(error)
                return []
            last = f"{answer.status_code} {answer.text}"
            return answer.json() if answer.status_code in (202, 207) else []

        return await eventually(lambda: f"the gateway to answer a batch (last: {last})", post, within=60)

    async def figure(self, area: str = "oxnehaga", period: str = "2019") -> dict[str, Any]:
        answer = await self.client.get(f"/api/goals/{GOAL}", params={"area": area, "period": period})
        return answer.json() if answer.status_code == 200 else {}

    async def sign_in(self) -> None:
        """Signs the client in by the printed address, as the person at the machine does."""
        link = (await self.cli("sign-in")).strip().splitlines()[-1]
        code = link.split("code=")[1]
        answer = await self.client.post("/sign-in", data={"code": code})
        assert answer.status_code == 303, answer.text

    @property
    def bus(self) -> Bus:
        ports = json.loads((self.home.root / "ports.json").read_text())
        return Bus(f"127.0.0.1:{ports['kafka']}", "", None)  # only read from

    async def offers(self) -> list[str]:
        """The tenancies of all offers on the topic, one entry for each distinct event."""
        found = {e.id: e.data.tenancy_id for e in await self.bus.events(HousingIntroductionOffered)}
        return list(found.values())

    async def move_ins(self) -> set[str]:
        """The ids of the move-ins on the topic."""
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


async def settled(hem: HemUp, landlord: Landlord) -> None:
    """Waits until everybody who can be reached has been offered, and figure and recount agree; then checks doubles."""
    members = cohort(landlord.made, "oxnehaga", 2019)
    reachable = {tenancy for tenancy, event in members.items() if event["data"]["contact_rule"] == "any"}

    async def agreed() -> bool:
        offers = set(await hem.offers())
        figure = await hem.figure()
        counted = recount(landlord.made, offers, "oxnehaga", 2019)
        return reachable <= offers and (figure.get("numerator"), figure.get("denominator")) == counted

    await eventually("figure and recount to agree", agreed, within=120)
    offers = await hem.offers()
    assert len(offers) == len(set(offers)), "a tenancy was offered twice"
    moved = {e["id"] for e in landlord.made if e["type"].endswith("TenantMovedIn.v1")}
    assert await hem.move_ins() >= moved, "an accepted event is not on its topic"
