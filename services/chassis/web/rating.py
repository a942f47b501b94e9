"""Whether a page helped: the token a page's own form carries, so that only pages of ours can be rated, each showing once.

It holds the page's path and a random number, and nothing of the reader. The gateway takes it in.
"""

import re
import secrets

from itsdangerous import BadSignature, URLSafeSerializer

from services.chassis.settings import ServiceSettings

_RATABLE = re.compile(r"/[a-z0-9/-]{0,100}")


def seal_rating(settings: ServiceSettings, path: str) -> str | None:
    """The token for one showing of the page at `path`; None for one whose address may say more than which page it is."""
    if not _RATABLE.fullmatch(path):
        return None
    return str(_serializer(settings).dumps([path, secrets.token_hex(8)]))


def open_rating(settings: ServiceSettings, token: str) -> tuple[str, str] | None:
    """(path, the number of the rating) of a token that one of our pages was given; None for any other."""
    try:
        path, number = _serializer(settings).loads(token)
    except (BadSignature, ValueError, TypeError) as error:
        error.__traceback__ = None  # its frames hold the request
        return None
    return str(path), str(number)


def _serializer(settings: ServiceSettings) -> URLSafeSerializer:
    return URLSafeSerializer(settings.session_secret.get_secret_value(), salt="hem.rating")
