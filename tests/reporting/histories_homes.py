"""Random histories of homes and their households, renovation and surveys. See `histories`."""

from random import Random
from typing import Any

from schemas import buildings, community, notifications, surveys, tenancy
from tests.reporting.histories_made import AREAS, LANGUAGES, Said, area, day, id_of, later, maybe, some


def action(random: Random) -> dict[str, Any]:
    begin, about = day(random), answered(random)
    return {
        "action_id": about["action_id"],
        "survey_id": maybe(random, about["survey_id"], 0.9),
        "plan": random.choice(["survey", "internship"]),
        "area_id": maybe(random, about["area_id"], 0.9),
        "planned_on": begin,
        "due_on": later(random, begin),
    }


def answered(random: Random) -> dict[str, Any]:
    """An action, and as a rule the survey and the area that it is for."""
    number = random.randrange(12)
    usual = {"action_id": f"action{number}", "survey_id": f"survey{number % 6}", "area_id": AREAS[number % 3]}
    return (
        usual if random.random() < 0.8 else {**usual, "survey_id": id_of(random, "survey", 6), "area_id": area(random)}
    )


def survey(random: Random) -> dict[str, Any]:
    begin = day(random)
    staff = random.random() < 0.3
    return {
        "survey_id": id_of(random, "survey", 6),
        "kind": "staff" if staff else "tenant",
        "theme": random.choice(["internship_obstacles", "housing"]),
        "is_yearly": random.random() < 0.7,
        "languages": some(random, LANGUAGES),
        "opens_on": begin,
        "closes_on": later(random, begin),
    }


def responses(random: Random) -> dict[str, Any]:
    invited = random.randint(0, 400)
    return {
        "survey_id": id_of(random, "survey", 6),
        "area_id": maybe(random, area(random), 0.4),
        "language": maybe(random, random.choice(LANGUAGES), 0.4),
        "invited": invited,
        "answered": random.randint(0, invited),
        "counted_on": day(random),
    }


def result(random: Random) -> dict[str, Any]:
    names = some(random, ("safety", "service", "influence", "recommend"))
    return {
        "survey_id": id_of(random, "survey", 6),
        "area_id": maybe(random, area(random)),
        "n": random.randint(3, 300),
        "indices": {
            name: surveys.Index(
                numerator=random.choice([0.0, 30.5, 301.0]), denominator=random.choice([50.0, 412.5, 412.0])
            )
            for name in names
        },
        "published_on": day(random),
    }


def tenancy_of(random: Random) -> str:
    return id_of(random, "tenancy", 60)


HOMES = (
    Said(tenancy.TenantMovedIn, 16, lambda r: {
        "tenancy_id": tenancy_of(r), "tenant_ref": id_of(r, "t", 60), "area_id": area(r), "moved_in_on": day(r),
        "contact_rule": "any",
    }),
    Said(tenancy.MoveInCancelled, 2, lambda r: {
        "tenancy_id": tenancy_of(r), "reason": "other", "cancelled_on": maybe(r, day(r), 0.3),
    }),
    Said(tenancy.TenantMovedOut, 1, lambda r: {"tenancy_id": tenancy_of(r), "moved_out_on": day(r)}),
    Said(notifications.HousingIntroductionOffered, 12, lambda r: {
        "tenancy_id": tenancy_of(r), "area_id": area(r), "offered_on": day(r), "channel": "email",
        "message_id": maybe(r, id_of(r, "message", 40)),
    }),
    Said(notifications.NotificationFailed, 4, lambda r: {
        "message_id": id_of(r, "message", 40), "occasion": r.choice(["housing_introduction", "consultation"]),
        "about": tenancy_of(r), "channel": "email", "reason": "returned", "is_final": r.random() < 0.7,
    }),
    Said(notifications.HousingIntroductionHeld, 6, lambda r: {
        "tenancy_id": tenancy_of(r), "area_id": area(r), "held_on": day(r),
    }),
    Said(buildings.RenovationStarted, 4, lambda r: {
        "project_id": id_of(r, "project"), "area_id": area(r), "started_on": day(r),
    }),
    Said(community.ConsultationHeld, 4, lambda r: {
        "project_id": id_of(r, "project"), "area_id": area(r), "participants": r.randrange(60), "held_on": day(r),
        "session": maybe(r, "evening", 0.2),
    }),
    Said(buildings.DwellingCompleted, 4, lambda r: {
        "dwelling_id": id_of(r, "dwelling", 20), "project_id": id_of(r, "project"), "area_id": area(r),
        "tenure": r.choice(["rental", "tenant_owned", "owner_occupied"]), "completed_on": day(r),
    }),
    Said(buildings.DwellingSold, 2, lambda r: {
        "dwelling_id": id_of(r, "dwelling", 20), "area_id": area(r),
        "tenure_after": r.choice(["rental", "tenant_owned"]), "sold_on": day(r),
    }),
    Said(surveys.SurveyPublished, 4, survey),
    Said(surveys.ResponsesCounted, 6, responses),
    Said(surveys.SurveyClosed, 2, lambda r: {"survey_id": id_of(r, "survey", 6), "closed_on": day(r)}),
    Said(surveys.ResultPublished, 5, result),
    Said(surveys.ActionPlanned, 5, action),
    Said(surveys.ActionRevised, 2, lambda r: {**action(r), "revised_on": day(r)}),
    Said(surveys.ActionCompleted, 3, lambda r: {"action_id": id_of(r, "action"), "completed_on": day(r)}),
    Said(surveys.ActionCancelled, 1, lambda r: {"action_id": id_of(r, "action"), "reason": "other", "cancelled_on": day(r)}),
    Said(notifications.FeedbackSent, 5, lambda r: {
        **answered(r), "stage": r.choice(["planned", "planned", "done"]), "available_in": some(r, LANGUAGES, 4),
        "households": r.randrange(900), "sent_on": day(r),
    }),
    Said(community.TenantInfluenceAgreementSigned, 2, lambda r: {
        "agreement_id": id_of(r, "agreement", 6), "area_id": area(r), "party": "tenants_association", "covers": ("yard",),
        "signed_on": day(r), "valid_to": maybe(r, day(r), 0.5),
    }),
    Said(community.OutreachPerformed, 3, lambda r: {
        "association_id": id_of(r, "association", 6), "survey_id": maybe(r, id_of(r, "survey", 6)),
        "language": maybe(r, r.choice(LANGUAGES)), "on": day(r),
    }),
)  # fmt: skip
