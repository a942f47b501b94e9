"""The data folder of one machine (HEM_HOME, default ./.hem): secrets, ports, and a place for each part's data."""

import json
import os
import secrets
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeGuard

from hem.stack.errors import StackError
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

    def make(self) -> None:
        """Make the folder, or take what others may do there away: personal data lies in it. Another's folder is left as it is."""
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            ours = not any(self.root.iterdir()) or (self.root / "hem.lock").exists()
            if ours and self.root.stat().st_mode & 0o077:
                self.root.chmod(0o700)
        except OSError as error:
            raise StackError(f"Hem can't use the data folder {self.root}: {error.strerror}.") from error

    def folder(self, part: str) -> Path:
        """Where a part keeps its data."""
        return self.root / part

    @property
    def logs(self) -> Path:
        return self.root / "log"

    def log(self, part: str) -> Path:
        return self.logs / f"{part}.log"

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

    def ports(self, parts: Iterable[str], *, given: Mapping[str, int] | None = None) -> dict[str, int]:
        """A port of its own for each part: the `given` one, else that of last time where it is still free, else any."""
        ports = dict(given or {})
        taken = set(ports.values())
        missing = []
        known = self._known_ports()
        for part in parts:
            if part in ports:
                continue
            last = known.get(part)
            if _is_port(last) and last not in taken and is_free(last):
                ports[part] = last
                taken.add(last)
            else:
                missing.append(part)
        ports |= zip(missing, free_ports(len(missing), but=taken), strict=True)
        (self.root / "ports.json").write_text(json.dumps(ports, indent=1))
        return ports

    def _known_ports(self) -> dict[str, object]:
        try:
            known = json.loads((self.root / "ports.json").read_text())
        except (FileNotFoundError, ValueError):  # the first start, or one that was cut short: any free port will do
            return {}
        return known if isinstance(known, dict) else {}

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
    """HEM_PORT, default 8000. StackError when it is no port."""
    return port_of("HEM_PORT") or DEFAULT_PORT


def port_of(variable: str) -> int | None:
    """The port that an environment variable gives, None when it is unset. StackError when it is no port."""
    text = os.environ.get(variable)
    if not text:
        return None
    number = int(text) if text.isascii() and text.isdigit() else 0
    if not _is_port(number):
        raise StackError(f"{variable} is {text!r}, and a port is a number from 1 to 65535.")
    return number


def _is_port(value: object) -> TypeGuard[int]:
    return type(value) is int and 0 < value < 2**16
