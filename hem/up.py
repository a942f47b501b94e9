"""Everything of one machine, in the order it has to start: data parts, databases and topics, services, door."""

import asyncio
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import httpx2

import services
from hem import databases, topics
from hem.home import Home, door_port, port_of
from hem.routing import SERVICES
from hem.stack.errors import StackError
from hem.stack.folder import FolderLock, check_port, check_room
from hem.stack.kafka import Kafka
from hem.stack.postgres import Postgres
from hem.supervisor import ServerProcess, Supervisor
from services.chassis.migrate import MigrationError, migrate

READY_WITHIN = 60.0
PARTS = ("postgres", "kafka", "kafka-controller", "catcher", "smtp", *SERVICES)


class Demo:
    """Whether this home holds the made-up year, kept as a file: made-up data is labelled for ever, and never mixed into real."""

    def __init__(self, home: Home, *, wanted: bool) -> None:
        self._mark = home.root / "made-up"
        self._wanted = wanted
        self._empty = False

    def look(self, *, empty: bool) -> None:
        """Told once, before the services start, whether any household has moved in yet."""
        self._empty = empty

    @property
    def labelled(self) -> bool:
        """Whether pages say that the data is made up."""
        return self._mark.exists() or (self._wanted and self._empty)

    @property
    def to_play(self) -> bool:
        """Whether the year is still to be played, or to be played to its end."""
        if self._mark.exists():
            return self._wanted and self._mark.read_text() != "played"
        return self._wanted and self._empty

    @property
    def refused(self) -> bool:
        """Whether it is wanted where other data is."""
        return self._wanted and not self._empty and not self._mark.exists()

    def note(self, state: Literal["started", "played"]) -> None:
        self._mark.write_text(state)


class Stack:
    """The stack of `home`, its door on `port`; the log of `shown` goes to the terminal. `say` gets a line for what a person should know."""

    def __init__(
        self,
        home: Home,
        *,
        port: int | None = None,
        demo: bool = False,
        shown: str | None = None,
        say: Callable[[str], None] = print,
    ) -> None:
        self.home = home
        self.port = port or door_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.parts: dict[str, Kafka | Postgres | ServerProcess] = {}
        self.demo = Demo(home, wanted=demo)
        self._say = say
        self._shown = shown
        self._supervisor = Supervisor(say)
        self._lock: FolderLock | None = None
        self._ports: dict[str, int] = {}

    async def start(self) -> None:
        """Return when /health/ready is 200. Raises StackError; stop() must follow in any case."""
        check_room(self.home.root, "Hem")
        self.home.make()
        self._lock = FolderLock(self.home.root, "Hem")
        check_port(self.port, "Hem's pages", "HEM_PORT")
        fixed = {"front": self.port, "kafka": port_of("HEM_KAFKA_PORT"), "postgres": port_of("HEM_POSTGRES_PORT")}
        self._ports = self.home.ports(PARTS, given={part: port for part, port in fixed.items() if port})
        kafka = Kafka(
            self.home.folder("kafka"), port=self._ports["kafka"], controller_port=self._ports["kafka-controller"]
        )
        postgres = Postgres(
            self.home.folder("postgres"),
            port=self._ports["postgres"],
            password=self.home.secret("postgres-superuser"),
        )
        await self._stage(
            kafka,
            postgres,
            self._server("front", "hem.front", self.port, self._front_environment()),
        )
        addresses, done = await asyncio.gather(
            databases.prepare(
                f"{postgres.dsn}?sslmode=disable",
                {service: self.home.secret(f"{service}-database") for service in SERVICES},
            ),
            topics.provision(kafka.servers),
        )
        for difference in done.left:
            self._say(str(difference))
        self.demo.look(empty=await topics.is_empty(kafka.servers, "tenancy.events"))
        await asyncio.gather(*(self._migrate(service, addresses[service]) for service in SERVICES))
        await self._stage(
            self._server("catcher", "hem.catcher", self._ports["catcher"], self._catcher_environment()),
            *(
                self._server(
                    service,
                    f"services.{service}",
                    self._ports[service],
                    self._environment(service, addresses[service], kafka.servers),
                )
                for service in SERVICES
            ),
        )
        await self._until_ready()
        self.home.keep_url(self.url)

    async def stop(self) -> None:
        """End everything within 10 s; what was accepted is kept."""
        await self._supervisor.stop()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def kill(self) -> None:
        """SIGKILL to everything at once, for who can't wait. What was acknowledged is kept even so."""
        for part in self.parts.values():
            part.kill()

    async def _stage(self, *parts: Kafka | Postgres | ServerProcess) -> None:
        self.parts |= {part.name: part for part in parts}
        await self._supervisor.start(*parts)

    def _server(self, name: str, module: str, port: int, environment: dict[str, str]) -> ServerProcess:
        argv = [sys.executable, "-m", module]
        return ServerProcess(
            name, argv, port=port, env=environment, log=None if name == self._shown else self.home.log(name)
        )

    async def _migrate(self, service: str, database: str) -> None:
        """What `python -m services.<service> migrate` does, without the seconds its imports take."""
        try:
            await asyncio.to_thread(migrate, database, Path(services.__file__).parent / service)
        except MigrationError as error:
            raise StackError(f"The database of {service} could not be brought up to date.\n{error}") from error

    def _shared(self) -> dict[str, str]:
        return {
            "HEM_SESSION_SECRET": self.home.secret("session-secret"),
            "HEM_OPERATOR_TOKEN": self.home.secret("operator-token"),
            "HEM_PUBLIC_URL": self.url,
            "HEM_LOOPBACK": "true",
            "HEM_MADE_UP": str(self.demo.labelled).lower(),
        }

    def _environment(self, service: str, database: str, servers: str) -> dict[str, str]:
        own = {
            "DATABASE_URL": database,
            "DATABASE_PASSWORD": "",  # it is in the address
            "MASTER_KEY": self.home.master_key(service),
            "PORT": str(self._ports[service]),
            "HOST": "127.0.0.1",
        }
        environment = self._shared() | {"HEM_KAFKA_SERVERS": servers}
        environment |= {f"HEM_{service.upper()}_{name}": value for name, value in own.items()}
        if service == "gateway" and not os.environ.get("HEM_GATEWAY_CONNECTORS"):
            environment["HEM_GATEWAY_CONNECTORS"] = str(self.home.folder("connectors"))
        if service == "notifications":
            # Sending is harmless here: the only mail server it is told of keeps everything.
            environment |= {
                "HEM_NOTIFICATIONS_MODE": "send",
                "HEM_NOTIFICATIONS_SMTP_HOST": "127.0.0.1",
                "HEM_NOTIFICATIONS_SMTP_PORT": str(self._ports["smtp"]),
            }
        return _besides(environment)

    def _catcher_environment(self) -> dict[str, str]:
        own = {
            "HEM_CATCHER_PORT": str(self._ports["catcher"]),
            "HEM_CATCHER_SMTP_PORT": str(self._ports["smtp"]),
            "HEM_CATCHER_FOLDER": str(self.home.folder("mail")),
        }
        return _besides(self._shared() | own)

    def _front_environment(self) -> dict[str, str]:
        behind = (*SERVICES, "catcher")
        targets = ",".join(f"{service}=127.0.0.1:{self._ports[service]}" for service in behind)
        return os.environ | {"HEM_PORT": str(self.port), "HEM_TARGETS": targets}

    async def _until_ready(self) -> None:
        deadline = time.monotonic() + READY_WITHIN
        said = "no answer"
        async with httpx2.AsyncClient(base_url=self.url, timeout=5, trust_env=False) as client:
            while time.monotonic() < deadline:
                try:
                    answer = await client.get("/health/ready")
                    if answer.status_code == 200:
                        return
                    said = answer.text
                except httpx2.HTTPError as error:
                    said = type(error).__name__
                await asyncio.sleep(0.1)
        raise StackError(
            f"Hem was not ready within {READY_WITHIN:.0f} s: {said}. The services' logs are in {self.home.logs}."
        )


def _besides(own: dict[str, str]) -> dict[str, str]:
    """Our environment with `own` in it; a file that would give one of them is left out, since a setting given twice is refused."""
    return {name: value for name, value in os.environ.items() if name.removesuffix("_FILE") not in own} | own
