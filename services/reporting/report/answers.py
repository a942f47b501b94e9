"""One goal's part of a report: what came of it, how it is counted, and what has changed."""

from collections.abc import Iterable, Sequence

from services.chassis.clock import local_date
from services.chassis.web.words import N_
from services.reporting.charts import Size, alone
from services.reporting.definitions import Goal
from services.reporting.domain.figures import Status
from services.reporting.domain.notes import Note
from services.reporting.domain.periods import Period
from services.reporting.exports.footnotes import Words, footnotes
from services.reporting.report.content import Answer, Comment, Entry, Picture, Table
from services.reporting.service.notes import applying
from services.reporting.service.shapes import Figure, MeasureReport, Report
from services.reporting.written import Written

HARDEST = (
    Status.MISSED, Status.BEHIND, Status.ON_TRACK, Status.MET, Status.INFORMATION, Status.SUPPRESSED, Status.FILLING,
    Status.NO_DATA,
)  # fmt: skip
SHEET = Size(960, 380, text=18)
ROWS_AT_MOST = 30
"""A table of more slices than this is read on the page, not on paper."""
REASONS = {
    "late_events": N_("events came late"),
    "corrected_events": N_("events were corrected"),
    "definition_changed": N_("the definition was changed"),
    "source_revised": N_("the official series was revised"),
    "error": N_("we had made a mistake"),
    "other": N_("another reason"),
}


def judged(report: Report) -> list[Figure]:
    """What the report answers for: each area with a target, and the company when it has one or no area has."""
    found = []
    for measure in report.measures:
        areas = [figure for figure in measure.areas if figure.target is not None and figure.in_programme]
        if measure.company.target is not None or (measure is report.main and not areas):
            found.append(measure.company)
        found += areas
    return found


def answer(report: Report, comment: Comment | None, notes: Sequence[Note], written: Written) -> Answer:
    """All that is said of a goal."""
    texts, figures = report.goal.text(written.language), judged(report)
    first = figures[0]
    told = [note for note in applying(notes, first.area) if first.period.first <= note.day <= first.period.last]
    return Answer(
        id=report.goal.id,
        title=texts.title,
        outcome=_outcome(figures, written),
        definition=texts.definition,
        in_words=_in_words(first, written),
        entries=_entries(report, figures, written),
        remarks=_remarks(figures, written),
        picture=_picture(first, told, written),
        comment=comment,
        tables=[table for measure in report.measures for table in _tables(measure, written)],
        facts=_facts(report, first, written),
        changes=[*_changes(report, written), *(f"{written.day(note.day)}: {note.text}" for note in told)],
    )


def reference(report: Report, document: str, elsewhere: str, written: Written) -> Answer:
    """What is said of a goal under one document, when the whole is told under the title of another."""
    texts, figures = report.goal.text(written.language), judged(report)
    return Answer(
        id=f"{report.goal.id}-{document}",
        title=texts.title,
        outcome=_outcome(figures, written),
        definition=texts.definition,
        in_words="",
        entries=_entries(report, figures, written),
        remarks=[written.say(N_("More is said of this goal under {title}."), title=elsewhere)],
        picture=None,
        comment=None,
        tables=[],
        facts=[],
        changes=[],
    )


def missing(goal: Goal, comment: Comment | None, period: Period, written: Written) -> Answer:
    """What is said of a goal that no figure has been published of."""
    texts, none = goal.text(written.language), written.say(N_("No figure published"))
    return Answer(
        id=goal.id,
        title=texts.title,
        outcome=(Status.NO_DATA.value, none),
        definition=texts.definition,
        in_words="",
        entries=[],
        remarks=[written.say(N_("No figure of this goal has been published for {period}."), period=period.label)],
        picture=None,
        comment=comment,
        tables=[],
        facts=[],
        changes=[],
    )


def _outcome(figures: Sequence[Figure], written: Written) -> tuple[str, str]:
    """The figure with its status; of several figures the hardest status, and how many have met their target."""
    hardest = min(figures, key=lambda figure: HARDEST.index(figure.status))
    if len(figures) == 1:
        word, value = written.status(hardest), written.value(hardest)
        return hardest.status.value, word if hardest.value_shown is None else f"{word}, {value}"
    met = sum(figure.status is Status.MET for figure in figures)
    if all(figure.value_shown is None for figure in figures):
        return hardest.status.value, written.status(hardest)
    said = written.say(N_("{n} of {all} targets met"), n=str(met), all=str(sum(f.target is not None for f in figures)))
    return hardest.status.value, said


def _in_words(figure: Figure, written: Written) -> str:
    if figure.value_shown is None:
        return ""
    words = written.in_words(figure)
    return words if figure.area is None else f"{written.place(figure)}: {words}"


def _entries(report: Report, figures: Sequence[Figure], written: Written) -> list[Entry]:
    """A row for each figure; of goals with several measures, each says which it is."""
    several = len(report.measures) > 1
    return [
        Entry(
            place=f"{written.measure(figure).title}, {written.place(figure)}" if several else written.place(figure),
            figure=written.value(figure),
            target=written.target(figure),
            code=figure.status.value,
            word=written.status(figure),
        )
        for figure in figures
    ]


def _remarks(figures: Sequence[Figure], written: Written) -> list[str]:
    words = Words(written.language, written.texts.gettext)
    return list(dict.fromkeys(note for figure in figures for note in footnotes(figure, words)))


def _picture(figure: Figure, notes: Sequence[Note], written: Written) -> Picture | None:
    """The figure's chart; none where there is no curve to draw."""
    drawn = written.picture(figure, notes)
    if sum(dot.value is not None for dot in drawn.dots) < 2:
        return None
    caption = f"{written.measure(figure).title}, {written.place(figure)}, {figure.period.label}."
    return Picture(alone(drawn, "", "", [], SHEET), drawn.spoken, caption)


def _tables(measure: MeasureReport, written: Written) -> Iterable[Table]:
    """The figures of areas and of other slices, and the points of the curve."""
    title = f"{written.measure(measure.company).title}, {measure.company.period.label}"
    slices = [(written.say(N_("Area")), measure.areas), *((name, found) for name, found in measure.by.items())]
    for name, figures in slices:
        told = [figure for figure in figures if figure.status is not Status.NO_DATA]
        if 0 < len(told) <= ROWS_AT_MOST:
            rows = [_row(figure, written) for figure in (measure.company, *told)]
            yield Table(title, _head(measure.company, name, written), rows)
    drawn = written.picture(measure.company)
    points = [dot for dot in drawn.dots if dot.value is not None]
    if len(points) > 1:
        yearly = measure.measure.yearly
        rows = [[str(p.on.year) if yearly else written.month(p.on), drawn.value(p.value or 0)] for p in points]
        head = [written.say(N_("Year")) if yearly else written.say(N_("Month")), written.say(N_("Figure"))]
        yield Table(written.say(N_("{title}: the points of the curve"), title=title), head, rows, is_curve=True)


def _head(figure: Figure, name: str, written: Written) -> list[str]:
    head = [name, written.say(N_("Figure"))]
    return [*head, written.say(N_("Numerator")), written.say(N_("Denominator"))] if figure.measure.is_ratio else head


def _row(figure: Figure, written: Written) -> list[str]:
    cells = [written.place(figure), written.value(figure)]
    if not figure.measure.is_ratio:
        return cells
    shown = figure.shown
    parts = (None, None) if shown is None else (shown.numerator, shown.denominator)
    return [*cells, *("–" if part is None else written.count(part, figure) for part in parts)]


def _facts(report: Report, figure: Figure, written: Written) -> list[tuple[str, str]]:
    """How it is counted, out of what, by which version of the definition, as of when."""
    goal, say = report.goal, written.say
    texts, measure, published = goal.text(written.language), written.measure(figure), figure.published
    if measure.denominator is None:
        facts = [(say(N_("What is counted")), measure.numerator)]
    else:
        facts = [(say(N_("Numerator")), measure.numerator), (say(N_("Denominator")), measure.denominator)]
    version = goal.version if published is None else published.definition_version
    facts += [
        (say(N_("Population")), texts.population),
        (say(N_("Source")), texts.source),
        (say(N_("Definition")), say(N_("{goal}, version {version}"), goal=goal.id, version=str(version))),
    ]
    if published is not None:
        facts.append((say(N_("Published")), written.day(published.on)))
    as_of = figure.as_of if published is None else published.as_of
    facts.append((say(N_("Counted up to")), written.day(local_date(as_of))))
    return [*facts, *([(say(N_("Note")), texts.note)] if texts.note else [])]


def _changes(report: Report, written: Written) -> Iterable[str]:
    """What has been restated: both values, when and why."""
    none = written.say(N_("no figure"))
    for measure in report.measures:
        unit, decimals = measure.measure.unit, measure.measure.decimals
        for figure in measure.every:
            published = figure.published
            if published is not None and published.restated:
                yield written.say(
                    N_("{place}: was {before}, is {after} since {day}, because {reason}."),
                    place=written.place(figure),
                    before=none if published.was is None else written.amount(published.was, unit, decimals),
                    after=none if figure.value_shown is None else written.value(figure),
                    day=written.day(published.on),
                    reason=written.texts.gettext(REASONS.get(published.reason or "other", REASONS["other"])),
                )
