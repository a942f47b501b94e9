"""Reporting by form: what there is to report, the form of each type, and what one has reported."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Literal

from fastapi import Query, Request
from pydantic import BaseModel, Field
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from schemas.catalogue import MODELS
from schemas.gateway import SourceChecked
from services.chassis.clock import local_date
from services.chassis.context import Context
from services.chassis.ids import uuid7
from services.chassis.web import Ctx, Permission, Router, page, translations
from services.chassis.web.access import visitor
from services.chassis.web.languages import locale
from services.chassis.web.pages import language
from services.chassis.web.words import N_
from services.gateway.domain import filling, reports
from services.gateway.domain.filling import Typed
from services.gateway.domain.forms import Form, form_of
from services.gateway.domain.known import PICKED, ThingKind
from services.gateway.domain.reports import Draft, Report
from services.gateway.routes import report_task as tasks
from services.gateway.routes.report_sending import Mistake, Sending, send
from services.gateway.routes.report_task import NOT_STANDING, WITHDRAWAL, Task
from services.gateway.routes.report_view import Known, Viewing, input_id
from services.gateway.routes.report_words import GROUPS, ROLES, Words
from services.gateway.service import known
from services.gateway.service import reports as service

router = Router()

AT_ONCE = 50
MOST_FIELDS = 5000
CONTROL = "hem-"
"""How the inputs begin that are the form's own and no field's: id, role, corrects, add, remove, sure."""
LATEST = N_("My latest reports")


@router.get("/report", permission=Permission.REPORT)
async def choose(request: Request, ctx: Ctx) -> Response:
    """The types that the reader's roles may report, by what they are about."""
    words = _words(request)
    desks = reports.desks_of(visitor(request).roles)
    types = {event_type for desk in desks for event_type in desk.types}
    groups = []
    for topic, name in GROUPS.items():
        listed = [
            (event_type, words.event(form), words.first_sentence(form.help))
            for event_type in types
            if MODELS[event_type].topic == topic
            for form in [form_of(event_type)]
        ]
        if listed:
            groups.append((words.say(name), sorted(listed, key=lambda one: one[1].casefold())))
    async with ctx.db.transaction() as tx:
        latest = await service.latest(tx, desks, _name(request), everybodys=False, most=3, skip=0)
    return page(request, "report_choose.html", groups=groups, latest=await _listed(ctx, latest, words))


@router.get("/report/mine", permission=Permission.REPORT)
async def list_latest(
    request: Request,
    ctx: Ctx,
    show: Literal["mine", "all"] = "mine",
    number: Annotated[int, Query(alias="page", ge=1, le=1000)] = 1,
) -> Response:
    """What one has reported, or everybody in one's roles, the newest first."""
    desks = reports.desks_of(visitor(request).roles)
    everybodys, skip = show == "all", (number - 1) * AT_ONCE
    async with ctx.db.transaction() as tx:
        found = await service.latest(tx, desks, _name(request), everybodys=everybodys, most=AT_ONCE + 1, skip=skip)
    return page(
        request,
        "report_mine.html",
        reports=await _listed(ctx, found[:AT_ONCE], _words(request)),
        show=show,
        number=number,
        more=len(found) > AT_ONCE,
        crumbs=_crumbs(request),
    )


@router.get("/report/mine/{report_id}", permission=Permission.REPORT)
async def show_report(request: Request, ctx: Ctx, report_id: str, sent: bool = False) -> Response:
    """One report as it was sent, and what can be done with it."""
    words = _words(request)
    report = await tasks.find_report(request, ctx, report_id)
    [shown] = await _listed(ctx, [report], words)
    return page(
        request,
        "report_sent.html",
        shown=shown,
        role=words.say(ROLES[report.desk.role]),
        said=await _said(ctx, report, words),
        just_sent=sent,
        withdraw=f"/report/{WITHDRAWAL}?withdrawn_id={report.id}",
        crumbs=[*_crumbs(request), (words.say(LATEST), "/report/mine")],
    )


class Earlier(BaseModel):
    """The report that a form begins with, if any: another `like` it, one that it `corrects`, one that it withdraws."""

    like: str | None = Field(None, max_length=128)
    corrects: str | None = Field(None, max_length=128)
    withdrawn_id: str | None = Field(None, max_length=128)


@router.get("/report/{event_type}", permission=Permission.REPORT)
async def ask(request: Request, ctx: Ctx, event_type: str, earlier: Annotated[Earlier, Query()]) -> Response:
    """The form: fresh, like a report sent before, with one that it corrects, or to withdraw one."""
    report_id = str(uuid7(ctx.clock.now()))
    if event_type == WITHDRAWAL:
        if earlier.withdrawn_id is None:
            return RedirectResponse("/report/mine", 303)
        task = await tasks.withdrawal(request, ctx, earlier.withdrawn_id)
        return await _asking(request, ctx, task, filling.typed_of(task.form, task.fixed), report_id=report_id)
    if earlier.corrects is not None:
        task = await tasks.correction(request, ctx, event_type, earlier.corrects)
        said = (task.corrects and task.corrects.data) or task.fixed
        return await _asking(request, ctx, task, filling.typed_of(task.form, said), report_id=report_id)
    task = await tasks.new(request, event_type)
    today = local_date(ctx.clock.now())
    typed = filling.fresh(task.form, today=today, new_id=lambda: _new_id(ctx))
    if event_type == SourceChecked.type:
        typed["source"] = [task.desks[0].source]
    if earlier.like is not None:
        like = await tasks.find_report(request, ctx, earlier.like)
        if like.type == event_type and like.data is not None:
            typed |= filling.kept_of(task.form, like.data)
    return await _asking(request, ctx, task, typed, report_id=report_id)


@router.post("/report/{event_type}", permission=Permission.REPORT)
async def take(request: Request, ctx: Ctx, event_type: str) -> Response:
    """Adds or removes a row, or sends the report: then on to its page, or back with what is wrong."""
    typed, control = _read(await request.form(max_fields=MOST_FIELDS))
    report_id = control.get("id") or str(uuid7(ctx.clock.now()))
    if event_type == WITHDRAWAL:
        task = await tasks.withdrawal(request, ctx, (typed.get("withdrawn_id") or [""])[-1], sent_as=report_id)
    elif "corrects" in control:
        task = await tasks.correction(request, ctx, event_type, control["corrects"], sent_as=report_id)
    else:
        task = await tasks.new(request, event_type)
    # The chosen role first: the form keeps the choice when it comes back.
    task = replace(task, desks=tuple(sorted(task.desks, key=lambda desk: desk.role != control.get("role"))))
    if task.stale:
        sending = Sending([Mistake(None, "", _words(request).say(NOT_STANDING))])
        return await _asking(request, ctx, task, typed, report_id=report_id, sending=sending)
    for change in ("add", "remove"):
        if change in control:
            typed = _with_rows(task.form, typed, change, control[change])
            return await _asking(request, ctx, task, typed, report_id=report_id)
    typed = filling.without_empty_rows(task.form, typed)
    said = {**filling.data_of(task.form, typed), **task.fixed}
    data = {name: value for name, value in said.items() if value is not None}
    draft = Draft(report_id, task.desks[0], event_type, task.subject, data, task.replaces)
    sending = await send(ctx, draft, _name(request), _words(request), sure="sure" in control)
    if sending.refused:
        return await _asking(request, ctx, task, typed, report_id=report_id, sending=sending)
    return RedirectResponse(f"/report/mine/{task.withdraws.id if task.withdraws else report_id}?sent=1", 303)


async def _asking(
    request: Request, ctx: Context, task: Task, typed: Typed, *, report_id: str, sending: Sending | None = None
) -> Response:
    words = _words(request)
    viewing = Viewing(
        words=words,
        typed={**typed, **filling.typed_of(task.form, task.fixed)},
        known=await _things(ctx, {PICKED[f.name] for f in task.form.fields if f.name in PICKED}),
        wrong=sending.by_input if sending else {},
        today=local_date(ctx.clock.now()),
        locked=frozenset(task.fixed),
    )
    [withdraws] = await _listed(ctx, [task.withdraws], words) if task.withdraws else [None]
    return page(
        request,
        "report_form.html",
        422 if sending else 200,
        name=words.event(task.form),
        help=words.help(task.form.help),
        action=f"/report/{task.form.type}",
        inputs=viewing.inputs(task.form),
        mistakes=sending.mistakes if sending else (),
        unsure=sending is not None and sending.unsure,
        input_id=input_id,
        id=report_id,
        roles=[(desk.role, words.say(ROLES[desk.role])) for desk in task.desks],
        corrects=task.corrects,
        withdraws=withdraws,
        said=await _said(ctx, task.withdraws, words) if task.withdraws else [],
        for_ever=task.form.tombstone,
        crumbs=_crumbs(request),
    )


@dataclass(frozen=True, slots=True)
class Listed:
    """A report in words: what it is called, and what it is about."""

    report: Report
    name: str
    about: str


async def _listed(ctx: Context, found: Sequence[Report], words: Words) -> list[Listed]:
    kinds = {report.id: PICKED.get(MODELS[report.type].subject_field) for report in found}
    names = _names(await _things(ctx, {kind for kind in kinds.values() if kind}), words)
    return [
        Listed(report, words.event(form_of(report.type)), names.get((kinds[report.id], report.subject), report.subject))
        for report in found
    ]


async def _said(ctx: Context, report: Report, words: Words) -> list[tuple[str, str]]:
    """What a report says: (label, value) of each field."""
    if report.data is None:
        return []
    fields = [field for field in form_of(report.type).fields if field.name in report.data]
    names = _names(await _things(ctx, {PICKED[f.name] for f in fields if f.name in PICKED}), words)
    return [
        (words.label(field), names.get((PICKED.get(field.name), said)) or words.value(field, said))
        for field in fields
        for said in [report.data[field.name]]
        if said not in (None, [])
    ]


def _names(things: Known, words: Words) -> dict[tuple[ThingKind | None, object], str]:
    return {(kind, thing.id): words.thing(kind, thing) for kind, found in things.items() for thing in found}


async def _things(ctx: Context, kinds: set[ThingKind]) -> Known:
    async with ctx.db.transaction() as tx:
        return await known.things(tx, kinds)


def _read(posted: FormData) -> tuple[Typed, dict[str, str]]:
    """What was typed in the fields, and what the form's own inputs say."""
    typed: Typed = {}
    control: dict[str, str] = {}
    for name, value in posted.multi_items():
        if isinstance(value, str):
            said = value.replace("\0", "")  # PostgreSQL takes none, and nobody types it
            if name.startswith(CONTROL):
                control[name.removeprefix(CONTROL)] = said
            else:
                typed.setdefault(name, []).append(said)
    return typed, control


def _with_rows(form: Form, typed: Typed, change: str, where: str) -> Typed:
    name, _, row = where.rpartition(".") if change == "remove" else (where, "", "")
    field = form.field(name)
    if field is None or not field.columns:
        return typed
    if change == "add":
        return filling.with_row(field, typed)
    return filling.without_rows(field, typed, [int(row)] if row.isdecimal() and len(row) < 6 else [])


def _words(request: Request) -> Words:
    return Words(translations(request), locale(language(request)))


def _crumbs(request: Request) -> list[tuple[str, str]]:
    return [(translations(request).gettext("Report"), "/report")]


def _name(request: Request) -> str:
    return visitor(request).name or ""


def _new_id(ctx: Context) -> str:
    """An id for something that is reported for the first time: short enough to be read out."""
    return uuid7(ctx.clock.now()).hex[-12:]
