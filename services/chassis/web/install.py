"""Puts the shell on a service's app."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from types import MappingProxyType

from asgi_cross_origin_protection import CrossOriginProtection
from fastapi import FastAPI

from services.chassis.settings import ServiceSettings
from services.chassis.web import languages, pages, static
from services.chassis.web.headers import SafeHeaders
from services.chassis.web.limits import BodyLimit, PlainAddress, refuse_other_sites
from services.chassis.web.problem import install_handlers
from services.chassis.web.shell import Shell
from services.chassis.web.sign_in import sign_in_routes


def install(
    app: FastAPI,
    *,
    settings: ServiceSettings,
    service_name: str,
    now: Callable[[], datetime],
    templates_dir: Path | None = None,
    locales_dir: Path | None = None,
    offered: Iterable[str] = languages.OFFERED,
    larger_bodies: Mapping[str, int] = MappingProxyType({}),
) -> None:
    """Gives `app` pages in the `offered` languages (the first is the default), sign-in, static files and guards.

    `templates_dir` and `locales_dir` are the service's own; its templates may extend `base.html`. Routes find the
    service's context at `app.state.ctx`, which the service sets. `larger_bodies`: path → how many bytes the addresses
    below it take, where that is more than others do. Make the app with `openapi_url=None`: FastAPI's own
    pages declare no permission.
    """
    catalogues = languages.Catalogues(folder for folder in (locales_dir, pages.LOCALES) if folder is not None)
    folders = [folder for folder in (templates_dir, pages.TEMPLATES) if folder is not None]
    app.state.shell = Shell(
        service=service_name,
        settings=settings,
        now=now,
        catalogues=catalogues,
        environments=pages.environments(offered, folders, catalogues),
    )
    install_handlers(app)
    app.mount("/static", static.VersionedFiles(directory=static.FOLDER), name="static")
    app.include_router(sign_in_routes(service_name))
    # The last one added is the outermost: its headers are on the others' refusals too.
    app.add_middleware(CrossOriginProtection, deny_app=refuse_other_sites)
    app.add_middleware(BodyLimit, larger=larger_bodies)
    app.add_middleware(PlainAddress)
    app.add_middleware(SafeHeaders)
