"""The SQL of alerts: what is watched between two looks, and every alert there has been."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from services.chassis.postgres import Connection
from services.reporting.domain.alerts import Thing, Watch

LOOK_ALONE = "select pg_try_advisory_xact_lock(hashtext('alerts'))"
_THING = "rule, goal, measure, period, area, dimension, value"
WATCHES = f"select {_THING}, turned_at, raised, episode from alert_watch"
KEEP_WATCHES = f"""
    insert into alert_watch ({_THING}, turned_at, raised, episode)
    select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
        $8::timestamptz[], $9::boolean[], $10::integer[])
    order by 1, 2, 3, 4, 5, 6, 7
    on conflict ({_THING}) do update
    set turned_at = excluded.turned_at, raised = excluded.raised, episode = excluded.episode
"""
DROP_WATCHES = f"""
    delete from alert_watch where ({_THING}) in (
        select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
    )
"""
RAISE = f"""
    insert into alert (alert, {_THING}, raised_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    on conflict (alert) do nothing returning alert
"""
CLEAR = "update alert set cleared_at = $2 where alert = $1 and cleared_at is null returning alert"
ALERTS = f"""
    select alert, {_THING}, raised_at, cleared_at from alert
    where ($1::boolean is null or (cleared_at is null) = $1) and ($2::text is null or goal = $2)
        and ($3::timestamptz is null or (raised_at, alert) < ($3, $4))
    order by raised_at desc, alert desc limit $5
"""
STANDING = "select count(*) from alert where cleared_at is null"


class Watched(NamedTuple):
    """A rule and what it is about."""

    rule: str
    thing: Thing


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert as it was raised. `cleared_at`: None while it stands."""

    id: str
    rule: str
    thing: Thing
    raised_at: datetime
    cleared_at: datetime | None


async def look_alone(connection: Connection) -> bool:
    """Whether this transaction is the only one that looks; held until it ends."""
    return bool(await connection.fetchval(LOOK_ALONE))


async def watches(connection: Connection) -> dict[Watched, Watch]:
    """Everything that has been other than calm."""
    return {
        Watched(rule, Thing(*thing)): Watch(turned_at, raised, episode)
        for rule, *thing, turned_at, raised, episode in await connection.fetch(WATCHES)
    }


async def keep_watches(connection: Connection, watches: Mapping[Watched, Watch]) -> None:
    """Writes what has changed; a watch in which nothing is worth keeping goes."""
    kept = [(w.rule, *w.thing, s.turned_at, s.raised, s.episode) for w, s in watches.items() if not s.is_new]
    gone = [(w.rule, *w.thing) for w, s in watches.items() if s.is_new]
    if kept:
        await connection.execute(KEEP_WATCHES, *map(list, zip(*kept, strict=True)))
    if gone:
        await connection.execute(DROP_WATCHES, *map(list, zip(*gone, strict=True)))


async def raise_alert(connection: Connection, alert: str, watched: Watched, now: datetime) -> bool:
    """False when it has been raised before."""
    return await connection.fetchval(RAISE, alert, watched.rule, *watched.thing, now) is not None


async def clear_alert(connection: Connection, alert: str, now: datetime) -> bool:
    """False when it doesn't stand."""
    return await connection.fetchval(CLEAR, alert, now) is not None


async def alerts(
    connection: Connection,
    *,
    standing: bool | None = None,
    goal: str | None = None,
    after: tuple[datetime, str] | None = None,
    limit: int,
) -> Sequence[Alert]:
    """Alerts, the latest first. `standing`: only those that stand (True) or don't; `after`: (moment, id) of the last seen."""
    rows = await connection.fetch(ALERTS, standing, goal, *(after or (None, None)), limit)
    return [Alert(id, rule, Thing(*thing), raised, cleared) for id, rule, *thing, raised, cleared in rows]


async def standing(connection: Connection) -> int:
    """How many alerts stand."""
    return int(await connection.fetchval(STANDING))
