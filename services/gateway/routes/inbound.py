"""What could not be let in from a publisher's own topic: shown to operators and to the publisher, replayed, discarded."""

from typing import Annotated, Any, Literal, Self
from urllib.parse import urlencode

from fastapi import Form, Path, Query, Request
from pydantic import BaseModel, Field, StringConstraints, model_validator
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response

from schemas.fields import NO_CONTROL
from services.chassis.context import Context
from services.chassis.web import Ctx, Permission, Router, page, problem, translations, visitor
from services.chassis.web.access import bearer
from services.chassis.web.words import N_
from services.gateway.domain.door import Publisher
from services.gateway.domain.inbound import Choice, Parked, ParkedId
from services.gateway.domain.keys import Key
from services.gateway.entrance import TooMany
from services.gateway.inbound_replay import NotOnKafka, replay
from services.gateway.routes.publisher_pages import REASONS as REFUSALS
from services.gateway.routes.publisher_pages import address as page_of
from services.gateway.service import inbound as service
from services.gateway.service import keys, publishers

router = Router()

PAGE = 100
Verb = Literal["replay", "discard"]
Number = Annotated[int, Field(ge=1, lt=2**63)]
Before = Annotated[int | None, Query(ge=1, lt=2**63)]
Reason = Annotated[str, StringConstraints(max_length=64, pattern=NO_CONTROL)]
REASONS = REFUSALS | {
    "undecodable": (N_("A header's name is not UTF-8"), N_("Name headers in UTF-8, and send the event again.")),
    "missed": (N_("Gone before it was read"), N_("Send these events again.")),
    "defect": (N_("A defect in the gateway"), N_("Tell whoever runs it; replay when it is mended.")),
}
NOT_ON_KAFKA = N_("The publisher is not registered for Kafka, so nothing of its topic is let in.")
TOO_MANY = N_("The publisher has sent more events in a minute than agreed. Try again in a while.")


class Order(BaseModel):
    """Which records: those with these numbers, all of a reason, or all. Exactly one of the three."""

    ids: list[Number] | None = Field(None, min_length=1, max_length=1000)
    reason: Reason | None = None
    all: Literal[True] | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if sum(said is not None for said in (self.ids, self.reason, self.all)) != 1:
            raise ValueError("exactly one of ids, reason and all")
        return self

    def choice(self) -> Choice:
        return Choice(None if self.ids is None else tuple(map(ParkedId, self.ids)), self.reason)


class Decision(BaseModel):
    """The form on the page: ticked rows, or the button of a reason, or that of all."""

    id: list[Number] = Field([], max_length=1000)
    reason: Reason | None = None
    all: Literal["yes"] | None = None


@router.get("/publishers/me/parked", permission=Permission.PUBLISH)
async def list_own(request: Request, ctx: Ctx, before: Before = None) -> Response:
    """The publisher's records that wait, the latest first: `{"topic", "waiting": {reason: n}, "parked": [...], "next"}`."""
    key = await _key(request, ctx)
    if isinstance(key, Response):
        return key
    async with ctx.db.transaction() as tx:
        told = await service.shown(tx, key.publisher, before=_before(before), limit=PAGE + 1)
    more = len(told.latest) > PAGE
    following = f"/publishers/me/parked?before={told.latest[PAGE - 1].id}" if more else None
    return JSONResponse(
        {
            "topic": told.topic and ctx.topic(told.topic),
            "waiting": told.waiting,
            "parked": [_json(parked) for parked in told.latest[:PAGE]],
            "next": following,
        }
    )


@router.post("/publishers/me/parked/{verb}", permission=Permission.PUBLISH)
async def decide_own(request: Request, ctx: Ctx, verb: Verb, order: Order) -> Response:
    """`{"replayed", "refused", "gone", "left"}` or `{"discarded"}`: how many each."""
    key = await _key(request, ctx)
    if isinstance(key, Response):
        return key
    if key.kind == "test":
        return problem(403, "test-key", "A live key is needed", "A test key decides nothing about live events.")
    try:
        counts = await _decide(ctx, key.publisher, verb, order.choice(), f"publisher {key.publisher}")
    except NotOnKafka:
        return problem(409, "not-on-kafka", "Not registered for Kafka", NOT_ON_KAFKA)
    except TooMany as error:
        retry = {"Retry-After": str(error.retry_after)}
        return problem(429, "too-many", "More events than were agreed", str(error), headers=retry)
    return JSONResponse(counts)


@router.get("/publishers/{publisher}/parked", permission=Permission.OPERATE)
async def show(
    request: Request, ctx: Ctx, publisher: Annotated[str, Path(max_length=64)], before: Before = None
) -> Response:
    name = Publisher(publisher)
    async with ctx.db.transaction() as tx:
        found = await publishers.find(tx, name)
        told = await service.shown(tx, name, before=_before(before), limit=PAGE + 1)
    if found is None:
        raise HTTPException(404)
    say = translations(request).gettext
    more = len(told.latest) > PAGE
    return page(
        request,
        "inbound.html",
        publisher=found,
        inbound=told,
        rows=told.latest[:PAGE],
        address=_address(name),
        next=f"{_address(name)}?before={told.latest[PAGE - 1].id}" if more else None,
        done=_done(request),
        reasons=REASONS,
        crumbs=[(say("Publishers"), "/publishers"), (name, page_of(name))],
    )


@router.post("/publishers/{publisher}/parked/{verb}", permission=Permission.OPERATE)
async def decide(
    request: Request,
    ctx: Ctx,
    publisher: Annotated[str, Path(max_length=64)],
    verb: Verb,
    decision: Annotated[Decision, Form()],
) -> Response:
    if not (decision.id or decision.reason or decision.all):
        raise HTTPException(422, N_("Tick the records that are meant."))
    choice = Choice() if decision.all else Choice(tuple(map(ParkedId, decision.id)) or None, decision.reason)
    by = visitor(request).name or "operator"
    try:
        counts = await _decide(ctx, Publisher(publisher), verb, choice, by)
    except NotOnKafka:
        raise HTTPException(409, NOT_ON_KAFKA) from None
    except TooMany as error:
        raise HTTPException(429, TOO_MANY, {"Retry-After": str(error.retry_after)}) from None
    return RedirectResponse(f"{_address(Publisher(publisher))}?{urlencode(counts)}", status_code=303)


async def _decide(ctx: Context, publisher: Publisher, verb: Verb, choice: Choice, by: str) -> dict[str, int]:
    if verb == "discard":
        async with ctx.db.transaction() as tx:
            return {"discarded": await service.discard(tx, publisher, choice, by)}
    done = await replay(ctx, publisher, choice, by)
    return {"replayed": done.let_in, "refused": done.refused, "gone": done.gone, "left": done.left}


async def _key(request: Request, ctx: Context) -> Key | Response:
    async with ctx.db.transaction() as tx:
        key = await keys.find_key(tx, bearer(request) or "")
    if key is not None and key.works(ctx.clock.now()):
        return key
    detail = "Send a publisher's key in the header Authorization: Bearer …"
    return problem(401, "no-key", "A publisher's key is needed", detail, headers={"WWW-Authenticate": "Bearer"})


def _before(said: int | None) -> ParkedId | None:
    return None if said is None else ParkedId(said)


def _address(publisher: Publisher) -> str:
    return f"{page_of(publisher)}/parked"


def _done(request: Request) -> dict[str, int]:
    """What was just done, from the address that the decision led to."""
    said = {name: request.query_params.get(name, "") for name in ("replayed", "refused", "gone", "left", "discarded")}
    return {name: int(count) for name, count in said.items() if count.isascii() and count.isdigit() and len(count) < 10}


def _json(parked: Parked) -> dict[str, Any]:
    spot, fault = parked.spot, parked.fault
    return {
        "id": parked.id,
        "partition": spot.partition,
        "offset": spot.offset,
        "written_at": spot.written_at and spot.written_at.isoformat(),
        "event": {"id": fault.event_id, "source": fault.source},
        "reason": fault.reason,
        "detail": fault.detail,
        "errors": [{"field": error.field, "expected": error.expected, "got": error.got} for error in fault.errors],
        "parked_at": parked.parked_at.isoformat(),
    }
