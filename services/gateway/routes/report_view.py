"""A form as its page shows it: inputs with their texts, choices and what is wrong with them, ready for the template."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from services.chassis.web.words import N_
from services.gateway.domain.filling import OTHER, Typed, rows
from services.gateway.domain.forms import Field, Form, Shape
from services.gateway.domain.known import PICKED, Thing, ThingKind
from services.gateway.routes.report_words import Words

Known = Mapping[ThingKind, Sequence[Thing]]
Wrong = Mapping[str, str]
"""The name of an input → what is wrong with it."""

BUTTONS_UP_TO = 6
"""So many choices stand open under each other; more fold into a list."""
OVER = N_("No longer open")
MADE_HERE = N_("A new number, made here. Leave it as it is, unless there is one already.")


@dataclass(frozen=True, slots=True)
class Group:
    """Choices under a heading, or under none: (value, label) each."""

    label: str
    options: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Input:
    """One field on the page. `kind` decides what is drawn: line, text, day, month, radios, boxes, list, rows.

    `other` is what stands in the input beside a list for what isn't in it; none where the list is all there is.
    """

    name: str
    id: str
    kind: str
    label: str
    help: str
    required: bool
    value: str = ""
    chosen: frozenset[str] = frozenset()
    groups: tuple[Group, ...] = ()
    other: str | None = None
    error: str | None = None
    locked: str | None = None
    keyboard: str = "text"
    longest: int | None = None
    rows: tuple[tuple["Input", ...], ...] = ()
    can_add: bool = False


@dataclass(frozen=True, slots=True)
class Viewing:
    """What every input of one form needs to be drawn."""

    words: Words
    typed: Typed
    known: Known
    wrong: Wrong
    today: date
    locked: frozenset[str] = frozenset()

    def inputs(self, form: Form) -> list[Input]:
        return [self._input(field) for field in form.fields]

    def _input(self, field: Field) -> Input:
        value = (self.typed.get(field.name) or [""])[-1]
        base = Input(
            name=field.name,
            id=input_id(field.name),
            kind="line",
            label=self.words.label(field),
            help=self.words.say(MADE_HERE) if field.own_id else self.words.help(field.help),
            required=field.required,
            value=value,
            chosen=frozenset(self.typed.get(field.name, [])),
            error=self.wrong.get(field.name),
            keyboard=field.keyboard,
            longest=field.longest,
        )
        if field.name in self.locked:
            return replace(base, kind="locked", locked=self._read(field, value))
        match field.shape:
            case Shape.TEXT | Shape.LINES:
                return replace(base, kind="text")
            case Shape.DAY | Shape.MONTH:
                return replace(base, kind=field.shape.value)
            case Shape.YES_NO:
                return replace(base, kind="radios", groups=(Group("", self._yes_and_no()),))
            case Shape.CHOICE:
                few = len(field.options) <= BUTTONS_UP_TO and field.required
                return replace(base, kind="radios" if few else "list", groups=(Group("", self._codes(field)),))
            case Shape.CHOICES:
                return replace(base, kind="boxes", groups=(Group("", self._codes(field)),))
            case Shape.ROWS | Shape.PAIRS:
                return self._with_rows(field, base)
            case _:
                return self._listed(field, base)

    def _with_rows(self, field: Field, base: Input) -> Input:
        count = rows(field, self.typed)
        shown = tuple(tuple(map(self._input, field.at(number))) for number in range(count))
        return replace(base, kind="rows", rows=shown, can_add=field.most is None or count < field.most)

    def _listed(self, field: Field, base: Input) -> Input:
        """A list to choose from where there is something to choose, and a line to write on beside it."""
        groups = self._groups(field)
        other = (self.typed.get(field.name + OTHER) or [""])[-1]
        if not groups:
            return replace(base, value=other or base.value)
        offered = {option for group in groups for option, _ in group.options}
        if base.value and base.value not in offered:
            other = other or base.value
        return replace(base, kind="list", groups=groups, chosen=frozenset() if other else base.chosen, other=other)

    def _yes_and_no(self) -> tuple[tuple[str, str], ...]:
        return ("yes", self.words.say(N_("Yes"))), ("no", self.words.say(N_("No")))

    def _groups(self, field: Field) -> tuple[Group, ...]:
        if field.shape is Shape.LANGUAGE:
            return (Group("", tuple((tag, self.words.language(tag)) for tag in field.options)),)
        if field.shape is Shape.CODE:
            return (Group("", self._codes(field)),) if field.options else ()
        kind = PICKED.get(field.last)
        if kind is None or field.own_id:
            return ()
        return things_to_choose(self.words, kind, self.known.get(kind, ()), self.today)

    def _codes(self, field: Field) -> tuple[tuple[str, str], ...]:
        return tuple((code, self.words.code(field.last, code)) for code in field.options)

    def _read(self, field: Field, value: str) -> str:
        """What a locked field says, in words."""
        kind = PICKED.get(field.last)
        for thing in self.known.get(kind, ()) if kind else ():
            if thing.id == value and kind:
                return self.words.thing(kind, thing)
        if field.shape in (Shape.CHOICE, Shape.CODE) and value:
            return self.words.code(field.last, value)
        return value


def things_to_choose(words: Words, kind: ThingKind, known: Sequence[Thing], today: date) -> tuple[Group, ...]:
    """What is known of a kind by name, and under a heading of its own what is over."""
    named = sorted(((t, words.thing(kind, t)) for t in known), key=lambda each: each[1].casefold())
    standing = tuple((t.id, name) for t, name in named if not t.over(today))
    over = tuple((t.id, name) for t, name in named if t.over(today))
    return tuple(group for group in (Group("", standing), Group(words.say(OVER), over)) if group.options)


def input_id(name: str) -> str:
    return f"f-{name.replace('.', '-')}"
