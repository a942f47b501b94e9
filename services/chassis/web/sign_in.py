"""Signing in by a printed address that works once, and out again."""

from typing import Annotated

from fastapi import Form, Query, Request
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response

from services.chassis.web import repository
from services.chassis.web.access import Permission, Role
from services.chassis.web.context import Ctx
from services.chassis.web.pages import page
from services.chassis.web.router import Router
from services.chassis.web.session import (
    SESSION_COOKIE,
    SESSION_LIFE,
    SignInCode,
    make_sign_in_link,
    open_sign_in_code,
    seal_session,
)
from services.chassis.web.shell import from_this_machine, shell
from services.chassis.web.words import N_


def sign_in_routes(service: str) -> Router:
    """/sign-in, /sign-out and /ops/<service>/sign-in-link."""
    router = Router()
    router.add_api_route("/sign-in", ask, methods=["GET"], permission=Permission.PUBLIC)
    router.add_api_route("/sign-in", sign_in, methods=["POST"], permission=Permission.PUBLIC)
    router.add_api_route("/sign-out", sign_out, methods=["POST"], permission=Permission.PUBLIC)
    router.add_api_route(f"/ops/{service}/sign-in-link", make_link, methods=["POST"], permission=Permission.OPERATE)
    return router


async def ask(request: Request, code: str = "") -> Response:
    """Asks for a yes before the code is spent: mail and chat programs open addresses to preview them."""
    known = _read(request, code) if code else None
    return _page(request, code=code if known else "", stale=bool(code) and known is None)


async def sign_in(request: Request, ctx: Ctx, code: Annotated[str, Form()]) -> Response:
    """Spends the code and starts a session of 12 hours."""
    known = _read(request, code)
    if known is not None:
        async with ctx.db.transaction() as tx:
            if not await repository.use_sign_in(tx, known.nonce):
                known = None
    if known is None:
        return _page(request, 410, code="", stale=True)
    answer = RedirectResponse("/", 303)
    answer.set_cookie(
        SESSION_COOKIE,
        seal_session(shell(request).settings, "operator", known.roles, shell(request).now()),
        max_age=int(SESSION_LIFE.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )
    return answer


async def sign_out(request: Request) -> Response:
    """Ends the session in this browser."""
    answer = RedirectResponse("/sign-in", 303)
    answer.delete_cookie(SESSION_COOKIE, httponly=True, samesite="lax", secure=request.url.scheme == "https")
    return answer


async def make_link(request: Request, role: Annotated[list[Role] | None, Query()] = None) -> Response:
    """`{"url": …}`: signs in once, with each `role` asked for.

    Without any: with every role on one machine, where whoever runs Hem is everybody; elsewhere as operator, who sees no households.
    """
    _refuse_elsewhere(request)
    of = shell(request)
    roles = role or (Role if of.settings.loopback else [Role.OPERATOR])
    return JSONResponse({"url": make_sign_in_link(of.settings, service=of.service, roles=roles, now=of.now())})


def _read(request: Request, code: str) -> SignInCode | None:
    _refuse_elsewhere(request)
    of = shell(request)
    return open_sign_in_code(of.settings, code, service=of.service, now=of.now())


def _page(request: Request, status: int = 200, *, code: str, stale: bool) -> Response:
    settings = shell(request).settings
    return page(
        request, "sign_in.html", status, code=code, stale=stale, here=settings.loopback, links=settings.sign_in_links
    )


def _refuse_elsewhere(request: Request) -> None:
    settings = shell(request).settings
    if settings.sign_in_links or from_this_machine(request):
        return
    if settings.loopback:
        raise HTTPException(403, N_("Signing in by a printed address works only on the machine Hem runs on."))
    raise HTTPException(403, N_("Signing in by a printed address is not switched on here (HEM_SIGN_IN_LINKS)."))
