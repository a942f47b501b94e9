"""Health and metrics of all services together, and of every replica of each: a part of the one-machine door, a server of its own in containers.

`python -m hem.overview` listens on port 8000 (HEM_OVERVIEW_PORT); HEM_TARGETS (`gateway=gateway:8000,…`) says where the services are.
"""

import asyncio
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import httpx2
import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from hem.environment import given
from hem.exposition import Page, merge
from hem.home import port_of
from hem.refusals import SAFE_HEADERS
from hem.routing import SERVICES
from hem.stack.errors import StackError

PROBE_WITHIN = 3.0
FIND_WITHIN = 2.0
MOST_REPLICAS = 32
MOST_AT_ONCE = 64  # requests to one service
REFUSED = {401, 403}  # it answers, but not to this caller
Headers = list[tuple[bytes, bytes]]
EXPOSITION = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True)
class Answer:
    """What one instance of a service said, None when it said nothing. `instance` is its host:port; "" when none was found."""

    service: str
    instance: str
    said: httpx2.Response | None

    @property
    def fine(self) -> bool:
        return self.said is not None and self.said.status_code == 200


class Overview:
    """/health/live, /health/ready and /metrics. `targets` maps a service to its host:port; every address behind the name is asked."""

    def __init__(self, targets: Mapping[str, str]) -> None:
        self._targets = {service: targets[service] for service in SERVICES if service in targets}
        # Each service has connections of its own: one that hangs takes no place from those that answer.
        self._clients = {service: _client() for service in self._targets}
        self.app = Starlette(
            routes=[
                Route("/health/live", self.live),
                Route("/health/ready", self.ready),
                Route("/metrics", self.metrics),
            ],
            exception_handlers={HTTPException: _nothing_here},
            lifespan=lambda _: self.connected(),
        )
        self.app.router.redirect_slashes = False

    async def live(self, _: Request) -> Response:
        return PlainTextResponse("live\n", headers=SAFE_HEADERS)

    async def ready(self, _: Request) -> Response:
        """200 when of every service at least one replica can do its work, else 503; the body says who can't, and which part of it."""
        answers = await self._ask("/health/ready", [])
        own = {service: [each for each in answers if each.service == service] for service in self._targets}
        whole = all(any(each.fine for each in replicas) for replicas in own.values())
        body: dict[str, Any] = {
            "status": "ready" if whole else "not ready",
            "services": {service: _state(replicas) for service, replicas in own.items()},
        }
        if unfit := {service: parts for service, replicas in own.items() if (parts := _unfit(replicas))}:
            body["parts"] = unfit
        return Response(orjson.dumps(body), 200 if whole else 503, SAFE_HEADERS, media_type="application/json")

    async def metrics(self, request: Request) -> Response:
        """The metrics of who opens them to this caller. Where all refuse: their refusal."""
        answers = await self._ask("/metrics", _caller(request))
        refusals = [each.said for each in answers if each.said is not None and each.said.status_code in REFUSED]
        if refusals and not any(each.fine for each in answers):
            return _passed_on(min(refusals, key=lambda said: said.status_code))
        several = {each.service for each in answers if sum(other.service == each.service for other in answers) > 1}
        pages = (
            Page(
                each.service,
                each.instance if each.service in several else None,
                each.said.text if each.fine and each.said is not None else None,
            )
            for each in answers
        )
        return Response(merge(pages), headers=SAFE_HEADERS, media_type=EXPOSITION)

    async def _ask(self, path: str, headers: Headers) -> list[Answer]:
        """The answers of all replicas of all services, in the order of the services."""
        asked = await asyncio.gather(
            *(self._ask_service(service, target, path, headers) for service, target in self._targets.items())
        )
        return [answer for answers in asked for answer in answers]

    async def _ask_service(self, service: str, target: str, path: str, headers: Headers) -> list[Answer]:
        instances = await _instances(target)
        client = self._clients[service]
        said = await asyncio.gather(*(_probe(client, f"http://{instance}{path}", headers) for instance in instances))
        return [Answer(service, *pair) for pair in zip(instances, said, strict=True)] or [Answer(service, "", None)]

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[None]:
        """While this is open, services can be asked."""
        async with AsyncExitStack() as stack:
            for client in self._clients.values():
                await stack.enter_async_context(client)
            yield


def _client() -> httpx2.AsyncClient:
    return httpx2.AsyncClient(
        timeout=PROBE_WITHIN,
        # Shorter than uvicorn's 5 s, so that no request meets a connection the service is closing.
        limits=httpx2.Limits(max_connections=MOST_AT_ONCE, keepalive_expiry=2.0),
        trust_env=False,
    )


async def _probe(client: httpx2.AsyncClient, url: str, headers: Headers) -> httpx2.Response | None:
    try:
        async with asyncio.timeout(PROBE_WITHIN):
            # Made by hand: the client's own requests would carry cookies that were meant for another caller.
            return await client.send(httpx2.Request("GET", url, headers=headers))
    except (httpx2.HTTPError, TimeoutError):
        return None


async def _instances(target: str) -> list[str]:
    """The addresses behind a host:port, as host:port; none when the name is not known. Asked for anew each time: replicas come and go."""
    host, _, port = target.rpartition(":")
    try:
        async with asyncio.timeout(FIND_WITHIN):
            found = await asyncio.get_running_loop().getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    hosts = sorted(
        {f"[{place[0]}]" if family == socket.AF_INET6 else str(place[0]) for family, _, _, _, place in found}
    )
    return [f"{each}:{port}" for each in hosts[:MOST_REPLICAS]]


def _state(replicas: list[Answer]) -> str:
    ready = sum(each.fine for each in replicas)
    if ready == len(replicas):
        return "ready" if ready == 1 else f"{ready} of {ready} ready"
    if ready:
        return f"{ready} of {len(replicas)} ready"
    return "not ready" if any(each.said is not None for each in replicas) else "no answer"


def _unfit(replicas: list[Answer]) -> list[str]:
    """The parts that some replica says are not well. Why, the service says itself: that is not for everybody."""
    found: set[str] = set()
    for each in replicas:
        if each.said is not None and not each.fine:
            found |= {name for name, state in _parts(each.said).items() if state != "ok"}
    return sorted(found)


def _parts(said: httpx2.Response) -> dict[str, Any]:
    try:
        parts = said.json()["parts"]
    except (ValueError, KeyError, TypeError):  # it is some other program that answers there
        return {}
    return parts if isinstance(parts, dict) else {}


def _caller(request: Request) -> Headers:
    """Who asks, for the services to judge: by whom they are sent, and by which name Hem was asked."""
    named = [pair for pair in request.headers.raw if pair[0] in {b"authorization", b"cookie", b"host"}]
    return [*named, (b"x-forwarded-for", (request.client.host if request.client else "127.0.0.1").encode())]


async def _nothing_here(_: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return PlainTextResponse(f"{HTTPStatus(status).phrase}\n", status, SAFE_HEADERS)


def _passed_on(said: httpx2.Response) -> Response:
    kept = {name: said.headers[name] for name in ("content-type", "www-authenticate") if name in said.headers}
    return Response(said.content, said.status_code, kept | SAFE_HEADERS)


def targets_from_environment() -> dict[str, str]:
    """HEM_TARGETS: service → host:port. StackError when that is not what it holds."""
    pairs = [pair.strip().partition("=") for pair in (given("HEM_TARGETS") or "").split(",") if pair.strip()]
    targets = {service: target for service, _, target in pairs}
    if not targets or not all(_is_target(target) for target in targets.values()):
        raise StackError("HEM_TARGETS must say where the services are: gateway=gateway:8000,reporting=reporting:8000,…")
    return targets


def _is_target(text: str) -> bool:
    host, _, port = text.rpartition(":")
    return bool(host) and port.isascii() and port.isdigit() and 0 < int(port) < 2**16


def server(app: Starlette, host: str, port: int) -> uvicorn.Server:
    """The server of one of our doors."""
    return uvicorn.Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            # Whoever sends X-Forwarded-For to us makes it up, or it is not for us to judge by.
            proxy_headers=False,
            log_level="warning",
            access_log=False,
            server_header=False,
            date_header=False,
            timeout_graceful_shutdown=2,
        )
    )


def main() -> None:
    try:
        overview = Overview(targets_from_environment())
        port = port_of("HEM_OVERVIEW_PORT") or 8000
    except StackError as error:
        sys.exit(f"overview can't start.\n{error}")
    server(overview.app, "0.0.0.0", port).run()  # noqa: S104 (it is reached from other containers)


if __name__ == "__main__":
    main()
