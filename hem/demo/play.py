"""Plays the made-up landlord through the door of a running Hem, as its systems and as staff.

What only our own services may say of the past is written to their topics: see `straight`.
"""

import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import orjson

from hem.demo import governing, official, staff, straight
from hem.demo.landlord import Past, make_past
from hem.demo.telling import as_sent
from hem.demo.year import AREAS, OFFERED_IN_THE_END, PROGRAMME_AREA, make_year
from hem.door import Door, DoorError
from hem.publish import KeyRing, Line, publish, register

PUBLISHERS = "made-up-"
"""How the publishers of everything that is made up begin."""
OWNER, CONTACT = "Made-up landlord", "made-up-landlord@example.com"
AWAITED = "P366D"
"""How long the made-up systems that are waited for may be silent from the day they are played."""


def play(door: Door, say: Callable[[str], None], *, kafka: str | None) -> None:
    """Publish everything, wait until the offers have gone out, mark some as offered by hand. Doing it twice is doing it once.

    `kafka`: the address of this machine's.
    """
    if kafka is None:
        raise DoorError("The made-up landlord is for one machine: its Kafka was not found.")
    year = make_year()
    began = time.monotonic()
    past = make_past(year)
    sent = _play_past(door, past, kafka)
    accepted, known = _publish(door, "housing", year.events)
    say(
        f"Made-up landlord, 2018 to 2020: {sent[0] + accepted} events accepted, {sent[1] + known} known before, "
        f"in {time.monotonic() - began:.1f} s."
    )
    marks = OFFERED_IN_THE_END - (AREAS[PROGRAMME_AREA].move_ins - len(year.by_hand))
    staff.sign_in(door)
    staff.mark_by_hand(door, year.by_hand[:marks])
    offered = staff.until_offered(door, OFFERED_IN_THE_END)
    say(f"Offers went out by e-mail, and staff marked {marks} as offered by hand: {offered} households in all.")
    staff.write_notes(door)
    staff.publish_a_year(door)
    _publish(door, "procurement", map(as_sent, past.late))
    staff.restate(door)
    say("Staff published 2018, closed it, and restated it when something was told late. 2019 is yours to publish.")


def _play_past(door: Door, past: Past, kafka: str) -> tuple[int, int]:
    """Everything but the year itself and what is told late. Returns how many events were accepted at the door, and known
    before."""
    accepted = known = 0
    for system, events in past.through_the_door.items():
        new, old = _publish(door, system, map(as_sent, events))
        accepted, known = accepted + new, known + old
    straight.write(kafka, past.straight)
    register(door, official.PUBLISHER, owner=official.OWNER, contact=official.CONTACT)
    folder = os.environ.get("HEM_GATEWAY_CONNECTORS")
    official.read_real(door, Path(folder) if folder else door.home.folder("connectors"))
    return accepted, known


def _publish(door: Door, system: str, events: Iterable[dict[str, Any]]) -> tuple[int, int]:
    """Send what a system tells, in order. Returns how many events were accepted, and known before."""
    publisher = f"{PUBLISHERS}{system}"
    awaited = AWAITED if system in governing.SYSTEMS and system != governing.SILENT_SYSTEM else None
    register(door, publisher, owner=OWNER, contact=CONTACT, every=awaited)
    lines = (Line(place, len(orjson.dumps(event)), event) for place, event in enumerate(events, 1))
    counts = {"accepted": 0, "duplicate": 0, "refused": 0}
    for results in publish(KeyRing(door, publisher), lines):
        for result in results:
            counts[result.status] += 1
            if result.status == "refused":
                raise DoorError(f"An event of {publisher} was refused: {result.words}")
    return counts["accepted"], counts["duplicate"]
