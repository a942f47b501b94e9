"""The events behind a figure, one by one for staff, on a page."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from fastapi import Request, Response

from services.chassis.web import Ctx, Permission, Router, page, visitor
from services.chassis.web.words import N_
from services.reporting.domain.rules import Part, Reason, Role
from services.reporting.routes.asking import Wrong, as_page
from services.reporting.routes.behind import lineage_asked_for, next_page
from services.reporting.routes.goals import watermark
from services.reporting.routes.names import short_type
from services.reporting.routes.subjects import moment_in
from services.reporting.service.lineage import ABOUT_AT_MOST
from services.reporting.service.shapes import Figure
from services.reporting.written import Written

router = Router()
ROLES: Mapping[Role | None, str] = {
    None: N_("All"),
    Role.NUMERATOR: N_("Numerator"),
    Role.DENOMINATOR: N_("Denominator"),
    Role.EXCLUDED: N_("Left out"),
}
REASONS: Mapping[Reason, str] = {
    "withdrawn": N_("taken back by its publisher"),
    "withdraws": N_("takes another event back"),
    "superseded": N_("corrected by a later one"),
    "cancelled": N_("taken out of the count by another event"),
    "cancels": N_("takes its subject out of the count"),
    "revoked": N_("a later event said that it failed"),
    "revokes": N_("says that what was counted failed"),
    "too_late": N_("came after the time that the goal gives"),
    "not_yet": N_("dated after today"),
    "no_cohort": N_("nothing has put its subject in the count yet"),
    "no_effect": N_("changes nothing"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """An event of the list: what it is, the part it plays, and why where it plays none."""

    subject: str
    part: Part
    role: str
    reason: str | None


@router.get("/goals/{id}/events", permission=Permission.FIGURES)
async def show_events(request: Request, ctx: Ctx, id: str) -> Response:
    """The events behind a figure, by the day that decides the period; each leads to its subject."""
    try:
        figure, role, found = await lineage_asked_for(request, ctx, id)
    except Wrong as wrong:
        raise as_page(wrong, request) from wrong
    say = Written.of(request)
    asked = {k: v for k, v in request.query_params.items() if v and k not in ("role", "cursor", "lang")}
    asked["period"] = figure.period.label
    texts = figure.goal.text(say.language)
    return page(
        request,
        "events.html",
        figure=figure,
        name=_name(figure, say),
        entries=_lines(found.entries, say),
        role=role,
        roles=[(each, say.say(words), _address(id, asked, each)) for each, words in ROLES.items()],
        next=next_page(request, figure, found.next),
        shortened=len(found.shortened),
        at_most=ABOUT_AT_MOST,
        short=short_type,
        moment=moment_in(say),
        may_see_subjects=visitor(request).may(Permission.EVENTS),
        crumbs=[
            (say.say("Goals"), f"/?period={figure.period.first.year}"),
            (texts.title, f"/goals/{id}?{urlencode({k: v for k, v in asked.items() if k != 'limit'})}"),
        ],
        watermark=f"{watermark(say, figure.as_of)} {say.say('Definition')} {figure.goal.version}.",
    )


def _name(figure: Figure, say: Written) -> str:
    title = figure.goal.text(say.language).title
    if figure.measure.id != figure.goal.main.id:
        title = f"{title}: {say.measure(figure).title}"
    return f"{title}, {say.place(figure)}, {figure.period.label}"


def _address(id: str, asked: Mapping[str, str], role: Role | None) -> str:
    return f"/goals/{id}/events?{urlencode({**asked, **({'role': role.value} if role else {})})}"


def _lines(entries: Iterable[tuple[str, Part]], say: Written) -> list[Line]:
    return [
        Line(subject, part, say.say(ROLES[part.role]), None if part.reason is None else say.say(REASONS[part.reason]))
        for subject, part in entries
    ]
