"""Households that move in while something is done to the containers."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from services.chassis.testkit import eventually
from tests.compose.driver import Compose
from tests.flows.landlord import Landlord


class Load:
    """A few households every quarter of a second, each batch sent again until it is answered."""

    def __init__(self, hem: Compose, landlord: Landlord) -> None:
        self._hem = hem
        self._landlord = landlord
        self._enough = asyncio.Event()
        self._accepted = 0

    async def feed(self) -> None:
        while not self._enough.is_set():
            await self._hem.publish(self._landlord.year(2, first=2 * self._accepted))
            self._accepted += 1
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._enough.wait(), 0.25)

    async def flows(self) -> None:
        """Waits until two more batches are accepted: whatever is done now is done under load."""
        wanted = self._accepted + 2

        async def more() -> bool:
            return self._accepted >= wanted

        await eventually("the load to go on", more, within=60)

    def stop(self) -> None:
        self._enough.set()


@asynccontextmanager
async def under_load(hem: Compose, seed: int, name: str) -> AsyncIterator[Load]:
    """Households move in until the end of the block; all that were sent are accepted then."""
    load = Load(hem, Landlord(seed, name))
    async with asyncio.TaskGroup() as group:
        group.create_task(load.feed())
        try:
            await load.flows()
            yield load
            await load.flows()
        finally:
            load.stop()


def households(count: int, name: str) -> list[dict[str, Any]]:
    """Move-ins to the programme's area, and how each household is reached. `name` makes them its own."""
    landlord = Landlord(len(name), name)
    return [event for number in range(count) for event in landlord.household(number)]
