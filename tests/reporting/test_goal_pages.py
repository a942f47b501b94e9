"""The front page and the page of a goal: what they say, to whom, and what changes while they are looked at."""

import html
import json
import re
from datetime import UTC, date, datetime
from typing import Any

import pytest

from schemas.governance import SteeringDocumentAdopted, TargetRevised
from services.chassis.testkit import OPERATOR, Bus, MovableClock, Running, Start, eventually
from services.reporting.app import service
from services.reporting.routes import live
from tests.reporting.landlord import GOAL, Landlord, Settled, offered_to

PAGE = {"accept": "text/html"}
BYTES_AT_MOST = 100_000


@pytest.fixture
async def reporting(start: Start, landlord: Landlord, settled: Settled, bus: Bus, clock: MovableClock) -> Running:
    clock.set(datetime(2020, 5, 1, 12, tzinfo=UTC))
    await bus.publish(
        SteeringDocumentAdopted(
            document_id="integration-goals-2019", title="Integrationsmål 2019", adopted_by="board",
            valid_from=date(2019, 1, 15), applies_until_replaced=True,
        )
    )  # fmt: skip
    await landlord.area()
    await landlord.area("raslatt", "Råslätt", target=80)
    await bus.publish(
        TargetRevised(
            goal_id=GOAL, dimension={"area": "oxnehaga"}, comparison=">=", value=95, unit="percent",
            valid_from=date(2019, 9, 1), document_id="integration-goals-2019", reason="new_decision",
        )
    )  # fmt: skip
    await landlord.households(9, of=10)
    await landlord.households(7, of=10, first=50, area="raslatt")
    reporting = await start(service)
    await settled(reporting)
    return reporting


async def text_of(reporting: Running, address: str, **headers: str) -> str:
    answer = await reporting.client.get(address, headers={**PAGE, **headers})
    assert answer.status_code == 200, answer.text
    return html.unescape(answer.text)


def rows(text: str) -> list[str]:
    """The words of each row of goals."""
    found = re.findall(r'<a class="goal".*?</a>', text, re.DOTALL)
    return [" ".join(re.sub(r"<[^>]+>", " ", row).replace("\xa0", " ").split()) for row in found]


async def test_the_front_page(reporting: Running) -> None:
    text = await text_of(reporting, "/?period=2019")
    assert "Integrationsmål 2019</h2>" in text
    assert len(rows(text)) > 40
    (row,) = (row for row in rows(text) if row.startswith("Bointroduktion till nyinflyttade"))
    assert "Råslätt, längst från målet av 2 områden · mål minst 80 %" in row
    assert "70,0 % 7 av 10 hushåll" in row
    assert row.endswith("Missat")

    text = await text_of(reporting, "/?period=2019&area=oxnehaga&document=integration-goals-2019")
    assert "90,0 % 9 av 10 hushåll" in " ".join(rows(text))
    assert "Råslätt," not in " ".join(rows(text))
    assert '<option value="oxnehaga" selected>Öxnehaga</option>' in text
    assert '<option value="integration-goals-2019" selected>' in text
    assert 'href="/?period=2019-Q1&area=oxnehaga&document=integration-goals-2019"' in text
    address = re.search(r'href="([^"]*status=missed)"', text)
    assert address is not None
    missed = rows(await text_of(reporting, address[1]))
    assert missed
    assert all(row.endswith("Missat") for row in missed)
    assert (await reporting.client.get("/?colour=red", headers=PAGE)).status_code == 400

    answer = await reporting.client.get("/?period=2019", headers=PAGE)
    assert len(answer.content) < BYTES_AT_MOST


async def test_the_page_of_a_goal(reporting: Running) -> None:
    text = await text_of(reporting, f"/goals/{GOAL}?period=2019&area=oxnehaga")
    for said in (
        "Bointroduktion till nyinflyttade, Öxnehaga",
        "90,0\xa0%",
        "9 av 10 hushåll som flyttade in under 2019 har fått erbjudandet.",
        "Integrationsmål 2019, gäller tills det ersätts",
        "färre än 5",
        "HousingIntroductionOffered",
        f"/goals/{GOAL}/events?period=2019&area=oxnehaga",
        f"/api/v1/figures.csv?goal={GOAL}&period=2019",
        "as_of=2020-05-01",
        f'href="/watch/{GOAL}?name=',
        "mål minst 90\xa0%, från 1 januari 2019",
    ):
        assert said in text, said
    (wide,) = re.findall(r'<svg class="chart wide".*?</svg>', text, re.DOTALL)
    assert "Från 90,0\xa0% i mars 2019 till 90,0\xa0% i december 2019." in wide
    assert re.findall(r'class="target-label"[^>]*>([^<]*)<', wide) == ["mål 90\xa0%", "mål 95\xa0%"], "as it was"

    company = await text_of(reporting, f"/goals/{GOAL}?period=2019")
    assert '<a href="#areas">2 områden har egna mål</a>' in company
    assert "Inget mål satt." not in company

    named = r'<th scope="row"><a href="/goals/[^"]*">([^<]*)</a>'
    text = await text_of(reporting, f"/goals/{GOAL}?period=2019&sort=value")
    assert re.findall(named, text) == ["Råslätt", "Öxnehaga"]
    assert 'aria-sort="ascending"' in text
    text = await text_of(reporting, f"/goals/{GOAL}?period=2019&sort=-value")
    assert re.findall(named, text) == ["Öxnehaga", "Råslätt"]


async def test_the_public_sees_what_is_published_and_nothing_live(
    start: Start, landlord: Landlord, settled: Settled, clock: MovableClock
) -> None:
    clock.set(datetime(2020, 5, 1, 12, tzinfo=UTC))
    await landlord.area()
    await landlord.households(9, of=10)
    reporting = await start(service, public_figures="published")
    await settled(reporting)
    front = await text_of(reporting, "/?period=2019")
    assert rows(front) == []
    assert "Inget är publicerat än" in front
    goal = await text_of(reporting, f"/goals/{GOAL}?period=2019&area=oxnehaga")
    assert "Inte publicerat för 2019" in goal
    assert "9 av 10" not in goal
    assert "data-live" not in front + goal
    wrong = await reporting.client.get("/?period=someday", headers=PAGE)
    assert wrong.status_code == 400
    assert "2019" not in wrong.text, "which years there are, before they are published"
    assert (await reporting.client.get("/live?period=2019")).status_code == 403
    staff = await text_of(reporting, f"/goals/{GOAL}?period=2019&area=oxnehaga", **OPERATOR)
    assert "9 av 10" in staff
    assert "data-live" in staff


async def looked_at(reporting: Running, address: str) -> list[dict[str, Any]]:
    """What a stream of a few looks sends, an entry for each changed part."""
    async with reporting.client.stream("GET", address) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        said = [line.removeprefix("data: ") async for line in answer.aiter_lines() if line.startswith("data: ")]
    return [part for message in said for part in json.loads(message)]


async def test_what_changes_is_sent_once_and_nothing_else(
    bus: Bus, reporting: Running, settled: Settled, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "LOOK_EVERY", 0.01)
    monkeypatch.setattr(live, "ENDS_AFTER", 3)

    async def is_still() -> str | None:
        text = await text_of(reporting, f"/goals/{GOAL}?period=2019&area=raslatt")
        found = re.search(r'data-live="([^"]*)" data-since="([^"]*)"', text)
        assert found is not None
        address = f"{found[1]}&since={found[2]}"
        return None if await looked_at(reporting, address) else address

    address = await eventually("nothing to be sent of a page that is as it was", is_still)
    await bus.send(offered_to(57, area="raslatt"))
    await settled(reporting)
    parts = {part["key"]: part for part in await looked_at(reporting, address)}
    large = parts[f"{GOAL}/share/raslatt"]
    assert "8 av 10 hushåll" in large["html"]
    assert large["said"] == "Bointroduktion till nyinflyttade, Råslätt: 80,0\xa0%"
    assert "<svg" in parts[f"{GOAL}/share/raslatt#chart"]["html"]
    front = {part["key"] for part in await looked_at(reporting, "/live?period=2019&since=long-ago")}
    assert f"integration-goals-2019/{GOAL}/share/*" in front, "an older page is sent everything"
    assert (await reporting.client.get("/live?goal=nothing")).status_code == 404
