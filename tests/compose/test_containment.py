"""What a container could do if somebody got into it: little. And what can be read of secrets from outside: nothing."""

import asyncio
import json
import re
from typing import Any

import pytest

from hem.routing import SERVICES
from tests.compose.driver import LONG_RUNNING, Compose

pytestmark = pytest.mark.timeout(400)

OURS = (*SERVICES, "overview")
MOST_OWN_MB = dict.fromkeys(SERVICES, 160) | {"placements": 310, "notifications": 260, "reporting": 390, "hem": 160}
BASE = "python:3.13-slim-trixie"
HAS_A_WAY_OUT = "import sys; sys.exit(any(line.split()[1] == '00000000' for line in open('/proc/net/route')))"


@pytest.mark.parametrize("service", LONG_RUNNING)
async def test_it_runs_as_nobody_and_can_write_nowhere_but_where_it_should(hem: Compose, service: str) -> None:
    assert (await hem.inside(service, "id", "-u")).strip() != "0"
    for folder in ("/", "/etc", "/usr/local/bin", "/app", "/home"):
        said = await hem.inside(service, "sh", "-c", f"[ ! -d {folder} ] || echo x > {folder}/written", code=None)
        assert re.search(r"Read-only file system|Permission denied|can't create|nonexistent", said) or not said
        assert (await hem.inside(service, "sh", "-c", f"ls {folder}/written", code=None)).find("No such file") >= 0
    [container] = await hem.containers(service)
    host = container["HostConfig"]
    assert host["CapDrop"] == ["ALL"]
    assert not host["Privileged"]
    assert "no-new-privileges:true" in host["SecurityOpt"]
    assert host["Memory"] > 0
    assert host["PidsLimit"] > 0
    assert host["LogConfig"]["Config"]["max-size"]


@pytest.mark.parametrize("service", OURS)
async def test_its_root_is_sealed_and_there_is_nothing_to_build_with(hem: Compose, service: str) -> None:
    [container] = await hem.containers(service)
    assert container["HostConfig"]["ReadonlyRootfs"]
    assert (await hem.inside(service, "id", "-u")).strip() == "10001"
    tools = "for tool in gcc cc g++ clang make ld as uv git curl wget; do command -v $tool; done; true"
    assert await hem.inside(service, "sh", "-c", tools) == ""


async def test_an_image_has_the_code_of_its_own_service_only_and_its_own_layers_are_small(hem: Compose) -> None:
    base = await image(hem, BASE)
    for service in (*SERVICES, "hem"):
        own = await image(hem, (await image_of(hem, service)))
        assert (own["Size"] - base["Size"]) / 1e6 <= MOST_OWN_MB[service], service
        assert own["RootFS"]["Layers"][: len(base["RootFS"]["Layers"])] == base["RootFS"]["Layers"]
        labels = own["Config"]["Labels"]
        assert {"title", "version", "revision", "licenses"} <= {name.rpartition(".")[2] for name in labels}
        assert own["Config"]["User"].startswith("10001")
        listed = await hem.run(
            "docker",
            "run",
            "--rm",
            "--network=none",
            "--entrypoint=ls",
            await image_of(hem, service),
            "/app",
            "/app/services",
        )
        known = set(SERVICES) & set(listed.split())
        assert known == ({service} if service in SERVICES else set())
        assert not {"tests", "benchmarks", "docs", ".git", "secrets"} & set(listed.split())


async def test_no_secret_can_be_read_from_outside_or_from_the_environment(hem: Compose) -> None:
    values = {path.name: path.read_text() for path in hem.secrets.iterdir() if path.read_text()}
    assert len(values) > 10
    images = {container["Image"] for container in await hem.containers()}
    seen = {
        "containers": json.dumps(await hem.containers()),
        "images": await hem.run("docker", "inspect", *images),
        "history": "".join([await hem.run("docker", "history", "--no-trunc", name) for name in images]),
        "config": await hem.compose("config"),
        "logs": await hem.compose("logs", "--no-color"),
    }
    for service in LONG_RUNNING:
        seen[f"env of {service}"] = await hem.inside(service, "env")
        seen[f"processes of {service}"] = await hem.inside(service, "sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '", code=None)  # fmt: skip
    assert {(name, where) for name, value in values.items() for where, text in seen.items() if value in text} == set()


async def test_a_container_has_only_the_secrets_that_it_needs(hem: Compose) -> None:
    for service in SERVICES:
        has = set((await hem.inside(service, "ls", "/run/secrets")).split())
        others = {name for name in has if name.split("-")[0] in {*SERVICES, "postgres"} - {service}}
        assert f"{service}-database" in has
        assert not others
    assert "secrets" not in await hem.inside("nginx", "ls", "/run")
    assert not {mount["Destination"] for c in await hem.containers("overview") for mount in c["Mounts"]}


async def test_the_databases_and_kafka_can_be_reached_by_the_services_alone(hem: Compose) -> None:
    async def reaches(who: str, address: str, port: int) -> bool:
        connect = f"timeout 2 bash -c '</dev/tcp/{address}/{port}' && echo reached"
        return "reached" in (await hem.inside(who, "bash", "-c", connect, code=None)).splitlines()

    for service, port in (("kafka", 9092), ("postgres", 5432)):
        [container] = await hem.containers(service)
        assert not any(container["NetworkSettings"]["Ports"].values())
        [network] = container["NetworkSettings"]["Networks"].values()
        addresses = (service, network["IPAddress"])
        tried = [(who, address) for who in ("nginx", "overview", "maildev") for address in addresses]
        reached = await asyncio.gather(*(reaches(who, address, port) for who, address in tried))
        assert [who for who, is_reached in zip(tried, reached, strict=True) if is_reached] == []
        assert await reaches("gateway", service, port)


async def test_no_volume_is_nameless(hem: Compose) -> None:
    volumes = {mount["Name"] for c in await hem.containers() for mount in c["Mounts"] if mount["Type"] == "volume"}
    assert volumes == {f"{hem.name}_{name}" for name in ("kafka", "postgres", "command-line")}


async def test_nobody_but_nginx_and_who_sends_mail_has_a_way_out(hem: Compose) -> None:
    for service in ("gateway", "placements", "surveys", "reporting", "overview"):
        await hem.inside(service, "python", "-c", HAS_A_WAY_OUT)
    await hem.inside("notifications", "python", "-c", HAS_A_WAY_OUT, code=1)


async def image_of(hem: Compose, service: str) -> str:
    config = json.loads(await hem.compose("--profile", "*", "config", "--format", "json"))
    return config["services"][service]["image"]


async def image(hem: Compose, name: str) -> dict[str, Any]:
    [found] = json.loads(await hem.run("docker", "image", "inspect", name))
    return found
