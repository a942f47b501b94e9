"""What a goal is called, carried from its page to another service's, so that only names of ours come into a mail."""

from itsdangerous import BadSignature, URLSafeSerializer

from services.chassis.settings import ServiceSettings


def seal_name(settings: ServiceSettings, goal: str, name: str) -> str:
    """The token that says that the goal is called so. The same for the same: an address with it may be kept."""
    return str(_serializer(settings).dumps([goal, name]))


def open_name(settings: ServiceSettings, goal: str, token: str) -> str | None:
    """The goal's name by a token that `seal_name` made for it; None for any other."""
    try:
        named, name = _serializer(settings).loads(token)
    except (BadSignature, ValueError, TypeError) as error:
        error.__traceback__ = None  # its frames hold the request
        return None
    return str(name) if named == goal else None


def _serializer(settings: ServiceSettings) -> URLSafeSerializer:
    return URLSafeSerializer(settings.session_secret.get_secret_value(), salt="hem.goal-name")
