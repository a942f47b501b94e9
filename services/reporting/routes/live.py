"""Live figures: what has changed on a page that is looked at, as server-sent events, for those who see figures live."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.exceptions import HTTPException

from services.chassis.context import Context
from services.chassis.transaction import Transaction
from services.chassis.web import Ctx, Permission, Router, language
from services.chassis.web.shell import shell
from services.reporting.audience import Audience, audience_of
from services.reporting.repository import governance
from services.reporting.repository import notes as noted
from services.reporting.routes import goals
from services.reporting.routes.asking import Wrong, as_page, goal_of, told
from services.reporting.routes.choosing import period_and_years
from services.reporting.routes.goal_page import picture_of
from services.reporting.routes.rows import key_of, row_of
from services.reporting.service import notes, reading
from services.reporting.service.shelf import in_force
from services.reporting.written import Written

router = Router()
LOOK_EVERY = 1.0
"""Seconds between two looks at how far the figures have come."""
ENDS_AFTER = 900
"""Looks, after which a stream ends: the browser comes again, and may have been signed out meanwhile."""
READERS_AT_MOST = 200
PAGES_KEPT = 50


@dataclass(frozen=True, slots=True)
class Fragment:
    """A part of a page as it is now. `said`: what a screen reader is told when it changes; empty: nothing."""

    html: str
    said: str


Fragments = Mapping[str, Fragment]
"""The parts of a page that can change, by the `data-figure` they stand in."""


@dataclass(slots=True)
class Screens:
    """The pages that are looked at, each counted once for all who look at it, and only when something has come in."""

    readers: int = 0
    counted: dict[str, tuple[str, Fragments]] = field(default_factory=dict)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def of(self, request: Request, ctx: Context, mark: str) -> Fragments:
        """The fragments of the page that the request names, as of `mark`."""
        page = f"{language(request)} {request.url.query}"
        async with self.lock:
            known = self.counted.pop(page, None)
            if known is None or known[0] != mark:
                known = (mark, await _fragments(request, ctx, mark))
            self.counted[page] = known  # the one asked for last is last
            while len(self.counted) > PAGES_KEPT:
                del self.counted[next(iter(self.counted))]
        return known[1]


async def _who_may(request: Request, ctx: Ctx) -> Screens:
    """Refuses, before the stream begins, whoever sees published figures only; and one reader too many."""
    if audience_of(request, ctx) is not Audience.STAFF:
        raise HTTPException(403)
    screens: Screens | None = getattr(request.app.state, "screens", None)
    if screens is None:
        screens = request.app.state.screens = Screens()
    if screens.readers >= READERS_AT_MOST:
        raise HTTPException(503)
    try:
        await screens.of(request, ctx, await _mark(ctx))
    except Wrong as wrong:
        raise as_page(wrong, request) from wrong
    return screens


@router.get("/live", permission=Permission.FIGURES, response_class=EventSourceResponse)
async def watch(
    request: Request, ctx: Ctx, screens: Annotated[Screens, Depends(_who_may)]
) -> AsyncIterator[ServerSentEvent]:
    """The parts of a page that change, from when they change. `since`: the mark of what the reader has before them.

    Whoever comes back, or comes with an older page, is first sent all parts as they are now.
    """
    has = request.headers.get("last-event-id") or request.query_params.get("since")
    screens.readers += 1
    try:
        shown: Fragments = {}
        for look in range(ENDS_AFTER):
            if look:
                await asyncio.sleep(LOOK_EVERY)
            mark = await _mark(ctx)
            fragments = await screens.of(request, ctx, mark)
            changed = {key: part for key, part in fragments.items() if shown.get(key) != part}
            if (look or has != mark) and changed:
                said = [{"key": key, "html": part.html, "said": part.said} for key, part in changed.items()]
                yield ServerSentEvent(data=said, event="figures", id=mark)
            shown = fragments
    finally:
        screens.readers -= 1


async def _mark(ctx: Context) -> str:
    async with ctx.db.transaction() as tx:
        return await noted.mark(tx.connection, tx.now())


async def _fragments(request: Request, ctx: Context, mark: str) -> Fragments:
    """Raises `Wrong`."""
    say = Written.of(request)
    cells: Any = shell(request).environments[say.language].get_template("cells.html").module
    async with ctx.db.transaction() as tx:
        if request.query_params.get("goal"):
            return await _of_goal(request, ctx, tx, say, cells)
        choice = await goals.choice_of(request, ctx, tx, Audience.STAFF, also=("since",))
        landlord = await governance.landlord(tx.connection)
        sections = await goals.chosen(ctx, tx, Audience.STAFF, choice, landlord=landlord, say=say, mark=mark)
    return {
        f"{section.id}/{row.key}": Fragment(str(cells.line(row, row.title)), row.said)
        for section in choice.shown(sections)
        for row in section.rows
    }


async def _of_goal(request: Request, ctx: Context, tx: Transaction, say: Written, cells: Any) -> Fragments:
    known = await in_force(ctx, tx.connection)
    goal = goal_of(known, request.query_params["goal"])
    measure, area = (request.query_params.get(name) or None for name in ("measure", "area"))
    period, _ = await period_and_years(request, ctx, tx, Audience.STAFF)
    [report] = await reading.read(ctx, tx, Audience.STAFF, [goal], period)
    with told():
        figure = report.of(measure, area)
    said = notes.applying(await noted.standing(tx.connection, [goal.id], tx.now()), area)
    _, wide, narrow = picture_of(figure, said, say)
    titles = goal.text(say.language).measures
    rows = [(row_of(m.company, say), m.measure.id) for m in report.measures]
    key = key_of(figure)
    return {
        key: Fragment(str(cells.large(figure, say)), row_of(figure, say).said),
        f"{key}#chart": Fragment(wide + narrow, ""),
        **{
            f"{row.key}#row": Fragment(str(cells.line(row, titles[id].title, id == figure.measure.id)), "")
            for row, id in rows
        },
    }
