"""The SQL of what became of what publishers sent: counts by day, and the last refusals."""

import json
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from services.chassis.transaction import Transaction
from services.gateway.domain.door import FieldError, Publisher
from services.gateway.domain.outcomes import Count, Example, Noted

NOTE = """
    insert into publisher_noted (publisher, "on", road, test, type, source, outcome, reason, count, last_at)
    select $1, $2, $3, test, type, source, outcome, reason, count, $4
    from unnest($5::bool[], $6::text[], $7::text[], $8::text[], $9::text[], $10::bigint[])
        as noted (test, type, source, outcome, reason, count)
"""
# One at a time, whatever the number of replicas: then nobody waits for anybody's rows.
FOLD_ALONE = "select pg_try_advisory_xact_lock(hashtext('publisher_noted'))"
FOLD = """
    with gone as (
        delete from publisher_noted
        where id in (select id from publisher_noted order by id limit $1)
        returning publisher, "on", road, test, type, source, outcome, reason, count, last_at
    ), told as (
        insert into publisher_tally as t (publisher, "on", road, test, type, source, outcome, reason, count, last_at)
        select publisher, "on", road, test, type, source, outcome, reason, sum(count), max(last_at) from gone
        group by publisher, "on", road, test, type, source, outcome, reason
        on conflict (publisher, "on", road, test, type, source, outcome, reason) do update
        set count = t.count + excluded.count, last_at = greatest(t.last_at, excluded.last_at)
    ), heard as (
        update source_owner o set heard_at = greatest(o.heard_at, g.last_at)
        from (
            select source, publisher, max(last_at) as last_at from gone where not test and outcome <> 'refused'
            group by source, publisher
        ) as g
        where o.source = g.source and o.publisher = g.publisher
    )
    select count(*) from gone
"""
COUNTS = """
    select test, road, type, source, outcome, reason, sum(count)::bigint as count, max(last_at) as last_at
    from publisher_count where publisher = $1 and "on" >= $2
    group by test, road, type, source, outcome, reason
    order by test, road, type, source, outcome, reason
"""
HEARD = """
    select source, heard_at from (
        select o.source, greatest(o.heard_at, (
            select max(n.last_at) from publisher_noted n
            where n.publisher = o.publisher and n.source = o.source and not n.test and n.outcome <> 'refused'
        )) as heard_at
        from source_owner o where $1::text is null or o.publisher = $1
    ) as owned where heard_at is not null
"""
TOTALS = """
    select publisher, outcome, sum(count)::bigint as count from publisher_count
    where not test and "on" >= $1 group by publisher, outcome
"""
ADD_REFUSALS = """
    insert into publisher_refusal (publisher, at, road, test, place, event_id, source, type, reason, errors)
    select $1, $2, $3, test, place, event_id, source, type, reason, errors::jsonb
    from unnest($4::bool[], $5::int[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[])
        with ordinality as refused (test, place, event_id, source, type, reason, errors, nth)
    order by nth
"""
REFUSALS = """
    select at, road, test, place, event_id, source, type, reason, errors
    from publisher_refusal where publisher = $1 order by id desc limit $2
"""
KEEP_LAST_REFUSALS = """
    delete from publisher_refusal where id in (
        select id from (
            select id, at, row_number() over (partition by publisher order by id desc) as nth from publisher_refusal
        ) as numbered
        where nth > $1 or at < $2 limit $3
    )
"""
FORGET_TALLY = """
    delete from publisher_tally where (publisher, "on", road, test, type, source, outcome, reason) in (
        select publisher, "on", road, test, type, source, outcome, reason from publisher_tally where "on" < $1 limit $2
    )
"""
NOTE_SILENT = """
    update source_owner set silent_since = $2
    where source = any($1::text[]) and silent_since is null returning source, publisher
"""
NOTE_HEARD = """
    update source_owner set silent_since = null
    where silent_since is not null and not source = any($1::text[]) returning source, publisher
"""


async def note(tx: Transaction, publisher: Publisher, road: str, on: date, noted: Sequence[tuple[Noted, int]]) -> None:
    """Adds counts to the publisher's day, without waiting for whoever else does."""
    kinds = [kind for kind, _ in noted]
    await tx.execute(
        NOTE,
        publisher,
        on,
        road,
        tx.now(),
        [kind.test for kind in kinds],
        [kind.type for kind in kinds],
        [kind.source for kind in kinds],
        [kind.outcome for kind in kinds],
        [kind.reason for kind in kinds],
        [count for _, count in noted],
    )


async def fold(tx: Transaction, at_once: int) -> int:
    """Moves what was noted into the tally of its day, at most so many rows. Returns how many: 0 when another does it."""
    return int(await tx.fetchval(FOLD, at_once)) if await tx.fetchval(FOLD_ALONE) else 0


async def counts(tx: Transaction, publisher: Publisher, since: date) -> list[Count]:
    """What became of what the publisher sent from that day on."""
    return [
        Count(
            Noted(row["test"], row["type"], row["source"], row["outcome"], row["reason"]),
            row["road"],
            row["count"],
            row["last_at"],
        )
        for row in await tx.fetch(COUNTS, publisher, since)
    ]


async def heard(tx: Transaction, publisher: Publisher | None = None) -> dict[str, datetime]:
    """When each source was last heard: something live from it was let in, or had been before."""
    return {row["source"]: row["heard_at"] for row in await tx.fetch(HEARD, publisher)}


async def totals(tx: Transaction, since: date) -> dict[tuple[str, str], int]:
    """(publisher, outcome) → how many live events, from that day on."""
    return {(row["publisher"], row["outcome"]): row["count"] for row in await tx.fetch(TOTALS, since)}


async def add_refusals(tx: Transaction, publisher: Publisher, road: str, examples: Sequence[Example]) -> None:
    await tx.execute(
        ADD_REFUSALS,
        publisher,
        tx.now(),
        road,
        [e.test for e in examples],
        [e.place for e in examples],
        [e.event_id for e in examples],
        [e.source for e in examples],
        [e.type for e in examples],
        [e.reason for e in examples],
        [json.dumps([{"field": x.field, "expected": x.expected, "got": x.got} for x in e.errors]) for e in examples],
    )


async def refusals(tx: Transaction, publisher: Publisher, limit: int) -> list[Example]:
    """The last ones, latest first."""
    return [_example(row) for row in await tx.fetch(REFUSALS, publisher, limit)]


async def keep_last_refusals(tx: Transaction, each: int, since: datetime, limit: int) -> int:
    """Drops all but the last `each` of every publisher, and those from before. Returns how many, at most `limit`."""
    return _gone(await tx.execute(KEEP_LAST_REFUSALS, each, since, limit))


async def forget_tally(tx: Transaction, before: date, limit: int) -> int:
    return _gone(await tx.execute(FORGET_TALLY, before, limit))


async def note_silence(tx: Transaction, silent: Sequence[str]) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """(source, publisher) of those that are newly silent, and of those that are heard again."""
    fell = await tx.fetch(NOTE_SILENT, list(silent), tx.now())
    rose = await tx.fetch(NOTE_HEARD, list(silent))
    return [(r["source"], r["publisher"]) for r in fell], [(r["source"], r["publisher"]) for r in rose]


def _gone(status: str) -> int:
    return int(status.removeprefix("DELETE "))


def _example(row: Any) -> Example:
    errors = tuple(FieldError(**said) for said in row["errors"])
    return Example(
        row["test"], row["place"], row["event_id"], row["source"], row["type"], row["reason"], errors,
        at=row["at"], road=row["road"],
    )  # fmt: skip
