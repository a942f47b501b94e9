"""Reports as rows, and as the JSON of the API. Both are made of what is shown of a figure, and of nothing else."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from fractions import Fraction
from typing import Any

from services.chassis.clock import STOCKHOLM
from services.chassis.web.words import N_
from services.reporting.definitions import Goal
from services.reporting.domain.notes import Note
from services.reporting.exports.footnotes import Words, footnotes
from services.reporting.exports.jsonstat import number
from services.reporting.exports.rows import About, Part, Row, Table
from services.reporting.service.shapes import Figure, Report


def figures_of(reports: Iterable[Report]) -> Iterator[Figure]:
    """Every figure of the reports: of each measure the company's, the areas', then those of other dimensions."""
    for report in reports:
        for measure in report.measures:
            yield from measure.every


def table(
    figures: Sequence[Figure], notes: Sequence[Note], words: Words, *, title: str, as_of: datetime, address: str
) -> Table:
    """A table of figures with what staff have noted. `address`: absolute, where the same can be read again."""
    goals = {figure.goal.id: figure.goal for figure in figures}
    return Table(
        title=title,
        rows=[row(figure, words, notes) for figure in figures],
        about=[about(goal, words.language) for goal in goals.values()],
        as_of=as_of,
        citation=citation(title, as_of, address, words),
        address=address,
    )


def citation(title: str, as_of: datetime, address: str, words: Words) -> str:
    """Ready to be quoted: who says it, what, as of when, where."""
    local = as_of.astimezone(STOCKHOLM)
    return words.text(N_("Hem ({year}). {title}. As of {day}. {address}")).format(
        year=local.year, title=title, day=words.day(local.date()), address=address
    )


PLAIN = Words("sv", lambda message: message)


def row(figure: Figure, words: Words = PLAIN, notes: Sequence[Note] = ()) -> Row:
    """One figure as every export has it. A numerator and a denominator are those of a ratio, in what it counts; an
    official rate has them where they are published."""
    target, parts = figure.target, figure.measure.scale * figure.measure.per
    ratio = figure.shown if figure.measure.is_ratio or (figure.shown and figure.shown.denominator) else None
    return Row(
        goal=figure.goal.id,
        measure=figure.measure.id,
        period=figure.period.label,
        area=figure.area,
        dimension=figure.dimension,
        value=figure.value_shown,
        unit=figure.measure.unit,
        decimals=figure.measure.decimals,
        numerator=None if ratio is None else Fraction(ratio.numerator, parts),
        denominator=None if ratio is None else Fraction(ratio.denominator, parts),
        status=figure.status.value,
        provisional=figure.provisional,
        target=None if target is None else target.value,
        comparison=None if target is None else target.comparison,
        as_of=figure.as_of,
        definition_version=figure.goal.version,
        published_on=None if figure.published is None else figure.published.on,
        notes=footnotes(figure, words, notes),
        title=title_of(figure, words.language),
        area_name=figure.area_name,
    )


def title_of(figure: Figure, language: str) -> str:
    """The goal's title, with its measure's where it has several."""
    texts = figure.goal.text(language)
    if len(figure.goal.measures) == 1:
        return texts.title
    return f"{texts.title}: {texts.measures[figure.measure.id].title}"


def about(goal: Goal, language: str) -> About:
    """A goal in words."""
    texts = goal.text(language)
    parts = []
    for measure in goal.measures:
        said = texts.measures[measure.id]
        parts.append(Part(measure.id, said.title, measure.unit, said.numerator, said.denominator))
    return About(
        goal=goal.id,
        title=texts.title,
        version=goal.version,
        since=goal.since,
        document=goal.document,
        definition=texts.definition,
        population=texts.population,
        source=texts.source,
        threshold=goal.threshold,
        parts=tuple(parts),
        events=tuple(sorted({type for types in goal.events.values() for type in types})),
    )


def as_json(figure: Figure, words: Words, notes: Sequence[Note] = ()) -> dict[str, Any]:
    """The figure object of the API. `value` in `unit`; null when not shown or without data."""
    one, target = row(figure, words, notes), figure.target
    return {
        "goal": one.goal,
        "measure": one.measure,
        "title": one.title,
        "period": one.period,
        "area": one.area,
        "area_name": one.area_name,
        "dimensions": dict([one.dimension] if one.dimension else []),
        "value": None if one.value is None else float(one.value),
        "range": None if figure.shown is None or figure.range is None else [float(end) for end in figure.range],
        "unit": one.unit,
        "numerator": None if one.numerator is None else number(one.numerator),
        "denominator": None if one.denominator is None else number(one.denominator),
        "target": target
        and {
            "comparison": target.comparison,
            "value": None if target.value is None else number(target.value),
            "document": target.document,
        },
        "status": one.status,
        "provisional": one.provisional,
        "final_on": None if figure.ripe_on is None else figure.ripe_on.isoformat(),
        "published": figure.published is not None,
        "published_on": None if one.published_on is None else one.published_on.isoformat(),
        "as_of": moment(one.as_of),
        "definition_version": one.definition_version,
        "flags": list(figure.flags),
        "notes": list(one.notes),
    }


def moment(value: datetime) -> str:
    return value.astimezone(STOCKHOLM).isoformat(timespec="seconds")
