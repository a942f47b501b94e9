"""Procurements with their social requirements, contracts, building sites, renovations, homes and premises, all made up."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from hem.demo.telling import Teller, spread
from schemas.buildings import (
    ConstructionStarted,
    DwellingCompleted,
    DwellingSold,
    PremisesLet,
    PremisesRegistered,
    PremisesVacated,
    RenovationCancelled,
    RenovationChanged,
    RenovationPlanned,
    RenovationStarted,
    Tenure,
)
from schemas.procurement import ContractAwarded, ContractEnded, ProcurementPublished, SocialRequirementSet


@dataclass(frozen=True)
class Procurement:
    """`required`: days before the award that the social requirement was set; below 0 is after it, None never."""

    number: str
    category: str
    awarded: date
    required: int | None
    kind: str = "internship"
    places: int = 2
    site: str | None = None
    started: date | None = None

    @property
    def id(self) -> str:
        return f"upph-{self.number}"

    @property
    def contract(self) -> str:
        return f"avtal-{self.number}"

    @property
    def supplier(self) -> str:
        return f"lev-{sum(map(ord, self.number)) % 19:02d}"


# The strategic ones for new homes, where a site starts.
SITES = (
    Procurement("2017-21", "construction", date(2018, 1, 22), 120, "trainee", 20, "oxnehaga", date(2018, 4, 16)),
    Procurement("2018-02", "construction", date(2018, 5, 7), 95, "trainee", 5, "huskvarna", date(2018, 8, 20)),
    Procurement("2018-05", "construction", date(2018, 8, 27), 110, "internship", 6, "raslatt", date(2018, 11, 5)),
    Procurement("2018-11", "construction", date(2019, 1, 28), 90, "trainee", 12, "soder", date(2019, 4, 1)),
    Procurement("2019-01", "construction", date(2019, 4, 15), 100, "internship", 8, "vaster", date(2019, 8, 12)),
    Procurement("2019-03", "construction", date(2019, 5, 27), 80, "project_job", 5, "osterangen", date(2019, 9, 2)),
    Procurement("2019-06", "construction", date(2019, 8, 26), 75, "internship", 6, "ekhagen", date(2019, 11, 18)),
    Procurement("2019-12", "construction", date(2020, 1, 20), 85, "trainee", 10, "oxnehaga", date(2020, 3, 9)),
)
OTHERS = (
    Procurement("2018-01", "cleaning", date(2018, 3, 5), 60, "project_job", 4),
    Procurement("2018-03", "painting", date(2018, 4, 9), 45),
    Procurement("2018-04", "grounds", date(2018, 4, 30), 50, "summer_job", 6),
    Procurement("2018-06", "plumbing", date(2018, 6, 11), -1),
    Procurement("2018-07", "it_services", date(2018, 6, 18), None),
    Procurement("2018-08", "painting", date(2018, 9, 10), 40),
    Procurement("2018-09", "cleaning", date(2018, 10, 8), 30, "project_job", 3),
    Procurement("2018-10", "it_services", date(2018, 11, 12), None),
    Procurement("2018-12", "plumbing", date(2018, 12, 3), 35),
    Procurement("2018-13", "grounds", date(2019, 2, 11), 55, "summer_job", 8),
    Procurement("2018-14", "painting", date(2019, 3, 4), 40),
    Procurement("2019-02", "cleaning", date(2019, 4, 8), 45, "project_job", 4),
    Procurement("2019-04", "it_services", date(2019, 5, 13), 30),
    Procurement("2019-05", "plumbing", date(2019, 6, 17), 60),
    Procurement("2019-07", "energy", date(2019, 9, 9), 20),
    Procurement("2019-08", "painting", date(2019, 9, 30), 0),
    Procurement("2019-09", "security", date(2019, 10, 21), 30, "employment"),
    Procurement("2019-10", "grounds", date(2019, 11, 25), 50, "summer_job", 6),
    Procurement("2019-11", "plumbing", date(2019, 12, 16), 40),
    Procurement("2019-13", "cleaning", date(2020, 2, 10), 40, "project_job", 4),
    Procurement("2019-14", "it_services", date(2020, 3, 16), None),
)


class Slip:
    """The procurements whose requirement was sent with a day after the award at first, and months after its year."""

    WRONG_AT_FIRST = "2019-05"
    TOLD_LATE = "2018-08"
    SUBJECT_TOLD_LATE = f"upph-{TOLD_LATE}"


HOMES: tuple[tuple[str, str, date, dict[Tenure, int]], ...] = (
    ("huskvarna", "bygge-2017-a", date(2018, 5, 14), {"rental": 28, "tenant_owned": 6}),
    ("soder", "bygge-2017-b", date(2018, 10, 1), {"rental": 18, "tenant_owned": 8, "owner_occupied": 2}),
    ("oxnehaga", "bygge-2017-21", date(2019, 9, 16), {"rental": 24, "tenant_owned": 16, "owner_occupied": 8}),
    ("raslatt", "bygge-2018-05", date(2019, 12, 2), {"rental": 20, "tenant_owned": 12}),
    ("bankeryd", "bygge-2018-c", date(2020, 2, 17), {"rental": 16}),
)


@dataclass(frozen=True)
class Renovation:
    """`started`: None for one that never was. `size`: how many buildings."""

    project: str
    area: str
    kind: str
    planned: date
    started: date | None
    size: int


RENOVATIONS = (
    Renovation("omb-2018-1", "raslatt", "pipes", date(2017, 11, 6), date(2018, 3, 5), 4),
    Renovation("omb-2018-2", "osterangen", "facade", date(2018, 2, 12), date(2018, 6, 4), 2),
    Renovation("omb-2018-3", "vaster", "bathrooms", date(2018, 5, 21), date(2018, 10, 15), 3),
    Renovation("omb-2019-1", "oxnehaga", "kitchens", date(2018, 10, 8), date(2019, 2, 18), 3),
    Renovation("omb-2019-2", "ekhagen", "pipes", date(2018, 12, 10), date(2019, 5, 6), 5),
    Renovation("omb-2019-3", "raslatt", "energy", date(2019, 3, 11), date(2019, 9, 16), 6),
    Renovation("omb-2019-4", "oster", "roof", date(2019, 5, 13), None, 1),
    Renovation("omb-2019-5", "osterangen", "bathrooms", date(2019, 6, 10), date(2019, 11, 11), 2),
    Renovation("omb-2020-1", "oxnehaga", "pipes", date(2019, 9, 23), date(2020, 2, 24), 4),
)
CHANGED = "omb-2019-3"
CENTRES = {
    "raslatt": ("raslatt_centrum", 14, 12),
    "oxnehaga": ("oxnehaga_centrum", 9, 6),
    "osterangen": ("osterangen_centrum", 7, 7),
}
"""Area → the shopping centre, how many premises it has and how many of them are let at the beginning of 2018."""
BUSINESSES = ("grocery", "pharmacy", "restaurant", "hairdresser", "second_hand", "bakery", "dentist", "library")


def procurement(teller: Teller) -> None:
    """What the procurement system tells."""
    for one in sorted((*SITES, *OTHERS), key=lambda one: one.awarded):
        published = one.awarded - timedelta(days=130)
        strategic = one.site is not None or one.category == "energy"
        teller.tell(
            ProcurementPublished(
                procurement_id=one.id,
                category=one.category,
                is_strategic=strategic,
                is_new_production=one.site is not None,
                published_on=published,
            ),
            published,
        )
        if one.required is not None:
            _require(teller, one, one.awarded - timedelta(days=one.required))
        award = ContractAwarded(
            contract_id=one.contract, procurement_id=one.id, supplier_id=one.supplier, awarded_on=one.awarded
        )
        teller.tell(award, one.awarded)
    ended = date(2019, 12, 31)
    teller.tell(ContractEnded(contract_id="avtal-2018-01", ended_on=ended), ended)


def _require(teller: Teller, one: Procurement, on: date) -> None:
    def said(set_on: date) -> SocialRequirementSet:
        return SocialRequirementSet(procurement_id=one.id, kind=one.kind, places=one.places, set_on=set_on)

    match one.number:
        case Slip.WRONG_AT_FIRST:
            teller.tell(said(one.awarded + timedelta(days=4)), one.awarded + timedelta(days=4))
            teller.tell(said(on), one.awarded + timedelta(days=36))
        case Slip.TOLD_LATE:
            teller.tell(said(on), date(2019, 3, 18))
        case _:
            teller.tell(said(on), on)


def buildings(teller: Teller) -> None:
    """What the property system tells."""
    for one in SITES:
        assert one.site is not None
        assert one.started is not None
        start = ConstructionStarted(
            project_id=f"bygge-{one.number}", contract_id=one.contract, area_id=one.site, started_on=one.started
        )
        teller.tell(start, one.started)
    _homes(teller)
    for renovation in RENOVATIONS:
        _renovate(teller, renovation)
    _premises(teller)


def _homes(teller: Teller) -> None:
    for area, project, done, tenures in HOMES:
        kinds = [tenure for tenure, count in tenures.items() for _ in range(count)]
        for number, tenure in enumerate(kinds, 1):
            home = f"{project}-{number:02d}"
            completed = DwellingCompleted(
                dwelling_id=home, project_id=project, area_id=area, tenure=tenure, completed_on=done
            )
            teller.tell(completed, done)
    for number, sold in enumerate(spread(teller.rng, 3, date(2019, 3, 1), date(2019, 11, 30)), 1):
        sale = DwellingSold(
            dwelling_id=f"ekhagen-07-{number}01", area_id="ekhagen", tenure_after="tenant_owned", sold_on=sold
        )
        teller.tell(sale, sold)


def _renovate(teller: Teller, one: Renovation) -> None:
    work: dict[str, Any] = {
        "project_id": one.project,
        "area_id": one.area,
        "building_ids": tuple(f"{one.area}-{number:02d}" for number in range(1, one.size + 1)),
        "kind": one.kind,
        "planned_start_on": one.started or one.planned + timedelta(days=150),
    }
    teller.say(RenovationPlanned, one.planned, **work)
    if one.started is None:
        on = one.planned + timedelta(days=60)
        teller.say(RenovationCancelled, on, project_id=one.project, reason="funding", cancelled_on=on)
        return
    if one.project == CHANGED:
        on = one.planned + timedelta(days=75)
        teller.say(RenovationChanged, on, **work, changed_on=on)
    teller.say(RenovationStarted, one.started, project_id=one.project, area_id=one.area, started_on=one.started)


def _premises(teller: Teller) -> None:
    registered = date(2018, 1, 2)
    for area, (centre, premises, let) in CENTRES.items():
        for number in range(1, premises + 1):
            name = f"{centre}-{number:02d}"
            teller.tell(
                PremisesRegistered(premises_id=name, centre=centre, area_id=area, registered_on=registered), registered
            )
            if number <= let:
                business = BUSINESSES[number % len(BUSINESSES)]
                teller.tell(PremisesLet(premises_id=name, business_kind=business, let_on=registered), registered)
    changes = (
        ("raslatt_centrum-03", date(2018, 9, 30), date(2019, 2, 1)),
        ("raslatt_centrum-11", date(2019, 8, 31), None),
        ("oxnehaga_centrum-07", None, date(2018, 11, 1)),
        ("oxnehaga_centrum-08", None, date(2019, 6, 1)),
        ("osterangen_centrum-02", date(2019, 10, 31), date(2020, 2, 1)),
    )
    for name, left, let_again in changes:
        if left is not None:
            teller.tell(PremisesVacated(premises_id=name, vacated_on=left), left)
        if let_again is not None:
            teller.tell(PremisesLet(premises_id=name, business_kind="cafe", let_on=let_again), let_again)
