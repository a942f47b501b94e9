"""The gateway's HTTP as an OpenAPI 3.1 document, made of the catalogue, the door's refusals and the shapes of its answers."""

from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache
from importlib.metadata import version

from starlette.responses import JSONResponse, Response

from schemas import http, openapi
from schemas.catalogue import MODELS
from schemas.door import FROM_OUTSIDE
from schemas.generate import example
from schemas.openapi import ATTRIBUTES, NEEDED, Json, component_of, ref
from schemas.tenancy import TenantMovedIn
from services.chassis.web import Ctx, Permission, Router
from services.chassis.web.problem import KINDS
from services.gateway.domain.door import MAX_BATCH, ProblemType
from services.gateway.routes.openapi_answers import answers

router = Router()

JSON = "application/json"
PROBLEM = "application/problem+json"
OURS = (400, 413, 503)
"""What any request may be answered with: an address nobody can read, a body too large, a part of ours that is away."""
TYPE = {"description": "One of those that GET /schemas lists as published by the gateway."}
WAITS = {503, 429}


@router.get("/openapi.json", permission=Permission.PUBLIC)
async def show_openapi(ctx: Ctx) -> Response:
    """The document. Its server is `public_url`."""
    return JSONResponse(document(ctx.settings.public_url.rstrip("/")))


@lru_cache(maxsize=1)
def document(server: str) -> Json:
    """The whole document, for a gateway that is reached at `server`."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Hem: publishing events",
            "version": version("hem"),
            "description": "Events come in as CloudEvents 1.0, one at a time or thousands. What has been answered 202 is "
            "never lost and never counted twice: send again when in doubt. Times have an offset, days are "
            "Swedish days, and a refusal names the field and never repeats a value.",
            "license": {"name": "EUPL-1.2", "identifier": "EUPL-1.2"},
        },
        "servers": [{"url": server}],
        "tags": [{"name": "events"}, {"name": "catalogue"}, {"name": "health"}],
        "paths": {
            "/events": {"post": _publish(), "get": _show_how()},
            "/schemas": {"get": _list_schemas()},
            "/schemas/{type}": {"get": _show_schema()},
            "/publishers/me": {"get": _show_me()},
            "/asyncapi.json": {"get": _read("asyncapi", "What is said over Kafka.", _document_of("asyncapi"))},
            "/openapi.json": {"get": _read("openapi", "This document.", _document_of("openapi"))},
            "/health/live": {"get": _read("live", "Whether it runs.", ref("Health"), tag="health")},
            "/health/ready": {"get": _ready()},
        },
        "components": {
            "schemas": {**openapi.components(MODELS.values()), **answers()},
            "securitySchemes": {
                "publisherKey": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A publisher's key: an operator makes it with `hem keys create`.",
                }
            },
        },
    }


def _publish() -> Json:
    return {
        "operationId": "publishEvents",
        "tags": ["events"],
        "summary": "Publish one event, or a batch",
        "description": "The content type tells the mode: structured, batch or binary. Every event is judged for itself.",
        "security": [{"publisherKey": []}],
        "parameters": [_header(name, said) for name, said in {**ATTRIBUTES, "type": TYPE}.items()],
        "requestBody": {
            "required": True,
            "content": {
                http.STRUCTURED: {"schema": ref(openapi.EVENT), "examples": _examples()},
                http.BATCH: {
                    "schema": {"type": "array", "maxItems": MAX_BATCH, "items": ref(openapi.EVENT)},
                    "example": [example(TenantMovedIn.type)],
                },
                JSON: {"schema": ref(openapi.DATA), "example": example(TenantMovedIn.type)["data"]},
            },
        },
        "responses": {
            "202": _noticed(
                "Accepted, or a duplicate of what was accepted before. A list for a batch, in the order sent.",
                {"oneOf": [ref("Accepted"), {"type": "array", "items": ref("Accepted")}]},
            ),
            "207": _noticed(
                "A batch of which some were refused: mend and send those again, the others are kept.",
                {"type": "array", "items": {"oneOf": [ref("Accepted"), ref("Refused")]}},
            ),
            **_refusals(),
        },
    }


def _show_how() -> Json:
    shown = _read("showHowToPublish", "How to publish, with an example: a page.", {})
    shown["responses"]["200"] = {"description": "The page.", "content": {"text/html": {"schema": {"type": "string"}}}}
    return shown


def _header(name: str, said: Json) -> Json:
    """An attribute's header in binary mode. The other modes have it in the body and no use for headers, so that a
    document can say neither which are needed nor what may stand in them: the description does."""
    needed = " Needed in binary mode." if name in (*NEEDED, "type") else ""
    return {
        "name": f"ce-{name}",
        "in": "header",
        "description": f"{said['description']} Percent-encoded UTF-8.{needed}",
        "schema": {"type": "string"},
    }


def _examples() -> Json:
    return {component_of(type_): {"summary": type_, "value": example(type_)} for type_ in sorted(FROM_OUTSIDE)}


def _refusals() -> Json:
    """Every answer that is a problem, by status."""
    found: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for one in ProblemType:
        found[one.status].append((one.slug, one.title))
    for status in OURS:
        found[status].append((KINDS[status].slug, KINDS[status].title))
    return {str(status): _problem(status, found[status]) for status in sorted(found)}


def _problem(status: int, kinds: list[tuple[str, str]]) -> Json:
    examples = {
        slug: {"value": {"type": f"urn:hem:problem:{slug}", "title": title, "status": status, "detail": title}}
        for slug, title in kinds
    }
    headers: Json = {}
    if status == 401:
        headers = {"WWW-Authenticate": {"description": "Bearer", "schema": {"type": "string"}}}
    elif status in WAITS:
        headers = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}
    return {
        "description": "; ".join(dict.fromkeys(title for _, title in kinds)) + ".",
        "content": {PROBLEM: {"schema": ref("Problem"), "examples": examples}},
        **({"headers": headers} if headers else {}),
    }


def _list_schemas() -> Json:
    return _read(
        "listEventTypes",
        "Every event type, with where it goes and what it is about. A page to browsers.",
        {"type": "array", "items": ref("EventType")},
        parameters=[
            _query("q", "Words that name, meaning or fields have."),
            _query("topic", "Only those of a topic."),
            _query("owner", "Only those of an owner."),
        ],
    )


def _show_schema() -> Json:
    shown = _read("getEventSchema", "The JSON Schema of one type's data. A page to browsers.", {"type": "object"})
    schema: Json = {"type": "string", "examples": [TenantMovedIn.type]}
    shown["parameters"] = [{"name": "type", "in": "path", "required": True, "schema": schema}]
    shown["responses"]["200"]["content"] = {"application/schema+json": {"schema": {"type": "object"}}}
    shown["responses"]["404"] = _problem(404, [(KINDS[404].slug, KINDS[404].title)])
    return shown


def _show_me() -> Json:
    shown = _read("getOwnPublisher", "What is agreed with you, and what became of what you sent.", ref("Publisher"))
    shown["security"] = [{"publisherKey": []}]
    for status, kind in ((401, ProblemType.NO_KEY), (404, KINDS[404])):
        shown["responses"][str(status)] = _problem(status, [(kind.slug, kind.title)])
    return shown


def _document_of(kind: str) -> Json:
    return {"type": "object", "required": [kind]}


def _query(name: str, description: str) -> Json:
    return {"name": name, "in": "query", "description": description, "schema": {"type": "string"}}


def _ready() -> Json:
    shown = _read("ready", "Whether every part can do its work.", ref("Health"), tag="health")
    shown["responses"]["503"] = _answer("Some part can't: the body says which.", ref("Health"))
    return shown


def _read(name: str, summary: str, schema: Json, *, tag: str = "catalogue", parameters: Sequence[Json] = ()) -> Json:
    return {
        "operationId": name,
        "tags": [tag],
        "summary": summary,
        "parameters": [*parameters],
        "responses": {
            "200": _answer("As asked.", schema),
            **{str(status): _problem(status, [(KINDS[status].slug, KINDS[status].title)]) for status in OURS},
        },
    }


def _noticed(description: str, schema: Json) -> Json:
    """An answer about events, of which some may be deprecated."""
    text = {"type": "string"}
    told = {
        "Deprecation": {"description": "Since when the type is deprecated (RFC 9745).", "schema": text},
        "Sunset": {"description": "From when it may be refused (RFC 8594).", "schema": text},
        "Link": {"description": "To what is said of it, and to what replaces it.", "schema": text},
    }
    return {**_answer(description, schema), "headers": told}


def _answer(description: str, schema: Json) -> Json:
    return {"description": description, "content": {JSON: {"schema": schema}}}
