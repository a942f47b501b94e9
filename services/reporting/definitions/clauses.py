"""One type of event in a goal file: its fields checked against the catalogue, and made into a clause of the domain.

Fields are named as they stand in the event's JSON.
"""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from difflib import get_close_matches
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from schemas.catalogue import MODELS
from schemas.event import EventData
from services.reporting.domain.clauses import NOTHING, ONE, Amount, Clause, Condition, Operator

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,62}$")]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
Scalar = bool | int | float | str | None
FINE = 1000
"""Parts of a unit that a field with decimals is kept in: figures are sums of whole numbers, in any order the same."""


class Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


Wanted = Mapping[str, Scalar | list[Scalar] | dict[Literal["not", "all", "above"], Any]]


class AmountData(Strict):
    """How much: `product` of fields; `count` of a list `without` some entries; `if` conditions hold, one."""

    product: list[str] = []
    count: str | None = None
    without: list[str] = []
    if_: dict[str, Any] = Field({}, alias="if")


AnyAmount = Literal[0, 1] | str | list[str] | AmountData


class ClauseData(Strict):
    """Which event, which of its fields names the subject, where its date, area and other dimensions are, how much it adds.

    `look_up`: `clause.field`: the event is about the thing that this field of another clause names.
    """

    event: str
    name: Name | None = None
    subject: str | list[str] | None = None
    day: str | None = None
    area: str | None = None
    dimensions: dict[Name, str] = {}
    where: dict[str, Any] = {}
    adds: AnyAmount | None = None
    of: AnyAmount | None = None
    look_up: str | None = None

    @model_validator(mode="after")
    def _exists_in_the_catalogue(self) -> "ClauseData":
        model = MODELS.get(self.event)
        if model is None:
            near = get_close_matches(self.event, MODELS, n=3, cutoff=0.5)
            raise ValueError(f"{self.event} is not in the catalogue of events; nearest are {', '.join(near) or 'none'}")
        known = wire_names(model)
        if missing := sorted({field.partition(".")[0] for field in self._fields()} - known.keys()):
            raise ValueError(f"{self.event} has no field {', '.join(missing)}; it has {', '.join(sorted(known))}")
        for field, wanted in self.where.items():
            condition(model, field, wanted)
        return self

    @property
    def model(self) -> type[EventData]:
        return MODELS[self.event]

    def _fields(self) -> Iterator[str]:
        yield from [self.subject] if isinstance(self.subject, str) else self.subject or []
        yield from (field for field in (self.day, self.area, *self.dimensions.values(), *self.where) if field)
        for amount in (self.adds, self.of):
            yield from _fields_of(amount)

    @property
    def is_fine(self) -> bool:
        """Whether an amount may have decimals."""
        return any(_has_decimals(self.model, field) for a in (self.adds, self.of) for field in _summed(a))

    def clause(
        self,
        name: str,
        *,
        dimensions: Sequence[str],
        extra: Sequence[str] = (),
        adds: AnyAmount = 0,
        scale: int = 1,
        by_identity: bool = False,
        as_denominator: bool = False,
    ) -> Clause:
        """The clause, called `name`. `extra`: fields to keep, by their names in Python. `by_identity`: a subject that
        isn't named is each fact by itself, not the event's key."""
        model = self.model
        names = wire_names(model)
        own = model.identity_fields if by_identity else tuple(model.subject_field.split(":"))
        wanted = [self.subject] if isinstance(self.subject, str) else self.subject
        subject = own if wanted is None else tuple(names[field] for field in wanted)
        put = amount(model, self.adds if self.adds is not None else adds, scale)
        of = amount(model, self.of if self.of is not None else 0, scale)
        return Clause(
            name,
            self.event,
            subject,
            instance=tuple(field for field in model.identity_fields if field not in subject),
            day=None if self.day is None else names[self.day],
            area=None if self.area is None else names[self.area],
            where=tuple(condition(model, field, wanted) for field, wanted in self.where.items()),
            adds=NOTHING if as_denominator else put,
            of=put if as_denominator else of,
            others=tuple(names[self.dimensions[d]] if d in self.dimensions else None for d in dimensions),
            extra=tuple(extra),
            looked_up_by=None if self.look_up is None else _looked_up(self.look_up),
        )


def _looked_up(text: str) -> tuple[str, str]:
    clause, _, field = text.partition(".")
    return clause, field


def wire_names(model: type[EventData]) -> dict[str, str]:
    """Fields as they stand in JSON → as they are called in Python."""
    return {field.alias or name: name for name, field in model.model_fields.items()}


def condition(model: type[EventData], field: str, wanted: Any) -> Condition:
    """`value`; `[one, of, these]`; `{not: value}`; `{all: [these]}`; `{above: number}`; `{year_after: field}`. Raises `ValueError`."""
    first, *rest = field.split(".")
    names = wire_names(model)
    if first not in names:
        raise ValueError(f"{model.type} has no field {first}; it has {', '.join(sorted(names))}")
    path = (names[first], *rest)
    if isinstance(wanted, list):
        return Condition(path, "in", tuple(wanted))
    if not isinstance(wanted, dict):
        return Condition(path, "is", wanted)
    if len(wanted) != 1 or not wanted.keys() <= set(get_args(Operator)):
        raise ValueError(
            f"{field}: a condition is a value, a list of values, or one of {{not:}}, {{all:}}, {{above:}}, {{year_after:}}"
        )
    [(operator, value)] = wanted.items()
    if operator == "year_after":
        if value not in names:
            raise ValueError(f"{model.type} has no field {value}; it has {', '.join(sorted(names))}")
        value = [names[value]]
    return Condition(path, operator, tuple(value) if isinstance(value, list) else value)


def amount(model: type[EventData], said: AnyAmount, scale: int) -> Amount:
    """An amount as the domain has it, in `scale`-ths."""
    names = wire_names(model)

    def path(field: str) -> tuple[str, ...]:
        first, *rest = field.split(".")
        return (names[first], *rest)

    match said:
        case 0:
            return NOTHING
        case 1:
            return ONE if scale == 1 else Amount(scale=scale)
        case str():
            return Amount(((path(said),),), scale=scale)
        case list():
            return Amount(tuple((path(field),) for field in said), scale=scale)
        case AmountData():
            conditions = tuple(condition(model, field, wanted) for field, wanted in said.if_.items())
            if said.count is not None:
                return Amount(counts=path(said.count), without=tuple(said.without), only_if=conditions, scale=scale)
            product = (tuple(map(path, said.product)),) if said.product else ()
            return Amount(product, only_if=conditions, scale=scale)
    raise AssertionError(said)


def _fields_of(said: AnyAmount | None) -> list[str]:
    match said:
        case AmountData():
            return [*said.product, *([said.count] if said.count else []), *said.if_]
        case _:
            return _summed(said)


def _summed(said: AnyAmount | None) -> list[str]:
    """The fields whose numbers are added up."""
    match said:
        case str():
            return [said]
        case list():
            return said
        case AmountData():
            return said.product
        case _:
            return []


def _has_decimals(model: type[EventData], field: str) -> bool:
    """Whether a field's numbers may have decimals; a part of a field is taken to have them."""
    first, *rest = field.split(".")
    names = wire_names(model)
    if rest or first not in names:
        return True
    annotation = model.model_fields[names[first]].annotation
    return annotation in (float, Decimal) or float in get_args(annotation)
