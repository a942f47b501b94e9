"""Summer jobs of the made-up landlord: applied for, drawn in two rounds, worked, and what came after."""

import hashlib
from datetime import date, timedelta

from hem.demo.placements import CARETAKER, CLEANER, HOMES_OF, asked
from hem.demo.telling import Teller
from schemas.placements import PlacementCompleted, PlacementInterrupted, PlacementStarted, PlaceOpened
from schemas.summer_jobs import SummerJobAllocated, SummerJobApplied, SummerJobDeclined, SummerJobRoundDrawn

PLACES = 100
# Summer → applications, and how many of the hundred places are filled in the end.
SUMMERS = {2017: (205, 66), 2018: (240, 74), 2019: (262, 82)}
APPLIED_2020 = 151
"""Applications for the summer after the last day told: nothing is drawn yet."""
DECLINED = 14
"""Of the first round's places, how many said no."""
AREAS_OF = {**HOMES_OF, "rosenlund": 3, "bankeryd": 2, "oster": 4}


def summer_jobs(teller: Teller) -> None:
    """Three summers, and the applications for a fourth."""
    for year, (applications, filled) in SUMMERS.items():
        applicants = _apply(teller, year, applications)
        first = _draw(teller, year, 1, applicants, filled)
        said_no = first[:DECLINED]
        for application, _ in said_no:
            on = date(year, 4, 30)
            said = SummerJobDeclined(
                application_id=application, round_id=f"somrar-{year}-1", reason="declined", declined_on=on
            )
            teller.tell(said, on)
        others = [one for one in applicants if one not in first]
        second = _draw(teller, year, 2, others, DECLINED)
        if year > 2017:  # before that, who came was written down on paper
            _work(teller, year, first[DECLINED:] + second)
    _apply(teller, 2020, APPLIED_2020)


def _apply(teller: Teller, year: int, count: int) -> list[tuple[str, str | None]]:
    """Applications with the area the applicant lives in."""
    rng = teller.rng
    applicants = []
    for number in range(1, count + 1):
        area = rng.choices(list(AREAS_OF), list(AREAS_OF.values()))[0] or None
        application = f"ans-{year}-{number:03d}"
        on = date(year, 2, 1) + timedelta(days=number % 45)
        said = SummerJobApplied(
            application_id=application, candidate_ref=f"s-{rng.getrandbits(40):010x}", area_id=area, year=year
        )
        teller.tell(said, on)
        applicants.append((application, area))
    return applicants


def _draw(
    teller: Teller, year: int, number: int, applicants: list[tuple[str, str | None]], filled: int
) -> list[tuple[str, str | None]]:
    """A round: `filled` of the applicants get a place, the others none. Returns those that got one."""
    on = date(year, 4, 15) if number == 1 else date(year, 5, 6)
    round_id = f"somrar-{year}-{number}"
    digest = hashlib.sha256("\n".join(one for one, _ in applicants).encode()).hexdigest()
    drawn = SummerJobRoundDrawn(
        round_id=round_id, year=year, round=number, seed=f"made-up-{year}", algorithm="random-priority-v1",
        digest_of_applications=digest, drawn_on=on,
    )  # fmt: skip
    teller.tell(drawn, on)
    lucky = teller.rng.sample(applicants, filled)
    for application, area in applicants:
        place = f"sommar-{year}-{int(application[-3:]) % 20:02d}" if (application, area) in lucky else None
        said = SummerJobAllocated(
            round_id=round_id, application_id=application, place_id=place, area_id=area, year=year, round=number
        )
        teller.tell(said, on)
    return lucky


def _work(teller: Teller, year: int, given: list[tuple[str, str | None]]) -> None:
    """Places open in May; those given one begin in June or July and stay three weeks, but for a few."""
    for number in range(20):
        opened = date(year, 5, 13)
        occupation = CARETAKER if number % 3 else CLEANER
        place = PlaceOpened(
            place_id=f"sommar-{year}-{number:02d}", kind="summer_job", occupation=occupation, host="own",
            places=PLACES // 20, opened_on=opened,
        )  # fmt: skip
        teller.tell(place, opened)
    for place_number, (application, area) in enumerate(given):
        workplace = int(application[-3:]) % 20
        started = date(year, 6, 11) if place_number % 2 else date(year, 7, 9)
        placement = f"plc-{application}"
        start = PlacementStarted(
            placement_id=placement, place_id=f"sommar-{year}-{workplace:02d}",
            candidate_ref=f"s-{teller.rng.getrandbits(40):010x}", area_id=area, kind="summer_job",
            occupation=CARETAKER if workplace % 3 else CLEANER, host="own", started_on=started,
        )  # fmt: skip
        teller.tell(start, started)
        if teller.rng.random() < 0.06:
            on = started + timedelta(days=8)
            teller.tell(
                PlacementInterrupted(placement_id=placement, reason="ended_by_candidate", interrupted_on=on), on
            )
            continue
        completed = started + timedelta(days=18)
        teller.tell(PlacementCompleted(placement_id=placement, completed_on=completed), completed)
        asked(teller, placement, completed, hired=0.14 if year == 2018 else 0.2)
