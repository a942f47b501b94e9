"""The operator's pages of publishers: how each stands, what became of what it sent, and what is agreed with it."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Annotated
from urllib.parse import quote

from fastapi import Form, Request
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from services.chassis.web import Ctx, Permission, Router, page, translations
from services.chassis.web.words import N_
from services.gateway.domain.door import ALL, KeyId, Publisher
from services.gateway.domain.keys import Kind
from services.gateway.repository import keys as keys_kept
from services.gateway.routes.examples import curl
from services.gateway.routes.publisher_form import (
    NAME_TAKEN,
    SOURCE_TAKEN,
    TYPES,
    WRONG,
    Typed,
    filled,
    new_order,
    order_of,
    typed,
)
from services.gateway.service import inbound, keys
from services.gateway.service import publishers as service
from services.gateway.service.publishers import Report

router = Router()

NO_PUBLISHER = N_("There is no publisher of that name.")
NO_KEY_MADE = N_("No key was made. Name a source first, and types: change what is agreed.")
ON_FORMS = N_("It publishes by Hem's own forms, and gets no key.")
WHICH_KEY = N_("The key has been taken back or replaced in the meantime.")
SOURCE = re.compile(r'"source": ("[^"]*")')
OVERLAPS = (
    (7, N_("7 days")),
    (30, N_("30 days")),
    (1, N_("1 day")),
    (0, N_("not at all")),
)
REASONS = {
    "unreadable": (N_("Not an event that can be read"), N_("Look at what was sent: it is not JSON in UTF-8.")),
    "no-key": (N_("A key that works no more"), N_("Use the new key: this one has ended or was taken back.")),
    "type-not-allowed": (N_("Not for this type of event"), N_("Send only what is agreed, or agree on more.")),
    "source-not-allowed": (N_("The source is not this publisher's"), N_("Use the source that the key is for.")),
    "conflict": (N_("Another event has this source and id"), N_("Give a correction an id of its own.")),
    "erased": (N_("The person has been erased"), N_("Stop: the reference is never accepted again.")),
    "too-large": (N_("That is too large"), N_("Send smaller batches.")),
    "media-type": (N_("Another media type"), N_("Send one of the three content types.")),
    "invalid": (N_("It does not fit its schema"), N_("Mend the fields that are named.")),
    "unknown-type": (N_("There is no such type of event"), N_("Choose one of the list of event types.")),
    "draft": (N_("The type of event is a draft"), N_("Wait until it is published; until then comment on it.")),
    "nothing-to-withdraw": (N_("The withdrawn event is not known"), N_("Send the event before its withdrawal.")),
    "not-withdrawable": (N_("Events of this type can't be withdrawn"), N_("Replace or erase contact details.")),
}
"""What is kept of a refusal → its name, and what to do about it."""


@router.get("/publishers", permission=Permission.OPERATE)
async def list_publishers(request: Request, ctx: Ctx) -> Response:
    async with ctx.db.transaction() as tx:
        found = await service.overview(tx)
    return page(request, "publishers.html", publishers=found, address=address)


@router.get("/publishers/register", permission=Permission.OPERATE)
async def show_registration(request: Request) -> Response:
    return _form(request, Typed(), new=True)


@router.post("/publishers/register", permission=Permission.OPERATE)
async def register(request: Request, ctx: Ctx) -> Response:
    """To the new publisher's page, or the form again with what is wrong."""
    said = typed(await request.form())
    order = new_order(said)
    if isinstance(order, dict):
        return _form(request, said, new=True, wrong=order)
    try:
        async with ctx.db.transaction() as tx:
            await service.register(tx, order.publisher, order.agreed(), order.sources)
    except (service.NameTaken, service.SourceTaken, service.NotPublishable) as error:
        return _form(request, said, new=True, wrong=_wrong(error))
    return RedirectResponse(address(order.publisher), 303)


@router.get("/publishers/{name:path}/change", permission=Permission.OPERATE)
async def show_change(request: Request, name: str, ctx: Ctx) -> Response:
    async with ctx.db.transaction() as tx:
        known = await service.find(tx, name)
    if known is None:
        raise HTTPException(404, NO_PUBLISHER)
    return _form(request, filled(known), new=False)


@router.post("/publishers/{name:path}/change", permission=Permission.OPERATE)
async def change(request: Request, name: str, ctx: Ctx) -> Response:
    """To the publisher's page, or the form again with what is wrong."""
    said = replace(typed(await request.form()), publisher=name)
    order = order_of(said)
    if isinstance(order, dict):
        return _form(request, said, new=False, wrong=order)
    try:
        async with ctx.db.transaction() as tx:
            await service.change(tx, Publisher(name), order.agreed(), order.sources)
    except LookupError:
        raise HTTPException(404, NO_PUBLISHER) from None
    except (service.SourceTaken, service.NotPublishable) as error:
        return _form(request, said, new=False, wrong=_wrong(error))
    return RedirectResponse(address(name), 303)


@router.get("/publishers/{name:path}/retire", permission=Permission.OPERATE)
async def ask_before_retiring(request: Request, name: str, ctx: Ctx) -> Response:
    async with ctx.db.transaction() as tx:
        known = await service.find(tx, name)
    if known is None:
        raise HTTPException(404, NO_PUBLISHER)
    return page(request, "publisher_retire.html", publisher=known, address=address(name), crumbs=_crumbs(request, name))


@router.post("/publishers/{name:path}/retire", permission=Permission.OPERATE)
async def retire(name: str, ctx: Ctx) -> Response:
    async with ctx.db.transaction() as tx:
        await service.retire(tx, Publisher(name))
    return RedirectResponse(address(name), 303)


@router.post("/publishers/{name:path}/keys", permission=Permission.OPERATE)
async def make_key(request: Request, name: str, ctx: Ctx, kind: Annotated[Kind, Form()]) -> Response:
    """The page with the key on it, this once."""
    try:
        async with ctx.db.transaction() as tx:
            if await service.find(tx, name) is None:
                raise HTTPException(404, NO_PUBLISHER)
            _, key = await keys.create_key(tx, Publisher(name), kind=kind)
    except service.OnForms:
        return await _publisher(request, ctx, name, trouble=ON_FORMS, status=409)
    except (keys.Retired, keys.NoSource, keys.NoType):
        return await _publisher(request, ctx, name, trouble=NO_KEY_MADE, status=409)
    return await _publisher(request, ctx, name, key=key)


@router.post("/publishers/{name:path}/keys/rotate", permission=Permission.OPERATE)
async def rotate_key(
    request: Request,
    name: str,
    ctx: Ctx,
    id: Annotated[KeyId, Form()],
    days: Annotated[int, Form(ge=0, le=90)] = 7,
) -> Response:
    """The page with the new key on it, this once."""
    try:
        async with ctx.db.transaction() as tx:
            _, key, _ = await keys.rotate_key(tx, Publisher(name), overlap=timedelta(days=days), only=id)
    except keys.WhichKey:
        return await _publisher(request, ctx, name, trouble=WHICH_KEY, status=409)
    return await _publisher(request, ctx, name, key=key)


@router.post("/publishers/{name:path}/keys/revoke", permission=Permission.OPERATE)
async def revoke_key(name: str, ctx: Ctx, id: Annotated[KeyId, Form()]) -> Response:
    """Twice is as once."""
    async with ctx.db.transaction() as tx:
        await keys_kept.revoke_keys(tx, Publisher(name), id)
    return RedirectResponse(f"{address(name)}#keys", 303)


@router.get("/publishers/{name:path}", permission=Permission.OPERATE)
async def show(request: Request, name: str, ctx: Ctx) -> Response:
    return await _publisher(request, ctx, name)


def address(name: str) -> str:
    """The page of a publisher."""
    return f"/publishers/{quote(name, safe='')}"


async def _publisher(
    request: Request, ctx: Ctx, name: str, *, key: str | None = None, trouble: str | None = None, status: int = 200
) -> Response:
    async with ctx.db.transaction() as tx:
        found = await service.report(tx, Publisher(name))
        waiting = await inbound.waiting(tx, Publisher(name))
    if found is None:
        raise HTTPException(404, NO_PUBLISHER)
    return page(
        request,
        "publisher.html",
        status,
        found=found,
        publisher=found.publisher,
        now=ctx.clock.now(),
        waiting=waiting,
        address=address(name),
        key=key,
        trouble=trouble,
        reasons=REASONS,
        overlaps=OVERLAPS,
        usual_rate=ctx.settings.rate_limit,
        curl=_example(found, ctx.settings.public_url),
        crumbs=_crumbs(request),
    )


def _example(found: Report, public_url: str) -> str:
    """A command to paste: a type it sends or may send, from a source of its own."""
    sent = found.live.types[0].type if found.live.types else next(iter(found.publisher.allow), ALL)
    command = curl(public_url) if sent == ALL else curl(public_url, sent)
    written = SOURCE.search(command)
    if not found.publisher.sources or written is None:
        return command
    return command.replace(written[1], json.dumps(found.publisher.sources[0]))  # subject and data may repeat it


def _form(request: Request, said: Typed, *, new: bool, wrong: dict[str, str] | None = None) -> Response:
    words = translations(request)
    return page(
        request,
        "publisher_form.html",
        422 if wrong else 200,
        said=said,
        wrong={name: words.gettext(why) for name, why in (wrong or {}).items()},
        types=_by_topic(TYPES),
        new=new,
        action="/publishers/register" if new else f"{address(said.publisher)}/change",
        back="/publishers" if new else address(said.publisher),
        crumbs=_crumbs(request, None if new else said.publisher),
    )


def _by_topic(types: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for topic, event_type in types:
        found.setdefault(topic, []).append(event_type)
    return found


def _wrong(error: Exception) -> dict[str, str]:
    match error:
        case service.NameTaken():
            return {"publisher": NAME_TAKEN}
        case service.SourceTaken():
            return {"sources": SOURCE_TAKEN}
        case _:
            return {"allow": WRONG["allow"]}


def _crumbs(request: Request, name: str | None = None) -> list[tuple[str, str]]:
    crumbs = [(translations(request).gettext("Publishers"), "/publishers")]
    return crumbs if name is None else [*crumbs, (name, address(name))]
