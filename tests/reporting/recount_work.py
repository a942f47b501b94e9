"""The goals about procurement, contracts and work, counted the slow way: see `recount`."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta

from schemas.buildings import ConstructionStarted
from schemas.placements import (
    Commitment,
    CommitmentCancelled,
    CommitmentDelegated,
    CommitmentRevised,
    EmploymentOutcomeRecorded,
    MatchAccepted,
    MatchProposed,
    PlacementCommitmentMade,
    PlacementCompleted,
    PlacementStarted,
    PlaceOpened,
    ReferralAnswered,
    ReferralMade,
)
from schemas.procurement import ContractAwarded, ProcurementPublished, SocialRequirementSet
from schemas.summer_jobs import SummerJobAllocated, SummerJobDeclined
from tests.reporting.recount import NOBODY, Period, Row, World, counts, local_day


@counts("social-requirements", "share", "share")
def social_requirements(world: World, period: Period) -> Iterable[Row]:
    category = {p.procurement_id: p.category for p in world.of(ProcurementPublished)}
    awards = defaultdict(list)
    for award in world.of(ContractAwarded):
        awards[award.procurement_id].append(award.awarded_on)
    for procurement, days in awards.items():
        if min(days) in period:
            required = any(
                r.procurement_id == procurement and r.set_on <= min(days) for r in world.of(SocialRequirementSet)
            )
            yield Row(required, 1, by=(("category", category.get(procurement, NOBODY)),))


class Promises:
    """Commitments as they stand, and which each was delegated from."""

    def __init__(self, world: World) -> None:
        self.made = {c.commitment_id: c for c in world.of(PlacementCommitmentMade)}
        self.revised: dict[str, list[CommitmentRevised]] = defaultdict(list)
        for revision in world.of(CommitmentRevised):
            self.revised[revision.commitment_id].append(revision)
        self.cancelled = {c.commitment_id for c in world.of(CommitmentCancelled)}
        self.parents = {c.commitment_id: c.parent_commitment_id for c in world.of(CommitmentDelegated)}

    def now(self, commitment: str) -> Commitment | None:
        """What a supplier promises now; None where nobody has promised or it no longer stands."""
        if commitment not in self.made or commitment in self.cancelled:
            return None
        said = self.revised[commitment]
        return max(said, key=lambda revision: revision.revised_on) if said else self.made[commitment]

    def first(self, commitment: str) -> str:
        """The commitment that one was delegated from, at the top."""
        seen: set[str] = set()
        while commitment in self.parents and commitment not in seen:
            seen.add(commitment)
            commitment = self.parents[commitment]
        return commitment


@counts("contract-places", "share", "share")
def contract_places(world: World, period: Period) -> Iterable[Row]:
    until = world.until(period.last)
    promises = Promises(until)
    for id in promises.made:
        promise = promises.now(id)
        if promise is not None and promise.contract_id is not None:
            for line in promise.lines:
                by = (("contract", promise.contract_id), ("occupation", line.occupation or NOBODY))
                yield Row(0, line.places, by=by)
    taken = {}
    for start in until.of(PlacementStarted):
        contract = contract_of(start, promises)
        if contract is not None:
            taken[start.place_id] = (("contract", contract), ("occupation", start.occupation))
    for by in taken.values():
        yield Row(1, 0, by=by)


def contract_of(start: PlacementStarted, promises: Promises) -> str | None:
    """The contract a placement fulfils, by what it says itself or by its commitment."""
    if start.contract_id is not None or start.commitment_id is None:
        return start.contract_id
    first = promises.first(start.commitment_id)
    return promises.made[first].contract_id if first in promises.made else None


@counts("delegated-places", "places", "count")
def delegated_places(world: World, period: Period) -> Iterable[Row]:
    promises = Promises(world)
    for event in world.events(CommitmentDelegated):
        parent = promises.now(event.data.parent_commitment_id)
        stands = event.data.commitment_id not in promises.cancelled
        if parent is not None and stands and local_day(event.time) in period:
            yield Row(event.data.places, by=(("contract", parent.contract_id or NOBODY),))


@counts("match-acceptance", "share", "share")
def match_acceptance(world: World, period: Period) -> Iterable[Row]:
    occupation = {place.place_id: place.occupation for place in world.of(PlaceOpened)}
    accepted = {match.match_id for match in world.of(MatchAccepted)}
    for match in world.of(MatchProposed):
        if match.proposed_on in period:
            yield Row(match.match_id in accepted, 1, by=(("occupation", occupation.get(match.place_id, NOBODY)),))


@counts("days-to-start", "days", "median")
def days_to_start(world: World, period: Period) -> Iterable[Row]:
    opened = {place.place_id: place.opened_on for place in world.of(PlaceOpened)}
    for start in world.of(PlacementStarted):
        if start.started_on in period and start.place_id in opened:
            days = (start.started_on - opened[start.place_id]).days
            if days >= 0:  # else one of the two days is wrong
                yield Row(by=(("occupation", start.occupation),), days=days)


@counts("summer-jobs", "applications", "count")
def summer_jobs(world: World, period: Period) -> Iterable[Row]:
    last: dict[tuple[str, int], SummerJobAllocated] = {}
    for allocated in world.of(SummerJobAllocated):
        about = allocated.application_id, allocated.year
        if about not in last or allocated.round > last[about].round:
            last[about] = allocated
    declined = {(d.application_id, d.round_id) for d in world.of(SummerJobDeclined)}
    for (application, year), allocated in last.items():
        stands = allocated.place_id is not None and (application, allocated.round_id) not in declined
        if stands and date(year, 1, 1) in period:
            yield Row(area=allocated.area_id)


def completed_summer_jobs(world: World, period: Period) -> Iterable[tuple[PlacementStarted, date]]:
    starts = {start.placement_id: start for start in world.of(PlacementStarted)}
    for done in world.of(PlacementCompleted):
        start = starts.get(done.placement_id)
        if start is not None and start.kind == "summer_job" and done.completed_on in period:
            yield start, done.completed_on


def a_year_after(day: date) -> date:
    return date(day.year + 1, 2, 28) if (day.month, day.day) == (2, 29) else day.replace(year=day.year + 1)


@counts("hired-after-summer-job", "share", "share")
def hired_after_summer_job(world: World, period: Period) -> Iterable[Row]:
    for start, done in completed_summer_jobs(world, period):
        hired = [
            outcome
            for outcome in world.of(EmploymentOutcomeRecorded)
            if outcome.placement_id == start.placement_id
            and outcome.outcome in ("employed_same", "employed_other")
            and done <= outcome.on <= a_year_after(done)
        ]
        yield Row(bool(hired), 1, area=start.area_id)


@counts("hired-after-summer-job", "no-answer", "share")
def nobody_answered(world: World, period: Period) -> Iterable[Row]:
    for start, done in completed_summer_jobs(world, period):
        said = {
            outcome.outcome
            for outcome in world.of(EmploymentOutcomeRecorded)
            if outcome.placement_id == start.placement_id and done <= outcome.on <= a_year_after(done)
        }
        yield Row(said == {"no_answer"}, 1, area=start.area_id)


@counts("trainee-places", "placements", "count")
def trainee_places(world: World, period: Period) -> Iterable[Row]:
    for start in world.of(PlacementStarted):
        if start.kind == "trainee" and start.started_on in period:
            yield Row(by=(("host", start.host),))


@counts("internships-own", "placements", "count")
def internships_own(world: World, period: Period) -> Iterable[Row]:
    for start in world.of(PlacementStarted):
        if start.kind == "internship" and start.host == "own" and start.started_on in period:
            yield Row()


@counts("project-jobs", "residents", "count")
def project_jobs(world: World, period: Period) -> Iterable[Row]:
    promises = Promises(world)
    for start in world.of(PlacementStarted):
        if start.kind == "project_job" and start.area_id is not None and start.started_on in period:
            yield Row(area=start.area_id, by=(("contract", contract_of(start, promises) or NOBODY),))


@counts("new-production-placements", "share", "share")
def new_production_placements(world: World, period: Period) -> Iterable[Row]:
    strategic = {p.procurement_id for p in world.of(ProcurementPublished) if p.is_strategic}
    ours = {a.contract_id for a in world.of(ContractAwarded) if a.procurement_id in strategic}
    promises = Promises(world)
    started = {contract_of(start, promises) for start in world.of(PlacementStarted)}
    for construction in world.of(ConstructionStarted):
        if construction.contract_id in ours and construction.started_on in period:
            yield Row(construction.contract_id in started, 1, by=(("contract", construction.contract_id),))


@counts("referrals-answered", "share", "share")
def referrals_answered(world: World, period: Period) -> Iterable[Row]:
    answered = {answer.referral_id: answer.answered_on for answer in world.of(ReferralAnswered)}
    for referral in world.of(ReferralMade):
        if referral.made_on in period:
            on = answered.get(referral.referral_id)
            yield Row(on is not None and on <= referral.made_on + timedelta(days=14), 1)
