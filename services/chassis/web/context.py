"""How a route gets the service's context: `async def show(request: Request, ctx: Ctx)`."""

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, Request

# The context imports the settings, and the service imports this package: only the type checker may close the circle.
if TYPE_CHECKING:
    from services.chassis.context import Context
else:
    Context = Any


async def _context(request: Request) -> Context:
    context: Context = request.app.state.ctx
    return context


Ctx = Annotated[Context, Depends(_context)]
