"""Events through the front door: each is kept once, answered for, and lands on its topic."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from time import perf_counter
from typing import Any
from urllib.parse import quote

import httpx2
from aiokafka import ConsumerRecord
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, use_span
from prometheus_client.parser import text_string_to_metric_families

from schemas.event import EventData
from schemas.governance import AreaDefined
from schemas.kafka import from_record
from schemas.tenancy import TenantMovedIn
from schemas.withdrawal import EventWithdrawn
from services.chassis.testkit import Bus, MovableClock, Running, eventually
from services.gateway.service import door as verbs

Json = dict[str, Any]
Make = Callable[..., Json]
Post = Callable[..., Awaitable[httpx2.Response]]
MakeKey = Callable[..., Awaitable[str]]
Wait = Callable[[], Awaitable[None]]


async def test_an_event_lands_on_its_topic_with_what_the_publisher_said(
    bus: Bus, clock: MovableClock, post: Post, move_in: Make
) -> None:
    sent = move_in("t-1", history=True, sequence=7)
    answer = await post(sent)
    assert answer.status_code == 202
    assert answer.json() == {"id": sent["id"], "source": "urn:test:housing", "status": "accepted"}

    [event] = await bus.expect(TenantMovedIn)
    assert (event.id, event.source, event.subject) == (sent["id"], "urn:test:housing", "t-1")
    assert event.time.isoformat() == "2019-03-01T11:00:00+00:00"
    assert (event.history, event.sequence) == (True, 7)
    assert event.recordedtime == clock.now()
    assert event.dataschema == "http://127.0.0.1:8000/schemas/se.vatterhem.TenantMovedIn.v1"
    assert event.data.dwelling_id == "d-77"
    [record] = await bus.records("tenancy.events")
    assert record.key == b"t-1"
    assert ("content-type", b"application/json") in record.headers


async def test_binary_mode_reads_attributes_from_headers(bus: Bus, post: Post, move_in: Make) -> None:
    sent = move_in("hyreskontrakt-å")
    data = json.dumps(sent.pop("data")).encode()
    headers = {f"ce-{name}": quote(str(value)) for name, value in sent.items() if name != "datacontenttype"}
    assert (await post(data, content_type="application/json", **headers)).status_code == 202
    [event] = await bus.expect(TenantMovedIn)
    assert event.subject == "hyreskontrakt-å"


async def test_the_publishers_trace_goes_on_and_else_the_requests(bus: Bus, post: Post, move_in: Make) -> None:
    sent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    of_request = SpanContext(0xFACE, 0xBEEF, is_remote=True, trace_flags=TraceFlags(1))
    with use_span(NonRecordingSpan(of_request)):
        await post([move_in("t-own", traceparent=sent), move_in("t-none")])
    events = {e.subject: e.traceparent for e in await bus.expect(TenantMovedIn, 2)}
    assert events["t-own"] == sent
    assert str(events["t-none"]).split("-")[1] == f"{0xFACE:032x}"


async def test_the_same_event_again_is_a_duplicate_and_lands_once(
    bus: Bus, post: Post, move_in: Make, all_sent: Wait
) -> None:
    sent = move_in()
    first, again = await post(sent), await post(sent | {"time": "2019-03-01T11:00:00Z"})
    assert (first.json()["status"], again.json()["status"]) == ("accepted", "duplicate")
    assert again.status_code == 202
    await all_sent()
    assert len(await bus.events(TenantMovedIn)) == 1


async def test_the_same_id_with_other_content_is_a_conflict(post: Post, move_in: Make) -> None:
    sent = move_in()
    await post(sent)
    for other in (
        move_in(id=sent["id"], data={"area_id": "raslatt"}),
        sent | {"time": "2019-03-01T12:00:01+01:00"},
        sent | {"history": True},
        sent | {"sequence": 3},
        move_in("t-2", id=sent["id"]),
    ):
        answer = await post(other)
        assert answer.status_code == 409
        assert answer.json()["type"] == "urn:hem:problem:conflict"
        assert answer.json()["event"] == {"index": 0, "id": sent["id"], "source": "urn:test:housing"}
    assert (await post(sent)).json()["status"] == "duplicate"


async def test_of_parallel_posts_one_is_accepted(bus: Bus, post: Post, move_in: Make, all_sent: Wait) -> None:
    same = move_in("t-1")
    other = move_in("t-1", id=same["id"], data={"area_id": "raslatt"})
    answers = await asyncio.gather(*(post(e) for e in [same, other] * 8))
    statuses = sorted(a.json()["status"] if a.status_code == 202 else str(a.status_code) for a in answers)
    assert statuses == ["409"] * 8 + ["accepted"] + ["duplicate"] * 7
    await all_sent()
    assert len(await bus.events(TenantMovedIn)) == 1


async def test_parallel_batches_in_opposite_orders_do_not_block_each_other(post: Post, move_in: Make) -> None:
    events = [move_in(f"t-{n}") for n in range(500)]
    answers = await asyncio.gather(*(post(batch) for batch in [events, events[::-1]] * 3))
    assert {a.status_code for a in answers} == {202}
    accepted = [entry["id"] for a in answers for entry in a.json() if entry["status"] == "accepted"]
    assert sorted(accepted) == sorted(e["id"] for e in events)


async def test_a_batch_is_answered_in_the_order_sent(bus: Bus, post: Post, move_in: Make) -> None:
    known = move_in("t-0")
    await post(known)
    new = move_in("t-1")
    batch: list[Any] = [
        new,
        known,
        move_in("t-2", data={"moved_in_on": "2019-02-30"}),
        new,
        move_in("t-1", id=new["id"], data={"area_id": "raslatt"}),
        move_in("t-3", source="urn:test:elsewhere"),
        "not an event",
        move_in("t-4"),
    ]
    answer = await post(batch)
    assert answer.status_code == 207
    entries = answer.json()
    statuses = ["accepted", "duplicate", "refused", "duplicate", "refused", "refused", "refused", "accepted"]
    assert [entry["status"] for entry in entries] == statuses
    assert [entry["id"] for entry in entries] == [e["id"] if isinstance(e, dict) else None for e in batch]
    problems = [entry["problem"]["status"] for entry in entries if "problem" in entry]
    assert problems == [422, 409, 403, 400]
    assert entries[2]["problem"]["event"] == {"index": 2, "id": batch[2]["id"], "source": "urn:test:housing"}
    assert entries[2]["problem"]["errors"][0]["field"] == "data.moved_in_on"
    await bus.expect(TenantMovedIn, tenancy_id="t-4")
    assert {e.subject for e in await bus.events(TenantMovedIn)} == {"t-0", "t-1", "t-4"}


async def test_a_batch_of_new_and_known_events_is_202(post: Post, move_in: Make) -> None:
    known = move_in("t-0")
    await post(known)
    answer = await post([known, move_in("t-1")])
    assert (answer.status_code, [e["status"] for e in answer.json()]) == (202, ["duplicate", "accepted"])
    assert set(answer.json()[0]) == {"id", "source", "status"}


async def test_an_empty_batch_is_accepted(post: Post) -> None:
    answer = await post([])
    assert (answer.status_code, answer.json()) == (202, [])


async def test_ten_thousand_events_in_one_batch(bus: Bus, post: Post, move_in: Make, all_sent: Wait) -> None:
    events = [move_in(f"t-{n}") for n in range(10_000)]
    start = perf_counter()
    answer = await post(events)
    assert perf_counter() - start < 15
    assert answer.status_code == 202
    assert [e["id"] for e in answer.json()] == [e["id"] for e in events]
    assert {e["status"] for e in answer.json()} == {"accepted"}
    assert {e["status"] for e in (await post(events)).json()} == {"duplicate"}
    await all_sent()
    assert len({e.id for e in await bus.events(TenantMovedIn)}) == 10_000


async def test_as_many_events_as_a_batch_holds_are_read_each_for_itself(post: Post) -> None:
    answer = await post(b"[" + b"1," * 19_999 + b"1]", content_type="application/cloudevents-batch+json")
    assert answer.status_code == 207
    assert [entry["problem"]["event"]["index"] for entry in answer.json()] == list(range(20_000))


async def test_outcomes_are_counted_once_each(gateway: Running, post: Post, move_in: Make) -> None:
    sent = move_in()
    await post([sent, sent, move_in("t-2"), sent | {"time": "noon"}])
    await post(sent)
    await post(move_in("t-3", source="urn:test:elsewhere"))
    families = text_string_to_metric_families((await gateway.client.get("/metrics")).text)
    [family] = [family for family in families if family.name == "hem_events_published"]
    counted = {sample.labels["outcome"]: sample.value for sample in family.samples if sample.name.endswith("_total")}
    assert counted == {"accepted": 2, "duplicate": 2, "refused": 2}


async def test_a_deadlock_is_tried_again_after_a_pause(gateway: Running, post: Post, move_in: Make) -> None:
    pool = gateway.ctx.db.pool
    await pool.execute("create sequence attempt")  # which no rollback takes back
    await pool.execute("""
        create function deadlock_twice() returns trigger language plpgsql as $$ begin
            if nextval('attempt') <= 2 then raise exception using errcode = 'deadlock_detected'; end if;
            return null;
        end $$
    """)
    await pool.execute("create trigger spoil before insert on identity execute function deadlock_twice()")
    start = perf_counter()
    answer = await post(move_in())
    assert (answer.status_code, await pool.fetchval("select last_value from attempt")) == (202, 3)
    assert perf_counter() - start > 0.22  # 0.1 s and 0.2 s, each up to a quarter shorter


async def test_unknown_fields_are_dropped_and_named(bus: Bus, post: Post, move_in: Make) -> None:
    answer = await post(move_in(data={"colour": "röd"}, mood="fine"))
    assert answer.status_code == 202
    assert [warning.split(" ")[0] for warning in answer.json()["warnings"]] == ["data.colour", "mood"]
    [record] = await _records_of(bus, TenantMovedIn)
    assert b"colour" not in record.value
    assert not any(b"fine" in value for _, value in record.headers)


async def test_a_move_in_by_letter_only_says_nothing_of_where(
    bus: Bus, gateway: Running, post: Post, move_in: Make
) -> None:
    sent = move_in(data={"contact_rule": "letter_only", "dwelling_id": "secret-door", "building_id": "secret-house"})
    answer = await post(sent)
    assert answer.status_code == 202
    assert [w.split(" ")[0] for w in answer.json()["warnings"]] == ["data.building_id", "data.dwelling_id"]
    [record] = await _records_of(bus, TenantMovedIn)
    event = from_record(record.key, record.value, record.headers)
    assert isinstance(event.data, TenantMovedIn)
    assert event.data.area_id == "oxnehaga"
    assert b"secret" not in record.value
    kept = await gateway.ctx.db.pool.fetch("select payload from outbox")
    assert all(b"secret" not in row["payload"] for row in kept)


async def test_nothing_is_kept_when_the_outbox_can_not_be_written(gateway: Running, post: Post, move_in: Make) -> None:
    sent = move_in()
    pool = gateway.ctx.db.pool
    await pool.execute("alter table outbox add constraint broken check (key <> 't-1') not valid")
    assert (await post([sent, move_in("t-2")])).status_code == 500
    assert await pool.fetchval("select count(*) from identity") == 0
    assert await pool.fetchval("select count(*) from outbox") == 0
    await pool.execute("alter table outbox drop constraint broken")
    assert (await post(sent)).json()["status"] == "accepted"


async def test_a_withdrawal_follows_its_event_to_topic_and_key(
    bus: Bus, post: Post, move_in: Make, withdrawal: Make
) -> None:
    sent = move_in("t-1")
    await post(sent)
    taken_back = withdrawal(sent)
    assert (await post(taken_back)).json()["status"] == "accepted"
    assert (await post(taken_back)).json()["status"] == "duplicate"
    [(subject, data)] = await _withdrawals_on(bus, "tenancy.events")
    assert (subject, data.withdrawn_id) == ("t-1", sent["id"])
    records = await bus.records("tenancy.events")
    assert len({record.partition for record in records}) == 1


async def test_a_withdrawal_may_stand_in_the_batch_of_its_event(
    bus: Bus, post: Post, withdrawal: Make, move_in: Make
) -> None:
    sent = move_in("t-1")
    answer = await post([withdrawal(sent), sent])
    assert answer.status_code == 202
    assert len(await _withdrawals_on(bus, "tenancy.events")) == 1


async def test_what_can_not_be_withdrawn(
    post: Post, make_key: MakeKey, move_in: Make, contact: Make, withdrawal: Make
) -> None:
    sent, other, person = move_in("t-1"), move_in("t-1", source="urn:test:other"), contact("ref-1")
    stranger = await make_key("stranger", sources=["urn:test:other"])
    areas_only = await make_key(allow=[AreaDefined.type], sources=["urn:test:housing"])
    assert (await post(other, key=stranger)).status_code == 202
    assert (await post([sent, person])).status_code == 202
    refused = {
        "never sent": await post(withdrawal(move_in())),
        "another publisher's": await post(withdrawal(other)),
        "another subject": await post(withdrawal(sent) | {"subject": "t-2"}),
        "a contact": await post(withdrawal(person)),
        "of a type the key is not for": await post(withdrawal(sent), key=areas_only),
    }
    assert {what: (a.status_code, a.json()["type"].rpartition(":")[2]) for what, a in refused.items()} == {
        "never sent": (422, "nothing-to-withdraw"),
        "another publisher's": (403, "source-not-allowed"),
        "another subject": (422, "invalid"),
        "a contact": (422, "not-withdrawable"),
        "of a type the key is not for": (403, "type-not-allowed"),
    }


async def test_identities_are_forgotten_after_400_days(
    gateway: Running, clock: MovableClock, post: Post, move_in: Make
) -> None:
    old, young = move_in("t-1"), move_in("t-2")
    await post(old)
    clock.move(timedelta(days=399))
    await post(young)
    assert await _forget(gateway) == 0
    clock.move(timedelta(days=2))
    assert await _forget(gateway) == 1
    assert (await post(old)).json()["status"] == "accepted"
    assert (await post(young)).json()["status"] == "duplicate"


async def _forget(gateway: Running) -> int:
    async with gateway.ctx.db.transaction() as tx:
        return await verbs.forget_old_identities(tx)


async def _records_of(bus: Bus, data: type[EventData]) -> list[ConsumerRecord]:
    await bus.expect(data)
    return await bus.records(data.topic)


async def _withdrawals_on(bus: Bus, topic: str) -> list[tuple[str, EventWithdrawn]]:
    """Subject and data of each, once there is one."""

    async def probe() -> list[tuple[str, EventWithdrawn]]:
        found = [from_record(r.key, r.value, r.headers) for r in await bus.records(topic)]
        return [(event.subject, event.data) for event in found if isinstance(event.data, EventWithdrawn)]

    return await eventually(f"a withdrawal on {topic}", probe)
