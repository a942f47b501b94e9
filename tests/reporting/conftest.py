"""Fixtures of the reporting tests."""

import pytest

from services.chassis.testkit import Bus, Running, eventually
from tests.reporting.landlord import Landlord, Settled, ends


@pytest.fixture
def landlord(bus: Bus) -> Landlord:
    return Landlord(bus)


@pytest.fixture
def settled(bus: Bus) -> Settled:
    """`await settled(reporting)`: waits until everything on the topics is applied."""

    async def wait(reporting: Running) -> None:
        async def probe() -> bool:
            stored = await reporting.ctx.db.pool.fetch("select topic, part, next_offset from projection_offset")
            done = {(row["topic"], row["part"]): row["next_offset"] for row in stored}
            return all(done.get(p) == end for p, end in (await ends(bus)).items())

        await eventually("everything to be projected", probe)

    return wait
