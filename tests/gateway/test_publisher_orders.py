"""What nobody may order at the door: keys for Hem's own roles, a key replaced twice, nothing in place of something."""

import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx2

from schemas.http import STRUCTURED, read
from services.chassis.testkit import OPERATOR, MovableClock, Running
from services.gateway.domain.door import submission
from services.gateway.domain.reports import Desk
from services.gateway.entrance import let_in

Json = dict[str, Any]
Make = Callable[..., Json]
Post = Callable[..., Awaitable[httpx2.Response]]
KEYS, PUBLISHERS = "/ops/gateway/keys", "/ops/gateway/publishers"


async def test_a_role_of_hem_s_own_has_no_key_and_no_topic(gateway: Running, move_in: Make) -> None:
    desk = Desk("operator")

    async def orders() -> list[int]:
        order = {"publisher": desk.publisher, "owner": "the tests", "contact": "tests@example.se", "kafka": True}
        return [
            (await gateway.client.post(KEYS, json={"publisher": desk.publisher, "allow": ["all"]}, headers=OPERATOR)).status_code,
            (await gateway.client.post(PUBLISHERS, json=order, headers=OPERATOR)).status_code,
        ]  # fmt: skip

    assert await orders() == [409, 409]
    [entry] = read([("content-type", STRUCTURED)], json.dumps(move_in(source=desk.source)).encode()).entries
    [answer] = await let_in(gateway.ctx, desk.sender, [submission(entry)])
    assert answer.status == "accepted"
    assert await orders() == [409, 409]
    page = f"/publishers/{desk.publisher}"
    assert (await gateway.client.post(f"{page}/keys", data={"kind": "live"}, headers=OPERATOR)).status_code == 409
    changed = await gateway.client.post(f"{PUBLISHERS}/{desk.publisher}/change", json={"kafka": True}, headers=OPERATOR)
    assert (changed.status_code, changed.json()["type"]) == (409, "urn:hem:problem:source-taken")
    changed = await gateway.client.post(
        f"{PUBLISHERS}/{desk.publisher}/change", json={"rate_limit": 9}, headers=OPERATOR
    )
    assert changed.status_code == 200


async def test_a_key_that_was_replaced_is_not_replaced_again_and_works_no_longer_for_it(
    *, gateway: Running, post: Post, key: str, move_in: Make, clock: MovableClock
) -> None:
    async def rotate(overlap: str, number: int | None = None) -> httpx2.Response:
        order = {"publisher": "housing", "overlap": overlap, "id": number}
        return await gateway.client.post(f"{KEYS}/rotate", json=order, headers=OPERATOR)

    old = (await rotate("PT1H")).json()["replaces"]
    assert (await rotate("P90D", old)).status_code == 409
    assert len((await gateway.client.get(KEYS, headers=OPERATOR)).json()) == 2
    clock.move(timedelta(hours=1))
    assert (await post(move_in(), key=key)).status_code == 401


async def test_nothing_is_no_answer_to_what_is_agreed(gateway: Running, key: str) -> None:
    for order in ({"kafka": None}, {"allow": None}, {"owner": None}, {"contact": None}, {"owner": ""}):
        answer = await gateway.client.post(f"{PUBLISHERS}/housing/change", json=order, headers=OPERATOR)
        assert answer.status_code == 422, order
    said = {"allow": ["all"], "expected_interval": "P1D"}
    assert (await gateway.client.post(f"{PUBLISHERS}/housing/change", json=said, headers=OPERATOR)).status_code == 200
    none = await gateway.client.post(
        f"{PUBLISHERS}/housing/change", json={"expected_interval": None, "rate_limit": None}, headers=OPERATOR
    )
    assert (none.status_code, none.json()["expected_interval"], none.json()["allow"]) == (200, None, ["all"])


async def test_what_postgres_cannot_hold_is_no_defect(gateway: Running, key: str) -> None:
    own = {"authorization": f"Bearer {key}"}
    for verb in ("replay", "discard"):
        answer = await gateway.client.post(f"/publishers/me/parked/{verb}", json={"reason": "a\0b"}, headers=own)
        assert answer.status_code == 422
        page = f"/publishers/housing/parked/{verb}"
        assert (await gateway.client.post(page, data={"reason": "a\0b"}, headers=OPERATOR)).status_code == 422
    for said in ({"hem-id": "a\0b"}, {"hem-corrects": "a\0b"}):
        answer = await gateway.client.post("/report/se.vatterhem.ContractEnded.v1", data=said, headers=OPERATOR)
        assert answer.status_code in (404, 422), said
    answer = await gateway.client.post(
        "/report/se.vatterhem.EventWithdrawn.v1", data={"withdrawn_id": "a\0b"}, headers=OPERATOR
    )
    assert answer.status_code == 404
