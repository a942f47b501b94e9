"""The door passes requests and answers through unchanged, in streams, and speaks for a service that is down."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import orjson
import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from hem import front as fronts
from hem.front import Front
from hem.overview import server
from hem.routing import SERVICES, service_of
from hem.stack.folder import free_ports
from tests.hem.serving import served


@pytest.mark.parametrize(
    ("path", "service"),
    [
        ("/", "reporting"),
        ("/goals/housing-introduction-offered", "reporting"),
        ("/api/goals", "reporting"),
        ("/subjects/x", "reporting"),
        ("/ops/reporting/rebuild", "reporting"),
        ("/events", "gateway"),
        ("/events/batch", "gateway"),
        ("/eventsource", "reporting"),
        ("/static/hem.css", "gateway"),
        ("/ops/gateway/keys", "gateway"),
        ("/todo", "notifications"),
        ("/mail", "catcher"),
        ("/ops/placements/parked", "placements"),
        ("/ops/surveys", "surveys"),
        ("/ops", "reporting"),
        ("/health/ready", "overview"),
        ("/metrics/", "overview"),
        ("/todo/../events", "notifications"),
        ("/%65vents", "reporting"),
        ("//events", "reporting"),
        ("", "reporting"),
    ],
)
def test_every_path_has_one_service(path: str, service: str) -> None:
    assert service_of(path) == service


class Echo:
    """A service that answers with what it got, streams on /stream until its reader is gone, and counts."""

    def __init__(self) -> None:
        self.gone = asyncio.Event()
        self.release = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if scope["path"] == "/stream":
            await self._stream(receive, send)
            return
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        answer = {
            "method": scope["method"],
            "path": scope["raw_path"].decode(),
            "query": scope["query_string"].decode(),
            "headers": [[name.decode(), value.decode("latin-1")] for name, value in scope["headers"]],
            "length": len(body),
        }
        headers = [(b"content-type", b"application/json"), (b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")]
        await send({"type": "http.response.start", "status": 207, "headers": headers})
        await send({"type": "http.response.body", "body": orjson.dumps(answer)})

    async def _stream(self, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        await send({"type": "http.response.body", "body": b"data: 1\n\n", "more_body": True})
        while (await receive())["type"] != "http.disconnect":
            pass
        self.gone.set()


@pytest.fixture
async def echo() -> Echo:
    return Echo()


@pytest.fixture
async def door(echo: Echo) -> AsyncIterator[httpx2.AsyncClient]:
    here, there, closed = free_ports(3)
    plain = uvicorn.Server(uvicorn.Config(echo, port=there, log_level="error", lifespan="off", proxy_headers=False))
    async with served(plain) as service:
        targets = dict.fromkeys(("gateway", "placements", "surveys", "reporting", "catcher"), service)
        front = Front(targets | {"notifications": f"127.0.0.1:{closed}"})
        async with (
            served(server(front.app, "127.0.0.1", here)) as address,
            httpx2.AsyncClient(base_url=f"http://{address}", timeout=10) as client,
        ):
            yield client


async def test_request_and_answer_pass_unchanged(door: httpx2.AsyncClient) -> None:
    answer = await door.post(
        "/events/a%2Fb?x=1&y=%C3%A5",
        content=b"x" * 2_000_000,
        headers={
            "authorization": "Bearer k",
            "X-Forwarded-For": "6.6.6.6",
            "Connection": "keep-alive, x-hop",
            "X-Hop": "no",
        },
    )
    got: dict[str, Any] = answer.json()
    headers = dict(got["headers"])

    assert answer.status_code == 207
    assert answer.headers.get_list("set-cookie") == ["a=1", "b=2"]
    assert (got["method"], got["path"], got["query"], got["length"]) == (
        "POST",
        "/events/a%2Fb",
        "x=1&y=%C3%A5",
        2_000_000,
    )
    assert headers["authorization"] == "Bearer k"
    assert headers["host"] == door.base_url.netloc.decode()
    assert headers["x-forwarded-for"] == "127.0.0.1"
    assert "x-hop" not in headers


@pytest.mark.parametrize(
    "name", ["host", "origin", "cookie", "authorization", "sec-fetch-site", "content-length", "content-type"]
)
async def test_connection_header_takes_nothing_away_that_protects(door: httpx2.AsyncClient, name: str) -> None:
    sent = {
        "host": "evil.example",
        "origin": "http://evil.example",
        "cookie": "session=x",
        "authorization": "Bearer k",
        "sec-fetch-site": "cross-site",
        "content-type": "text/plain",
    }
    answer = await door.post("/events", content=b"abc", headers=sent | {"Connection": f"close, {name.title()}, x-hop"})
    got = dict(answer.json()["headers"])
    assert got[name] == (sent | {"content-length": "3"})[name]


async def test_chunked_body_without_length_arrives_whole(door: httpx2.AsyncClient) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for _ in range(5):
            yield b"12345"

    assert (await door.post("/events", content=parts())).json()["length"] == 25


async def test_stream_passes_at_once_and_ends_with_its_reader(door: httpx2.AsyncClient, echo: Echo) -> None:
    async with door.stream("GET", "/stream") as answer:
        chunks = answer.aiter_raw()
        async with asyncio.timeout(5):
            assert await anext(chunks) == b"data: 1\n\n"
    async with asyncio.timeout(5):
        await echo.gone.wait()


async def test_service_that_is_down_is_named_to_people_and_programs(door: httpx2.AsyncClient) -> None:
    page = await door.get("/todo", headers={"accept": "text/html"})
    problem = await door.post("/todo/1/offered")

    assert (page.status_code, problem.status_code) == (502, 502)
    assert "notifications" in page.text
    assert page.headers["content-type"].startswith("text/html")
    assert problem.headers["content-type"] == "application/problem+json"
    assert problem.json()["service"] == "notifications"
    for answer in (page, problem):
        assert answer.headers["content-security-policy"].startswith("default-src 'none'; frame-ancestors 'none'")
        assert answer.headers["x-content-type-options"] == "nosniff"


async def test_no_place_is_said_and_health_is_answered_all_the_same(
    echo: Echo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fronts, "WAIT_FOR_A_PLACE", 0.2)
    here, there = free_ports(2)
    plain = uvicorn.Server(uvicorn.Config(echo, port=there, log_level="error", lifespan="off"))
    async with served(plain) as service:
        front = Front(dict.fromkeys(SERVICES, service), most_at_once=1)
        async with (
            served(server(front.app, "127.0.0.1", here)) as address,
            httpx2.AsyncClient(base_url=f"http://{address}", timeout=10) as client,
            client.stream("GET", "/stream"),
        ):
            full = await client.get("/events")
            ready = await client.get("/health/ready")
            figures = await client.get("/metrics")
    assert (full.status_code, full.headers["retry-after"]) == (503, "2")
    assert full.json()["title"] == "Too many requests at once"
    assert set(ready.json()["services"].values()) == {"not ready"}  # an answer: 207 of the echo
    assert figures.status_code == 200


async def test_ready_only_when_every_service_is(door: httpx2.AsyncClient) -> None:
    answer = await door.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json()["services"]["notifications"] == "no answer"
    assert (await door.get("/health/live")).status_code == 200
    assert (await door.get("/metrics")).status_code == 200
