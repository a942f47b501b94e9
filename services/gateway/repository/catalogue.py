"""The SQL of the catalogue: comments on drafts, and when each type was last heard, from whom."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from services.chassis.transaction import Transaction
from services.gateway.domain.catalogue import Heard
from services.gateway.domain.comments import Author, Comment

LATELY = timedelta(days=30)

COMMENTS = "select id, author, said, at from event_comment where type = $1 order by id"
ADD_COMMENT = "insert into event_comment (type, author, said, at) values ($1, $2, $3, $4) returning id"
REMOVE_COMMENT = "delete from event_comment where type = $1 and id = $2 returning id"
COUNT_COMMENTS = """
    select count(*) filter (where type = $1) as on_it, count(*) filter (where author = $2 and at > $3) as by_them
    from event_comment
"""
LOCK_COMMENTS = "select pg_advisory_xact_lock(hashtext('event_comment'))"
HEARD = """
    select type, publisher, max(last_at) as last_at, coalesce(sum(count) filter (where "on" > $2), 0)::bigint as lately
    from publisher_count
    where type = any($1::text[]) and outcome = 'accepted' and not test
    group by type, publisher
    order by last_at desc
"""


async def heard(tx: Transaction, types: Sequence[str], today: date) -> list[Heard]:
    """Who has sent events of these types, the last heard first. Test events don't count."""
    rows = await tx.fetch(HEARD, list(types), today - LATELY)
    return [Heard(row["type"], row["publisher"], row["last_at"], row["lately"]) for row in rows]


async def comments(tx: Transaction, type_: str) -> list[Comment]:
    """All on one event, oldest first."""
    rows = await tx.fetch(COMMENTS, type_)
    return [Comment(row["id"], Author.of(row["author"]), row["said"], row["at"]) for row in rows]


async def count_comments(tx: Transaction, type_: str, author: Author, since: datetime) -> tuple[int, int]:
    """How many there are on the event, and how many of the author since then. Others wait until the transaction ends."""
    await tx.execute(LOCK_COMMENTS)
    row = await tx.fetchrow(COUNT_COMMENTS, type_, author.key, since)
    assert row is not None  # an aggregate always has one
    return row["on_it"], row["by_them"]


async def add_comment(tx: Transaction, type_: str, author: Author, said: str) -> int:
    """Its number."""
    return int(await tx.fetchval(ADD_COMMENT, type_, author.key, said, tx.now()))


async def remove_comment(tx: Transaction, type_: str, number: int) -> bool:
    """Whether it was there."""
    return await tx.fetchval(REMOVE_COMMENT, type_, number) is not None
