"""A test event goes all the way and leaves nothing behind; what is wrong with it is seen, and is in nobody's way."""

from datetime import date
from typing import Any

from schemas.event import Event
from schemas.governance import ProgrammeStarted
from schemas.kafka import to_record
from schemas.notifications import HousingIntroductionOffered
from schemas.tenancy import TenantMovedIn
from services.chassis.errors import Unfit
from services.chassis.testkit import OPERATOR, Bus, Running, Start, event_of
from services.chassis.transaction import Transaction
from tests.chassis.echo import Echo, MoveIn

NOTES = "insert into used_sign_in (nonce) values ($1) on conflict do nothing"


class Writing(Echo):
    """The echo, that keeps a row besides."""

    async def offer(self, event: Event[TenantMovedIn], tx: Transaction) -> None:
        await tx.execute(NOTES, event.data.tenancy_id)
        await super().offer(event, tx)


async def parked_rows(service: Running) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await service.client.get("/ops/notifications/parked", headers=OPERATOR)).json()
    return found


async def counted(service: Running, metric: str) -> float:
    lines = (await service.client.get("/metrics")).text.splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{metric}{{"))


def programme(month: int) -> ProgrammeStarted:
    return ProgrammeStarted(programme="housing_introduction", area_id="oxnehaga", from_=date(2019, month, 1))


async def test_the_reaction_runs_and_nothing_of_it_is_kept_or_sent(bus: Bus, start: Start, move_in: MoveIn) -> None:
    echo = Writing()
    tried, live = event_of(move_in("t-1"), id="1", test=True), event_of(move_in("t-1"), id="1")
    await bus.send(tried, live, tried, event_of(move_in("t-2"), id="2", test=True))
    service = await start(echo.service)
    await service.caught_up(bus)
    assert sorted((e.data.tenancy_id, e.test) for e in echo.seen) == [
        ("t-1", False),
        ("t-1", True),
        ("t-1", True),
        ("t-2", True),
    ]
    [offered] = await bus.events(HousingIntroductionOffered)
    assert (offered.data.tenancy_id, offered.sequence, offered.test) == ("t-1", 1, False)
    pool = service.ctx.db.pool
    assert [row["nonce"] for row in await pool.fetch("select nonce from used_sign_in")] == ["t-1"]
    assert [row["event_id"] for row in await pool.fetch("select event_id from inbox")] == ["1"]
    assert await counted(service, "hem_test_events_total") == 3


async def test_a_test_event_that_fails_is_parked_as_one_beside_live_ones_that_are_handled(
    bus: Bus, start: Start, echo: Echo, move_in: MoveIn
) -> None:
    def refuse_tests(event: Event[Any]) -> None:
        if event.test:
            raise LookupError("a defect of ours")

    echo.fail = refuse_tests
    await bus.publish(move_in("t-1"), test=True)
    await bus.publish(move_in("t-1"))
    broken = to_record(event_of(move_in("t-3"), test=True))
    await bus.raw("tenancy.events", b"{}", key=broken.key, headers=broken.headers)
    service = await start(echo.service)
    await service.caught_up(bus)
    assert [e.data.tenancy_id for e in await bus.events(HousingIntroductionOffered)] == ["t-1"]
    rows = {row["reason"]: row for row in await parked_rows(service)}
    assert {reason: row["test"] for reason, row in rows.items()} == {"defect": True, "missing_field": True}
    assert await counted(service, "hem_events_parked_total") == 0, "it is no trouble of ours"
    assert all(dict(copy.headers)["ce_test"] == b"true" for copy in await bus.records("notifications.dlq"))

    replay = f"/ops/notifications/parked/{rows['defect']['id']}/replay"
    assert (await service.client.post(replay, headers=OPERATOR)).status_code == 409
    echo.fail = lambda _event: None
    assert (await service.client.post(replay, headers=OPERATOR)).json()["state"] == "replayed"
    await service.caught_up(bus)
    assert len(await bus.events(HousingIntroductionOffered)) == 1
    assert await service.ctx.db.pool.fetchval("select count(*) from inbox") == 1


async def test_on_an_ordered_topic_a_test_event_neither_waits_nor_makes_others_wait(
    bus: Bus, start: Start, echo: Echo
) -> None:
    def refuse(event: Event[Any]) -> None:
        if event.data.from_.month in (1, 3):
            raise Unfit("test", "not this month")

    echo.fail = refuse
    await bus.publish(programme(1), test=True)
    await bus.publish(programme(2))
    await bus.publish(programme(3))
    await bus.publish(programme(4), test=True)
    await bus.publish(programme(5))
    service = await start(echo.service)
    await service.caught_up(bus)
    rows = await parked_rows(service)
    assert [(row["reason"], row["test"]) for row in rows] == [("test", True), ("test", False), ("behind", False)]
    assert {event.data.from_.month for event in echo.seen} == {1, 2, 3, 4}

    echo.fail = lambda _event: None
    replay = f"/ops/notifications/parked/{rows[1]['id']}/replay"
    assert (await service.client.post(replay, headers=OPERATOR)).json()["followed"] == [rows[2]["id"]]
    assert [(row["reason"], row["test"]) for row in await parked_rows(service)] == [("test", True)]
