"""The AsyncAPI document, and a page of it.

The page is our own: the usual component (@asyncapi/react-component) is 3 MB of script and needs `unsafe-eval`.
"""

from fastapi import Request
from starlette.responses import JSONResponse, Response

from schemas.asyncapi import document
from services.chassis.web import Ctx, Permission, Router, page

router = Router()


@router.get("/asyncapi.json", permission=Permission.PUBLIC)
async def show_document(ctx: Ctx) -> Response:
    """AsyncAPI 3.0 of everything that is said over Kafka."""
    return JSONResponse(document(ctx.settings.public_url, ctx.settings.topic_prefix))


@router.get("/asyncapi", permission=Permission.PUBLIC)
async def show_page(request: Request, ctx: Ctx) -> Response:
    """The same to read."""
    return page(request, "asyncapi.html", said=document(ctx.settings.public_url, ctx.settings.topic_prefix))
