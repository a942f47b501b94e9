"""From a promised place to a person in work: commitments, places, candidates, matches, placements, referrals.

Published by placements; summer jobs stand in `summer_jobs`, contact details in `placement_contacts`. Persons are random
refs; reasons are closed codes that never tell of health.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from .event import EventData, Part
from .fields import Count, Day, EachOnce, Id, PlacementKind, Week, in_order

TOPIC = "placements.events"
Places = Annotated[int, Field(ge=1, le=10_000, description="Number of places, at least 1.")]
Host = Annotated[
    Literal["own", "contractor", "partner"],
    Field(description="Who receives: the company itself (`own`), a supplier under contract, or another partner."),
]
Kind = Annotated[PlacementKind, Field(description="Praktik, traineeplats, sommarjobb or projektjobb.")]
Occupation = Annotated[
    Id, Field(description="The occupation: SSYK 2012, four digits such as 7111, or a JobTech concept id.")
]
CommitmentId = Annotated[Id, Field(description="The commitment (åtagande).")]
PlaceId = Annotated[Id, Field(description="The place, of which there may be several alike.")]
CandidateRef = Annotated[Id, Field(description="The candidate: random, a new one for each registration.")]
MatchId = Annotated[Id, Field(description="The match.")]
PlacementId = Annotated[Id, Field(description="The placement.")]
ReferralId = Annotated[Id, Field(description="The referral (anvisning).")]


class CommitmentLine(Part):
    """Places of one kind that a supplier promises."""

    kind: Kind
    occupation: Id | None = Field(None, description="The occupation, as in PlaceOpened; none while it is open.")
    places: Places


class Commitment(EventData):
    """What PlacementCommitmentMade and CommitmentRevised say alike."""

    commitment_id: CommitmentId
    contract_id: Id | None = Field(None, description="The contract it fulfils, as in ContractAwarded; none: voluntary.")
    supplier_id: Id = Field(description="The supplier that promises, as in ContractAwarded.")
    lines: tuple[CommitmentLine, ...] = Field(min_length=1, max_length=100, description="What is promised, by kind.")
    window_from: Day = Field(description="The first day a promised placement may start.")
    window_to: Day = Field(description="The last day one may start; not before `window_from`.")

    @model_validator(mode="after")
    def _window_is_in_order(self) -> Self:
        in_order(self.window_from, self.window_to, "window_to")
        return self


class PlacementCommitmentMade(Commitment, name="PlacementCommitmentMade", topic=TOPIC, subject="commitment_id"):
    """A supplier has promised places. Its sum is the denominator of the goal *contract-places*."""


class CommitmentRevised(
    Commitment,
    name="CommitmentRevised",
    topic=TOPIC,
    subject="commitment_id",
    identity=("commitment_id", "revised_on"),
):
    """The promise has been changed by agreement. Says the whole promise as it is now. Every revision stands, and the one
    of the latest `revised_on` holds; the same commitment and day again is a correction."""

    revised_on: Day = Field(description="The day of the agreement to change it.")


class CommitmentDelegated(EventData, name="CommitmentDelegated", topic=TOPIC, subject="commitment_id"):
    """A subcontractor has taken over places of a commitment. They count once: in the commitment they came from."""

    commitment_id: Id = Field(description="The subcontractor's commitment, a new one.")
    parent_commitment_id: Id = Field(description="The commitment the places come from.")
    subcontractor_id: Id = Field(description="The subcontractor (underentreprenör), an id like `supplier_id`.")
    places: Places


class CommitmentCancelled(EventData, name="CommitmentCancelled", topic=TOPIC, subject="commitment_id"):
    """The commitment no longer stands, nor what was delegated from it. Placements under it that started do stand."""

    commitment_id: CommitmentId
    reason: Literal["contract_ended", "renegotiated", "supplier_unable", "registered_in_error", "other"] = Field(
        description="Why."
    )
    cancelled_on: Day = Field(description="The day it was cancelled.")


class PlaceOpened(EventData, name="PlaceOpened", topic=TOPIC, subject="place_id"):
    """A place can be matched from now on. The wait from here to PlacementStarted is measured."""

    place_id: PlaceId
    commitment_id: Id | None = Field(None, description="The commitment it fulfils; none: outside any.")
    kind: Kind
    occupation: Occupation
    host: Host
    places: Places
    opened_on: Day = Field(description="The day it could be matched.")


class PlaceWithdrawn(EventData, name="PlaceWithdrawn", topic=TOPIC, subject="place_id"):
    """The place is no longer offered. Placements on it that started go on."""

    place_id: PlaceId
    reason: Literal["filled_otherwise", "host_unable", "expired", "registered_in_error", "other"] = Field(
        description="Why."
    )
    withdrawn_on: Day = Field(description="The day it was withdrawn.")


class CandidateRegistered(EventData, name="CandidateRegistered", topic=TOPIC, subject="candidate_ref"):
    """Someone looks for a place. A new ref for each registration, so that registrations can't be joined to a life."""

    candidate_ref: CandidateRef
    area_id: Id | None = Field(None, description="The area where the person lives; none: outside our areas.")
    kinds: EachOnce[PlacementKind] = Field(min_length=1, max_length=4, description="Kinds of place looked for.")


class CandidateWithdrawn(EventData, name="CandidateWithdrawn", topic=TOPIC, subject="candidate_ref"):
    """The candidate no longer looks for a place. No reason is asked or kept."""

    candidate_ref: CandidateRef
    withdrawn_on: Day = Field(description="The day.")


class MatchProposed(EventData, name="MatchProposed", topic=TOPIC, subject="match_id"):
    """A candidate is proposed for a place: both are told."""

    match_id: MatchId
    place_id: PlaceId
    candidate_ref: CandidateRef
    host_contact_ref: Id | None = Field(
        None, description="Who at the host is told, as in PlacementContactChanged; none: told by staff."
    )
    proposed_on: Day = Field(description="The day; it decides which period the answer counts in.")


class MatchAccepted(EventData, name="MatchAccepted", topic=TOPIC, subject="match_id"):
    """Candidate and host have both said yes."""

    match_id: MatchId
    accepted_on: Day = Field(description="The day the second of them said yes.")


class MatchDeclined(EventData, name="MatchDeclined", topic=TOPIC, subject="match_id"):
    """One of them has said no."""

    match_id: MatchId
    by: Literal["candidate", "host"] = Field(description="Who said no.")
    reason: Literal[
        "other_offer", "time_or_place", "requirements_not_met", "place_filled", "no_answer", "other"
    ] = Field(description="Why, as a code; never anything about health.")  # fmt: skip
    declined_on: Day = Field(description="The day of the answer.")


class PlacementStarted(EventData, name="PlacementStarted", topic=TOPIC, subject="placement_id"):
    """A person has begun on a place. This is what places, trainees and internships are counted by."""

    placement_id: PlacementId
    place_id: PlaceId
    commitment_id: Id | None = Field(None, description="The commitment it fulfils; none: outside any.")
    contract_id: Id | None = Field(None, description="The contract of that commitment.")
    candidate_ref: CandidateRef
    area_id: Id | None = Field(None, description="The area where the person lives; none: outside our areas.")
    kind: Kind
    occupation: Occupation
    host: Host
    started_on: Day = Field(description="The first day at work.")


class AttendanceRecorded(
    EventData, name="AttendanceRecorded", topic=TOPIC, subject="placement_id", identity=("placement_id", "week")
):
    """Days present in a week of a placement; the same week again is a correction. No reasons for absence."""

    placement_id: PlacementId
    week: Week = Field(description="ISO week, Monday to Sunday, such as 2019-W27.")
    days_present: int = Field(ge=0, le=7, description="Days present.")
    days_planned: int = Field(ge=0, le=7, description="Days planned.")


class PlacementInterrupted(EventData, name="PlacementInterrupted", topic=TOPIC, subject="placement_id"):
    """The placement ended before its time."""

    placement_id: PlacementId
    reason: Literal["employed", "studies", "ended_by_candidate", "ended_by_host", "registered_in_error", "other"] = (
        Field(description="Why, as a code; never anything about health.")
    )
    interrupted_on: Day = Field(description="The last day of it.")


class PlacementCompleted(EventData, name="PlacementCompleted", topic=TOPIC, subject="placement_id"):
    """The placement has run its time. The outcome is asked for after 30, 180 and 365 days."""

    placement_id: PlacementId
    completed_on: Day = Field(description="The last day of it.")


class EmploymentOutcomeRecorded(
    EventData,
    name="EmploymentOutcomeRecorded",
    topic=TOPIC,
    subject="placement_id",
    identity=("placement_id", "asked_after_days"),
):
    """What came after a completed placement. One answer for each time it was asked; a later one corrects it."""

    placement_id: PlacementId
    outcome: Literal["employed_same", "employed_other", "studies", "unemployed", "no_answer"] = Field(
        description="`employed_same`: by the host; `no_answer`: asked, and nobody answered, which isn't `unemployed`."
    )
    on: Day = Field(
        description="The day the outcome was true, which decides whether it came within 12 months; for `no_answer` the "
        "day it was asked."
    )
    asked_after_days: Count = Field(description="Days after completion that it was asked: 30, 180 or 365.")


class ReferralMade(EventData, name="ReferralMade", topic=TOPIC, subject="referral_id"):
    """The labour market department (AMA) has been asked for candidates. An answer is due within 14 days."""

    referral_id: ReferralId
    made_on: Day = Field(description="The day it was sent.")


class ReferralAnswered(EventData, name="ReferralAnswered", topic=TOPIC, subject="referral_id"):
    """The labour market department has answered."""

    referral_id: ReferralId
    answer: Literal["candidates_proposed", "nobody_available", "declined", "other"] = Field(description="The answer.")
    answered_on: Day = Field(description="The day of the first answer.")
