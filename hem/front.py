"""The one door on one machine: a streaming reverse proxy on HEM_PORT, and the health and metrics of all services together.

`python -m hem.front` reads HEM_PORT and HEM_TARGETS (`gateway=8101,notifications=8102,…`: ports on 127.0.0.1).
"""

import asyncio
import html
import os
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus

import httpx2
import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.types import Receive, Scope, Send

from hem.exposition import merge
from hem.routing import SERVICES, service_of

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
PROBE_WITHIN = 3.0
MOST_AT_ONCE, WAIT_FOR_A_PLACE = 500, 5.0
# Our own pages have their colours from the browser and nothing to fetch.
PAGE_HEADERS = {
    "retry-after": "2",
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}

Headers = list[tuple[bytes, bytes]]


class Front:
    """The proxy and its own pages; `targets` maps a service to its base address."""

    def __init__(self, targets: Mapping[str, str], *, most_at_once: int = MOST_AT_ONCE) -> None:
        self.targets = dict(targets)
        self._services = [service for service in SERVICES if service in targets]
        self.client = httpx2.AsyncClient(
            # A stream of live figures is silent for long: only connecting and waiting for a place have a time limit.
            timeout=httpx2.Timeout(None, connect=3.0, pool=WAIT_FOR_A_PLACE),
            # Shorter than uvicorn's 5 s, so that no request meets a connection the service is closing.
            limits=httpx2.Limits(max_connections=most_at_once, max_keepalive_connections=100, keepalive_expiry=2.0),
            trust_env=False,
        )
        # Health and metrics are asked for most when all of those are taken.
        self.prober = httpx2.AsyncClient(timeout=PROBE_WITHIN, trust_env=False)
        self.app = Starlette(
            routes=[
                Route("/health/live", self.live),
                Route("/health/ready", self.ready),
                Route("/metrics", self.metrics),
                Mount("/", app=self.proxy),
            ],
            lifespan=self._lifespan,
        )

    async def live(self, _: Request) -> Response:
        return PlainTextResponse("live\n")

    async def ready(self, _: Request) -> Response:
        """200 when every service says that it can do its work, else 503; the body says which can't."""
        answers = await asyncio.gather(*(self._probe(service, "/health/ready") for service in self._services))
        states = {
            service: "ready"
            if answer is not None and answer.status_code == 200
            else "not ready"
            if answer
            else "no answer"
            for service, answer in zip(self._services, answers, strict=True)
        }
        whole = all(state == "ready" for state in states.values())
        body = orjson.dumps({"status": "ready" if whole else "not ready", "services": states})
        return Response(body, 200 if whole else 503, media_type="application/json")

    async def metrics(self, _: Request) -> Response:
        answers = await asyncio.gather(*(self._probe(service, "/metrics") for service in self._services))
        pages = {
            service: answer.text if answer is not None and answer.status_code == 200 else None
            for service, answer in zip(self._services, answers, strict=True)
        }
        return Response(merge(pages), media_type="text/plain; version=0.0.4; charset=utf-8")

    async def proxy(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request to its service and the answer back as it comes."""
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        path: bytes = scope.get("raw_path") or scope["path"].encode()
        service = service_of(path.decode("latin-1"))
        try:
            answer = await self._send(request, path, self.targets[service])
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

    async def _probe(self, service: str, path: str) -> httpx2.Response | None:
        try:
            return await self.prober.get(self.targets[service] + path)
        except httpx2.HTTPError:
            return None

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        async with self.client, self.prober:
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


@dataclass(frozen=True)
class Refusal:
    """Why the door answers instead of a service, in English and Swedish; `{}` is the service."""

    status: HTTPStatus
    title: str
    title_sv: str
    detail: str
    detail_sv: str


DOWN = Refusal(
    HTTPStatus.BAD_GATEWAY,
    "A service does not answer",
    "Den här delen svarar inte just nu",
    "The service {} does not answer. It is being started again: repeat the request in a moment.",
    "Tjänsten {} startas om av sig själv. Ladda om sidan om en liten stund.",
)
BUSY = Refusal(
    HTTPStatus.SERVICE_UNAVAILABLE,
    "Too many requests at once",
    "Just nu frågar alltför många på en gång",
    "There was no place for a request to the service {}: repeat it in a moment.",
    "Det fanns ingen plats för en fråga till tjänsten {}. Ladda om sidan om en liten stund.",
)


def _refused(request: Request, service: str, why: Refusal) -> Response:
    """What a person or a program is told while a service can't be asked."""
    if "text/html" in request.headers.get("accept", ""):
        name = f"<b>{html.escape(service)}</b>"
        page = (
            f'<!doctype html><html lang="sv"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
            f"<title>{why.title_sv}</title><h1>{why.title_sv}</h1><p>{why.detail_sv.format(name)}</p>"
            f'<p lang="en">{why.detail.format(name)}</p></html>'
        )
        return Response(page, why.status, PAGE_HEADERS, media_type="text/html")
    problem = {
        "type": "about:blank",
        "title": why.title,
        "status": why.status,
        "detail": why.detail.format(service),
        "service": service,
    }
    return Response(orjson.dumps(problem), why.status, PAGE_HEADERS, media_type="application/problem+json")


def server(front: Front, port: int) -> uvicorn.Server:
    """The server for `front` on 127.0.0.1:`port`."""
    return uvicorn.Server(
        uvicorn.Config(
            front.app,
            host="127.0.0.1",
            port=port,
            # Nobody stands before this door: whoever sends X-Forwarded-For to it makes it up.
            proxy_headers=False,
            log_level="warning",
            access_log=False,
            server_header=False,
            date_header=False,
            timeout_graceful_shutdown=2,
        )
    )


def main() -> None:
    os.umask(0o077)
    pairs = (pair.partition("=") for pair in os.environ["HEM_TARGETS"].split(","))
    front = Front({service: f"http://127.0.0.1:{port}" for service, _, port in pairs})
    server(front, int(os.environ.get("HEM_PORT", "8000"))).run()


if __name__ == "__main__":
    main()
