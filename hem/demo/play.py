"""Plays the made-up year through the door of a running Hem, as the housing system and as staff."""

import re
import time
from collections.abc import Callable

import orjson

from hem.demo.year import AREAS, OFFERED_IN_THE_END, PROGRAMME_AREA, make_year
from hem.door import Door, DoorError, words
from hem.publish import KeyRing, Line, publish, register

PUBLISHER = "made-up-housing"
OWNER, CONTACT = "Made-up landlord", "made-up-landlord@example.com"
GOAL = "housing-introduction-offered"
SETTLED_WITHIN = 90.0


def play(door: Door, say: Callable[[str], None]) -> None:
    """Publish the year, wait until the offers have gone out, mark some as offered by hand. Doing it twice is doing it once."""
    year = make_year()
    counts = {"accepted": 0, "duplicate": 0, "refused": 0}
    began = time.monotonic()
    register(door, PUBLISHER, owner=OWNER, contact=CONTACT)
    lines = (Line(place, len(orjson.dumps(event)), event) for place, event in enumerate(year.events, 1))
    for results in publish(KeyRing(door, PUBLISHER), lines):
        for result in results:
            counts[result.status] += 1
            if result.status == "refused":
                raise DoorError(f"An event of the made-up year was refused: {result.words}")
    took = time.monotonic() - began
    say(
        f"Made-up year 2019: {counts['accepted']} events accepted, {counts['duplicate']} known before, in {took:.1f} s."
    )
    marks = OFFERED_IN_THE_END - (AREAS[PROGRAMME_AREA].move_ins - len(year.by_hand))
    _mark_by_hand(door, year.by_hand[:marks])
    offered = _until_offered(door, OFFERED_IN_THE_END)
    say(f"Offers went out by e-mail, and staff marked {marks} as offered by hand: {offered} households in all.")


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
