"""What has been published, period by period; and how staff publish, approve, close and restate."""

from collections.abc import Iterable
from dataclasses import dataclass

from fastapi import Request, Response
from fastapi.responses import RedirectResponse
from starlette.exceptions import HTTPException

from services.chassis.clock import local_date
from services.chassis.context import Context
from services.chassis.transaction import Transaction
from services.chassis.web import Ctx, Permission, Router, page, translations, visitor
from services.chassis.web.words import N_
from services.reporting.definitions import Goals
from services.reporting.domain.figures import Status
from services.reporting.domain.periods import Period, UnknownPeriod
from services.reporting.domain.publication import REASONS, Publication, Reason, Signature
from services.reporting.domain.tables import quarter_of
from services.reporting.repository import publications as repository
from services.reporting.service import figures, publications, publishing
from services.reporting.service.publications import Change, Refused
from services.reporting.service.shelf import in_force

router = Router()
YEARS = 6
"""How far back figures can be published."""
WHY: dict[Reason, str] = {
    "late_events": N_("events came late"),
    "corrected_events": N_("events were corrected"),
    "definition_changed": N_("another definition"),
    "source_revised": N_("an official series was revised"),
    "error": N_("a fault of ours"),
    "other": N_("another reason"),
}
REFUSED = {
    "not_over": N_("The period isn't over yet."),
    "no_reason": N_("The period is closed: say why its figures change."),
    "not_closed": N_("The period isn't closed: publish it again, without a reason."),
    "nothing_new": N_("Nothing that may be told has changed since it was published."),
    "not_published": N_("The period hasn't been published."),
    "approved": N_("It has been approved already."),
    "closed": N_("It has been closed already."),
    "not_sure": N_("Say that you are sure."),
}
DONE = {
    "published": N_("It is published."),
    "approved": N_("It is approved."),
    "closed": N_("It is closed: its figures stay as they are."),
}


@dataclass(frozen=True, slots=True)
class Line:
    """A period in the list. `latest`: its latest publication, if any; `closed`: who closed it."""

    period: Period
    latest: Publication | None
    closed: Signature | None


@router.get("/publications", permission=Permission.PUBLIC)
async def show_publications(request: Request, ctx: Ctx) -> Response:
    """What has been published; for those who publish also what could be."""
    async with ctx.db.transaction() as tx:
        made = await repository.everything(tx.connection)
        closed = await repository.closed(tx.connection)
        years = await _years(ctx, tx) if visitor(request).may(Permission.RELEASE) else []
        today = local_date(tx.now())
    latest = {publication.period: publication for publication in sorted(made, key=lambda p: p.number)}
    wanted = {*latest, *(p for year in years for p in _periods_of(year) if p.is_over(today))}
    lines = [Line(p, latest.get(p), closed.get(p.label)) for p in sorted(wanted, key=_latest_first)]
    by_year: dict[int, list[Line]] = {}
    for line in lines:
        by_year.setdefault(line.period.first.year, []).append(line)
    return page(request, "publications.html", years=by_year)


@router.get("/publications/{label}", permission=Permission.PUBLIC)
async def show_publication(request: Request, ctx: Ctx, label: str) -> Response:
    """The publications of one period: when, who stands behind them, and what was changed afterwards."""
    return await _show(request, ctx, _period(label), DONE.get(request.query_params.get("done", "")))


@router.get("/publications/{label}/draft", permission=Permission.RELEASE)
async def show_draft(request: Request, ctx: Ctx, label: str) -> Response:
    """What a publication would tell, hide and change, before it is made."""
    return await _draft(request, ctx, _period(label), None)


@router.post("/publications/{label}/publish", permission=Permission.RELEASE)
async def publish(request: Request, ctx: Ctx, label: str) -> Response:
    """Makes the figures public; with a reason, those of a closed period anew."""
    period, form = _period(label), await request.form()
    reason = next((one for one in REASONS if one == form.get("reason")), None)
    if not form.get("sure"):
        return await _draft(request, ctx, period, "not_sure")
    by, role = _signed(request)
    try:
        async with ctx.db.transaction() as tx:
            goals = await in_force(ctx, tx.connection)
            await publications.publish(tx, goals, period, by=by, role=role, reason=reason)
    except Refused as refused:
        return await _draft(request, ctx, period, refused.why)
    return RedirectResponse(f"/publications/{period.label}?done=published", 303)


@router.post("/publications/{label}/approve", permission=Permission.RELEASE)
async def approve(request: Request, ctx: Ctx, label: str) -> Response:
    """Whoever is signed in stands behind the latest publication."""
    period = _period(label)
    by, role = _signed(request)
    try:
        async with ctx.db.transaction() as tx:
            await publications.approve(tx, period, by=by, role=role)
    except Refused as refused:
        return await _show(request, ctx, period, None, refused.why)
    return RedirectResponse(f"/publications/{period.label}?done=approved", 303)


@router.post("/publications/{label}/close", permission=Permission.RELEASE)
async def close(request: Request, ctx: Ctx, label: str) -> Response:
    """The period's figures stay as they are: what changes is a restatement."""
    period = _period(label)
    by, role = _signed(request)
    try:
        async with ctx.db.transaction() as tx:
            await publications.close(tx, period, by=by, role=role)
    except Refused as refused:
        return await _show(request, ctx, period, None, refused.why)
    return RedirectResponse(f"/publications/{period.label}?done=closed", 303)


@dataclass(frozen=True, slots=True)
class Edition:
    """A publication and what it told otherwise than the one before."""

    publication: Publication
    changes: list[Change]
    why: str | None


async def _show(
    request: Request, ctx: Context, period: Period, done: str | None, refused: str | None = None
) -> Response:
    text = translations(request).gettext
    async with ctx.db.transaction() as tx:
        goals = await in_force(ctx, tx.connection)
        editions = [
            Edition(
                publication,
                await publications.changes_of(tx.connection, publication) if publication.number > 1 else [],
                text(WHY[publication.reason]) if publication.reason else None,
            )
            for publication in await publications.publications_of(tx.connection, period)
        ]
        closed = (await repository.closed(tx.connection)).get(period.label)
        is_over = period.is_over(local_date(tx.now()))
    if not editions and not visitor(request).may(Permission.RELEASE):
        raise HTTPException(404)
    return page(
        request,
        "publication.html",
        409 if refused else 200,
        period=period,
        editions=list(reversed(editions)),
        closed=closed,
        is_over=is_over,
        measured=_Measured(request, goals),
        done=text(done) if done else None,
        refused=text(REFUSED[refused]) if refused else None,
        crumbs=[(text(N_("Publications")), "/publications")],
    )


async def _draft(request: Request, ctx: Context, period: Period, refused: str | None) -> Response:
    text = translations(request).gettext
    async with ctx.db.transaction() as tx:
        goals = await in_force(ctx, tx.connection)
        made = await publications.publications_of(tx.connection, period)
        is_closed = period.label in await repository.closed(tx.connection)
        is_over = period.is_over(local_date(tx.now()))
        draft = await publishing.make(tx.connection, goals, period, tx.now(), len(made) + 1) if is_over else None
    rows = draft.rows if draft else []
    return page(
        request,
        "publication_draft.html",
        409 if refused else 200,
        period=period,
        number=len(made) + 1,
        is_closed=is_closed,
        is_over=is_over,
        told=sum(row.shown and row.content.told_status is not Status.NO_DATA for row in rows),
        empty=sum(row.shown and row.content.told_status is Status.NO_DATA for row in rows),
        hidden=sum(not row.shown for row in rows),
        deferred=sum(row.shown and row.content.deferred for row in rows),
        changes=publications.changes(rows),
        reasons=[(reason, text(WHY[reason])) for reason in REASONS],
        measured=_Measured(request, goals),
        refused=text(REFUSED[refused]) if refused else None,
        crumbs=[(text(N_("Publications")), "/publications"), (period.label, f"/publications/{period.label}")],
    )


class _Measured:
    """What a changed figure is called, in the reader's language."""

    def __init__(self, request: Request, goals: Goals) -> None:
        self.request, self.goals = request, goals

    def title(self, change: Change, language: str) -> str:
        goal = self.goals.by_id.get(change.goal)
        if goal is None:
            return change.goal
        texts = goal.text(language)
        several = len(goal.measures) > 1 and change.measure in texts.measures
        return f"{texts.title}, {texts.measures[change.measure].title}" if several else texts.title

    def unit(self, change: Change) -> str:
        goal = self.goals.by_id.get(change.goal)
        found = [measure.unit for measure in goal.measures if measure.id == change.measure] if goal else []
        return " %" if found == ["%"] else ""


async def _years(ctx: Context, tx: Transaction) -> list[int]:
    years, _default = await figures.periods(tx.connection, await in_force(ctx, tx.connection), tx.now())
    return sorted(years, reverse=True)[:YEARS]


def _periods_of(year: int) -> Iterable[Period]:
    whole = Period.year(year)
    months = list(whole.months())
    return [whole, *dict.fromkeys(quarter_of(month) for month in months), *months]


def _latest_first(period: Period) -> tuple[int, int, int]:
    """Years before their quarters, quarters before their months."""
    months = len(list(period.months()))
    return (
        -period.first.year,
        -((period.last.month + 2) // 3) if months < 12 else -5,
        -months * 100 - period.first.month,
    )


def _period(label: str) -> Period:
    try:
        return Period.parse(label)
    except UnknownPeriod as error:
        raise HTTPException(404) from error


def _signed(request: Request) -> tuple[str, str]:
    """The name and the role that the session shows."""
    who = visitor(request)
    held = sorted(role.value for role in who.roles)
    return who.name or "", " ".join(held)
