"""Whether a page helped its reader: one event, by the gateway's own word, with nothing of who said so."""

from typing import Annotated, Literal
from urllib.parse import urlsplit

from fastapi import Form, Request, Response
from starlette.exceptions import HTTPException

from schemas.gateway import PageRated
from services.chassis.web import Ctx, Permission, Router, page
from services.chassis.web.rating import open_rating
from services.chassis.web.words import N_
from services.gateway.domain.door import Publisher
from services.gateway.repository import pace

READERS = Publisher("readers")
A_MINUTE = 600
"""Of all readers together: what goes over it is refused, so that nobody fills the topic."""

router = Router()


@router.post("/rate", permission=Permission.PUBLIC)
async def rate(
    request: Request, ctx: Ctx, helpful: Annotated[Literal["yes", "no"], Form()], token: Annotated[str, Form()]
) -> Response:
    """Takes the rating of one showing of a page; said again, it corrects itself."""
    known = open_rating(ctx.settings, token)
    if known is None:
        raise HTTPException(400, N_("Only the pages here can be rated, from their own form."))
    if await pace.take(ctx, READERS, 1, test=False, default=A_MINUTE):
        raise HTTPException(429, N_("Many are rating pages just now. Try again in a minute."))
    path, number = known
    async with ctx.db.transaction() as tx:
        tx.publish(PageRated(page=path, rating_id=number, was_helpful=helpful == "yes"))
    return page(request, "rated.html", back=_back(request, path))


def _back(request: Request, path: str) -> str:
    """The page they came from with its choices, where the browser tells it; else the page as such."""
    came = urlsplit(request.headers.get("referer", ""))
    return f"{path}?{came.query}" if came.path == path and came.query else path
