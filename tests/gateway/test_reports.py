"""What staff report on a form is the same event as everyone else's: made, corrected and withdrawn by role."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from html import unescape
from typing import Any

import httpx2
import pytest

from schemas.catalogue import MODELS
from schemas.community import MeetingPlaceOpened, VisitCounted
from schemas.door import FROM_OUTSIDE
from schemas.event import ANY_TOPIC
from schemas.generate import example
from schemas.governance import AreaDefined
from schemas.tenancy import TenantContactChanged, TenantContactErased, TenantMovedIn
from schemas.withdrawal import EventWithdrawn
from services.chassis.testkit import Bus, MovableClock, Running, Start
from services.chassis.web import Role
from services.chassis.web.access import GRANTS, Permission
from services.chassis.web.session import SESSION_COOKIE, seal_session
from services.gateway.app import service
from services.gateway.domain.filling import typed_of
from services.gateway.domain.forms import USUAL, Shape, code_in_words, every_field, form_of
from services.gateway.domain.reports import MAY_REPORT, WHOSE_KEPT
from services.gateway.service import reports as verbs

WITHDRAWN = EventWithdrawn.type
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
    model = MODELS[event_type].model_validate_json(__import__("json").dumps(data))
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)


async def _withdrawals(bus: Bus, topic: str) -> list[Any]:
    from schemas.kafka import from_record

    found = [from_record(r.key, r.value, r.headers) for r in await bus.records(topic)]
    return [event for event in found if isinstance(event.data, EventWithdrawn)]
