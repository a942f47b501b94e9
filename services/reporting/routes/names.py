"""How things are called on pages."""

from services.chassis.web.words import N_
from services.reporting.domain.figures import UNKNOWN_AREA
from services.reporting.written import Written


def short_type(type: str) -> str:
    """`se.vatterhem.TenantMovedIn.v1` → `TenantMovedIn`."""
    return type.removeprefix("se.vatterhem.").rpartition(".")[0] or type


def area_called(area: str, name: str | None, say: Written) -> str:
    """An area's name; of those that nobody has defined, that they are unknown."""
    return say.say(N_("Unknown area")) if area == UNKNOWN_AREA else name or area
