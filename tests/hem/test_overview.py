"""All services and every replica at a glance; who may see the metrics is for the services to say."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx2
import pytest
import uvicorn
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

import hem.overview
from hem.exposition import Page, merge
from hem.overview import Overview, server, targets_from_environment
from hem.refusals import SAFE_HEADERS
from hem.stack.errors import StackError
from hem.stack.folder import free_ports
from tests.hem.serving import served

METRICS = "# TYPE handled_total counter\nhandled_total 3.0\n"


class Replica:
    """A service that is well or not, and opens its metrics to the bearer of `token` alone, where one is set."""

    def __init__(self, *, token: str | None = None) -> None:
        self.parts = {"relay": "ok"}
        self.token = token
        self.seen: list[dict[str, str]] = []
        self.app = Starlette(routes=[Route("/health/ready", self.ready), Route("/metrics", self.metrics)])

    async def ready(self, _: Request) -> Response:
        return JSONResponse({"parts": self.parts}, 200 if set(self.parts.values()) == {"ok"} else 503)

    async def metrics(self, request: Request) -> Response:
        self.seen.append(dict(request.headers))
        if self.token and request.headers.get("authorization") != f"Bearer {self.token}":
            status = 403 if "cookie" in request.headers else 401
            return JSONResponse({"status": status}, status, {"set-cookie": "mine=1"}, "application/problem+json")
        return PlainTextResponse(METRICS)


@asynccontextmanager
async def overview(replicas: dict[str, list[Replica]], port: int, *also: str) -> AsyncIterator[httpx2.AsyncClient]:
    """The overview of services whose replicas listen on `port` of 127.0.0.1, 127.0.0.2, … behind one name each."""
    async with AsyncExitStack() as stack:
        for number, each in enumerate((each for own in replicas.values() for each in own), 1):
            config = uvicorn.Config(each.app, f"127.0.0.{number}", port, log_level="error", lifespan="off")
            await stack.enter_async_context(served(uvicorn.Server(config)))
        own = server(
            Overview({service: f"{service}.hem:{port}" for service in (*replicas, *also)}).app,
            "127.0.0.1",
            free_ports(1)[0],
        )
        address = await stack.enter_async_context(served(own))
        yield await stack.enter_async_context(httpx2.AsyncClient(base_url=f"http://{address}", timeout=10))


@pytest.fixture
def port() -> int:
    return free_ports(1)[0]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """name → addresses, as a name server would tell; other names are not known."""
    known: dict[str, list[str]] = {}
    real = socket.getaddrinfo

    def tell(host: Any, port: Any, *rest: Any, **more: Any) -> list[Any]:
        if not str(host).endswith(".hem"):
            return real(host, port, *rest, **more)
        if host not in known:
            raise socket.gaierror(socket.EAI_NONAME, "not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in known[host]]

    monkeypatch.setattr(socket, "getaddrinfo", tell)
    return known


def families(text: str) -> dict[str, Metric]:
    return {family.name: family for family in text_string_to_metric_families(text)}


def up(text: str) -> dict[tuple[str, str | None], float]:
    return {(s.labels["service"], s.labels.get("instance")): s.value for s in families(text)["hem_service_up"].samples}


async def test_every_replica_is_asked_and_replicas_come_and_go(port: int, names: dict[str, list[str]]) -> None:
    names |= {"gateway.hem": ["127.0.0.1"], "reporting.hem": ["127.0.0.3", "127.0.0.2"]}
    replicas = {"gateway": [Replica()], "reporting": [Replica(), Replica()], "surveys": []}
    async with overview(replicas, port) as client:
        answer = await client.get("/health/ready")
        assert (answer.status_code, answer.json()["services"]) == (
            503,
            {"gateway": "ready", "surveys": "no answer", "reporting": "2 of 2 ready"},
        )

        del replicas["surveys"]
        names["surveys.hem"] = ["127.0.0.1"]
        replicas["reporting"][0].parts = {"relay": "ok", "reception": "waiting for Kafka: at 10.0.0.7"}
        answer = await client.get("/health/ready")
        assert (answer.status_code, answer.json()) == (
            200,
            {
                "status": "ready",
                "services": {"gateway": "ready", "surveys": "ready", "reporting": "1 of 2 ready"},
                "parts": {"reporting": ["reception"]},
            },
        )

        answer = await client.get("/metrics")
        assert up(answer.text) == {
            ("gateway", None): 1,
            ("surveys", None): 1,
            ("reporting", f"127.0.0.2:{port}"): 1,
            ("reporting", f"127.0.0.3:{port}"): 1,
        }
        assert len(families(answer.text)["handled"].samples) == 4

        replicas["reporting"][1].parts = {"relay": "away"}
        names["reporting.hem"] = ["127.0.0.2", "127.0.0.3", "127.0.0.9"]
        answer = await client.get("/health/ready")
        assert (answer.status_code, answer.json()["services"]["reporting"]) == (503, "not ready")
        assert answer.json()["parts"] == {"reporting": ["reception", "relay"]}
        assert up((await client.get("/metrics")).text)["reporting", f"127.0.0.9:{port}"] == 0

        names["reporting.hem"] = ["127.0.0.1"]
        assert (await client.get("/health/ready")).json()["services"]["reporting"] == "ready"


async def test_metrics_are_for_whom_the_services_open_them(port: int, names: dict[str, list[str]]) -> None:
    names |= {"gateway.hem": ["127.0.0.1"], "reporting.hem": ["127.0.0.2"]}
    gateway, reporting = Replica(token="t"), Replica(token="t")
    async with overview({"gateway": [gateway], "reporting": [reporting], "surveys": []}, port) as client:
        refused = await client.get("/metrics", headers={"X-Forwarded-For": "6.6.6.6", "x-other": "1"})
        assert (refused.status_code, refused.json()) == (401, {"status": 401})
        assert refused.headers["content-type"] == "application/problem+json"
        assert "set-cookie" not in refused.headers
        assert (await client.get("/metrics", headers=[(b"cookie", "session=å".encode())])).status_code == 403

        answer = await client.get("/metrics", headers={"authorization": "Bearer t"})
        assert up(answer.text) == {("gateway", None): 1, ("surveys", None): 0, ("reporting", None): 1}
        assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")

        reporting.token = "another"
        answer = await client.get("/metrics", headers={"authorization": "Bearer t"})
        assert up(answer.text) == {("gateway", None): 1, ("surveys", None): 0, ("reporting", None): 0}
        for path in ("/metrics", "/health/ready", "/health/live", "/metrics/"):
            headers = (await client.get(path)).headers
            assert {name: headers.get(name) for name in SAFE_HEADERS} == SAFE_HEADERS, path
        assert (await client.get("/metrics/")).status_code == 404

    first, second = gateway.seen[:2]
    # As it was asked, by whom it was asked, and nothing that another caller was given.
    assert first["host"] == client.base_url.netloc.decode()
    assert first["x-forwarded-for"] == "127.0.0.1"
    assert not {"x-other", "cookie"} & first.keys()
    assert second["cookie"].startswith("session=")
    assert "mine" not in second["cookie"]


async def test_silence_is_short_and_a_program_that_is_not_hem_is_not_ready(names: dict[str, list[str]]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = silent.getsockname()[1]
        app = Overview({"gateway": f"127.0.0.1:{address}", "surveys": "nowhere.hem:1"}).app
        async with served(server(app, "127.0.0.1", free_ports(1)[0])) as here, httpx2.AsyncClient(timeout=10) as client:
            async with asyncio.timeout(6):
                answer = await client.get(f"http://{here}/health/ready")
    assert answer.json() == {"status": "not ready", "services": {"gateway": "no answer", "surveys": "no answer"}}


async def test_a_service_that_hangs_takes_no_place_from_the_others(
    port: int, names: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hem.overview, "MOST_AT_ONCE", 1)
    names |= {"gateway.hem": ["127.0.0.1"], "reporting.hem": ["127.0.0.2"]}
    with socket.create_server(("127.0.0.2", port)):
        async with overview({"gateway": [Replica()]}, port, "reporting") as client:
            answers = await asyncio.gather(*(client.get("/health/ready") for _ in range(3)))
    assert [each.json()["services"] for each in answers] == [{"gateway": "ready", "reporting": "no answer"}] * 3


@pytest.mark.parametrize("text", ["", "gateway", "gateway=", "gateway=8000", "gateway=gateway:x", "gateway=gateway:0"])
def test_targets_that_are_none_are_said(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEM_TARGETS", text)
    with pytest.raises(StackError, match="HEM_TARGETS must say where"):
        targets_from_environment()
    monkeypatch.setenv("HEM_TARGETS", "gateway=gateway:8000, surveys=[::1]:9")
    assert targets_from_environment() == {"gateway": "gateway:8000", "surveys": "[::1]:9"}


def test_metrics_of_all_are_one_valid_exposition() -> None:
    one = (
        "# HELP handled_total Events.\n# TYPE handled_total counter\nhandled_total 3.0\n"
        "# HELP took_seconds Time.\n# TYPE took_seconds histogram\n"
        'took_seconds_bucket{le="0.1"} 1.0\ntook_seconds_bucket{le="+Inf"} 2.0\ntook_seconds_count 2.0\ntook_seconds_sum 0.4\n'
    )
    two = '# HELP handled_total Events.\n# TYPE handled_total counter\nhandled_total{topic="a b{c}"} 4.0\nempty{} 1\n'

    page = merge(
        [Page("gateway", None, one), Page("reporting", "10.0.0.7:8000", two), Page("notifications", None, None)]
    )

    families = {family.name: family for family in text_string_to_metric_families(page)}
    assert page.count("# TYPE handled_total") == 1
    assert {(s.labels["service"], s.value) for s in families["handled"].samples} == {
        ("gateway", 3.0),
        ("reporting", 4.0),
    }
    assert {s.labels.get("topic") for s in families["handled"].samples} == {None, "a b{c}"}
    assert len(families["took_seconds"].samples) == 4
    assert families["empty"].samples[0].labels == {"service": "reporting", "instance": "10.0.0.7:8000"}
    up = {s.labels["service"]: s.value for s in families["hem_service_up"].samples}
    assert up == {"gateway": 1, "reporting": 1, "notifications": 0}
