"""What the company has decided, as derived tables of governance.events. Functions take the connection; whoever opened the
transaction commits it."""

from services.chassis.postgres import Connection
from services.reporting.domain.landlord import Area, Document, Landlord, Programme, Target
from services.reporting.repository.facts import FACT, FactRow

GOVERNANCE_FACTS = f"select {FACT} from fact where topic = 'governance.events'"
# The derived tables of governance are written whole, one writer at a time; a number nobody else uses.
LOCK_GOVERNANCE = "select pg_advisory_xact_lock(7301, 1)"
CLEAR_GOVERNANCE = (
    "with a as (delete from area), p as (delete from programme), t as (delete from target) delete from document"
)
ADD_AREAS = """
    insert into area (area, name, valid_from) select * from unnest($1::text[], $2::text[], $3::date[])
"""
ADD_PROGRAMMES = "insert into programme select * from unnest($1::text[], $2::text[], $3::date[], $4::date[])"
ADD_TARGET = """
    insert into target (goal, measure, area, comparison, value, unit, valid_from, valid_to, document, revises, dimension)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
"""
ADD_DOCUMENT = "insert into document values ($1, $2, $3, $4, $5, $6, $7)"
AREAS = "select area, name, valid_from from area"
PROGRAMMES = "select programme, area, first, last from programme"
TARGETS = """
    select goal, area, measure, comparison, value, unit, valid_from, valid_to, document, revises, dimension from target
"""
DOCUMENTS = """
    select document, title, adopted_by, valid_from, valid_to, applies_until_replaced, replaced_on from document
"""


async def governance_facts(connection: Connection) -> list[FactRow]:
    return [FactRow(*row) for row in await connection.fetch(GOVERNANCE_FACTS)]


async def replace_governance(connection: Connection, landlord: Landlord) -> None:
    """Writes what the company has decided in place of what was there. The caller holds `LOCK_GOVERNANCE`."""
    await connection.execute(CLEAR_GOVERNANCE)
    areas = landlord.areas
    await connection.execute(
        ADD_AREAS,
        [a.id for a in areas],
        [a.name for a in areas],
        [a.valid_from for a in areas],
    )
    programmes = landlord.programmes
    await connection.execute(
        ADD_PROGRAMMES,
        [p.programme for p in programmes],
        [p.area for p in programmes],
        [p.first for p in programmes],
        [p.last for p in programmes],
    )
    await connection.executemany(
        ADD_TARGET,
        [
            (
                t.goal,
                t.measure,
                t.area,
                t.comparison,
                t.value,
                t.unit,
                t.valid_from,
                t.valid_to,
                t.document,
                t.revises,
                t.dimension,
            )
            for t in landlord.targets
        ],
    )
    await connection.executemany(
        ADD_DOCUMENT,
        [
            (d.id, d.title, d.adopted_by, d.valid_from, d.valid_to, d.applies_until_replaced, d.replaced_on)
            for d in landlord.documents
        ],
    )


async def landlord(connection: Connection) -> Landlord:
    return Landlord(
        tuple(Area(*row) for row in await connection.fetch(AREAS)),
        tuple(Programme(*row) for row in await connection.fetch(PROGRAMMES)),
        tuple(Target(**dict(row)) for row in await connection.fetch(TARGETS)),
        tuple(Document(*row) for row in await connection.fetch(DOCUMENTS)),
    )
