"""What is turned away before a route sees it: bodies that are too large, and posts from other sites' pages."""

from fastapi import Request
from starlette.datastructures import Headers
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from services.chassis.web.problem import refusal
from services.chassis.web.words import N_

MAX_BODY = 8 * 1024 * 1024


class BodyLimit:
    """Answers 413 to a request of more than `MAX_BODY` bytes, told in advance or counted as they come.

    Starlette's middleware counts; an announced length is refused here, because it would answer that in plain text.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.counting = RequestBodyLimitMiddleware(app, MAX_BODY)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pure ASGI."""
        if scope["type"] == "http" and _announced(scope) > MAX_BODY:
            await refusal(Request(scope), 413)(scope, receive, send)
        else:
            await self.counting(scope, receive, send)


async def refuse_other_sites(scope: Scope, receive: Receive, send: Send) -> None:
    """The answer to a post that another site's page made the browser send."""
    detail = N_("The form was sent from another site. Open the page here and try again.")
    await refusal(Request(scope), 403, detail)(scope, receive, send)


def _announced(scope: Scope) -> int:
    length = Headers(scope=scope).get("content-length", "")
    return int(length) if length.isascii() and length.isdigit() else 0
