"""Whether a page helped: one event for each showing of a page, which nobody but our own pages can ask for."""

import re

import pytest

from schemas.gateway import PageRated
from services.chassis.testkit import Bus, MovableClock, Start
from services.chassis.web.rating import seal_rating
from services.gateway.app import service
from services.gateway.routes import ratings

PAGE = {"accept": "text/html"}


async def test_a_rating_is_one_event_that_the_same_showing_corrects(start: Start, bus: Bus) -> None:
    gateway = await start(service)
    token = seal_rating(gateway.settings, "/goals/page-helpful")
    came = {**PAGE, "referer": "http://127.0.0.1:8000/goals/page-helpful?period=2019"}
    answer = await gateway.client.post("/rate", data={"token": token, "helpful": "yes"}, headers=came)
    assert (answer.status_code, answer.headers.get("set-cookie")) == (200, None)
    assert 'href="/goals/page-helpful?period=2019"' in answer.text
    assert "Tack" in answer.text
    await gateway.client.post("/rate", data={"token": token, "helpful": "no"})
    first, second = sorted(await bus.expect(PageRated, 2), key=lambda event: event.sequence or 0)
    assert (first.data.page, first.data.was_helpful) == ("/goals/page-helpful", True)
    assert (second.data.page, second.data.was_helpful) == ("/goals/page-helpful", False)
    assert first.data.rating_id == second.data.rating_id


async def test_only_our_own_pages_are_rated(start: Start, bus: Bus) -> None:
    gateway = await start(service)
    genuine = seal_rating(gateway.settings, "/goals/page-helpful") or ""
    for token in ("", "made-up", re.sub("^.", "X", genuine), genuine[:-2]):
        answer = await gateway.client.post("/rate", data={"token": token, "helpful": "yes"})
        assert answer.status_code in {400, 422}
    assert await bus.events(PageRated) == []
    assert seal_rating(gateway.settings, "/subjects/T1") is None, "an address with more in it than a page's name"


async def test_so_many_a_minute_and_no_more(
    start: Start, bus: Bus, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ratings, "A_MINUTE", 2)
    gateway = await start(service)
    said = []
    for _ in range(3):
        token = seal_rating(gateway.settings, "/")
        said.append((await gateway.client.post("/rate", data={"token": token, "helpful": "yes"})).status_code)
    assert said == [200, 200, 429]
