"""The operator's side: handing out publishers' keys, listing them and taking them back."""

from dataclasses import asdict
from typing import Annotated

from fastapi import Request
from pydantic import BaseModel, Field, StringConstraints
from starlette.responses import JSONResponse, Response

from schemas.fields import NO_CONTROL, UriReference
from services.chassis.web import Ctx, Permission, Router, problem
from services.gateway.domain.door import Key, KeyId, Publisher
from services.gateway.repository import door as repository
from services.gateway.service import door as service

router = Router()

PublisherName = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=NO_CONTROL)]


class KeyOrder(BaseModel):
    """`allow`: event types, or `all`. `sources`: none means that the key is bound to the first one it is used with."""

    publisher: PublisherName
    allow: list[str] = Field(min_length=1)
    sources: list[UriReference] = []


@router.post("/ops/gateway/keys", permission=Permission.OPERATE)
async def create_key(order: KeyOrder, ctx: Ctx) -> Response:
    """201 `{"id", "publisher", "key"}`: the only time the key is shown."""
    publisher = Publisher(order.publisher)
    try:
        async with ctx.db.transaction() as tx:
            key_id, key = await service.create_key(tx, publisher, allow=order.allow, sources=order.sources)
    except service.SourceTaken as taken:
        return problem(409, "source-taken", "The source belongs to somebody else", str(taken))
    except service.NotPublishable as error:
        return problem(422, "unknown-type", "There is no such type to publish", str(error))
    return JSONResponse({"id": key_id, "publisher": publisher, "key": key}, 201, {"Cache-Control": "no-store"})


@router.get("/ops/gateway/keys", permission=Permission.OPERATE)
async def list_keys(ctx: Ctx) -> Response:
    """Every key there has been, revoked ones too, without the key itself."""
    async with ctx.db.transaction() as tx:
        return JSONResponse([_shown(key) for key in await repository.list_keys(tx)])


@router.delete("/ops/gateway/keys/{publisher:path}", permission=Permission.OPERATE)
async def revoke_keys(request: Request, publisher: str, ctx: Ctx, id: KeyId | None = None) -> Response:
    """Revokes all keys of a publisher, or with `?id=` one of them: `{"revoked": n}`. Its sources stay its own."""
    async with ctx.db.transaction() as tx:
        revoked = await repository.revoke_keys(tx, Publisher(publisher), id)
    if not revoked:
        return problem(404, "not-found", "There is no such key in use", "GET /ops/gateway/keys lists them.")
    return JSONResponse({"revoked": revoked})


def _shown(key: Key) -> dict[str, object]:
    moments = {"created_at": key.created_at, "last_used_on": key.last_used_on, "revoked_at": key.revoked_at}
    return asdict(key) | {name: moment and moment.isoformat() for name, moment in moments.items()}
