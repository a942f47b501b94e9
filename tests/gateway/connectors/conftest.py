"""The gateway with a connector for leases."""

from pathlib import Path

import pytest

from services.chassis.testkit import Start
from services.gateway.app import service
from tests.gateway.connectors.estate import CONFIGURED, Estate


@pytest.fixture
async def estate(start: Start, tmp_path: Path) -> Estate:
    """With publisher "landlord" and the connector "leases", which reads what it is sent."""
    folder = tmp_path / "connectors"
    folder.mkdir()
    (folder / "leases.yaml").write_text(CONFIGURED, encoding="utf-8")
    found = Estate(await start(service, connectors=folder), folder)
    await found.register()
    return found
