"""The rules of a lease snapshot: what one lease's row makes of what is known of the lease."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from schemas.event import Event, EventData
from schemas.tenancy import MoveInCancelled, TenantMovedIn, TenantMovedOut
from schemas.withdrawal import EventWithdrawn
from services.gateway.domain.connectors import event_id

LeaseState = Literal["new", "current", "moved_out", "cancelled"]


@dataclass(frozen=True, slots=True)
class Home:
    """What a TenantMovedIn says of a lease, besides its own id."""

    tenant_ref: str
    area_id: str
    building_id: str | None
    dwelling_id: str | None
    moved_in_on: date
    transferred_from: str | None
    contact_rule: Literal["any", "letter_only"]


@dataclass(frozen=True, slots=True)
class Lease:
    """One lease: what is known of it and, when it is in the file, what the file says now.

    `told`: events published about it. `known`: as last published; None: nothing yet. `home`: as the file has it; None:
    it is gone. `ends_on`: the lease's last day by the file.
    """

    lease: bytes
    row: int
    tenancy_id: str
    told: int
    state: LeaseState
    ended_on: date | None
    ended_event: str | None
    known: Home | None
    home: Home | None
    ends_on: date | None
    sealed: bytes | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """What is published about a lease, in order, and how it stands after that."""

    events: tuple[Event[Any], ...]
    state: LeaseState
    ended_on: date | None
    ended_event: str | None


@dataclass(frozen=True, slots=True)
class Teller:
    """Says what has become of leases. `as_of`: when the file was read; `before`: the day of the file before it, if any.

    `first`: there was none before it, so that all is history. `history_before`: a lease that is new to us and began
    before this day is history too. `today`: the day of `as_of` in Sweden.
    """

    source: str
    as_of: datetime
    today: date
    before: date | None
    first: bool
    history_before: date

    def tell(self, lease: Lease) -> Told:
        """What the file says of a lease that we don't know yet, or knew otherwise."""
        if lease.home is None:
            return self._gone(lease)
        said: list[tuple[EventData, bool]] = []
        ended = lease.ends_on is not None and lease.ends_on <= self.today
        was_ended = lease.state in ("moved_out", "cancelled")
        if was_ended and lease.ended_event is not None and (lease.state == "cancelled" or not ended):
            taken_back = EventWithdrawn(
                withdrawn_source=self.source, withdrawn_id=lease.ended_event, reason="registered_in_error"
            )
            said.append((taken_back, False))
            was_ended = False
        if lease.home != lease.known:
            said.append((_moved_in(lease.tenancy_id, lease.home), self._is_history(lease)))
        if not ended:
            return self._told(lease, said, "current", None)
        assert lease.ends_on is not None
        last_day = max(lease.ends_on, lease.home.moved_in_on)
        if not was_ended or lease.ended_on != last_day:
            said.append((TenantMovedOut(tenancy_id=lease.tenancy_id, moved_out_on=last_day), self.first))
        return self._told(lease, said, "moved_out", last_day)

    def _gone(self, lease: Lease) -> Told:
        """A lease that the file no longer has. One that was never seen on its first day or later never began."""
        assert lease.known is not None
        if self.before is not None and lease.known.moved_in_on > self.before:
            cancelled = MoveInCancelled(tenancy_id=lease.tenancy_id, reason="other", cancelled_on=self.today)
            return self._told(lease, [(cancelled, False)], "cancelled", self.today)
        last_day = max(self.today, lease.known.moved_in_on)
        moved_out = TenantMovedOut(tenancy_id=lease.tenancy_id, moved_out_on=last_day)
        return self._told(lease, [(moved_out, False)], "moved_out", last_day)

    def _is_history(self, lease: Lease) -> bool:
        assert lease.home is not None
        return self.first or (lease.known is None and lease.home.moved_in_on < self.history_before)

    def _told(self, lease: Lease, said: list[tuple[EventData, bool]], state: LeaseState, ended_on: date | None) -> Told:
        events = tuple(
            event_about(
                self.source, data, about=lease.tenancy_id, number=lease.told + at, as_of=self.as_of, history=history
            )
            for at, (data, history) in enumerate(said)
        )
        if ended_on is None:
            return Told(events, state, None, None)
        told_end = bool(events) and isinstance(events[-1].data, TenantMovedOut | MoveInCancelled)
        return Told(events, state, ended_on, events[-1].id if told_end else lease.ended_event)


def event_about(
    source: str, data: EventData, *, about: str, number: int, as_of: datetime, history: bool = False
) -> Event[Any]:
    """The event number `number` about a tenancy or household.

    Its id is of this file too: what the door refused beside it is told again with the next, at another time.
    """
    return Event.of(
        data,
        id=event_id(source, f"{about} {as_of.isoformat()}", number),
        source=source,
        time=as_of,
        subject=about,
        sequence=number,
        history=history,
    )


def _moved_in(tenancy_id: str, home: Home) -> TenantMovedIn:
    return TenantMovedIn(
        tenancy_id=tenancy_id,
        tenant_ref=home.tenant_ref,
        area_id=home.area_id,
        building_id=home.building_id,
        dwelling_id=home.dwelling_id,
        moved_in_on=home.moved_in_on,
        transferred_from=home.transferred_from,
        contact_rule=home.contact_rule,
    )
