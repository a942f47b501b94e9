"""A year to report on, and what staff do with its report."""

import re
from datetime import date
from html import unescape
from pathlib import Path
from typing import Any

import httpx2

from schemas.http import STRUCTURED, read
from services.chassis.testkit import OPERATOR, Bus, Running
from tests.reporting.landlord import GOAL, Landlord

STARTUP = Path(__file__).parents[2] / "hem" / "startup.ndjson"
DRAFT = "/yearly/drafts/2019"
TEXT = f"{DRAFT}/texts/{GOAL}"
STAFF = {**OPERATOR, "accept-language": "sv"}
EVERYBODY = {"accept-language": "sv", "accept": "text/html"}
REPORT = "/yearly/reports/yearly-2019-staff-1"


async def a_year(bus: Bus, landlord: Landlord) -> None:
    """The plans that every Hem knows, one area with 18 of 20 households reached in 2019, and one with too few."""
    for line in STARTUP.read_text().splitlines():
        [entry] = read([("content-type", STRUCTURED)], line.encode()).entries
        if entry.event is not None and entry.event.data.topic == "governance.events":
            await bus.send(entry.event)
    await landlord.area(target=None)
    await landlord.area("raslatt", "Råslätt", target=None, programme=False)
    for quarter in range(4):
        await landlord.households(4 + quarter % 2, of=5, first=quarter * 5, on=date(2019, 3 * quarter + 1, 5))
    await landlord.households(2, of=4, first=500, area="raslatt")


async def write(
    reporting: Running, sv: str, *, version: int = 0, en: str = "", headers: dict[str, str] = STAFF
) -> httpx2.Response:
    """Says something of the goal. `version`: of the Swedish text that the writer saw."""
    form = {"text-sv": sv, "version-sv": str(version), "text-en": en, "version-en": "0"}
    return await reporting.client.post(TEXT, data=form, headers=headers)


async def hand_over(reporting: Running, recipient: str = "staff", **more: str) -> httpx2.Response:
    form = {"recipient": recipient, f"edition-yearly-{recipient}": "1", "sure": "yes", **more}
    return await reporting.client.post(f"{DRAFT}/publish", data=form, headers=STAFF)


async def content(reporting: Running, address: str) -> dict[str, Any]:
    """What a report says, as its JSON has it."""
    found = await reporting.client.get(address, headers=STAFF)
    assert found.status_code == 200, found.text
    made: dict[str, Any] = found.json()
    return made


def goal(content: dict[str, Any], id: str = GOAL) -> dict[str, Any]:
    """One goal's part of it."""
    [found] = [answer for section in content["sections"] for answer in section["answers"] if answer["id"] == id]
    return dict(found)


def typed(page: str, tongue: str = "sv") -> str:
    """What stands in a text area."""
    found = re.search(rf'<textarea[^>]* id="text-{tongue}"[^>]*>\n(.*?)</textarea>', page, re.DOTALL)
    assert found is not None
    return unescape(found[1])
