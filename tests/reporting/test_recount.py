"""The recount itself, on histories small enough to count on one's fingers."""

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest

from schemas.buildings import ConstructionStarted, PremisesLet, PremisesRegistered, PremisesVacated, RenovationStarted
from schemas.community import ConsultationHeld, MeetingPlaceClosed, MeetingPlaceOpened, VisitCounted
from schemas.event import Event, EventData
from schemas.governance import AreaDefined, ProgrammeStarted, RoleStaffed, StatisticsRegion
from schemas.notifications import FeedbackSent, HousingIntroductionOffered, NotificationFailed
from schemas.placements import (
    CommitmentDelegated,
    CommitmentLine,
    PlacementCommitmentMade,
    PlacementCompleted,
    PlacementStarted,
    PlaceOpened,
)
from schemas.procurement import ContractAwarded, ProcurementPublished, SocialRequirementSet
from schemas.statistics import OfficialStatisticImported
from schemas.summer_jobs import SummerJobAllocated, SummerJobDeclined
from schemas.surveys import ActionCompleted, ActionPlanned, ActionRevised, ResultPublished, SurveyPublished
from schemas.tenancy import MoveInCancelled, TenantMovedIn
from schemas.withdrawal import EventWithdrawn
from tests.reporting.histories import history
from tests.reporting.recount import MEASURES, Period, Recount, Sent, Slice
from tests.reporting.recounts import EVERY_MEASURE

NEW_YEAR = date(2020, 1, 1)
NOON = datetime(2019, 3, 1, 11, tzinfo=UTC)
MAY = date(2019, 5, 1)
A = {"area_id": "oxnehaga"}


def said(data: EventData, id: str = "", **attributes: Any) -> Sent:
    name = id or f"{data.type}{data.identity}"[:128]
    return Sent(data.topic, Event.of(data, **{"id": name, "source": "urn:made-up", "time": NOON, **attributes}))


def withdrawn(sent: Sent, by: str = "urn:made-up") -> Sent:
    data = EventWithdrawn(withdrawn_source=sent.event.source, withdrawn_id=sent.event.id, reason="other")
    back = Event.of(data, id=f"back-{sent.event.id}"[:128], source=by, time=NOON, subject=sent.event.subject)
    return Sent(sent.topic, back)


def moved_in(number: int = 1, on: date = MAY, area: str = "oxnehaga", **attributes: Any) -> Sent:
    data = TenantMovedIn(
        tenancy_id=f"t{number}", tenant_ref=f"r{number}", area_id=area, moved_in_on=on, contact_rule="any"
    )
    return said(data, **attributes)


def offered(number: int = 1, **attributes: Any) -> Sent:
    data = HousingIntroductionOffered(tenancy_id=f"t{number}", offered_on=MAY, channel="email", **A)
    return said(data, **attributes)


AREA = said(AreaDefined(area_id="oxnehaga", name="Öxnehaga", municipality_code="0680", valid_from=date(2010, 1, 1)))
PROGRAMME = said(ProgrammeStarted(programme="housing_introduction", area_id="oxnehaga", from_=date(2019, 1, 1)))


def shown(
    sent: list[Sent],
    goal: str,
    measure: str = "share",
    *,
    period: str = "2019",
    of: Slice = None,
    as_of: date = NEW_YEAR,
) -> str:
    """`3/4`, or `3` where there is nothing to divide by."""
    found = Recount(sent, as_of).figures(goal, measure, period)[of]
    return f"{found.numerator}" if found.denominator is None else f"{found.numerator}/{found.denominator}"


def introductions(*sent: Sent, **how: Any) -> str:
    return shown([AREA, PROGRAMME, *sent], "housing-introduction-offered", **how)


def test_of_the_same_event_again_corrected_and_taken_back_one_holds() -> None:
    assert introductions(moved_in(), moved_in(), offered()) == "1/1"
    assert introductions(moved_in(test=True), offered()) == "0/0"
    later = moved_in(on=date(2018, 5, 1), id="later", time=NOON + timedelta(hours=1))
    assert introductions(later, moved_in(), offered()) == "0/0"
    assert introductions(later, moved_in(sequence=0), offered()) == "1/1"
    assert introductions(later, moved_in(), offered(), withdrawn(later)) == "1/1"
    assert introductions(later, moved_in(), offered(), withdrawn(later, by="urn:another")) == "0/0"


def test_introductions_follow_the_household() -> None:
    cancelled = said(MoveInCancelled(tenancy_id="t1", reason="other"))
    assert introductions(cancelled, moved_in(), offered(), moved_in(2)) == "0/1"
    assert introductions(moved_in(), offered(), as_of=date(2019, 4, 30)) == "0/0"
    elsewhere = moved_in(3, area="narnia")
    assert introductions(moved_in(), elsewhere) == "0/1"
    assert introductions(elsewhere, of=("area", "unknown")) == "0/1"
    failed = NotificationFailed(
        message_id="m", occasion="housing_introduction", about="t1", channel="email", reason="returned", is_final=True
    )
    assert introductions(moved_in(), offered(), said(failed, time=NOON + timedelta(days=1))) == "0/1"
    assert introductions(moved_in(), offered(), said(failed, time=NOON - timedelta(days=1))) == "1/1"


def test_a_requirement_counts_until_the_first_award() -> None:
    awards = [
        said(ContractAwarded(contract_id=f"c{n}", procurement_id="p", supplier_id="s", awarded_on=date(2019, 5, n)))
        for n in (3, 2)
    ]
    for day, expected in ((2, "1/1"), (3, "0/1")):
        set_on = said(SocialRequirementSet(procurement_id="p", kind="trainee", places=1, set_on=date(2019, 5, day)))
        assert shown([*awards, set_on], "social-requirements") == expected
        assert shown([*awards, set_on], "social-requirements", period="2019-06") == "0/0"


def started(number: int, **fields: Any) -> Sent:
    data: Any = {
        "place_id": f"place{number}", "candidate_ref": f"c{number}", "kind": "trainee", "occupation": "7111",
        "host": "contractor", "started_on": MAY,
    }  # fmt: skip
    return said(PlacementStarted(placement_id=f"pl{number}", **{**data, **fields}))


def promised() -> Sent:
    lines = (CommitmentLine(kind="trainee", occupation="7111", places=20),)
    return said(
        PlacementCommitmentMade(
            commitment_id="main", contract_id="c", supplier_id="s", lines=lines, window_from=MAY, window_to=MAY
        )
    )


def delegated(commitment: str, parent: str, places: int) -> Sent:
    return said(
        CommitmentDelegated(commitment_id=commitment, parent_commitment_id=parent, subcontractor_id="u", places=places)
    )


def test_promised_places_and_those_passed_on() -> None:
    told = [promised(), delegated("sub", "main", 8), delegated("subsub", "sub", 3)]
    assert shown(told, "delegated-places", "places") == "8"
    starts = [started(n, contract_id="c") for n in (1, 2, 3)]
    again = started(4, place_id="place1", contract_id="c")
    assert shown([*told, *starts, again], "contract-places") == "3/20"
    assert shown([*told, *starts], "contract-places", of=("occupation", "7111")) == "3/20"
    assert shown([*told, *starts], "contract-places", period="2021", as_of=date(2021, 2, 1)) == "3/20"
    two = said(PlaceOpened(place_id="place1", kind="trainee", occupation="7111", host="own", places=2, opened_on=MAY))
    assert shown([*told, *starts, again, two], "contract-places") == "4/20"
    jobs = [started(5, commitment_id="sub", kind="project_job", area_id="oxnehaga")]
    assert shown([*told, *jobs], "project-jobs", "residents", of=("contract", "c")) == "1"


def test_days_to_start_are_the_middle_one() -> None:
    places = [
        said(PlaceOpened(place_id=f"place{n}", kind="trainee", occupation="7111", host="own", places=1, opened_on=day))
        for n, day in enumerate((date(2019, 4, 1), date(2019, 4, 21), date(2019, 4, 29), date(2019, 5, 2)))
    ]
    found = Recount([*places, *map(started, range(4))], NEW_YEAR).figures("days-to-start", "days", "2019")
    assert found[None].value == 10
    assert found[None].numerator == 3


def test_the_last_round_decides() -> None:
    def allocated(number: int, place: str | None) -> Sent:
        of: Any = {"round_id": f"2019-{number}", "application_id": "a", "year": 2019, "round": number, **A}
        return said(SummerJobAllocated(place_id=place, **of))

    declined = said(SummerJobDeclined(application_id="a", round_id="2019-2", reason="declined", declined_on=MAY))
    goal = ("summer-jobs", "applications")
    assert shown([allocated(1, "p")], *goal) == "1"
    assert shown([allocated(2, None), allocated(1, "p")], *goal) == "0"
    assert shown([allocated(2, "q"), allocated(1, "p"), declined], *goal) == "0"
    assert shown([allocated(3, "q"), allocated(2, "p"), declined], *goal) == "1"


def test_new_production_is_linked_through_contract_and_procurement() -> None:
    procured = ProcurementPublished(
        procurement_id="p", category="construction", is_strategic=True, is_new_production=True, published_on=MAY
    )
    award = ContractAwarded(contract_id="c", procurement_id="p", supplier_id="s", awarded_on=MAY)
    site = said(ConstructionStarted(project_id="x", contract_id="c", started_on=MAY, **A))
    goal = "new-production-placements"
    assert shown([site], goal) == "0/0"
    linked = [said(procured), said(award), site]
    assert shown(linked, goal) == "0/1"
    assert shown([*linked, promised(), started(1, commitment_id="main")], goal) == "1/1"


def test_consulted_is_before_the_start() -> None:
    start = said(RenovationStarted(project_id="p", started_on=MAY, **A))
    for before, expected in ((0, "0/1"), (1, "1/1")):
        held = ConsultationHeld(project_id="p", participants=3, held_on=MAY - timedelta(days=before), **A)
        assert shown([start, said(held)], "consultation") == expected


def test_feedback_is_in_every_language_within_90_days() -> None:
    survey = SurveyPublished(
        survey_id="s",
        kind="tenant",
        theme="housing",
        is_yearly=True,
        languages=("sv", "ar"),
        opens_on=MAY,
        closes_on=MAY,
    )
    indices: Any = {"safety": {"numerator": 1.5, "denominator": 2.0}}
    result = ResultPublished(survey_id="s", n=9, indices=indices, published_on=MAY, **A)
    action = ActionPlanned(action_id="a", survey_id="s", plan="survey", planned_on=MAY, due_on=MAY, **A)
    told = [AREA, *map(said, (survey, result, action))]
    for languages, days, expected in ((("sv", "ar"), 90, "1/1"), (("sv",), 90, "0/1"), (("sv", "ar"), 91, "0/1")):
        sent = FeedbackSent(
            survey_id="s", action_id="a", stage="planned", available_in=languages, households=9,
            sent_on=MAY + timedelta(days=days), **A,
        )  # fmt: skip
        assert shown([*told, said(sent)], "survey-feedback", of=("area", "oxnehaga")) == expected
    assert shown(told, "safety", "index", of=("area", "oxnehaga")) == "3/2/2"


def test_an_action_is_on_time_by_what_was_last_said_before_the_day() -> None:
    of: Any = {"action_id": "a", "plan": "internship", "planned_on": MAY}
    june, july, august = (date(2019, month, 1) for month in (6, 7, 8))
    told = [said(ActionPlanned(due_on=june, **of)), said(ActionCompleted(action_id="a", completed_on=july))]
    assert shown(told, "internship-plan") == "0/1"
    in_time = said(ActionRevised(due_on=july, revised_on=MAY, **of))
    too_late = said(ActionRevised(due_on=august, revised_on=date(2019, 7, 2), **of))
    assert shown([*told, in_time], "internship-plan") == "1/1"
    assert shown([*told, too_late], "internship-plan") == "0/1"
    assert shown([*told, in_time, too_late], "internship-plan", period="2019-Q3") == "1/1"


def test_what_is_open_and_let_is_so_on_its_last_day_too() -> None:
    opened = said(MeetingPlaceOpened(meeting_place_id="m", kind="gym", opened_on=MAY, **A))
    closed = said(MeetingPlaceClosed(meeting_place_id="m", closed_on=date(2019, 5, 31), **A))
    visits = said(VisitCounted(meeting_place_id="m", visits=7, on=MAY))
    told = [AREA, opened, closed, visits]
    for period, expected in (("2019-04", "0"), ("2019-05", "1"), ("2019-06", "0")):
        assert shown(told, "meeting-places", "open", period=period) == expected
    assert shown(told, "meeting-places", "visits", of=("area", "oxnehaga")) == "7"
    premises = [
        said(PremisesRegistered(premises_id="p", centre="c", registered_on=MAY, **A)),
        said(PremisesLet(premises_id="p", business_kind="grocery", let_on=date(2019, 6, 1))),
        said(PremisesVacated(premises_id="p", vacated_on=date(2019, 6, 30))),
    ]
    for period, expected in (("2019-04", "0/0"), ("2019-05", "0/1"), ("2019-06", "1/1"), ("2019-07", "0/1")):
        assert shown(premises, "shopping-centres", period=period) == expected


def test_a_role_is_averaged_over_days() -> None:
    told = [
        said(RoleStaffed(role="integration_strategist", percent=percent, from_=day))
        for percent, day in ((100.0, date(2018, 1, 1)), (50.0, date(2019, 4, 16)))
    ]
    found = Recount(told, NEW_YEAR).figures("strategist", "share", "2019-04")[None]
    assert found.value == Fraction(75)


def observed(code: str, top: int | None, of: int = 100, period: str = "2019", **fields: Any) -> Sent:
    data: Any = {
        "series": "employment-rate-rams", "source_table": "AM0207", "register_": "RAMS", "operator_agency": "SCB",
        "region_code": code, "region_kind": "municipality" if code == "0680" else "RegSO", "region_version": "2018",
        "population": "residents", "age_from": 20, "age_to": 64, "sex": "all", "period": period,
        "value": None if top is None else round(100 * top / of, 1), "status": "missing" if top is None else "final",
        "unit": "percent", "numerator": top, "denominator": of, "published_on": MAY, "revision": 0,
    }  # fmt: skip
    return said(OfficialStatisticImported(**{**data, **fields}), f"{code}-{period}-{fields.get('revision')}")


def test_regions_add_up_by_the_numbers_behind_their_rates() -> None:
    regions = tuple(
        StatisticsRegion(code=code, kind="RegSO", version="2018", weight=w) for code, w in (("a", 1.0), ("b", 0.5))
    )
    area = AreaDefined(
        area_id="oxnehaga", name="Ö", municipality_code="0680", valid_from=date(2010, 1, 1), statistics_regions=regions
    )
    told = [said(area), observed("a", 40), observed("b", 200, 400), observed("0680", 80)]
    rate = ("employment-rate", "rate")
    assert shown(told, *rate, of=("area", "oxnehaga")) == "140/300"
    assert shown(told, *rate) == "80/100"
    assert shown(told, "employment-parity", "difference", of=("area", "oxnehaga")) == str(Fraction(140, 3) - 80)
    assert ("area", "oxnehaga") not in Recount([*told, observed("b", None, revision=1)], NEW_YEAR).figures(
        *rate, "2019"
    )
    not_yet = observed("b", None, revision=1, published_on=date(2020, 5, 1))
    assert shown([*told, not_yet], *rate, of=("area", "oxnehaga")) == "140/300"
    only_rates = [observed(code, 40, numerator=None, denominator=None, revision=1) for code in ("a", "b")]
    assert shown([*told, *only_rates], *rate, of=("area", "oxnehaga")) == "40/100"


def test_outcomes_count_for_a_year() -> None:
    told = [said(PlacementCompleted(placement_id="pl1", completed_on=date(2019, 8, 9))), started(1, kind="summer_job")]
    assert shown(told, "hired-after-summer-job") == "0/1"


@pytest.mark.parametrize(
    ("label", "last"), [("2019", "2019-12-31"), ("2020-Q1", "2020-03-31"), ("2019-12", "2019-12-31")]
)
def test_periods(label: str, last: str) -> None:
    assert Period.of(label).last == date.fromisoformat(last)


def test_how_a_history_arrives_makes_no_difference_and_every_goal_has_something_to_count() -> None:
    something = set()
    for seed in range(3):
        told = history(seed, 3000)
        first, second = (Recount(sent, date(2020, 3, 1)) for sent in (told.truth, told.sent))
        for goal, measure in MEASURES.known:
            figures = first.figures(goal, measure, "2019")
            assert figures == second.figures(goal, measure, "2019"), (seed, goal, measure)
            if any(found.numerator for found in figures.values()):
                something.add((goal, measure))
    assert something == EVERY_MEASURE
