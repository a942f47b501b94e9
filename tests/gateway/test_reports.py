"""What staff report on a form is the same event as everyone else's: made, corrected and withdrawn by role."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from gettext import NullTranslations
from html import unescape
from typing import Any

import httpx2
import pytest
from babel.messages.pofile import read_po

from schemas.catalogue import MODELS
from schemas.community import MeetingPlaceClosed, MeetingPlaceOpened, VisitCounted, YouthDialogueHeld
from schemas.door import FROM_OUTSIDE
from schemas.errors import Problem
from schemas.generate import example
from schemas.governance import AreaDefined
from schemas.http import STRUCTURED, read
from schemas.kafka import from_record
from schemas.procurement import ContractAwarded
from schemas.tenancy import TenantContactChanged, TenantContactErased, TenantMovedIn
from schemas.withdrawal import EventWithdrawn
from services.chassis.testkit import Bus, MovableClock, Running, Start, eventually
from services.chassis.web import Role
from services.chassis.web.access import GRANTS, Permission
from services.chassis.web.languages import Catalogues, locale
from services.chassis.web.session import SESSION_COOKIE, seal_session
from services.gateway.app import service
from services.gateway.domain.filling import Typed, data_of, input_of, typed_of, without_empty_rows
from services.gateway.domain.forms import USUAL, Field, Shape, code_in_words, every_field, form_of
from services.gateway.domain.reports import MAY_REPORT, WHOSE_KEPT
from services.gateway.routes.report_words import NOT_FITTING, Words, about
from services.gateway.service import reports as verbs

WITHDRAWN = EventWithdrawn.type
VISIT = VisitCounted.type
CLOSED = MeetingPlaceClosed.type
YOUTH = YouthDialogueHeld.type
CONTRACT = ContractAwarded.type
VISITS = {"meeting_place_id": "mp-1", "visits": "12", "on": "2026-03-01"}


@dataclass
class Person:
    """Somebody signed in, at the forms."""

    gateway: Running
    name: str
    roles: tuple[Role, ...]

    async def get(self, path: str) -> httpx2.Response:
        return await self.gateway.client.get(path, headers=self._headers)

    async def send(self, event_type: str, said: dict[str, Any], **control: str) -> httpx2.Response:
        """Posts the form as a browser does."""
        body = said | {f"hem-{name}": value for name, value in control.items()}
        return await self.gateway.client.post(f"/report/{event_type}", data=body, headers=self._headers)

    async def reports(self, event_type: str, said: dict[str, Any], **control: str) -> str:
        """Sends a report that is accepted: its id."""
        answer = await self.send(event_type, said, **control)
        assert answer.status_code == 303, mistakes(answer)
        return answer.headers["location"].removeprefix("/report/mine/").removesuffix("?sent=1")

    @property
    def _headers(self) -> dict[str, str]:
        session = seal_session(self.gateway.settings, self.name, self.roles, self.gateway.ctx.clock.now())
        return {"Cookie": f"{SESSION_COOKIE}={session}", "Accept": "text/html", "Accept-Language": "sv"}


SignIn = Callable[..., Person]


@pytest.fixture
def sign_in(gateway: Running) -> SignIn:
    def make(*roles: Role, name: str = "operator") -> Person:
        return Person(gateway, name, roles or (Role.AREA_STAFF,))

    return make


def mistakes(answer: httpx2.Response) -> list[str]:
    """What the page says is to be mended, by field."""
    found = re.findall(r'<li><a href="#f-[^"]*">([^<]*)</a></li>|<li>([^<]*)</li>', answer.text)
    return [unescape(one or other) for one, other in found]


def typed(event_type: str, data: dict[str, Any]) -> dict[str, Any]:
    return {name: said if len(said) > 1 else said[0] for name, said in typed_of(form_of(event_type), data).items()}


async def test_every_type_is_reported_on_its_form_and_comes_out_as_its_example(
    sign_in: SignIn, bus: Bus, all_sent: Callable[[], Awaitable[None]]
) -> None:
    operator = sign_in(Role.OPERATOR)
    sent: dict[str, str] = {}
    # What forgets somebody comes last, and withdrawals are of what has been sent.
    for event_type in sorted(FROM_OUTSIDE - {WITHDRAWN}, key=lambda name: name == TenantContactErased.type):
        data = _as_reported(event_type)
        shown = await operator.get(f"/report/{event_type}")
        assert shown.status_code == 200, event_type
        fields = {name.partition(".")[0] for name in data}
        assert fields <= {name.partition(".")[0] for name in re.findall(r' name="([^"]+)"', shown.text)}, event_type
        sent[event_type] = await operator.reports(event_type, typed(event_type, data), sure="yes")
    await operator.reports(WITHDRAWN, {"withdrawn_id": sent[VisitCounted.type], "reason": "sent_twice"})
    await all_sent()
    for event_type, report_id in sent.items():
        [event] = [e for e in await bus.events(MODELS[event_type]) if e.id == report_id]
        assert event.source == "urn:hem:staff:operator"
        assert MODELS[event_type].model_validate_json(event.data.json_bytes()) == event.data
        given = event.data.model_dump(mode="json", by_alias=True, exclude_none=True)
        assert given == _full(event_type, _as_reported(event_type)), event_type
    [withdrawal] = await _withdrawals(bus, "community.events")
    assert (withdrawal.data.withdrawn_id, withdrawal.data.reason) == (sent[VisitCounted.type], "sent_twice")


def _as_reported(event_type: str) -> dict[str, Any]:
    data: dict[str, Any] = example(event_type)["data"]
    return data | ({"source": "urn:hem:staff:operator"} if event_type.endswith("SourceChecked.v1") else {})


def _full(event_type: str, data: dict[str, Any]) -> dict[str, Any]:
    model = MODELS[event_type].model_validate_json(json.dumps(data))
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)


async def _withdrawals(bus: Bus, topic: str) -> list[Any]:
    found = [from_record(r.key, r.value, r.headers) for r in await bus.records(topic)]
    return [event for event in found if isinstance(event.data, EventWithdrawn)]


async def test_a_report_is_corrected_and_withdrawn_by_those_of_its_role(
    sign_in: SignIn, bus: Bus, all_sent: Callable[[], Awaitable[None]], clock: MovableClock
) -> None:
    amina, bo = sign_in(name="amina"), sign_in(name="bo")
    first = await amina.reports(VISIT, VISITS)
    assert "12" in (await amina.get(f"/report/mine/{first}")).text
    form = await bo.get(f"/report/{VISIT}?corrects={first}")
    assert ' name="on"' not in form.text, "what tells it from others can't be changed"
    for other in (CLOSED, "no-such-type"):
        assert (await bo.get(f"/report/{other}?corrects={first}")).status_code == 404
    second = await bo.reports(VISIT, VISITS | {"visits": "21", "on": "2026-05-05"}, corrects=first)
    assert (await bo.send(VISIT, VISITS | {"visits": "21"}, corrects=first, id=second)).status_code == 303, "once more"
    late = await amina.send(VISIT, {"visits": "33"}, corrects=first)
    assert "redan rättad" in mistakes(late)[0]
    assert 'value="33"' in late.text
    assert listed(await amina.get("/report/mine")) == [(first, "Rättad")]
    assert listed(await bo.get("/report/mine?show=all")) == [(second, "Skickad"), (first, "Rättad")]
    assert (await sign_in(Role.COORDINATOR).get(f"/report/mine/{first}")).status_code == 404

    asked = await bo.get(f"/report/{WITHDRAWN}?withdrawn_id={second}")
    assert "gäller igen" in asked.text
    await bo.reports(WITHDRAWN, {"withdrawn_id": second, "reason": "registered_in_error"})
    assert listed(await bo.get("/report/mine?show=all")) == [(second, "Tillbakatagen"), (first, "Skickad")]
    await all_sent()
    earlier, later = sorted(await bus.events(VisitCounted), key=lambda event: event.data.visits)
    assert (earlier.id, later.id) == (first, second)
    assert later.data.identity == earlier.data.identity
    assert later.time > earlier.time, "also on a clock that stands"
    [withdrawal] = await _withdrawals(bus, VisitCounted.topic)
    assert (withdrawal.data.withdrawn_id, withdrawal.subject) == (second, "mp-1")

    clock.move(WHOSE_KEPT + timedelta(days=1))
    async with amina.gateway.ctx.db.transaction() as tx:
        assert await verbs.forget_whose(tx) > 0
    assert listed(await amina.get("/report/mine")) == []
    assert len(listed(await amina.get("/report/mine?show=all"))) == 2


async def test_a_form_sent_twice_is_one_report(
    sign_in: SignIn, bus: Bus, all_sent: Callable[[], Awaitable[None]], clock: MovableClock
) -> None:
    person = sign_in()
    form = await person.get(f"/report/{VISIT}")
    [report_id] = re.findall(r'name="hem-id" value="([^"]+)"', form.text)
    both = await asyncio.gather(*(person.send(VISIT, VISITS, id=report_id) for _ in range(2)))
    clock.move(timedelta(minutes=1))
    again = await person.send(VISIT, VISITS, id=report_id)
    assert [answer.status_code for answer in (*both, again)] == [303, 303, 303]
    changed = await person.send(VISIT, VISITS | {"visits": "13"}, id=report_id)
    assert changed.status_code == 422
    assert "redan skickat" in mistakes(changed)[0]
    await all_sent()
    assert [event.id for event in await bus.events(VisitCounted)] == [report_id]


async def test_what_is_wrong_is_said_by_the_field_and_nothing_typed_is_lost(sign_in: SignIn) -> None:
    person = sign_in(Role.OPERATOR)
    answer = await person.send(VISIT, {"visits": "tolv", "on": "2026-02-30", "meeting_place_id": "Träffen & co"})
    assert answer.status_code == 422
    assert mistakes(answer) == [
        "Besök: Skriv ett heltal, till exempel 12.",
        "Dag: Skriv en dag som finns, till exempel 2026-03-01.",
    ]
    assert re.search(r'id="f-visits"[^>]*value="tolv"[^>]*aria-invalid="true"', answer.text)
    assert 'value="Träffen &amp; co"' in answer.text

    area = {"area_id": "oxnehaga", "name": "Öxnehaga", "municipality_code": "680", "valid_from": "2026-01-01"}
    region = {"code": "0680R012", "kind": "RegSO", "version": "2018", "weight": "1,5"}
    rows = {f"statistics_regions.1.{name}": said for name, said in region.items()}
    answer = await person.send(AreaDefined.type, area | rows | {"statistics_regions.#": "2"})
    assert mistakes(answer) == ["Kommunkod: Skriv de fyra siffrorna, till exempel 0680.", "Andel: Skriv högst 1."]
    assert 'id="f-statistics_regions-0-weight"' in answer.text, "the empty row is gone"
    more = await person.send(AreaDefined.type, area | rows | {"statistics_regions.#": "2"}, add="statistics_regions")
    assert more.status_code == 200
    assert more.text.count('name="hem-remove"') == 3
    fewer = await person.send(
        AreaDefined.type, area | rows | {"statistics_regions.#": "3"}, remove="statistics_regions.0"
    )
    assert re.search(r'name="statistics_regions.0.weight" value="1,5"', fewer.text)
    assert 'value="Öxnehaga"' in fewer.text
    assert listed(await person.get("/report/mine")) == []


async def test_each_role_reports_its_own(sign_in: SignIn, gateway: Running) -> None:
    assert {role.value for role, grants in GRANTS.items() if Permission.REPORT in grants} == set(MAY_REPORT)
    assert set().union(*MAY_REPORT.values()) == FROM_OUTSIDE - {WITHDRAWN}
    for role, types in MAY_REPORT.items():
        person = sign_in(Role(role))
        shown = set(re.findall(r'href="/report/(se\.[^"?]+)"', (await person.get("/report")).text))
        assert shown == types
    staff = sign_in(Role.AREA_STAFF)
    for answer in (await staff.get(f"/report/{CONTRACT}"), await staff.send(CONTRACT, {})):
        assert answer.status_code == 403
    assert (await staff.get("/report/se.vatterhem.PublisherRegistered.v1")).status_code == 404
    assert (await sign_in(Role.READER, Role.TRANSLATOR).get("/report")).status_code == 403
    assert (await gateway.client.get("/report", headers={"Accept": "text/html"})).status_code == 401
    several = sign_in(Role.OPERATOR, Role.AREA_STAFF)
    first = await several.reports(VISIT, VISITS)
    chosen = await several.reports(VISIT, VISITS | {"on": "2026-03-02"}, role="operator")
    assert "Områdespersonal" in (await several.get(f"/report/mine/{first}")).text
    assert "Driftansvarig" in (await several.get(f"/report/mine/{chosen}")).text


async def test_nothing_of_a_person_is_kept(sign_in: SignIn, gateway: Running) -> None:
    person = sign_in(Role.OPERATOR, name="amina")
    contact = {"tenant_ref": "ref-1", "name": "Amina Testsson", "email": "amina.testsson@example.se", "language": "so"}
    report_id = await person.reports(TenantContactChanged.type, contact)
    form = await person.get(f"/report/{TenantContactChanged.type}?corrects={report_id}")
    assert "ref-1" in form.text
    assert "Testsson" not in form.text
    await person.reports(TenantContactChanged.type, {"name": "Amina Testdotter", "language": "so"}, corrects=report_id)
    moved = {"tenancy_id": "t-1", "tenant_ref": "ref-2", "area_id": "oxnehaga", "building_id": "b-secret"}
    moved |= {"moved_in_on": "2026-03-01", "contact_rule": "letter_only"}
    await person.reports(TenantMovedIn.type, moved)
    officer = sign_in(Role.PRIVACY_OFFICER)
    unsure = await officer.send(TenantContactErased.type, {"tenant_ref": "ref-1"})
    assert unsure.status_code == 422
    assert "Det går inte att ångra" in unsure.text
    await officer.reports(TenantContactErased.type, {"tenant_ref": "ref-1"}, sure="yes")
    late = await person.send(TenantContactChanged.type, contact)
    assert mistakes(late) == ["Det här hushållet är glömt. Ingenting mer sparas om det."]
    kept = await gateway.ctx.db.pool.fetch("select * from staff_report")
    assert len(kept) == 4
    for word in ("amina", "Testsson", "Testdotter", "b-secret"):
        assert word not in repr(kept)


async def test_what_a_report_is_about_is_picked_by_its_name(
    sign_in: SignIn, bus: Bus, gateway: Running, start: Start, all_sent: Callable[[], Awaitable[None]]
) -> None:
    staff, operator = sign_in(), sign_in(Role.OPERATOR)
    assert "<select" not in (await staff.get(f"/report/{VISIT}")).text, "nothing is known yet: its id is written"
    area = {"area_id": "oxnehaga", "name": "Öxnehaga", "municipality_code": "0680", "valid_from": "2019-01-01"}
    area_report = await operator.reports(AreaDefined.type, area)
    place = {"area_id": "oxnehaga", "kind": "art_hall", "opened_on": "2026-01-01"}
    for name in ("mp-1", "mp-2"):
        await staff.reports(MeetingPlaceOpened.type, place | {"meeting_place_id": name})
    await staff.reports(CLOSED, {"meeting_place_id": "mp-2", "area_id": "oxnehaga", "closed_on": "2026-02-01"})
    form = (await staff.get(f"/report/{VISIT}")).text
    assert picks(form, "meeting_place_id") == [
        ("mp-1", "Konsthall, Öxnehaga (mp-1)"),
        ("mp-2", "Konsthall, Öxnehaga (mp-2)"),
    ]
    assert form.index('value="mp-1"') < form.index('label="Inte längre öppna"') < form.index('value="mp-2"')
    report_id = await staff.reports(VISIT, VISITS | {"meeting_place_id": "", "meeting_place_id.other": "mp-1"})
    another = (await staff.get(f"/report/{VISIT}?like={report_id}")).text
    assert re.search(r'value="mp-1" selected', another)
    assert 'value="12"' in another
    assert 'value="2026-03-01"' not in another, "another day"
    fresh = (await staff.get(f"/report/{MeetingPlaceOpened.type}")).text
    assert re.search(r'name="meeting_place_id" value="\w{12}"', fresh)
    own_words = await staff.reports(
        MeetingPlaceOpened.type, place | {"meeting_place_id": "mp-3", "kind": "", "kind.other": "Öppen förskola"}
    )
    assert "Oppen forskola" in (await staff.get(f"/report/mine/{own_words}")).text

    await all_sent()
    later = await start(service)  # with a database that has heard nothing, as one of 0.2.0 has
    elsewhere = Person(later, "bo", (Role.AREA_STAFF,))

    async def recalled() -> bool:
        return len(picks((await elsewhere.get(f"/report/{VISIT}")).text, "meeting_place_id")) == 3

    await eventually("the new gateway to know the places", recalled)
    await operator.reports(WITHDRAWN, {"withdrawn_id": area_report, "reason": "other"})
    assert picks((await staff.get(f"/report/{YOUTH}")).text, "area_id") == []


def picks(page: str, name: str) -> list[tuple[str, str]]:
    """What can be chosen in a list of the page."""
    found = re.search(rf'<select id="f-{name}".*?</select>', page, re.DOTALL)
    options = re.findall(r'<option value="([^"]+)"[^>]*>([^<]*)</option>', found[0]) if found else []
    return [(value, unescape(label)) for value, label in options]


def listed(page: httpx2.Response) -> list[tuple[str, str]]:
    """The reports on a page, with what has become of each."""
    assert page.status_code == 200
    return re.findall(r'href="/report/mine/([^"?]+)">.*?</svg>(\w+)</span>', page.text, re.DOTALL)


def swedish() -> NullTranslations:
    return Catalogues([service.folder / "locales"]).translations("sv")


def test_every_field_help_and_code_has_its_swedish() -> None:
    missing = set()
    with (service.folder / "locales/sv/messages.po").open("rb") as file:
        texts = {(message.context, message.id) for message in read_po(file) if message.string}
    for form in map(form_of, FROM_OUTSIDE):
        missing |= {("event", form.label), (None, form.help)} - texts
        for field in every_field(form):
            missing |= {("field", field.label)} - texts
            missing |= ({(None, field.help)} if field.help else set()) - texts
            codes = field.options if field.shape is not Shape.LANGUAGE else ()
            missing |= {(field.last, code_in_words(code)) for code in codes} - texts
    assert not missing, "put these into services/gateway/locales/sv/messages.po (docs/reporting-by-form.md)"


def test_the_usual_codes_are_those_that_the_schemas_name() -> None:
    for where, codes in USUAL.items():
        name, _, field = where.partition(".")
        asked = form_of(f"se.vatterhem.{name}.v1").field(field)
        assert asked is not None
        assert asked.shape is Shape.CODE
        assert [code for code in codes if code not in asked.help] == [], where


WRONG = ("", "x", "X y", "-1", "9" * 12, "1,5", "2026-13-40", "å" * 3000, "a\tb", "yes", "\x00", "a a", "<>")


def test_whatever_is_typed_there_is_a_word_for_what_is_wrong() -> None:
    """Each field of each type, filled with each of the wrong values; and lists that are too short, too long, repeated."""
    words = Words(swedish(), locale("sv"))
    unsaid = set()
    for event_type in FROM_OUTSIDE - {WITHDRAWN}:
        form = form_of(event_type)
        good = example(event_type)["data"]
        for field in form.fields:
            for value in _wrong(field):
                typed = typed_of(form, {n: v for n, v in good.items() if n != field.name}) | value
                for problem in _problems(event_type, data_of(form, without_empty_rows(form, typed))):
                    path = about(problem.field or "", problem.expected)
                    if input_of(form, path) is None or words.wrong(problem.expected, field) == words.say(NOT_FITTING):
                        unsaid.add((event_type, path, problem.expected))
    assert not unsaid


def _wrong(field: Field) -> Iterable[Typed]:
    if field.columns:
        for column in field.at(0):
            yield from ({f"{field.name}.#": ["1"], column.name: [value]} for value in WRONG)
    else:
        yield from ({field.name: [value]} for value in WRONG)
        yield {field.name: ["a\na", "a", "a"]}
        yield {field.name: ["\n".join(map(str, range(1001)))]}


def _problems(event_type: str, data: dict[str, Any]) -> Sequence[Problem]:
    said = {"specversion": "1.0", "id": "1", "source": "urn:x", "type": event_type, "data": data}
    said["time"] = "2026-03-01T12:00:00Z"
    [entry] = read([("content-type", STRUCTURED)], json.dumps(said).encode()).entries
    return entry.problems
