"""Notes by staff: what happened on a day, why a figure is as it is, and what is done about it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from urllib.parse import urlencode
from uuid import UUID, uuid4

from fastapi import Request, Response
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse

from services.chassis.clock import local_date
from services.chassis.context import Context
from services.chassis.transaction import Transaction
from services.chassis.web import Ctx, Permission, Router, page, visitor
from services.chassis.web.words import N_
from services.reporting.definitions import Goal
from services.reporting.domain.landlord import Landlord
from services.reporting.domain.notes import LONGEST, Action, Note
from services.reporting.repository import governance
from services.reporting.repository import notes as repository
from services.reporting.routes.asking import Wrong, as_page, goal_of
from services.reporting.service import notes
from services.reporting.service.shapes import swedish
from services.reporting.service.shelf import in_force
from services.reporting.written import Written

router = Router()
EARLIEST = date(1990, 1, 1)
WRONG_DAY = N_("A day that has been, such as 2019-07-03.")
NO_TEXT = N_("Write what happened, or why the figure is as it is.")
TOO_LONG = N_("At most {n} letters: the note stands beside a curve.")
NO_SUCH = N_("Choose one of those in the list.")


@dataclass(frozen=True, slots=True)
class Typed:
    """What stands in the form, as text; `wrong` is what to say beside which field."""

    id: str
    area: str = ""
    day: str = ""
    text: str = ""
    action: str = ""
    wrong: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Choices:
    """What can be chosen in the form."""

    goal: Goal
    landlord: Landlord
    actions: Mapping[str, Action]

    @property
    def areas(self) -> list[tuple[str, str]]:
        named = {area.id: area.name for area in self.landlord.areas}
        return sorted(named.items(), key=lambda one: swedish(one[1])) if "area" in self.goal.dimensions else []


@router.get("/goals/{id}/notes", permission=Permission.REPORT)
async def show_notes(request: Request, ctx: Ctx, id: str, area: str = "", edit: UUID | None = None) -> Response:
    """The notes of a goal, and the form for a new one or for `edit`."""
    async with ctx.db.transaction() as tx:
        choices = await _choices(request, ctx, tx, id)
        known = await repository.find(tx.connection, edit) if edit else None
        typed = Typed(str(uuid4()), area=area, day=local_date(tx.now()).isoformat())
        if known is not None and known.goal == id:
            typed = Typed(str(known.id), known.area or "", known.day.isoformat(), known.text, action=known.action or "")
        return await _page(request, tx, choices, typed)


@router.post("/goals/{id}/notes", permission=Permission.REPORT)
async def write(request: Request, ctx: Ctx, id: str) -> Response:
    """Takes the note; the same form sent twice is one note."""
    form = await request.form()
    async with ctx.db.transaction() as tx:
        choices = await _choices(request, ctx, tx, id)
        typed, note = _read(form, choices, tx, Written.of(request), request)
        if note is None:
            return await _page(request, tx, choices, typed, 422)
        await notes.write(tx, note)
    return RedirectResponse(_goal_at(note), 303)


@router.post("/notes/{note}/withdraw", permission=Permission.REPORT)
async def withdraw(ctx: Ctx, note: UUID) -> Response:
    """Takes a note back; it can be put back."""
    async with ctx.db.transaction() as tx:
        found = await notes.withdraw(tx, note)
    return _to_list(found)


@router.post("/notes/{note}/put-back", permission=Permission.REPORT)
async def put_back(ctx: Ctx, note: UUID) -> Response:
    """Undoes it."""
    async with ctx.db.transaction() as tx:
        found = await notes.put_back(tx, note)
    return _to_list(found)


def _to_list(note: Note | None) -> Response:
    if note is None:
        raise HTTPException(404)
    return RedirectResponse(f"/goals/{note.goal}/notes", 303)


def _goal_at(note: Note) -> str:
    query = {"period": str(note.day.year), **({"area": note.area} if note.area else {})}
    return f"/goals/{note.goal}?{urlencode(query)}#why"


async def _choices(request: Request, ctx: Context, tx: Transaction, id: str) -> Choices:
    try:
        goal = goal_of(await in_force(ctx, tx.connection), id)
    except Wrong as wrong:
        raise as_page(wrong, request) from wrong
    return Choices(goal, await governance.landlord(tx.connection), await notes.known_actions(tx.connection))


async def _page(request: Request, tx: Transaction, choices: Choices, typed: Typed, status: int = 200) -> Response:
    say = Written.of(request)
    texts = choices.goal.text(say.language)
    return page(
        request,
        "notes.html",
        status,
        goal=choices.goal,
        texts=texts,
        typed=typed,
        areas=choices.areas,
        names=dict(choices.areas),
        actions=[(a.id, _about(a, say)) for a in choices.actions.values() if not a.is_cancelled],
        longest=LONGEST,
        notes=await repository.of_goal(tx.connection, choices.goal.id),
        crumbs=[(say.say(N_("Goals")), "/"), (texts.title, f"/goals/{choices.goal.id}")],
    )


def _about(action: Action, say: Written) -> str:
    due = say.say(N_("to be done by {day}"), day=say.day(action.due_on))
    done = None if action.done_on is None else say.say(N_("done {day}"), day=say.day(action.done_on))
    return f"{action.id} ({action.plan}): {done or due}"


def _read(
    form: FormData, choices: Choices, tx: Transaction, say: Written, request: Request
) -> tuple[Typed, Note | None]:
    """What was typed, and the note it makes; none where something is wrong with it."""
    said = {name: str(form.get(name) or "").strip() for name in ("id", "area", "day", "text", "action")}
    wrong: dict[str, str] = {}
    day = _day(said["day"], tx)
    if day is None:
        wrong["day"] = say.say(WRONG_DAY)
    if not said["text"]:
        wrong["text"] = say.say(NO_TEXT)
    elif len(said["text"]) > LONGEST:
        wrong["text"] = say.say(TOO_LONG, n=str(LONGEST))
    if said["area"] and said["area"] not in dict(choices.areas):
        wrong["area"] = say.say(NO_SUCH)
    if said["action"] and said["action"] not in choices.actions:
        wrong["action"] = say.say(NO_SUCH)
    id = _uuid(said["id"])
    if wrong or day is None:
        return Typed(str(id), said["area"], said["day"], said["text"], said["action"], wrong), None
    text, role = " ".join(said["text"].split()), min(visitor(request).roles, default="staff")
    note = Note(id, choices.goal.id, said["area"] or None, day, text, said["action"] or None, str(role), tx.now())
    return Typed(str(id)), note


def _day(text: str, tx: Transaction) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if EARLIEST <= day <= local_date(tx.now()) else None


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        return uuid4()
