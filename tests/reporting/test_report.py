"""The yearly report, through its pages: written by several people, handed over once, the same ever after."""

import json
import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest

from schemas.reporting import ReportPublished
from services.chassis.testkit import OPERATOR, Bus, MovableClock, Running, Start
from services.reporting.app import service
from services.reporting.report import pdf
from tests.reporting.landlord import GOAL, Landlord, Settled
from tests.reporting.yearly import DRAFT, EVERYBODY, REPORT, STAFF, TEXT, a_year, content, goal, hand_over, typed, write

NOW = datetime(2020, 3, 1, 12, tzinfo=UTC)
HOSTILE = '<script>alert("x")</script> #panic() $x$ 😀'


@pytest.fixture
async def reporting(start: Start, landlord: Landlord, settled: Settled, bus: Bus, clock: MovableClock) -> Running:
    """Whoever isn't signed in is the public."""
    clock.set(NOW)
    await a_year(bus, landlord)
    running = await start(service, public_figures="published", company="Vätterhem", made_up=True)
    await settled(running)
    return running


async def file(reporting: Running, name: str) -> bytes:
    found = await reporting.client.get(f"{REPORT}/{name}", headers=OPERATOR)
    assert found.status_code == 200, found.text
    known = {**OPERATOR, "if-none-match": found.headers["etag"]}
    assert (await reporting.client.get(f"{REPORT}/{name}", headers=known)).status_code == 304
    return found.content


async def test_the_report_answers_every_goal_of_the_year_s_documents(reporting: Running) -> None:
    said = await content(reporting, f"{DRAFT}/sv.json")
    told = {s["title"]: {a["id"] for a in s["answers"]} for s in said["sections"]}
    assert told["Mål för 2019"] == {
        GOAL, "internship-plan", "meeting-places", "new-production-placements", "tenant-influence",
    }  # fmt: skip
    assert told["Mål för 2018"] == {
        "social-requirements", "staff-inquiry", "summer-jobs", "survey-languages", "youth-activities",
    }  # fmt: skip
    assert all(a["entries"] for s in said["sections"] for a in s["answers"])
    offered = goal(said)
    assert [(e["place"], e["figure"], e["target"], e["word"]) for e in offered["entries"]] == [
        ("Öxnehaga", "90,0\xa0%", "mål minst 90\xa0%", "Nått")
    ]
    assert "18 av 20 hushåll" in offered["in_words"]
    assert "Öxnehaga" in offered["picture"]["alt"]
    rows = offered["tables"][0]["rows"]
    assert ["Öxnehaga", "90,0\xa0%", "18", "20"] in rows
    assert ["Råslätt", "visas inte", "–", "–"] in rows


async def test_a_text_is_kept_with_all_its_versions_in_both_languages(reporting: Running) -> None:
    assert (await write(reporting, f"Första stycket.\r\n\r\n{HOSTILE}")).status_code == 303
    saved = await reporting.client.get(f"{TEXT}?saved=yes", headers=STAFF)
    assert "Sparat." in saved.text
    assert "i PDF-filen: 😀" in saved.text
    english = await content(reporting, f"{DRAFT}/en.json")
    assert goal(english)["comment"]["note"] == "This text has been written in Swedish only."
    assert (await write(reporting, "Ett bättre stycke.", version=1, en="In English.")).status_code == 303
    again = (await reporting.client.get(TEXT, headers=STAFF)).text
    assert HOSTILE in unescape(again)
    assert "<script>alert" not in again
    for tongue, body in (("sv", "Ett bättre stycke."), ("en", "In English.")):
        found = await content(reporting, f"{DRAFT}/{tongue}.json")
        assert goal(found)["comment"] == {"paragraphs": [body], "language": tongue, "note": None}


async def test_nothing_typed_is_lost(reporting: Running) -> None:
    """Two write at once; one has been signed out; one has written too much: each gets back what they typed."""
    await write(reporting, "Den förstas text")
    beaten = await write(reporting, "Den andras text", version=0)
    assert beaten.status_code == 409
    assert typed(beaten.text) == "Den andras text"
    assert "Den förstas text" in beaten.text
    assert 'name="version-sv" value="1"' in beaten.text
    assert (await write(reporting, "Bådas text", version=1)).status_code == 303

    signed_out = await write(reporting, "Skrivet länge", headers=EVERYBODY)
    assert signed_out.status_code == 401
    assert typed(signed_out.text) == "Skrivet länge"
    refused = await write(reporting, "a" * 20_001, version=2)
    assert refused.status_code == 422
    assert typed(refused.text) == "a" * 20_001

    kept = (await reporting.client.get(TEXT, headers=STAFF)).text
    assert typed(kept) == "Bådas text"
    assert "Den förstas text" in kept
    assert "Skrivet länge" not in kept


async def test_a_report_is_handed_over_once_and_stays_as_it_was(reporting: Running, bus: Bus) -> None:
    await write(reporting, f"Vi når nästan alla. {HOSTILE}")
    for _ in range(2):  # the same form twice
        assert (await hand_over(reporting)).headers["location"] == REPORT
    [event] = await bus.expect(ReportPublished)
    assert (event.data.period, event.data.recipient_kind, event.data.kind) == ("2019", "staff", "yearly")
    files = {name: await file(reporting, name) for name in ("sv.pdf", "en.pdf", "sv.html", "en.html", "sv.json")}
    assert "Utkast" not in files["sv.html"].decode()
    assert b"<script" not in files["sv.html"]

    await write(reporting, "Något helt annat", version=1)
    assert {name: await file(reporting, name) for name in files} == files
    assert pdf.build(json.loads(files["sv.json"]), NOW) == files["sv.pdf"]
    shown = await reporting.client.get(REPORT, headers=STAFF)
    assert "Vi når nästan alla." in shown.text
    assert "Något helt annat" not in shown.text

    second = await hand_over(reporting, **{"edition-yearly-staff": "2"})
    assert second.headers["location"] == "/yearly/reports/yearly-2019-staff-2"
    assert "Något helt annat" in (await reporting.client.get(second.headers["location"], headers=STAFF)).text
    third = await hand_over(reporting, **{"kind": "sustainability", "edition-sustainability-staff": "1"})
    assert third.headers["location"] == "/yearly/reports/sustainability-2019-staff-1"
    assert [event.data.kind for event in await bus.expect(ReportPublished, 3)].count("sustainability") == 1


async def test_what_others_get_is_made_of_published_and_approved_figures(
    reporting: Running, landlord: Landlord, settled: Settled, clock: MovableClock
) -> None:
    async def done(address: str) -> None:
        answer = await reporting.client.post(address, data={"sure": "yes"}, headers=STAFF)
        assert answer.status_code == 303, answer.text

    await done("/publications/2019/publish")
    unapproved = await hand_over(reporting, "public")
    assert unapproved.status_code == 422
    assert "inte godkända ännu" in unapproved.text
    await done("/publications/2019/approve")
    await landlord.households(12, of=20, first=50)  # counted now, and not published
    await settled(reporting)
    address = (await hand_over(reporting, "public")).headers["location"]
    assert address == "/yearly/reports/yearly-2019-public-1"
    shown = await reporting.client.get(address, headers=EVERYBODY)
    assert "18 av 20 hushåll" in shown.text
    assert "publicerats på nytt" not in shown.text
    told = goal((await reporting.client.get(f"{address}/sv.json", headers=EVERYBODY)).json())
    assert ["Publicerad", "1 mars 2020"] in told["facts"]
    assert (await reporting.client.get(f"{address}/sv.pdf", headers=EVERYBODY)).content.startswith(b"%PDF-")
    assert address in (await reporting.client.get("/yearly", headers=EVERYBODY)).text

    clock.move(timedelta(days=1))
    await done("/publications/2019/publish")
    later = await reporting.client.get(address, headers=EVERYBODY)
    assert "18 av 20 hushåll" in later.text
    assert "publicerats på nytt" in later.text


async def test_a_report_can_be_written_of_every_year_with_figures(reporting: Running, clock: MovableClock) -> None:
    clock.set(datetime(2031, 5, 1, 12, tzinfo=UTC))
    listed = (await reporting.client.get("/yearly", headers=STAFF)).text
    assert re.findall(r'"/yearly/drafts/(\d+)"', listed) == ["2031", "2019"]


async def test_who_may_read_and_who_may_write(reporting: Running) -> None:
    await hand_over(reporting)
    for address in (REPORT, f"{REPORT}/sv.pdf"):
        assert (await reporting.client.get(address, headers=EVERYBODY)).status_code == 404
    assert REPORT not in (await reporting.client.get("/yearly", headers=EVERYBODY)).text
    assert REPORT in (await reporting.client.get("/yearly", headers=STAFF)).text
    for address in (DRAFT, f"{DRAFT}/sv.pdf", f"{DRAFT}/publish", TEXT):
        assert (await reporting.client.get(address, headers=EVERYBODY)).status_code == 401
    for address in (f"{DRAFT}/texts/nothing", "/yearly/drafts/1066", f"{DRAFT}/sv.exe", "/yearly/reports/x"):
        assert (await reporting.client.get(address, headers=STAFF)).status_code == 404


async def test_what_can_not_be_handed_over_says_why(reporting: Running, bus: Bus) -> None:
    sent = {"recipient": "staff", "edition-yearly-staff": "1", "sure": "yes"}
    for year, form, said in (
        (2019, {"recipient": ""}, "Välj vem rapporten är till"),
        (2019, {"sure": ""}, "Kryssa i rutan"),
        (2019, {"recipient": "owner", "edition-yearly-owner": "1"}, "Inga siffror har publicerats"),
        (2020, {}, "1 januari 2021"),
    ):
        address = f"/yearly/drafts/{year}/publish"
        refused = await reporting.client.post(address, data={**sent, **form}, headers=STAFF)
        assert refused.status_code == 422
        assert said in refused.text
    assert await bus.events(ReportPublished) == []
