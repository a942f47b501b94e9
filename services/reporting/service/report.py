"""The verbs of the yearly report: say something about a goal, hand the report over."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from schemas.reporting import ReportPublished
from services.chassis.postgres import Connection
from services.chassis.transaction import Transaction
from services.reporting.repository import report as repository
from services.reporting.repository.report import Edition, Format, Kind, Recipient, Text

LONGEST = 20_000
"""Letters of a text about one goal: several pages."""
_UNSEEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody wrote in one language, having seen `version` (0: nothing yet)."""

    body: str
    version: int


class Overtaken(Exception):
    """Somebody else has written meanwhile; `standing` is what stands now, by language."""

    def __init__(self, standing: Mapping[str, Text]) -> None:
        super().__init__(f"a newer version stands in {', '.join(sorted(standing))}")
        self.standing = dict(standing)


def clean(body: str) -> str:
    """The text as it is kept: line ends alike, nothing invisible, no empty ends."""
    return _UNSEEN.sub("", body.replace("\r\n", "\n").replace("\r", "\n")).strip()


async def say(tx: Transaction, period: str, about: str, said: Mapping[str, Said], role: str) -> None:
    """Keeps what is new of `said` (by language) as the next version. Raises `Overtaken`; then nothing is kept."""
    standing = await repository.texts(tx.connection, period)
    changed, overtaken = [], {}
    for language, one in said.items():
        before = standing.get((about, language))
        version, body = (before.version, before.body) if before else (0, "")
        if one.body == body:
            continue
        if before is not None and version != one.version:
            overtaken[language] = before
        changed.append(Text(about, language, version + 1, one.body, role, tx.now()))
    if overtaken:
        raise Overtaken(overtaken)
    for text in changed:
        if not await repository.write(tx.connection, period, text):  # by another transaction since we looked
            latest = await repository.texts(tx.connection, period)
            raise Overtaken({text.language: latest[about, text.language]})


async def next_edition(connection: Connection, kind: Kind, period: str, recipient: Recipient) -> int:
    """The number that the next report of a kind and period to a kind of recipient has."""
    found = await repository.editions(connection, period=period, recipients=[recipient])
    return max((one.edition for one in found if one.kind == kind), default=0) + 1


def report_id(kind: Kind, period: str, recipient: Recipient, edition: int) -> str:
    return f"{kind}-{period}-{recipient}-{edition}"


async def hand_over(tx: Transaction, edition: Edition, files: Mapping[tuple[str, Format], bytes]) -> bool:
    """Keeps the report byte for byte and says that it has been published. False when that edition is there already."""
    if not await repository.keep(tx.connection, edition, files):
        return False
    tx.publish(
        ReportPublished(
            report_id=edition.report_id,
            kind=edition.kind,
            period=edition.period,
            recipient_kind=edition.recipient,
            published_on=edition.published_on,
        )
    )
    return True
