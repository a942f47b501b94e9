"""Notes by staff: written, drawn, linked, changed, withdrawn and put back; nothing typed is lost."""

import html
import re
from datetime import UTC, date, datetime

from schemas.surveys import ActionCompleted, ActionPlanned
from services.chassis.testkit import OPERATOR, Bus, MovableClock, Start
from services.reporting.app import service
from tests.reporting.landlord import GOAL, Landlord, Settled

PAGE = {"accept": "text/html"}
WHY = "Två värdar på semester <och ingen vikarie>"


async def test_a_note_from_being_written_to_being_put_back(
    start: Start, bus: Bus, landlord: Landlord, settled: Settled, clock: MovableClock
) -> None:
    clock.set(datetime(2020, 5, 1, 12, tzinfo=UTC))
    await landlord.area()
    await landlord.households(9, of=10)
    await bus.publish(
        ActionPlanned(action_id="practice-7", plan="internship", planned_on=date(2019, 8, 1), due_on=date(2020, 6, 1))
    )
    reporting = await start(service)
    await settled(reporting)
    address, staff = f"/goals/{GOAL}/notes", {**PAGE, **OPERATOR}
    for method in ("GET", "POST"):
        assert (await reporting.client.request(method, address, headers=PAGE)).status_code == 401
    form = await reporting.client.get(f"{address}?area=oxnehaga", headers=staff)
    assert "practice-7 (internship): ska vara klar 1 juni 2020" in form.text
    assert '<option value="oxnehaga" selected>' in form.text
    known = re.findall(r'name="id" value="([^"]+)"', form.text)[0]

    typed = {"id": known, "area": "oxnehaga", "day": "2091-07-03", "text": WHY, "action": "practice-7"}
    refused = await reporting.client.post(address, data=typed, headers=staff)
    assert refused.status_code == 422
    assert "En dag som har varit" in refused.text
    assert WHY in html.unescape(refused.text)
    assert 'aria-describedby="day-wrong"' in refused.text

    await reporting.client.post(address, data={**typed, "day": "2019-07-03"}, headers=staff)
    kept = await reporting.client.post(address, data={**typed, "day": "2019-07-03"}, headers=staff)  # twice is once
    assert kept.status_code == 303
    assert kept.headers["location"] == f"/goals/{GOAL}?period=2019&area=oxnehaga#why"
    await bus.publish(ActionCompleted(action_id="practice-7", completed_on=date(2020, 4, 1)))
    await settled(reporting)

    async def shown(area: str = "oxnehaga") -> str:
        answer = await reporting.client.get(f"/goals/{GOAL}?period=2019&area={area}", headers=PAGE)
        return html.unescape(answer.text)

    text = await shown()
    assert text.count('class="note-number"') == 2, "once in each of the two widths"
    assert f"<strong>3 juli 2019</strong>: {WHY}" in text
    assert "åtgärd practice-7" in text
    assert "klar 1 april 2020" in text
    assert WHY not in (await reporting.client.get(f"/goals/{GOAL}?period=2019", headers=PAGE)).text, "another place"

    assert (await reporting.client.post(f"/notes/{known}/withdraw", headers=PAGE)).status_code == 401
    await reporting.client.post(f"/notes/{known}/withdraw", headers=staff)
    assert WHY not in await shown()
    listed = html.unescape((await reporting.client.get(address, headers=staff)).text)
    assert f"<del>{WHY}</del>" in listed
    await reporting.client.post(f"/notes/{known}/put-back", headers=staff)
    assert WHY in await shown()

    changed = {**typed, "day": "2019-07-03", "text": "Ny lydelse", "action": ""}
    await reporting.client.post(address, data=changed, headers=staff)
    text = await shown()
    assert "Ny lydelse" in text
    assert WHY not in text
    assert "practice-7" not in text
