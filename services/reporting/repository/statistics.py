"""How much official statistics and areas have been told of so far."""

from schemas.governance import TOPIC as GOVERNANCE
from schemas.statistics import TOPIC as STATISTICS
from services.chassis.postgres import Connection

TOLD = """
    select current_database()::text, topic, part, next_offset from projection_offset
    where topic = any($1::text[]) order by topic, part
"""

Told = tuple[tuple[str, str, int, int], ...]
"""Equal while nothing new has come, in one database."""


async def told(connection: Connection) -> Told:
    return tuple((row[0], row[1], row[2], row[3]) for row in await connection.fetch(TOLD, [GOVERNANCE, STATISTICS]))
