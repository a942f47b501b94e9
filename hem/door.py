"""How the hem command talks to a running Hem: through the one door, as operator or publisher."""

import os
from typing import Any, BinaryIO

import httpx2

from hem.environment import given
from hem.home import Home

TIMEOUT = httpx2.Timeout(60.0, connect=5.0)


class DoorError(Exception):
    """What went wrong and what to do, in words for the terminal."""


class Door:
    """The door at HEM_URL, or that of this home.

    Operator calls carry HEM_OPERATOR_TOKEN (or what HEM_OPERATOR_TOKEN_FILE holds), or this home's token where it is this home's door: no other address is shown it.
    """

    def __init__(self, home: Home, *, url: str | None = None) -> None:
        self.home = home
        self.url = (url or os.environ.get("HEM_URL") or home.url).rstrip("/")
        self.is_home = self.url == home.url.rstrip("/")
        try:
            self._client = httpx2.Client(base_url=self.url, timeout=TIMEOUT, trust_env="HEM_URL" in os.environ)
        except httpx2.InvalidURL as error:
            raise DoorError(f"HEM_URL is {self.url!r}, which is no address: {error}.") from error

    def __enter__(self) -> "Door":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def operate(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        params: dict[str, str] | None = None,
        file: BinaryIO | None = None,
    ) -> Any:
        """The JSON answer of an operator's call, None when it has none. DoorError with the service's own words when refused.

        `file` is sent as it is, piece by piece, in place of a `body`.
        """
        token = self._token()
        if not token:
            raise DoorError(
                f"No operator token for {self.url}. Run this where `hem up` was run (or set HEM_HOME), "
                "or set HEM_OPERATOR_TOKEN (or HEM_OPERATOR_TOKEN_FILE) and HEM_URL for a Hem elsewhere."
            )
        sent: dict[str, Any] = {"json": body} if file is None else {"content": file}
        return self._json(
            self.request(method, path, params=params, headers={"authorization": f"Bearer {token}"}, **sent)
        )

    def read(self, path: str, params: dict[str, str] | None = None) -> Any:
        """The JSON of an open page, such as the goals on loopback; signed as operator where a token is known."""
        token = self._token()
        headers = {"authorization": f"Bearer {token}"} if token else {}
        return self._json(self.request("GET", path, params=params, headers=headers | {"accept": "application/json"}))

    def request(self, method: str, path: str, **options: Any) -> httpx2.Response:
        """Any request; DoorError when nobody answers."""
        try:
            return self._client.request(method, path, **options)
        except httpx2.HTTPError as error:
            raise DoorError(
                f"Hem does not answer at {self.url} ({type(error).__name__}). Is it running (`hem up`, or `docker compose ps`)?"
            ) from error

    def _token(self) -> str | None:
        return given("HEM_OPERATOR_TOKEN") or (self.home.known_secret("operator-token") if self.is_home else None)

    def _json(self, answer: httpx2.Response) -> Any:
        if answer.is_success:
            return json_of(answer) if answer.content else None
        raise DoorError(words(answer))


def json_of(answer: httpx2.Response) -> Any:
    """The JSON of an answer. DoorError when it has none: it is some other program that answers there."""
    try:
        return answer.json()
    except ValueError as error:
        raise DoorError(
            f"Something answers at {answer.url}, but not as Hem does. Are HEM_URL and HEM_PORT right?"
        ) from error


def words(answer: httpx2.Response) -> str:
    """What a refusal says, from its problem body where it has one."""
    if "json" in answer.headers.get("content-type", ""):
        body = json_of(answer)
        if isinstance(body, dict):
            return f"{body.get('title', 'Refused')} ({answer.status_code}): {body.get('detail', '')}".rstrip(": ")
    return f"Refused with status {answer.status_code}: {answer.text[:200]}"
