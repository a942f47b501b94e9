"""Connectors as an operator writes them down: a folder of YAML files, each one connector, named as its file.

    kind: leases
    publisher: housing-system
    source: urn:example:housing
    read: /srv/exports/leases.csv
    every: P1D
    options: …

A file that is wrong stops none of the others.
"""

import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from schemas.door import is_own
from schemas.envelope import path as written
from schemas.fields import Interval, Source
from services.gateway.connectors.kinds import KINDS
from services.gateway.connectors.shape import Options
from services.gateway.domain.connectors import ConnectorName
from services.gateway.domain.publishers import duration

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
MAX_FILE = 256 * 1024


def _readable(place: str) -> str:
    parts = urlsplit(place)
    if parts.scheme in ("http", "https"):
        if not parts.hostname:
            raise ValueError("an address with a host, such as https://housing.example/export.csv")
    elif not Path(place).is_absolute():
        raise ValueError("the whole path of a file, from /, or an address that begins with http:// or https://")
    return place


def _known(kind: str) -> str:
    if kind not in KINDS:
        raise ValueError(f"one of {', '.join(KINDS)}")
    return kind


def _not_ours(source: str) -> str:
    if is_own(source):
        raise ValueError("a source of the publisher's own; those that begin with urn:hem: are Hem's")
    return source


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Annotated[str, AfterValidator(_known)]
    publisher: str
    source: Annotated[Source, AfterValidator(_not_ours)]
    read: Annotated[str, AfterValidator(_readable)] | None = None
    every: Interval | None = None
    options: dict[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Connector:
    """One connector. `read`: a file's path or an address; None: only what is sent. `every`: None: only when asked."""

    name: ConnectorName
    kind: str
    publisher: str
    source: str
    read: str | None
    every: timedelta | None
    options: Options

    @property
    def reads_from(self) -> str:
        """Where from, fit for a page: of an address neither a password nor a query, which may be a key."""
        if self.read is None:
            return ""
        parts = urlsplit(self.read)
        if parts.scheme not in ("http", "https"):
            return self.read
        return f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}{parts.path}"


@dataclass(frozen=True, slots=True)
class Misconfigured:
    """A connector whose file is wrong. `why`: one line for each thing to mend."""

    name: ConnectorName
    why: tuple[str, ...]


def configured(folder: Path | None) -> list[Connector | Misconfigured]:
    """The connectors in `folder`, by name; none where there is no folder."""
    if folder is None:
        return []
    if not folder.is_dir():
        return [Misconfigured(ConnectorName(folder.name), (f"{folder} is not a folder that can be read here",))]
    files = sorted(file for file in folder.iterdir() if file.suffix in (".yaml", ".yml"))
    return [_read(file) for file in files]


def find(folder: Path | None, name: str) -> Connector | Misconfigured | None:
    return next((one for one in configured(folder) if one.name == name), None)


def _read(file: Path) -> Connector | Misconfigured:
    name = ConnectorName(file.stem)
    if not NAME.fullmatch(name):
        return Misconfigured(name, ("its file's name: small letters, digits, - and _, before .yaml",))
    try:
        if file.stat().st_size > MAX_FILE:
            return Misconfigured(name, (f"{file.name}: at most {MAX_FILE // 1024} KiB",))
        told = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        return Misconfigured(name, (f"{file.name} can't be read: {error.strerror}",))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark is not None else ""
        return Misconfigured(name, (f"{file.name} is not YAML in UTF-8{where}",))
    try:
        said = _File.model_validate(told)
    except ValidationError as error:
        return Misconfigured(name, _lines(error, ""))
    if said.every is not None and said.read is None:
        return Misconfigured(name, ("every: only with read, which says what to read then",))
    try:
        options = KINDS[said.kind].options.model_validate(said.options)
    except ValidationError as error:
        return Misconfigured(name, _lines(error, "options."))
    every = None if said.every is None else duration(said.every)
    return Connector(name, said.kind, said.publisher, said.source, said.read, every, options)


def _lines(error: ValidationError, under: str) -> tuple[str, ...]:
    """One line for each, in our words, with the place and without what stood there."""
    return tuple(
        f"{under}{written(entry['loc']) or 'the file'}: {_words(entry['type'], str(entry['msg']))}"
        for entry in error.errors(include_url=False, include_input=False)
    )


def _words(kind: str, said: str) -> str:
    match kind:
        case "missing":
            return "is missing"
        case "extra_forbidden":
            return "is not known here"
        case _:
            return said.removeprefix("Value error, ").replace("Input should be", "should be")
