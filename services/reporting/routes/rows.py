"""Goals in a list, a row each: what is judged, in words, with a small trend."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from urllib.parse import urlencode

from services.chassis.web.words import N_
from services.reporting import charts
from services.reporting.definitions.measures import OfficialMeasure
from services.reporting.domain.figures import Status
from services.reporting.domain.landlord import Document
from services.reporting.service.shapes import Figure, MeasureReport, Report
from services.reporting.written import Written, is_by_year

UNPUBLISHED = "unpublished"
HARDEST = (Status.MISSED, Status.BEHIND, Status.ON_TRACK, Status.MET)
"""The statuses that a target gives, the one to look at first in front."""


@dataclass(frozen=True, slots=True)
class Row:
    """A goal as a list shows it. `key` tells the figure from others on the page; `about` stands under the title."""

    figure: Figure
    key: str
    address: str
    title: str
    about: Sequence[str]
    value: str
    beside: str
    spark: str

    @property
    def said(self) -> str:
        """The row in a sentence, for those who hear it."""
        return f"{self.title}, {self.about[0]}: {self.value}"


@dataclass(frozen=True, slots=True)
class Section:
    """The goals of one steering document; `document` is None when governance has not told of it."""

    id: str
    document: Document | None
    rows: Sequence[Row]

    def of(self, status: str | None) -> "Section":
        """With the rows of a status alone; None: all."""
        return replace(self, rows=[row for row in self.rows if status in (None, row.figure.status.value)])


def address_of(figure: Figure) -> str:
    """The page of a figure."""
    query = {"period": figure.period.label}
    if figure.measure.id != figure.goal.main.id:
        query["measure"] = figure.measure.id
    if figure.area is not None:
        query["area"] = figure.area
    return f"/goals/{figure.goal.id}?{urlencode(query)}"


def key_of(figure: Figure, *, among_areas: bool = False) -> str:
    """What tells a figure from others on a page. `among_areas`: it stands for all areas, whichever it is."""
    return "/".join((figure.goal.id, figure.measure.id, "*" if among_areas else figure.area or ""))


def row_of(figure: Figure, say: Written, *, among: int = 1, span: tuple[float, float] | None = None) -> Row:
    """`among`: of how many areas this is the one furthest from its target. `span`: as in `charts.spark`."""
    place = say.place(figure)
    if among > 1:
        place = say.say(N_("{place}, furthest from the target of {n} areas"), place=place, n=str(among))
    about = [place, say.target(figure)]
    if (fresh := freshness(figure, say)) is not None:
        about.append(fresh)
    return Row(
        figure,
        key_of(figure) if among == 1 else key_of(figure, among_areas=True),
        address_of(figure),
        figure.goal.text(say.language).title,
        about,
        say.value(figure),
        say.beside(figure),
        charts.spark(say.picture(figure), span),
    )


def freshness(figure: Figure, say: Written) -> str | None:
    """Until when the figure may change, or what it is as of; None for one that stands."""
    if figure.value_shown is None:
        return None
    if is_by_year(figure) and figure.trend:
        last = [point.on.year for point in figure.trend if point.value is not None]
        return say.say(N_("latest {year}"), year=str(last[-1])) if last else None
    if figure.provisional and figure.ripe_on is not None:
        return say.say(N_("provisional until {day}"), day=say.day(figure.ripe_on))
    return say.say(N_("provisional")) if figure.provisional else None


def sections(reports: Iterable[Report], documents: Sequence[Document], say: Written, area: str | None) -> list[Section]:
    """The goals by steering document, those of the latest document first; together those whose document isn't published.

    `area`: its figures alone.
    """
    known = {document.id: document for document in documents}
    found: dict[str, list[Row]] = {}
    for report in reports:
        judged = _judged(report) if area is None else [f for f in areas_of(report.main) if f.area == area]
        by_document: dict[str, list[Figure]] = {}
        for figure in judged:
            document = document_of(figure)
            by_document.setdefault(document if document in known else UNPUBLISHED, []).append(figure)
        for id, figures in by_document.items():
            found.setdefault(id, []).extend(_rows(figures, say))
    made = [Section(id, known.get(id), sorted(rows, key=_is_followed)) for id, rows in found.items()]
    return sorted(
        made, key=lambda s: (s.document is None, -s.document.valid_from.toordinal() if s.document else 0, s.id)
    )


def document_of(figure: Figure) -> str:
    """The steering document that the figure is judged by; without a target the goal's own."""
    return figure.target.document if figure.target else figure.goal.document


def areas_of(of: MeasureReport) -> list[Figure]:
    """The areas' figures; none where nothing that the measure counts says where it was: they would all be zero."""
    goal, measure = of.company.goal, of.measure
    if isinstance(measure, OfficialMeasure):
        return of.areas
    clauses = [clause for ledger in goal.ledgers if ledger.measure == measure.id for clause in ledger.rule.clauses]
    return of.areas if any(clause.area for clause in clauses) else []


def _is_followed(row: Row) -> bool:
    """Whether the figure is followed without a target; those come last."""
    return row.figure.target is None


def _judged(report: Report) -> list[Figure]:
    """Each area with a target, and the company when it has one or no area has."""
    main = report.main
    areas = [figure for figure in areas_of(main) if figure.target is not None and figure.in_programme]
    return [*([main.company] if main.company.target is not None or not areas else []), *areas]


def _rows(figures: Sequence[Figure], say: Written) -> list[Row]:
    """The company's row, and one for the areas: the one furthest from its target stands for them."""
    company = [row_of(figure, say) for figure in figures if figure.area is None]
    areas = [figure for figure in figures if figure.area is not None]
    return [*company, *([row_of(hardest(areas), say, among=len(areas))] if areas else [])]


def hardest(figures: Sequence[Figure]) -> Figure:
    """The one to look at first: missed before behind, and of those the one that lacks most."""
    return min(figures, key=_hardness)


def _hardness(figure: Figure) -> tuple[int, Fraction]:
    rank = HARDEST.index(figure.status) if figure.status in HARDEST else len(HARDEST)
    target, value = figure.target, figure.value_shown
    if target is None or target.value is None or value is None:
        return rank, Fraction(0)
    ahead = value - Fraction(target.value)
    return rank, -ahead if target.comparison == "<=" else ahead
