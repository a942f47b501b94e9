"""What areas are made of in official statistics."""

from services.chassis.postgres import Connection
from services.reporting.domain import published
from services.reporting.domain.published import Extent
from services.reporting.records import stored_data, stored_fact
from services.reporting.repository import governance


async def extents_of(connection: Connection, area: str) -> list[Extent]:
    """The extents of an area, in the order in which they come to apply."""
    rows = await governance.governance_facts(connection)
    said = [(stored_fact(row), data) for row in rows if (data := stored_data(row)) is not None]
    return sorted((one for one in published.extents(said) if one.area == area), key=lambda one: one.first)
