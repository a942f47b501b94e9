"""The list of alerts, for people and for programs. It says what was seen, and never a figure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from babel.dates import format_timedelta
from fastapi import Request, Response
from fastapi.responses import JSONResponse

from services.chassis.web import Ctx, Permission, Router, language, page, translations
from services.chassis.web.words import N_
from services.reporting import alert_rules
from services.reporting.definitions import Goals, load
from services.reporting.domain.alerts import Thing
from services.reporting.exports.tables import moment
from services.reporting.repository import alerts as repository
from services.reporting.repository import governance
from services.reporting.repository.alerts import Alert
from services.reporting.routes.asking import Wrong, as_page, goal_of, only_for_staff, parameter
from services.reporting.service.shelf import in_force

router = Router()
PAGE = 50
PAGE_AT_MOST = 500
STANDING: Mapping[str, bool | None] = {"yes": True, "no": False, "all": None}
RULES = alert_rules.load(load().by_id)


@dataclass(frozen=True, slots=True)
class Row:
    """One alert on the page. `place`: the area, or the value of another dimension."""

    name: str
    title: str
    place: str | None
    says: str
    todo: str
    period: str
    address: str
    raised_at: datetime
    cleared_at: datetime | None


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks for: the alerts that stand, of a goal, from a place in the list on."""

    standing: bool | None
    goal: str | None
    after: tuple[datetime, str] | None
    limit: int

    @staticmethod
    def by(request: Request, goals: Goals, default: str) -> "Asked":
        """Raises `Wrong`."""
        allowed = {"standing", "goal", "cursor", "limit"}
        standing = parameter(request, "standing", allowed=allowed) or default
        goal, query = request.query_params.get("goal") or None, request.query_params
        if goal is not None:
            goal_of(goals, goal)
        try:
            limit = int(query.get("limit") or PAGE)
            if standing not in STANDING or not 1 <= limit <= PAGE_AT_MOST:
                raise ValueError("standing or limit")
            return Asked(STANDING[standing], goal, _place(query.get("cursor")), limit)
        except (ValueError, OverflowError) as error:
            detail = (
                f"standing is yes, no or all; limit is a number from 1 to {PAGE_AT_MOST}; "
                "cursor comes from next of the page before."
            )
            raise Wrong(400, "unknown-page", N_("There is no such page of alerts"), detail) from error


def _place(text: str | None) -> tuple[datetime, str] | None:
    if not text:
        return None
    raised, _, id = text.partition("~")
    found = datetime.fromisoformat(raised)
    if not id or found.tzinfo is None:
        raise ValueError("cursor")
    return found, id


@router.get("/alerts", permission=Permission.FIGURES)
async def show_alerts(request: Request, ctx: Ctx) -> Response:
    """The alerts that stand, the latest first; or those that have been cleared, or all."""
    only_for_staff(request, ctx)
    try:
        async with ctx.db.transaction() as tx:
            goals = await in_force(ctx, tx.connection)
            asked = Asked.by(request, goals, "yes")
            found, next = await _found(request, tx.connection, asked)
            landlord = await governance.landlord(tx.connection)
    except Wrong as wrong:
        raise as_page(wrong, request) from wrong
    text, tongue = translations(request).gettext, language(request)
    names = {area.id: landlord.name_of(area.id, ctx.clock.now().date()) for area in landlord.areas}
    return page(
        request,
        "alerts.html",
        rows=[_row(alert, goals, names, tongue) for alert in found],
        next=next,
        standing=asked.standing,
        goal=None if asked.goal is None else goal_of(goals, asked.goal).text(tongue).title,
        all_goals=f"?{urlencode({'standing': _word(asked.standing)})}",
        choices=[
            (f"?{_query(request, standing=word)}", name, STANDING[word] is asked.standing)
            for word, name in (("yes", text(N_("Standing"))), ("no", text(N_("Cleared"))), ("all", text(N_("All"))))
        ],
        rules=[_rule(file, tongue) for file in RULES.by_id.values()],
        crumbs=[(text(N_("Goals")), "/")],
    )


@router.get("/api/v1/alerts", permission=Permission.FIGURES)
async def list_alerts(request: Request, ctx: Ctx) -> Response:
    """The same for programs: all alerts, those that stand too; `next` is the address of the following page, or null."""
    only_for_staff(request, ctx)
    try:
        async with ctx.db.transaction() as tx:
            asked = Asked.by(request, await in_force(ctx, tx.connection), "all")
            found, next = await _found(request, tx.connection, asked)
    except Wrong as wrong:
        return wrong.answer
    return JSONResponse({"alerts": [_as_json(alert) for alert in found], "next": next})


async def _found(request: Request, connection: Any, asked: Asked) -> tuple[list[Alert], str | None]:
    """A page of alerts, and the address of the next."""
    found = await repository.alerts(
        connection, standing=asked.standing, goal=asked.goal, after=asked.after, limit=asked.limit + 1
    )
    kept = list(found[: asked.limit])
    if len(found) <= asked.limit:
        return kept, None
    last = kept[-1]
    return kept, f"{request.url.path}?{_query(request, cursor=f'{last.raised_at.isoformat()}~{last.id}')}"


def _query(request: Request, **changed: str) -> str:
    """The request's own query with something changed; a new choice begins at the first page."""
    kept = {k: v for k, v in request.query_params.items() if v and k != "cursor"}
    return urlencode({**kept, **changed})


def _word(standing: bool | None) -> str:
    return next(word for word, value in STANDING.items() if value is standing)


def _row(alert: Alert, goals: Goals, names: Mapping[str, str], tongue: str) -> Row:
    thing, file = alert.thing, RULES.by_id.get(alert.rule)
    goal = goals.by_id.get(thing.goal)
    texts = file.text(tongue) if file else None
    return Row(
        name=texts.title if texts else alert.rule,
        title=goal.text(tongue).title if goal else thing.goal,
        place=names.get(thing.area, thing.area) if thing.area else thing.value or None,
        says=texts.says if texts else "",
        todo=texts.todo if texts else "",
        period=thing.period,
        address=_address(thing),
        raised_at=alert.raised_at,
        cleared_at=alert.cleared_at,
    )


def _address(thing: Thing) -> str:
    query = {"period": thing.period, "measure": thing.measure, **({"area": thing.area} if thing.area else {})}
    return f"/goals/{quote(thing.goal)}?{urlencode(query)}"


def _rule(file: alert_rules.RuleFile, tongue: str) -> dict[str, str]:
    texts = file.text(tongue)

    def written(wait: timedelta) -> str:
        return format_timedelta(wait, threshold=2, locale=tongue)

    return {
        "title": texts.title,
        "says": texts.says,
        "raise_after": written(file.raise_after),
        "clear_after": written(file.clear_after),
    }


def _as_json(alert: Alert) -> dict[str, Any]:
    return {
        "alert": alert.id,
        "rule": alert.rule,
        "goal": alert.thing.goal,
        "measure": alert.thing.measure,
        "period": alert.thing.period,
        "dimensions": alert.thing.of or {},
        "raised_at": moment(alert.raised_at),
        "cleared_at": None if alert.cleared_at is None else moment(alert.cleared_at),
    }
