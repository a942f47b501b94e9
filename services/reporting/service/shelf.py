"""The goals in force: what the database says, whichever files this process came with."""

from weakref import WeakKeyDictionary

import structlog

from services.chassis.context import Context
from services.chassis.postgres import Connection, Database
from services.reporting.definitions import DefinitionError, Goals, parse
from services.reporting.repository import definitions

log = structlog.get_logger(__name__)
_read: WeakKeyDictionary[Database, Goals] = WeakKeyDictionary()


async def in_force(ctx: Context, connection: Connection) -> Goals:
    """The goals, read again whenever a definition has changed since.

    A definition that this version can't read (a newer replica's) is passed over, and said so in the log.
    """
    generation = await definitions.generation(connection)
    known = _read.get(ctx.db)
    if known is not None and known.generation == generation:
        return known
    goals = {}
    for definition in await definitions.definitions(connection):
        try:
            goals[definition.goal] = parse(f"{definition.goal}.yaml", definition.text)
        except DefinitionError as error:
            log.error("a goal's definition can't be read", goal=definition.goal, why=str(error))
    found = _read[ctx.db] = Goals(goals, generation)
    return found
