"""What events have told: move-ins, programmes, areas and contacts. Each row is kept as told; withdrawn ones don't count.

Of several that tell of the same, the one that `schemas.corrections.precedence` puts last holds: `order by` says the
same as that key.
"""

from collections.abc import Sequence
from typing import Any, Literal

from schemas.event import Event
from schemas.governance import AreaDefined, ProgrammeEnded, ProgrammeStarted
from schemas.tenancy import MoveInCancelled, TenantContactChanged, TenantMovedIn
from schemas.withdrawal import EventWithdrawn
from services.chassis.clock import local_date
from services.chassis.errors import Erased
from services.chassis.transaction import Transaction
from services.notifications.domain import (
    AreaId,
    Contact,
    ContactRule,
    HouseholdRef,
    MoveIn,
    Occasion,
    Programme,
    TenancyId,
)

KEEP_MOVE_IN = """
    insert into move_in (
        source, event_id, sequence, occurred_at, tenancy_id, household, area_id, moved_in_on, contact_rule, history,
        received_at
    ) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
    on conflict (source, event_id) do nothing
"""
KEEP_CANCELLED = """
    insert into move_in_cancelled (source, event_id, tenancy_id) values ($1, $2, $3)
    on conflict (source, event_id) do nothing
"""
KEEP_ROUND = """
    insert into programme_round (source, event_id, programme, area_id, day, begins) values ($1, $2, $3, $4, $5, $6)
    on conflict (source, event_id) do nothing
"""
KEEP_WITHDRAWN = """
    insert into withdrawn (source, event_id) values ($1, $2)
    on conflict (source, event_id) do nothing
"""
KEEP_AREA = """
    insert into area_definition as known (area_id, valid_from, name, source, event_id, sequence, occurred_at)
    values ($1, $2, $3, $4, $5, $6, $7)
    on conflict (area_id, valid_from) do update
        set name = excluded.name, source = excluded.source, event_id = excluded.event_id,
            sequence = excluded.sequence, occurred_at = excluded.occurred_at
        where (coalesce(excluded.sequence, -1), excluded.occurred_at, excluded.event_id collate "C", excluded.source collate "C")
            > (coalesce(known.sequence, -1), known.occurred_at, known.event_id collate "C", known.source collate "C")
"""
KEEP_CONTACT = """
    insert into contact (household, source, event_id, sequence, occurred_at, sealed, refused, received_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8)
    on conflict (household) do update
        set source = excluded.source, event_id = excluded.event_id, sequence = excluded.sequence,
            occurred_at = excluded.occurred_at, sealed = excluded.sealed, refused = excluded.refused,
            received_at = excluded.received_at
        where (coalesce(excluded.sequence, -1), excluded.occurred_at, excluded.event_id collate "C", excluded.source collate "C")
            > (coalesce(contact.sequence, -1), contact.occurred_at, contact.event_id collate "C", contact.source collate "C")
    returning household
"""
FIND_CONTACT = "select event_id, sealed, refused, received_at from contact where household = $1"
REFUSE_CONTACT = "update contact set refused = true where household = $1 and event_id = $2"
FORGET_CONTACT = "delete from contact where household = $1"

RULING_MOVE_IN = """
    with told as (
        select * from move_in
        where tenancy_id = $1
            and not exists (
                select from withdrawn where (withdrawn.source, withdrawn.event_id) = (move_in.source, move_in.event_id)
            )
    )
    select tenancy_id, household, area_id, moved_in_on, contact_rule, received_at, (
            select first.history from told as first
            order by coalesce(sequence, -1), occurred_at, event_id collate "C", source collate "C"
            limit 1
        ) as history
    from told
    order by coalesce(sequence, -1) desc, occurred_at desc, event_id collate "C" desc, source collate "C" desc
    limit 1
"""
IS_CANCELLED = """
    select exists (
        select from move_in_cancelled as cancelled
        where tenancy_id = $1
            and not exists (
                select from withdrawn where (withdrawn.source, withdrawn.event_id) = (cancelled.source, cancelled.event_id)
            )
    )
"""
ROUNDS = """
    select day, begins from programme_round as told
    where programme = $1 and area_id = $2
        and not exists (
            select from withdrawn where (withdrawn.source, withdrawn.event_id) = (told.source, told.event_id)
        )
"""
AREA_NAMES = """
    select distinct on (area_id) area_id, name from (
        select area_id, name, valid_from from area_definition where valid_from <= $1
        union all select area_id, name, '-infinity' from area
    ) as known order by area_id, valid_from desc
"""
TENANCIES_OF = "select distinct tenancy_id from move_in where household = any($1::text[])"
WITHDRAWN_FROM = """
    select 'tenancy' as kind, tenancy_id as ref from move_in where (source, event_id) = ($1, $2)
    union select 'tenancy', tenancy_id from move_in_cancelled where (source, event_id) = ($1, $2)
    union select 'area', area_id from programme_round where (source, event_id) = ($1, $2)
"""


async def keep_move_in(tx: Transaction, event: Event[TenantMovedIn]) -> None:
    said = event.data
    await tx.execute(
        KEEP_MOVE_IN,
        event.source,
        event.id,
        event.sequence,
        event.time,
        said.tenancy_id,
        said.tenant_ref,
        said.area_id,
        said.moved_in_on,
        said.contact_rule,
        event.history,
        tx.now(),
    )


async def keep_cancelled(tx: Transaction, event: Event[MoveInCancelled]) -> None:
    await tx.execute(KEEP_CANCELLED, event.source, event.id, event.data.tenancy_id)


async def keep_round(tx: Transaction, event: Event[ProgrammeStarted] | Event[ProgrammeEnded]) -> None:
    said = event.data
    begins = isinstance(said, ProgrammeStarted)
    day = said.from_ if isinstance(said, ProgrammeStarted) else said.ended_on
    await tx.execute(KEEP_ROUND, event.source, event.id, said.programme, said.area_id, day, begins)


async def keep_withdrawn(tx: Transaction, event: Event[EventWithdrawn]) -> list[tuple[Literal["tenancy", "area"], str]]:
    """Returns what the withdrawn event was about, as (`tenancy` or `area`, id); nothing if it isn't known yet."""
    taken_back = (event.data.withdrawn_source, event.data.withdrawn_id)
    await tx.execute(KEEP_WITHDRAWN, *taken_back)
    return [(row["kind"], row["ref"]) for row in await tx.fetch(WITHDRAWN_FROM, *taken_back)]


async def keep_area(tx: Transaction, event: Event[AreaDefined]) -> None:
    said = event.data
    await tx.execute(
        KEEP_AREA, said.area_id, said.valid_from, said.name, event.source, event.id, event.sequence, event.time
    )


async def keep_contact(tx: Transaction, event: Event[TenantContactChanged]) -> bool:
    """Keeps the contact, sealed, unless a later one is known. Says whether it did. Raises `Erased`."""
    household = HouseholdRef(event.data.tenant_ref)
    before = await find_contact(tx, household)
    refused = before is not None and before.refused and before.email == event.data.email
    sealed = await tx.seal(household, event.data.json_bytes())
    kept = await tx.fetchval(
        KEEP_CONTACT, household, event.source, event.id, event.sequence, event.time, sealed, refused, tx.now()
    )
    return kept is not None


async def find_contact(tx: Transaction, household: HouseholdRef) -> Contact | None:
    """The household's contact; None where there is none or the household has been erased."""
    row = await tx.fetchrow(FIND_CONTACT, household)
    if row is None:
        return None
    try:
        said = TenantContactChanged.model_validate_json(await tx.unseal(household, row["sealed"]))
    except Erased:
        return None
    return Contact(
        household=household,
        event_id=row["event_id"],
        name=said.name,
        email=said.email,
        language=said.language,
        opted_out_of=frozenset(said.opted_out_of),
        refused=row["refused"],
        received_at=row["received_at"],
    )


async def refuse_contact(tx: Transaction, contact: Contact) -> None:
    """Remembers that mail to this contact's address was refused, unless another contact has come since."""
    await tx.execute(REFUSE_CONTACT, contact.household, contact.event_id)


async def forget_contact(tx: Transaction, household: HouseholdRef) -> None:
    await tx.execute(FORGET_CONTACT, household)


async def ruling_move_in(tx: Transaction, tenancy: TenancyId) -> MoveIn | None:
    """The move-in as it stands. It is history when the first that was told of it was."""
    row = await tx.fetchrow(RULING_MOVE_IN, tenancy)
    return None if row is None else _move_in(row)


async def is_cancelled(tx: Transaction, tenancy: TenancyId) -> bool:
    return bool(await tx.fetchval(IS_CANCELLED, tenancy))


async def programme_in(tx: Transaction, occasion: Occasion, area: AreaId) -> Programme:
    rows = await tx.fetch(ROUNDS, occasion, area)
    return Programme(
        begins=tuple(row["day"] for row in rows if row["begins"]),
        ends=tuple(row["day"] for row in rows if not row["begins"]),
    )


async def area_names(tx: Transaction) -> dict[AreaId, str]:
    """What each area is called today."""
    return {AreaId(row["area_id"]): row["name"] for row in await tx.fetch(AREA_NAMES, local_date(tx.now()))}


async def tenancies_of(tx: Transaction, households: Sequence[HouseholdRef]) -> list[TenancyId]:
    return [TenancyId(row["tenancy_id"]) for row in await tx.fetch(TENANCIES_OF, households)]


def _move_in(row: Any) -> MoveIn:
    return MoveIn(
        tenancy=TenancyId(row["tenancy_id"]),
        household=HouseholdRef(row["household"]),
        area=AreaId(row["area_id"]),
        moved_in_on=row["moved_in_on"],
        rule=ContactRule(row["contact_rule"]),
        history=row["history"],
        received_at=row["received_at"],
    )
