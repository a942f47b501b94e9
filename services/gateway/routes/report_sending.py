"""From a filled-in form to the door, and the door's answer in words."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from schemas.door import home_told
from schemas.http import STRUCTURED, Entry, read
from services.chassis.context import Context
from services.chassis.transaction import Transaction
from services.chassis.web.words import N_
from services.gateway.domain.door import Answer, ProblemType, Refusal, submission
from services.gateway.domain.filling import input_of
from services.gateway.domain.forms import Field, Form, every_field, form_of
from services.gateway.domain.reports import Draft
from services.gateway.entrance import Note, TooMany, let_in
from services.gateway.routes.report_words import Words, about
from services.gateway.service import reports as service

REFUSED: Mapping[ProblemType, str] = {
    ProblemType.CONFLICT: N_("This form has been sent already and said something else. Find it among your latest reports and correct it there."),
    ProblemType.ERASED: N_("This household has been erased. Nothing more is kept about it."),
    ProblemType.TOO_LARGE: N_("This is more than one report can hold. Say less, or split it."),
    ProblemType.NOTHING_TO_WITHDRAW: N_("What you want to withdraw is not known any more."),
    ProblemType.NOT_WITHDRAWABLE: N_("Contact details are not withdrawn but corrected, or erased."),
    ProblemType.TYPE_NOT_ALLOWED: N_("Your role may not send this."),
    ProblemType.SOURCE_NOT_ALLOWED: N_("Your role may not send anything just now. Ask an operator."),
}  # fmt: skip
NOT_LET_IN = N_("The report was not accepted. Ask an operator to look into it.")
TOO_MANY = N_("Many reports are being sent just now. Wait a minute and send it again: nothing is lost.")


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing to mend: the input it is about and what that is called, or none for the form as a whole."""

    input: str | None
    label: str
    message: str


@dataclass(frozen=True, slots=True)
class Sending:
    """How it went: sent, or what to mend first. `unsure`: it asked to be sure."""

    mistakes: Sequence[Mistake] = field(default_factory=tuple)
    unsure: bool = False

    @property
    def refused(self) -> bool:
        return bool(self.mistakes) or self.unsure

    @property
    def by_input(self) -> dict[str, str]:
        """What is wrong with each input: the first that was found."""
        return {m.input: m.message for m in reversed(self.mistakes) if m.input is not None}


async def send(ctx: Context, draft: Draft, name: str, words: Words, *, sure: bool) -> Sending:
    """Lets the report in, once however often it is sent. `sure`: the box of what can't be undone is ticked."""
    form = form_of(draft.type)
    answer = await _try(ctx, draft, name, form, words, sure=sure)
    if isinstance(answer, Refusal) and answer.type is ProblemType.CONFLICT:
        # The same form sent twice at once: the other was let in meanwhile, and has decided the moment.
        answer = await _try(ctx, draft, name, form, words, sure=sure)
    return Sending(_refused(form, answer, words)) if isinstance(answer, Refusal) else answer


async def _try(ctx: Context, draft: Draft, name: str, form: Form, words: Words, *, sure: bool) -> Sending | Refusal:
    async with ctx.db.transaction() as tx:
        at = await service.moment(tx, draft)
    entry = _read(draft, at)
    if entry.event is None:
        return Sending([_mistake(form, problem.field or "", problem.expected, words) for problem in entry.problems])
    if form.tombstone and not sure:
        return Sending(unsure=True)
    told = home_told(entry.event.data)
    kept = {field: said for field, said in draft.data.items() if field not in told}
    draft = replace(draft, subject=entry.event.subject, data=kept)
    note = _remembering(draft, at, name)
    try:
        [answer] = await let_in(ctx, draft.desk.sender, [submission(_read(draft, at))], note=note)
    except TooMany:
        return Sending([Mistake(None, "", words.say(TOO_MANY))])
    return answer.refusal or Sending()


def _remembering(draft: Draft, at: datetime, name: str) -> Note:
    """Remembers the report in the transaction that lets it in, and only then."""

    async def note(tx: Transaction, answers: Sequence[Answer]) -> None:
        if answers[0].status == "accepted":
            await service.note(tx, draft, at, name)

    return note


def _read(draft: Draft, at: datetime) -> Entry:
    """The event as any publisher would send it, read and checked as theirs are."""
    event = {
        "specversion": "1.0",
        "id": draft.id,
        "source": draft.desk.source,
        "type": draft.type,
        "subject": draft.subject or None,
        "time": at.isoformat(),
        "data": dict(draft.data),
    }
    said = {name: value for name, value in event.items() if value is not None}
    [entry] = read([("content-type", STRUCTURED)], json.dumps(said).encode()).entries
    return entry


def _refused(form: Form, refusal: Refusal, words: Words) -> list[Mistake]:
    if refusal.type is ProblemType.INVALID and refusal.errors:
        return [_mistake(form, error.field, error.expected, words) for error in refusal.errors]
    return [Mistake(None, "", words.say(REFUSED.get(refusal.type, NOT_LET_IN)))]


def _mistake(form: Form, path: str, expected: str, words: Words) -> Mistake:
    name = input_of(form, about(path, expected))
    if name is None:
        return Mistake(None, "", words.say(NOT_LET_IN))
    asked = _field(form, name)
    return Mistake(name, words.label(asked), words.wrong(expected, asked))


def _field(form: Form, name: str) -> Field:
    """The field of an input, also of one in a row."""
    outer = name.partition(".")[0]
    inner = name.rpartition(".")[2]
    found = [f for f in every_field(form) if f.name == name]
    if found:
        return found[0]
    list_of = next(f for f in form.fields if f.name == outer)
    return next((column for column in list_of.columns if column.name == inner), list_of)
