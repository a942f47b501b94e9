"""What pages and reports ask of the sums. Functions take the connection; whoever opened the transaction commits it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from services.chassis.postgres import Connection
from services.reporting.domain.clauses import JOINT
from services.reporting.domain.figures import Count

COUNTS = """
    select goal, measure, area, others, scoped, date_trunc('month', day::timestamp)::date as month, bucket,
        sum(numerator)::bigint as numerator, sum(denominator)::bigint as denominator,
        coalesce(sum(greatest(denominator - numerator, 0)) filter (where day > young), 0)::bigint as waiting
    from (
        select t.*, m.young, m.programme is null or coalesce(ran.days @> t.day, false) as scoped
        from unnest($1::text[], $2::text[], $3::date[], $4::text[], $5::date[]) as m (goal, measure, first, programme, young)
        join tally t on t.goal = m.goal and t.measure = m.measure and t.day between m.first and $6 and t.since <= $7
            and t.told > 0
        left join (
            select programme, area, range_agg(daterange(first, last, '[]')) as days from programme
            where last is null or first <= last group by 1, 2
        ) ran on ran.programme = m.programme and ran.area = t.area
    ) counted
    group by 1, 2, 3, 4, 5, 6, 7
"""
FIRST_DAYS = """
    select m.goal, m.measure, f.day from unnest($1::text[], $2::text[]) as m (goal, measure)
    cross join lateral (
        select t.day from tally t
        where t.goal = m.goal and t.measure = m.measure and t.day <= $3 and t.since <= $3
            and t.told > 0
        order by t.day limit 1
    ) f
"""
STEPS = """
    select area, others, day, sum(numerator)::bigint from tally
    where goal = $1 and measure = $2 and day <= $3 and since <= $4 and told > 0 group by 1, 2, 3 order by 3
"""
YEARS = """
    select extract(year from day)::int as year, goal, sum(numerator)::bigint, sum(denominator)::bigint, max(day) from tally
    where goal = any($1::text[]) and since <= $2 group by 1, 2
    having sum(numerator) > 0 or sum(denominator) > 0 order by 1
"""
AREAS_WITH_DATA = "select distinct area from tally where area <> '' and told > 0"
FILLING = "select goal from goal_definition where state = 'filling'"
LAST_HEARD = "select source, max(last) from heard where day <= $1 and last <= $2 group by source"


@dataclass(frozen=True, slots=True)
class Asked:
    """What to sum of one measure: from which day on, only where and when a programme ran, and since when the newest
    are still waited for."""

    goal: str
    measure: str
    first: date
    programme: str | None
    young: date


async def counts(
    connection: Connection, asked: Sequence[Asked], last: date, as_of: date
) -> dict[tuple[str, str], list[Count]]:
    """(goal, measure) → its counts by month up to `last`, of what is dated up to `as_of`."""
    columns = [
        list(column)
        for column in zip(*((a.goal, a.measure, a.first, a.programme, a.young) for a in asked), strict=True)
    ]
    found: dict[tuple[str, str], list[Count]] = {(a.goal, a.measure): [] for a in asked}
    for goal, measure, area, others, scoped, month, bucket, numerator, denominator, waiting in await connection.fetch(
        COUNTS, *columns, last, as_of
    ):
        values = tuple(others.split(JOINT)) if others else ()
        found[goal, measure].append(Count(area, values, scoped, month, bucket, numerator, denominator, waiting))
    return found


async def first_days(
    connection: Connection, measures: Sequence[tuple[str, str]], up_to: date
) -> dict[tuple[str, str], date]:
    """(goal, measure) → the first day that anything was said of, up to a day."""
    goals, names = [goal for goal, _ in measures], [measure for _, measure in measures]
    return {(row[0], row[1]): row[2] for row in await connection.fetch(FIRST_DAYS, goals, names, up_to)}


async def steps(
    connection: Connection, goal: str, measure: str, last: date, as_of: date
) -> list[tuple[str, tuple[str, ...], date, int]]:
    """(area, others, day, change of the level) of a stock, by day."""
    rows = await connection.fetch(STEPS, goal, measure, last, as_of)
    return [(row[0], tuple(row[1].split(JOINT)) if row[1] else (), row[2], row[3]) for row in rows]


async def years(connection: Connection, goals: Sequence[str], as_of: date) -> list[tuple[str, int, date]]:
    """(goal, how many in its figures of a year, the last day of them in that year), years in order, where there are any."""
    rows = await connection.fetch(YEARS, list(goals), as_of)
    return [(row[1], max(row[2], row[3]), row[4]) for row in rows]


async def areas_with_data(connection: Connection) -> set[str]:
    return {row[0] for row in await connection.fetch(AREAS_WITH_DATA)}


async def filling(connection: Connection) -> set[str]:
    """The goals that are being filled from history."""
    return {row[0] for row in await connection.fetch(FILLING)}


async def last_heard(connection: Connection, day: date, up_to: datetime) -> dict[str, datetime]:
    """Source → when it was last heard, up to a moment."""
    return {row[0]: row[1] for row in await connection.fetch(LAST_HEARD, day, up_to)}
