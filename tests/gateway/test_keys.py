"""Who may publish what: keys, the types and sources they are for, and how they are taken back."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx2

from schemas.governance import ProgrammeStarted
from schemas.tenancy import TenantContactChanged, TenantMovedIn
from services.chassis.testkit import OPERATOR, Bus, MovableClock, Running

Json = dict[str, Any]
Make = Callable[..., Json]
MakeKey = Callable[..., Awaitable[str]]
Post = Callable[..., Awaitable[httpx2.Response]]


async def test_without_a_key_or_with_an_unknown_one_nothing_is_read(post: Post, move_in: Make) -> None:
    for key in (None, "", "hem_housing_guessed", "nonsense"):
        answer = await post(b"{not even JSON", key=key)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.headers["content-type"] == "application/problem+json"
    assert (await post(move_in(), key=None, authorization="Basic aGVtOmhlbQ==")).status_code == 401


async def test_a_key_is_for_its_types_only(post: Post, make_key: MakeKey, move_in: Make, contact: Make) -> None:
    moves = await make_key(allow=[TenantMovedIn.type], sources=["urn:test:housing"])
    answer = await post([move_in(), contact()], key=moves)
    assert [e["status"] for e in answer.json()] == ["accepted", "refused"]
    problem = answer.json()[1]["problem"]
    assert (problem["status"], problem["type"]) == (403, "urn:hem:problem:type-not-allowed")
    assert (await post(contact(), key=moves)).status_code == 403


async def test_no_key_is_for_what_hem_publishes_itself(gateway: Running, post: Post, move_in: Make) -> None:
    offered = move_in(type="se.vatterhem.HousingIntroductionOffered.v1") | {
        "data": {"tenancy_id": "t-1", "area_id": "oxnehaga", "offered_on": "2019-03-02", "channel": "email"}
    }
    answer = await post(offered)
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:hem:problem:type-not-allowed")
    order = {"publisher": "housing", "allow": [offered["type"]]}
    answer = await gateway.client.post("/ops/gateway/keys", json=order, headers=OPERATOR)
    assert answer.status_code == 422


async def test_a_source_is_one_publishers_for_ever(
    gateway: Running, post: Post, make_key: MakeKey, move_in: Make
) -> None:
    stranger = await make_key("stranger", sources=["urn:test:stranger"])
    answer = await post(move_in(), key=stranger)
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:hem:problem:source-not-allowed")
    await gateway.client.delete("/ops/gateway/keys/housing", headers=OPERATOR)
    for sources in (["urn:test:housing"], ["urn:hem:notifications"]):
        order = {"publisher": "stranger", "allow": ["all"], "sources": sources}
        assert (await gateway.client.post("/ops/gateway/keys", json=order, headers=OPERATOR)).status_code == 409


async def test_a_key_without_sources_takes_the_first_it_is_used_with(
    post: Post, make_key: MakeKey, move_in: Make
) -> None:
    open_key, late = await make_key("claims"), await make_key("too-late")
    taken = move_in("t-1", source="urn:test:housing")
    wrong = move_in("t-2", source="urn:test:wrong", data={"moved_in_on": "soon"})
    mine, other = move_in("t-3", source="urn:test:claimed"), move_in("t-4", source="urn:test:second")
    answer = await post([taken, wrong, mine, other], key=open_key)
    assert [e.get("problem", {}).get("status") for e in answer.json()] == [403, 422, None, 403]
    assert (await post(move_in("t-5", source="urn:test:claimed"), key=open_key)).status_code == 202
    assert (await post(move_in("t-6", source="urn:test:claimed"), key=late)).status_code == 403
    assert (await post(move_in("t-7", source="urn:hem:notifications"), key=late)).status_code == 403
    assert (await post(move_in("t-8", source="urn:test:second"), key=late)).status_code == 202


async def test_an_event_that_is_refused_takes_no_source(
    *, gateway: Running, post: Post, make_key: MakeKey, move_in: Make, contact: Make, erasure: Make,
    too_large: Make, withdrawal: Make,
) -> None:  # fmt: skip
    known = move_in("t-1", source="urn:test:mine")
    await post(known, key=await make_key("claims", sources=["urn:test:mine"]))
    await post(erasure("ref-1"))
    open_key = await make_key("claims")
    refused = [
        contact("ref-1", source="urn:test:a"),
        too_large(source="urn:test:b"),
        withdrawal(move_in("t-2", source="urn:test:c"), source="urn:test:c"),
        withdrawal(move_in("t-2", source="urn:test:mine"), source="urn:test:d"),
        move_in("t-1", source="urn:test:mine", id=known["id"], data={"area_id": "raslatt"}),
        move_in("t-3", source="urn:test:housing"),
    ]
    answer = await post(refused, key=open_key)
    assert [entry["problem"]["status"] for entry in answer.json()] == [410, 413, 403, 422, 409, 403]
    assert (await listed(gateway))[1]["sources"] == []
    assert (await post([*refused, known], key=open_key)).json()[-1]["status"] == "duplicate"
    assert (await listed(gateway))[1]["sources"] == ["urn:test:mine"]
    owned = await gateway.ctx.db.pool.fetch("select source from source_owner order by source")
    assert [row["source"] for row in owned] == ["urn:test:housing", "urn:test:mine"]


async def test_an_erasure_takes_a_source_and_goes_before_the_contact_beside_it(
    gateway: Running, post: Post, make_key: MakeKey, contact: Make, erasure: Make
) -> None:
    open_key = await make_key("claims")
    batch = [contact("ref-1", source="urn:test:claimed"), erasure("ref-1", source="urn:test:claimed")]
    answer = await post(batch, key=open_key)
    assert [entry["status"] for entry in answer.json()] == ["refused", "accepted"]
    assert (await listed(gateway))[0]["sources"] == ["urn:test:claimed"]


async def test_nobody_gets_a_source_that_is_or_may_become_hems_own(
    gateway: Running, post: Post, make_key: MakeKey, move_in: Make
) -> None:
    open_key = await make_key("claims")
    for source in ("urn:hem:notifications", "urn:hem:letters", "URN:HEM:gateway", "Urn:Hem:surveys/2"):
        assert (await post(move_in(source=source), key=open_key)).status_code == 403, source
        order = {"publisher": "claims", "allow": ["all"], "sources": ["urn:test:fine", source]}
        assert (await gateway.client.post("/ops/gateway/keys", json=order, headers=OPERATOR)).status_code == 409, source
    assert (await post(move_in(source="urn:hemma:housing"), key=open_key)).status_code == 202


async def test_of_two_who_claim_a_source_at_once_one_gets_it(post: Post, make_key: MakeKey, move_in: Make) -> None:
    keys = [await make_key(f"claimant-{n}") for n in range(6)]
    answers = await asyncio.gather(
        *(post(move_in(f"t-{n}", source="urn:test:gold"), key=k) for n, k in enumerate(keys))
    )
    assert sorted(a.status_code for a in answers) == [202, 403, 403, 403, 403, 403]


async def test_keys_are_rotated_with_overlap(
    gateway: Running, post: Post, make_key: MakeKey, move_in: Make, key: str
) -> None:
    fresh = await make_key(sources=["urn:test:housing"])
    assert (await post(move_in("t-1"), key=key)).status_code == 202
    assert (await post(move_in("t-2"), key=fresh)).status_code == 202
    old = next(k for k in await listed(gateway) if k["publisher"] == "housing")
    answer = await gateway.client.delete(f"/ops/gateway/keys/housing?id={old['id']}", headers=OPERATOR)
    assert (answer.status_code, answer.json()) == (200, {"revoked": 1})
    assert (await post(move_in("t-3"), key=key)).status_code == 401
    assert (await post(move_in("t-4"), key=fresh)).status_code == 202
    assert (await gateway.client.delete("/ops/gateway/keys/housing", headers=OPERATOR)).json() == {"revoked": 1}
    assert (await post(move_in("t-5"), key=fresh)).status_code == 401
    assert (await gateway.client.delete("/ops/gateway/keys/housing", headers=OPERATOR)).status_code == 404


async def test_the_list_says_everything_but_the_key(
    *, gateway: Running, clock: MovableClock, post: Post, make_key: MakeKey, move_in: Make, key: str
) -> None:
    await make_key("Statistik & analys", allow=[ProgrammeStarted.type])
    await post(move_in())
    clock.move(timedelta(days=1))
    await post(move_in())
    answer = await gateway.client.get("/ops/gateway/keys", headers=OPERATOR)
    assert key not in answer.text
    theirs, ours = answer.json()
    assert (theirs["publisher"], theirs["allow"], theirs["sources"]) == (
        "Statistik & analys",
        [ProgrammeStarted.type],
        [],
    )
    assert (ours["publisher"], ours["allow"], ours["sources"]) == ("housing", ["all"], ["urn:test:housing"])
    assert (theirs["last_used_on"], ours["last_used_on"]) == (None, clock.now().date().isoformat())
    assert key.startswith("hem_housing_")
    kept = await gateway.ctx.db.pool.fetch("select publisher_key::text as row from publisher_key")
    assert not any(key in row["row"] for row in kept)


async def test_keys_are_the_operators_alone(gateway: Running, key: str) -> None:
    order = {"publisher": "housing", "allow": ["all"]}
    for headers in ({}, {"Authorization": f"Bearer {key}"}, {"Authorization": "Bearer wrong"}):
        assert (await gateway.client.get("/ops/gateway/keys", headers=headers)).status_code == 401
        assert (await gateway.client.post("/ops/gateway/keys", json=order, headers=headers)).status_code == 401
        assert (await gateway.client.delete("/ops/gateway/keys/housing", headers=headers)).status_code == 401
    assert (await gateway.client.post("/events", json={}, headers=OPERATOR)).status_code == 403


async def test_an_order_for_a_key_that_makes_no_sense_is_refused(gateway: Running) -> None:
    orders: list[Json] = [
        {},
        {"publisher": "", "allow": ["all"]},
        {"publisher": "a\0b", "allow": ["all"]},
        {"publisher": "housing", "allow": []},
        {"publisher": "housing", "allow": ["TenantMovedIn"]},
        {"publisher": "housing", "allow": ["all"], "sources": ["not a uri"]},
    ]
    for order in orders:
        answer = await gateway.client.post("/ops/gateway/keys", json=order, headers=OPERATOR)
        assert answer.status_code == 422, order
    assert (
        "se.vatterhem.TenantMovedIn.v1"
        in (await gateway.client.post("/ops/gateway/keys", json=orders[4], headers=OPERATOR)).json()["detail"]
    )


async def listed(gateway: Running) -> list[Json]:
    keys: list[Json] = (await gateway.client.get("/ops/gateway/keys", headers=OPERATOR)).json()
    return keys


async def test_a_new_key_takes_over_while_the_old_one_works_for_a_while_longer(
    *, gateway: Running, clock: MovableClock, post: Post, key: str, move_in: Make
) -> None:
    rotate = {"publisher": "housing", "overlap": "P7D"}
    made = await gateway.client.post("/ops/gateway/keys/rotate", json=rotate, headers=OPERATOR)
    assert (made.status_code, made.headers["cache-control"]) == (201, "no-store")
    fresh = made.json()["key"]
    old, new = await listed(gateway)
    assert (old["id"], old["ends_at"]) == (made.json()["replaces"], (clock.now() + timedelta(days=7)).isoformat())
    assert (new["allow"], new["sources"], new["ends_at"]) == (["all"], ["urn:test:housing"], None)
    for shown in (key, fresh):
        assert (await post(move_in(f"t-{shown[-3:]}"), key=shown)).status_code == 202
    clock.move(timedelta(days=7))
    assert (await post(move_in("t-3"), key=key)).status_code == 401
    assert (await post(move_in("t-4"), key=fresh)).status_code == 202
    # At once, and only where there is one to replace.
    last = await gateway.client.post("/ops/gateway/keys/rotate", json={"publisher": "housing"}, headers=OPERATOR)
    assert (await post(move_in("t-5"), key=fresh)).status_code == 401
    assert (await post(move_in("t-6"), key=last.json()["key"])).status_code == 202
    await gateway.client.post("/ops/gateway/keys", json={"publisher": "housing"}, headers=OPERATOR)
    answer = await gateway.client.post("/ops/gateway/keys/rotate", json=rotate, headers=OPERATOR)
    assert answer.status_code == 409
    one = rotate | {"id": last.json()["id"]}
    assert (await gateway.client.post("/ops/gateway/keys/rotate", json=one, headers=OPERATOR)).status_code == 201


async def test_what_a_test_key_sends_is_a_test_and_stays_apart_from_what_is_live(
    *, gateway: Running, bus: Bus, post: Post, key: str, move_in: Make, contact: Make, erasure: Make
) -> None:
    order = {"publisher": "housing", "kind": "test"}
    made = await gateway.client.post("/ops/gateway/keys", json=order, headers=OPERATOR)
    assert made.status_code == 201, made.text
    trial = made.json()["key"]
    assert trial.startswith("hem_test_housing_")
    assert (await listed(gateway))[1]["sources"] == ["urn:test:housing"]

    same = move_in("t-1", id="e-same")
    assert (await post(same, key=trial)).json() == {"id": "e-same", "source": same["source"], "status": "accepted"}
    assert (await post(same, key=trial)).json()["status"] == "duplicate"
    other = {**same, "data": {**same["data"], "area_id": "raslatt"}}
    assert (await post(other, key=trial)).status_code == 409
    assert (await post(other)).json()["status"] == "accepted", "what was tried is no hindrance to what is live"
    found = await bus.expect(TenantMovedIn, count=2, tenancy_id="t-1")
    assert sorted((event.test, event.data.area_id) for event in found) == [(False, "raslatt"), (True, "oxnehaga")]

    # By its own word, under a live key.
    assert (await post({**move_in("t-9"), "test": True})).status_code == 202
    assert [event.test for event in await bus.expect(TenantMovedIn, tenancy_id="t-9")] == [True]

    # About a person it goes no further: nobody is written to the topic, and nobody is erased.
    for tried in (contact("ref-1"), erasure("ref-1")):
        answer = await post(tried, key=trial)
        assert (answer.status_code, len(answer.json()["warnings"])) == (202, 1)
    assert (await post(contact("ref-1"))).status_code == 202
    await bus.expect(TenantContactChanged, tenant_ref="ref-1")
    assert len(await bus.records("tenancy.contacts")) == 1

    mine = (await gateway.client.get("/publishers/me", headers={"Authorization": f"Bearer {trial}"})).json()
    assert (mine["last_30_days"]["accepted"], mine["last_30_days_of_tests"]["accepted"]) == (2, 4)
    assert mine["last_30_days_of_tests"]["refused"] == {"conflict": 1}


async def test_a_test_key_claims_no_source(gateway: Running) -> None:
    order: Json = {"publisher": "new", "allow": ["all"], "kind": "test"}
    assert (await gateway.client.post("/ops/gateway/keys", json=order, headers=OPERATOR)).status_code == 422
    order["sources"] = ["urn:test:new"]
    assert (await gateway.client.post("/ops/gateway/keys", json=order, headers=OPERATOR)).status_code == 201


async def test_what_a_test_key_sends_tells_the_forms_nothing_and_takes_nothing_back(
    *, gateway: Running, post: Post, key: str, move_in: Make, withdrawal: Make
) -> None:
    order = {"publisher": "housing", "kind": "test"}
    trial = (await gateway.client.post("/ops/gateway/keys", json=order, headers=OPERATOR)).json()["key"]

    def opened(place: str) -> Json:
        said = {"meeting_place_id": place, "area_id": "oxnehaga", "kind": "meeting_place", "opened_on": "2019-03-01"}
        return move_in(type="se.vatterhem.MeetingPlaceOpened.v1", subject=place) | {"data": said}

    live = opened("m-live")
    assert (await post(live)).status_code == 202
    for tried in (opened("m-tried"), live, withdrawal(live)):
        assert (await post(tried, key=trial)).json()["status"] == "accepted"
    known = await gateway.ctx.db.pool.fetch("select thing from known_fact")
    assert [row["thing"] for row in known] == ["m-live"]
