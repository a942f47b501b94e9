"""hem doctor: what can be looked at, one by one. Here: a Hem elsewhere, by its door; `hem.stack.examined` adds this machine's."""

import asyncio
import os
from collections.abc import Callable, Sequence

from hem import topics
from hem.door import Door, DoorError, json_of
from hem.home import Home
from hem.routing import SERVICES
from hem.stack.errors import StackError

Check = tuple[str, Callable[[], str]]
KAFKA_WITHIN = 5.0


def examine(checks: Sequence[Check], say: Callable[[str], None]) -> int:
    """Say a line for each thing looked at; returns how many are wrong."""
    faults = 0
    for name, look in checks:
        try:
            say(f"ok    {name}: {look()}")
        except (StackError, DoorError, OSError) as error:
            faults += 1
            say(f"WRONG {name}: {error}")
    return faults


def checks(home: Home) -> list[Check]:
    """What is looked at where the stack is elsewhere: its door, and its topics where Kafka's address is known."""
    found: list[Check] = [("Door", lambda: door(home, logs="`docker compose logs SERVICE`"))]
    if servers := os.environ.get("HEM_KAFKA_SERVERS"):
        found.append(("Topics", lambda: _topics(servers)))
    return found


def door(home: Home, *, logs: str) -> str:
    """What the door says of the services, that nothing live is parked and that no publisher is silent. DoorError otherwise, with where the `logs` are."""
    with Door(home) as hem:
        answer = hem.request("GET", "/health/ready")
        said = json_of(answer)
        states = said.get("services", {}) if isinstance(said, dict) else {}
        if answer.status_code != 200:
            told = ", ".join(f"{service} {state}" for service, state in states.items())
            raise DoorError(f"running at {hem.url}, but not ready: {told or answer.text[:200]}. The logs: {logs}.")
        parked = [row for service in SERVICES for row in hem.operate("GET", f"/ops/{service}/parked")]
        waiting = sum(not row.get("test", False) for row in parked)  # a publisher's trial is no trouble of ours
        if waiting:
            raise DoorError(f"running at {hem.url}; {waiting} events are parked: `hem parked list` shows them.")
        registered = hem.operate("GET", "/ops/gateway/publishers")
        if silent := [one["publisher"] for one in registered if one["standing"] == "silent"]:
            raise DoorError(
                f"running at {hem.url}; silent for longer than agreed: {', '.join(silent)}. `hem publishers list` shows when "
                "each was last heard."
            )
        return f"running at {hem.url}, ready, nothing parked"


def _topics(servers: str) -> str:
    planned = asyncio.run(topics.plan(servers, prefix=os.environ.get("HEM_TOPIC_PREFIX", ""), within=KAFKA_WITHIN))
    if planned.lines():
        raise StackError(f"not as declared at {servers}: `hem topics plan` shows it in whole.\n" + planned.text())
    return f"all as declared at {servers}"
