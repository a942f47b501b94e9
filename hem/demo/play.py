"""Plays the made-up landlord through the door of a running Hem, as its systems and as staff.

What only our own services may say of the past is written to their topics: see `straight`.
"""

import os
import re
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import orjson

from hem.demo import governing, official, straight
from hem.demo.landlord import make_past
from hem.demo.telling import as_sent
from hem.demo.year import AREAS, OFFERED_IN_THE_END, PROGRAMME_AREA, Year, make_year
from hem.door import Door, DoorError, words
from hem.publish import KeyRing, Line, publish, register

PUBLISHERS = "made-up-"
"""How the publishers of everything that is made up begin."""
OWNER, CONTACT = "Made-up landlord", "made-up-landlord@example.com"
GOAL = "housing-introduction-offered"
SETTLED_WITHIN = 90.0
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
    sent = _play_past(door, year, kafka)
    accepted, known = _publish(door, "housing", year.events)
    say(
        f"Made-up landlord, 2018 to 2020: {sent[0] + accepted} events accepted, {sent[1] + known} known before, "
        f"in {time.monotonic() - began:.1f} s."
    )
    marks = OFFERED_IN_THE_END - (AREAS[PROGRAMME_AREA].move_ins - len(year.by_hand))
    _mark_by_hand(door, year.by_hand[:marks])
    offered = _until_offered(door, OFFERED_IN_THE_END)
    say(f"Offers went out by e-mail, and staff marked {marks} as offered by hand: {offered} households in all.")


def _play_past(door: Door, year: Year, kafka: str) -> tuple[int, int]:
    """Everything but the year itself. Returns how many events were accepted at the door, and known before."""
    past = make_past(year)
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


def _mark_by_hand(door: Door, tenancies: list[str]) -> None:
    """As staff do on the to-do page, signed in by a printed address. A household is on the list once its move-in was heard."""
    link = door.operate("POST", "/ops/gateway/sign-in-link")["url"]
    code = re.search(r"[?&]code=([^&]+)", link)
    if code is None:
        raise DoorError("The sign-in address has no code.")
    door.request("POST", "/sign-in", data={"code": code[1]})
    deadline = time.monotonic() + SETTLED_WITHIN
    for tenancy in tenancies:
        while not (answer := door.request("POST", f"/todo/{tenancy}/offered")).is_redirect:
            if answer.status_code != 404 or time.monotonic() > deadline:
                raise DoorError(f"A household could not be marked as offered. {words(answer)}")
            time.sleep(0.1)


def _until_offered(door: Door, wanted: int) -> int:
    """Wait until the figure counts `wanted` households; returns how many it counts, after 90 s at the latest."""
    deadline = time.monotonic() + SETTLED_WITHIN
    while True:
        figure = door.read(f"/api/goals/{GOAL}", {"period": "2019", "area": PROGRAMME_AREA})
        offered = figure["numerator"] or 0
        if offered >= wanted or time.monotonic() > deadline:
            return int(offered)
        time.sleep(0.1)
