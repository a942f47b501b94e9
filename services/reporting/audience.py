"""For whom figures are: the public sees publications, staff what is counted now."""

from enum import StrEnum

from fastapi import Request

from services.chassis.context import Context
from services.chassis.web import Permission, visitor
from services.reporting.settings import ReportingSettings


class Audience(StrEnum):
    """`public`: anybody, figures as published. `staff`: whoever may see figures as they are counted now."""

    PUBLIC = "public"
    STAFF = "staff"


def audience_of(request: Request, ctx: Context) -> Audience:
    """Staff: signed in with a role that may see figures, the operator's token, or on one machine that shows them live."""
    settings: ReportingSettings = ctx.settings
    who = visitor(request)
    if who.may(Permission.FIGURES) and (who.signed_in or settings.shows_live):
        return Audience.STAFF
    return Audience.PUBLIC
