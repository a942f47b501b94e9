"""Caught mails in one SQLite file, so that a restart keeps them."""

import hashlib
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

VERSION = 2
SCHEMA = """
CREATE TABLE mail (
    number     INTEGER PRIMARY KEY,
    message_id TEXT NOT NULL,
    recipient  TEXT NOT NULL,
    sender     TEXT NOT NULL,
    subject    TEXT NOT NULL,
    times      INTEGER NOT NULL DEFAULT 1,
    first_at   TEXT NOT NULL,
    last_at    TEXT NOT NULL,
    source     BLOB NOT NULL,
    UNIQUE (message_id, recipient)
)
"""
HAS_TABLE = "SELECT EXISTS (SELECT * FROM sqlite_schema WHERE name = 'mail')"
KEEP = """
INSERT INTO mail (message_id, recipient, sender, subject, first_at, last_at, source) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (message_id, recipient) DO UPDATE SET times = times + 1, last_at = excluded.last_at
"""
NEWEST = """
SELECT number, message_id, recipient, sender, subject, times, first_at, last_at
FROM mail WHERE (?1 IS NULL OR number < ?1) AND instr(lower(recipient), lower(?2))
ORDER BY number DESC LIMIT ?3
"""
FIND = (
    "SELECT number, message_id, recipient, sender, subject, times, first_at, last_at, source FROM mail WHERE number = ?"
)
COUNTS = "SELECT count(*), coalesce(sum(times), 0) FROM mail"


@dataclass(frozen=True)
class Mail:
    """One Message-ID to one recipient: how many `times` it came, first and last when (UTC)."""

    number: int
    message_id: str
    recipient: str
    sender: str
    subject: str
    times: int
    first_at: datetime
    last_at: datetime


class Mailbox:
    """The file `mail.sqlite` in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(folder / "mail.sqlite", isolation_level=None)
        # Enough for a process that is killed; only a power cut may take the last mails.
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._make_table()

    def keep(self, source: bytes, sender: str, recipients: Sequence[str], at: datetime) -> None:
        """Store a mail for each recipient, or count it once more when it has come to them before. Without a Message-ID, its bytes are its identity."""
        message = parse(source)
        identity = str(message.get("Message-ID", "")).strip() or f"<{hashlib.sha256(source).hexdigest()}>"
        subject = str(message.get("Subject", ""))
        when = at.isoformat()
        self._db.executemany(KEEP, [(identity, to, sender, subject, when, when, source) for to in recipients])

    def newest(self, count: int | None, *, before: int | None = None, to: str = "") -> list[Mail]:
        """Up to `count` mails (None: all), newest first, with a number below `before` and `to` in the recipient."""
        return [_mail(row) for row in self._db.execute(NEWEST, (before, to, -1 if count is None else count))]

    def find(self, number: int) -> tuple[Mail, bytes] | None:
        """The mail and its source, as it came."""
        row = self._db.execute(FIND, (number,)).fetchone()
        return None if row is None else (_mail(row[:-1]), row[-1])

    def counts(self) -> tuple[int, int]:
        """How many different mails, and how many times one came."""
        different, times = self._db.execute(COUNTS).fetchone()
        return int(different), int(times)

    def _make_table(self) -> None:
        """Version 1 kept one row for a Message-ID, whoever it went to."""
        if self._db.execute("PRAGMA user_version").fetchone()[0] == VERSION:
            return
        self._db.execute("BEGIN IMMEDIATE")
        (earlier,) = self._db.execute(HAS_TABLE).fetchone()
        if earlier:
            self._db.execute("ALTER TABLE mail RENAME TO earlier")
        self._db.execute(SCHEMA)
        if earlier:
            self._db.execute("INSERT INTO mail SELECT * FROM earlier")
            self._db.execute("DROP TABLE earlier")
        self._db.execute(f"PRAGMA user_version = {VERSION}")
        self._db.execute("COMMIT")

    def close(self) -> None:
        self._db.close()


def parse(source: bytes) -> EmailMessage:
    """The mail in `source`; broken parts are kept as far as they can be read."""
    return message_from_bytes(source, policy=policy.default)


def parts_of(message: EmailMessage) -> tuple[str | None, str | None]:
    """The text and the HTML part, each None when there is none."""
    plain = message.get_body(("plain",))
    html = message.get_body(("html",))
    return (None if plain is None else _content(plain)), (None if html is None else _content(html))


def _content(part: Any) -> str:
    try:
        return str(part.get_content())
    except (LookupError, ValueError):  # an unknown charset
        return bytes(part.get_payload(decode=True) or b"").decode("utf-8", "replace")


def _mail(row: Sequence[Any]) -> Mail:
    number, message_id, recipient, sender, subject, times, first_at, last_at = row
    return Mail(
        number=number,
        message_id=message_id,
        recipient=recipient,
        sender=sender,
        subject=subject,
        times=times,
        first_at=datetime.fromisoformat(first_at),
        last_at=datetime.fromisoformat(last_at),
    )
