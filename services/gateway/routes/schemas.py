"""One event type: its JSON Schema or its page, trying an event of it, comments while it is a draft."""

import json
from difflib import get_close_matches
from typing import Any

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.responses import JSONResponse, RedirectResponse, Response

from schemas.catalogue import MODELS
from schemas.door import MAX_EVENT
from schemas.event import PREFIX
from schemas.generate import example, json_schema
from schemas.journeys import through
from schemas.uses import GOALS, HISTORY, REACTIONS, hearers, writers
from services.chassis.clock import local_date
from services.chassis.web import Ctx, Permission, Router, language, page, translations, visitor
from services.chassis.web.access import bearer
from services.chassis.web.problem import refusal, wants_page
from services.chassis.web.words import N_
from services.gateway.domain import comments
from services.gateway.domain.comments import Author, author_of
from services.gateway.domain.door import Submission
from services.gateway.domain.reports import Desk, desks_for
from services.gateway.repository import catalogue as repository
from services.gateway.routes.described import DESCRIBED, NAMES, InWords
from services.gateway.routes.examples import curl, ndjson, python
from services.gateway.routes.report_words import ROLES
from services.gateway.service import catalogue as service
from services.gateway.service import keys
from services.gateway.service.catalogue import Tried

router = Router()

VARY = {"Vary": "Accept"}
LARGEST_TRY = 2 * MAX_EVENT
"""Bytes of what may be tried: an event with its attributes."""
UNKNOWN = N_("There is no event type {type}. Near it: {near}. All of them are at /schemas.")
NOBODY = N_("Comments are for staff who have signed in, and for publishers with a key.")
NOT_A_DRAFT = N_("Comments are for drafts: this event is in use.")
NOTHING_SAID = N_("Write something, at most 2000 characters.")
ENOUGH_SAID = N_("That is as many comments as there is room for today.")


@router.get("/schemas/{event_type}", permission=Permission.PUBLIC)
async def show_schema(request: Request, event_type: str, ctx: Ctx, format: str = "") -> Response:
    """A page to browsers, else (or with `?format=json`) the JSON Schema of the event's data."""
    if event_type not in DESCRIBED:
        return _unknown(request, event_type)
    if format == "json" or not wants_page(request):
        schema = json.dumps(json_schema(MODELS[event_type]), ensure_ascii=False, indent=2)
        return Response(schema, 200, VARY, "application/schema+json")
    return await _page(request, event_type, ctx)


@router.post("/schemas/{event_type}/try", permission=Permission.PUBLIC)
async def try_event(request: Request, event_type: str, ctx: Ctx) -> Response:
    """What would become of an event, which is neither published nor kept.

    From the page: the form's `event`, and `as_role` to be judged with the rights of that role. From a program: the event as
    JSON, judged with the rights of the key if one is sent; 200 `{"outcome", "problem"?, "warnings"?, "topic"?, "key"?}`.
    """
    if event_type not in DESCRIBED:
        return _unknown(request, event_type)
    body = await request.body()
    if len(body) > 3 * LARGEST_TRY:  # as a form writes it: three characters for one
        return refusal(request, 413, N_("At most 128 KiB can be tried at a time."))
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        form = await request.form(max_part_size=3 * LARGEST_TRY)
        text, role = _text(form.get("event")), _text(form.get("as_role"))
        desk = next((d for d in desks_for(visitor(request).roles, event_type) if d.role == role), None)
        tried = await _tried(ctx, event_type, text.encode("utf-8", "surrogatepass"), desk=desk)
        return await _page(request, event_type, ctx, tried=tried, text=text, as_role=desk.role if desk else "")
    said = _said(await _tried(ctx, event_type, body, key=bearer(request)))
    # Escaped to ASCII, as the door's answers are: what is quoted may not be text.
    return Response(json.dumps(said), media_type="application/json")


@router.get("/schemas/{event_type}/comments", permission=Permission.PUBLIC)
async def list_comments(request: Request, event_type: str, ctx: Ctx) -> Response:
    """To staff and publishers: `[{"id", "author", "said", "at"}]`, oldest first. `author`: role:… or publisher:…."""
    if event_type not in DESCRIBED:
        return _unknown(request, event_type)
    if await _author(request, ctx) is None:
        return refusal(request, 401, NOBODY)
    async with ctx.db.transaction() as tx:
        found = await repository.comments(tx, event_type)
    said = [{"id": c.id, "author": c.author.key, "said": c.said, "at": c.at.isoformat()} for c in found]
    return JSONResponse(said, headers={"Cache-Control": "no-store"})


@router.post("/schemas/{event_type}/comments", permission=Permission.PUBLIC)
async def comment(request: Request, event_type: str, ctx: Ctx) -> Response:
    """A comment on a draft by staff or a publisher, from the form's `said`. 201 `{"id"}`, or back to the page."""
    entry = DESCRIBED.get(event_type)
    if entry is None:
        return _unknown(request, event_type)
    author = await _author(request, ctx)
    if author is None:
        return refusal(request, 401, NOBODY)
    if not entry.draft:
        return refusal(request, 409, NOT_A_DRAFT)
    form = await request.form(max_files=0, max_fields=5)
    said = comments.readable(_text(form.get("said")))
    if not 0 < len(said) <= comments.LONGEST:
        return refusal(request, 422, NOTHING_SAID)
    try:
        async with ctx.db.transaction() as tx:
            number = await service.comment(tx, event_type, author, said)
    except service.TooMuchSaid:
        return refusal(request, 409, ENOUGH_SAID)
    if wants_page(request):
        return RedirectResponse(f"/schemas/{event_type}#comments", 303)
    return JSONResponse({"id": number}, 201)


@router.post("/schemas/{event_type}/comments/{number}/remove", permission=Permission.OPERATE)
async def remove_comment(request: Request, event_type: str, number: int, ctx: Ctx) -> Response:
    """Takes a comment away: an operator may, where it says what it should not."""
    async with ctx.db.transaction() as tx:
        removed = 0 < number < 2**63 and await repository.remove_comment(tx, event_type, number)
    if not removed:
        return refusal(request, 404)
    return (
        RedirectResponse(f"/schemas/{event_type}#comments", 303) if wants_page(request) else Response(status_code=204)
    )


async def _page(
    request: Request, event_type: str, ctx: Ctx, *, tried: Tried | None = None, text: str = "", as_role: str = ""
) -> Response:
    entry, who, tongue = DESCRIBED[event_type], visitor(request), language(request)
    author = author_of(who.roles)
    async with ctx.db.transaction() as tx:
        heard = await repository.heard(tx, [event_type], local_date(tx.now()))
        said = await repository.comments(tx, event_type) if entry.draft and author else []
    shown = json.dumps(example(event_type), ensure_ascii=False, indent=2)
    address = ctx.settings.public_url
    answer = page(
        request,
        "schema.html",
        crumbs=[(translations(request).gettext("Event types"), "/schemas")],
        entry=entry,
        own=InWords(translations(request)),
        topic=entry.on,
        writers=writers(event_type),
        hearers=hearers(event_type),
        reactions=[reaction for reaction in REACTIONS if reaction.type == event_type],
        goals=[(goal.id, goal.title(tongue)) for goal in GOALS if event_type in goal.types],
        journeys=through(event_type),
        history=HISTORY.get(event_type, ()),
        beside=[other for other in DESCRIBED.values() if other.name == entry.name and other.type != event_type],
        heard=heard,
        names_publishers=who.may(Permission.FIGURES),
        example=shown,
        ways=[
            ("curl", curl(address, event_type)),
            ("Python", python(address, event_type)),
            ("NDJSON", ndjson(event_type)),
        ],
        tried=tried,
        text=text or shown,
        desks=desks_for(who.roles, event_type),
        as_role=as_role,
        author=author,
        roles=ROLES,
        comments=said,
        may_remove=who.may(Permission.OPERATE),
        longest=comments.LONGEST,
    )
    answer.headers.update(VARY)
    return answer


async def _tried(ctx: Ctx, event_type: str, body: bytes, *, key: str | None = None, desk: Desk | None = None) -> Tried:
    """Judged by the contract alone, or with the rights of a key or a desk, whose source the event then gets."""
    if len(body) > LARGEST_TRY:
        return service.too_large(len(body), LARGEST_TRY)
    said = service.of_type(service.read_one(body), event_type)
    if key is None and desk is None:
        return service.judged(said)
    async with ctx.db.transaction() as tx:
        known = await keys.find_key(tx, key) if key is not None else None
        if known is not None and not known.works(tx.now()):
            known = None
        sender = desk.sender if desk else known.sender("http") if known else None
        if sender is None:
            return service.no_key(said)
        if desk is not None:
            said = _from(said, desk.source)
        return await service.judged_for(tx, sender, said, public_url=ctx.settings.public_url)


def _from(said: Submission, source: str) -> Submission:
    if said.event is None:
        return said
    event = said.event.model_copy(update={"source": source})
    return Submission(said.id, source, event, said.refusal, said.warnings)


def _said(tried: Tried) -> dict[str, Any]:
    answer = tried.answer
    said: dict[str, Any] = {"outcome": tried.outcome}
    if answer.refusal is not None:
        kind = answer.refusal.type
        said["problem"] = {
            "type": f"urn:hem:problem:{kind.slug}",
            "title": kind.title,
            "status": kind.status,
            "detail": answer.refusal.detail,
            "errors": [{"field": e.field, "expected": e.expected, "got": e.got} for e in answer.refusal.errors],
        }
    if answer.warnings:
        said["warnings"] = list(answer.warnings)
    return said | {name: value for name, value in (("topic", tried.topic), ("key", tried.key)) if value}


async def _author(request: Request, ctx: Ctx) -> Author | None:
    """Whom the reader writes as: a role when signed in, else the publisher whose key came along."""
    if author := author_of(visitor(request).roles):
        return author
    token = bearer(request)
    if token is None:
        return None
    async with ctx.db.transaction() as tx:
        key = await keys.find_key(tx, token)
        return Author("publisher", key.publisher) if key is not None and key.works(tx.now()) else None


def _text(value: UploadFile | str | None) -> str:
    return value if isinstance(value, str) else ""


def _unknown(request: Request, asked: str) -> Response:
    name = asked.removeprefix(PREFIX).partition(".")[0]
    near = [NAMES[found] for found in get_close_matches(name, NAMES, n=3, cutoff=0.5)]
    words = translations(request).gettext(UNKNOWN) if wants_page(request) else UNKNOWN
    return refusal(request, 404, words.format(type=asked, near=", ".join(near) or "–"), near=near)
