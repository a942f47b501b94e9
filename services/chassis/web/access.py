"""Who may do what. Every route names one permission; a visitor has those of their roles, and nobody has others."""

import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from fastapi import Request
from starlette.exceptions import HTTPException

from services.chassis.web.session import SESSION_COOKIE, open_session
from services.chassis.web.shell import from_this_machine, shell
from services.chassis.web.words import N_


class Permission(StrEnum):
    """What a route asks of its visitor."""

    PUBLIC = "public"  # anybody
    FIGURES = "figures"  # goal pages, their API and metrics; on loopback without sign-in
    HOUSEHOLDS = "households"  # lists of households to reach by hand
    EVENTS = "events"  # single events and what they are about
    REPORT = "report"  # say what happened, on a form; which types, the gateway asks of the role
    RELEASE = "release"  # make figures public, approve, close and restate them
    PUBLISH = "publish"  # a publisher's own key, which the route checks
    OPERATE = "operate"  # run the service: parked events, keys, rebuild


class Role(StrEnum):
    """Whom a person works as."""

    READER = "reader"
    AREA_STAFF = "area_staff"
    COORDINATOR = "coordinator"
    SURVEY_LEAD = "survey_lead"
    PRIVACY_OFFICER = "privacy_officer"
    TRANSLATOR = "translator"
    OPERATOR = "operator"


_WORKING = frozenset({Permission.FIGURES, Permission.EVENTS, Permission.REPORT})
GRANTS: Mapping[Role, frozenset[Permission]] = {
    Role.READER: frozenset({Permission.FIGURES}),
    Role.AREA_STAFF: _WORKING | {Permission.HOUSEHOLDS},
    Role.COORDINATOR: _WORKING | {Permission.HOUSEHOLDS, Permission.RELEASE},
    Role.SURVEY_LEAD: _WORKING,
    Role.PRIVACY_OFFICER: _WORKING | {Permission.RELEASE},
    Role.TRANSLATOR: frozenset({Permission.FIGURES}),
    Role.OPERATOR: _WORKING | {Permission.OPERATE, Permission.RELEASE},
}


@dataclass(frozen=True)
class Visitor:
    """Who asks: a name when signed in (never a person's contact details), and what they may do."""

    name: str | None
    roles: frozenset[Role]
    permissions: frozenset[Permission]

    @property
    def signed_in(self) -> bool:
        """Whether they came with a session or the operator's token."""
        return self.name is not None

    def may(self, permission: Permission) -> bool:
        """Whether a route that asks for `permission` opens to them."""
        return permission in self.permissions


def visitor(request: Request) -> Visitor:
    """Who sends this request: the operator's token, else the signed session cookie, else anonymous."""
    known: Visitor | None = getattr(request.state, "visitor", None)
    if known is None:
        known = _recognise(request)
        request.state.visitor = known
    return known


@dataclass(frozen=True)
class Requirement:
    """The dependency that lets a request through or answers 401 (not signed in) or 403 (signed in, not allowed)."""

    permission: Permission

    async def __call__(self, request: Request) -> None:
        """Raises `HTTPException` unless the visitor has the permission."""
        who = visitor(request)
        if who.may(self.permission):
            return
        if who.signed_in:
            raise HTTPException(403, N_("You are signed in, but your role does not open this page."))
        match self.permission:
            case Permission.PUBLISH | Permission.OPERATE:
                raise HTTPException(
                    401, N_("Send a key in the header Authorization: Bearer …"), {"WWW-Authenticate": "Bearer"}
                )
            case (
                Permission.FIGURES
                | Permission.HOUSEHOLDS
                | Permission.EVENTS
                | Permission.REPORT
                | Permission.RELEASE
                | Permission.PUBLIC
            ):
                raise HTTPException(401, N_("This page is for people who work with it."))
            case _:
                assert_never(self.permission)


def requires(permission: Permission) -> Requirement:
    """A dependency for a whole router or app: `dependencies=[Depends(requires(Permission.OPERATE))]`."""
    return Requirement(permission)


def bearer(request: Request) -> str | None:
    """The token of an `Authorization: Bearer` header, or None."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


def _recognise(request: Request) -> Visitor:
    token = bearer(request)
    secret = shell(request).settings.operator_token.get_secret_value()
    if token is not None and hmac.compare_digest(token.encode(errors="replace"), secret.encode()):
        return _staff("operator", {Role.OPERATOR})
    # Somebody else's key, with or without a session beside it: only the gateway can tell whose.
    carried = {Permission.PUBLISH} if token is not None else set()
    session = open_session(shell(request).settings, request.cookies.get(SESSION_COOKIE), shell(request).now())
    if session is not None:
        return _staff(session.name, {Role(role) for role in session.roles if role in set(Role)}, carried)
    open_to_all = {Permission.PUBLIC, *carried}
    if from_this_machine(request):
        open_to_all.add(Permission.FIGURES)
    return Visitor(None, frozenset(), frozenset(open_to_all))


def _staff(name: str, roles: Iterable[Role], carried: Iterable[Permission] = ()) -> Visitor:
    held = frozenset(roles)
    granted = frozenset({Permission.PUBLIC, *carried}).union(*(GRANTS[role] for role in held))
    return Visitor(name, held, granted)
