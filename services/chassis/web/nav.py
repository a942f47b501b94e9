"""The places in the header. A place is shown to those its pages open for."""

from dataclasses import dataclass

from schemas.topics import SERVICES
from services.chassis.web.access import Permission, Visitor
from services.chassis.web.words import N_


@dataclass(frozen=True)
class Place:
    """One entry: a message id, where it leads, and the permission its page asks for."""

    label: str
    path: str
    permission: Permission
    also: tuple[str, ...] = ()  # where its other pages live
    one_machine_only: bool = False


PARKED = tuple(f"/ops/{service}/parked" for service in SERVICES)
"""Each service's own list of what it could not handle."""

PLACES = (
    Place(
        N_("Goals"),
        "/",
        Permission.PUBLIC,
        also=("/goals", "/subjects", "/definitions", "/status", "/quality", "/about", "/alerts"),
    ),
    Place(N_("Areas"), "/areas", Permission.PUBLIC, also=("/compare",)),
    Place(N_("To do"), "/todo", Permission.HOUSEHOLDS),
    Place(N_("Report"), "/report", Permission.REPORT),
    Place(
        N_("Events"),
        "/schemas",
        Permission.PUBLIC,
        also=("/events", "/topics", "/systems", "/fields", "/journeys", "/asyncapi"),
    ),
    Place(N_("Parked"), "/ops/gateway/parked", Permission.OPERATE, also=PARKED),
    Place(N_("Publishers"), "/publishers", Permission.OPERATE),
    Place(N_("Connectors"), "/connectors", Permission.OPERATE),
    Place(N_("Mail"), "/mail", Permission.HOUSEHOLDS, one_machine_only=True),
)

FOOT = (
    Place(N_("About the figures"), "/about", Permission.PUBLIC),
    Place(N_("Publications"), "/publications", Permission.PUBLIC),
    Place(N_("Yearly reports"), "/yearly", Permission.PUBLIC),
    Place(N_("Definitions"), "/definitions", Permission.PUBLIC),
    Place(N_("Reporting status"), "/status", Permission.PUBLIC),
    Place(N_("Data quality"), "/quality", Permission.FIGURES),
    Place(N_("Alerts"), "/alerts", Permission.FIGURES),
    Place(N_("Accessibility"), "/accessibility", Permission.PUBLIC),
)
"""The places at the foot of every page. The law wants the accessibility statement reached from each."""


def feet_for(visitor: Visitor) -> list[Place]:
    """The places at the foot that this visitor can open."""
    return [place for place in FOOT if visitor.may(place.permission)]


def places_for(visitor: Visitor, *, one_machine: bool) -> list[Place]:
    """The places this visitor can open, in the order of the header."""
    return [p for p in PLACES if visitor.may(p.permission) and (one_machine or not p.one_machine_only)]


def is_at(place: Place, path: str) -> bool:
    """Whether the page at `path` belongs to `place`."""
    return path == place.path or any(
        path == root or path.startswith(f"{root}/") for root in (place.path, *place.also) if root != "/"
    )
