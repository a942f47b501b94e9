"""One `docker compose` project of this repository, with a name, a port and secrets of its own, all by environment."""

import asyncio
import json
import os
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx2

from hem.demo import year
from hem.routing import SERVICES
from hem.stack.folder import free_ports
from tests.flows import landlord
from tests.flows.door import HemDoor

ROOT = Path(__file__).resolve().parents[2]
LONG_RUNNING = ("kafka", "postgres", *SERVICES, "overview", "nginx", "maildev")
IMAGES = "test"  # a tag of their own, so that a Hem on this machine keeps its images
MAKE_SECRETS = ("python3", "scripts/make_secrets.py")
OURS = ("HEM_", "COMPOSE_", "MAKE", "MFLAGS")  # what is set around the test is not for what it runs
SOURCES = (landlord.SOURCE, year.SOURCE)
UP_WITHIN, BUILD_WITHIN = 240, 900


class Compose(HemDoor):
    """The commands of docs/operate/compose.md run with `env` as they stand; `made` is every event published through it."""

    def __init__(self, name: str, folder: Path, *, at: Path = ROOT) -> None:
        super().__init__(free_ports(1)[0])
        self.at = at
        self.name = f"hem-{name}-{os.getpid()}"
        self.secrets, self.goals = folder / "secrets", folder / "goals"
        self.goals.mkdir(exist_ok=True)
        self.made: list[dict[str, Any]] = []
        self._kept_mails: list[dict[str, Any]] = []
        self.env = {key: value for key, value in os.environ.items() if not key.startswith(OURS)} | {
            "COMPOSE_PROJECT_NAME": self.name,
            "COMPOSE_DISABLE_ENV_FILE": "true",
            "HEM_VERSION": IMAGES,
            "HEM_PORT": str(self.port),
            "HEM_SECRETS": str(self.secrets),
            "HEM_GOALS": str(self.goals),
        }

    async def run(self, *argv: str, code: int | None = 0, within: float = 60, **env: str) -> str:
        """Runs a program in the repository. Returns what it printed, errors too; `code` None: however it ends."""
        process = await asyncio.create_subprocess_exec(
            *argv, cwd=self.at, env=self.env | env,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        try:
            async with asyncio.timeout(within):
                out, _ = await process.communicate()
        except TimeoutError:
            process.kill()
            await process.wait()
            raise AssertionError(f"{' '.join(argv)}: no end within {within:g} s") from None
        said = out.decode()
        assert code is None or process.returncode == code, (
            f"{' '.join(argv)[:200]} ended with {process.returncode}: {said[-4000:]}"
        )
        return said

    async def compose(self, *arguments: str, code: int | None = 0, within: float = 60, **env: str) -> str:
        return await self.run("docker", "compose", *arguments, code=code, within=within, **env)

    async def up(self, *arguments: str, within: float = UP_WITHIN, **settings: str) -> None:
        """`docker compose up -d --wait`, from now on with these settings."""
        self.env |= settings
        await self.compose("up", "-d", "--wait", *arguments, within=within)

    async def remove(self) -> None:
        """Everything that the project made: containers, networks, volumes."""
        await self.compose("--profile", "*", "down", "--volumes", "--remove-orphans", "--timeout", "5", within=120)

    async def remove_images(self) -> None:
        """Those that were built; where another run uses them they stay."""
        built = [f"hem-{name}:{IMAGES}" for name in (*SERVICES, "hem")]
        await self.run("docker", "image", "rm", *built, code=None)

    async def said(self) -> str:
        """For a failed test: the containers, and the last lines of each."""
        listed = await self.compose("ps", "--all", code=None)
        return listed + await self.compose("logs", "--no-color", "--tail", "25", code=None)

    async def containers(self, *services: str) -> list[dict[str, Any]]:
        """What `docker inspect` says of the project's containers, or of those of the services; ended ones too."""
        ids = (await self.compose("ps", "--all", "--quiet", *services)).split()
        return json.loads(await self.run("docker", "inspect", *ids)) if ids else []

    async def inside(self, service: str, *argv: str, code: int | None = 0, index: int = 1) -> str:
        return await self.compose("exec", "-T", "--index", str(index), service, *argv, code=code)

    async def cli(self, *arguments: str) -> str:
        said = await self.compose("run", "--rm", "--no-deps", "-T", "hem", *arguments)
        # Compose says on stderr that it makes the container.
        return "\n".join(
            line for line in said.splitlines() if not re.match(r"\s*(time=|Container |Network |Volume )", line)
        )

    def open_client(self) -> httpx2.AsyncClient:
        """A client that asks as the operator: who isn't signed in sees what was published, and nothing else."""
        token = (self.secrets / "operator-token").read_text()
        headers = {"Authorization": f"Bearer {token}"}
        self.client = httpx2.AsyncClient(base_url=self.url, timeout=30, trust_env=False, headers=headers)
        return self.client

    async def publish(self, events: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        answers = await super().publish(events)
        assert {answer["status"] for answer in answers} <= {"accepted", "duplicate"}, answers
        self.made.extend(events)
        return answers

    async def kill(self, service: str) -> None:
        """SIGKILL to the first process of the service's container, as the machine does when memory is short.

        `docker kill` would count as asked for, and Docker starts nothing again that somebody asked to end. A container that
        shares the machine's processes can kill where we are not root, and where the engine is in a machine of its own.
        """
        [container] = await self.containers(service)
        kill = ("sh", "-c", f"kill -9 {container['State']['Pid']}")
        await self.run(
            "docker",
            "run",
            "--rm",
            "--pid=host",
            "--privileged",
            "--user=0",
            "--entrypoint",
            kill[0],
            "python:3.13-slim-trixie",
            *kill[1:],
        )

    async def topic(self, name: str) -> list[tuple[str, dict[str, Any]]]:
        """(event id, data) of every distinct event on a topic, tombstones left out."""
        said = await self.inside(
            "kafka", "/opt/kafka/bin/kafka-console-consumer.sh", "--bootstrap-server", "localhost:9092", "--topic", name,
            "--from-beginning", "--timeout-ms", "4000", "--property", "print.headers=true",
        )  # fmt: skip
        lines = [line.split("\t", 1) for line in said.splitlines() if line.startswith("ce_")]
        found = {}
        for headers, value in lines:
            named = dict(header.split(":", 1) for header in re.findall(r"(?:^|(?<=,))ce_(?:id|type):[^,]*", headers))
            if value != "null":
                found[named["ce_id"]] = json.loads(value) | {"type": named["ce_type"]}
        return list(found.items())

    async def offers(self) -> list[str]:
        return [
            data["tenancy_id"]
            for _, data in await self.topic("notifications.events")
            if data["type"] == "se.vatterhem.HousingIntroductionOffered.v1"
        ]

    async def move_ins(self) -> set[str]:
        events = await self.topic("tenancy.events")
        return {id_ for id_, data in events if data["type"] == "se.vatterhem.TenantMovedIn.v1"}

    async def mails(self) -> Counter[tuple[str, str]]:
        """(Message-ID, recipient) of every mail that MailDev has had → how often it came."""
        answer = await self.client.get("/mail/email")
        assert answer.status_code == 200, answer.text
        return Counter(
            (mail["headers"]["message-id"], to["address"])
            for mail in [*self._kept_mails, *answer.json()]
            for to in mail["to"]
        )

    async def one_mail_each(self, offers: Sequence[str]) -> None:
        """Asserts that every offer went out as one message, and nobody has two.

        A message may have come twice where a kill hid the server's yes: that is one Message-ID.
        """
        mails = await self.mails()
        assert len({recipient for _, recipient in mails}) == len({id_ for id_, _ in mails}) == len(mails)
        assert len(mails) == len(offers)

    async def keep_mails(self) -> None:
        """Remembers the mails, before a MailDev that keeps them in memory ends."""
        self._kept_mails += (await self.client.get("/mail/email")).json()

    async def metrics(self) -> str:
        answer = await self.client.get("/metrics")
        assert answer.status_code == 200, answer.text
        return answer.text

    async def ready(self) -> dict[str, Any]:
        """What /health/ready answers, with its `code`."""
        answer = await self.client.get("/health/ready")
        return {"code": answer.status_code, **answer.json()}
