"""How one type of event bears on a subject: which of its fields name the subject, its day, its place and its amounts."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Literal

from schemas.catalogue import MODELS
from services.chassis.clock import local_date
from services.reporting.domain.facts import Fact, precedence
from services.reporting.domain.states import State, Version

JOINT = "\x1f"
"""Between the values of several fields that together name a subject; no id has it."""

Operator = Literal["is", "not", "in", "all", "above", "year_after"]


def look(data: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    """The value at a path of field names; None where a step is missing."""
    value: Any = data.get(path[0])
    for step in path[1:]:
        value = value.get(step) if isinstance(value, Mapping) else getattr(value, step, None)
    return value


@dataclass(frozen=True, slots=True)
class Condition:
    """What a field must say: `is` a value, `not` that value, be `in` several, hold `all` of them, be `above` a number;
    or be a day in the year after that of another field, `year_after`."""

    path: tuple[str, ...]
    operator: Operator
    value: Any

    def holds(self, data: Mapping[str, Any]) -> bool:
        said = look(data, self.path)
        match self.operator:
            case "is":
                return bool(said == self.value)
            case "not":
                return bool(said != self.value)
            case "in":
                return said in self.value
            case "all":
                return set(self.value) <= set(said or ())
            case "above":
                return said is not None and said > self.value
            case "year_after":
                other = look(data, self.value)
                return said is not None and other is not None and day_of(said).year == day_of(other).year + 1


@dataclass(frozen=True, slots=True)
class Amount:
    """How much an event adds, in `scale`-ths of a unit.

    `fields`: a sum of products of fields; none: one. `counts`: the number of a list's entries but for those in
    `without` and their kinds (en-GB is an en). `only_if`: nothing unless these hold.
    """

    fields: tuple[tuple[tuple[str, ...], ...], ...] = ()
    counts: tuple[str, ...] | None = None
    without: tuple[str, ...] = ()
    only_if: tuple[Condition, ...] = ()
    scale: int = 1

    def of(self, data: Mapping[str, Any]) -> int:
        if not all(condition.holds(data) for condition in self.only_if):
            return 0
        if self.counts is not None:
            entries = look(data, self.counts) or ()
            return self.scale * sum(not {entry, entry.partition("-")[0]} & {*self.without} for entry in entries)
        if not self.fields:
            return self.scale
        total = Decimal(0)
        for product in self.fields:
            part = Decimal(self.scale)
            for path in product:
                part *= Decimal(str(look(data, path) or 0))
            total += part
        return int(total.to_integral_value(ROUND_HALF_EVEN))


NOTHING = Amount(scale=0)
ONE = Amount()


@dataclass(frozen=True, slots=True)
class Clause:
    """One type of event in a rule.

    `subject`: the fields whose values name the subject. `instance`: the fields that tell several facts about one subject
    apart: the rest of what the event type is corrected by. `day`: the field with the date, a year or a month; none: the
    event's own time as a date in Stockholm. `others`: for each of the goal's dimensions beside the area its field, or
    none. `extra`: fields kept for the rule. `looked_up_by`: (clause, field): the event is about another thing, which
    that clause's kept field names; without it, about the subject itself.
    """

    name: str
    type: str
    subject: tuple[str, ...]
    instance: tuple[str, ...] = ()
    day: str | None = None
    area: str | None = None
    where: tuple[Condition, ...] = ()
    adds: Amount = NOTHING
    of: Amount = NOTHING
    others: tuple[str | None, ...] = ()
    extra: tuple[str, ...] = ()
    looked_up_by: tuple[str, str] | None = None

    @property
    def moves(self) -> bool:
        """Whether a correction may be about another subject: then what the corrected one said leaves the first."""
        return not set(self.subject) <= set(MODELS[self.type].identity_fields)

    @property
    def stands_alone(self) -> bool:
        """Whether of all facts under a Kafka key one stands, and is about what the key names."""
        model = MODELS[self.type]
        return self.subject == (model.subject_field,) and {*model.identity_fields} <= {*self.subject}

    def subject_of(self, fact: Fact) -> str | None:
        """The subject that the fact is about for this clause; None when it names none."""
        if len(self.subject) == 1:
            value = fact.data.get(self.subject[0])
            return None if value is None else str(value)
        values = [fact.data.get(field) for field in self.subject]
        return JOINT.join("" if value is None else str(value) for value in values)

    def version(self, fact: Fact) -> Version:
        """What the fact says."""
        data = fact.data
        return Version(
            *precedence(fact),
            self._day(fact).isoformat(),
            None if self.area is None else text_or_none(data.get(self.area)),
            not self.where or all(condition.holds(data) for condition in self.where),
            self.adds.of(data),
            self.of.of(data),
            tuple(None if field is None else text_or_none(data.get(field)) for field in self.others),
            tuple(plain(data.get(field)) for field in self.extra),
        )

    def _day(self, fact: Fact) -> date:
        said = None if self.day is None else fact.data.get(self.day)
        return local_date(fact.time) if said is None else day_of(said)

    def slot(self, fact: Fact) -> str:
        """Where the version is kept."""
        if not self.instance and self.looked_up_by is None:
            return self.name
        parts = [str(fact.data.get(field)) for field in self.instance]
        if self.looked_up_by is not None:
            parts.insert(0, self.subject_of(fact) or "")
        return JOINT.join((self.name, *parts))

    def said(self, version: Version, field: str) -> Any:
        """A kept field of a version."""
        return version.extra[self.extra.index(field)]

    def standing(self, state: State, key: str | None = None) -> list[Version]:
        """The versions of this clause in a state; of a looked up one, those about `key`."""
        if self.looked_up_by is None and not self.instance:
            found = state.get(self.name)
            return [] if found is None else [found]
        exactly = self.name if key is None else f"{self.name}{JOINT}{key}"
        start = f"{exactly}{JOINT}"
        return [version for slot, version in state.items() if slot == exactly or slot.startswith(start)]


def day_of(value: date | int | str) -> date:
    """The day of a date, or the first day of a year, a quarter or a month: 2019, "2019-Q2", "2019-04"."""
    if isinstance(value, date):
        return value
    text = str(value)
    if "Q" in text:
        return date(int(text[:4]), 3 * int(text[6]) - 2, 1)
    year, month, day = (*text.split("-"), "01", "01")[:3]
    return date(int(year), int(month), int(day))


def text_or_none(value: Any) -> str | None:
    return None if value is None else str(value)


def plain(value: Any) -> Any:
    """A field as JSON can hold it."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple | list):
        return [plain(entry) for entry in value]
    if value is None or isinstance(value, str | int | float):
        return value
    if hasattr(value, "__dict__"):
        return {name: plain(entry) for name, entry in value.__dict__.items()}
    return str(value)
