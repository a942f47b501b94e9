"""What the made-up landlord decided besides what every Hem knows from its first day, and how its pages were liked.

Which regions an area is made of is made up too, also where the regions and their figures are real.
"""

from datetime import date, timedelta

from hem.demo.telling import SOURCES, Teller, spread
from schemas.event import Event, EventData
from schemas.fields import RegionKind
from schemas.gateway import PageRated, PublisherRegistered, PublisherRetired, SourceChecked
from schemas.governance import (
    AreaDefined,
    RoleStaffed,
    StatisticsRegion,
    SteeringDocumentAdopted,
    SteeringDocumentReplaced,
    TargetRevised,
    TargetSet,
)
from schemas.reporting import ReportPublished

NAMES = {
    "oxnehaga": "Öxnehaga", "raslatt": "Råslätt", "osterangen": "Österängen", "ekhagen": "Ekhagen", "soder": "Söder",
    "vaster": "Väster", "oster": "Öster", "rosenlund": "Rosenlund", "huskvarna": "Huskvarna", "bankeryd": "Bankeryd",
}  # fmt: skip
# Area → real voting districts and made-up regions, with the share of their residents that live there.
REGIONS: dict[str, tuple[tuple[str, float], ...]] = {
    "oxnehaga": (("06800322", 1.0), ("06800324", 1.0), ("oxnehaga-norra", 1.0), ("oxnehaga-sodra", 0.6)),
    "raslatt": (("06800205", 1.0), ("06800214", 1.0), ("raslatt-hela", 1.0)),
    "osterangen": (("06800121", 1.0), ("osterangen-hela", 1.0)),
    "ekhagen": (("06800126", 0.8), ("ekhagen-hela", 1.0)),
    "soder": (("06800204", 0.5), ("06800206", 0.5), ("soder-hela", 1.0)),
    "vaster": (("06800127", 0.7), ("vaster-hela", 1.0)),
    "oster": (("06800654", 1.0), ("06800655", 1.0), ("oster-hela", 1.0)),
    "rosenlund": (("06800543", 0.4), ("rosenlund-hela", 1.0)),
    "huskvarna": (("06800318", 1.0), ("06800319", 1.0), ("huskvarna-hela", 1.0)),
    "bankeryd": (("06800865", 0.3), ("bankeryd-hela", 1.0)),
}
# System → how long it could be silent, until what is told of here ends.
SYSTEMS = {
    "housing": "P7D",
    "procurement": "P120D",
    "property": "P120D",
    "community": "P30D",
    "visitor-counters": "P7D",
}
SILENT_SYSTEM, SILENT_SINCE = "visitor-counters", date(2019, 10, 14)
RATED_PAGES = (
    ("/goals/housing-introduction-offered", 31, 0.8),
    ("/goals/employment-rate", 22, 0.5),
    ("/areas/raslatt", 12, 0.75),
    ("/definitions", 3, 0.7),
)


def decisions(teller: Teller) -> None:
    """Areas with their regions, roles, and targets that are the made-up landlord's own."""
    for area, name in NAMES.items():
        teller.tell(
            AreaDefined(
                area_id=area, name=name, municipality_code="0680", valid_from=date(2016, 7, 1),
                statistics_regions=tuple(_region(code, weight) for code, weight in REGIONS[area]),
            ),
            date(2018, 1, 8),
        )  # fmt: skip
    for on, percent in ((date(2018, 2, 1), 100), (date(2019, 6, 1), 50), (date(2019, 9, 1), 100)):
        teller.tell(RoleStaffed(role="integration_strategist", percent=percent, from_=on), on)
    _an_older_document(teller)
    _targets(teller)


def _an_older_document(teller: Teller) -> None:
    """A policy that applied until the strategy replaced it."""
    policy = SteeringDocumentAdopted(
        document_id="internship-policy-2014", title="Praktikpolicy 2014 (påhittad)", adopted_by="board",
        valid_from=date(2014, 1, 1), valid_to=date(2016, 12, 31), applies_until_replaced=True,
    )  # fmt: skip
    teller.tell(policy, date(2013, 12, 16))
    replaced = SteeringDocumentReplaced(
        document_id=policy.document_id, replaced_by="integration-strategy", replaced_on=date(2018, 1, 1)
    )
    teller.tell(replaced, date(2017, 12, 18))


def _region(code: str, weight: float) -> StatisticsRegion:
    kind: RegionKind = "voting_district" if code.isdigit() else "other"
    return StatisticsRegion(code=code, kind=kind, version="val26" if code.isdigit() else "made-up", weight=weight)


def _targets(teller: Teller) -> None:
    """A target of its own, revised in the middle of a year."""
    shared = {"goal_id": "days-to-start", "comparison": "<=", "unit": "days", "document_id": "integration-strategy"}
    decided = date(2018, 1, 8)
    teller.tell(TargetSet.model_validate({**shared, "value": 45.0, "valid_from": date(2018, 1, 1)}), decided)
    revised = {**shared, "value": 30.0, "valid_from": date(2019, 7, 1), "reason": "new_decision"}
    teller.tell(TargetRevised.model_validate(revised), date(2019, 6, 17))


def reports(teller: Teller) -> None:
    """The reports that were handed over."""
    for year, kind, on in (
        (2017, "sustainability", date(2018, 4, 20)),
        (2018, "sustainability", date(2019, 4, 12)),
        (2018, "yearly", date(2019, 2, 27)),
        (2019, "sustainability", date(2020, 3, 27)),
    ):
        report = ReportPublished(
            report_id=f"made-up-{kind}-{year}", kind=kind, period=str(year), recipient_kind="owner", published_on=on
        )
        teller.tell(report, on)


def registered(teller: Teller) -> None:
    """The systems that were to be heard from, from the first to the last day told of here, by the gateway's own word."""
    on, last = date(2018, 1, 1), date(2020, 3, 31)
    for system, interval in SYSTEMS.items():
        said = {
            "publisher": f"made-up-{system}",
            "sources": (f"{SOURCES}{system}",),
            "expected_interval": interval,
            "from": on,
        }
        teller.tell(PublisherRegistered.model_validate(said), on)
        teller.tell(PublisherRetired(publisher=f"made-up-{system}", retired_on=last), last)


def checks(system: str) -> list[Event[EventData]]:
    """Every Monday the system says that it was looked through, until it falls silent if it does; recorded that day."""
    teller = Teller(system, named=f"{system}-checked")
    last = SILENT_SINCE if system == SILENT_SYSTEM else date(2020, 3, 31)
    for week in range((last - date(2018, 1, 1)).days // 7 + 1):
        on = date(2018, 1, 1) + timedelta(weeks=week)
        teller.tell(SourceChecked(source=teller.source, found_changes=system != SILENT_SYSTEM, on=on), on)
    return [event.model_copy(update={"recordedtime": event.time}) for event in teller.events]


def ratings(teller: Teller) -> None:
    """How readers liked pages, from the day they could say so."""
    for page, count, share in RATED_PAGES:
        for number, on in enumerate(spread(teller.rng, count, date(2020, 1, 10), date(2020, 3, 31)), 1):
            rating = f"made-up-{page.rpartition('/')[2]}-{number}"
            teller.tell(PageRated(page=page, rating_id=rating, was_helpful=teller.rng.random() < share), on)
