"""What goes wrong, said so that the reader can mend it: problem JSON (RFC 9457) to machines, a page to people."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match

from services.chassis.web.headers import safe_headers
from services.chassis.web.pages import page, translations
from services.chassis.web.words import N_


@dataclass(frozen=True)
class Kind:
    """The usual words of one status; title and detail are message ids."""

    slug: str
    title: str
    detail: str


KINDS: Mapping[int, Kind] = {
    400: Kind("bad-request", N_("We could not read that"), N_("The request is not one we understand.")),
    401: Kind("sign-in-needed", N_("Sign in to go on"), N_("This page is for people who work with it.")),
    403: Kind("not-allowed", N_("You may not do this"), N_("Your role does not open this page.")),
    404: Kind("not-found", N_("There is nothing here"), N_("Check the address, or start from the goals.")),
    405: Kind("wrong-method", N_("This address works another way"), N_("It does not take this kind of request.")),
    413: Kind("too-large", N_("That is too large"), N_("Send at most 8 MiB at a time; split a larger batch.")),
    415: Kind("wrong-media-type", N_("We do not read that kind of file"), N_("Send the content type the page names.")),
    422: Kind("invalid", N_("Something needs to be mended"), N_("One or more fields are missing or wrong.")),
    500: Kind("defect", N_("Something broke on our side"), N_("It has been noted. Try again in a while.")),
    503: Kind("unavailable", N_("Not just now"), N_("A part we depend on is away. Try again in a minute.")),
}

# To a machine, as the gateway says it of a key that is not known.
_NO_KEY = Kind("no-key", N_("A key is needed"), N_("Send a key in the header Authorization: Bearer …"))


def problem(
    status: int, type_slug: str, title: str, detail: str, *, headers: Mapping[str, str] | None = None, **extra: Any
) -> Response:
    """An RFC 9457 answer: `type` is `urn:hem:problem:<type_slug>`; `extra` becomes members of the object.

    Escaped to ASCII, so that a lone surrogate in what a client sent can be quoted back at it.
    """
    body = {"type": f"urn:hem:problem:{type_slug}", "title": title, "status": status, "detail": detail, **extra}
    return Response(json.dumps(body), status, dict(headers or {}), "application/problem+json")


def wants_page(request: Request) -> bool:
    """Whether a browser asks: machines don't name text/html."""
    return "text/html" in request.headers.get("accept", "")


def refusal(
    request: Request,
    status: int,
    detail: str | None = None,
    *,
    headers: Mapping[str, str] | None = None,
    fields: Sequence[Mapping[str, str]] = (),
    **extra: Any,
) -> Response:
    """The answer to a request that failed with `status`; `detail` (a message id) says more than the usual words.

    `fields` are the wrong ones, each with `field` (its place and name: `query.page`) and `expected`: machines get both,
    people a sentence with the name.
    """
    kind = (
        _NO_KEY if "WWW-Authenticate" in (headers or {}) else KINDS.get(status) or KINDS[500 if status >= 500 else 400]
    )
    detail = detail or kind.detail
    if not wants_page(request):
        named = {"fields": [*fields]} if fields else {}
        return problem(status, kind.slug, kind.title, detail, headers=headers, **named, **extra)
    if kind is _NO_KEY:  # whoever reads a page signs in: keys are for programs
        kind = KINDS[401]
        detail = kind.detail
    words = translations(request)
    answer = page(
        request,
        "problem.html",
        status,
        title=words.gettext(kind.title),
        detail=words.gettext(detail),
        sign_in_helps=status == 401,
        # A body that is missing altogether has a place and no name.
        fields=[*dict.fromkeys(name for f in fields if (name := f["field"].partition(".")[2]))],
        **extra,
    )
    answer.headers.update(headers or {})
    return answer


def install_handlers(app: FastAPI) -> None:
    """Has every error of `app` answered by `refusal`."""
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(Exception, _on_defect)


async def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    said = error.detail if _says_more(error) else None
    headers = {"Allow": _allowed(request)} if error.status_code == 405 else error.headers
    return refusal(request, error.status_code, said, headers=headers)


def _allowed(request: Request) -> str:
    """The methods of every route at this address: the framework names those of the first."""
    found: set[str] = set()
    for route in iter_route_contexts(request.app.routes):
        if route.methods and route.matches(request.scope)[0] is not Match.NONE:
            found |= route.methods
    return ", ".join(sorted(found))


def _says_more(error: HTTPException) -> bool:
    """Whether the detail was written by us: Starlette's own is the bare phrase of the status."""
    return error.status_code != 413 and error.detail != HTTPException(error.status_code).detail


async def _on_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    # The place and what was expected, never what was sent: it may be about a person.
    wrong = [{"field": ".".join(str(part) for part in e["loc"]), "expected": e["msg"]} for e in error.errors()]
    return refusal(request, 422, fields=wrong)


async def _on_defect(request: Request, _error: Exception) -> Response:
    answer = refusal(request, 500)
    # Starlette answers a defect outside all other middleware, where the safe headers are not added.
    for name, value in safe_headers(request.url.scheme):
        answer.headers[name] = value
    return answer
