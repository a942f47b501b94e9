"""What operators and machines ask every service: is it alive, can it work, its metrics."""

import asyncio

from fastapi import Response
from fastapi.responses import JSONResponse
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from services.chassis.context import Context
from services.chassis.schema import explain, setting_of
from services.chassis.web import Ctx, Permission, Router

PING = "select 1"
FREE_WITHIN = 2.0  # seconds for one of our own connections to be free
ANSWER_WITHIN = 2.5  # for that and the answer: who asks for our health waits 3


def health_routes() -> Router:
    """/health/live, /health/ready (200 when every part can do its work) and /metrics."""
    router = Router()

    @router.get("/health/live", permission=Permission.PUBLIC)
    async def live() -> Response:
        return JSONResponse({"status": "alive"})

    @router.get("/health/ready", permission=Permission.PUBLIC)
    async def ready(ctx: Ctx) -> Response:
        report = {**await _postgres(ctx), **ctx.health.report()}
        fine = all(state == "ok" for state in report.values())
        return JSONResponse(
            {"status": "ready" if fine else "not ready", "parts": report}, status_code=200 if fine else 503
        )

    @router.get("/metrics", permission=Permission.FIGURES)
    def metrics(ctx: Ctx) -> Response:
        return Response(generate_latest(ctx.registry), media_type=CONTENT_TYPE_LATEST)

    return router


async def _postgres(ctx: Context) -> dict[str, str]:
    pool = ctx.db.pool
    try:
        async with asyncio.timeout(ANSWER_WITHIN), pool.acquire(timeout=FREE_WITHIN) as connection:
            await connection.fetchval(PING)
    except Exception as error:
        if isinstance(error, TimeoutError) and not pool.get_idle_size() and pool.get_size() == pool.get_max_size():
            return {"postgres": f"no connection is free within {FREE_WITHIN:.0f} s"}
        return {"postgres": str(explain(error, ctx.settings.dsn, setting_of(ctx.name)))}
    return {"postgres": "ok"}
