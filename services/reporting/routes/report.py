"""The yearly reports that have been handed over, as pages and as the files they were."""

import json
from collections.abc import Mapping

from fastapi import Request, Response
from starlette.exceptions import HTTPException

from services.chassis.clock import local_date
from services.chassis.context import Context
from services.chassis.postgres import Connection
from services.chassis.web import Ctx, Permission, Router, language, page, translations
from services.chassis.web.shell import shell
from services.chassis.web.words import N_
from services.reporting.audience import Audience, audience_of
from services.reporting.report import html
from services.reporting.repository import report as repository
from services.reporting.repository.report import Edition, Format, Kind, Recipient
from services.reporting.service import reading
from services.reporting.service.shelf import in_force

router = Router()
NAMES: Mapping[Recipient, str] = {
    "owner": N_("The owner"),
    "board": N_("The board"),
    "public": N_("Everybody"),
    "staff": N_("Staff"),
}
KINDS: Mapping[Kind, str] = {"yearly": N_("Yearly report"), "sustainability": N_("Sustainability report")}
MEDIA_TYPES: Mapping[Format, str] = {
    "json": "application/json",
    "html": "text/html; charset=utf-8",
    "pdf": "application/pdf",
}


@router.get("/yearly", permission=Permission.PUBLIC)
async def show_reports(request: Request, ctx: Ctx) -> Response:
    """The reports that whoever asks may read, the latest first; for staff also the years that can be written about."""
    is_staff = audience_of(request, ctx) is Audience.STAFF
    async with ctx.db.transaction() as tx:
        found = await repository.editions(tx.connection, recipients=None if is_staff else ["public"])
        goals = await in_force(ctx, tx.connection)
        measured, _ = await reading.periods(ctx, tx, Audience.STAFF, goals) if is_staff else ([], None)
        this_year = local_date(tx.now()).year
    return page(
        request,
        "report_list.html",
        editions=found,
        names=names(request),
        kinds=kinds(request),
        years=sorted({*measured, this_year}, reverse=True),
        is_staff=is_staff,
    )


@router.get("/yearly/reports/{id}", permission=Permission.PUBLIC)
async def show_report(request: Request, ctx: Ctx, id: str) -> Response:
    """A report as it was handed over, in the reader's language."""
    tongue = language(request)
    async with ctx.db.transaction() as tx:
        edition = await _readable(request, ctx, tx.connection, id)
        file = await repository.file(tx.connection, id, tongue, "json")
        has_changed = await repository.has_changed(tx.connection, edition)
    if file is None:
        raise HTTPException(404)
    return page(
        request,
        "report_show.html",
        content=html.shown(json.loads(file.content)),
        has_changed=has_changed,
        period=edition.period,
        files=f"/yearly/reports/{id}/{tongue}",
        draft=None,
        crumbs=[(translations(request).gettext(N_("Yearly reports")), "/yearly")],
    )


@router.get("/yearly/reports/{id}/{name}", permission=Permission.PUBLIC)
async def send_file(request: Request, ctx: Ctx, id: str, name: str) -> Response:
    """A file of a report, byte for byte as it was handed over: `sv.pdf`, `en.html`, `sv.json`."""
    tongue, format = named(request, name)
    async with ctx.db.transaction() as tx:
        await _readable(request, ctx, tx.connection, id)
        file = await repository.file(tx.connection, id, tongue, format)
    if file is None:
        raise HTTPException(404)
    headers = {"etag": f'"{file.digest.hex()}"', "cache-control": "private, no-cache"}
    if request.headers.get("if-none-match") == headers["etag"]:
        return Response(status_code=304, headers=headers)
    return answer(file.content, tongue, format, id, headers)


def answer(content: bytes, tongue: str, format: Format, name: str, headers: Mapping[str, str]) -> Response:
    """A file to read in the browser or to keep; an HTML file under a policy that lets in only its own style sheet."""
    told = {
        "content-language": tongue,
        "content-disposition": f'inline; filename="{name}-{tongue}.{format}"',
        **headers,
    }
    if format == "html":
        told["content-security-policy"] = html.policy(content)
    return Response(content, media_type=MEDIA_TYPES[format], headers=told)


async def _readable(request: Request, ctx: Context, connection: Connection, id: str) -> Edition:
    """The report, if whoever asks may read it; others aren't told that it exists."""
    edition = await repository.edition(connection, id)
    if edition is None or (edition.recipient != "public" and audience_of(request, ctx) is not Audience.STAFF):
        raise HTTPException(404)
    return edition


def named(request: Request, name: str) -> tuple[str, Format]:
    tongue, _, extension = name.partition(".")
    for format in MEDIA_TYPES:
        if extension == format and tongue in shell(request).languages:
            return tongue, format
    raise HTTPException(404)


def names(request: Request) -> dict[Recipient, str]:
    """Whom reports are for, in the reader's language."""
    return {recipient: translations(request).gettext(name) for recipient, name in NAMES.items()}


def kinds(request: Request) -> dict[Kind, str]:
    """The kinds of report, in the reader's language."""
    return {kind: translations(request).gettext(name) for kind, name in KINDS.items()}
