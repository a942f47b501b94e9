"""The draft of a yearly report: staff say something about each goal, see the whole, and hand it over."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from urllib.parse import urlencode

from fastapi import Request, Response
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse

from services.chassis.clock import local_date
from services.chassis.context import Context
from services.chassis.transaction import Transaction
from services.chassis.web import Ctx, Permission, Router, language, page, translations, visitor
from services.chassis.web.shell import shell
from services.chassis.web.words import N_
from services.reporting.audience import Audience
from services.reporting.domain.periods import Period
from services.reporting.report import html, pdf
from services.reporting.report.answers import answer as answer_for
from services.reporting.report.building import Handing, Material, build
from services.reporting.report.content import Answer
from services.reporting.repository import governance, publications
from services.reporting.repository import notes as noted
from services.reporting.repository import report as repository
from services.reporting.repository.report import INTRODUCTION, Edition, Format, Kind, Recipient
from services.reporting.routes.about import MEANINGS
from services.reporting.routes.report import KINDS, NAMES, answer, kinds, named, names
from services.reporting.service import reading
from services.reporting.service import report as service
from services.reporting.service.report import LONGEST, Overtaken, Said
from services.reporting.service.shelf import in_force
from services.reporting.settings import ReportingSettings
from services.reporting.written import Written

router = Router()
YEAR = "{year:int}"
NOT_OVER = N_("The year isn't over: its report can be handed over from {day} on.")
NOT_PUBLISHED = N_(
    "No figures have been published for {period}. A report to others is made of published figures: publish them first."
)
NOT_APPROVED = N_(
    "The figures of {period} have been published and not approved yet. A report to others waits for that."
)
NOT_SURE = N_("Tick the box if you are sure. It cannot be undone.")
NOBODY = N_("Choose whom the report is for.")


@router.get(f"/yearly/drafts/{YEAR}", permission=Permission.REPORT)
async def show_draft(request: Request, ctx: Ctx, year: int) -> Response:
    """The report as it would be handed over now, with a way to each text."""
    period = _period(year)
    recipient, material, handing = await _material(request, ctx, period)
    tongue = language(request)
    content = build(material, handing, _written(request, tongue)).plain()
    here = f"/yearly/drafts/{period.label}"
    return page(
        request,
        "report_show.html",
        content=html.shown(content),
        has_changed=False,
        files=f"{here}/{tongue}",
        query=f"?{urlencode({'for': recipient})}",
        draft=here,
        recipient=recipient,
        names=names(request),
        crumbs=[_home(request)],
    )


@router.get(f"/yearly/drafts/{YEAR}/publish", permission=Permission.RELEASE)
async def ask_to_publish(request: Request, ctx: Ctx, year: int) -> Response:
    """Whom is it for? What is still missing?"""
    return await _publishing(request, ctx, _period(year), None)


@router.post(f"/yearly/drafts/{YEAR}/publish", permission=Permission.RELEASE)
async def publish(request: Request, ctx: Ctx, year: int) -> Response:
    """Hands the report over, once however often it is sent."""
    period, form = _period(year), await request.form()
    recipient = next((one for one in NAMES if one == form.get("recipient")), None)
    if recipient is None:
        return await _publishing(request, ctx, period, translations(request).gettext(NOBODY))
    kind: Kind = "sustainability" if form.get("kind") == "sustainability" else "yearly"
    _, material, handing = await _material(request, ctx, period, recipient, kind=kind)
    wrong = _wrong(request, material, handing) or (
        None if form.get("sure") else translations(request).gettext(NOT_SURE)
    )
    if wrong is not None:
        return await _publishing(request, ctx, period, wrong, chosen=recipient, kind=kind)
    number, today = _number(form, f"edition-{kind}-{recipient}"), local_date(handing.as_of)
    id = service.report_id(kind, period.label, recipient, number)
    if number == handing.edition:  # else this very form has been sent before
        files = await asyncio.to_thread(_files, request, material, replace(handing, published_on=today))
        edition = Edition(id, kind, period.label, recipient, number, today, handing.as_of, _role(request))
        async with ctx.db.transaction() as tx:
            await service.hand_over(tx, edition, files)
    return RedirectResponse(f"/yearly/reports/{id}", 303)


@router.get(f"/yearly/drafts/{YEAR}/{{name}}", permission=Permission.REPORT)
async def send_draft(request: Request, ctx: Ctx, year: int, name: str) -> Response:
    """The draft as a file: `sv.pdf`, `en.html`."""
    period, (tongue, format) = _period(year), named(request, name)
    _, material, handing = await _material(request, ctx, period)
    made = await asyncio.to_thread(_files, request, material, handing, [tongue])
    return answer(made[tongue, format], tongue, format, f"draft-{period.label}", {"cache-control": "no-store"})


@router.get(f"/yearly/drafts/{YEAR}/texts/{{about}}", permission=Permission.REPORT)
async def show_text(request: Request, ctx: Ctx, year: int, about: str) -> Response:
    """What has been written about a goal, to be written on."""
    return await _writing(request, ctx, _period(year), about)


@router.post(f"/yearly/drafts/{YEAR}/texts/{{about}}", permission=Permission.PUBLIC)
async def write_text(request: Request, ctx: Ctx, year: int, about: str) -> Response:
    """Keeps what was written. It answers those who have been signed out meanwhile too, so that they get their text back;
    nothing but what they sent is shown to them, and nothing is kept."""
    form = await request.form()
    said = {tongue: _said(form, tongue) for tongue in shell(request).languages}
    if not visitor(request).may(Permission.REPORT):
        return page(request, "report_signed_out.html", 401, said=said, names=_tongues(request))
    period = _period(year)
    too_long = [tongue for tongue, one in said.items() if len(one.body) > LONGEST]
    if too_long:
        return await _writing(request, ctx, period, about, said, too_long=too_long)
    try:
        async with ctx.db.transaction() as tx:
            await _check(ctx, tx, about)
            await service.say(tx, period.label, about, said, _role(request))
    except Overtaken as overtaken:
        return await _writing(request, ctx, period, about, said, overtaken=overtaken)
    return RedirectResponse(f"{request.url.path}?saved=yes", 303)


@dataclass(frozen=True, slots=True)
class Input:
    """A text area: what stands in it, the version it is based on, and what there is to say about it."""

    tongue: str
    name: str
    body: str
    version: int
    problem: str | None
    theirs: str | None


async def _writing(
    request: Request,
    ctx: Context,
    period: Period,
    about: str,
    said: Mapping[str, Said] | None = None,
    *,
    overtaken: Overtaken | None = None,
    too_long: Sequence[str] = (),
) -> Response:
    """The form; with `said`, what was typed stays in it."""
    _, material, _ = await _material(request, ctx, period, only=about)
    async with ctx.db.transaction() as tx:
        await _check(ctx, tx, about)
        history = await repository.history(tx.connection, period.label, about)
    told = _told(request, material, about)
    standing = {tongue: material.texts.get((about, tongue)) for tongue in shell(request).languages}
    inputs = []
    for tongue, name in _tongues(request).items():
        kept = standing[tongue]
        typed = said[tongue] if said else Said(kept.body if kept else "", kept.version if kept else 0)
        theirs = overtaken.standing.get(tongue) if overtaken else None
        version = theirs.version if theirs else typed.version
        problem = _problem(request, typed.body, is_theirs=theirs is not None, is_too_long=tongue in too_long)
        inputs.append(Input(tongue, name, typed.body, version, problem, theirs.body if theirs else None))
    return page(
        request,
        "report_text.html",
        409 if overtaken else 422 if too_long else 200,
        period=period.label,
        about=about,
        told=told,
        inputs=inputs,
        history=history,
        tongues=_tongues(request),
        is_saved=bool(request.query_params.get("saved")) and said is None,
        draft=f"/yearly/drafts/{period.label}",
        is_refused=overtaken is not None or bool(too_long),
        crumbs=[_home(request), (translations(request).gettext(N_("The draft")), f"/yearly/drafts/{period.label}")],
    )


def _told(request: Request, material: Material, about: str) -> Answer | None:
    """What the report says of the goal, to be seen while writing."""
    found = next((one for one in material.reports if one.goal.id == about), None)
    return None if found is None else answer_for(found, None, (), Written.of(request))


def _problem(request: Request, body: str, *, is_theirs: bool, is_too_long: bool) -> str | None:
    texts = translations(request)
    if is_theirs:
        return texts.gettext(
            N_("Somebody else has written here meanwhile. Put the two together and save again: yours isn't saved yet.")
        )
    if is_too_long:
        said = texts.gettext(N_("The text has {n} letters, and {most} is the most. Nothing has been saved yet."))
        return said.format(n=len(body), most=LONGEST)
    missing = pdf.unprintable(body) if body else []
    if missing:
        said = texts.gettext(N_("These signs can't be printed, and stand as {instead} in the PDF: {signs}"))
        return said.format(instead=pdf.INSTEAD, signs=" ".join(missing))
    return None


async def _publishing(
    request: Request,
    ctx: Context,
    period: Period,
    wrong: str | None,
    *,
    chosen: Recipient | None = None,
    kind: Kind = "yearly",
) -> Response:
    """The form that hands the report over."""
    _, material, _ = await _material(request, ctx, period, chosen)
    async with ctx.db.transaction() as tx:
        numbers = {
            (kind, one): await service.next_edition(tx.connection, kind, period.label, one)
            for kind in KINDS
            for one in NAMES
        }
    tongue = language(request)
    silent = [r.goal.text(tongue).title for r in material.reports if (r.goal.id, tongue) not in material.texts]
    return page(
        request,
        "report_publish.html",
        422 if wrong else 200,
        period=period.label,
        recipients=names(request),
        kinds=kinds(request),
        numbers=numbers,
        chosen=chosen,
        kind=kind,
        wrong=wrong,
        silent=silent,
        draft=f"/yearly/drafts/{period.label}",
        crumbs=[_home(request), (translations(request).gettext(N_("The draft")), f"/yearly/drafts/{period.label}")],
    )


def _wrong(request: Request, material: Material, handing: Handing) -> str | None:
    """Why a report can't be handed over; None when it can."""
    texts, written = translations(request), Written.of(request)
    if not handing.period.is_over(local_date(handing.as_of)):
        day = written.day(date(handing.period.last.year + 1, 1, 1))
        return texts.gettext(NOT_OVER).format(day=day)
    if not material.reports:
        return texts.gettext(NOT_PUBLISHED).format(period=handing.period.label)
    if handing.recipient != "staff" and not material.is_approved:
        return texts.gettext(NOT_APPROVED).format(period=handing.period.label)
    return None


async def _material(
    request: Request,
    ctx: Context,
    period: Period,
    recipient: Recipient | None = None,
    *,
    kind: Kind = "yearly",
    only: str | None = None,
) -> tuple[Recipient, Material, Handing]:
    """What a report is made of. Staff's has figures as they are counted now; all others have what is published: a report
    that has been handed over can't be taken back. Without a recipient, what is published, or else staff's.

    `only`: of one goal.
    """
    asked = recipient or next((one for one in NAMES if one == request.query_params.get("for")), None)
    settings: ReportingSettings = ctx.settings
    async with ctx.db.transaction() as tx:
        now = tx.now()
        goals = [goal for goal in await in_force(ctx, tx.connection) if only in (None, goal.id)]
        reports = [] if asked == "staff" else await reading.read(ctx, tx, Audience.PUBLIC, goals, period)
        found: Recipient = asked or ("public" if reports else "staff")
        if found == "staff":
            reports = await reading.read(ctx, tx, Audience.STAFF, goals, period)
        publication = await publications.latest(tx.connection, period, now)
        told = {one.goal.id for one in reports}
        material = Material(
            reports,
            [goal for goal in goals if goal.id not in told] if reports else [],
            await governance.landlord(tx.connection),
            await repository.texts(tx.connection, period.label),
            await noted.standing(tx.connection, [goal.id for goal in goals], now),
            MEANINGS,
            is_approved=publication is not None and publication.approved is not None,
        )
        number = await service.next_edition(tx.connection, kind, period.label, found)
    return found, material, Handing(kind, period, found, number, now, None, settings.company, settings.made_up)


def _files(
    request: Request, material: Material, handing: Handing, tongues: Sequence[str] = ()
) -> dict[tuple[str, Format], bytes]:
    """The files of a report by language and format. It takes a second of processor time."""
    made: dict[tuple[str, Format], bytes] = {}
    for tongue in tongues or shell(request).languages:
        content = build(material, handing, _written(request, tongue))
        plain = content.plain()
        made[tongue, "json"] = content.written()
        made[tongue, "html"] = html.build(shell(request).environments[tongue], plain)
        made[tongue, "pdf"] = pdf.build(plain, handing.as_of)
    return made


def _written(request: Request, tongue: str) -> Written:
    return Written.speaking(tongue, shell(request).catalogues.translations(tongue))


def _said(form: FormData, tongue: str) -> Said:
    return Said(service.clean(str(form.get(f"text-{tongue}") or "")), _number(form, f"version-{tongue}"))


def _number(form: FormData, name: str) -> int:
    """A number of our own that came back with a form; 0 where it didn't."""
    said = str(form.get(name))
    return int(said) if said.isascii() and said.isdecimal() and len(said) < 7 else 0


def _period(year: int) -> Period:
    if not 1990 <= year <= 2100:
        raise HTTPException(404)
    return Period.year(year)


async def _check(ctx: Context, tx: Transaction, about: str) -> None:
    if about != INTRODUCTION and about not in (await in_force(ctx, tx.connection)).by_id:
        raise HTTPException(404)


def _role(request: Request) -> str:
    """As what somebody writes: texts are the company's, and names are nobody's business."""
    return ", ".join(sorted(visitor(request).roles))


def _tongues(request: Request) -> dict[str, str]:
    text = translations(request).gettext
    return {"sv": text(N_("In Swedish")), "en": text(N_("In English"))}


def _home(request: Request) -> tuple[str, str]:
    return translations(request).gettext(N_("Yearly reports")), "/yearly"
