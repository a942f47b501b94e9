"""Random histories of what the company decides, of publishers and of official statistics. See `histories`."""

from datetime import date
from random import Random
from typing import Any

from schemas import gateway, governance, reporting, statistics
from tests.reporting.histories_made import AREAS, SOURCES, Said, area, day, id_of, later, maybe, some


def target(random: Random) -> dict[str, Any]:
    comparison = random.choice([">", ">=", "<=", "increase", "done"])
    begin = day(random)
    return {
        "goal_id": random.choice(["housing-introduction-offered", "social-requirements", "consultation", "safety"]),
        "dimension": maybe(random, {"area": area(random)}, 0.5),
        "comparison": comparison,
        "value": float(random.choice([0, 50, 90, 100])) if comparison in (">", ">=", "<=") else None,
        "unit": "percent",
        "valid_from": begin,
        "valid_to": maybe(random, later(random, begin, 400), 0.4),
        "document_id": id_of(random, "document", 4),
    }


def document(random: Random) -> dict[str, Any]:
    begin = day(random)
    return {
        "document_id": id_of(random, "document", 4),
        "title": "A made-up document",
        "adopted_by": "board",
        "valid_from": begin,
        "valid_to": maybe(random, later(random, begin, 300), 0.6),
        "applies_until_replaced": random.random() < 0.5,
    }


def defined_area(random: Random) -> dict[str, Any]:
    name = random.choice(AREAS[:3])
    return {
        "area_id": name,
        "name": name.title(),
        "municipality_code": "0680",
        "valid_from": random.choice([date(2010, 1, 1), day(random)]),
        "statistics_regions": tuple(
            governance.StatisticsRegion(
                code=f"0680R00{n}", kind="RegSO", version="2018", weight=random.choice([0.25, 1.0])
            )
            for n in range(random.randrange(3))
        ),
    }


def observation(random: Random) -> dict[str, Any]:
    """One of the series until 2019 and the other from then on, as it was; about everybody, some, or women from abroad."""
    period = random.choice(["2018", "2019", "2020"])
    series, register, oldest = ("bas", "BAS", 65) if period == "2020" else ("rams", "RAMS", 64)
    municipality = random.random() < 0.3
    status = random.choice(["final", "final", "final", "preliminary", "missing"])
    shown = status in ("final", "preliminary")
    denominator = random.choice([200, 400, 1000])
    numerator = random.randrange(denominator)
    counted = shown and random.random() < 0.7
    return {
        "series": f"employment-rate-{series}",
        "source_table": "AM0207",
        "register_": register,
        "operator_agency": "SCB",
        "region_code": "0680" if municipality else f"0680R00{random.randrange(3)}",
        "region_kind": "municipality" if municipality else "RegSO",
        "region_version": "2018",
        "population": "residents",
        "age_from": 20,
        "age_to": oldest,
        **random.choice(GROUPS),
        "period": period,
        "value": round(100 * numerator / denominator, 1) if shown else None,
        "status": status,
        "unit": "percent",
        "numerator": numerator if counted else None,
        "denominator": denominator if counted else None,
        "published_on": day(random),
        "revision": random.randrange(3),
    }


GROUPS: tuple[dict[str, Any], ...] = (
    {"sex": "all"},
    {"sex": "all"},
    {"sex": "women", "birth_region": "foreign-born"},
    {"sex": "men"},
)

COMPANY = (
    Said(governance.AreaDefined, 4, defined_area),
    Said(governance.ProgrammeStarted, 3, lambda r: {
        "programme": "housing_introduction", "area_id": area(r), "from_": day(r),
    }),
    Said(governance.ProgrammeEnded, 1, lambda r: {
        "programme": "housing_introduction", "area_id": area(r), "ended_on": day(r),
    }),
    Said(governance.SteeringDocumentAdopted, 2, document),
    Said(governance.SteeringDocumentReplaced, 1, lambda r: {
        "document_id": id_of(r, "document", 4), "replaced_by": id_of(r, "document", 4), "replaced_on": day(r),
    }),
    Said(governance.TargetSet, 2, target),
    Said(governance.TargetRevised, 1, lambda r: {**target(r), "reason": "other"}),
    Said(governance.RoleStaffed, 3, lambda r: {
        "role": r.choice(["integration_strategist", "other"]), "percent": float(r.choice([0, 50, 75, 100])), "from_": day(r),
    }),
    Said(gateway.PublisherRegistered, 2, lambda r: {
        "publisher": id_of(r, "publisher", 3), "sources": some(r, SOURCES), "expected_interval": r.choice(["P1D", "PT6H", "P90D"]),
        "from_": day(r),
    }),
    Said(gateway.PublisherRetired, 1, lambda r: {"publisher": id_of(r, "publisher", 3), "retired_on": day(r)}),
    Said(gateway.SourceChecked, 2, lambda r: {"source": r.choice(SOURCES), "found_changes": r.random() < 0.5, "on": day(r)}),
    Said(gateway.PageRated, 3, lambda r: {
        "page": r.choice(["/", "/goals/safety"]), "rating_id": id_of(r, "rating", 30), "was_helpful": r.random() < 0.6,
    }),
    Said(reporting.ReportPublished, 4, lambda r: {
        "report_id": id_of(r, "report", 9), "kind": r.choice(["sustainability", "sustainability", "yearly"]), "period": r.choice(["2018", "2019"]),
        "recipient_kind": r.choice(["owner", "owner", "board"]), "published_on": day(r),
    }),
    Said(statistics.OfficialStatisticImported, 14, observation),
)  # fmt: skip
