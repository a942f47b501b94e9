"""Contact details are sealed from the first row; who has been erased stays erased."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx2

from schemas.tenancy import TenantContactChanged
from services.chassis.testkit import Bus, MovableClock, Running, eventually
from services.gateway.service import door as service

Json = dict[str, Any]
Make = Callable[..., Json]
Post = Callable[..., Awaitable[httpx2.Response]]
MakeKey = Callable[..., Awaitable[str]]
Wait = Callable[[], Awaitable[None]]

EMAIL = "amina.testsson@example.se"
COLUMNS = """
    select table_name, column_name from information_schema.columns
    where table_schema = 'public' and table_name in (
        select table_name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'
    )
"""


async def test_contact_details_reach_their_topic_and_are_never_readable_in_the_database(
    bus: Bus, gateway: Running, post: Post, contact: Make
) -> None:
    pool = gateway.ctx.db.pool
    # A personal row leaves the outbox once it is sent: a copy shows how it stood there.
    await pool.execute("create table kept as select * from outbox")
    await pool.execute(
        "create function copy() returns trigger language plpgsql as 'begin insert into kept select new.*; return new; end'"
    )
    await pool.execute("create trigger copy after insert on outbox for each row execute function copy()")
    assert (await post(contact("ref-1", email=EMAIL))).status_code == 202
    assert (await post(contact("ref-1", email=EMAIL, id="again") | {"time": "bad"})).status_code == 422
    [event] = await bus.expect(TenantContactChanged, tenant_ref="ref-1")
    assert event.data.email == EMAIL

    assert await pool.fetchval("select count(*) from kept where payload is not null") == 1
    assert await columns_holding(gateway, EMAIL) == set()
    assert await columns_holding(gateway, "Testsson") == set()
    assert ("kept", "key") in await columns_holding(gateway, "ref-1")  # the search finds what is there


async def columns_holding(gateway: Running, text: str) -> set[tuple[str, str]]:
    """The (table, column) in which `text` stands, whatever the column's type."""
    pool = gateway.ctx.db.pool
    found = set()
    for table, column in await pool.fetch(COLUMNS):
        as_bytes = (
            f"position(convert_to($1, 'UTF8') in \"{column}\")" if await _is_bytes(gateway, table, column) else None
        )
        as_text = f'position($1 in "{column}"::text)'
        if await pool.fetchval(f'select bool_or({as_bytes or as_text} > 0) from "{table}"', text):
            found.add((table, column))
    return found


async def _is_bytes(gateway: Running, table: str, column: str) -> bool:
    kind = "select data_type = 'bytea' from information_schema.columns where table_name = $1 and column_name = $2"
    return bool(await gateway.ctx.db.pool.fetchval(kind, table, column))


async def test_an_erasure_is_a_tombstone_and_the_person_is_refused_for_ever(
    *, bus: Bus, gateway: Running, post: Post, contact: Make, erasure: Make, all_sent: Wait
) -> None:
    first = contact("ref-1")
    assert (await post(first)).status_code == 202
    forget = erasure("ref-1")
    assert (await post(forget)).json()["status"] == "accepted"
    assert (await post(forget)).json()["status"] == "duplicate"
    assert (await post(erasure("ref-1"))).json()["status"] == "accepted"
    for event in (contact("ref-1"), first):
        answer = await post(event)
        assert (answer.status_code, answer.json()["type"]) == (410, "urn:hem:problem:erased")
    assert (await post(contact("ref-2"))).status_code == 202

    await all_sent()
    values = [(r.key, r.value is None) for r in await bus.records("tenancy.contacts") if r.key == b"ref-1"]
    assert values[-1] == (b"ref-1", True)
    assert await gateway.ctx.db.pool.fetchval("select wrapped is null from person_key where person = 'ref-1'")


async def test_an_erasure_goes_before_everything_else_in_its_batch(
    *, bus: Bus, post: Post, contact: Make, erasure: Make, move_in: Make, all_sent: Wait
) -> None:
    answer = await post([contact("ref-1"), erasure("ref-1"), contact("ref-1"), contact("ref-2"), move_in()])
    assert answer.status_code == 207
    assert [e["status"] for e in answer.json()] == ["refused", "accepted", "refused", "accepted", "accepted"]
    await all_sent()
    values = {(r.key, r.value is None) for r in await bus.records("tenancy.contacts")}
    assert values == {(b"ref-1", True), (b"ref-2", False)}


async def test_an_erasure_that_is_refused_erases_nobody(
    post: Post, make_key: MakeKey, contact: Make, erasure: Make, move_in: Make
) -> None:
    known = move_in()
    await post(known)
    contacts_only = await make_key(allow=[TenantContactChanged.type], sources=["urn:test:housing"])
    refused = {
        "conflict": (erasure("ref-1", id=known["id"]), None, 409),
        "another source": (erasure("ref-2", source="urn:test:elsewhere"), None, 403),
        "another type": (erasure("ref-3"), contacts_only, 403),
    }
    for why, (forget, key, status) in refused.items():
        batch = [contact(forget["subject"]), forget, contact(forget["subject"])]
        answer = await (post(batch, key=key) if key else post(batch))
        statuses = [entry.get("problem", {}).get("status") for entry in answer.json()]
        assert statuses == [None, status, None], why


async def test_an_erasure_sent_again_with_contacts_still_stands(post: Post, contact: Make, erasure: Make) -> None:
    forget = erasure("ref-1")
    await post(forget)
    answer = await post([contact("ref-1"), forget])
    assert [entry["status"] for entry in answer.json()] == ["refused", "duplicate"]
    assert answer.json()[0]["problem"]["status"] == 410


async def test_contacts_and_erasures_in_parallel_leave_nobody_behind(
    bus: Bus, post: Post, contact: Make, erasure: Make, all_sent: Wait
) -> None:
    refs = [f"ref-{n}" for n in range(20)]
    answers = await asyncio.gather(*(post(make(ref)) for ref in refs for make in (contact, contact, erasure)))
    assert {answer.status_code for answer in answers} <= {202, 410}
    await all_sent()
    last = {r.key: r.value for r in await bus.records("tenancy.contacts")}
    assert last == {ref.encode(): None for ref in refs}


async def test_an_erasure_is_told_again_after_an_hour_and_after_a_day(
    bus: Bus, gateway: Running, post: Post, erasure: Make, clock: MovableClock
) -> None:
    """An older record of the person that reaches Kafka late would otherwise be what compaction keeps."""
    await post(erasure("ref-1"))

    async def retell() -> int:
        async with gateway.ctx.db.transaction() as tx:
            return await service.retell_erasures(tx)

    told = []
    for wait in (
        timedelta(minutes=59),
        timedelta(minutes=2),
        timedelta(hours=23),
        timedelta(hours=2),
        timedelta(days=9),
    ):
        clock.move(wait)
        told.append(await retell())
    assert told == [0, 1, 0, 1, 0]

    async def tombstones() -> bool:
        records = await bus.records("tenancy.contacts")
        return [(record.key, record.value) for record in records] == [(b"ref-1", None)] * 3

    await eventually("three tombstones", tombstones)
