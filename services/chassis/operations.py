"""What operators and machines ask every service: is it alive, can it work, its metrics, and its parked records."""

import asyncio
from typing import Annotated, Any, Literal

from fastapi import Path, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from schemas.topics import TOPICS
from services.chassis import parked
from services.chassis.context import Context
from services.chassis.errors import Unfit, describe, is_temporary
from services.chassis.schema import explain, setting_of
from services.chassis.web import Ctx, Permission, Router, problem

PING = "select 1"
FREE_WITHIN = 2.0  # seconds for one of our own connections to be free
ANSWER_WITHIN = 2.5  # for that and the answer: who asks for our health waits 3
RowId = Annotated[int, Path(ge=1, lt=2**63)]


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


def parked_routes(service: str) -> Router:
    """/ops/<service>/parked: what could not be handled, for the operator to replay or discard."""
    router = Router()
    base = f"/ops/{service}/parked"

    @router.get(base, permission=Permission.OPERATE)
    async def list_parked(ctx: Ctx, state: Literal["open", "replayed", "discarded"] = "open") -> Response:
        async with ctx.db.transaction() as tx:
            return JSONResponse([_json(row) for row in await parked.listing(tx, state)])

    @router.get(base + "/{parked_id}", permission=Permission.OPERATE)
    async def show_parked(ctx: Ctx, parked_id: RowId) -> Response:
        async with ctx.db.transaction() as tx:
            row = await parked.details(tx, parked_id)
        return _missing(parked_id) if row is None else JSONResponse(_json(row))

    @router.post(base + "/{parked_id}/replay", permission=Permission.OPERATE)
    async def replay_parked(request: Request, ctx: Ctx, parked_id: RowId) -> Response:
        """Also replays, in order, what was parked only because it came behind this one."""
        refused, behind = await _replay(request, ctx, parked_id)
        followed: list[int] = []
        while refused is None and behind is not None:
            follower = behind
            stopped, behind = await _replay(request, ctx, follower)
            if stopped is not None:
                break
            followed.append(follower)
        return refused or JSONResponse({"id": parked_id, "state": "replayed", "followed": followed})

    @router.post(base + "/{parked_id}/discard", permission=Permission.OPERATE)
    async def discard_parked(ctx: Ctx, parked_id: RowId) -> Response:
        async with ctx.db.transaction() as tx:
            found = await parked.details(tx, parked_id)
            if found is None:
                return _missing(parked_id)
            if found["state"] != "open":
                return _settled(found["state"])
            await parked.settle(tx, parked_id, "discarded")
        return JSONResponse({"id": parked_id, "state": "discarded"})

    return router


async def _replay(request: Request, ctx: Context, parked_id: int) -> tuple[Response | None, int | None]:
    """Handles one record again. Gives the refusal, if it is one, and the number of the next that waited behind it."""
    try:
        async with ctx.db.transaction() as tx:
            found = await parked.take(tx, parked_id)
            if found is None:
                return _missing(parked_id), None
            if found.state != "open":
                return _settled(found.state), None
            first = await parked.earlier(tx, ctx.name, parked_id, found.record)
            if first is not None and ctx.name in TOPICS[found.record.topic].ordered:
                return _behind(first), None
            await request.app.state.replay(ctx, found.record, tx)
            await parked.settle(tx, parked_id, "replayed")
            return None, await parked.next_behind(tx, ctx.name, found.record)
    except Exception as error:
        if is_temporary(error):
            raise
        reason = error.reason if isinstance(error, Unfit) else "defect"
        return problem(409, "still-unfit", "The record still can't be handled", describe(error), reason=reason), None


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


def _missing(parked_id: int) -> Response:
    return problem(404, "not-found", "No such parked record", f"Nothing is parked under the number {parked_id}.")


def _settled(state: str) -> Response:
    return problem(409, "settled", "Already settled", f"This record has been {state} before.")


def _behind(first: int) -> Response:
    return problem(
        409, "behind", "Something waits before it", f"Replay or discard number {first} of the same key first."
    )


def _json(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "parked_at": row["parked_at"].isoformat()}
