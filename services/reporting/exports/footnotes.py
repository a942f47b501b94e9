"""What has to be known to read a figure: it follows the figure into every file, chart and answer."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from services.chassis.web.formats import Formats
from services.chassis.web.languages import locale
from services.chassis.web.words import N_
from services.reporting.domain.figures import Status
from services.reporting.domain.notes import Note
from services.reporting.service.shapes import Figure

FLAGS: Mapping[str, str] = {
    "proxy": N_("Stands in for the figure that was promised: what is published is about another age span."),
    "rate_only": N_("Only a rate is published, without the numbers behind it."),
    "rates_only": N_(
        "Rates of several regions are not put together to one: the area lies between the lowest and the highest."
    ),
    "earlier_period": N_("The latest that is published: it is about an earlier period."),
    "region_missing": N_("One of the area's regions has no published value, so the area has none."),
    "missing": N_("The agency has no value, which isn't zero."),
    "confidential": N_("The agency doesn't show the value: it is about too few."),
    "not_applicable": N_("The agency has nothing to measure there."),
    "no_regions": N_("The area is tied to no region of official statistics."),
    "no_municipality": N_("Nothing is published of the municipality to compare with."),
    "not_alike": N_(
        "What is published of the municipality is another series, register or age span, and isn't compared."
    ),
    "by_area_only": N_("Told of each area by itself."),
    "weighted": N_("Made of regions that lie only partly in the area, by the share of their residents who live in it."),
    "repeated": N_("The same published value stands for several areas; it is counted once."),
    "unknown_area": N_("Events name this area, and nobody has defined it."),
}
BREAKS: Mapping[str, str] = {
    "series": N_("another series"),
    "register": N_("another register"),
    "age_span": N_("another age span"),
    "region_version": N_("other regions"),
    "period_length": N_("another length of period"),
    "definition": N_("another definition"),
}


@dataclass(frozen=True, slots=True)
class Words:
    """A reader's language. `text` translates a message id."""

    language: str
    text: Callable[[str], str]

    def day(self, day: date) -> str:
        return Formats(locale(self.language)).date(day)


def footnotes(figure: Figure, words: Words, notes: Sequence[Note] = ()) -> tuple[str, ...]:
    """What has to be known of a figure, in the reader's language; the same, in the same order, wherever it is shown.

    `notes`: those that staff have written of the goal; they stand last, as they were written.
    """
    return tuple(dict.fromkeys([*remarks(figure, words), *_breaks(figure, words), *_by_staff(figure, words, notes)]))


def _by_staff(figure: Figure, words: Words, notes: Sequence[Note]) -> Iterator[str]:
    for note in notes:
        about = note.goal == figure.goal.id and note.area in (None, figure.area) and figure.dimension is None
        if about and figure.period.first <= note.day <= figure.period.last:
            yield f"{words.day(note.day)}: {note.text}"


def _breaks(figure: Figure, words: Words) -> Iterator[str]:
    for seam in figure.breaks:
        reason = words.text(BREAKS.get(seam.reason, seam.reason))
        said = words.text(N_("Not to be compared across {day}: {reason}."))
        yield said.format(day=words.day(seam.on), reason=reason)


def remarks(figure: Figure, words: Words) -> Iterator[str]:
    """Those on the figure alone: a chart draws its breaks and its notes."""
    text = words.text
    match figure.status:
        case Status.SUPPRESSED:
            yield text(N_("Not shown: it is about so few that it could tell of one of them."))
        case Status.FILLING:
            yield text(N_("Being counted from what was told before: not whole yet."))
        case Status.NO_DATA:
            yield text(N_("No data yet, which isn't zero."))
        case _:
            pass
    if figure.shown is not None and figure.provisional:
        if figure.ripe_on is None:
            yield text(N_("Provisional: it may still change."))
        else:
            yield text(N_("Provisional until {day}.")).format(day=words.day(figure.ripe_on))
    for flag in figure.flags:
        if flag in FLAGS:
            yield text(FLAGS[flag])
    if figure.published is not None and figure.published.restated:
        yield text(N_("Restated: it has been changed since it was first published."))
    if figure.published is not None and figure.published.deferred:
        yield text(N_("As published before: the change since then is too small to be told."))
