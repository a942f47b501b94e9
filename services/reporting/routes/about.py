"""What a public body tells of its pages and figures: how they are made, and whether everybody can use them."""

from datetime import date

from fastapi import Request, Response

from services.chassis.web import Ctx, Permission, Router, page, translations
from services.chassis.web.words import N_
from services.reporting.audience import Audience, audience_of

router = Router()
ASSESSED = date(2026, 11, 22)
"""When the pages were last gone through for the accessibility statement."""
CHANGED = date(2026, 11, 22)
"""When the statement last said something new."""
MEANINGS = (
    ("met", N_("The target is reached. Exactly 90 meets “at least 90”, and doesn't meet “above 90”.")),
    ("on_track", N_("The period isn't over, and the target is reached if those still waiting are reached in time.")),
    ("behind", N_("The period isn't over, and at this pace the target won't be reached.")),
    ("missed", N_("The period is over and the target wasn't reached.")),
    ("information", N_("There is no target: the figure is followed, or shown for comparison.")),
    ("no_data", N_("Nothing has come that could be counted. It doesn't mean zero.")),
    (
        "filling",
        N_("The goal is new or has a new definition: its figures are being counted from what is known already."),
    ),
    ("suppressed", N_("There is a figure, but about so few people that it could tell of one of them.")),
)


@router.get("/about", permission=Permission.PUBLIC)
async def show_about(request: Request, ctx: Ctx) -> Response:
    """How the figures are made, and what the words mean."""
    texts = translations(request)
    return page(
        request,
        "about.html",
        meanings=[(code, texts.gettext(words)) for code, words in MEANINGS],
        is_staff=audience_of(request, ctx) is Audience.STAFF,
    )


@router.get("/accessibility", permission=Permission.PUBLIC)
async def show_accessibility(request: Request, ctx: Ctx) -> Response:
    """The accessibility statement (tillgänglighetsredogörelse)."""
    contact = ctx.settings.contact.strip()
    return page(
        request,
        "accessibility.html",
        company=ctx.settings.company.strip(),
        contact=contact.removeprefix("https://"),
        contact_address=_address(contact),
        assessed=ASSESSED,
        changed=CHANGED,
    )


def _address(contact: str) -> str | None:
    """Where a link to the contact leads; None where it is only words, such as a phone number with its hours."""
    if contact.startswith("https://"):
        return contact
    return f"mailto:{contact}" if "@" in contact and " " not in contact else None
