"""Signed sessions and one-time sign-in codes: what they hold, how long they live, who can read them."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from itsdangerous import BadSignature, URLSafeSerializer
from pydantic import BaseModel, ConfigDict, ValidationError

from services.chassis.settings import ServiceSettings

SESSION_COOKIE = "hem_session"
SESSION_LIFE = timedelta(hours=12)
CODE_LIFE = timedelta(minutes=10)


class Session(BaseModel):
    """A signed-in person: `until` in whole seconds since 1970, UTC."""

    model_config = ConfigDict(frozen=True)
    name: str
    roles: tuple[str, ...]
    until: int


class SignInCode(BaseModel):
    """What a one-time sign-in address carries. `service` is the one that may take it: each keeps its own used ones."""

    model_config = ConfigDict(frozen=True)
    nonce: str
    service: str
    roles: tuple[str, ...]
    until: int


@dataclass(frozen=True)
class _Seal:
    """Signs one kind of model; a token of one kind never passes for the other, because the salts differ."""

    salt: str

    def close(self, settings: ServiceSettings, content: BaseModel) -> str:
        return str(self._serializer(settings).dumps(content.model_dump(mode="json")))

    def open(self, settings: ServiceSettings, token: str) -> Any:
        """The signed content, or None when the signature isn't ours."""
        try:
            return self._serializer(settings).loads(token)
        except BadSignature as error:
            # It is part of a circle (itsdangerous keeps what it raises), and its frames hold the request with its body.
            error.__traceback__ = None
            return None

    def _serializer(self, settings: ServiceSettings) -> URLSafeSerializer:
        return URLSafeSerializer(settings.session_secret.get_secret_value(), salt=self.salt)


_SESSION = _Seal("hem.session")
_CODE = _Seal("hem.sign-in")


def seal_session(settings: ServiceSettings, name: str, roles: Iterable[str], now: datetime) -> str:
    """A cookie value that `open_session` accepts for 12 hours from `now`."""
    return _SESSION.close(settings, Session(name=name, roles=tuple(roles), until=int((now + SESSION_LIFE).timestamp())))


def open_session(settings: ServiceSettings, cookie: str | None, now: datetime) -> Session | None:
    """The session of a cookie, or None when there is none, it is forged or it has ended."""
    if not cookie:
        return None
    try:
        session = Session.model_validate(_SESSION.open(settings, cookie))
    except ValidationError:
        return None
    return session if now.timestamp() < session.until else None


def make_sign_in_link(settings: ServiceSettings, *, service: str, roles: Iterable[str], now: datetime) -> str:
    """An address that signs in once, within 10 minutes of `now`, where `/sign-in` takes such addresses.

    `service` is the one that serves `/sign-in` at `settings.public_url` (behind the front: `gateway`).
    """
    code = SignInCode(
        nonce=secrets.token_urlsafe(18),
        service=service,
        roles=tuple(roles),
        until=int((now + CODE_LIFE).timestamp()),
    )
    return f"{settings.public_url.rstrip('/')}/sign-in?code={_CODE.close(settings, code)}"


def open_sign_in_code(settings: ServiceSettings, code: str, *, service: str, now: datetime) -> SignInCode | None:
    """The content of a code that is ours, meant for `service` and not too old; None otherwise."""
    try:
        content = SignInCode.model_validate(_CODE.open(settings, code))
    except ValidationError:
        return None
    return content if content.service == service and now.timestamp() < content.until else None
