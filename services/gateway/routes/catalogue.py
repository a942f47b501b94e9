"""Browsing: event types, topics, systems, fields and journeys, each from its side."""

from itertools import groupby
from typing import Any
from urllib.parse import quote

from fastapi import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from schemas.catalogue import on_topic
from schemas.door import OWN_SOURCES
from schemas.journeys import JOURNEYS
from schemas.topics import KEEP, TOPICS, UNITS_MS, Topic
from schemas.uses import GOALS, REACTIONS, hearers, hears
from services.chassis.clock import local_date
from services.chassis.web import Ctx, Permission, Router, direction, language, page, translations, visitor
from services.chassis.web.problem import refusal, wants_page
from services.chassis.web.words import N_
from services.gateway.domain.catalogue import draw
from services.gateway.repository import catalogue as repository
from services.gateway.repository import publishers
from services.gateway.routes.described import DESCRIBED, Described, InWords, search

router = Router()

VARY = {"Vary": "Accept"}
LONGEST_SEARCH = 100
SERVICES = tuple(sorted({system for topic in TOPICS.values() for system in (*topic.writers, *topic.readers)}))
WITH_EVENTS = tuple(topic for topic in TOPICS.values() if on_topic(topic.name))
OWNERS = tuple(sorted({topic.owner for topic in WITH_EVENTS}))
NO_SUCH = N_("There is nothing of that name here.")


@router.get("/schemas", permission=Permission.PUBLIC)
async def list_schemas(request: Request, q: str = "", topic: str = "", owner: str = "") -> Response:
    """A page to browsers, else JSON: `[{"type", "name", "topic", "subject", "description", "published_by", "schema"}]`.

    `q`: words that name, meaning or fields have; `topic`, `owner`: of those alone.
    """
    own = InWords(translations(request))
    found = search(q[:LONGEST_SEARCH], own, topic, owner)
    if not wants_page(request):
        return JSONResponse([_listed(entry) for entry in found], headers=VARY)
    by_topic = sorted(found, key=lambda entry: (not entry.topic, entry.topic))
    groups = [(name, list(types)) for name, types in groupby(by_topic, key=lambda entry: entry.topic)]
    asked = {"q": q[:LONGEST_SEARCH], "topic": topic, "owner": owner}
    answer = page(
        request,
        "schemas.html",
        groups=groups,
        topics=WITH_EVENTS,
        owners=OWNERS,
        count=len(found),
        asked=asked,
        own=own,
    )
    answer.headers.update(VARY)
    return answer


def _listed(entry: Described) -> dict[str, Any]:
    said: dict[str, Any] = {
        "type": entry.type,
        "name": entry.name,
        "topic": entry.topic,
        "subject": entry.subject,
        "description": entry.summary,
        "published_by": entry.published_by,
        "schema": f"/schemas/{entry.type}",
    }
    if entry.draft:
        said["draft"] = True
    if entry.deprecated:
        said["deprecated"] = str(entry.deprecated.on)
    return said


@router.get("/topics", permission=Permission.PUBLIC)
async def list_topics(request: Request) -> Response:
    """Every topic that carries events, with who writes and who reads."""
    return page(request, "topics.html", topics=[(topic, _kept(topic)) for topic in WITH_EVENTS])


@router.get("/topics/{name}", permission=Permission.PUBLIC)
async def show_topic(request: Request, name: str, ctx: Ctx) -> Response:
    """One topic: key, retention, configuration, writers and readers, and the events on it."""
    topic = TOPICS.get(name)
    if topic is None:
        return refusal(request, 404, NO_SUCH)
    types = [entry for entry in DESCRIBED.values() if entry.topic == name]
    async with ctx.db.transaction() as tx:
        heard = await repository.heard(tx, [entry.type for entry in types], local_date(tx.now()))
    last = {one.type: one for one in reversed(heard)}  # the last heard of each
    return page(
        request,
        "topic.html",
        crumbs=_crumbs(request, (N_("Topics"), "/topics")),
        topic=topic,
        kept_how=_kept(topic),
        config=topic.config(),
        types=[(entry, hearers(entry.type), last.get(entry.type)) for entry in types],
        address=f"{ctx.settings.topic_prefix}{name}",
        own=InWords(translations(request)),
    )


def _kept(topic: Topic) -> tuple[str, int]:
    """`for_ever`, `latest` of each key, or so many `days`."""
    if topic.cleanup == "compact":
        return "latest", 0
    return ("for_ever", 0) if topic.retention_ms == KEEP else ("days", topic.retention_ms // UNITS_MS["d"])


@router.get("/systems", permission=Permission.PUBLIC)
async def list_systems(request: Request, ctx: Ctx, source: str = "") -> Response:
    """Who talks to whom, as a picture and a list, or the one whose `source` it is. Registered publishers are named to
    whom figures are open."""
    known = []
    if visitor(request).may(Permission.FIGURES):
        async with ctx.db.transaction() as tx:
            known = await publishers.list_all(tx)
    asked = {one.name for one in known if source in one.sources} or {source.removeprefix(OWN_SOURCES)} & {*SERVICES}
    if source and asked:
        return RedirectResponse(f"/systems/{quote(asked.pop(), safe='')}", 303)
    registered = [one for one in known if one.retired_at is None]
    rightwards = direction(language(request)) == "ltr"
    services = [(name, *_of_service(name)) for name in SERVICES]
    picture = draw(WITH_EVENTS, rightwards=rightwards)
    return page(request, "systems.html", services=services, registered=registered, picture=picture)


@router.get("/systems/{name}", permission=Permission.PUBLIC)
async def show_system(request: Request, name: str, ctx: Ctx) -> Response:
    """One service or registered publisher: what it writes and reads."""
    crumbs = _crumbs(request, (N_("Systems"), "/systems"))
    if name in SERVICES:
        writes, reads = _of_service(name)
        reactions = {reaction.type: reaction.outcome for reaction in REACTIONS if reaction.service == name}
        goals = [(goal, goal.title(language(request))) for goal in GOALS] if name == "reporting" else []
        return page(
            request,
            "system.html",
            crumbs=crumbs,
            name=name,
            writes=writes,
            reads=reads,
            reactions=reactions,
            goals=goals,
            own=InWords(translations(request)),
        )
    async with ctx.db.transaction() as tx:
        known = await publishers.list_all(tx) if visitor(request).may(Permission.FIGURES) else []
        one = next((one for one in known if one.name == name), None)
        if one is None:
            return refusal(request, 404, NO_SUCH)
        heard = await repository.heard(tx, list(DESCRIBED), local_date(tx.now()))
    own = {entry.type: entry for entry in heard if entry.publisher == name}
    allowed = [entry for entry in DESCRIBED.values() if entry.from_outside and _may(one.allow, entry)]
    types = [(entry, own.get(entry.type)) for entry in allowed if one.allow != ("all",) or entry.type in own]
    operates = visitor(request).may(Permission.OPERATE)
    return page(request, "publisher_system.html", crumbs=crumbs, publisher=one, types=types, operates=operates)


def _may(allow: tuple[str, ...], entry: Described) -> bool:
    return "all" in allow or entry.type in allow


def _of_service(name: str) -> tuple[list[Described], list[Described]]:
    """What a service writes, and what it hears."""
    used = [entry for entry in DESCRIBED.values() if not entry.draft]
    writes = [entry for entry in used if entry.on and name in entry.on.writers]
    return writes, [entry for entry in used if hears(name, entry.type)]


@router.get("/fields", permission=Permission.PUBLIC)
async def find_fields(request: Request, q: str = "") -> Response:
    """Where a field is used: in which events, as what, and who hears those. Without `q`, every name and how often."""
    asked = q.strip()[:LONGEST_SEARCH]
    found = [
        (field, entry, hearers(entry.type))
        for entry in DESCRIBED.values()
        for field in entry.fields
        if asked and asked.lower() in field.name.lower()
    ]
    found.sort(key=lambda one: (one[0].name != asked, one[0].name))
    counts: dict[str, int] = {}
    for entry in DESCRIBED.values():
        for field in entry.fields:
            counts[field.name] = counts.get(field.name, 0) + 1
    own = InWords(translations(request))
    return page(request, "fields.html", q=asked, found=found, counts=sorted(counts.items()), own=own)


@router.get("/journeys", permission=Permission.PUBLIC)
async def list_journeys(request: Request) -> Response:
    return page(request, "journeys.html", journeys=JOURNEYS.values())


@router.get("/journeys/{name}", permission=Permission.PUBLIC)
async def show_journey(request: Request, name: str) -> Response:
    """What happens over several events, step by step: who says it, and what comes of it."""
    journey = JOURNEYS.get(name)
    if journey is None:
        return refusal(request, 404, NO_SUCH)
    steps = [
        (step, DESCRIBED[step.type], [r for r in REACTIONS if r.type == step.type], hearers(step.type))
        for step in journey.steps
    ]
    crumbs = _crumbs(request, (N_("Journeys"), "/journeys"))
    return page(request, "journey.html", crumbs=crumbs, journey=journey, steps=steps)


def _crumbs(request: Request, *more: tuple[str, str]) -> list[tuple[str, str]]:
    words = translations(request)
    return [(words.gettext(label), address) for label, address in ((N_("Event types"), "/schemas"), *more)]
