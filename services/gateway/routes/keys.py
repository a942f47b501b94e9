"""The operator's side: handing out publishers' keys, replacing them, listing them and taking them back."""

from dataclasses import asdict
from datetime import timedelta
from typing import Annotated

from fastapi import Request
from pydantic import BaseModel, Field, StringConstraints
from starlette.responses import JSONResponse, Response

from schemas.fields import NO_CONTROL, Interval, UriReference
from services.chassis.web import Ctx, Permission, Router, problem
from services.gateway.domain.door import KeyId, Publisher
from services.gateway.domain.keys import Key, Kind
from services.gateway.domain.publishers import duration
from services.gateway.repository import keys as repository
from services.gateway.service import keys as service
from services.gateway.service.publishers import NotPublishable, OnForms, SourceTaken

router = Router()

PublisherName = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=NO_CONTROL)]
NO_STORE = {"Cache-Control": "no-store"}


class KeyOrder(BaseModel):
    """`allow`: event types, or `all`; none means what the publisher may send. `sources`: none means that a live key is
    bound to the first one it is used with, and a test key to those of its publisher."""

    publisher: PublisherName
    allow: list[str] | None = Field(None, min_length=1)
    sources: list[UriReference] = []
    kind: Kind = "live"


class Rotation(BaseModel):
    """`overlap`: how long the old key goes on working (P7D, PT6H); none: not at all. `id`: which key is replaced."""

    publisher: PublisherName
    overlap: Interval | None = None
    id: KeyId | None = None


@router.post("/ops/gateway/keys", permission=Permission.OPERATE)
async def create_key(order: KeyOrder, ctx: Ctx) -> Response:
    """201 `{"id", "publisher", "kind", "key"}`: the only time the key is shown."""
    publisher = Publisher(order.publisher)
    try:
        async with ctx.db.transaction() as tx:
            key_id, key = await service.create_key(
                tx, publisher, allow=order.allow, sources=order.sources, kind=order.kind
            )
    except SourceTaken as taken:
        return problem(409, "source-taken", "The source belongs to somebody else", str(taken))
    except OnForms as ours:
        return problem(409, "name-taken", "There is a publisher of that name", str(ours))
    except service.Retired as retired:
        return problem(409, "retired", "The publisher has retired", str(retired))
    except NotPublishable as error:
        return problem(422, "unknown-type", "There is no such type to publish", str(error))
    except (service.NoSource, service.NoType) as error:
        return problem(422, "invalid", "Something needs to be mended", str(error))
    return JSONResponse({"id": key_id, "publisher": publisher, "kind": order.kind, "key": key}, 201, NO_STORE)


@router.post("/ops/gateway/keys/rotate", permission=Permission.OPERATE)
async def rotate_key(order: Rotation, ctx: Ctx) -> Response:
    """201 `{"id", "publisher", "kind", "key", "replaces", "old_ends_at"}`: the only time the new key is shown."""
    publisher = Publisher(order.publisher)
    overlap = duration(order.overlap) if order.overlap else timedelta()
    try:
        async with ctx.db.transaction() as tx:
            key_id, key, old = await service.rotate_key(tx, publisher, overlap=overlap, only=order.id)
    except service.WhichKey as error:
        return problem(409, "which-key", "There is no one key to replace", str(error))
    made = {"id": key_id, "publisher": publisher, "kind": old.kind, "key": key, "replaces": old.id}
    return JSONResponse(made | {"old_ends_at": (ctx.clock.now() + overlap).isoformat()}, 201, NO_STORE)


@router.get("/ops/gateway/keys", permission=Permission.OPERATE)
async def list_keys(ctx: Ctx) -> Response:
    """Every key there has been, revoked ones too, without the key itself."""
    async with ctx.db.transaction() as tx:
        return JSONResponse([shown(key) for key in await repository.list_keys(tx)])


@router.delete("/ops/gateway/keys/{publisher:path}", permission=Permission.OPERATE)
async def revoke_keys(request: Request, publisher: str, ctx: Ctx, id: KeyId | None = None) -> Response:
    """Revokes all keys of a publisher, or with `?id=` one of them: `{"revoked": n}`. Its sources stay its own."""
    async with ctx.db.transaction() as tx:
        revoked = await repository.revoke_keys(tx, Publisher(publisher), id)
    if not revoked:
        return problem(404, "not-found", "There is no such key in use", "GET /ops/gateway/keys lists them.")
    return JSONResponse({"revoked": revoked})


def shown(key: Key) -> dict[str, object]:
    """A key as JSON."""
    said = asdict(key)
    moments = ("created_at", "ends_at", "last_used_on", "revoked_at")
    return said | {name: said[name] and said[name].isoformat() for name in moments}
