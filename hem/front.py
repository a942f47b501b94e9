"""The one door on one machine: a streaming reverse proxy on 127.0.0.1, with the overview of all services in it.

`python -m hem.front` reads HEM_PORT and HEM_TARGETS (`gateway=127.0.0.1:8101,…`). In containers nginx is the door (`deploy/nginx.py`).
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager

import httpx2
import orjson
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Mount
from starlette.types import Receive, Scope, Send

from hem.home import door_port
from hem.overview import Overview, server, targets_from_environment
from hem.refusals import BUSY, DOWN, REFUSAL_HEADERS, Refusal
from hem.routing import OVERVIEW, service_of
from hem.stack.errors import StackError

HOP_BY_HOP = {
    b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"proxy-connection",
    b"te", b"trailer", b"transfer-encoding", b"upgrade",
}  # fmt: skip
# What protects the person or frames the body goes on, whatever a Connection header says: it could strip Host, and with it the
# check of who may ask.
NEVER_HOP_BY_HOP = {
    b"host", b"origin", b"cookie", b"authorization", b"content-length", b"content-type",
    b"sec-fetch-site", b"sec-fetch-mode", b"sec-fetch-dest", b"sec-fetch-user",
}  # fmt: skip
NOT_FROM_OUTSIDE = {b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto", b"forwarded"}
MOST_AT_ONCE, WAIT_FOR_A_PLACE = 500, 5.0

Headers = list[tuple[bytes, bytes]]


class Front:
    """The proxy; `targets` maps a service to its host:port."""

    def __init__(self, targets: Mapping[str, str], *, most_at_once: int = MOST_AT_ONCE) -> None:
        self.targets = dict(targets)
        self.client = httpx2.AsyncClient(
            # A stream of live figures is silent for long: only connecting and waiting for a place have a time limit.
            timeout=httpx2.Timeout(None, connect=3.0, pool=WAIT_FOR_A_PLACE),
            # Shorter than uvicorn's 5 s, so that no request meets a connection the service is closing.
            limits=httpx2.Limits(max_connections=most_at_once, max_keepalive_connections=100, keepalive_expiry=2.0),
            trust_env=False,
        )
        # It has connections of its own: health and metrics are asked for most when all of ours are taken.
        self.overview = Overview(targets)
        self.app = Starlette(routes=[Mount("/", app=self.proxy)], lifespan=self._lifespan)

    async def proxy(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request to its service and the answer back as it comes."""
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        path: bytes = scope.get("raw_path") or scope["path"].encode()
        service = service_of(path.decode("latin-1"))
        if service == OVERVIEW:
            await self.overview.app(scope, receive, send)
            return
        try:
            answer = await self._send(request, path, f"http://{self.targets[service]}")
        except ClientDisconnect:
            return
        except httpx2.PoolTimeout:
            await _refused(request, service, BUSY)(scope, receive, send)
            return
        except httpx2.HTTPError:
            await _refused(request, service, DOWN)(scope, receive, send)
            return
        passing = asyncio.ensure_future(_pass_on(answer, send))
        leaving = asyncio.ensure_future(_until_gone(receive))
        try:
            await asyncio.wait({passing, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            leaving.cancel()
            passing.cancel()
            await asyncio.gather(passing, leaving, return_exceptions=True)
            await answer.aclose()

    async def _send(self, request: Request, path: bytes, target: str) -> httpx2.Response:
        if query := request.scope["query_string"]:
            path += b"?" + query
        has_body = "content-length" in request.headers or "transfer-encoding" in request.headers
        for attempt in (1, 2):
            outgoing = httpx2.Request(
                request.method,
                httpx2.URL(target).copy_with(raw_path=path),
                headers=_forwarded(request),
                content=request.stream() if has_body else None,
            )
            try:
                return await self.client.send(outgoing, stream=True)
            except (httpx2.RemoteProtocolError, httpx2.ReadError):
                # A service that was just started again had closed the connection we kept: ask once more what is safe to ask twice.
                if attempt == 2 or has_body or request.method not in {"GET", "HEAD"}:
                    raise
        raise AssertionError("unreachable")

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        async with self.client, self.overview.connected():
            yield


def _forwarded(request: Request) -> Headers:
    """The client's headers for the service. Host stays: checks of where a form came from compare it with Origin."""
    headers = _without(request.headers.raw, HOP_BY_HOP | NOT_FROM_OUTSIDE)
    peer = request.client.host if request.client else "127.0.0.1"
    return [
        *headers,
        (b"x-forwarded-for", peer.encode()),
        (b"x-forwarded-proto", request.url.scheme.encode()),
        (b"x-forwarded-host", request.headers.get("host", "").encode("latin-1")),
    ]


def _without(headers: Iterable[tuple[bytes, bytes]], left_out: set[bytes]) -> Headers:
    pairs = [(name.lower(), value) for name, value in headers]
    named = {part.strip().lower() for name, value in pairs if name == b"connection" for part in value.split(b",")}
    return [(name, value) for name, value in pairs if name not in left_out | (named - NEVER_HOP_BY_HOP)]


async def _pass_on(answer: httpx2.Response, send: Send) -> None:
    headers = _without(answer.headers.raw, HOP_BY_HOP)
    await send({"type": "http.response.start", "status": answer.status_code, "headers": headers})
    async for chunk in answer.aiter_raw():
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _refused(request: Request, service: str, why: Refusal) -> Response:
    """What a person or a program is told while a service can't be asked."""
    if "text/html" in request.headers.get("accept", ""):
        return Response(why.page(service), why.status, REFUSAL_HEADERS, media_type="text/html")
    body = orjson.dumps(why.problem(service))
    return Response(body, why.status, REFUSAL_HEADERS, media_type="application/problem+json")


def main() -> None:
    os.umask(0o077)
    try:
        front = Front(targets_from_environment())
        port = door_port()
    except StackError as error:
        sys.exit(f"The door can't open.\n{error}")
    server(front.app, "127.0.0.1", port).run()


if __name__ == "__main__":
    main()
