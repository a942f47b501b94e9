"""Waiting longer each time, with some chance in it, so that replicas don't come back in step."""

import asyncio
import random


class Backoff:
    """Delays in seconds from `first`, doubling up to `most`; `reset` when something has worked."""

    def __init__(self, first: float = 0.2, most: float = 10.0) -> None:
        self._first = first
        self._most = most
        self._next = first

    def reset(self) -> None:
        self._next = self._first

    async def wait(self) -> None:
        """Sleeps for the next delay."""
        delay, self._next = self._next * random.uniform(0.75, 1.25), min(self._next * 2, self._most)
        await asyncio.sleep(delay)
