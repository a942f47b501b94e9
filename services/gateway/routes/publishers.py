"""The register of publishers as JSON: for the hem command, and for a publisher that asks after itself."""

from typing import Any

from fastapi import Request
from starlette.responses import JSONResponse, Response

from services.chassis.web import Ctx, Permission, Router, problem
from services.chassis.web.access import bearer
from services.gateway.domain.door import Publisher
from services.gateway.domain.outcomes import Example, Numbers
from services.gateway.routes.keys import shown as shown_key
from services.gateway.routes.publisher_orders import NewPublisher, PublisherChange
from services.gateway.service import keys
from services.gateway.service import publishers as service
from services.gateway.service.publishers import Overview, Report

router = Router()

API = "/ops/gateway/publishers"


@router.get(API, permission=Permission.OPERATE)
async def list_publishers(ctx: Ctx) -> Response:
    """Every publisher: what is agreed, its sources, how it stands, and its live events of the last 30 days."""
    async with ctx.db.transaction() as tx:
        found = await service.overview(tx)
    now = ctx.clock.now()
    return JSONResponse(
        [
            _agreed(one, now)
            | {"last_30_days": {"accepted": one.accepted, "duplicate": one.duplicate, "refused": one.refused}}
            for one in found
        ]
    )


@router.post(API, permission=Permission.OPERATE)
async def register(order: NewPublisher, ctx: Ctx) -> Response:
    """201 and the publisher as `GET` of it has it."""
    try:
        async with ctx.db.transaction() as tx:
            await service.register(tx, order.publisher, order.agreed(), order.sources)
    except (service.NameTaken, service.SourceTaken, service.NotPublishable) as error:
        return _refused(error)
    return await _shown(ctx, order.publisher, 201)


@router.post(f"{API}/{{name:path}}/change", permission=Permission.OPERATE)
async def change(name: str, order: PublisherChange, ctx: Ctx) -> Response:
    """What isn't said stays; one that had retired is back."""
    try:
        async with ctx.db.transaction() as tx:
            known = await service.find(tx, name)
            if known is None:
                return _unknown(name)
            await service.change(tx, known.name, order.applied(known.agreed), order.sources)
    except (service.SourceTaken, service.NotPublishable) as error:
        return _refused(error)
    return await _shown(ctx, name)


@router.post(f"{API}/{{name:path}}/retire", permission=Permission.OPERATE)
async def retire(name: str, ctx: Ctx) -> Response:
    """Takes back its keys and waits for it no more. Twice is as once."""
    async with ctx.db.transaction() as tx:
        await service.retire(tx, Publisher(name))
    return await _shown(ctx, name)


@router.get(f"{API}/{{name:path}}", permission=Permission.OPERATE)
async def show(name: str, ctx: Ctx) -> Response:
    """What is agreed, its keys, and what became of what it sent."""
    return await _shown(ctx, name)


@router.get("/publishers/me", permission=Permission.PUBLISH)
async def show_me(request: Request, ctx: Ctx) -> Response:
    """The same to a publisher that shows its own key."""
    async with ctx.db.transaction() as tx:
        key = await keys.find_key(tx, bearer(request) or "")
    if key is None or not key.works(ctx.clock.now()):
        return problem(
            401,
            "no-key",
            "A publisher's key is needed",
            "Send it in the header Authorization: Bearer …",
            headers={"WWW-Authenticate": "Bearer"},
        )
    return await _shown(ctx, key.publisher)


async def _shown(ctx: Ctx, name: str, status: int = 200) -> Response:
    async with ctx.db.transaction() as tx:
        found = await service.report(tx, Publisher(name))
    if found is None:
        return _unknown(name)
    said = _agreed(found, ctx.clock.now()) | {
        "keys": [shown_key(key) for key in found.keys],
        "last_30_days": _numbers(found.live),
        "last_30_days_of_tests": _numbers(found.test),
        "last_refused": [_example(one) for one in found.refusals],
    }
    return JSONResponse(said, status, {"Cache-Control": "no-store"})


def _agreed(found: Overview | Report, now: Any) -> dict[str, Any]:
    publisher = found.publisher
    return {
        "publisher": publisher.name,
        "owner": publisher.owner,
        "contact": publisher.contact,
        "allow": list(publisher.allow),
        "sources": [
            {
                "source": one.source,
                "heard_at": one.heard_at and one.heard_at.isoformat(),
                "is_silent": one.is_silent(now),
            }
            for one in found.sources
        ],
        "standing": found.standing,
        "expected_interval": publisher.expected_interval,
        "rate_limit": publisher.rate_limit,
        "kafka": publisher.kafka,
        "registered_at": publisher.registered_at.isoformat(),
        "retired_at": publisher.retired_at and publisher.retired_at.isoformat(),
    }


def _numbers(numbers: Numbers) -> dict[str, Any]:
    return {
        "accepted": numbers.accepted,
        "duplicate": numbers.duplicate,
        "refused": dict(numbers.refused),
        "by_road": dict(numbers.roads),
        "types": [{"type": one.type, "count": one.count, "heard_at": one.last_at.isoformat()} for one in numbers.types],
    }


def _example(one: Example) -> dict[str, Any]:
    return {
        "at": one.at and one.at.isoformat(),
        "road": one.road,
        "test": one.test,
        "index": one.place,
        "id": one.event_id,
        "source": one.source,
        "type": one.type,
        "problem": f"urn:hem:problem:{one.reason}",
        "errors": [{"field": e.field, "expected": e.expected, "got": e.got} for e in one.errors],
    }


def _refused(error: Exception) -> Response:
    match error:
        case service.NameTaken():
            return problem(409, "name-taken", "There is a publisher of that name", str(error))
        case service.SourceTaken():
            return problem(409, "source-taken", "The source belongs to somebody else", str(error))
        case _:
            return problem(422, "unknown-type", "There is no such type to publish", str(error))


def _unknown(name: str) -> Response:
    return problem(404, "not-found", "There is no such publisher", f"GET {API} lists them.", publisher=name)
