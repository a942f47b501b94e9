"""An app that wears the shell, and browsers and machines that come to it."""

import base64
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from services.chassis.settings import ServiceSettings, prefix
from services.chassis.testkit import MovableClock
from services.chassis.web import Permission, Router, install, page
from services.chassis.web.session import SESSION_COOKIE, seal_session

DOOR = "http://127.0.0.1:8000"
OPERATOR_TOKEN = "operator-token-of-the-tests-0123456789"
HTML = {"Accept": "text/html,application/xhtml+xml"}


class ShellSettings(ServiceSettings):
    """The settings of a service without fields of its own."""

    model_config = prefix("shelltest")


@dataclass(frozen=True)
class House:
    """An app in the shell and how to visit it."""

    app: FastAPI
    settings: ServiceSettings
    clock: MovableClock

    @asynccontextmanager
    async def visit(
        self,
        *,
        door: str = DOOR,
        address: str = "127.0.0.1",
        roles: tuple[str, ...] = (),
        headers: dict[str, str] | None = None,
    ) -> AsyncIterator[httpx2.AsyncClient]:
        """A client at `address` that knows the house as `door`, with a session when `roles` are given."""
        cookies = {SESSION_COOKIE: seal_session(self.settings, "test", roles, self.clock.now())} if roles else {}
        transport = httpx2.ASGITransport(self.app, client=(address, 40000), raise_app_exceptions=False)
        async with httpx2.AsyncClient(transport=transport, base_url=door, cookies=cookies, headers=headers) as client:
            yield client


Build = Callable[..., House]


@pytest.fixture
def build(tmp_path: Path, clock: MovableClock) -> Build:
    """Builds a house with one route for each permission at /<permission>; settings as keyword arguments."""

    def make(
        *, templates: dict[str, str] | None = None, offered: tuple[str, ...] = ("sv", "en"), **settings: Any
    ) -> House:
        folder = tmp_path / "templates"
        folder.mkdir(exist_ok=True)
        for name, text in (templates or {}).items():
            (folder / name).write_text(text)
        found = ShellSettings(
            **{
                "database_url": "postgres://nobody@127.0.0.1/none",
                "master_key": base64.b64encode(bytes(32)).decode(),
                "kafka_servers": "127.0.0.1:1",
                "session_secret": "session-secret-of-the-tests-0123456789",
                "operator_token": OPERATOR_TOKEN,
                "public_url": DOOR,
                "loopback": True,
                **settings,
            }
        )
        app = FastAPI(openapi_url=None)
        install(app, settings=found, service_name="shelltest", now=clock.now, templates_dir=folder, offered=offered)
        app.include_router(_routes())
        return House(app, found, clock)

    return make


@pytest.fixture
def house(build: Build) -> House:
    """A house on one machine."""
    return build()


def _routes() -> Router:
    router = Router()

    async def yes() -> Response:
        return JSONResponse({"yes": True})

    for permission in Permission:
        router.add_api_route(f"/{permission}", yes, methods=["GET", "POST"], permission=permission)

    @router.post("/echo", permission=Permission.PUBLIC)
    async def echo(request: Request) -> Response:
        return JSONResponse({"bytes": len(await request.body())})

    @router.post("/ignore", permission=Permission.PUBLIC)
    async def ignore() -> Response:
        return JSONResponse({})

    @router.get("/number/{number}", permission=Permission.PUBLIC)
    async def number(number: int) -> Response:
        return JSONResponse({"number": number})

    @router.post("/words", permission=Permission.PUBLIC)
    async def words(words: dict[str, str]) -> Response:
        return JSONResponse(words)

    @router.get("/goals/{goal}", permission=Permission.PUBLIC)
    async def no_goal(goal: str) -> Response:
        raise HTTPException(404, f"There is no goal {goal}.")

    @router.get("/broken", permission=Permission.PUBLIC)
    async def broken() -> Response:
        raise RuntimeError("the secret of the house")

    @router.get("/page", permission=Permission.PUBLIC)
    async def own_page(request: Request) -> Response:
        return page(request, "own.html", name="<Ada>", crumbs=[("Goals", "/")], watermark="True up to 14:02")

    return router
