"""The SQL of publications."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import asyncpg
from pydantic import TypeAdapter

from services.chassis.postgres import Connection
from services.reporting.domain.periods import Period
from services.reporting.domain.publication import Basis, Behind, Content, Publication, Row, Signature, Told, slice_of

CONTENT = TypeAdapter(Content)
BASIS = TypeAdapter(Basis)

# One publication at a time, so that each is checked against all before it; a number nobody else uses.
LOCK = "select pg_advisory_xact_lock(7301, 2)"
STAY = "select 1"
_PUBLICATION = """
    select p.id, p.period, p.number, p.as_of, p.by, p.role, p.published_at, p.reason,
        a.by as approved_by, a.role as approved_role, a.approved_at
    from publication p left join approval a on a.publication = p.id
"""
ALL = f"{_PUBLICATION} order by p.period desc, p.number"
OF_YEAR = f"{_PUBLICATION} where p.year = $1 order by p.id"
LATEST = f"{_PUBLICATION} where p.period = $1 and p.published_at <= $2 order by p.number desc limit 1"
PERIODS = "select distinct period from publication where published_at <= $1 order by period"
ADD = """
    insert into publication (period, year, number, as_of, published_at, by, role, reason)
    values ($1, $2, $3, $4, $4, $5, $6, $7) returning id
"""
ADD_FIGURES = """
    insert into published_figure (publication, position, goal, measure, area, dimension, member, people, shown,
        told_achieved, told_members, content)
    select $1, place, goal, measure, area, dimension, member, people, shown, achieved, members, content::jsonb
    from unnest($2::int[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bool[], $9::bool[],
        $10::bigint[], $11::bigint[], $12::text[])
        as n (place, goal, measure, area, dimension, member, people, shown, achieved, members, content)
"""
FIGURES = """
    select position, goal, measure, area, dimension, member, people, shown, told_achieved, told_members, content
    from published_figure where publication = $1 and ($2::text[] is null or goal = any($2::text[])) order by position
"""
TOLD = """
    select publication, goal, measure, area, dimension, member, shown, told_achieved, told_members,
        case when area is null and dimension is null then content -> 'basis' end as basis
    from published_figure where publication = any($1::bigint[]) and people order by publication, position
"""
ADD_LINEAGE = """
    insert into published_lineage (publication, goal, measure, role, type, source, events, shown)
    select $1, * from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::int[], $8::bool[])
"""
LINEAGE = """
    select publication, goal, measure, role, type, source, events, shown from published_lineage
    where publication = any($1::bigint[]) and ($2::text is null or goal = $2)
    order by publication, measure, role desc, type, source
"""
APPROVE = """
    insert into approval (publication, by, role, approved_at) values ($1, $2, $3, $4) on conflict do nothing
"""
CLOSE = (
    "insert into closed_period (period, by, role, closed_at) values ($1, $2, $3, $4) on conflict do nothing returning 1"
)
CLOSED = "select period, by, role, closed_at from closed_period"


async def lock(connection: Connection) -> None:
    """Holds off other publications until the transaction ends."""
    await connection.execute(LOCK)


async def stay(connection: Connection) -> None:
    """Says that the transaction is still at work."""
    await connection.execute(STAY)


async def everything(connection: Connection) -> list[Publication]:
    """All publications, the latest period first, each period's in order."""
    return [_publication(row) for row in await connection.fetch(ALL)]


async def of_year(connection: Connection, year: int) -> list[Publication]:
    """The publications of a year and of its parts, in the order they were made."""
    return [_publication(row) for row in await connection.fetch(OF_YEAR, year)]


async def latest(connection: Connection, period: Period, at: datetime) -> Publication | None:
    """What the public saw of a period then."""
    row = await connection.fetchrow(LATEST, period.label, at)
    return None if row is None else _publication(row)


async def periods(connection: Connection, at: datetime) -> list[Period]:
    """The periods that something had been published of then, in order of their labels."""
    return [Period.parse(row[0]) for row in await connection.fetch(PERIODS, at)]


async def add(connection: Connection, period: Period, number: int, signed: Signature, reason: str | None) -> int:
    """Notes a publication of what stands as it is signed. Returns its id."""
    values = (period.label, period.first.year, number, signed.at, signed.by, signed.role, reason)
    return int(await connection.fetchval(ADD, *values))


async def add_figures(connection: Connection, publication: int, rows: Sequence[Row]) -> None:
    values = [
        (
            *(row.position, row.goal, row.measure, row.area),
            *(row.dimension or (None, None)),
            *(row.people, row.shown, *row.told),
            CONTENT.dump_json(row.content).decode(),
        )
        for row in rows
    ]
    await connection.execute(ADD_FIGURES, publication, *_columns(values, 11))


async def figures(connection: Connection, publication: int, goals: Sequence[str] | None = None) -> list[Row]:
    """A publication's figures in their order; of these goals alone, where any are named."""
    found = await connection.fetch(FIGURES, publication, None if goals is None else list(goals))
    return [
        Row(r[0], r[1], r[2], r[3], _pair(r[4], r[5]), r[6], r[7], (r[8], r[9]), CONTENT.validate_python(r[10]))
        for r in found
    ]


async def told(connection: Connection, publications: Sequence[int]) -> list[Told]:
    """What these publications say of people, shown or hidden, in their order."""
    return [
        Told(
            r[0],
            r[1],
            r[2],
            slice_of(r[3], _pair(r[4], r[5])),
            r[6],
            (r[7], r[8]),
            None if r[9] is None else BASIS.validate_python(r[9]),
        )
        for r in await connection.fetch(TOLD, list(publications))
    ]


async def add_lineage(connection: Connection, publication: int, rows: Sequence[Behind]) -> None:
    values = [(r.goal, r.measure, r.role, r.type, r.source, r.events, r.shown) for r in rows]
    await connection.execute(ADD_LINEAGE, publication, *_columns(values, 7))


async def lineage(
    connection: Connection, publications: Sequence[int], goal: str | None = None
) -> list[tuple[int, Behind]]:
    """(publication, events behind) of these publications' figures; of one goal alone, where it is named."""
    found = await connection.fetch(LINEAGE, list(publications), goal)
    return [(row[0], Behind(*row[1:])) for row in found]


async def approve(connection: Connection, publication: int, signed: Signature) -> None:
    """The first approval of a publication stands."""
    await connection.execute(APPROVE, publication, signed.by, signed.role, signed.at)


async def close(connection: Connection, period: Period, signed: Signature) -> bool:
    """Whether the period wasn't closed before."""
    return bool(await connection.fetchval(CLOSE, period.label, signed.by, signed.role, signed.at))


async def closed(connection: Connection) -> dict[str, Signature]:
    """Period → who closed it."""
    return {row[0]: Signature(row[1], row[2], row[3]) for row in await connection.fetch(CLOSED)}


def _publication(row: asyncpg.Record) -> Publication:
    approved = None if row[8] is None else Signature(row[8], row[9], row[10])
    return Publication(
        row[0], Period.parse(row[1]), row[2], row[3], Signature(row[4], row[5], row[6]), row[7], approved
    )


def _pair(dimension: str | None, member: str | None) -> tuple[str, str] | None:
    return None if dimension is None or member is None else (dimension, member)


def _columns(rows: Sequence[tuple[Any, ...]], width: int) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]
