"""What every Hem knows from its first day: areas, steering documents, the targets they set and the first programme.

Published through the gateway at every start. The ids are fixed, so it happens once.
"""

import time
from pathlib import Path

from hem.door import Door, DoorError
from hem.publish import KeyRing, publish, read_lines, register

PUBLISHER = "landlord-governance"
OWNER, CONTACT = "Hem", "hem@example.com"
KNOWN_BY = ("/api/goals/housing-introduction-offered", {"period": "2019", "area": "oxnehaga"})
KNOWN_WITHIN = 30.0
EVENTS = Path(__file__).with_name("startup.ndjson")


def until_open(door: Door, within: float) -> None:
    """Wait until the gateway, which keeps what is published, answers an operator. DoorError after `within` seconds, with its words."""
    deadline = time.monotonic() + within
    while True:
        try:
            door.operate("GET", "/ops/gateway/keys")
            return
        except DoorError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.5)


def publish_startup(door: Door) -> int:
    """Publish `startup.ndjson`; returns how many events were new. DoorError when one is refused."""
    new = 0
    register(door, PUBLISHER, owner=OWNER, contact=CONTACT)
    with EVENTS.open("rb") as source:
        for results in publish(KeyRing(door, PUBLISHER), read_lines(source)):
            refused = [result for result in results if result.status == "refused"]
            if refused:
                raise DoorError(f"The start-up data was refused, line {refused[0].number}: {refused[0].words}")
            new += sum(result.status == "accepted" for result in results)
    return new


def until_known(door: Door) -> None:
    """Wait until reporting shows the target of the start-up data. DoorError after 30 s, with what it says instead."""
    path, parameters = KNOWN_BY
    deadline = time.monotonic() + KNOWN_WITHIN
    said = ""
    while time.monotonic() < deadline:
        try:
            if door.read(path, parameters)["target"] is not None:
                return
            said = "no target yet"
        except DoorError as error:
            said = str(error)
        time.sleep(0.05)
    raise DoorError(f"The start-up data did not reach reporting within {KNOWN_WITHIN:.0f} s: {said}")
