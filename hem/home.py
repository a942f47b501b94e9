"""The data folder of one machine (HEM_HOME, default ./.hem): secrets, ports, and a place for each part's data."""

import json
import os
import secrets
from base64 import b64encode
from collections.abc import Callable, Iterable
from pathlib import Path

from hem.stack.folder import free_ports, is_free

DEFAULT_PORT = 8000


class Home:
    """The folder. Nothing is written before it is asked for."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @classmethod
    def here(cls) -> "Home":
        """The home that the environment names."""
        return cls(Path(os.environ.get("HEM_HOME", ".hem")).resolve())

    def folder(self, part: str) -> Path:
        """Where a part keeps its data."""
        return self.root / part

    def log(self, part: str) -> Path:
        return self.root / "log" / f"{part}.log"

    def secret(self, name: str, make: Callable[[], str] = lambda: secrets.token_urlsafe(32)) -> str:
        """The secret `name`, made the first time; readable by our user only."""
        known = self.known_secret(name)
        return known if known is not None else self.keep_secret(name, make())

    def known_secret(self, name: str) -> str | None:
        """The secret `name`, or None when it was never made."""
        try:
            return (self.root / "secrets" / name).read_text().strip()
        except FileNotFoundError:
            return None

    def keep_secret(self, name: str, value: str) -> str:
        folder = self.root / "secrets"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished = folder / f".{name}.new"
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(value)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(folder / name)
        return value

    def master_key(self, service: str) -> str:
        """32 random bytes in base64: what wraps the keys of the persons a service meets."""
        return self.secret(f"{service}-master-key", lambda: b64encode(secrets.token_bytes(32)).decode())

    def ports(self, parts: Iterable[str]) -> dict[str, int]:
        """A port for each part, the same as last time where it is still free."""
        file = self.root / "ports.json"
        try:
            known: dict[str, int] = json.loads(file.read_text())
        except (FileNotFoundError, ValueError):  # the first start, or one that was cut short: any free port will do
            known = {}
        ports = {}
        for part in parts:
            last = known.get(part)
            ports[part] = last if last and is_free(last) else free_ports(1)[0]
        file.write_text(json.dumps(ports, indent=1))
        return ports

    @property
    def url(self) -> str:
        """Where the door of this home is, or was when it last ran."""
        try:
            return (self.root / "url").read_text().strip()
        except FileNotFoundError:
            return f"http://127.0.0.1:{door_port()}"

    def keep_url(self, url: str) -> None:
        (self.root / "url").write_text(url)


def door_port() -> int:
    """HEM_PORT, default 8000."""
    return int(os.environ.get("HEM_PORT", DEFAULT_PORT))
