"""A figure in words and as a chart, in one language: the same on pages, in pictures and in the report."""

import gettext
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from babel.dates import format_date
from fastapi import Request

from services.chassis.web import language, translations
from services.chassis.web.formats import Formats
from services.chassis.web.languages import locale
from services.chassis.web.words import N_
from services.reporting.definitions import MeasureTexts
from services.reporting.definitions.measures import AnyMeasure, StockMeasure
from services.reporting.domain.figures import SILENT, UNKNOWN_AREA, Break, Point, Status
from services.reporting.domain.landlord import Target
from services.reporting.domain.notes import Note
from services.reporting.domain.periods import Period
from services.reporting.exports.footnotes import BREAKS
from services.reporting.picture import Dot, Level, Mark, Picture, Tick
from services.reporting.service.shapes import Figure

TARGETS: Mapping[str, str] = {
    ">=": N_("target at least {value}"),
    ">": N_("target above {value}"),
    "<=": N_("target at most {value}"),
    "increase": N_("target to increase"),
    "decrease": N_("target to decrease"),
    "done": N_("target: done"),
}
DIMENSIONS: Mapping[str, str] = {
    "occupation": N_("Occupations"),
    "contract": N_("Contracts"),
    "language": N_("Languages"),
    "category": N_("Categories"),
    "host": N_("Hosts"),
    "kind": N_("Kinds"),
    "publisher": N_("Publishers"),
    "page": N_("Pages"),
}
MEMBERS: Mapping[str, str] = {
    "own": N_("our own"),
    "contractor": N_("contractors"),
    "partner": N_("partners"),
    "sports": N_("sports"),
    "culture": N_("culture"),
}
UNITS: Mapping[str, str] = {"sek": N_("SEK {n}"), "hours": N_("{n} h")}
STATUSES: Mapping[Status, str] = {
    Status.MET: N_("Met"),
    Status.ON_TRACK: N_("On the way"),
    Status.BEHIND: N_("Behind"),
    Status.MISSED: N_("Missed"),
    Status.NO_DATA: N_("No data yet"),
    Status.SUPPRESSED: N_("Not shown"),
    Status.INFORMATION: N_("Follow-up"),
    Status.FILLING: N_("Being counted"),
}
QUARTER = 95
"""Days: the longest from one quarter's end to the next, and some."""
LARGE = 100
"""From here on a number of what is counted needs no decimals."""
NO_VALUE: Mapping[Status, str] = {
    Status.SUPPRESSED: N_("not shown"),
    Status.NO_DATA: "–",
    Status.FILLING: "…",
}
NO_VALUE_WHY: Mapping[Status, str] = {
    Status.SUPPRESSED: N_("too few to show"),
    Status.NO_DATA: N_("no data yet"),
    Status.FILLING: N_("being counted from history"),
}


@dataclass(frozen=True, slots=True)
class Written:
    """What is said of figures in `language`. Only what may be shown is ever said."""

    language: str
    texts: gettext.NullTranslations
    formats: Formats

    @staticmethod
    def of(request: Request) -> "Written":
        """In the language of a request."""
        return Written.speaking(language(request), translations(request))

    @staticmethod
    def speaking(tongue: str, texts: gettext.NullTranslations) -> "Written":
        """In a language, by its catalogue."""
        return Written(tongue, texts, Formats(locale(tongue)))

    def say(self, text: str, **values: str) -> str:
        """A message id in the language, its {places} filled."""
        said = self.texts.gettext(text)
        return said.format(**values) if values else said

    def amount(self, value: Fraction | float, unit: str, decimals: int) -> str:
        """A value with its unit: `91,3 %`, `−17,8`, `1 234 kr`. Points are signed; what they are stands beside."""
        number = _decimal(value)
        match unit:
            case "%":
                return self.formats.percent(number, decimals)
            case "points":
                return ("+" if number > 0 else "") + self.formats.number(number, decimals)
            case "sek" | "hours":
                return self.say(UNITS[unit], n=self.formats.number(number, decimals))
            case "days":
                n = self.formats.number(number, decimals)
                return self.texts.ngettext("{n} day", "{n} days", 1 if number == 1 else 2).format(n=n)
            case "done":
                return self.say(N_("Done")) if number >= 1 else self.say(N_("Not done"))
            case _:
                return self.formats.number(number, decimals)

    def shortest(self, value: Fraction | Decimal | float, unit: str) -> str:
        """The same with the decimals it has, two at most: for targets and axes."""
        number = _decimal(value)
        decimals = next((d for d in (0, 1) if number == round(number, d)), 2)
        return self.amount(float(number), unit, decimals)

    def value(self, figure: Figure) -> str:
        """The figure itself; the lowest and highest it can be, where no more is known; or in a word why there is none."""
        if figure.value_shown is None:
            return self._range(figure) or self.texts.gettext(NO_VALUE.get(figure.status, "–"))
        return self.amount(figure.value_shown, figure.measure.unit, figure.measure.decimals)

    def _range(self, figure: Figure) -> str:
        """`68,2 % – 87,4 %`: what an official figure lies between, where no more is known. Empty: nothing is."""
        if figure.value_shown is not None or figure.range is None or figure.status in SILENT:
            return ""
        low, high = (self.amount(end, figure.measure.unit, figure.measure.decimals) for end in figure.range)
        return f"{low} – {high}"

    def beside(self, figure: Figure) -> str:
        """What stands by the figure in a list: of how many, the year before, or what is counted."""
        if self._range(figure):
            return self.say(N_("by region"))
        if figure.value_shown is None or figure.shown is None:
            return self.texts.gettext(NO_VALUE_WHY.get(figure.status, NO_VALUE_WHY[Status.NO_DATA]))
        things = self.measure(figure).things
        if figure.measure.unit == "points":
            return self.say(N_("percentage points"))
        if (figure.measure.is_ratio or figure.shown.denominator) and figure.measure.unit != "index":
            n, d = self.count(figure.shown.numerator, figure), self.count(figure.shown.denominator, figure)
            return self.say(N_("{n} of {d} {things}"), n=n, d=d, things=things)
        if figure.before is not None:
            before = self.amount(figure.before, figure.measure.unit, figure.measure.decimals)
            return self.say(N_("the year before {value}"), value=before)
        return things

    def count(self, parts: int | None, figure: Figure) -> str:
        """A numerator or denominator in whole units of what is counted."""
        scale = figure.measure.scale * figure.measure.per
        whole = Fraction(parts or 0, scale)
        return self.formats.number(_decimal(whole), 0 if whole.denominator == 1 or whole >= LARGE else 1)

    def in_words(self, figure: Figure) -> str:
        """The figure in the goal's own sentence."""
        tally = figure.shown
        return self.measure(figure).in_words.format(
            value=self.value(figure),
            numerator=self.count(tally.numerator, figure) if tally else "–",
            denominator=self.count(tally.denominator, figure) if tally else "–",
            period=figure.period.label,
        )

    def measure(self, figure: Figure) -> MeasureTexts:
        """The texts of the figure's measure."""
        return figure.goal.text(self.language).measures[figure.measure.id]

    def status(self, figure: Figure) -> str:
        return self.texts.gettext(STATUSES[figure.status])

    def target(self, figure: Figure) -> str:
        """`mål minst 90 %`, or that there is none."""
        return self.target_of(figure.target, figure.measure)

    def target_of(self, target: Target | None, measure: AnyMeasure) -> str:
        if target is None:
            return self.say(N_("no target"))
        words = TARGETS.get(target.comparison, TARGETS["done"])
        return self.say(words, value="" if target.value is None else self.shortest(target.value, measure.unit))

    def place(self, figure: Figure) -> str:
        """The area, or the company; of another dimension its value."""
        if figure.dimension is not None:
            return self.member(figure)
        if figure.area == UNKNOWN_AREA:
            return self.say(N_("Unknown area"))
        return figure.area_name or self.say(N_("The whole company"))

    def dimension(self, name: str) -> str:
        """The name of a dimension beside the area."""
        return self.texts.gettext(DIMENSIONS.get(name, name))

    def member(self, figure: Figure) -> str:
        """A value of a dimension: a language by its name, a code with it as it is."""
        name, value = figure.dimension or ("", "")
        if name == "language":
            return str(self.formats.locale.languages.get(value.replace("-", "_"), value))
        return self.texts.gettext(MEMBERS[value]) if value in MEMBERS else value.replace("_", " ")

    def until(self, day: date, figure: Figure) -> str:
        """What a point of the trend is named by: its year, or its month."""
        pattern = "y" if is_by_year(figure) else "LLLL y"
        return str(format_date(day, pattern, locale=self.formats.locale))

    def caption(self, figure: Figure) -> str:
        """What the curve is of."""
        title = self.measure(figure).title
        if is_by_year(figure):
            return self.say(N_("{title}, year by year."), title=title)
        return self.say(N_("{title}: what there was by the end of each month."), title=title)

    def applied(self, target: Target, measure: AnyMeasure) -> str:
        """A target and when it applied."""
        since = self.say(N_("from {day}"), day=self.day(target.valid_from))
        until = "" if target.valid_to is None else " " + self.say(N_("to {day}"), day=self.day(target.valid_to))
        return f"{self.target_of(target, measure)}, {since}{until}"

    def part(self, period: Period) -> str:
        """What a period is called beside others of its year."""
        if len(period.label) == len("2019"):
            return self.say(N_("Whole year"))
        if "Q" in period.label:
            return self.say(N_("Quarter {n}"), n=period.label[-1])
        return str(format_date(period.first, "LLLL", locale=self.formats.locale))

    def day(self, day: date) -> str:
        """`3 juli 2019`."""
        return self.formats.date(day)

    def month(self, day: date) -> str:
        """`jul`."""
        return str(format_date(day, "LLL", locale=self.formats.locale)).rstrip(".")

    def why_broken(self, seam: Break) -> str:
        """What is other from that day on."""
        words = self.texts.gettext(BREAKS.get(seam.reason, seam.reason))
        return f"{words[:1].upper()}{words[1:]}" + (f": {seam.after}" if seam.after else "")

    def picture(self, figure: Figure, notes: Sequence[Note] = ()) -> Picture:
        """The figure's trend as a chart shows it, with the targets as they were, breaks and notes."""
        by_year = is_by_year(figure)
        unit, decimals = figure.measure.unit, figure.measure.decimals
        points = [] if figure.status in (Status.SUPPRESSED, Status.FILLING) else figure.trend
        if figure.published is not None and not by_year:
            points = _told(points)
        dots = [Dot(_middle(p.on) if by_year else p.on, None if p.value is None else float(p.value)) for p in points]
        years = sorted({dot.on.year for dot in dots} | {figure.period.last.year})
        first = date(years[0], 1, 1) if by_year else figure.period.first
        last = date(years[-1], 12, 31) if by_year else figure.period.last
        share = unit == "%" and (figure.measure.is_ratio or is_by_year(figure))
        return Picture(
            first=first,
            last=last,
            dots=dots,
            spoken=self._spoken(figure, dots),
            value=lambda value: self.amount(value, unit, decimals),
            tick=lambda value: self.shortest(value, unit),
            ticks=self._ticks(figure, years),
            levels=self._levels(figure, first, last),
            breaks=[Mark(seam.on, self.why_broken(seam)) for seam in figure.breaks],
            notes=[Mark(note.day, note.text) for note in notes],
            limits=(0, 100) if share else None,
            from_zero=unit in ("number", "sek", "hours"),
            is_open=figure.provisional,
            status=figure.status.value,
        )

    def _ticks(self, figure: Figure, years: Sequence[int]) -> list[Tick]:
        if is_by_year(figure):
            return [Tick(date(year, 7, 1), str(year)) for year in range(years[0], years[-1] + 1)]
        return [Tick(end.replace(day=15), self.month(end)) for end in figure.period.month_ends()]

    def _levels(self, figure: Figure, first: date, last: date) -> list[Level]:
        """Each target for as long as it applied; where it is to increase, the year before is the level to pass."""
        unit = figure.measure.unit
        judged = sorted((t for t in figure.targets if t.value is not None), key=lambda t: t.valid_from)
        found = []
        for number, target in enumerate(judged):
            following = judged[number + 1].valid_from.toordinal() - 1 if number + 1 < len(judged) else last.toordinal()
            ends = min(following, (target.valid_to or last).toordinal(), last.toordinal())
            begins = max(target.valid_from, first)
            if begins.toordinal() <= ends and target.value is not None:
                label = self.say(N_("target {value}"), value=self.shortest(target.value, unit))
                found.append(Level(begins, date.fromordinal(ends), float(target.value), label))
        aims_up = figure.target is not None and figure.target.comparison == "increase"
        if aims_up and not found and figure.before is not None and not is_by_year(figure):
            found.append(Level(first, last, float(figure.before), self.say(N_("last year")), "last_year"))
        return found

    def _spoken(self, figure: Figure, dots: Sequence[Dot]) -> str:
        """The chart in a sentence or two."""
        title = f"{figure.goal.text(self.language).title}, {self.place(figure)}."
        shown = [dot for dot in dots if dot.value is not None]
        if not shown:
            return f"{title} {self.texts.gettext(NO_VALUE_WHY.get(figure.status, NO_VALUE_WHY[Status.NO_DATA]))}."
        unit, decimals = figure.measure.unit, figure.measure.decimals
        when = [self.until(dot.on, figure) for dot in (shown[0], shown[-1])]
        values = [self.amount(dot.value or 0, unit, decimals) for dot in (shown[0], shown[-1])]
        curve = self.say(
            N_("From {first} in {then} to {last} in {now}."), first=values[0], then=when[0], last=values[1], now=when[1]
        )
        target = self.target(figure)
        return f"{title} {curve} {target[:1].upper()}{target[1:]}: {self.status(figure).lower()}."


def is_by_year(figure: Figure) -> bool:
    """Whether the trend has a point a year; else one a month of the period."""
    return figure.measure.yearly or (isinstance(figure.measure, StockMeasure) and figure.measure.average)


def _told(points: Sequence[Point]) -> list[Point]:
    """Of a published curve those that were told: most months aren't, and part it only where a quarter isn't either."""
    shown = [point for point in points if point.value is not None]
    found: list[Point] = []
    for point in shown:
        if found and (point.on - found[-1].on).days > QUARTER:
            found.append(Point(point.on, None))
        found.append(point)
    return found


def _middle(day: date) -> date:
    return date(day.year, 7, 1)


def _decimal(value: Fraction | Decimal | float) -> Decimal:
    if isinstance(value, Fraction):
        return Decimal(value.numerator) / Decimal(value.denominator)
    return Decimal(str(value))
