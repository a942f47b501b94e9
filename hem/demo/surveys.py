"""Surveys of the made-up landlord and what they led to: what the surveys service will tell by itself."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from hem.demo.telling import Teller
from hem.demo.year import AREAS
from schemas.notifications import FeedbackSent
from schemas.surveys import (
    ActionCancelled,
    ActionCompleted,
    ActionPlanned,
    ActionRevised,
    Index,
    ResponsesCounted,
    ResultPublished,
    SurveyClosed,
    SurveyPublished,
)

INDICES = ("safety", "service", "influence", "recommend")


@dataclass(frozen=True)
class TenantSurvey:
    """`shares`: of a hundred, how many are content by each index. `planned_late`: areas where nothing was planned, or
    not in time; `languages_missing`: areas told in too few languages."""

    year: int
    languages: tuple[str, ...]
    invited_share: float
    answered_share: float
    shares: tuple[int, int, int, int]
    without_action: tuple[str, ...] = ()
    planned_late: tuple[str, ...] = ()
    languages_missing: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        return f"enkat-{self.year}"


TENANT_SURVEYS = (
    TenantSurvey(2017, ("sv", "en", "ar"), 0.4, 0.55, (66, 80, 57, 86), without_action=tuple(AREAS)),
    TenantSurvey(
        2018, ("sv", "en", "ar", "so"), 0.4, 0.58, (68, 82, 59, 87),
        without_action=("rosenlund", "soder"), planned_late=("ekhagen",), languages_missing=("raslatt",),
    ),
    TenantSurvey(
        2019, ("sv", "en", "ar", "so", "bs", "fa", "ti", "pl"), 0.4, 0.64, (66, 84, 63, 89), planned_late=("vaster",)
    ),
)  # fmt: skip
# How content an area is beside the company as a whole, in parts of a hundred.
BESIDE = {"oxnehaga": -7, "raslatt": -9, "osterangen": -5, "ekhagen": -1, "rosenlund": 6, "huskvarna": 5, "oster": 4}
TOO_FEW = "bankeryd"
"""So few have answered there that nothing is told of it."""
CHOSEN = {"sv": 52, "en": 9, "ar": 15, "so": 7, "bs": 5, "fa": 4, "ti": 4, "pl": 4}
# Internship plan: decided, due, done (None: not yet), moved to.
PLANNED: tuple[tuple[date, date, date | None, date | None], ...] = (
    (date(2018, 5, 14), date(2018, 9, 30), date(2018, 9, 21), None),
    (date(2018, 5, 14), date(2018, 12, 31), date(2019, 2, 8), None),
    (date(2018, 10, 1), date(2019, 2, 28), date(2019, 2, 15), None),
    (date(2018, 10, 1), date(2019, 3, 31), date(2019, 3, 29), None),
    (date(2019, 1, 21), date(2019, 5, 31), date(2019, 5, 20), None),
    (date(2019, 1, 21), date(2019, 6, 30), date(2019, 8, 30), date(2019, 9, 30)),
    (date(2019, 1, 21), date(2019, 9, 30), date(2019, 11, 12), None),
    (date(2019, 3, 4), date(2019, 10, 31), date(2019, 10, 31), None),
    (date(2019, 3, 4), date(2019, 11, 30), date(2019, 11, 22), None),
    (date(2019, 3, 4), date(2019, 12, 31), date(2019, 12, 18), None),
    (date(2019, 9, 9), date(2020, 2, 29), date(2020, 2, 20), None),
    (date(2019, 9, 9), date(2020, 3, 31), None, None),
)


def surveys(teller: Teller) -> list[FeedbackSent]:
    """What surveys tell, and the feedback that notifications sent because of it, in order."""
    _staff_inquiry(teller)
    sent = [told for survey in TENANT_SURVEYS for told in _tenant_survey(teller, survey)]
    _survey_under_way(teller)
    _internship_plan(teller)
    return sorted(sent, key=lambda told: told.sent_on)


def _staff_inquiry(teller: Teller) -> None:
    survey, opens, closes = "utredning-2018", date(2018, 2, 26), date(2018, 3, 23)
    published = SurveyPublished(
        survey_id=survey, kind="staff", theme="internship_obstacles", is_yearly=False, languages=("sv",),
        opens_on=opens, closes_on=closes,
    )  # fmt: skip
    teller.tell(published, date(2018, 2, 19))
    for on, answered in ((date(2018, 3, 9), 48), (closes, 71)):
        teller.tell(ResponsesCounted(survey_id=survey, invited=96, answered=answered, counted_on=on), on)
    teller.tell(SurveyClosed(survey_id=survey, closed_on=closes), closes)
    on = date(2018, 4, 16)
    result = ResultPublished(
        survey_id=survey, n=71, indices={"readiness": Index(numerator=44, denominator=71)}, published_on=on
    )
    teller.tell(result, on)


def _tenant_survey(teller: Teller, survey: TenantSurvey) -> list[FeedbackSent]:
    opens, closes, published = date(survey.year, 9, 3), date(survey.year, 10, 12), date(survey.year, 11, 12)
    teller.tell(
        SurveyPublished(
            survey_id=survey.id, kind="tenant", theme="housing", is_yearly=True, languages=survey.languages,
            opens_on=opens, closes_on=closes,
        ),
        opens - timedelta(days=14),
    )  # fmt: skip
    answers = {area: _answers(teller, survey, area) for area in AREAS}
    invited = {area: round(size.homes * survey.invited_share) for area, size in AREAS.items()}
    _count(teller, survey, closes, invited, answers)
    teller.tell(SurveyClosed(survey_id=survey.id, closed_on=closes), closes)
    sums = dict.fromkeys(INDICES, 0)
    for area, n in answers.items():
        indices = {}
        for name, share in zip(INDICES, survey.shares, strict=True):
            content = round(n * (share + BESIDE.get(area, 2)) / 100)
            sums[name] += content
            indices[name] = Index(numerator=content, denominator=n)
        if area != TOO_FEW:
            result = ResultPublished(survey_id=survey.id, area_id=area, n=n, indices=indices, published_on=published)
            teller.tell(result, published)
    total = sum(answers.values())
    company = {name: Index(numerator=content, denominator=total) for name, content in sums.items()}
    teller.tell(ResultPublished(survey_id=survey.id, n=total, indices=company, published_on=published), published)
    return [
        told for area in AREAS if area not in survey.without_action for told in _act(teller, survey, area, published)
    ]


def _answers(teller: Teller, survey: TenantSurvey, area: str) -> int:
    if area == TOO_FEW:
        return 4
    share = survey.answered_share + teller.rng.uniform(-0.04, 0.04)
    return round(AREAS[area].homes * survey.invited_share * share)


def _count(teller: Teller, survey: TenantSurvey, on: date, invited: dict[str, int], answers: dict[str, int]) -> None:
    """Totals at closing: by area where enough have answered, by language, and of all."""
    for area, answered in answers.items():
        if area != TOO_FEW:
            said = ResponsesCounted(
                survey_id=survey.id, area_id=area, invited=invited[area], answered=answered, counted_on=on
            )
            teller.tell(said, on)
    all_invited, all_answered = sum(invited.values()), sum(answers.values())
    total = ResponsesCounted(survey_id=survey.id, invited=all_invited, answered=all_answered, counted_on=on)
    teller.tell(total, on)
    for language in survey.languages:
        share = CHOSEN[language] / sum(CHOSEN[one] for one in survey.languages)
        fewer = 1.0 if language == "sv" else 0.82
        said = ResponsesCounted(
            survey_id=survey.id, language=language, invited=round(all_invited * share),
            answered=round(all_answered * share * fewer), counted_on=on,
        )  # fmt: skip
        teller.tell(said, on)


def _act(teller: Teller, survey: TenantSurvey, area: str, published: date) -> list[FeedbackSent]:
    """An action after the result, and what the households were told of it; of small areas nothing was published."""
    if area == TOO_FEW:
        return []
    planned = published + timedelta(days=118 if area in survey.planned_late else teller.rng.randint(20, 60))
    action, due = f"atg-{survey.year}-{area}", planned + timedelta(days=150)
    teller.tell(
        ActionPlanned(
            action_id=action, survey_id=survey.id, plan="survey", area_id=area, planned_on=planned, due_on=due
        ),
        planned,
    )
    languages = survey.languages[:2] if area in survey.languages_missing else survey.languages
    sent_on = planned + timedelta(days=7)
    households = round(AREAS[area].homes * 0.9)
    told = FeedbackSent(
        survey_id=survey.id, action_id=action, area_id=area, available_in=languages, stage="planned",
        households=households, sent_on=sent_on,
    )  # fmt: skip
    sent = [told]
    done = due - timedelta(days=teller.rng.randint(-20, 40))
    if done <= date(2020, 3, 20):
        teller.tell(ActionCompleted(action_id=action, completed_on=done), done)
        sent.append(told.model_copy(update={"stage": "done", "sent_on": done + timedelta(days=5)}))
    return sent


def _survey_under_way(teller: Teller) -> None:
    """The survey of 2020 opens early, and has counted its first days."""
    opens, closes = date(2020, 3, 9), date(2020, 4, 24)
    languages = ("sv", "en", "ar", "so", "bs", "fa", "ti", "pl", "uk")
    published = SurveyPublished(
        survey_id="enkat-2020", kind="tenant", theme="housing", is_yearly=True, languages=languages,
        opens_on=opens, closes_on=closes,
    )  # fmt: skip
    teller.tell(published, date(2020, 2, 24))
    for on, answered in ((date(2020, 3, 16), 412), (date(2020, 3, 30), 688)):
        teller.tell(ResponsesCounted(survey_id="enkat-2020", invited=3210, answered=answered, counted_on=on), on)


def _internship_plan(teller: Teller) -> None:
    for number, (planned, due, done, moved_to) in enumerate(PLANNED, 1):
        action = f"praktik-{number:02d}"
        said: dict[str, Any] = {"action_id": action, "plan": "internship", "planned_on": planned}
        teller.say(ActionPlanned, planned, **said, due_on=due)
        if moved_to is not None:  # decided before the day came, so it still is on time
            revised = due - timedelta(days=20)
            teller.say(ActionRevised, revised, **said, due_on=moved_to, revised_on=revised)
        if done is not None:
            teller.tell(ActionCompleted(action_id=action, completed_on=done), done)
    dropped = ActionPlanned(
        action_id="praktik-13", plan="internship", planned_on=date(2019, 3, 4), due_on=date(2019, 8, 31)
    )
    teller.tell(dropped, dropped.planned_on)
    on = date(2019, 6, 10)
    teller.tell(ActionCancelled(action_id="praktik-13", reason="replaced", cancelled_on=on), on)
