"""Pages: a template in the shell, in the reader's language, with what every page shows around it."""

import gettext
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from services.chassis.web import static
from services.chassis.web.access import visitor
from services.chassis.web.formats import Formats
from services.chassis.web.languages import LANGUAGE_COOKIE, Catalogues, direction, locale, negotiate, own_name
from services.chassis.web.naming import seal_name
from services.chassis.web.nav import feet_for, is_at, places_for
from services.chassis.web.rating import seal_rating
from services.chassis.web.shell import shell

TEMPLATES = Path(__file__).parent / "templates"
LOCALES = Path(__file__).parent / "locales"
_YEAR = 365 * 24 * 3600


def environments(
    languages: Iterable[str], template_folders: Iterable[Path], catalogues: Catalogues
) -> Mapping[str, Environment]:
    """A template environment for each language: texts, filters and macros speak it without being told."""
    folders = [*template_folders]
    return {language: _environment(language, folders, catalogues) for language in languages}


def language(request: Request) -> str:
    """The language this request is answered in, one of those the service offers."""
    return negotiate(request, shell(request).languages)


def translations(request: Request) -> gettext.NullTranslations:
    """The reader's texts, for a sentence made in Python: `translations(request).gettext("…")`."""
    return shell(request).catalogues.translations(language(request))


def page(request: Request, template: str, status: int = 200, **context: Any) -> HTMLResponse:
    """The answer with `template` (the service's own, else the chassis') filled from `context`.

    Every page extends `base.html`, which uses from `context`: `crumbs`, a list of (label, address) leading here;
    `watermark`, a sentence on how fresh the page is. Raises `jinja2.UndefinedError` for a name that isn't given.
    """
    tongue, who = language(request), visitor(request)
    settings = shell(request).settings
    shown = {
        "crumbs": [],
        "watermark": None,
        **context,
        "language": tongue,
        "direction": direction(tongue),
        "languages": [_choice(request, other) for other in shell(request).languages],
        "places": [(place, is_at(place, request.url.path)) for place in places_for(who, one_machine=settings.loopback)],
        "feet": feet_for(who),
        "visitor": who,
        "made_up": settings.made_up,
        "rating": partial(seal_rating, settings, request.url.path),
        "goal_name": partial(seal_name, settings),
    }
    response = HTMLResponse(shell(request).environments[tongue].get_template(template).render(shown), status)
    response.headers["content-language"] = tongue
    # A signed-in person's page must not outlive their session in a shared computer's cache.
    response.headers["cache-control"] = "no-store" if who.signed_in else "private, no-cache"
    if request.query_params.get("lang") == tongue:
        response.set_cookie(LANGUAGE_COOKIE, tongue, max_age=_YEAR, httponly=True, samesite="lax")
    return response


def _choice(request: Request, tongue: str) -> tuple[str, str, str]:
    """A language's tag, its own name, and this page's address in it.

    Only a query, so that it stays here: a path of two slashes would name another site.
    """
    kept = [(key, value) for key, value in request.query_params.multi_items() if key != "lang"]
    return tongue, own_name(tongue), f"?{urlencode([*kept, ('lang', tongue)])}"


def _environment(tongue: str, folders: list[Path], catalogues: Catalogues) -> Environment:
    environment = Environment(
        loader=ChoiceLoader([FileSystemLoader(folder) for folder in folders]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    environment.policies["ext.i18n.trimmed"] = True
    environment.install_gettext_translations(catalogues.translations(tongue), newstyle=True)  # type: ignore[attr-defined]
    formats = Formats(locale(tongue))
    environment.filters |= {
        "percent": formats.percent,
        "number": formats.number,
        "date": formats.date,
        "datetime": formats.datetime,
    }
    environment.globals["static"] = static.address
    return environment
