"""What a form is filled in for: something new, a correction, or a withdrawal. Decided from the address, or what was sent."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import Request
from starlette.exceptions import HTTPException

from schemas.catalogue import MODELS
from schemas.withdrawal import EventWithdrawn
from services.chassis.context import Context
from services.chassis.web.access import visitor
from services.chassis.web.words import N_
from services.gateway.domain import reports
from services.gateway.domain.forms import Form, form_of
from services.gateway.domain.reports import MAY_REPORT, Desk, Report
from services.gateway.service import reports as service

WITHDRAWAL = EventWithdrawn.type
NO_SUCH_TYPE = N_("There is nothing of that name to report.")
NOT_YOURS = N_("Your role does not report this.")
UNKNOWN = N_("There is no such report. It may be older than what can be changed here.")
NOT_STANDING = N_("This report has been corrected or withdrawn already, or can't be.")


@dataclass(frozen=True, slots=True)
class Task:
    """A form, who may send it (the first unless another is chosen), and what of it is `fixed` and can't be changed.

    A correction has the identity of what it corrects, and nothing else would be one; a withdrawal its event. `stale`:
    somebody else has replaced that in the meantime.
    """

    form: Form
    desks: tuple[Desk, ...]
    fixed: Mapping[str, Any]
    corrects: Report | None = None
    withdraws: Report | None = None
    stale: bool = False

    @property
    def replaces(self) -> str | None:
        report = self.corrects or self.withdraws
        return report.id if report else None

    @property
    def subject(self) -> str:
        """Where the form doesn't say it itself."""
        return self.withdraws.subject if self.withdraws else ""


async def find_report(request: Request, ctx: Context, report_id: str) -> Report:
    """A report of the reader's roles. Raises 404."""
    who = visitor(request)
    async with ctx.db.transaction() as tx:
        report = await service.find(tx, reports.desks_of(who.roles), report_id, who.name or "")
    if report is None:
        raise HTTPException(404, UNKNOWN)
    return report


async def new(request: Request, event_type: str) -> Task:
    """To report something new. Raises 404, or 403 for what the reader's roles don't report."""
    desks = reports.desks_for(visitor(request).roles, event_type)
    if not desks:
        known = any(event_type in types for types in MAY_REPORT.values())
        raise HTTPException(403, NOT_YOURS) if known else HTTPException(404, NO_SUCH_TYPE)
    return Task(form_of(event_type), tuple(desks), {})


async def correction(
    request: Request, ctx: Context, event_type: str, report_id: str, *, sent_as: str | None = None
) -> Task:
    """To correct a report. Raises 404, and 409 for one that doesn't stand; where a form comes in `sent_as` an id, that
    is said in the task: what was typed has to be kept."""
    report = await find_report(request, ctx, report_id)
    if report.type != event_type:
        raise HTTPException(404, UNKNOWN)
    form = form_of(event_type)
    if report.data is None:
        fixed: dict[str, Any] = {MODELS[event_type].subject_field: report.subject}
    else:
        fixed = {field.name: report.data.get(field.name) for field in form.fields if field.identity}
    stale = await _stale(request, ctx, report, right=report.correctable, sent_as=sent_as)
    return Task(form, (report.desk,), fixed, corrects=report, stale=stale)


async def withdrawal(request: Request, ctx: Context, report_id: str, *, sent_as: str | None = None) -> Task:
    """To withdraw a report. As `correction`."""
    report = await find_report(request, ctx, report_id)
    fixed = {"withdrawn_source": report.desk.source, "withdrawn_id": report.id}
    stale = await _stale(request, ctx, report, right=report.withdrawable, sent_as=sent_as)
    return Task(form_of(WITHDRAWAL), (report.desk,), fixed, withdraws=report, stale=stale)


async def _stale(request: Request, ctx: Context, report: Report, *, right: bool, sent_as: str | None) -> bool:
    """Whether the report can't be replaced any more. The very form that replaced it may come once more."""
    if right:
        return False
    if sent_as is None:
        raise HTTPException(409, NOT_STANDING)
    who = visitor(request)
    async with ctx.db.transaction() as tx:
        earlier = await service.find(tx, [report.desk], sent_as, who.name or "")
    return earlier is None or earlier.replaces != report.id
