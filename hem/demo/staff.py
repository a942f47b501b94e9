"""What the made-up landlord's staff do, on the same pages as anybody: offer by hand, note why, publish a year."""

import re
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hem.demo.year import PROGRAMME_AREA
from hem.door import Door, DoorError, words

GOAL = "housing-introduction-offered"
PUBLISHED = "2018"
SETTLED_WITHIN = 90.0
NOTES = (
    ("internship-plan", "", "2019-11-12", "Utbildningen av handledare fick inte rum före sommaren och hölls i november. (Påhittat.)"),
    ("safety", "raslatt", "2019-09-02", "Belysningen i centrum var avstängd i tre veckor, mitt under enkäten. (Påhittat.)"),
    ("own-staff", "", "2019-03-01", "Fastighetsskötseln i Råslätt och Öxnehaga togs tillbaka i egen regi. (Påhittat.)"),
)  # fmt: skip
"""Goal, area (none: the company), day, text."""
COUNTED: tuple[tuple[str, Mapping[str, float]], ...] = (
    ("social-requirements", {"numerator": 8, "denominator": 12}),
    ("summer-jobs", {"value": 74}),
    ("safety", {"denominator": 1000}),
    ("meeting-places", {"value": 5}),
)
"""Figures of the published year that tell that everything of it has been counted: one of each road."""
RESTATED: tuple[str, Mapping[str, float]] = ("social-requirements", {"numerator": 9})


def sign_in(door: Door) -> None:
    """By a printed address, as on any one machine."""
    link = door.operate("POST", "/ops/gateway/sign-in-link")["url"]
    code = re.search(r"[?&]code=([^&]+)", link)
    if code is None:
        raise DoorError("The sign-in address has no code.")
    door.request("POST", "/sign-in", data={"code": code[1]})


def mark_by_hand(door: Door, tenancies: Sequence[str]) -> None:
    """As staff do on the to-do page. A household is on the list once its move-in was heard."""
    deadline = time.monotonic() + SETTLED_WITHIN
    for tenancy in tenancies:
        while not (answer := door.request("POST", f"/todo/{tenancy}/offered")).is_redirect:
            if answer.status_code != 404 or time.monotonic() > deadline:
                raise DoorError(f"A household could not be marked as offered. {words(answer)}")
            time.sleep(0.1)


def until_offered(door: Door, wanted: int) -> int:
    """Wait until the figure counts `wanted` households; returns how many it counts."""
    least = {"numerator": wanted}
    _until(lambda: _figure(door, GOAL, "2019", PROGRAMME_AREA), lambda found: _reaches(found, least))
    return int(_figure(door, GOAL, "2019", PROGRAMME_AREA)["numerator"])


def write_notes(door: Door) -> None:
    """Why a figure is as it is. Sent twice it is one note."""
    for goal, area, day, text in NOTES:
        note = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{goal}/{area}/{day}"))
        form = {"id": note, "area": area, "day": day, "text": text, "action": ""}
        _post(door, f"/goals/{goal}/notes", form)


def publish_a_year(door: Door) -> None:
    """Publish 2018 once it is counted, stand behind it, close it."""
    for goal, least in COUNTED:
        _until(lambda goal=goal: _figure(door, goal, PUBLISHED), lambda found, least=least: _reaches(found, least))  # type: ignore[misc]
    for step in ("publish", "approve", "close"):
        _post(door, f"/publications/{PUBLISHED}/{step}", {"sure": "yes"})


def restate(door: Door) -> None:
    """Publish 2018 anew, once something that was told late is counted; until then there is nothing new to publish."""
    goal, least = RESTATED
    form = {"sure": "yes", "reason": "late_events"}
    if not _reaches(_figure(door, goal, PUBLISHED), least):
        _until(lambda: _post(door, f"/publications/{PUBLISHED}/publish", form), bool, pause=1.0)


def _reaches(found: Mapping[str, Any], least: Mapping[str, float]) -> bool:
    return all(found[name] is not None and found[name] >= number for name, number in least.items())


def _post(door: Door, path: str, form: Mapping[str, str]) -> bool:
    """Send a form. False when there is nothing to do (409): it was done before, or isn't due."""
    answer = door.request("POST", path, data=dict(form))
    if not answer.is_redirect and answer.status_code != 409:
        raise DoorError(f"Staff's form at {path} was not taken. {words(answer)}")
    return answer.is_redirect


def _figure(door: Door, goal: str, period: str, area: str | None = None) -> dict[str, Any]:
    asked = {"period": period} | ({} if area is None else {"area": area})
    found: dict[str, Any] = door.read(f"/api/goals/{goal}", asked)
    return found


def _until(look: Callable[[], Any], enough: Callable[[Any], bool], *, pause: float = 0.2) -> None:
    """Wait until what is seen is enough. DoorError when it has taken too long."""
    deadline = time.monotonic() + SETTLED_WITHIN
    while not enough(look()):
        if time.monotonic() > deadline:
            raise DoorError(f"What was played is not counted after {SETTLED_WITHIN:.0f} s. `hem doctor` may say why.")
        time.sleep(pause)
