"""How each goal is counted, and which goals are measured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from fastapi import Request, Response

from services.chassis.web import Ctx, Permission, Router, language, page
from services.chassis.web.words import N_
from services.reporting.audience import audience_of
from services.reporting.definitions import Goal, Goals
from services.reporting.definitions.measures import WaitData
from services.reporting.domain.landlord import Document
from services.reporting.repository import definitions as repository
from services.reporting.repository import governance
from services.reporting.routes.asking import Wrong, as_page, goal_of
from services.reporting.routes.choosing import period_and_years
from services.reporting.routes.goal_page import UPDATED
from services.reporting.routes.names import short_type
from services.reporting.service.coverage import STATES, Covered, coverage
from services.reporting.service.shapes import swedish
from services.reporting.service.shelf import in_force
from services.reporting.written import Written

router = Router()
KINDS: Mapping[str, str] = {
    "cohort_ratio": N_("share of a cohort: those it was done for, of those that began in the period"),
    "count": N_("count of what happened in the period"),
    "sum": N_("sum over the period"),
    "milestone": N_("milestone: done or not done"),
    "share": N_("share: one sum divided by another"),
    "index": N_("index of a survey: numerator divided by denominator"),
    "stock": N_("stock: what there is at the period's end"),
    "duration": N_("duration: the median of days"),
    "official_statistic": N_("official statistics, as their agency publishes them"),
    "parity": N_("parity: the area's value less the municipality's, within one series"),
    "freshness": N_("freshness: what has been heard in time"),
}
AIMS: Mapping[str, str] = {
    ">": N_("a value to be above"),
    ">=": N_("a value to reach"),
    "<=": N_("a value not to exceed"),
    "increase": N_("to increase"),
    "decrease": N_("to decrease"),
    "done": N_("to be done"),
    "information": N_("nothing: it is followed, without a target"),
}


@dataclass(frozen=True, slots=True)
class Chapter:
    """The goals that one steering document asks for; no title where governance has not told of it."""

    id: str
    title: str | None
    goals: list[Goal]


@dataclass(frozen=True, slots=True)
class Line:
    """A goal on the page of reporting status. `told`: when it is next, and how often."""

    goal: Goal
    state: str
    year: int | None
    heard: datetime | None
    told: list[str]


@router.get("/definitions", permission=Permission.PUBLIC)
async def show_definitions(request: Request, ctx: Ctx) -> Response:
    """Every goal with its definition, by steering document."""
    async with ctx.db.transaction() as tx:
        goals = await in_force(ctx, tx.connection)
        landlord = await governance.landlord(tx.connection)
    chapters = _chapters(goals, landlord.documents, language(request))
    return page(request, "definitions.html", sections=chapters, total=len(goals.by_id))


@router.get("/definitions/{id}", permission=Permission.PUBLIC)
async def show_definition(request: Request, ctx: Ctx, id: str) -> Response:
    """One goal's definition in words, and every version of it as it stood in its file."""
    async with ctx.db.transaction() as tx:
        try:
            goal = goal_of(await in_force(ctx, tx.connection), id)
        except Wrong as wrong:
            raise as_page(wrong, request) from wrong
        versions = await repository.versions(tx.connection, id)
        landlord = await governance.landlord(tx.connection)
    say = Written.of(request)
    return page(
        request,
        "definition.html",
        goal=goal,
        document=next((d for d in landlord.documents if d.id == goal.aim.document), None),
        aim=say.say(AIMS[goal.aim.comparison]),
        frequency=say.say(UPDATED[goal.frequency]),
        dimensions=[say.say(N_("area")) if d == "area" else say.dimension(d) for d in goal.dimensions],
        kinds={kind: say.say(words) for kind, words in KINDS.items()},
        types=goal.events,
        waits=lambda within: _waits(within, say),
        versions=[{"version": number, "text": text, "since": since} for number, text, since in versions],
        short=short_type,
        crumbs=[(say.say("How each goal is counted"), "/definitions")],
    )


@router.get("/status", permission=Permission.PUBLIC)
async def show_status(request: Request, ctx: Ctx) -> Response:
    """Which goals are measured, which have no data, which have stopped; when each is next updated."""
    audience = audience_of(request, ctx)
    async with ctx.db.transaction() as tx:
        goals = await in_force(ctx, tx.connection)
        try:
            period, years = await period_and_years(request, ctx, tx, audience)
        except Wrong as wrong:
            raise as_page(wrong, request) from wrong
        found = await coverage(ctx, tx, audience, goals, period, years=years)
    say = Written.of(request)
    states = [one.state for one in found]
    return page(
        request,
        "status.html",
        period=period,
        years=sorted({*years, period.first.year}),
        counts=[(state, states.count(state)) for state in STATES],
        rows=[_line(one, say) for one in sorted(found, key=lambda c: STATES.index(c.state))],
        crumbs=[(say.say("Goals"), f"/?period={period.first.year}")],
    )


def _chapters(goals: Goals, documents: Sequence[Document], tongue: str) -> list[Chapter]:
    known = {document.id: document for document in documents}
    found: dict[str, list[Goal]] = {}
    for goal in sorted(goals, key=lambda g: swedish(g.text(tongue).title)):
        found.setdefault(goal.aim.document, []).append(goal)
    order = sorted(found, key=lambda id: (id not in known, -known[id].valid_from.toordinal() if id in known else 0, id))
    return [Chapter(id, known[id].title if id in known else None, found[id]) for id in order]


def _waits(within: WaitData, say: Written) -> str:
    """How long is waited for each, in words."""
    if within.months:
        said = say.texts.ngettext("{n} month from its day", "{n} months from its day", within.months)
        return said.format(n=within.months)
    return say.texts.ngettext("{n} day from its day", "{n} days from its day", within.days).format(n=within.days)


def _line(one: Covered, say: Written) -> Line:
    told = [say.say(UPDATED[one.goal.frequency])]
    if one.next_on is not None:
        told.insert(0, say.say(N_("{day} at the earliest"), day=say.day(one.next_on)))
    return Line(one.goal, one.state, one.year, one.heard, told)
