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
from tests.reporting.recount import Period, Row, World, counts, local_day


def named(dimension: str, value: str | None) -> tuple[tuple[str, str], ...]:
    """The slice that a row is of; none, where its value isn't known."""
    return () if value is None else ((dimension, value),)


@counts("social-requirements", "share", "share")
def social_requirements(world: World, period: Period) -> Iterable[Row]:
    category = {p.procurement_id: p.category for p in world.ever(ProcurementPublished)}
    awards = defaultdict(list)
    for award in world.of(ContractAwarded):
        awards[award.procurement_id].append(award.awarded_on)
    for procurement, days in awards.items():
        if min(days) in period:
            required = any(
                r.procurement_id == procurement and r.set_on <= min(days) for r in world.of(SocialRequirementSet)
            )
            yield Row(required, 1, by=named("category", category.get(procurement)))


class Promises:
    """Commitments, and which each was delegated from."""

    def __init__(self, world: World) -> None:
        self.made = {c.commitment_id: c for c in world.ever(PlacementCommitmentMade)}
        self.cancelled = {c.commitment_id for c in world.ever(CommitmentCancelled)}
        self.parents = {c.commitment_id: c.parent_commitment_id for c in world.ever(CommitmentDelegated)}

    def contract_of(self, start: PlacementStarted) -> str | None:
        """The contract a placement fulfils: what it says itself, or its commitment, or the one that was delegated from."""
        if start.contract_id is not None or start.commitment_id is None:
            return start.contract_id
        for commitment in (start.commitment_id, self.parents.get(start.commitment_id)):
            made = self.made.get(commitment or "")
            if made is not None and made.contract_id is not None:
                return made.contract_id
        return None


@counts("contract-places", "share", "share")
def contract_places(world: World, period: Period) -> Iterable[Row]:
    until = world.until(period.last)
    passed_on = {c.commitment_id for c in world.ever(CommitmentDelegated)}
    made = {event.data.commitment_id: event for event in until.events(PlacementCommitmentMade)}
    cancelled = {c.commitment_id: c.cancelled_on for c in until.of(CommitmentCancelled)}
    for commitment in {*made, *(r.commitment_id for r in until.of(CommitmentRevised))} - passed_on:
        revised = [r for r in until.of(CommitmentRevised) if r.commitment_id == commitment]
        said: Commitment = max(revised, key=lambda r: r.revised_on) if revised else made[commitment].data
        since = max(r.revised_on for r in revised) if revised else local_day(made[commitment].time)
        if said.contract_id is not None and cancelled.get(commitment, date.min) < since:
            for line in said.lines:
                by = (*named("contract", said.contract_id), *named("occupation", line.occupation))
                yield Row(0, line.places, by=by)
    room = {place.place_id: place.places for place in world.ever(PlaceOpened)}
    starts = defaultdict(list)
    for start in until.of(PlacementStarted):
        if start.contract_id is not None:
            starts[start.place_id].append(start)
    for place, begun in starts.items():
        for start in sorted(begun, key=lambda start: start.started_on)[: room.get(place, 1)]:
            yield Row(1, 0, by=(("contract", start.contract_id or ""), ("occupation", start.occupation)))


@counts("delegated-places", "places", "count")
def delegated_places(world: World, period: Period) -> Iterable[Row]:
    promises = Promises(world)
    for event in world.events(CommitmentDelegated):
        parent = promises.made.get(event.data.parent_commitment_id)
        gone = {event.data.commitment_id, event.data.parent_commitment_id} & promises.cancelled
        again = event.data.parent_commitment_id in promises.parents
        if parent is not None and not gone and not again and local_day(event.time) in period:
            yield Row(event.data.places, by=named("contract", parent.contract_id))


@counts("match-acceptance", "share", "share")
def match_acceptance(world: World, period: Period) -> Iterable[Row]:
    occupation = {place.place_id: place.occupation for place in world.ever(PlaceOpened)}
    accepted = {match.match_id for match in world.of(MatchAccepted)}
    for match in world.of(MatchProposed):
        if match.proposed_on in period:
            yield Row(match.match_id in accepted, 1, by=named("occupation", occupation.get(match.place_id)))


@counts("days-to-start", "days", "median")
def days_to_start(world: World, period: Period) -> Iterable[Row]:
    opened = {place.place_id: place.opened_on for place in world.ever(PlaceOpened)}
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
    declined = {(d.application_id, d.round_id) for d in world.ever(SummerJobDeclined)}
    for (application, year), allocated in last.items():
        stands = allocated.place_id is not None and (application, allocated.round_id) not in declined
        if stands and date(year, 1, 1) in period:
            yield Row(area=allocated.area_id)


def completed_summer_jobs(world: World, period: Period) -> Iterable[tuple[PlacementStarted, date]]:
    starts = {start.placement_id: start for start in world.ever(PlacementStarted)}
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
            yield Row(area=start.area_id, by=named("contract", promises.contract_of(start)))


@counts("new-production-placements", "share", "share")
def new_production_placements(world: World, period: Period) -> Iterable[Row]:
    strategic = {p.procurement_id for p in world.ever(ProcurementPublished) if p.is_strategic}
    ours = {a.contract_id for a in world.ever(ContractAwarded) if a.procurement_id in strategic}
    promises = Promises(world)
    started = {promises.contract_of(start) for start in world.of(PlacementStarted)}
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
