"""What a door says in a service's place, in the same words whichever door it is."""

import html
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

# Our own answers have their colours from the browser and nothing to fetch.
SAFE_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}
REFUSAL_HEADERS = SAFE_HEADERS | {"retry-after": "2"}


@dataclass(frozen=True)
class Refusal:
    """Why the door answers instead of a service, in English and Swedish; `{}` is the service."""

    status: HTTPStatus
    title: str
    title_sv: str
    detail: str
    detail_sv: str

    def problem(self, service: str) -> dict[str, Any]:
        """RFC 9457, for programs."""
        return {
            "type": "about:blank",
            "title": self.title,
            "status": self.status,
            "detail": self.detail.format(service),
            "service": service,
        }

    def page(self, service: str) -> str:
        """HTML, for people."""
        name = f"<b>{html.escape(service)}</b>"
        return (
            '<!doctype html><html lang="sv"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
            f"<title>{self.title_sv}</title><h1>{self.title_sv}</h1><p>{self.detail_sv.format(name)}</p>"
            f'<p lang="en">{self.detail.format(name)}</p></html>'
        )


DOWN = Refusal(
    HTTPStatus.BAD_GATEWAY,
    "A service does not answer",
    "Den här delen svarar inte just nu",
    "The service {} does not answer. It is being started again: repeat the request in a moment.",
    "Tjänsten {} startas om av sig själv. Ladda om sidan om en liten stund.",
)
BUSY = Refusal(
    HTTPStatus.SERVICE_UNAVAILABLE,
    "Too many requests at once",
    "Just nu frågar alltför många på en gång",
    "There was no place for a request to the service {}: repeat it in a moment.",
    "Det fanns ingen plats för en fråga till tjänsten {}. Ladda om sidan om en liten stund.",
)
