"""The operator's pages of connectors: how each stands, sending it a file, what a run came to; and, for those who reach
households by hand, which lease a tenancy is."""

from typing import Annotated
from urllib.parse import quote

from fastapi import Form, Path, Query, Request
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from services.chassis.errors import Erased
from services.chassis.web import Ctx, Permission, Router, page, translations
from services.chassis.web.limits import TOO_LARGE_FILE
from services.chassis.web.problem import refusal
from services.chassis.web.words import N_
from services.gateway.connectors.configured import Connector, Misconfigured, configured, find
from services.gateway.connectors.fetching import MAX_FILE
from services.gateway.domain.connectors import RunId
from services.gateway.repository import leases
from services.gateway.service import connectors as service

router = Router()

NO_CONNECTOR = N_("There is no connector of that name.")
NO_RUN = N_("There is no such run.")
UNDER_WAY = N_("A run of this connector is under way. Wait for its end, then try again.")
NO_FILE = N_("Choose a file first.")
NOTHING_HELD = N_("Nothing waits for a confirmation any more.")
STATES = {
    "waiting": ("information", N_("Waiting")),
    "running": ("on_track", N_("Under way")),
    "held": ("behind", N_("Held: somebody should look")),
    "done": ("met", N_("Done")),
    "failed": ("missed", N_("Failed")),
    "dropped": ("no_data", N_("Replaced by a newer file")),
}
COUNTS = {
    "rows": N_("rows read"),
    "unchanged": N_("as before"),
    "refused": N_("refused"),
    "unnumbered": N_("without the number of their lease"),
    "gone_not_told": N_("gone, but not told while rows have no number"),
}
RunNumber = Annotated[int, Path(ge=1, lt=2**63)]


@router.get("/connectors", permission=Permission.OPERATE)
async def list_connectors(request: Request, ctx: Ctx) -> Response:
    rows = []
    for one in configured(ctx.settings.connectors):
        async with ctx.db.transaction() as tx:
            last = await service.last_runs(tx, one.name)
        rows.append((one, last[0] if last else None))
    return page(
        request,
        "connectors.html",
        rows=rows,
        folder=ctx.settings.connectors,
        states=STATES,
        address=_address,
        is_wrong=_is_wrong,
    )


# Before the connectors' own pages: no connector is named with a dot.
@router.get("/connectors/.lease", permission=Permission.HOUSEHOLDS)
async def show_lease(
    request: Request, ctx: Ctx, tenancy: Annotated[str | None, Query(max_length=128)] = None
) -> Response:
    """Which lease of the housing system a tenancy is: who reaches a household by hand finds its door there."""
    number = None
    if tenancy:
        async with ctx.db.transaction() as tx:
            known = await leases.number_of(tx, tenancy.strip())
            if known is not None:
                try:
                    number = (await tx.unseal(known[1], known[2])).decode()
                except Erased:
                    number = None
    return page(request, "connector_lease.html", tenancy=tenancy or "", number=number)


@router.get("/connectors/{name}", permission=Permission.OPERATE)
async def show_connector(request: Request, name: str, ctx: Ctx) -> Response:
    return await _shown(request, name, ctx)


@router.post("/connectors/{name}/runs", permission=Permission.OPERATE)
async def run_connector(request: Request, name: str, ctx: Ctx) -> Response:
    """Of the file that was sent, or of what it reads itself; `dry_run` publishes nothing."""
    connector = find(ctx.settings.connectors, name)
    if not isinstance(connector, Connector):
        raise HTTPException(404, NO_CONNECTOR)
    async with request.form(max_files=1, max_fields=10) as form:
        file = form.get("file")
        sent = None
        if isinstance(file, UploadFile) and file.filename:
            if (file.size or 0) > MAX_FILE:
                return refusal(request, 413, TOO_LARGE_FILE)
            sent = service.Sent(file.file, file.filename)
        elif "file" in form or connector.read is None:
            return await _shown(request, name, ctx, wrong=NO_FILE, status=422)
        try:
            async with ctx.db.transaction() as tx:
                run = await service.order(tx, connector.name, dry=bool(form.get("dry_run")), sent=sent)
        except service.UnderWay:
            return await _shown(request, name, ctx, wrong=UNDER_WAY, status=409)
    return RedirectResponse(_address(name, run.id), 303)


@router.get("/connectors/{name}/runs/{run}", permission=Permission.OPERATE)
async def show_run(request: Request, name: str, run: RunNumber, ctx: Ctx) -> Response:
    connector = find(ctx.settings.connectors, name)
    if connector is None:
        raise HTTPException(404, NO_CONNECTOR)
    async with ctx.db.transaction() as tx:
        found = await service.find_run(tx, connector.name, RunId(run))
    if found is None:
        raise HTTPException(404, NO_RUN)
    return page(
        request,
        "connector_run.html",
        connector=connector,
        run=found[0],
        refused=found[1],
        states=STATES,
        counts=COUNTS,
        address=_address,
        crumbs=[(translations(request).gettext("Connectors"), "/connectors"), (name, _address(name))],
    )


@router.post("/connectors/{name}/confirm", permission=Permission.OPERATE)
async def confirm_run(request: Request, name: str, ctx: Ctx, run: Annotated[int, Form()]) -> Response:
    """The run that somebody looked at, not whichever is held by now."""
    connector = find(ctx.settings.connectors, name)
    if connector is None:
        raise HTTPException(404, NO_CONNECTOR)
    try:
        async with ctx.db.transaction() as tx:
            confirmed = await service.confirm(tx, connector.name, only=RunId(run))
    except service.UnderWay:
        return await _shown(request, name, ctx, wrong=UNDER_WAY, status=409)
    if confirmed is None:
        return await _shown(request, name, ctx, wrong=NOTHING_HELD, status=409)
    return RedirectResponse(_address(name, confirmed.id), 303)


async def _shown(request: Request, name: str, ctx: Ctx, *, wrong: str | None = None, status: int = 200) -> Response:
    connector = find(ctx.settings.connectors, name)
    if connector is None:
        raise HTTPException(404, NO_CONNECTOR)
    async with ctx.db.transaction() as tx:
        runs = await service.last_runs(tx, connector.name)
    return page(
        request,
        "connector.html",
        status,
        connector=connector,
        runs=runs,
        wrong=wrong,
        states=STATES,
        address=_address,
        is_wrong=_is_wrong,
        largest=MAX_FILE // 2**20,
        crumbs=[(translations(request).gettext("Connectors"), "/connectors")],
    )


def _address(name: str, run: int | None = None) -> str:
    below = "" if run is None else f"/runs/{run}"
    return f"/connectors/{quote(name, safe='')}{below}"


def _is_wrong(one: Connector | Misconfigured) -> bool:
    return isinstance(one, Misconfigured)
