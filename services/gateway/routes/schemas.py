"""What can be published: the list of event types, and each one's JSON Schema or page."""

import json
from difflib import get_close_matches
from itertools import groupby

from fastapi import Request
from starlette.responses import JSONResponse, Response

from schemas.catalogue import MODELS
from schemas.event import PREFIX
from schemas.generate import example, json_schema
from services.chassis.web import Ctx, Permission, Router, page, translations
from services.chassis.web.problem import refusal, wants_page
from services.chassis.web.words import N_
from services.gateway.routes.described import Described, describe
from services.gateway.routes.examples import curl

router = Router()

DESCRIBED = {model.type: describe(model) for model in MODELS.values()}
NAMES = {entry.name: entry.type for entry in DESCRIBED.values()}
VARY = {"Vary": "Accept"}
UNKNOWN = N_("There is no event type {type}. Near it: {near}.")


@router.get("/schemas", permission=Permission.PUBLIC)
async def list_schemas(request: Request) -> Response:
    """A page to browsers, else JSON: `[{"type", "name", "topic", "subject", "description", "published_by", "schema"}]`."""
    if not wants_page(request):
        return JSONResponse([_listed(entry) for entry in DESCRIBED.values()], headers=VARY)
    by_topic = sorted(DESCRIBED.values(), key=lambda entry: (not entry.topic, entry.topic))
    topics = [
        {"name": topic, "types": types, "from_outside": types[0].from_outside}
        for topic, types in ((topic, list(found)) for topic, found in groupby(by_topic, key=lambda entry: entry.topic))
    ]
    answer = page(request, "schemas.html", topics=topics)
    answer.headers.update(VARY)
    return answer


@router.get("/schemas/{event_type}", permission=Permission.PUBLIC)
async def show_schema(request: Request, event_type: str, ctx: Ctx, format: str = "") -> Response:
    """A page to browsers, else (or with `?format=json`) the JSON Schema of the event's data."""
    entry = DESCRIBED.get(event_type)
    if entry is None:
        return _unknown(request, event_type)
    if format == "json" or not wants_page(request):
        schema = json.dumps(json_schema(MODELS[event_type]), ensure_ascii=False, indent=2)
        return Response(schema, 200, VARY, "application/schema+json")
    shown = json.dumps(example(event_type), ensure_ascii=False, indent=2)
    crumbs = [(translations(request).gettext("Event types"), "/schemas")]
    command = curl(ctx.settings.public_url, event_type)
    answer = page(request, "schema.html", crumbs=crumbs, entry=entry, example=shown, curl=command)
    answer.headers.update(VARY)
    return answer


def _listed(entry: Described) -> dict[str, str]:
    return {
        "type": entry.type,
        "name": entry.name,
        "topic": entry.topic,
        "subject": entry.subject,
        "description": entry.summary,
        "published_by": "gateway" if entry.from_outside else "hem",
        "schema": f"/schemas/{entry.type}",
    }


def _unknown(request: Request, asked: str) -> Response:
    name = asked.removeprefix(PREFIX).partition(".")[0]
    near = [NAMES[found] for found in get_close_matches(name, NAMES, n=3, cutoff=0.5)]
    words = translations(request).gettext(UNKNOWN) if wants_page(request) else UNKNOWN
    return refusal(request, 404, words.format(type=asked, near=", ".join(near) or "–"), near=near)
