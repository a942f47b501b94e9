"""The SQL of the yearly report: what staff have written, and the reports as they were handed over."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from services.chassis.postgres import Connection

Recipient = Literal["owner", "board", "public", "staff"]
Kind = Literal["yearly", "sustainability"]
Format = Literal["json", "html", "pdf"]
INTRODUCTION = "introduction"
"""What a text is about that stands first in the report; the others are about the goal they name."""

_TEXT = "about, language, version, body, written_by, written_at"
TEXTS = f"""
    select distinct on (about, language) {_TEXT} from report_text where period = $1
    order by about, language, version desc
"""
HISTORY = f"""
    select {_TEXT} from report_text where period = $1 and about = $2 order by written_at desc, language, version desc
"""
WRITE = """
    insert into report_text (period, about, language, version, body, written_by, written_at)
    values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing returning version
"""
_EDITION = "report_id, kind, period, recipient, edition, published_on, published_at, published_by"
EDITIONS = f"""
    select {_EDITION} from report_edition
    where ($1::text is null or period = $1) and ($2::text[] is null or recipient = any ($2))
    order by period desc, published_at desc, report_id
"""
EDITION = f"select {_EDITION} from report_edition where report_id = $1"
KEEP_EDITION = """
    insert into report_edition (report_id, kind, period, recipient, edition, published_on, published_at, published_by)
    values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing returning report_id
"""
KEEP_FILE = """
    insert into report_file (report_id, language, format, digest, content) values ($1, $2, $3, $4, $5)
"""
CHANGED_SINCE = """
    select exists (select from publication where period = $1 and published_at > $2)
"""
FILE = "select content, digest from report_file where report_id = $1 and language = $2 and format = $3"


@dataclass(frozen=True, slots=True)
class Text:
    """A version of what staff have written about a goal, or first in the report, in one language."""

    about: str
    language: str
    version: int
    body: str
    written_by: str
    written_at: datetime


@dataclass(frozen=True, slots=True)
class Edition:
    """A report that has been handed over. `edition` counts those of a kind and period to a kind of recipient, from 1."""

    report_id: str
    kind: Kind
    period: str
    recipient: Recipient
    edition: int
    published_on: date
    published_at: datetime
    published_by: str


@dataclass(frozen=True, slots=True)
class File:
    """A file of a report, and the SHA-256 of its bytes."""

    content: bytes
    digest: bytes


async def texts(connection: Connection, period: str) -> dict[tuple[str, str], Text]:
    """The versions that stand, by what they are about and their language."""
    rows = await connection.fetch(TEXTS, period)
    return {(row["about"], row["language"]): Text(*row) for row in rows}


async def history(connection: Connection, period: str, about: str) -> list[Text]:
    """Every version, the newest first."""
    return [Text(*row) for row in await connection.fetch(HISTORY, period, about)]


async def write(connection: Connection, period: str, text: Text) -> bool:
    """Keeps a new version; False when somebody else has written that version first."""
    kept = await connection.fetchval(
        WRITE, period, text.about, text.language, text.version, text.body, text.written_by, text.written_at
    )
    return kept is not None


async def editions(
    connection: Connection, *, period: str | None = None, recipients: Sequence[Recipient] | None = None
) -> list[Edition]:
    """The reports handed over, the latest year first; of a period, or to some kinds of recipient, only those."""
    rows = await connection.fetch(EDITIONS, period, None if recipients is None else list(recipients))
    return [Edition(*row) for row in rows]


async def edition(connection: Connection, report_id: str) -> Edition | None:
    row = await connection.fetchrow(EDITION, report_id)
    return None if row is None else Edition(*row)


async def keep(connection: Connection, found: Edition, files: Mapping[tuple[str, Format], bytes]) -> bool:
    """Keeps an edition with its files, by language and format; False when that edition is there already."""
    kept = await connection.fetchval(
        KEEP_EDITION,
        found.report_id,
        found.kind,
        found.period,
        found.recipient,
        found.edition,
        found.published_on,
        found.published_at,
        found.published_by,
    )
    if kept is None:
        return False
    rows = [
        (found.report_id, language, format, hashlib.sha256(content).digest(), content)
        for (language, format), content in files.items()
    ]
    await connection.executemany(KEEP_FILE, rows)
    return True


async def file(connection: Connection, report_id: str, language: str, format: Format) -> File | None:
    row = await connection.fetchrow(FILE, report_id, language, format)
    return None if row is None else File(*row)


async def has_changed(connection: Connection, found: Edition) -> bool:
    """Whether figures of the report's period have been published anew since it was handed over."""
    return bool(await connection.fetchval(CHANGED_SINCE, found.period, found.published_at))
