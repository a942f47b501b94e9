"""Promised places, and the made-up people who came to work on them: what the placements service will tell by itself."""

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from hem.demo.telling import Teller, spread
from schemas.fields import PlacementKind
from schemas.placements import (
    AttendanceRecorded,
    CandidateRegistered,
    CandidateWithdrawn,
    CommitmentCancelled,
    CommitmentDelegated,
    CommitmentLine,
    CommitmentRevised,
    EmploymentOutcomeRecorded,
    Host,
    MatchAccepted,
    MatchDeclined,
    MatchProposed,
    PlacementCommitmentMade,
    PlacementCompleted,
    PlacementInterrupted,
    PlacementStarted,
    PlaceOpened,
    PlaceWithdrawn,
    ReferralAnswered,
    ReferralMade,
)

LAST = date(2020, 3, 31)
CARPENTER, PIPE_FITTER, ASSEMBLER, PAINTER, CARETAKER, CLEANER, OFFICE = (
    "7111", "7125", "8219", "7131", "5152", "9111", "4119",
)  # fmt: skip
"""SSYK 2012: snickare, VVS-montör, montör, målare, fastighetsskötare, städare, kontorsassistent."""
HOMES_OF = {
    "raslatt": 30,
    "oxnehaga": 26,
    "osterangen": 15,
    "ekhagen": 9,
    "vaster": 5,
    "soder": 4,
    "huskvarna": 3,
    "": 8,
}
"""Area → how many of a hundred candidates live there; the last outside our areas."""


@dataclass(frozen=True)
class Promise:
    """A commitment under a contract: kind, occupation and places of each line."""

    id: str
    contract: str
    supplier: str
    made: date
    until: date
    lines: tuple[tuple[PlacementKind, str, int], ...]


PROMISES = (
    Promise("ata-2017-21", "avtal-2017-21", "lev-07", date(2018, 2, 5), date(2020, 12, 31),
            (("trainee", CARPENTER, 8), ("trainee", PIPE_FITTER, 6), ("trainee", ASSEMBLER, 6))),
    Promise("ata-2018-05", "avtal-2018-05", "lev-11", date(2018, 9, 10), date(2019, 12, 31), (("internship", CARPENTER, 6),)),
    Promise("ata-2018-02", "avtal-2018-02", "lev-03", date(2018, 5, 21), date(2019, 6, 30), (("trainee", PAINTER, 5),)),
    Promise("ata-2018-11", "avtal-2018-11", "lev-12", date(2019, 2, 11), date(2020, 12, 31), (("trainee", CARPENTER, 12),)),
    Promise("ata-2019-01", "avtal-2019-01", "lev-05", date(2019, 4, 29), date(2021, 6, 30), (("internship", ASSEMBLER, 8),)),
    Promise("ata-2019-03", "avtal-2019-03", "lev-08", date(2019, 6, 10), date(2020, 12, 31), (("project_job", CLEANER, 5),)),
    Promise("ata-2018-01", "avtal-2018-01", "lev-14", date(2018, 3, 19), date(2019, 12, 31), (("project_job", CLEANER, 4),)),
    Promise("ata-2018-09", "avtal-2018-09", "lev-14", date(2018, 10, 22), date(2019, 12, 31), (("project_job", CLEANER, 3),)),
)  # fmt: skip
NEVER_KEPT = "ata-2018-02"
REVISED = "ata-2018-11"
DELEGATED = (
    ("ata-2017-21", "ata-2017-21-u1", "ue-02", 5, date(2018, 9, 17)),
    ("ata-2019-01", "ata-2019-01-u1", "ue-04", 2, date(2019, 9, 9)),
)


@dataclass(frozen=True)
class Batch:
    """`count` placements alike that started in a year. `promise`: the commitment and contract they fulfil."""

    year: int
    count: int
    kind: PlacementKind
    host: Host
    occupation: str
    promise: str | None = None


BATCHES = (
    Batch(2018, 3, "trainee", "contractor", CARPENTER, "ata-2017-21"),
    Batch(2018, 2, "trainee", "contractor", PIPE_FITTER, "ata-2017-21"),
    Batch(2018, 2, "trainee", "contractor", ASSEMBLER, "ata-2017-21"),
    Batch(2018, 2, "internship", "contractor", CARPENTER, "ata-2018-05"),
    Batch(2018, 4, "project_job", "contractor", CLEANER, "ata-2018-01"),
    Batch(2018, 5, "trainee", "own", CARETAKER),
    Batch(2018, 13, "internship", "own", CARETAKER),
    Batch(2018, 8, "internship", "own", OFFICE),
    Batch(2018, 11, "project_job", "own", CARETAKER),
    Batch(2019, 3, "trainee", "contractor", CARPENTER, "ata-2017-21"),
    Batch(2019, 2, "trainee", "contractor", PIPE_FITTER, "ata-2017-21"),
    Batch(2019, 2, "trainee", "contractor", ASSEMBLER, "ata-2017-21"),
    Batch(2019, 4, "internship", "contractor", CARPENTER, "ata-2018-05"),
    Batch(2019, 6, "trainee", "contractor", CARPENTER, "ata-2018-11"),
    Batch(2019, 3, "internship", "contractor", ASSEMBLER, "ata-2019-01"),
    Batch(2019, 2, "project_job", "contractor", CLEANER, "ata-2019-03"),
    Batch(2019, 1, "project_job", "contractor", CLEANER, "ata-2018-09"),
    Batch(2019, 6, "trainee", "own", CARETAKER),
    Batch(2019, 2, "trainee", "partner", OFFICE),
    Batch(2019, 17, "internship", "own", CARETAKER),
    Batch(2019, 9, "internship", "own", OFFICE),
    Batch(2019, 1, "project_job", "own", CARETAKER),
    Batch(2020, 2, "trainee", "contractor", CARPENTER, "ata-2017-21"),
    Batch(2020, 1, "internship", "contractor", ASSEMBLER, "ata-2019-01"),
    Batch(2020, 7, "internship", "own", CARETAKER),
    Batch(2020, 3, "project_job", "own", CARETAKER),
)


def placements(teller: Teller) -> None:
    """Two years and a quarter of commitments, placements and referrals."""
    for promise in PROMISES:
        _promise(teller, promise)
    for parent, own, subcontractor, places, on in DELEGATED:
        said = CommitmentDelegated(
            commitment_id=own, parent_commitment_id=parent, subcontractor_id=subcontractor, places=places
        )
        teller.tell(said, on)
    number = 0
    for batch in BATCHES:
        first, last = _window(batch)
        for started in spread(teller.rng, batch.count, first, last):
            number += 1
            _place(teller, batch, number, started)
    _unfilled(teller)
    _referrals(teller)


def _promise(teller: Teller, promise: Promise) -> None:
    def said(less: int = 0) -> dict[str, object]:
        lines = [CommitmentLine(kind=k, occupation=o, places=places - less) for k, o, places in promise.lines]
        return {
            "commitment_id": promise.id, "contract_id": promise.contract, "supplier_id": promise.supplier,
            "lines": tuple(lines), "window_from": promise.made, "window_to": promise.until,
        }  # fmt: skip

    teller.say(PlacementCommitmentMade, promise.made, **said())
    if promise.id == REVISED:  # two fewer, by agreement
        on = promise.made + timedelta(days=120)
        teller.say(CommitmentRevised, on, **said(less=2), revised_on=on)
    if promise.id == NEVER_KEPT:
        on = promise.until - timedelta(days=30)
        cancelled = CommitmentCancelled(commitment_id=promise.id, reason="supplier_unable", cancelled_on=on)
        teller.tell(cancelled, on)


def _window(batch: Batch) -> tuple[date, date]:
    """When placements of a batch may start: in its year, and once the place was promised."""
    promised = next((one.made for one in PROMISES if one.id == batch.promise), date(batch.year, 1, 1))
    return max(date(batch.year, 1, 14), promised + timedelta(days=45)), min(date(batch.year, 12, 13), LAST)


def _place(teller: Teller, batch: Batch, number: int, started: date) -> None:
    """One place from its opening to what came of it, as far as there was time."""
    rng = teller.rng
    place, contract = f"plats-{number:03d}", next((p.contract for p in PROMISES if p.id == batch.promise), None)
    waited = rng.randint(24, 74) if batch.year == 2018 else rng.randint(12, 50)
    opened = started - timedelta(days=waited)
    teller.tell(
        PlaceOpened(
            place_id=place, commitment_id=batch.promise, kind=batch.kind, occupation=batch.occupation, host=batch.host,
            places=1, opened_on=opened,
        ),
        opened,
    )  # fmt: skip
    tries = 1 + (rng.random() < 0.45) + (rng.random() < 0.2)
    for attempt in range(1, tries + 1):
        area = _area(rng)
        candidate = f"k-{rng.getrandbits(40):010x}"
        proposed = opened + timedelta(days=waited * attempt // (tries + 1))
        teller.tell(CandidateRegistered(candidate_ref=candidate, area_id=area, kinds=(batch.kind,)), opened)
        match = f"match-{number:03d}-{attempt}"
        teller.tell(
            MatchProposed(match_id=match, place_id=place, candidate_ref=candidate, proposed_on=proposed), proposed
        )
        if attempt < tries:
            _decline(teller, match, candidate, proposed + timedelta(days=3))
            continue
        accepted = min(proposed + timedelta(days=rng.randint(1, 6)), started)
        teller.tell(MatchAccepted(match_id=match, accepted_on=accepted), accepted)
        start = PlacementStarted(
            placement_id=f"plc-{number:03d}", place_id=place, commitment_id=batch.promise, contract_id=contract,
            candidate_ref=candidate, area_id=area, kind=batch.kind, occupation=batch.occupation, host=batch.host,
            started_on=started,
        )  # fmt: skip
        teller.tell(start, started)
        _run(teller, batch, start)


def _decline(teller: Teller, match: str, candidate: str, on: date) -> None:
    by_candidate = teller.rng.random() < 0.6
    reason = teller.rng.choice(("other_offer", "time_or_place") if by_candidate else ("requirements_not_met", "other"))
    by = "candidate" if by_candidate else "host"
    teller.say(MatchDeclined, on, match_id=match, by=by, reason=reason, declined_on=on)
    if teller.rng.random() < 0.3:
        teller.tell(CandidateWithdrawn(candidate_ref=candidate, withdrawn_on=on), on)


def _run(teller: Teller, batch: Batch, start: PlacementStarted) -> None:
    rng, placement = teller.rng, start.placement_id
    for week in range(1, 4):
        day = start.started_on + timedelta(weeks=week)
        if day <= LAST:
            iso = day.isocalendar()
            said = AttendanceRecorded(
                placement_id=placement,
                week=f"{iso.year}-W{iso.week:02d}",
                days_present=rng.randint(3, 5),
                days_planned=5,
            )
            teller.tell(said, day)
    ends = start.started_on + timedelta(weeks=12 if batch.kind == "internship" else 26)
    if ends > LAST:
        return
    if rng.random() < 0.1:
        on = start.started_on + timedelta(weeks=5)
        reason = rng.choice(("employed", "studies", "ended_by_candidate"))
        teller.say(PlacementInterrupted, on, placement_id=placement, reason=reason, interrupted_on=on)
        return
    teller.tell(PlacementCompleted(placement_id=placement, completed_on=ends), ends)
    asked(teller, placement, ends, hired=0.55 if batch.kind == "trainee" else 0.3)


def asked(teller: Teller, placement: str, completed: date, *, hired: float) -> None:
    """What came of it, asked after 30, 180 and 365 days as far as there was time; `hired`: the share that was."""
    rng = teller.rng
    employed_after = rng.choice((30, 30, 180, 365)) if rng.random() < hired else None
    for days in (30, 180, 365):
        on = completed + timedelta(days=days)
        if on > LAST:
            return
        if employed_after is not None and days >= employed_after:
            outcome = "employed_same" if rng.random() < 0.6 else "employed_other"
        else:
            outcome = rng.choices(("studies", "unemployed", "no_answer"), (30, 40, 30))[0]
        said = {"placement_id": placement, "outcome": outcome, "asked_after_days": days}
        teller.tell(EmploymentOutcomeRecorded.model_validate({**said, "on": on}), on)


def _unfilled(teller: Teller) -> None:
    """Places that nobody started on; some are open still."""
    for number, opened in enumerate(spread(teller.rng, 9, date(2018, 3, 1), date(2020, 2, 28)), 1):
        place = f"plats-tom-{number}"
        said = PlaceOpened(
            place_id=place, kind="internship", occupation=OFFICE, host="partner", places=1, opened_on=opened
        )
        teller.tell(said, opened)
        if number < 7:
            on = min(opened + timedelta(days=90), LAST)
            teller.tell(PlaceWithdrawn(place_id=place, reason="host_unable", withdrawn_on=on), on)


def _referrals(teller: Teller) -> None:
    for year, made, late, silent in ((2018, 31, 7, 3), (2019, 36, 4, 1), (2020, 9, 2, 1)):
        last = min(date(year, 12, 20), LAST)
        for number, on in enumerate(spread(teller.rng, made, date(year, 1, 8), last), 1):
            referral = f"anv-{year}-{number:02d}"
            teller.tell(ReferralMade(referral_id=referral, made_on=on), on)
            if number <= silent:
                continue
            days = teller.rng.randint(15, 30) if number <= silent + late else teller.rng.randint(1, 14)
            answered = on + timedelta(days=days)
            answer = teller.rng.choice(("candidates_proposed", "candidates_proposed", "nobody_available"))
            teller.say(ReferralAnswered, answered, referral_id=referral, answer=answer, answered_on=answered)


def _area(rng: Random) -> str | None:
    return rng.choices(list(HOMES_OF), list(HOMES_OF.values()))[0] or None
