"""What is said when it is new, and then once in a while: waiting fills no log."""

import time

EVERY_SECONDS = 60.0


class Seldom:
    """Tells whether something is worth saying: another thing than last time, or a minute has passed."""

    def __init__(self) -> None:
        self._said: str | None = None
        self._at = 0.0

    def __call__(self, what: str) -> bool:
        now = time.monotonic()
        if what == self._said and now - self._at < EVERY_SECONDS:
            return False
        self._said, self._at = what, now
        return True
