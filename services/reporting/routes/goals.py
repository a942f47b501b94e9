"""The front page, with all goals, and the page of one goal."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from fastapi import Request, Response

from services.chassis.clock import STOCKHOLM
from services.chassis.context import Context
from services.chassis.transaction import Transaction
from services.chassis.web import Ctx, Permission, Router, page
from services.chassis.web.words import N_
from services.reporting.audience import Audience, audience_of
from services.reporting.domain.figures import Status
from services.reporting.domain.landlord import Landlord
from services.reporting.domain.periods import Period
from services.reporting.repository import governance
from services.reporting.repository import notes as noted
from services.reporting.routes.asking import Wrong, as_of, as_page, parameter
from services.reporting.routes.choosing import parts_of, period_and_years
from services.reporting.routes.goal_page import show
from services.reporting.routes.rows import Section, sections
from services.reporting.service import reading, recent
from services.reporting.service.shapes import swedish
from services.reporting.service.shelf import in_force
from services.reporting.written import Written

router = Router()
CHOICES = ("period", "area", "document", "status", "as_of")


@dataclass(frozen=True, slots=True)
class Choice:
    """What a reader of the front page has chosen, as the address keeps it. `day`: what it says of `as_of`; `years`:
    those with something to see."""

    period: Period
    years: Sequence[int]
    area: str | None
    document: str | None
    status: str | None
    as_of: datetime | None
    day: str | None

    def shown(self, every: Sequence[Section]) -> list[Section]:
        """Those of the document that is chosen."""
        return [section for section in every if self.document in (None, section.id)]

    def address(self, path: str, **changed: str | None) -> str:
        """`path` with the same choices, some of them changed."""
        kept = {"period": self.period.label, "area": self.area, "document": self.document, "status": self.status}
        kept |= {"as_of": self.day, **changed}
        return f"{path}?{urlencode({name: value for name, value in kept.items() if value})}"


async def choice_of(
    request: Request, ctx: Context, tx: Transaction, audience: Audience, also: Sequence[str] = ()
) -> Choice:
    """What the address says. `also`: parameters it may have besides. Raises `Wrong`."""
    area = parameter(request, "area", allowed=(*CHOICES, *also))
    document, status, day = (request.query_params.get(name) or None for name in ("document", "status", "as_of"))
    period, years = await period_and_years(request, ctx, tx, audience)
    return Choice(period, years, area, document, status, as_of(request, ctx), day)


async def chosen(
    ctx: Context, tx: Transaction, audience: Audience, choice: Choice, *, landlord: Landlord, say: Written, mark: str
) -> list[Section]:
    """The goals that are shown for a choice, by document, as of `mark`."""
    if choice.as_of is None:
        reports = await recent.reports(ctx, tx, audience, choice.period, mark)
    else:
        goals = await in_force(ctx, tx.connection)
        reports = await reading.read(ctx, tx, audience, goals, choice.period, choice.as_of)
    return sections(reports, landlord.documents, say, choice.area)


@router.get("/", permission=Permission.PUBLIC)
async def show_goals(request: Request, ctx: Ctx) -> Response:
    """All goals by steering document, for a year and an area."""
    audience, say = audience_of(request, ctx), Written.of(request)
    try:
        async with ctx.db.transaction() as tx:
            choice = await choice_of(request, ctx, tx, audience)
            parts = await parts_of(tx, audience, choice.period)
            landlord = await governance.landlord(tx.connection)
            mark = await noted.mark(tx.connection, tx.now())
            every = await chosen(ctx, tx, audience, choice, landlord=landlord, say=say, mark=mark)
    except Wrong as wrong:
        raise as_page(wrong, request) from wrong
    shown = choice.shown(every)
    statuses = [row.figure.status.value for section in shown for row in section.rows]
    toggled = {status: None if status == choice.status else status for status in statuses}
    is_live = audience is Audience.STAFF and choice.as_of is None
    return page(
        request,
        "goals.html",
        years=[(str(y), choice.address("/", period=str(y))) for y in sorted({*choice.years, choice.period.first.year})],
        parts=[(say.part(p), choice.address("/", period=p.label), p == choice.period) for p in parts],
        period=choice.period,
        area=choice.area,
        document=choice.document,
        areas=_areas(landlord, choice.period),
        documents=[(section.id, section.document.title) for section in every if section.document],
        only=choice.status,
        sections=[with_status for section in shown if (with_status := section.of(choice.status)).rows],
        counts=[(status.value, statuses.count(status.value)) for status in Status],
        by_status={status: choice.address("/", status=other) for status, other in toggled.items()},
        all_of_period=f"/?period={choice.period.label}",
        has_data=bool(choice.years) and (bool(every) or choice.area is not None),
        is_staff=audience is Audience.STAFF,
        live=choice.address("/live") if is_live else None,
        seen=mark,
        watermark=watermark(say, choice.as_of or ctx.clock.now()),
    )


@router.get("/goals/{id}", permission=Permission.PUBLIC)
async def show_goal(request: Request, ctx: Ctx, id: str) -> Response:
    """One goal: its figure, trend and areas, how it is counted, and what stands behind it."""
    try:
        return await show(request, ctx, id)
    except Wrong as wrong:
        raise as_page(wrong, request) from wrong


def watermark(say: Written, moment: datetime) -> str:
    """How fresh a page is."""
    return say.say(N_("True up to {moment}."), moment=f"{moment.astimezone(STOCKHOLM):%Y-%m-%d %H:%M}")


def _areas(landlord: Landlord, period: Period) -> Sequence[tuple[str, str]]:
    named = {area.id: landlord.name_of(area.id, period.last) for area in landlord.areas}
    return sorted(named.items(), key=lambda one: swedish(one[1]))
