"""The main job, end to end on real parts: a move-in becomes an offered introduction and a goal figure."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from services.chassis.testkit import eventually
from tests.flows.door import GOAL, settled
from tests.flows.landlord import Landlord, batches
from tests.flows.stack import hem_up

pytestmark = pytest.mark.timeout(180)


async def test_a_year_of_move_ins_becomes_a_figure_that_an_independent_count_confirms(tmp_path: Path) -> None:
    landlord = Landlord(seed=2019)
    async with hem_up(tmp_path / "home") as hem:
        for batch in batches(landlord.year(300), 100):
            answers = await hem.publish(batch)
            assert {answer["status"] for answer in answers} <= {"accepted", "duplicate"}, answers

        await settled(hem, landlord.made)
        offers = await hem.offers()
        figure = await hem.figure()
        assert len(offers) > 100

        # The same figure by every way out.
        listed = json.loads(await hem.cli("goals", "--json", "--period", "2019"))
        [own] = [f for f in listed if (f["goal"], f["area"]) == (GOAL, "oxnehaga")]
        assert same(own, figure)

        async def gauges() -> bool:
            text = (await hem.client.get("/metrics")).text
            of = rf'(?=[^}}]*area="oxnehaga")(?=[^}}]*goal="{GOAL}")'
            found = re.findall(rf"hem_goal_(numerator|denominator)\{{{of}[^}}]*\}} (\S+)", text)
            return {name: float(value) for name, value in found} == {
                "numerator": figure["numerator"],
                "denominator": figure["denominator"],
            }

        await eventually("the gauges", gauges)
        page = (await hem.client.get("/", params={"period": "2019"}, headers={"Accept": "text/html"})).text
        assert f"{figure['numerator']} av {figure['denominator']}" in page

        # And from the figure to the events behind it.
        roles: dict[str, int] = {}
        address: str | None = f"/api/goals/{GOAL}/events?period=2019&area=oxnehaga"
        while address:
            answer = (await hem.client.get(address)).json()
            for event in answer["events"]:
                roles[event["role"]] = roles.get(event["role"], 0) + 1
            address = answer["next"]
        assert (roles["numerator"], roles["denominator"]) == (figure["numerator"], figure["denominator"])

        # A second start keeps everything.
        ended = await hem.stop()
        assert "Stopped" in ended
        await hem.start()

        async def as_before() -> bool:
            return same(await hem.figure(), figure)

        await eventually("the same figure after a restart", as_before)
        assert sorted(await hem.offers()) == sorted(offers)

        # And a rebuild gives the same.
        await hem.cli("rebuild", "reporting")
        await eventually("the same figure after a rebuild", as_before)


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two figures are one, whenever they were asked for."""
    return one | {"as_of": ""} == other | {"as_of": ""}
