"""The rules: whom to offer a housing introduction (bointroduktion), by which road, and when to leave them be.

What is decided follows from what is known about a tenancy and what was done about it. The order in which it became
known decides nothing, save that a contact can come too late: see `CONTACT_WITHIN`.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Literal, NewType, assert_never

TenancyId = NewType("TenancyId", str)
HouseholdRef = NewType("HouseholdRef", str)
AreaId = NewType("AreaId", str)
MessageId = NewType("MessageId", str)
# In the words of NotificationFailed.
FailureReason = Literal["address_refused", "address_unknown", "mailbox_full", "message_refused", "expired"]

# A contact that comes later than this after the to-do opened leaves the household to staff.
CONTACT_WITHIN = timedelta(days=30)
# How long staff have, counted from the move-in, or from the day the to-do opened where that is later.
BY_HAND_WITHIN = timedelta(days=30)


class Occasion(StrEnum):
    """What a message is about, in the words of the catalogue."""

    HOUSING_INTRODUCTION = "housing_introduction"


class ContactRule(StrEnum):
    """What the publisher allows. `letter_only` means by hand, and never why."""

    ANY = "any"
    LETTER_ONLY = "letter_only"


class MessageState(StrEnum):
    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"
    SUPPRESSED = "suppressed"
    DROPPED = "dropped"


class ToDoState(StrEnum):
    OPEN = "open"
    OFFERED = "offered"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class MoveIn:
    """A tenancy that begins, as its ruling TenantMovedIn tells it. `history`: it was loaded from the past."""

    tenancy: TenancyId
    household: HouseholdRef
    area: AreaId
    moved_in_on: date
    rule: ContactRule
    history: bool
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Programme:
    """When a programme runs in an area: the first day of each round (`begins`) and the last (`ends`), in any order."""

    begins: tuple[date, ...] = ()
    ends: tuple[date, ...] = ()

    def covers(self, day: date) -> bool:
        """Whether the latest round that has begun by `day` still runs on it."""
        begun = [first for first in self.begins if first <= day]
        return bool(begun) and not any(max(begun) <= last < day for last in self.ends)


@dataclass(frozen=True, slots=True)
class Contact:
    """How a household can be reached, as `event_id` told it. `refused`: a mail server has said that this address takes no mail."""

    household: HouseholdRef
    event_id: str
    name: str
    email: str | None
    language: str
    opted_out_of: frozenset[str]
    refused: bool
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Message:
    """One message to one household. A new version is a new message, with a Message-ID of its own.

    `contact_event`: the event that told the contact it was queued for, or failed with; None where there was none.
    """

    version: int
    state: MessageState
    contact_event: str | None


@dataclass(frozen=True, slots=True)
class ToDo:
    """A household that staff reach by hand. It carries no reason, so that all look alike."""

    tenancy: TenancyId
    area: AreaId
    moved_in_on: date
    opened_at: datetime
    due_on: date
    state: ToDoState
    offered_on: date | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """All that is known about one tenancy's housing introduction."""

    move_in: MoveIn | None
    cancelled: bool
    programme: Programme
    contact: Contact | None
    offered: bool
    message: Message | None
    todo: ToDo | None


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A leased message with whom it goes to. Lives in memory only.

    `first_tried_at`: when the mail server first said not now; `postponed`: how often it has.
    """

    message: MessageId
    tenancy: TenancyId
    area: AreaId
    contact: Contact
    first_tried_at: datetime | None
    postponed: int
    traceparent: str | None


@dataclass(frozen=True, slots=True)
class Reachable:
    contact: Contact
    since: datetime


@dataclass(frozen=True, slots=True)
class OptedOut:
    pass


@dataclass(frozen=True, slots=True)
class ByHand:
    pass


@dataclass(frozen=True, slots=True)
class Leave:
    """Nothing is to be done, or it is done."""


@dataclass(frozen=True, slots=True)
class Drop:
    """No offer is due: take back what waits."""


@dataclass(frozen=True, slots=True)
class SendOffer:
    version: int
    contact: Contact


@dataclass(frozen=True, slots=True)
class HandOver:
    """Staff offer it. `suppress`: the version of the message that isn't sent because the household said no to it."""

    move_in: MoveIn
    suppress: int | None


Decision = Leave | Drop | SendOffer | HandOver


def decide(case: Case) -> Decision:
    """What is to be done about a tenancy. Asking again after doing it gives the same, or `Leave`."""
    move_in = case.move_in
    if case.offered:
        return Leave()
    if move_in is None or move_in.history or case.cancelled or not case.programme.covers(move_in.moved_in_on):
        return Drop()
    match plan_contact(move_in, case.contact, case.message):
        case ByHand():
            return HandOver(move_in, suppress=None)
        case OptedOut():
            return HandOver(move_in, suppress=_version_to_suppress(case.message))
        case Reachable(contact=contact, since=since):
            return Leave() if _too_late(case.todo, since) else SendOffer(_version_to_send(case.message), contact)
        case other:
            assert_never(other)


def plan_contact(move_in: MoveIn, contact: Contact | None, message: Message | None) -> Reachable | OptedOut | ByHand:
    """The road to a household. Only e-mail is a road so far; a phone number alone means by hand, and so does a contact
    that the latest message failed with."""
    if move_in.rule is ContactRule.LETTER_ONLY or contact is None or not contact.email or contact.refused:
        return ByHand()
    if message is not None and message.state is MessageState.FAILED and message.contact_event == contact.event_id:
        return ByHand()
    if contact.opted_out_of & {Occasion.HOUSING_INTRODUCTION, "all"}:
        return OptedOut()
    return Reachable(contact, since=max(move_in.received_at, contact.received_at))


def due_on(moved_in_on: date, opened_on: date) -> date:
    """The day by which staff should have offered an introduction by hand."""
    return max(moved_in_on, opened_on) + BY_HAND_WITHIN


def _too_late(todo: ToDo | None, since: datetime) -> bool:
    return todo is not None and todo.state is ToDoState.OPEN and since > todo.opened_at + CONTACT_WITHIN


def _version_to_send(message: Message | None) -> int:
    """One that neither went nor failed keeps its version, and so its Message-ID, however often it is taken up again."""
    if message is None:
        return 1
    match message.state:
        case MessageState.QUEUED | MessageState.DROPPED | MessageState.SUPPRESSED:
            return message.version
        case MessageState.FAILED | MessageState.SENT:
            return message.version + 1
        case other:
            assert_never(other)


def _version_to_suppress(message: Message | None) -> int | None:
    if message is not None and message.state is MessageState.SUPPRESSED:
        return None
    return _version_to_send(message)
