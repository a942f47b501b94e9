"""Random histories of procurement, contracts and work. See `histories`."""

from random import Random
from typing import Any

from schemas import buildings, placements, procurement, summer_jobs
from tests.reporting.histories_made import KINDS, OCCUPATIONS, Said, area, day, id_of, later, maybe


def commitment(random: Random) -> dict[str, Any]:
    begin = day(random)
    return {
        "commitment_id": id_of(random, "commitment", 8),
        "contract_id": maybe(random, id_of(random, "contract", 6)),
        "supplier_id": id_of(random, "supplier", 3),
        "lines": tuple(
            placements.CommitmentLine(
                kind=random.choice(KINDS),
                occupation=maybe(random, random.choice(OCCUPATIONS)),
                places=random.randint(1, 9),
            )
            for _ in range(random.randint(1, 3))
        ),
        "window_from": begin,
        "window_to": later(random, begin),
    }


def application(random: Random) -> dict[str, Any]:
    """An application, and a round of the summer it is for."""
    number, round = random.randrange(15), random.randint(1, 3)
    year = 2018 + number % 3
    return {"application_id": f"application{number}", "round_id": f"{year}-{round}", "year": year, "round": round}


def only(fields: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: fields[name] for name in names}


WORK = (
    Said(procurement.ProcurementPublished, 3, lambda r: {
        "procurement_id": id_of(r, "procurement"), "category": r.choice(["construction", "painting"]),
        "is_strategic": r.random() < 0.7, "is_new_production": r.random() < 0.5, "published_on": day(r),
    }),
    Said(procurement.SocialRequirementSet, 4, lambda r: {
        "procurement_id": id_of(r, "procurement"), "kind": r.choice(["internship", "trainee"]), "places": r.randrange(9),
        "set_on": day(r),
    }),
    Said(procurement.ContractAwarded, 5, lambda r: {
        "contract_id": id_of(r, "contract", 14), "procurement_id": id_of(r, "procurement"),
        "supplier_id": id_of(r, "supplier", 3), "awarded_on": day(r),
    }),
    Said(procurement.ContractEnded, 1, lambda r: {"contract_id": id_of(r, "contract", 14), "ended_on": day(r)}),
    Said(buildings.ConstructionStarted, 4, lambda r: {
        "project_id": id_of(r, "project"), "contract_id": id_of(r, "contract", 14), "area_id": area(r), "started_on": day(r),
    }),
    Said(placements.PlacementCommitmentMade, 4, commitment),
    Said(placements.CommitmentRevised, 2, lambda r: {**commitment(r), "revised_on": day(r)}),
    Said(placements.CommitmentDelegated, 3, lambda r: {
        "commitment_id": f"commitment{8 + r.randrange(8)}", "parent_commitment_id": id_of(r, "commitment", 16),
        "subcontractor_id": id_of(r, "supplier", 3), "places": r.randint(1, 5),
    }),
    Said(placements.CommitmentCancelled, 1, lambda r: {
        "commitment_id": id_of(r, "commitment", 16), "reason": "other", "cancelled_on": day(r),
    }),
    Said(placements.PlaceOpened, 5, lambda r: {
        "place_id": id_of(r, "place", 20), "commitment_id": maybe(r, id_of(r, "commitment", 16)), "kind": r.choice(KINDS),
        "occupation": r.choice(OCCUPATIONS), "host": r.choice(["own", "contractor", "partner"]),
        "places": r.randint(1, 3), "opened_on": day(r),
    }),
    Said(placements.PlaceWithdrawn, 1, lambda r: {
        "place_id": id_of(r, "place", 20), "reason": "expired", "withdrawn_on": day(r),
    }),
    Said(placements.MatchProposed, 4, lambda r: {
        "match_id": id_of(r, "match", 20), "place_id": id_of(r, "place", 22), "candidate_ref": id_of(r, "c", 40),
        "proposed_on": day(r),
    }),
    Said(placements.MatchAccepted, 3, lambda r: {"match_id": id_of(r, "match", 20), "accepted_on": day(r)}),
    Said(placements.MatchDeclined, 2, lambda r: {
        "match_id": id_of(r, "match", 20), "by": "host", "reason": "other", "declined_on": day(r),
    }),
    Said(placements.PlacementStarted, 8, lambda r: {
        "placement_id": id_of(r, "placement", 30), "place_id": id_of(r, "place", 22),
        "commitment_id": maybe(r, id_of(r, "commitment", 16)), "contract_id": maybe(r, id_of(r, "contract", 14), 0.5),
        "candidate_ref": id_of(r, "c", 40), "area_id": maybe(r, area(r)), "kind": r.choice(KINDS),
        "occupation": r.choice(OCCUPATIONS), "host": r.choice(["own", "contractor", "partner"]), "started_on": day(r),
    }),
    Said(placements.PlacementInterrupted, 1, lambda r: {
        "placement_id": id_of(r, "placement", 30), "reason": "other", "interrupted_on": day(r),
    }),
    Said(placements.PlacementCompleted, 4, lambda r: {"placement_id": id_of(r, "placement", 30), "completed_on": day(r)}),
    Said(placements.EmploymentOutcomeRecorded, 5, lambda r: {
        "placement_id": id_of(r, "placement", 30), "on": day(r), "asked_after_days": r.choice([30, 180, 365]),
        "outcome": r.choice(["employed_same", "employed_other", "studies", "no_answer", "no_answer"]),
    }),
    Said(placements.ReferralMade, 3, lambda r: {"referral_id": id_of(r, "referral"), "made_on": day(r)}),
    Said(placements.ReferralAnswered, 3, lambda r: {
        "referral_id": id_of(r, "referral"), "answer": "nobody_available", "answered_on": day(r),
    }),
    Said(summer_jobs.SummerJobApplied, 1, lambda r: {
        **only(application(r), "application_id", "year"), "candidate_ref": id_of(r, "c", 40), "area_id": maybe(r, area(r)),
    }),
    Said(summer_jobs.SummerJobAllocated, 5, lambda r: {
        **application(r), "place_id": maybe(r, id_of(r, "place", 22)), "area_id": maybe(r, area(r)),
    }),
    Said(summer_jobs.SummerJobDeclined, 2, lambda r: {
        **only(application(r), "application_id", "round_id"), "reason": "declined", "declined_on": day(r),
    }),
)  # fmt: skip
