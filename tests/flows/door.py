"""A running Hem as anybody asks it, whichever way it runs: over its door and by its command line."""

import asyncio
import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import httpx2

from services.chassis.testkit import eventually
from tests.flows.landlord import cohort, recount

GOAL = "housing-introduction-offered"
BATCH = {"content-type": "application/cloudevents-batch+json"}


class HemDoor(ABC):
    """The door on a port of this machine; how commands are run and topics read is the way of running's own."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.client = httpx2.AsyncClient(base_url=self.url, timeout=30, trust_env=False)
        self.key = ""

    @abstractmethod
    async def cli(self, *arguments: str) -> str:
        """Runs a hem command against it. Returns its standard output."""

    @abstractmethod
    async def offers(self) -> list[str]:
        """The tenancies of all offers on the topic, one entry for each distinct event."""

    @abstractmethod
    async def move_ins(self) -> set[str]:
        """The ids of the move-ins on the topic."""

    async def make_key(self, *sources: str) -> None:
        """A key to publish with; without sources it is bound to the first that is used."""
        given = [part for source in sources for part in ("--source", source)]
        made = await self.cli("keys", "create", "--publisher", "housing", "--allow", "all", *given, "--json")
        self.key = json.loads(made)["key"]

    async def publish(self, events: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Posts a batch, again until it is answered: what a careful publisher does. Gives the answers in order."""

        last = ""

        async def post() -> list[dict[str, Any]]:
            nonlocal last
            try:
                answer = await self.client.post(
                    "/events", content=json.dumps(events), headers={**BATCH, "Authorization": f"Bearer {self.key}"}
                )
            except httpx2.HTTPError as error:
                last = repr(error)
                return []
            last = f"{answer.status_code} {answer.text}"
            return answer.json() if answer.status_code in (202, 207) else []

        return await eventually(lambda: f"the gateway to answer a batch (last: {last})", post, within=60)

    async def figure(self, area: str = "oxnehaga", period: str = "2019") -> dict[str, Any]:
        answer = await self.client.get(f"/api/goals/{GOAL}", params={"area": area, "period": period})
        return answer.json() if answer.status_code == 200 else {}

    async def sign_in(self) -> None:
        """Signs the client in by the printed address, as the person at the machine does."""
        link = (await self.cli("sign-in")).strip().splitlines()[-1]
        code = link.split("code=")[1]
        answer = await self.client.post("/sign-in", data={"code": code})
        assert answer.status_code == 303, answer.text


async def settled(hem: HemDoor, made: Sequence[dict[str, Any]]) -> list[str]:
    """Waits until everybody who can be reached has been offered, and figure and recount agree; then checks doubles. Gives the offers."""
    expected = recount(made, reachable(made), "oxnehaga", 2019)

    async def agreed() -> bool:
        figure = await hem.figure()
        return (figure.get("numerator"), figure.get("denominator")) == expected

    await eventually(lambda: f"the figure to be {expected}", agreed, within=120)
    offers, moved_in = await asyncio.gather(hem.offers(), hem.move_ins())
    assert recount(made, set(offers), "oxnehaga", 2019) == expected, "figure and recount differ"
    assert len(offers) == len(set(offers)), "a tenancy was offered twice"
    moved = {e["id"] for e in made if e["type"].endswith("TenantMovedIn.v1")}
    assert moved_in >= moved, "an accepted event is not on its topic"
    return offers


def reachable(made: Sequence[dict[str, Any]]) -> set[str]:
    """The tenancies of the programme's area that can be reached by e-mail."""
    known = {e["data"]["tenant_ref"] for e in made if e["type"].endswith("TenantContactChanged.v1")}
    members = cohort(made, "oxnehaga", 2019).items()
    return {t for t, e in members if e["data"]["contact_rule"] == "any" and e["data"]["tenant_ref"] in known}
