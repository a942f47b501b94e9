"""What the shell of one service knows; kept on the app, read by every request."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address

from fastapi import Request
from jinja2 import Environment

from services.chassis.settings import ServiceSettings
from services.chassis.web.languages import Catalogues


@dataclass(frozen=True)
class Shell:
    """One per app: its settings, its clock, its languages and a template environment for each of them."""

    service: str
    settings: ServiceSettings
    now: Callable[[], datetime]
    catalogues: Catalogues
    environments: Mapping[str, Environment]

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages pages are offered in, the default first."""
        return tuple(self.environments)


def shell(request: Request) -> Shell:
    """The shell `install` put on the app this request came to."""
    found: Shell = request.app.state.shell
    return found


def from_this_machine(request: Request) -> bool:
    """Whether a one-machine Hem is asked by that machine, under a name only that machine answers to.

    The name matters: a web page elsewhere can have its own name point at 127.0.0.1 (DNS rebinding).
    """
    if not shell(request).settings.loopback or request.client is None:
        return False
    return _is_loopback(request.client.host) and request.url.hostname in {"127.0.0.1", "localhost", "::1"}


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
