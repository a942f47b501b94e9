"""Notifications and a mail server, running."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from services.chassis.testkit import Running, Start
from services.notifications.app import service
from tests.notifications.town import HOST, MailServer, Notify


@pytest.fixture
async def mail_server() -> AsyncIterator[MailServer]:
    server = MailServer()
    await server.up()
    yield server
    await server.down()


@pytest.fixture
def notify(start: Start, mail_server: MailServer) -> Notify:
    """`await notify(mode="hold")`: the service, sending to the test's mail server unless told otherwise."""

    async def begin(**settings: Any) -> Running:
        given = {"mode": "send", "smtp_host": HOST, "smtp_port": mail_server.port, "smtp_lanes": 1, **settings}
        return await start(service, **given)

    return begin
