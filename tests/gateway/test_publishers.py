"""The register of publishers: what is agreed, what became of what they sent, who is silent, who sends too much."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx2
import pytest

from schemas.gateway import PublisherRegistered, PublisherRetired
from schemas.tenancy import TenantMovedIn
from services.chassis.testkit import OPERATOR, Bus, MovableClock, Running, Start, with_database
from services.gateway import listening
from services.gateway.app import service
from services.gateway.domain.outcomes import shown_id
from services.gateway.repository import outcomes

Json = dict[str, Any]
Make = Callable[..., Json]
MakeKey = Callable[..., Awaitable[str]]
Post = Callable[..., Awaitable[httpx2.Response]]
API = "/ops/gateway/publishers"
HOUSING: Json = {
    "publisher": "housing",
    "owner": "Förvaltningen, made up",
    "contact": "verksamhetssystem@example.se",
    "allow": ["all"],
    "sources": ["urn:test:housing"],
    "expected_interval": "P1D",
}


async def register(gateway: Running, **changes: Any) -> httpx2.Response:
    return await gateway.client.post(API, json=HOUSING | changes, headers=OPERATOR)


async def shown(gateway: Running, name: str = "housing") -> Json:
    answer = await gateway.client.get(f"{API}/{name}", headers=OPERATOR)
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


async def test_the_register_is_told_to_everybody_and_a_retired_publisher_is_let_in_no_more(
    *, gateway: Running, bus: Bus, make_key: MakeKey, post: Post, move_in: Make, clock: MovableClock
) -> None:
    answer = await register(gateway, publisher="tenancies", sources=["urn:test:a"])
    assert (answer.status_code, answer.json()["standing"]) == (201, "not_yet")
    [said] = await bus.expect(PublisherRegistered, publisher="tenancies")
    assert (said.data.sources, said.data.expected_interval) == (("urn:test:a",), "P1D")
    assert said.source == "urn:hem:gateway"

    more = {"sources": ["urn:test:b"], "expected_interval": "PT6H"}
    assert (await gateway.client.post(f"{API}/tenancies/change", json=more, headers=OPERATOR)).json()[
        "owner"
    ] == HOUSING["owner"]
    await bus.expect(PublisherRegistered, sources=("urn:test:a", "urn:test:b"), expected_interval="PT6H")

    key = await make_key("tenancies")
    assert (await post(move_in(source="urn:test:a"), key=key)).status_code == 202
    assert (await post(move_in("t-1b", source="urn:test:b"), key=key)).status_code == 202
    for _ in range(2):
        retired = await gateway.client.post(f"{API}/tenancies/retire", headers=OPERATOR)
        assert (retired.status_code, retired.json()["standing"]) == (200, "retired")
    assert len(await bus.expect(PublisherRetired, publisher="tenancies")) == 1
    assert (await post(move_in("t-2", source="urn:test:a"), key=key)).status_code == 401
    assert (await shown(gateway, "tenancies"))["last_30_days"]["refused"] == {"no-key": 1}
    order = {"publisher": "tenancies", "allow": ["all"]}
    assert (await gateway.client.post("/ops/gateway/keys", json=order, headers=OPERATOR)).status_code == 409


async def test_what_makes_no_sense_is_not_registered(gateway: Running, make_key: MakeKey) -> None:
    await make_key("other", sources=["urn:test:others"])
    wrong: list[tuple[Json, int]] = [
        ({"publisher": "Housing"}, 422),
        ({"publisher": "me"}, 422),
        ({"contact": "Förvaltningen"}, 422),
        ({"owner": ""}, 422),
        ({"expected_interval": "P0D"}, 422),
        ({"rate_limit": 0}, 422),
        ({"allow": ["TenantMovedIn"]}, 422),
        ({"sources": ["urn:hem:gateway"]}, 409),
        ({"sources": ["urn:test:others"]}, 409),
    ]
    for changes, status in wrong:
        assert (await register(gateway, **changes)).status_code == status, changes
    assert [one["publisher"] for one in (await gateway.client.get(API, headers=OPERATOR)).json()] == ["other"]
    assert (await register(gateway)).status_code == 201
    assert (await register(gateway)).status_code == 409
    for path in (API, f"{API}/housing"):
        assert (await gateway.client.get(path)).status_code == 401


async def test_a_key_registers_its_publisher_whose_owner_is_told_later(
    gateway: Running, make_key: MakeKey, key: str
) -> None:
    found = await shown(gateway)
    assert (found["owner"], found["allow"], found["expected_interval"]) == (None, ["all"], None)
    assert (await register(gateway, allow=[TenantMovedIn.type], sources=[])).status_code == 201
    found = await shown(gateway)
    assert (found["owner"], [s["source"] for s in found["sources"]]) == (HOUSING["owner"], ["urn:test:housing"])
    # What is agreed now narrows the key that was made before, and no other can be made for more.
    assert found["keys"][0]["allow"] == [TenantMovedIn.type]
    order = {"publisher": "housing", "allow": ["all"]}
    assert (await gateway.client.post("/ops/gateway/keys", json=order, headers=OPERATOR)).status_code == 422


async def test_what_became_of_what_was_sent_is_counted_by_day_type_and_reason(
    *, gateway: Running, post: Post, move_in: Make, contact: Make, clock: MovableClock
) -> None:
    first = move_in("t-1")
    batch = [first, first, move_in("t-2", data={"moved_in_on": "soon"}), contact(), move_in(source="urn:test:wrong")]
    assert (await post(batch)).status_code == 207
    assert (await post(first)).status_code == 202
    assert (await post(b"{not JSON")).status_code == 400
    assert (await post(b"x", content_type="text/plain")).status_code == 415
    assert (await post(first, key="hem_housing_nobodys")).status_code == 401
    metrics = (await gateway.client.get("/metrics")).text.splitlines()
    counted = [line for line in metrics if line.startswith("hem_requests_refused_total{")]
    assert len([line for line in counted if 'reason="no-key"' in line and line.endswith(" 1.0")]) == 1
    expected = {
        "accepted": 2,
        "duplicate": 2,
        "refused": {"invalid": 1, "source-not-allowed": 1, "unreadable": 1, "media-type": 1},
    }
    for _ in ("as noted", "as folded"):
        found = (await shown(gateway))["last_30_days"]
        assert {name: found[name] for name in expected} == expected
        assert found["by_road"] == {"http": 8}
        assert {one["type"]: one["count"] for one in found["types"]} == {
            TenantMovedIn.type: 3,
            "se.vatterhem.TenantContactChanged.v1": 1,
        }
        async with gateway.ctx.db.transaction() as tx:
            await outcomes.fold(tx, 1000)
        assert await gateway.ctx.db.pool.fetchval("select count(*) from publisher_noted") == 0
    clock.move(timedelta(days=31))
    assert (await shown(gateway))["last_30_days"]["accepted"] == 0


async def test_a_publisher_asks_after_itself_with_its_own_key(
    gateway: Running, post: Post, make_key: MakeKey, key: str, move_in: Make
) -> None:
    await make_key("other", sources=["urn:test:others"])
    await post([move_in("t-1"), move_in("t-2", data={"area_id": 7})])
    mine = await gateway.client.get("/publishers/me", headers={"Authorization": f"Bearer {key}"})
    assert (mine.status_code, mine.json()["publisher"], mine.json()["last_30_days"]["accepted"]) == (200, "housing", 1)
    [refused] = mine.json()["last_refused"]
    assert (refused["index"], refused["problem"]) == (1, "urn:hem:problem:invalid")
    assert refused["errors"] == [{"field": "data.area_id", "expected": "text", "got": "a number"}]
    assert "urn:test:others" not in mine.text
    assert key not in mine.text
    for headers in ({}, {"Authorization": "Bearer hem_housing_guessed"}):
        assert (await gateway.client.get("/publishers/me", headers=headers)).status_code == 401


PERSONAL = ("Amina", "Testsson", "amina", "850412-1234", "8504121234", "070-123", "testsson@", "Storgatan")


async def test_no_refused_value_is_kept_wherever_a_person_was_put(
    gateway: Running, post: Post, move_in: Make, contact: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    mail = "amina.testsson@example.se"
    known = contact("ref-1", id="known", email=mail)
    wrong: list[Any] = [
        move_in(mail, id=mail, data={"tenancy_id": "Amina Testsson", "moved_in_on": "850412-1234"}),
        move_in("t-1", id="amina-testsson-1", data={"area_id": {"Amina Testsson": mail}}),
        move_in("850412-1234", id="070-123 45 67", source=f"mailto:{mail}"),
        move_in("t-2", id="8504121234", source="tel:070-123-45-67", data={"contact_rule": "Amina"}),
        move_in("t-3", id="Storgatan 1", type="se.vatterhem.AminaTestsson.v1"),
        move_in("t-4", type=mail, time="Amina Testsson"),
        contact("ref-2", id="x" * 200 + mail, email="Amina Testsson <070-123 45 67>"),
        {**known, "id": "a", "data": {**known["data"], mail: "Amina", "language": "Amina Testsson"}},
        {**move_in("t-5"), mail: "Amina Testsson", "amina": "Storgatan 1"} | {"time": "soon"},
        {"Amina Testsson": mail},
        f"Amina Testsson, {mail}",
        [mail],
        {
            "specversion": "1.0", "id": "target-1", "source": "urn:test:housing", "type": "se.vatterhem.TargetSet.v1",
            "time": "2019-03-01T12:00:00Z", "subject": "Amina",
            "data": {"goal_id": "g", "dimension": {mail: "Amina Testsson", "amina": 7}, "comparison": "Amina"},
        },
        known, {**known, "data": {**known["data"], "name": "Amina Storgatan"}},
    ]  # fmt: skip
    answer = await post(wrong)
    assert [entry["status"] for entry in answer.json()].count("refused") == len(wrong) - 1
    for body in (f"{mail} Amina".encode(), f'"{mail}"'.encode()):
        assert (await post(body, content_type=f"text/{mail}")).status_code == 415
        assert (await post(body)).status_code in (400, 422)
    await post(b"{}", content_type="application/json", ce_id="amina%ff", ce_amina="Storgatan%ff", ce_type=mail)

    kept = await gateway.client.get(f"{API}/housing", headers=OPERATOR)
    assert len(kept.json()["last_refused"]) > 10
    rows = [
        row["said"]
        for table in ("publisher_noted", "publisher_tally", "publisher_refusal", "publisher")
        for row in await gateway.ctx.db.pool.fetch(f"select t::text as said from {table} t")
    ]
    said = "\n".join([kept.text, capsys.readouterr().out, *rows, (await gateway.client.get("/metrics")).text])
    assert [word for word in PERSONAL if word in said] == []


def test_an_id_is_shown_when_it_can_be_about_nobody() -> None:
    for fine in (str(uuid4()), "01ARZ3NDEKTSV4RRFFQ69G5FAV", "move-in-1", "contract:4711", "e-12", "tenancy_12/2019"):
        assert shown_id(fine) == fine
    for doubtful in ("anna-holm-1", "850412-1234", "070-123 45 67", "a@b.se", "Åsa", "move in 1", "1234567", "", "x'y"):
        assert shown_id(doubtful) == f"… ({len(doubtful)})"


async def test_who_sends_more_than_agreed_is_told_when_to_come_again(
    *, gateway: Running, start: Start, post: Post, make_key: MakeKey, move_in: Make, clock: MovableClock
) -> None:
    await register(gateway, publisher="busy", sources=["urn:test:busy"], rate_limit=60)
    key = await make_key("busy", sources=["urn:test:busy"])

    def events(count: int) -> list[Json]:
        return [move_in(f"t-{uuid4()}", source="urn:test:busy") for _ in range(count)]

    assert (await post(events(60), key=key)).status_code == 202
    answer = await post(events(1), key=key)
    assert (answer.status_code, answer.json()["type"]) == (429, "urn:hem:problem:too-many")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["retry-after"] == "1"
    assert (await post(move_in())).status_code == 202, "another publisher has its own minute"
    order = {"publisher": "busy", "kind": "test"}
    trial = (await gateway.client.post("/ops/gateway/keys", json=order, headers=OPERATOR)).json()["key"]
    assert (await post(events(60), key=trial)).status_code == 202, (
        "so has what is tried, and takes none of what is live"
    )
    assert (await post(events(1), key=trial)).status_code == 429
    replica = await start(service, database_url=gateway.settings.database_url)
    headers = {"authorization": f"Bearer {key}", "content-type": "application/cloudevents-batch+json"}
    assert (await replica.client.post("/events", json=events(30), headers=headers)).headers["retry-after"] == "30"
    clock.move(timedelta(seconds=30))
    assert (await replica.client.post("/events", json=events(30), headers=headers)).status_code == 202
    # A batch larger than a whole minute fits when nothing else has been sent, and is waited for afterwards.
    assert (await post(events(90), key=key)).headers["retry-after"] == "60"
    clock.move(timedelta(seconds=60))
    assert (await post(events(90), key=key)).status_code == 202
    assert (await post(events(1), key=key)).headers["retry-after"] == "31"
    assert (await shown(gateway, "busy"))["last_30_days"]["accepted"] == 180


async def test_a_source_that_is_not_heard_in_time_is_said_to_be_silent(
    *, gateway: Running, post: Post, key: str, move_in: Make, clock: MovableClock, capsys: pytest.CaptureFixture[str]
) -> None:
    await register(gateway)
    checked = move_in(type="se.vatterhem.SourceChecked.v1", subject="urn:test:housing") | {
        "data": {"source": "urn:test:housing", "found_changes": False, "on": "2019-03-01"}
    }

    async def standing() -> tuple[str, str]:
        await listening.notice_silence(gateway.ctx)
        metrics = (await gateway.client.get("/metrics")).text
        [line] = [line for line in metrics.splitlines() if line.startswith("hem_publisher_silent{")]
        assert 'publisher="housing"' in line
        assert 'source="urn:test:housing"' in line
        return (await shown(gateway))["standing"], line.rpartition(" ")[2]

    assert await standing() == ("not_yet", "0.0")
    clock.move(timedelta(hours=25))
    assert await standing() == ("silent", "1.0")
    await post(move_in(data={"moved_in_on": "soon"}))
    assert (await standing())[0] == "silent", "what is refused is not heard"
    await standing()
    assert capsys.readouterr().out.count("a source has fallen silent") == 1
    await post(checked)
    assert await standing() == ("heard", "0.0")
    clock.move(timedelta(hours=23))
    assert (await standing())[0] == "heard"
    async with gateway.ctx.db.transaction() as tx:
        await outcomes.fold(tx, 1000)
    clock.move(timedelta(hours=2))
    assert await standing() == ("silent", "1.0")


async def test_publishers_of_before_the_register_are_in_it(postgres_dsn: str) -> None:
    name = f"before_{uuid4().hex[:8]}"
    folder = Path(service.folder) / "migrations"
    admin = await asyncpg.connect(postgres_dsn)
    await admin.execute(f'create database "{name}"')
    db = await asyncpg.connect(with_database(postgres_dsn, name))
    try:
        await db.execute((folder / "20261122010001_the_door.sql").read_text())
        await db.execute("""
            insert into publisher_key (publisher, hash, allow, sources, created_at, revoked_at) values
                ('Statistik & analys', sha256('a'), '{b,a}', '{}', now(), null),
                ('Statistik & analys', sha256('b'), '{c}', '{}', now(), now()),
                ('housing', sha256('c'), '{all}', '{urn:x}', now(), null);
            insert into source_owner values ('urn:x', 'housing', now()), ('urn:y', 'gone', now())
        """)
        await db.execute((folder / "20261122015001_publishers.sql").read_text())
        rows = await db.fetch("select name, owner, allow, expected_interval from publisher order by name")
        assert [tuple(row) for row in rows] == [
            ("Statistik & analys", None, ["a", "b"], None),
            ("gone", None, [], None),
            ("housing", None, ["all"], None),
        ]
        assert {row["kind"] for row in await db.fetch("select kind from publisher_key")} == {"live"}
    finally:
        await db.close()
        await admin.execute(f'drop database "{name}"')
        await admin.close()
