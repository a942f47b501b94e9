"""Connectors as JSON: for the hem command."""

import tempfile
from typing import Annotated, Any

from fastapi import Path, Query, Request
from starlette.responses import JSONResponse, Response

from services.chassis.web import Ctx, Permission, Router, problem
from services.chassis.web.limits import TOO_LARGE_FILE
from services.chassis.web.problem import refusal
from services.gateway.connectors.configured import Connector, Misconfigured, configured, find
from services.gateway.connectors.fetching import MAX_FILE
from services.gateway.domain.connectors import Refused, Run, RunId
from services.gateway.service import connectors as service

router = Router()

API = "/ops/gateway/connectors"
RunNumber = Annotated[int, Path(ge=1, lt=2**63)]
FileName = Annotated[str, Query(min_length=1, max_length=200)]


@router.get(API, permission=Permission.OPERATE)
async def list_connectors(ctx: Ctx) -> Response:
    """Every connector of the folder, also the wrong ones with what to mend, and each one's last run."""
    listed = []
    for one in configured(ctx.settings.connectors):
        async with ctx.db.transaction() as tx:
            last = await service.last_runs(tx, one.name)
        listed.append(described(one) | {"last_run": run_json(last[0]) if last else None})
    return JSONResponse(listed)


@router.get(f"{API}/{{name}}", permission=Permission.OPERATE)
async def show_connector(name: str, ctx: Ctx) -> Response:
    """How it is configured, and its last runs."""
    found = find(ctx.settings.connectors, name)
    if found is None:
        return _unknown(name)
    async with ctx.db.transaction() as tx:
        runs = await service.last_runs(tx, found.name)
    return JSONResponse(described(found) | {"runs": [run_json(run) for run in runs]})


@router.post(f"{API}/{{name}}/runs", permission=Permission.OPERATE)
async def run_connector(
    request: Request, name: str, ctx: Ctx, filename: FileName | None = None, dry_run: bool = False
) -> Response:
    """202 and the run, which a worker does. With `filename`, the body is the file; without it, what it reads itself."""
    connector = find(ctx.settings.connectors, name)
    if not isinstance(connector, Connector):
        return _unknown(name) if connector is None else _wrong(connector)
    if filename is None and connector.read is None:
        return problem(422, "no-file", "A file is needed", "This connector reads nothing by itself: send it a file.")
    with tempfile.TemporaryFile() as file:
        size = 0
        if filename is not None:
            async for piece in request.stream():
                size += len(piece)
                if size > MAX_FILE:
                    return refusal(request, 413, TOO_LARGE_FILE)
                file.write(piece)
        sent = None if filename is None else service.Sent(file, filename)
        try:
            async with ctx.db.transaction() as tx:
                run = await service.order(tx, connector.name, dry=dry_run, sent=sent)
        except service.UnderWay:
            return under_way(name)
    return JSONResponse(run_json(run), 202)


@router.get(f"{API}/{{name}}/runs/{{run}}", permission=Permission.OPERATE)
async def show_run(name: str, run: RunNumber, ctx: Ctx) -> Response:
    """How far it is or what it came to, with the rows it refused."""
    connector = find(ctx.settings.connectors, name)
    if connector is None:
        return _unknown(name)
    async with ctx.db.transaction() as tx:
        found = await service.find_run(tx, connector.name, RunId(run))
    if found is None:
        return problem(404, "not-found", "There is no such run", f"GET {API}/{name} lists the last ones.")
    return JSONResponse(run_json(found[0]) | {"refused": [_refused(one) for one in found[1]]})


@router.post(f"{API}/{{name}}/confirm", permission=Permission.OPERATE)
async def confirm_run(name: str, ctx: Ctx) -> Response:
    """202 and the run that was held and now goes on."""
    connector = find(ctx.settings.connectors, name)
    if connector is None:
        return _unknown(name)
    try:
        async with ctx.db.transaction() as tx:
            run = await service.confirm(tx, connector.name)
    except service.UnderWay:
        return under_way(name)
    if run is None:
        return problem(409, "nothing-held", "No run is held", "Nothing waits for a confirmation.")
    return JSONResponse(run_json(run), 202)


def described(one: Connector | Misconfigured) -> dict[str, Any]:
    match one:
        case Misconfigured():
            return {"name": one.name, "wrong": list(one.why)}
        case Connector():
            return {
                "name": one.name,
                "wrong": [],
                "kind": one.kind,
                "publisher": one.publisher,
                "source": one.source,
                "read": one.reads_from or None,
                "every_hours": None if one.every is None else one.every.total_seconds() / 3600,
            }


def run_json(run: Run) -> dict[str, Any]:
    return {
        "run": run.id,
        "state": run.state,
        "dry_run": run.dry,
        "cause": run.cause,
        "filename": run.filename,
        "asked_at": run.asked_at.isoformat(),
        "ended_at": run.ended_at and run.ended_at.isoformat(),
        "counts": dict(run.counts),
        "would_publish": list(run.shown),
        "notes": list(run.notes),
        "why": run.why,
        "mend": run.mend,
    }


def under_way(name: str) -> Response:
    return problem(409, "under-way", "A run is under way", f"{name} runs one file at a time: wait for the other's end.")


def _unknown(name: str) -> Response:
    return problem(404, "not-found", "There is no such connector", f"GET {API} lists those there are, not {name!r}.")


def _wrong(connector: Misconfigured) -> Response:
    return problem(422, "misconfigured", "The connector's file is wrong", "; ".join(connector.why))


def _refused(one: Refused) -> dict[str, Any]:
    return {"row": one.row, "field": one.field, "expected": one.expected, "got": one.got}
