"""How a request names what it asks for: a goal, a period, a day to see it as it was. What isn't there names what is."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time
from typing import Any

from fastapi import Request
from starlette.exceptions import HTTPException

from services.chassis.clock import STOCKHOLM
from services.chassis.context import Context
from services.chassis.web import language, problem, translations
from services.chassis.web.words import N_
from services.reporting.audience import Audience, audience_of
from services.reporting.definitions import Goal, Goals
from services.reporting.domain.periods import Period, UnknownPeriod
from services.reporting.exports.footnotes import Words
from services.reporting.service.shapes import UnknownSlice

PERIODS_AT_MOST = 24
NO_SLICE = {
    "measure": N_("There is no such measure"),
    "area": N_("There is no such area"),
    "breakdown": N_("There is no such breakdown"),
}


class Wrong(Exception):
    """A request that can't be answered: the problem that says why, and what exists instead."""

    def __init__(self, status: int, slug: str, title: str, detail: str, **extra: Any) -> None:
        super().__init__(detail)
        self.status, self.title = status, title
        self.instead: list[str] = next((value for value in extra.values() if isinstance(value, list)), [])
        self.answer = problem(status, slug, title, detail, **extra)


def as_page(wrong: Wrong, request: Request) -> HTTPException:
    """The same for people: what isn't there, in their language, and what is."""
    text = translations(request).gettext
    said = text(wrong.title)
    if wrong.instead:
        said = text(N_("{what}. Choose among: {names}.")).format(what=said, names=", ".join(wrong.instead))
    return HTTPException(wrong.status, said)


def only_for_staff(request: Request, ctx: Context) -> None:
    """Refuses whoever sees published figures only: what is counted now, one by one, isn't for them."""
    if audience_of(request, ctx) is not Audience.STAFF:
        raise HTTPException(401, N_("This page is for people who work with it."))


def words(request: Request) -> Words:
    """The reader's language."""
    return Words(language(request), translations(request).gettext)


def goal_of(goals: Goals, id: str) -> Goal:
    """Raises `Wrong` naming the goals there are."""
    goal = goals.by_id.get(id)
    if goal is None:
        known = sorted(goals.by_id)
        raise Wrong(404, "unknown-goal", N_("There is no such goal"), f"There is {among(known)}.", goals=known)
    return goal


def goals_asked_for(request: Request, goals: Goals) -> list[Goal]:
    """Those that `goal` names, once or more; all where it names none. Raises `Wrong`."""
    asked = [id for id in request.query_params.getlist("goal") if id]
    return [goal_of(goals, id) for id in dict.fromkeys(asked)] if asked else list(goals)


def periods_of(request: Request, years: Sequence[int], default: Period) -> list[Period]:
    """The periods asked for, each once, or the default. `years`: those with data. Raises `Wrong`."""
    asked = dict.fromkeys(text for text in request.query_params.getlist("period") if text)
    if not asked:
        return [default]
    exist = [str(year) for year in years]
    if len(asked) > PERIODS_AT_MOST:
        raise Wrong(
            400, "too-many-periods", N_("That is too many periods"), f"Ask for {PERIODS_AT_MOST} at most at a time.",
            periods=exist,
        )  # fmt: skip
    try:
        return [Period.parse(text) for text in asked]
    except UnknownPeriod as error:
        raise Wrong(400, "unknown-period", N_("There is no such period"), f"{error}.", periods=exist) from error


def as_of(request: Request, ctx: Context) -> datetime | None:
    """The moment that `as_of` names: the end of a day in Sweden, or a moment with its offset. None: now.

    Raises `Wrong` for what is neither, or hasn't come yet.
    """
    text = request.query_params.get("as_of")
    if not text:
        return None
    try:
        found = _moment(text)
    except ValueError as error:
        detail = "Write a day, 2020-03-01, or a moment with its offset, 2020-03-01T12:00:00+01:00."
        raise Wrong(400, "unknown-moment", N_("There is no such day"), detail) from error
    if found.astimezone(STOCKHOLM).date() > ctx.clock.now().astimezone(STOCKHOLM).date():
        raise Wrong(400, "not-yet", N_("That day hasn't come yet"), "Leave as_of out for the figures as they are now.")
    return min(found, ctx.clock.now())


def _moment(text: str) -> datetime:
    try:
        return datetime.combine(date.fromisoformat(text), time(23, 59, 59), STOCKHOLM)
    except ValueError:
        found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError("an offset is needed")
    return found


def parameter(request: Request, name: str, *, allowed: Iterable[str]) -> str | None:
    """The value of a query parameter, None when absent or empty. Raises `Wrong` for a parameter nobody declared."""
    known = sorted(allowed)
    unknown = sorted(request.query_params.keys() - {*known, "lang"})
    if unknown:
        detail = f"{', '.join(unknown)} can't be asked for here; these can: {', '.join(known)}."
        raise Wrong(400, "unknown-parameter", N_("A parameter isn't known"), detail, parameters=known)
    return request.query_params.get(name) or None


@contextmanager
def told() -> Iterator[None]:
    """Turns an unknown measure, area or value of another dimension into the problem that names those there are."""
    try:
        yield
    except UnknownSlice as error:
        what = next((what for what in NO_SLICE if str(error).startswith(f"there is no {what} ")), "breakdown")
        detail = f"There is {among(error.known)}."
        raise Wrong(404, f"unknown-{what}", NO_SLICE[what], detail, **{f"{what}s": error.known}) from error


def among(names: list[str]) -> str:
    return ", ".join(names) if names else "none yet"
