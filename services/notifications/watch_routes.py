"""Pages for following a goal by e-mail. A mail's link only opens a page: it is the button that confirms or stops."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import Form, Path, Query, Request
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from services.chassis.web import Ctx, Permission, Router, language, page
from services.chassis.web.naming import open_name
from services.chassis.web.words import N_
from services.notifications import watching
from services.notifications.repository.watchers import Watcher
from services.notifications.watching import Asked, Purpose

router = Router()

Goal = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
Code = Annotated[str, Path(pattern=r"^[a-z2-7]{32}$")]
Token = Annotated[str, Query(max_length=1000)]

FULL = N_("Many are asking to follow goals just now. Try again tomorrow.")
NOT_OURS = N_("This address is not complete, or no longer works. Open it as it stands in the e-mail.")


@router.get("/watch/{goal}", permission=Permission.PUBLIC)
async def ask(request: Request, ctx: Ctx, goal: Goal, name: Token = "", sent: bool = False) -> Response:
    called = open_name(ctx.settings, goal, name) or goal
    return page(request, "watch.html", goal=goal, called=called, name=name, step="sent" if sent else "ask", wrong=None)


@router.post("/watch/{goal}", permission=Permission.PUBLIC)
async def follow(
    request: Request, ctx: Ctx, goal: Goal, email: Annotated[str, Form(max_length=254)] = "", name: Token = ""
) -> Response:
    """Answers the same whether the address was known before, and whether a mail goes to it."""
    called, email = open_name(ctx.settings, goal, name) or goal, email.strip()
    async with ctx.db.transaction() as tx:
        asked = await watching.ask(tx, goal, Watcher(email=email, language=language(request), goal=called))
    match asked:
        case Asked.NO_ADDRESS:
            shown = {"goal": goal, "called": called, "name": name, "step": "ask", "wrong": email}
            return page(request, "watch.html", 422, **shown)
        case Asked.TOO_MANY:
            raise HTTPException(429, FULL)
        case Asked.TAKEN:
            query = urlencode({"sent": "true", **({"name": name} if name else {})})
            return RedirectResponse(f"/watch/{goal}?{query}", status_code=303)


@router.get("/watch/{goal}/{purpose}/{code}", permission=Permission.PUBLIC)
async def ask_before(request: Request, goal: Goal, purpose: Purpose, code: Code) -> Response:
    """Programs that look into mails open every link in them: that must change nothing."""
    return page(request, "watch.html", goal=goal, step=purpose)


@router.post("/watch/{goal}/confirm/{code}", permission=Permission.PUBLIC)
async def confirm(request: Request, ctx: Ctx, goal: Goal, code: Code) -> Response:
    async with ctx.db.transaction() as tx:
        confirmed = await watching.confirm(tx, goal, code)
    if not confirmed:
        raise HTTPException(404, NOT_OURS)
    return page(request, "watch.html", goal=goal, step="confirmed")


@router.post("/watch/{goal}/stop/{code}", permission=Permission.PUBLIC)
async def stop(request: Request, ctx: Ctx, goal: Goal, code: Code) -> Response:
    """Mail programs post here too, when their reader presses their own button (RFC 8058)."""
    async with ctx.db.transaction() as tx:
        stopped = await watching.stop(tx, goal, code)
    if not stopped:
        raise HTTPException(404, NOT_OURS)
    return page(request, "watch.html", goal=goal, step="stopped")
