"""The door itself: events in, one answer for each; and a page that says how."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

from fastapi import Request
from starlette.responses import Response

from schemas import http
from schemas.errors import Malformed
from services.chassis.web import Ctx, Permission, Router, page, problem, translations
from services.chassis.web.access import bearer
from services.chassis.web.words import N_
from services.gateway.domain.door import (
    MAX_BATCH,
    Answer,
    ProblemType,
    Refusal,
    refusal_of,
    submission,
)
from services.gateway.domain.keys import Key
from services.gateway.entrance import TooMany, count_request, let_in
from services.gateway.routes.examples import curl
from services.gateway.service import keys, publishers

router = Router()

NO_KEY = Refusal(ProblemType.NO_KEY, "Send a publisher's key in the header Authorization: Bearer …")

ANSWERS = (
    ("202", N_("Accepted, or a duplicate of what was accepted before."), N_("Nothing: it is kept.")),
    ("207", N_("A batch of which some were refused."), N_("Mend and send those again; the others are kept.")),
    ("400", N_("Not JSON, or not an event."), N_("Look at what was sent.")),
    ("401", N_("No key, or one that is unknown, has ended or is revoked."), N_("Ask an operator for a key.")),
    ("403", N_("The key is for other types or sources."), N_("Use the right key, or ask for more.")),
    ("409", N_("The same id and source with other content."), N_("Give a correction an id of its own.")),
    ("410", N_("The person has been erased."), N_("Stop: the reference is never accepted again.")),
    ("413", N_("Too large: 8 MiB a request, 64 KiB an event."), N_("Send smaller batches.")),
    ("415", N_("Another media type."), N_("Use one of the three above.")),
    ("422", N_("A field is missing or wrong, or the type is unknown."), N_("Mend what the problem names.")),
    (
        "429",
        N_("More events in a minute than were agreed. Nothing was kept."),
        N_("Send the same again after Retry-After."),
    ),
    ("503", N_("A part we depend on is away. Nothing was kept."), N_("Send the same again after Retry-After.")),
)


@router.get("/events", permission=Permission.PUBLIC)
async def show_how(request: Request, ctx: Ctx) -> Response:
    crumbs = [(translations(request).gettext("Event types"), "/schemas")]
    return page(request, "publish.html", crumbs=crumbs, curl=curl(ctx.settings.public_url), answers=ANSWERS)


@router.post("/events", permission=Permission.PUBLISH)
async def publish(request: Request, ctx: Ctx) -> Response:
    """One answer for one event, a list for a batch: 202 when all were accepted or duplicates, 207 otherwise."""
    async with ctx.db.transaction() as tx:
        key = await keys.find_key(tx, bearer(request) or "")
    if key is None:
        count_request(ctx, NO_KEY)
        return _problem(NO_KEY, headers={"WWW-Authenticate": "Bearer"})
    if not key.works(ctx.clock.now()):
        return await _refused_whole(ctx, key, NO_KEY, headers={"WWW-Authenticate": "Bearer"})
    body = await request.body()
    try:
        reading = await asyncio.to_thread(http.read, request.headers.items(), body, at_most=MAX_BATCH)
    except Malformed as malformed:
        return await _refused_whole(ctx, key, refusal_of(malformed.problems))
    try:
        answers = await let_in(ctx, key.sender("http"), [submission(entry) for entry in reading.entries])
    except TooMany as too_many:
        return _problem(
            Refusal(ProblemType.TOO_MANY, f"Nothing was kept. Send the same again in {too_many.retry_after} s."),
            headers={"Retry-After": str(too_many.retry_after)},
        )
    if reading.mode == "batch":
        shown = await asyncio.to_thread(_answer_to_batch, answers)
    else:
        [answer] = answers
        shown = _answer_to_one(answer)
    shown.headers.update(_notices(ctx.settings.public_url, reading))
    return shown


async def _refused_whole(ctx: Ctx, key: Key, refusal: Refusal, headers: dict[str, str] | None = None) -> Response:
    count_request(ctx, refusal)
    async with ctx.db.transaction() as tx:
        await publishers.note_request(tx, key.sender("http"), refusal)
    return _problem(refusal, headers=headers)


def _answer_to_one(answer: Answer) -> Response:
    if answer.refusal:
        return _problem(answer.refusal, event=_event(0, answer))
    return _json(_shown(0, answer), 202)


def _notices(public_url: str, reading: http.Reading) -> dict[str, str]:
    """The headers about deprecated types among the events; where there are several, of the first."""
    sent = (entry.event for entry in reading.entries if entry.event is not None)
    for event in sent:
        if event.data.deprecated is not None:
            return event.data.deprecated.headers(f"{public_url.rstrip('/')}/schemas/{event.type}")
    return {}


def _answer_to_batch(answers: Sequence[Answer]) -> Response:
    status = 207 if any(answer.refusal for answer in answers) else 202
    return _json([_shown(index, answer) for index, answer in enumerate(answers)], status)


def _shown(index: int, answer: Answer) -> dict[str, Any]:
    shown: dict[str, Any] = {"id": answer.id, "source": answer.source, "status": answer.status}
    if answer.refusal is not None:
        # The very object that the event would be answered with if it came alone.
        shown["problem"] = json.loads(bytes(_problem(answer.refusal, event=_event(index, answer)).body))
    if answer.warnings:
        shown["warnings"] = list(answer.warnings)
    return shown


def _event(index: int, answer: Answer) -> dict[str, Any]:
    return {"index": index, "id": answer.id, "source": answer.source}


def _problem(refusal: Refusal, headers: dict[str, str] | None = None, **extra: Any) -> Response:
    """`errors` say which field, what is expected there and what kind of thing came."""
    if refusal.errors:
        extra["errors"] = [{"field": e.field, "expected": e.expected, "got": e.got} for e in refusal.errors]
    kind = refusal.type
    return problem(kind.status, kind.slug, kind.title, refusal.detail, headers=headers, **extra)


def _json(body: Any, status: int) -> Response:
    # Escaped to ASCII, so that whatever stands in an id that was refused can be quoted back.
    return Response(json.dumps(body), status, media_type="application/json")
