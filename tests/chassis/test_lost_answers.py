"""A broker whose answers are lost: the relay sends again, and an idempotent producer keeps order and number. And one
that goes away while there is nothing to send."""

from datetime import date
from pathlib import Path

import pytest

from hem.stack.folder import free_ports
from hem.stack.kafka import Kafka
from schemas.notifications import HousingIntroductionOffered
from services.chassis import relay
from services.chassis.testkit import Bus, MovableClock, NewDatabase, eventually, make_topics, running, settings_for
from tests.chassis.echo import Echo
from tests.chassis.proxy import Proxy

pytestmark = pytest.mark.timeout(120)


async def test_lost_acknowledgements_double_nothing_and_keep_the_order(
    tmp_path: Path, echo: Echo, new_database: NewDatabase, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A relay that begins again repeats what it isn't sure of; here the producer alone has to get through.
    monkeypatch.setattr(relay, "ACKNOWLEDGED_WITHIN", 30.0)
    monkeypatch.setattr(relay, "SESSION", {})
    [proxied] = free_ports(1)
    broker = Kafka(tmp_path / "kafka", settings={"advertised.listeners": f"PLAINTEXT://127.0.0.1:{proxied}"})
    proxy = Proxy(proxied, broker.port)
    async with proxy.open():
        await broker.start()
        try:
            prefix = "lost."
            servers = f"127.0.0.1:{proxied}"
            await make_topics(servers, prefix)
            bus = Bus(servers, prefix, None)
            settings = settings_for(echo.service, bus, database_url=await new_database(echo.service))
            async with running(echo.service, settings, clock) as service:
                for number in range(1, 31):
                    async with service.ctx.db.transaction() as tx:
                        for _ in range(10):
                            tx.publish(offered(f"t-{number % 3}"))
                    if number % 5 == 0:
                        proxy.swallow = 1

                async def sent() -> bool:
                    return await service.ctx.db.pool.fetchval("select count(*) from outbox where sent_at is null") == 0

                await eventually("everything to be sent", sent, within=60)
                assert proxy.swallowed
                records = await bus.records("notifications.events")
            for key in (b"t-0", b"t-1", b"t-2"):
                assert [int(dict(r.headers)["ce_sequence"]) for r in records if r.key == key] == list(range(1, 101))
        finally:
            await broker.stop()


async def test_a_broker_that_goes_away_is_noticed_with_nothing_to_send(
    tmp_path: Path, echo: Echo, new_database: NewDatabase, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "ASK_KAFKA_AFTER", 0.5)
    broker = Kafka(tmp_path / "kafka")
    servers = f"127.0.0.1:{broker.port}"
    await broker.start()
    try:
        await make_topics(servers, "gone.")
        settings = settings_for(
            echo.service, Bus(servers, "gone.", None), database_url=await new_database(echo.service)
        )
        async with running(echo.service, settings, clock) as service:

            async def says(what: str) -> bool:
                return service.ctx.health.report()["relay"] == what

            await broker.stop()
            away = f"sending has stopped and is tried again: Kafka at {servers} does not answer"
            await eventually(away, lambda: says(away))
            await broker.start()
            await eventually("the relay to be well again", lambda: says("ok"))
    finally:
        await broker.stop()


def offered(tenancy: str) -> HousingIntroductionOffered:
    return HousingIntroductionOffered(
        tenancy_id=tenancy, area_id="oxnehaga", offered_on=date(2019, 3, 2), channel="email"
    )
