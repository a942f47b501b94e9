"""The life of one subject: its events in order, and from each to the figures it touches."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any
from urllib.parse import urlencode

from babel.dates import format_datetime, format_timedelta
from fastapi import Request, Response
from starlette.exceptions import HTTPException

from services.chassis.clock import STOCKHOLM
from services.chassis.web import Ctx, Permission, Router, page
from services.chassis.web.words import N_
from services.reporting.definitions import Goal
from services.reporting.definitions.measures import AnyMeasure
from services.reporting.domain.facts import Fact
from services.reporting.domain.figures import UNKNOWN_AREA
from services.reporting.domain.landlord import Landlord
from services.reporting.domain.periods import Period
from services.reporting.repository import governance
from services.reporting.routes.names import area_called, short_type
from services.reporting.service.life import Effect, Happened, life
from services.reporting.service.shelf import in_force
from services.reporting.written import Written

router = Router()
NOT_SHOWN_FIELDS = frozenset({"tenant_ref", "transferred_from", "building_id", "dwelling_id", "candidate_ref"})


@dataclass(frozen=True, slots=True)
class Told:
    """An effect in words, with the page of the figure it is about."""

    change: str
    title: str
    address: str


@dataclass(frozen=True, slots=True)
class Step:
    """One event: how long after the one before, what it said, what it did to each figure."""

    fact: Fact
    after: str | None
    fields: list[tuple[str, Any]]
    effects: list[Told]
    read_by: list[tuple[str, str]]


@router.get("/subjects/{subject:path}", permission=Permission.EVENTS)
async def show_subject(request: Request, ctx: Ctx, subject: str) -> Response:
    """Everything that has been published about a subject, and what each event did to the goals."""
    async with ctx.db.transaction() as tx:
        found = await life(tx.connection, await in_force(ctx, tx.connection), subject)
        landlord = await governance.landlord(tx.connection)
    if found is None:
        raise HTTPException(404)
    say = Written.of(request)
    return page(
        request,
        "subject.html",
        subject=subject,
        steps=_steps(found.happened, landlord, say),
        counts_in=[_told(effect, landlord, say) for effect in found.counts_in],
        events=found.events,
        shown=len(found.happened),
        short=short_type,
        moment=moment_in(say),
        crumbs=[(say.say("Goals"), "/")],
    )


def moment_in(say: Written) -> Callable[[datetime], str]:
    """Writes a moment to the second, Swedish time."""

    def written(moment: datetime) -> str:
        return str(format_datetime(moment.astimezone(STOCKHOLM), "yyyy-MM-dd HH:mm:ss", locale=say.language))

    return written


def _steps(happened: Sequence[Happened], landlord: Landlord, say: Written) -> list[Step]:
    steps = []
    for number, one in enumerate(happened):
        gap = one.fact.time - happened[number - 1].fact.time if number else None
        effects = [_told(effect, landlord, say) for effect in one.effects]
        steps.append(Step(one.fact, _gap(gap, say), _fields(one.fact.data), effects, _read_by(one, say)))
    return steps


def _read_by(one: Happened, say: Written) -> list[tuple[str, str]]:
    """(goal and measure, the page of its figure) of what reads an event without adding it up."""
    year = str(one.fact.data.get("period") or one.fact.time.year)[:4]
    found = []
    for goal, measure in one.read_by:
        title, query = _measure(goal, measure, say)
        found.append((title, f"/goals/{goal.id}?{urlencode({'period': year, **query})}"))
    return found


def _measure(goal: Goal, measure: AnyMeasure, say: Written) -> tuple[str, dict[str, str]]:
    """What a measure is called, and what names it in an address."""
    texts = goal.text(say.language)
    if measure.id == goal.main.id:
        return texts.title, {}
    return f"{texts.title}: {texts.measures[measure.id].title}", {"measure": measure.id}


def _fields(data: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return [
        (name.rstrip("_"), str(value).lower() if isinstance(value, bool) else value)
        for name, value in data.items()
        if name not in NOT_SHOWN_FIELDS and value is not None and value != ()
    ]


def _told(effect: Effect, landlord: Landlord, say: Written) -> Told:
    year = Period.year(effect.year)
    title, named = _measure(effect.goal, effect.measure, say)
    query = {"period": year.label, **named}
    place = say.say(N_("The whole company"))
    if effect.area:
        query["area"] = effect.area if landlord.is_defined(effect.area) else UNKNOWN_AREA
        place = area_called(query["area"], landlord.name_of(effect.area, year.last), say)
    return Told(_change(effect, say), f"{title}, {place} {year.label}", f"/goals/{effect.goal.id}?{urlencode(query)}")


def _change(effect: Effect, say: Written) -> str:
    """`+1 in the numerator, +1 in the denominator`; where there is no denominator the number alone."""
    parts = []
    scale = effect.measure.scale * effect.measure.per
    has_denominator = effect.measure.is_ratio
    if effect.denominator and has_denominator:
        parts.append(say.say(N_("{n} in the denominator"), n=_signed(effect.denominator, scale, say)))
    if effect.numerator:
        words = N_("{n} in the numerator") if has_denominator else "{n}"
        parts.append(say.say(words, n=_signed(effect.numerator, scale, say)))
    return ", ".join(parts) if parts else say.say(N_("counts from another day"))


def _signed(parts: int, scale: int, say: Written) -> str:
    amount = Fraction(parts, scale)
    number = say.formats.number(float(amount), 0 if amount.denominator == 1 else 1)
    return f"+{number}" if amount > 0 else number


def _gap(gap: timedelta | None, say: Written) -> str | None:
    if gap is None:
        return None
    if gap < timedelta(seconds=1):
        return say.say(N_("at once"))
    return say.say(N_("after {gap}"), gap=format_timedelta(gap, locale=say.language, threshold=2))
