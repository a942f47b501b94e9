"""What may be wrong with what has come, and with what hasn't."""

from collections.abc import Callable

from fastapi import Request, Response
from starlette.exceptions import HTTPException

from services.chassis.web import Ctx, Permission, Router, page, translations, visitor
from services.reporting.domain.quality import Kind, interval_of
from services.reporting.routes.asking import only_for_staff
from services.reporting.routes.names import short_type
from services.reporting.service import quality
from services.reporting.service.projection import LATE
from services.reporting.service.shelf import in_force

router = Router()
FEW = 5
"""Who may not see single events is told of this many or more; of fewer, only that."""


@router.get("/quality", permission=Permission.FIGURES)
async def show_quality(request: Request, ctx: Ctx) -> Response:
    """What there is to mend, by system; which systems are silent; pauses."""
    only_for_staff(request, ctx)
    async with ctx.db.transaction() as tx:
        goals = await in_force(ctx, tx.connection)
        measured = {type for goal in goals for types in goal.events.values() for type in types}
        found = await quality.overview(tx.connection, measured, tx.now())
    who = visitor(request)
    pauses = [(system.source, gap) for system in found.systems for gap in system.gaps]
    return page(
        request,
        "quality.html",
        found=found,
        pauses=sorted(pauses, key=lambda one: (one[1].until is not None, -one[1].after.toordinal())),
        looked_at=quality.LOOKED_AT,
        late_days=LATE.days,
        few=FEW,
        may_see_events=who.may(Permission.EVENTS),
        may_operate=who.may(Permission.OPERATE),
        short=short_type,
        often=_often(request),
        usually=_usually(request),
        crumbs=[(_("Goals", request), "/")],
    )


@router.get("/quality/{kind}", permission=Permission.EVENTS)
async def show_findings(
    request: Request, ctx: Ctx, kind: str, source: str | None = None, field: str | None = None
) -> Response:
    """The events in which something was found, one by one."""
    if kind not in set(Kind):
        raise HTTPException(404)
    async with ctx.db.transaction() as tx:
        found, more = await quality.of_kind(tx.connection, Kind(kind), source or None, field or None)
    return page(
        request,
        "quality_events.html",
        kind=kind,
        source=source,
        found=found,
        more=more,
        short=short_type,
        crumbs=[(_("Goals", request), "/"), (_("Data quality", request), "/quality")],
    )


def _often(request: Request) -> Callable[[str | None], str]:
    """An agreed interval in words."""
    texts = translations(request)

    def written(interval: str | None) -> str:
        if interval is None:
            return "–"
        gap = interval_of(interval)
        if gap.days:
            return texts.ngettext("at least every day", "at least every {n} days", gap.days).format(n=gap.days)
        hours = gap.seconds // 3600
        return texts.ngettext("at least every hour", "at least every {n} hours", hours).format(n=hours)

    return written


def _usually(request: Request) -> Callable[[float], str]:
    """How often a system used to be heard, in words."""
    texts = translations(request)

    def written(days: float) -> str:
        whole = max(round(days), 1)
        said = texts.ngettext("It used to be heard every day.", "It used to be heard about every {n} days.", whole)
        return said.format(n=whole)

    return written


def _(message: str, request: Request) -> str:
    return translations(request).gettext(message)
