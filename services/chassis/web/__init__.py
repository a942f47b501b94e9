"""The web shell every service wears: declared access, pages in the reader's language, problems, safe headers."""

from services.chassis.web.access import Permission, Role, Visitor, requires, visitor
from services.chassis.web.context import Ctx
from services.chassis.web.install import install
from services.chassis.web.languages import Catalogues, direction
from services.chassis.web.pages import language, page, translations
from services.chassis.web.problem import problem
from services.chassis.web.router import Router, undeclared
from services.chassis.web.session import make_sign_in_link

__all__ = [
    "Catalogues",
    "Ctx",
    "Permission",
    "Role",
    "Router",
    "Visitor",
    "direction",
    "install",
    "language",
    "make_sign_in_link",
    "page",
    "problem",
    "requires",
    "translations",
    "undeclared",
    "visitor",
]
