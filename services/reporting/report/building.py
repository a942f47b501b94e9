"""From figures, decisions and staff's texts to what a report says."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial

from services.chassis.clock import local_date
from services.chassis.web.languages import direction
from services.chassis.web.words import N_
from services.reporting.definitions import Goal
from services.reporting.domain.landlord import Document, Landlord
from services.reporting.domain.notes import Note
from services.reporting.domain.periods import Period
from services.reporting.report.answers import answer, missing, reference
from services.reporting.report.content import Comment, Content, Labels, Section, Standing
from services.reporting.repository.report import INTRODUCTION, Kind, Recipient, Text
from services.reporting.service.shapes import Report
from services.reporting.written import STATUSES, Written

TITLES: Mapping[Kind, str] = {
    "yearly": N_("Integration goals {period}: yearly report"),
    "sustainability": N_("Sustainability report {period}: integration goals"),
}
FOR = {
    "owner": N_("For the owner."),
    "board": N_("For the board."),
    "public": N_("For everybody."),
    "staff": N_("For those who work with it."),
}
OTHER = {
    "sv": N_("This text has been written in Swedish only."),
    "en": N_("This text has been written in English only."),
}
MADE_UP = N_("Made-up data, for trying Hem out. No person or home here is real.")


@dataclass(frozen=True, slots=True)
class Handing:
    """What a report says of itself. `published_on`: None for a draft. `edition`: 2 for the second to the same recipient."""

    kind: Kind
    period: Period
    recipient: Recipient
    edition: int
    as_of: datetime
    published_on: date | None
    company: str
    made_up: bool


@dataclass(frozen=True, slots=True)
class Material:
    """What a report is made of. `missing`: goals without a published figure. `texts`: by what they are about and language.
    `meanings`: (status code, what it means). `is_approved`: somebody stands behind the published figures of the year."""

    reports: Sequence[Report]
    missing: Sequence[Goal]
    landlord: Landlord
    texts: Mapping[tuple[str, str], Text]
    notes: Sequence[Note]
    meanings: Sequence[tuple[str, str]]
    is_approved: bool


def build(material: Material, handing: Handing, written: Written) -> Content:
    """The whole report in one language."""
    comment = partial(_comment, material.texts, written)
    notes = {r.goal.id: [note for note in material.notes if note.goal == r.goal.id] for r in material.reports}
    codes = {status.value: written.texts.gettext(word) for status, word in STATUSES.items()}
    sections = [
        Section(
            part.title,
            part.about,
            [
                *(answer(report, comment(report.goal.id), notes[report.goal.id], written) for report in part.whole),
                *(reference(report, part.id, elsewhere, written) for report, elsewhere in part.elsewhere),
                *(missing(goal, comment(goal.id), handing.period, written) for goal in part.missing),
            ],
        )
        for part in _by_document(material, handing.period, written)
    ]
    outcomes = {told.id: told.outcome[0] for section in sections for told in section.answers if told.facts}
    return Content(
        language=written.language,
        direction=direction(written.language),
        title=written.say(TITLES[handing.kind], period=handing.period.label),
        publisher=handing.company or "Hem",
        banner=list(_banner(handing, written)),
        about=list(_about(handing, written)),
        introduction=comment(INTRODUCTION),
        standing=_standing(Counter(outcomes.values()), written),
        sections=sections,
        reading=[(codes[code], written.texts.gettext(meaning)) for code, meaning in material.meanings],
        labels=_labels(written),
    )


def _comment(texts: Mapping[tuple[str, str], Text], written: Written, about: str) -> Comment | None:
    """Staff's text in the report's language, else in the other with a note that says so."""
    for language in sorted(OTHER, key=lambda tongue: tongue != written.language):
        found = texts.get((about, language))
        if found is not None and found.body:
            note = None if language == written.language else written.texts.gettext(OTHER[language])
            return Comment(
                [" ".join(part.split()) for part in found.body.split("\n\n") if part.strip()], language, note
            )
    return None


def _banner(handing: Handing, written: Written) -> Iterable[str]:
    if handing.published_on is None:
        yield written.say(N_("Draft: this report has not been published."))
    if handing.made_up:
        yield written.texts.gettext(MADE_UP)


def _about(handing: Handing, written: Written) -> Iterable[str]:
    if handing.company:
        yield handing.company
    said = [written.texts.gettext(FOR[handing.recipient])]
    if handing.published_on is not None:
        said.append(written.say(N_("Published {day}."), day=written.day(handing.published_on)))
    if handing.edition > 1:
        said.append(written.say(N_("Edition {number}."), number=written.formats.number(handing.edition)))
    yield " ".join(said)
    if handing.recipient == "staff":
        said_of = N_("The figures are as they were counted {moment}, before publication: don't hand them on.")
        yield written.say(said_of, moment=written.formats.datetime(handing.as_of))
    else:
        said_of = N_("The figures are those that were published by {day}. What was changed after that is not in them.")
        yield written.say(said_of, day=written.day(local_date(handing.as_of)))


def _standing(counts: Mapping[str, int], written: Written) -> list[Standing]:
    """How many goals have each outcome, in the order in which statuses are always told."""
    return [
        Standing(status.value, written.texts.gettext(word), written.formats.number(counts[status.value]))
        for status, word in STATUSES.items()
        if status.value in counts
    ]


@dataclass(frozen=True, slots=True)
class _Part:
    """A steering document with its goals: those told of here, those told of under the title of another, and those that
    there is nothing to tell of."""

    id: str
    title: str
    about: str
    whole: list[Report] = field(default_factory=list)
    elsewhere: list[tuple[Report, str]] = field(default_factory=list)
    missing: list[Goal] = field(default_factory=list)


def _by_document(material: Material, period: Period, written: Written) -> list[_Part]:
    """The latest document first; documents that governance hasn't told of come last."""
    parts: dict[str, _Part] = {}
    for report in material.reports:
        for id in _documents_of(report, period):
            parts.setdefault(id, _part(id, material.landlord, written))
    for goal in material.missing:
        parts.setdefault(goal.document, _part(goal.document, material.landlord, written)).missing.append(goal)
    since = {document.id: document.valid_from for document in material.landlord.documents}
    ordered = sorted(parts.values(), key=lambda part: (since.get(part.id, date.min), part.id), reverse=True)
    for report in material.reports:
        told, *others = [part for part in ordered if part.id in _documents_of(report, period)]
        told.whole.append(report)
        for part in others:
            part.elsewhere.append((report, told.title))
    return ordered


def _documents_of(report: Report, period: Period) -> list[str]:
    """The documents whose targets applied in the period; without a target, the one that the goal comes from."""
    targets = [
        target
        for measure in report.measures
        for figure in (measure.company, *measure.areas)
        for target in figure.targets
        if target.runs_within(period.first, period.last)
    ]
    return list(dict.fromkeys(target.document for target in targets)) or [report.goal.document]


def _part(id: str, landlord: Landlord, written: Written) -> _Part:
    known = next((document for document in landlord.documents if document.id == id), None)
    if known is not None:
        return _Part(id, known.title, _validity(known, written))
    title = written.say(N_("Goals of {document}"), document=id)
    return _Part(id, title, written.say(N_("The steering document hasn't been published")))


def _validity(document: Document, written: Written) -> str:
    said = [written.say(N_("In force from {day}"), day=written.day(document.valid_from))]
    if document.replaced_on is not None:
        said.append(written.say(N_("replaced {day}"), day=written.day(document.replaced_on)))
    elif document.valid_to is not None:
        said.append(written.say(N_("to {day}"), day=written.day(document.valid_to)))
    if document.replaced_on is None and document.applies_until_replaced:
        said.append(written.say(N_("applies until replaced")))
    return f"{', '.join(said)}."


def _labels(written: Written) -> Labels:
    say = written.say
    return Labels(
        contents=say(N_("Contents")),
        standing=say(N_("How many goals stand where")),
        goal=say(N_("Goal")),
        figure=say(N_("Figure")),
        target=say(N_("Target")),
        status=say(N_("Status")),
        comment=say(N_("What we say of it")),
        no_comment=say(N_("No text has been written.")),
        facts=say(N_("How it is counted")),
        changes=say(N_("What has happened")),
        reading=say(N_("What the words mean")),
        page=say(N_("Page")),
    )
