"""The SQL of the rate limit: a row for each publisher and one for its test keys, shared by all replicas and roads."""

from services.chassis.context import Context
from services.chassis.errors import POSTGRES_LATER, Unavailable, describe, is_temporary
from services.chassis.postgres import CONNECT_WITHIN
from services.gateway.domain.door import Publisher

# A bucket that holds a minute's events and empties at that rate. A request larger than a whole minute goes into an empty
# bucket and is waited for afterwards. The table is unlogged, so that a commit of this alone waits for no disk.
TAKE = """
    insert into publisher_pace as p (publisher, test, level, at, wait)
    select $1::text, $5::bool, $2::float8, $4::timestamptz, 0
    on conflict (publisher, test) do update
    set (level, at, wait) = (
        select case when over > 0 then left_over else left_over + $2 end, greatest(p.at, $4), greatest(over, 0) * 60 / per_minute
        from (
            select per_minute, left_over, left_over + least($2, per_minute) - per_minute as over
            from (
                select per_minute, greatest(0, p.level - extract(epoch from greatest($4 - p.at, '0'::interval))::float8 * per_minute / 60)
                    as left_over
                from (
                    select coalesce((select rate_limit from publisher where name = $1), $3)::float8 as per_minute
                ) as agreed
            ) as emptied
        ) as measured
    )
    returning wait
"""


async def take(ctx: Context, publisher: Publisher, events: int, *, test: bool, default: int) -> float:
    """Takes room for so many events of the publisher's minute, or of its test keys'. 0: taken; else nothing is, and these
    seconds are to wait."""
    try:
        async with ctx.db.pool.acquire(timeout=CONNECT_WITHIN) as connection:
            return float(await connection.fetchval(TAKE, publisher, float(events), default, ctx.clock.now(), test))
    except POSTGRES_LATER as error:
        if not is_temporary(error):
            raise
        raise Unavailable(f"postgres ({describe(error)})") from error
