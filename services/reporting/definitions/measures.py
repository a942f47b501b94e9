"""The kinds of measure in a goal file, and the rules of the domain they come to."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field, model_validator

from schemas.gateway import PublisherRegistered, PublisherRetired, SourceChecked
from schemas.governance import AreaDefined, SteeringDocumentAdopted, SteeringDocumentReplaced, TargetRevised, TargetSet
from schemas.statistics import OfficialStatisticImported
from services.reporting.definitions.clauses import FINE, ClauseData, Name, Strict, wire_names
from services.reporting.definitions.groups import Common, Group, Ledger
from services.reporting.domain.clauses import Clause
from services.reporting.domain.cohorts import CohortRatio, Wait
from services.reporting.domain.durations import Duration
from services.reporting.domain.official import PERCENT, Promise
from services.reporting.domain.rules import Rule
from services.reporting.domain.steps import Steps, Stock
from services.reporting.domain.sums import Counted

Ages = Annotated[tuple[int, int], Field(strict=False)]


class WaitData(Strict):
    days: int = Field(0, ge=0)
    months: int = Field(0, ge=0)

    @model_validator(mode="after")
    def _is_one(self) -> "WaitData":
        if bool(self.days) == bool(self.months):
            raise ValueError("a waiting time is days or months")
        return self

    @property
    def wait(self) -> Wait:
        return Wait(self.days, self.months)


class Covers(Strict):
    """`field` of what achieves holds all that `clause.field` says."""

    field: str
    all_of: str


class Revised(ClauseData):
    """A later statement moves the day of entering, when its day `said` is not after the day it moves."""

    said: str


class CohortRatioMeasure(Common):
    """Subjects that achieved ÷ subjects that entered, by the day and area of entering."""

    kind: Literal["cohort_ratio"]
    enters: ClauseData
    achieves: list[ClauseData] = Field(min_length=1)
    requires: list[ClauseData] = []
    attributes: list[ClauseData] = []
    leaves: list[ClauseData] = []
    revokes: list[ClauseData] = []
    all_of: list[ClauseData] = []
    revised_by: Revised | None = None
    within: WaitData | None = None
    unless: list[ClauseData] = []
    achieved: Literal["any_time", "on_or_before_entering", "before_entering", "on_or_after_entering"] = "any_time"
    covers: Covers | None = None

    @property
    def is_ratio(self) -> bool:
        return True

    def rule(self, dimensions: Sequence[str]) -> Rule:
        covering = None
        extra: dict[str, tuple[str, ...]] = {}
        if self.covers is not None:
            clause, _, field = self.covers.all_of.partition(".")
            covering = (self.covers.field, clause, field)
            extra = {"achieves": (self.covers.field,), "attributes": (field,)}
        make = {g: self.clauses(g, dimensions, extra=extra.get(g, ())) for g in _COHORT_GROUPS}
        revised = None
        if self.revised_by is not None:
            said = wire_names(self.revised_by.model)[self.revised_by.said]
            revised = self.revised_by.clause("revised_by", dimensions=dimensions, extra=(said,))
        return CohortRatio(
            make["enters"][0], make["achieves"], make["requires"], make["attributes"], make["leaves"], make["revokes"],
            make["all_of"], make["unless"], revised,
            None if self.within is None else self.within.wait,
            self.achieved, covering,
        )  # fmt: skip


_COHORT_GROUPS = ("enters", "achieves", "requires", "attributes", "leaves", "revokes", "all_of", "unless")


class Undone(ClauseData):
    """Takes back the counted fact with the `same` value of a field."""

    same: str


class CountedData(Group):
    """Events that add up."""

    counted: list[ClauseData] = Field(min_length=1)
    requires: list[ClauseData] = []
    attributes: list[ClauseData] = []
    unless: list[ClauseData] = []
    undone_by: Undone | None = None
    latest_by: str | None = None
    once: bool = False
    at_most: str | None = None  # clause.field among attributes
    dated_by: str | None = None  # a clause of requires or attributes

    def counted_rule(self, dimensions: Sequence[str], scale: int, *, as_denominator: bool = False) -> Counted:
        latest = None
        if self.latest_by is not None:
            names = wire_names(self.counted[0].model)
            latest = "day" if self.latest_by == "day" else names[self.latest_by]
        same = None if self.undone_by is None else wire_names(self.undone_by.model)[self.undone_by.same]
        cap = None if self.at_most is None else self.at_most.partition(".")
        extra = tuple(field for field in (same, latest) if field is not None and field != "day")
        attributes = self.clauses("attributes", dimensions, extra=() if cap is None else (cap[2],))
        counted = self.clauses(
            "counted", dimensions, extra=extra, adds=1, scale=scale, by_identity=True, as_denominator=as_denominator
        )
        requires = self.clauses("requires", dimensions)
        return Counted(
            counted,
            requires,
            attributes,
            self.clauses("unless", dimensions),
            latest,
            None
            if self.undone_by is None or same is None
            else (self.undone_by.clause("undone_by", dimensions=dimensions, extra=(same,)), same),
            self.once,
            None if cap is None else (next(c for c in attributes if c.name == cap[0]), cap[2]),
            next((c for c in (*requires, *attributes) if c.name == self.dated_by), None),
        )


class StepsData(Group):
    """What there is from a day on: `opens` says how much, `closes` that there is none from that day (`closes_after`: from
    the day after), `ends` a field of opens with its own last day, `each` a list whose lines say how much of what."""

    opens: list[ClauseData] = []
    closes: list[ClauseData] = []
    closes_after: list[ClauseData] = []
    unless: list[ClauseData] = []
    ends: str | None = None
    each: "Each | None" = None

    def steps(self, dimensions: Sequence[str], scale: int, prefix: str = "") -> Steps:
        extra = [field for field in (self.ends, self.each.lines if self.each else None) if field is not None]
        closes, after = self.clauses("closes", dimensions), self.clauses("closes_after", dimensions)
        each = None
        if self.each is not None:
            numbered = tuple((dimensions.index(d), field) for d, field in self.each.dimensions.items())
            each = (self.each.lines, self.each.amount, numbered)
        return Steps(
            tuple(_prefixed(c, prefix) for c in self.clauses("opens", dimensions, extra=extra, adds=1, scale=scale)),
            tuple(_prefixed(c, prefix) for c in (*closes, *after)),
            frozenset(prefix + c.name for c in after),
            tuple(_prefixed(c, prefix) for c in self.clauses("unless", dimensions)),
            self.ends,
            each,
        )


def _prefixed(clause: Clause, prefix: str) -> Clause:
    return replace(clause, name=prefix + clause.name) if prefix else clause


class Each(Strict):
    """Of each entry of the list `lines`: its `amount`, and the fields that are dimensions."""

    lines: str
    amount: str
    dimensions: dict[Name, str] = {}


class Side(CountedData, StepsData):
    """A numerator or a denominator with events of its own: counted, or what there is."""

    counted: list[ClauseData] = []

    @model_validator(mode="after")
    def _is_counted_or_there(self) -> "Side":
        if bool(self.counted) == bool(self.opens):
            raise ValueError("a side has `counted` or `opens`")
        return self

    def side_rule(self, dimensions: Sequence[str], scale: int, *, as_denominator: bool) -> Rule:
        if self.counted:
            return self.counted_rule(dimensions, scale, as_denominator=as_denominator)
        return Stock(self.steps(dimensions, scale), of_denominator=as_denominator)


class CountedMeasure(Common, CountedData):
    """A count of events, or a sum of what they say; a milestone is done when there is one, `done_within` that time."""

    kind: Literal["count", "sum", "milestone"]
    done_within: Literal["period", "next_year"] = "period"

    def rule(self, dimensions: Sequence[str]) -> Rule:
        return self.counted_rule(dimensions, self.scale)


class ShareMeasure(Common, CountedData):
    """What the events add ÷ what they add it `of`; or a `numerator` and a `denominator` with events of their own;
    or, of `governance`, goals with a steering document in force ÷ goals in force."""

    kind: Literal["share", "index"]
    counted: list[ClauseData] = []
    numerator: Side | None = None
    denominator: Side | None = None
    governance: Literal["documents"] | None = None

    @model_validator(mode="after")
    def _has_two_sides(self) -> "ShareMeasure":
        sides = (bool(self.counted), self.numerator is not None and self.denominator is not None, bool(self.governance))
        if sum(sides) != 1:
            raise ValueError("a share has `counted`, or `numerator` and `denominator`, or `governance`")
        return self

    @property
    def reads(self) -> tuple[str, ...]:
        decided = (SteeringDocumentAdopted, SteeringDocumentReplaced, TargetSet, TargetRevised)
        return tuple(model.type for model in decided) if self.governance else ()

    @property
    def is_ratio(self) -> bool:
        return True

    @property
    def scale(self) -> int:
        sides = [side for side in (self.numerator, self.denominator) if side is not None]
        return FINE if self.is_fine or any(side.is_fine for side in sides) else 1

    def ledgers(self, goal: str, dimensions: Sequence[str]) -> tuple[Ledger, ...]:
        if self.governance:
            return ()
        if self.numerator is None or self.denominator is None:
            return super().ledgers(goal, dimensions)
        name = f"{goal}/{self.id}"
        return (
            Ledger(f"{name}/numerator", goal, self.id, self.numerator.side_rule(dimensions, self.scale, as_denominator=False)),
            Ledger(f"{name}/denominator", goal, self.id, self.denominator.side_rule(dimensions, self.scale, as_denominator=True)),
        )  # fmt: skip

    def rule(self, dimensions: Sequence[str]) -> Rule:
        return self.counted_rule(dimensions, self.scale)


class StockMeasure(Common, StepsData):
    """How much there is at the period's end, or on `average` over it; with a `denominator`, as a share of that."""

    kind: Literal["stock"]
    cumulative: Literal[True] = True
    average: bool = False
    attributes: list[ClauseData] = []
    denominator: StepsData | None = None

    @property
    def is_ratio(self) -> bool:
        return self.denominator is not None

    def rule(self, dimensions: Sequence[str]) -> Rule:
        below = None if self.denominator is None else self.denominator.steps(dimensions, self.scale, "of_")
        return Stock(self.steps(dimensions, self.scale), below, self.clauses("attributes", dimensions))


class DurationMeasure(Common):
    """The median of the days from `start` to `end`, on the day of the end."""

    kind: Literal["duration"]
    start: ClauseData
    end: ClauseData

    def rule(self, dimensions: Sequence[str]) -> Rule:
        [start], [end] = self.clauses("start", dimensions), self.clauses("end", dimensions)
        return Duration(start, end)


class About(Strict):
    """Whom a series is about."""

    population: str = "residents"
    sex: Literal["all", "women", "men"] = "all"
    birth_region: str | None = None
    unit: str = PERCENT


class OfficialMeasure(Common):
    """An official series, for the area (or the municipality for the company); or, as parity, the difference between them.

    `series`: in order of preference. `ages`: the span that the goal promises; `stand_ins`: others, shown as such.
    """

    kind: Literal["official_statistic", "parity"]
    yearly: bool = True
    series: list[str] = Field(min_length=1)
    where: About = About()
    ages: Ages
    stand_ins: list[Ages] = []

    @property
    def promise(self) -> Promise:
        spans = (self.ages, *self.stand_ins)
        return Promise(
            tuple(self.series),
            tuple(spans),
            population=self.where.population,
            sex=self.where.sex,
            birth_region=self.where.birth_region,
            unit=self.where.unit,
            parity=self.kind == "parity",
        )

    @property
    def reads(self) -> tuple[str, ...]:
        return (OfficialStatisticImported.type, AreaDefined.type)

    def ledgers(self, goal: str, dimensions: Sequence[str]) -> tuple[Ledger, ...]:
        return ()


class FreshnessMeasure(Common):
    """Registered sources heard from within their agreed interval ÷ registered sources."""

    kind: Literal["freshness"]

    @property
    def is_ratio(self) -> bool:
        return True

    @property
    def reads(self) -> tuple[str, ...]:
        return (PublisherRegistered.type, PublisherRetired.type, SourceChecked.type)

    def ledgers(self, goal: str, dimensions: Sequence[str]) -> tuple[Ledger, ...]:
        return ()


Measure = Annotated[
    CohortRatioMeasure
    | CountedMeasure
    | ShareMeasure
    | StockMeasure
    | DurationMeasure
    | OfficialMeasure
    | FreshnessMeasure,
    Field(discriminator="kind"),
]
AnyMeasure = (
    CohortRatioMeasure
    | CountedMeasure
    | ShareMeasure
    | StockMeasure
    | DurationMeasure
    | OfficialMeasure
    | FreshnessMeasure
)
