"""The list of households that staff reach by hand: who, where and by when; never why."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Literal
from urllib.parse import quote, urlencode

from fastapi import Query, Request
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from services.chassis.clock import local_date
from services.chassis.web import Ctx, Permission, Router, page, translations
from services.chassis.web.words import N_
from services.notifications import service
from services.notifications.domain import AreaId, TenancyId, ToDo, ToDoState
from services.notifications.repository import dealings, heard
from services.notifications.repository.dealings import Counts

PAGE = 100

AreaFilter = Annotated[str | None, Query(max_length=128)]

router = Router()


class Filters(BaseModel):
    """What the list shows; all of it is in the page's address. `offered`: the tenancy that was just marked."""

    area: str | None = Field(None, max_length=128)
    show: Literal["open", "offered"] = "open"
    page: int = Field(1, ge=1, le=10_000)
    offered: str | None = Field(None, max_length=128)

    def address(self, **changed: str | int | None) -> str:
        """The list's address with these filters, some of them changed; what is usual is left out."""
        filters = self.model_copy(update={"offered": None, **changed})
        said = filters.model_dump(exclude_defaults=True)
        return f"/todo?{urlencode(said)}" if said else "/todo"


@dataclass(frozen=True, slots=True)
class Tab:
    label: str
    count: int
    address: str
    here: bool


@router.get("/todo", permission=Permission.HOUSEHOLDS)
async def show_list(request: Request, ctx: Ctx, filters: Annotated[Filters, Query()]) -> Response:
    area = AreaId(filters.area) if filters.area else None
    state = ToDoState(filters.show)
    async with ctx.db.transaction() as tx:
        names = await heard.area_names(tx)
        counts = await dealings.count_todos(tx)
        found = await dealings.list_todos(tx, state, area, most=PAGE + 1, skip=(filters.page - 1) * PAGE)
        marked = await dealings.find_todo(tx, TenancyId(filters.offered)) if filters.offered else None
    return page(
        request,
        "todo.html",
        rows=found[:PAGE],
        names=names,
        filters=filters,
        states=_states(request, counts, filters),
        areas=_areas(request, counts, names, filters),
        today=local_date(ctx.clock.now()),
        next=filters.address(page=filters.page + 1) if len(found) > PAGE else None,
        previous=filters.address(page=filters.page - 1) if filters.page > 1 else None,
        marked=marked.tenancy if marked is not None and marked.state is ToDoState.OFFERED else None,
        confirm=_confirm_address,
        is_late=_is_late,
    )


@router.get("/todo/{tenancy:path}/offered", permission=Permission.HOUSEHOLDS)
async def ask_before_marking(request: Request, ctx: Ctx, tenancy: str, area: AreaFilter = None) -> Response:
    async with ctx.db.transaction() as tx:
        todo = await dealings.find_todo(tx, TenancyId(tenancy))
        names = await heard.area_names(tx)
    if todo is None or todo.state is ToDoState.CLOSED:
        raise HTTPException(404, NOT_LISTED)
    back = Filters(area=area or None).address()
    return page(
        request,
        "mark_as_offered.html",
        todo=todo,
        area_name=names.get(todo.area, todo.area),
        action=_confirm_address(todo, area),
        back=back,
        crumbs=[(translations(request).gettext("To do"), back)],
    )


@router.post("/todo/{tenancy:path}/offered", permission=Permission.HOUSEHOLDS)
async def mark_as_offered(ctx: Ctx, tenancy: str, area: AreaFilter = None) -> Response:
    """Twice is as once: the second answers the same."""
    async with ctx.db.transaction() as tx:
        found = await service.mark_as_offered(tx, TenancyId(tenancy))
    if not found:
        raise HTTPException(404, NOT_LISTED)
    return RedirectResponse(Filters(area=area or None).address(offered=tenancy), status_code=303)


NOT_LISTED = N_("This tenancy is not on the list. It may have been reached in the meantime.")


def _confirm_address(todo: ToDo, area: str | None) -> str:
    query = f"?{urlencode({'area': area})}" if area else ""
    return f"/todo/{quote(todo.tenancy, safe='')}/offered{query}"


def _is_late(todo: ToDo, today: date) -> bool:
    return todo.state is ToDoState.OPEN and todo.due_on < today


def _states(request: Request, counts: list[Counts], filters: Filters) -> list[Tab]:
    say = translations(request).gettext
    here = [c for c in counts if filters.area in {None, c.area}]
    return [
        Tab(say(label), count, filters.address(show=state.value, page=1), filters.show == state)
        for label, count, state in (
            (N_("To offer"), sum(c.open for c in here), ToDoState.OPEN),
            (N_("Offered"), sum(c.offered for c in here), ToDoState.OFFERED),
        )
    ]


def _areas(request: Request, counts: list[Counts], names: dict[AreaId, str], filters: Filters) -> list[Tab]:
    """All areas first, then those with something in the list, by name."""
    every = translations(request).gettext("All areas")
    by_area = {c.area: c.open if filters.show == "open" else c.offered for c in counts}
    listed = [(area, n) for area, n in by_area.items() if n or area == filters.area]
    listed.sort(key=lambda each: names.get(each[0], each[0]).casefold())
    return [
        Tab(every, sum(by_area.values()), filters.address(area=None, page=1), filters.area is None),
        *(Tab(names.get(a, a), n, filters.address(area=a, page=1), filters.area == a) for a, n in listed),
    ]
