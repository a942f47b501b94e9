"""What is turned away before a route sees it: addresses nobody can read, large bodies, posts from other sites' pages."""

import re
from collections.abc import Mapping
from urllib.parse import unquote_to_bytes

from fastapi import Request
from starlette.datastructures import Headers
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from services.chassis.web.problem import refusal
from services.chassis.web.words import N_

MAX_BODY = 8 * 1024 * 1024
TOO_LARGE_FILE = N_("The file is larger than can be sent here.")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class PlainAddress:
    """Answers 400 to a path or query with a control character in it: PostgreSQL takes no NUL, and no name has any."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pure ASGI."""
        if scope["type"] == "http" and _CONTROL.search(_address(scope)):
            detail = N_("The address holds a character that may not be in one.")
            await refusal(Request(scope), 400, detail)(scope, receive, send)
        else:
            await self.app(scope, receive, send)


class BodyLimit:
    """Answers 413 to a request of more than `MAX_BODY` bytes, told in advance or counted as they come.

    `larger`: how much more the addresses below a path take, where files are sent. Starlette's middleware counts; an
    announced length is refused here, because it would answer that in plain text.
    """

    def __init__(self, app: ASGIApp, larger: Mapping[str, int]) -> None:
        self.counting = {limit: RequestBodyLimitMiddleware(app, limit) for limit in (MAX_BODY, *larger.values())}
        self.larger = larger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pure ASGI."""
        limit = self._limit(scope["path"]) if scope["type"] == "http" else MAX_BODY
        if scope["type"] == "http" and _announced(scope) > limit:
            await refusal(Request(scope), 413, None if limit == MAX_BODY else TOO_LARGE_FILE)(scope, receive, send)
        else:
            await self.counting[limit](scope, receive, send)

    def _limit(self, path: str) -> int:
        return next((limit for below, limit in self.larger.items() if path.startswith(f"{below}/")), MAX_BODY)


async def refuse_other_sites(scope: Scope, receive: Receive, send: Send) -> None:
    """The answer to a post that another site's page made the browser send."""
    detail = N_("The form was sent from another site. Open the page here and try again.")
    await refusal(Request(scope), 403, detail)(scope, receive, send)


def _address(scope: Scope) -> str:
    return str(scope["path"]) + unquote_to_bytes(scope["query_string"]).decode(errors="replace")


def _announced(scope: Scope) -> int:
    length = Headers(scope=scope).get("content-length", "")
    return int(length) if length.isascii() and length.isdigit() else 0
