"""The SQL of lease snapshots: the rows of the file that is compared, and the leases and households as published."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from services.chassis.transaction import Transaction
from services.gateway.domain.connectors import ConnectorName
from services.gateway.domain.leases import Home, Lease, Told

STAGED_COLUMNS = (
    "row", "lease", "person", "refused", "by_letter", "area_id", "building_id", "dwelling_id", "moved_in_on",
    "moved_out_on", "contact", "sealed", "connector",
)  # fmt: skip
CLEAR = (
    "delete from lease_staged where connector = $1",
    "delete from lease_staged_household where connector = $1",
)
# Which of the two is right can't be told, so that none is believed.
REFUSE_TWICE = """
    update lease_staged set refused = true
    where connector = $1 and not refused
        and lease in (select lease from lease_staged where connector = $1 group by lease having count(*) > 1)
    returning row
"""
STAGE_HOUSEHOLDS = """
    insert into lease_staged_household (connector, person, row, by_letter, contact, sealed)
    select connector, person, min(row), bool_or(by_letter), (array_agg(contact order by moved_in_on desc, row desc) filter (where not refused))[1],
        (array_agg(sealed order by moved_in_on desc, row desc) filter (where not refused))[1]
    from lease_staged
    where connector = $1 and person is not null
    group by connector, person
    having bool_or(not refused)
"""
COUNT_FINE = "select count(*) from lease_staged where connector = $1 and not refused"
ANALYSE = "analyze lease_staged, lease_staged_household"

SIZE = """
    select
        count(*) as known,
        count(*) filter (
            where not exists (
                select from lease_staged s
                where (s.connector, s.lease) = (l.connector, l.lease)
                    and (s.refused or s.moved_out_on is null or s.moved_out_on > $2::date)
            )
        ) as gone
    from lease l where l.connector = $1 and l.state = 'current'
"""
CONTACTS_LOST = """
    select count(*) as known, count(*) filter (
        where s.by_letter or h.gone_since is null and not exists (
            select from lease_staged t where (t.connector, t.person) = (h.connector, h.person)
        )
    ) as lost
    from lease_household h left join lease_staged_household s using (connector, person)
    where h.connector = $1 and h.contact is not null
"""

MAKE_HOUSEHOLDS = """
    insert into lease_household (connector, person, tenant_ref)
    select connector, person, gen_random_uuid()::text from lease_staged_household where connector = $1
    on conflict (connector, person) do nothing
"""
# Whoever is by letter from now on has no contact any more, and a reference that never had one.
TURN_TO_LETTER = """
    with turned as (
        select h.person, h.tenant_ref, h.told
        from lease_household h join lease_staged_household s using (connector, person)
        where h.connector = $1 and h.contact is not null and s.by_letter
    ), erased as (
        insert into lease_erasure (tenant_ref, connector, told) select tenant_ref, $1, told from turned
    )
    update lease_household h set tenant_ref = gen_random_uuid()::text, told = 0, contact = null
    from turned where h.connector = $1 and h.person = turned.person
"""
MAKE_LEASES = """
    insert into lease (connector, lease, person, tenancy_id)
    select connector, lease, person, gen_random_uuid()::text from lease_staged where connector = $1 and not refused
    on conflict (connector, lease) do update set person = excluded.person
        where lease.person is distinct from excluded.person
"""
FIND_TRANSFERS = """
    update lease_staged s set transferred_from = (
        select old.tenancy_id
        from lease old left join lease_staged t on (t.connector, t.lease) = (old.connector, old.lease)
        cross join lateral (
            select coalesce(t.moved_out_on, old.ended_on, case when t.lease is null then $2::date end) as day
        ) as ended
        where (old.connector, old.person) = (s.connector, s.person)
            and old.lease <> s.lease
            and old.state <> 'cancelled'
            and coalesce(old.moved_in_on, t.moved_in_on) < s.moved_in_on
            and abs(ended.day - s.moved_in_on) <= $3
        order by abs(ended.day - s.moved_in_on), old.tenancy_id
        limit 1
    )
    where s.connector = $1 and not s.refused
        and s.person in (select person from lease where connector = $1 group by person having count(*) > 1)
"""
ERASURES = "select tenant_ref, told from lease_erasure where connector = $1 order by tenant_ref"
ERASED = "delete from lease_erasure where tenant_ref = any($1::text[])"

_of_contacts = """
    from lease_staged_household s join lease_household h using (connector, person)
    where s.connector = $1 and not s.by_letter and s.contact is distinct from h.contact
"""
CONTACTS = f"select s.row {_of_contacts} order by s.row"
CONTACTS_AT = f"""
    select h.person, h.tenant_ref, h.told, s.row, s.contact, s.sealed {_of_contacts} and s.row = any($2::bigint[])
    order by s.row
"""
KNOW_CONTACTS = """
    update lease_household h set contact = new.contact, told = new.told
    from unnest($2::bytea[], $3::bytea[], $4::integer[]) as new (person, contact, told)
    where h.connector = $1 and h.person = new.person
"""

KNOWN_COLUMNS = """
    l.lease, l.tenancy_id, l.told, l.state, l.ended_on, l.ended_event, l.tenant_ref, l.area_id, l.building_id,
    l.dwelling_id, l.moved_in_on, l.transferred_from, l.contact_rule
"""
_of_changed = """
    from lease_staged s
    join lease l using (connector, lease)
    join lease_household h on (h.connector, h.person) = (s.connector, s.person)
    join lease_staged_household hh on (hh.connector, hh.person) = (s.connector, s.person)
    cross join lateral (
        select case when hh.by_letter then 'letter_only' else 'any' end as rule,
            case when hh.by_letter then null else s.building_id end as building,
            case when hh.by_letter then null else s.dwelling_id end as dwelling,
            coalesce(s.transferred_from, l.transferred_from) as transferred
    ) as now
    where s.connector = $1 and not s.refused and (
        l.state in ('new', 'cancelled')
        or (l.state = 'current' and s.moved_out_on <= $2::date)
        or (l.state = 'moved_out' and (
            s.moved_out_on is null or s.moved_out_on > $2::date
            or greatest(s.moved_out_on, s.moved_in_on) <> l.ended_on
        ))
        or (l.tenant_ref, l.area_id, l.building_id, l.dwelling_id, l.moved_in_on, l.transferred_from, l.contact_rule)
            is distinct from
            (h.tenant_ref, s.area_id, now.building, now.dwelling, s.moved_in_on, now.transferred, now.rule)
    )
"""
CHANGED = f"select s.row {_of_changed} order by s.row"
CHANGED_AT = f"""
    select {KNOWN_COLUMNS}, s.row, s.sealed, s.moved_out_on as now_ends, h.tenant_ref as now_ref, s.area_id as now_area,
        now.building as now_building, now.dwelling as now_dwelling, s.moved_in_on as now_moved_in,
        now.transferred as now_transferred, now.rule as now_rule
    {_of_changed} and s.row = any($3::bigint[])
    order by s.row
"""
_of_gone = """
    from lease l
    where l.connector = $1 and l.state = 'current'
        and not exists (select from lease_staged s where (s.connector, s.lease) = (l.connector, l.lease))
"""
GONE = f"select l.lease {_of_gone} order by l.lease"
GONE_AT = f"select {KNOWN_COLUMNS} {_of_gone} and l.lease = any($2::bytea[]) order by l.lease"
KNOW_LEASES = """
    update lease l
    set told = new.told, state = new.state, ended_on = new.ended_on, ended_event = new.ended_event,
        tenant_ref = new.tenant_ref, area_id = new.area_id, building_id = new.building_id,
        dwelling_id = new.dwelling_id, moved_in_on = new.moved_in_on, transferred_from = new.transferred_from,
        contact_rule = new.contact_rule, number = coalesce(new.number, l.number)
    from unnest(
        $2::bytea[], $3::integer[], $4::text[], $5::date[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[],
        $11::date[], $12::text[], $13::text[], $14::bytea[]
    ) as new (
        lease, told, state, ended_on, ended_event, tenant_ref, area_id, building_id, dwelling_id, moved_in_on,
        transferred_from, contact_rule, number
    )
    where l.connector = $1 and l.lease = new.lease
"""

LEFT = """
    update lease_household h set gone_since = $2
    where h.connector = $1 and h.gone_since is null
        and not exists (
            select from lease l
            where (l.connector, l.person) = (h.connector, h.person) and l.state in ('new', 'current')
        )
"""
BACK = """
    update lease_household h set gone_since = null
    where h.connector = $1 and h.gone_since is not null
        and exists (
            select from lease l
            where (l.connector, l.person) = (h.connector, h.person) and l.state in ('new', 'current')
        )
"""
FORGET = """
    with gone as (
        delete from lease_household where connector = $1 and gone_since <= $2::date returning person, tenant_ref, told
    ), unlinked as (
        update lease l set person = null, number = null from gone where l.connector = $1 and l.person = gone.person
    )
    insert into lease_erasure (tenant_ref, connector, told) select tenant_ref, $1, told from gone
"""
# As long as the door knows an event, so that a lease that comes back late is the same tenancy.
FORGET_LEASES = """
    delete from lease where connector = $1 and person is null and ended_on < $2::date - 400
"""
NUMBER_OF = "select connector, tenant_ref, number from lease where tenancy_id = $1 and number is not null"


@dataclass(frozen=True, slots=True)
class Staged:
    """One row of the file, as it is kept while it is compared. `lease`, `person`, `contact`: fingerprints."""

    row: int
    lease: bytes
    person: bytes | None
    refused: bool
    by_letter: bool
    area_id: str | None = None
    building_id: str | None = None
    dwelling_id: str | None = None
    moved_in_on: date | None = None
    moved_out_on: date | None = None
    contact: bytes | None = None


@dataclass(frozen=True, slots=True)
class ContactDue:
    """A household's contact that isn't published as it is now."""

    person: bytes
    tenant_ref: str
    told: int
    row: int
    contact: bytes
    sealed: bytes


async def clear(tx: Transaction, connector: ConnectorName) -> None:
    for statement in CLEAR:
        await tx.execute(statement, connector)


async def stage(tx: Transaction, connector: ConnectorName, rows: Sequence[Staged], sealed: Sequence[bytes]) -> None:
    """Keeps rows of the file, each with what is sealed of it."""
    records = [(*_values(row), secret, connector) for row, secret in zip(rows, sealed, strict=True)]
    await tx.connection.copy_records_to_table("lease_staged", records=records, columns=STAGED_COLUMNS)


async def finish_staging(tx: Transaction, connector: ConnectorName) -> list[int]:
    """Groups the rows by household. Returns the rows that were refused because their lease stands there twice."""
    twice = [row["row"] for row in await tx.fetch(REFUSE_TWICE, connector)]
    await tx.execute(STAGE_HOUSEHOLDS, connector)
    await tx.execute(ANALYSE)
    return sorted(twice)


async def count_fine(tx: Transaction, connector: ConnectorName) -> int:
    """The rows that are compared."""
    return int(await tx.fetchval(COUNT_FINE, connector))


async def size(tx: Transaction, connector: ConnectorName, today: date) -> tuple[int, int]:
    """(leases that are current as published, those of them that the file doesn't have or has ended)."""
    row = await tx.fetchrow(SIZE, connector, today)
    assert row is not None
    return row["known"], row["gone"]


async def contacts_lost(tx: Transaction, connector: ConnectorName) -> tuple[int, int]:
    """(households with a published contact, those of them that would lose it, now or when they are forgotten)."""
    row = await tx.fetchrow(CONTACTS_LOST, connector)
    assert row is not None
    return row["known"], row["lost"]


async def make_refs(tx: Transaction, connector: ConnectorName, *, today: date, transfer_days: int) -> None:
    """Gives what is new its random references, once and for all, and finds who has moved within the company."""
    await tx.execute(MAKE_HOUSEHOLDS, connector)
    await tx.execute(TURN_TO_LETTER, connector)
    await tx.execute(MAKE_LEASES, connector)
    await tx.execute(FIND_TRANSFERS, connector, today, transfer_days)


async def erasures(tx: Transaction, connector: ConnectorName) -> list[tuple[str, int]]:
    """(tenant_ref, events told about it) of those to be erased."""
    return [(row["tenant_ref"], row["told"]) for row in await tx.fetch(ERASURES, connector)]


async def erased(tx: Transaction, refs: Sequence[str]) -> None:
    await tx.execute(ERASED, refs)


async def contacts(tx: Transaction, connector: ConnectorName) -> list[int]:
    """The rows of households whose contact isn't published as it is now."""
    return [row["row"] for row in await tx.fetch(CONTACTS, connector)]


async def contacts_at(tx: Transaction, connector: ConnectorName, rows: Sequence[int]) -> list[ContactDue]:
    return [ContactDue(**row) for row in await tx.fetch(CONTACTS_AT, connector, rows)]


async def know_contacts(tx: Transaction, connector: ConnectorName, told: Sequence[ContactDue]) -> None:
    await tx.execute(
        KNOW_CONTACTS, connector, [d.person for d in told], [d.contact for d in told], [d.told + 1 for d in told]
    )


async def changed(tx: Transaction, connector: ConnectorName, today: date) -> list[int]:
    """The rows of leases that are new or other than as published."""
    return [row["row"] for row in await tx.fetch(CHANGED, connector, today)]


async def changed_at(tx: Transaction, connector: ConnectorName, today: date, rows: Sequence[int]) -> list[Lease]:
    found = await tx.fetch(CHANGED_AT, connector, today, rows)
    return [_lease(row, _home_now(row), row["row"], row["now_ends"], row["sealed"]) for row in found]


async def gone(tx: Transaction, connector: ConnectorName) -> list[bytes]:
    """Current leases that the file doesn't have."""
    return [row["lease"] for row in await tx.fetch(GONE, connector)]


async def gone_at(tx: Transaction, connector: ConnectorName, leases: Sequence[bytes]) -> list[Lease]:
    return [_lease(row, None, 0, None, None) for row in await tx.fetch(GONE_AT, connector, leases)]


async def know_leases(
    tx: Transaction, connector: ConnectorName, told: Sequence[tuple[Lease, Told, bytes | None]]
) -> None:
    """Remembers what was published about each lease; the number, sealed, where it is new."""
    homes = [lease.home or lease.known for lease, _, _ in told]
    await tx.execute(
        KNOW_LEASES,
        connector,
        [lease.lease for lease, _, _ in told],
        [lease.told + len(said.events) for lease, said, _ in told],
        [said.state for _, said, _ in told],
        [said.ended_on for _, said, _ in told],
        [said.ended_event for _, said, _ in told],
        *(list(column) for column in zip(*(_said(home) for home in homes if home is not None), strict=True)),
        [number for _, _, number in told],
    )


async def forget(tx: Transaction, connector: ConnectorName, *, today: date, gone_by: date) -> None:
    """Notes who has no lease any more, and sets down for erasure those who have had none since `gone_by`."""
    await tx.execute(BACK, connector)
    await tx.execute(LEFT, connector, today)
    await tx.execute(FORGET, connector, gone_by)
    await tx.execute(FORGET_LEASES, connector, today)


async def number_of(tx: Transaction, tenancy_id: str) -> tuple[str, str, bytes] | None:
    """(connector, tenant_ref, the sealed number) of a tenancy; None when it isn't known or its household is forgotten."""
    row = await tx.fetchrow(NUMBER_OF, tenancy_id)
    return None if row is None else (row["connector"], row["tenant_ref"], row["number"])


def _values(row: Staged) -> tuple[Any, ...]:
    return (
        row.row, row.lease, row.person, row.refused, row.by_letter, row.area_id, row.building_id, row.dwelling_id,
        row.moved_in_on, row.moved_out_on, row.contact,
    )  # fmt: skip


def _said(home: Home) -> tuple[Any, ...]:
    return (
        home.tenant_ref, home.area_id, home.building_id, home.dwelling_id, home.moved_in_on, home.transferred_from,
        home.contact_rule,
    )  # fmt: skip


def _lease(row: Any, home: Home | None, number: int, ends_on: date | None, sealed: bytes | None) -> Lease:
    known = None
    if row["state"] != "new":
        known = Home(
            row["tenant_ref"], row["area_id"], row["building_id"], row["dwelling_id"], row["moved_in_on"],
            row["transferred_from"], row["contact_rule"],
        )  # fmt: skip
    return Lease(
        lease=row["lease"],
        row=number,
        tenancy_id=row["tenancy_id"],
        told=row["told"],
        state=row["state"],
        ended_on=row["ended_on"],
        ended_event=row["ended_event"],
        known=known,
        home=home,
        ends_on=ends_on,
        sealed=sealed,
    )


def _home_now(row: Any) -> Home:
    return Home(
        row["now_ref"], row["now_area"], row["now_building"], row["now_dwelling"], row["now_moved_in"],
        row["now_transferred"], row["now_rule"],
    )  # fmt: skip
