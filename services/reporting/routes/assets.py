"""The look and the script of reporting's own pages, shipped with the service."""

import hashlib
from collections.abc import Awaitable, Callable
from pathlib import Path

from fastapi import Request, Response

from services.chassis.web import Permission, Router

FOLDER = Path(__file__).parents[1] / "static"
router = Router()


def _shipped(name: str, media_type: str) -> Callable[[Request], Awaitable[Response]]:
    content = (FOLDER / name).read_bytes()
    headers = {"etag": f'"{hashlib.sha256(content).hexdigest()[:20]}"', "cache-control": "no-cache"}

    async def answer(request: Request) -> Response:
        if request.headers.get("if-none-match") == headers["etag"]:
            return Response(status_code=304, headers=headers)
        return Response(content, media_type=media_type, headers=headers)

    return answer


for _name, _media_type in (("reporting.css", "text/css"), ("reporting.js", "text/javascript")):
    router.add_api_route(f"/{_name}", _shipped(_name, _media_type), permission=Permission.PUBLIC)
