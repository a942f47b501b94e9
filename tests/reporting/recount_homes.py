"""The goals about homes and their households, renovation and surveys, counted the slow way: see `recount`."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, timedelta

from schemas.buildings import DwellingCompleted, RenovationStarted
from schemas.community import ConsultationHeld, OutreachPerformed, TenantInfluenceAgreementSigned
from schemas.governance import ProgrammeEnded, ProgrammeStarted
from schemas.notifications import (
    FeedbackSent,
    HousingIntroductionHeld,
    HousingIntroductionOffered,
    NotificationFailed,
)
from schemas.surveys import (
    ActionCancelled,
    ActionCompleted,
    ActionPlanned,
    ActionRevised,
    ResponsesCounted,
    ResultPublished,
    SurveyClosed,
    SurveyPublished,
)
from schemas.tenancy import MoveInCancelled, TenantMovedIn
from tests.reporting.recount import Count, Period, Row, World, counts, exact

FEEDBACK_WITHIN = timedelta(days=90)


def runs(world: World, programme: str, area: str, day: date) -> bool:
    """Whether a programme ran in an area on a day."""
    for start in world.of(ProgrammeStarted):
        if (start.programme, start.area_id) == (programme, area) and start.from_ <= day:
            ends = [
                end.ended_on
                for end in world.of(ProgrammeEnded)
                if (end.programme, end.area_id) == (programme, area) and end.ended_on >= start.from_
            ]
            if not ends or day <= min(ends):
                return True
    return False


def newcomers(world: World, period: Period) -> Iterator[TenantMovedIn]:
    gone = {cancelled.tenancy_id for cancelled in world.ever(MoveInCancelled)}
    for moved in world.of(TenantMovedIn):
        if moved.moved_in_on in period and moved.tenancy_id not in gone:
            yield moved


@counts("housing-introduction-offered", "share", "share")
def housing_introduction_offered(world: World, period: Period) -> Iterable[Row]:
    offered = {event.data.tenancy_id: event.time for event in world.events(HousingIntroductionOffered)}
    failed = [
        (event.data.about, event.time)
        for event in world.ever_events(NotificationFailed)
        if event.data.occasion == "housing_introduction" and event.data.is_final
    ]
    for moved in newcomers(world, period):
        tenancy = moved.tenancy_id
        reached = tenancy in offered and not any(about == tenancy and time > offered[tenancy] for about, time in failed)
        ours = runs(world, "housing_introduction", moved.area_id, moved.moved_in_on)
        yield Row(reached, 1, area=moved.area_id, ours=ours)


@counts("housing-introduction-held", "share", "share")
def housing_introduction_held(world: World, period: Period) -> Iterable[Row]:
    held = {held.tenancy_id for held in world.of(HousingIntroductionHeld)}
    for moved in newcomers(world, period):
        ours = runs(world, "housing_introduction", moved.area_id, moved.moved_in_on)
        yield Row(moved.tenancy_id in held, 1, area=moved.area_id, ours=ours)


@counts("consultation", "share", "share")
def consultation(world: World, period: Period) -> Iterable[Row]:
    held = defaultdict(list)
    for consulted in world.of(ConsultationHeld):
        held[consulted.project_id].append(consulted.held_on)
    for started in world.of(RenovationStarted):
        if started.started_on in period:
            in_time = any(day < started.started_on for day in held[started.project_id])
            yield Row(in_time, 1, area=started.area_id)


@counts("mixed-tenure", "share", "share")
def mixed_tenure(world: World, period: Period) -> Iterable[Row]:
    for dwelling in world.of(DwellingCompleted):
        if dwelling.completed_on in period:
            yield Row(dwelling.tenure != "rental", 1, area=dwelling.area_id)


@counts("staff-inquiry", "held", "count")
def staff_inquiry(world: World, period: Period) -> Iterable[Row]:
    for survey in staff_inquiries(world, period):
        yield Row(bool(survey))


def staff_inquiries(world: World, period: Period) -> Iterator[str]:
    """Those that were held in the period: closed in it."""
    closed = {closing.survey_id: closing.closed_on for closing in world.of(SurveyClosed)}
    for survey in world.ever(SurveyPublished):
        if survey.kind == "staff" and survey.theme == "internship_obstacles" and closed.get(survey.survey_id) in period:
            yield survey.survey_id


def last_counts(world: World, survey: str) -> Iterator[ResponsesCounted]:
    """What was counted last of a survey, for each area and language."""
    last: dict[tuple[str | None, str | None], ResponsesCounted] = {}
    for count in world.of(ResponsesCounted):
        if count.survey_id == survey:
            about = count.area_id, count.language
            if about not in last or count.counted_on > last[about].counted_on:
                last[about] = count
    yield from last.values()


@counts("staff-inquiry", "response-rate", "share")
def staff_response_rate(world: World, period: Period) -> Iterable[Row]:
    for survey in staff_inquiries(world, period):
        for count in last_counts(world, survey):
            if count.area_id is None and count.language is None:
                yield Row(count.answered, count.invited)


def yearly_surveys(world: World, period: Period) -> Iterator[SurveyPublished]:
    for survey in world.ever(SurveyPublished):
        if (
            survey.kind == "tenant"
            and survey.is_yearly
            and survey.opens_on in period
            and survey.opens_on <= world.as_of
        ):
            yield survey


@counts("survey-languages", "languages", "count")
def survey_languages(world: World, period: Period) -> Iterable[Row]:
    for survey in yearly_surveys(world, period):
        yield Row(len(set(survey.languages) - {"sv", "en"}))


@counts("survey-languages", "response-rate", "share")
def response_rate_by_language(world: World, period: Period) -> Iterable[Row]:
    for survey in yearly_surveys(world, period):
        for count in last_counts(world, survey.survey_id):
            if count.area_id is None and count.language is None:
                yield Row(count.answered, count.invited)
            elif count.area_id is None and count.language is not None:
                yield Row(count.answered, count.invited, by=(("language", count.language),), ours=False)
            elif count.language is None:
                yield Row(count.answered, count.invited, area=count.area_id, ours=False)


@counts("survey-outreach", "associations", "count")
def survey_outreach(world: World, period: Period) -> Iterable[Row]:
    first: dict[tuple[str, str], date] = {}
    for told in world.of(OutreachPerformed):
        if told.survey_id is not None:
            about = told.association_id, told.survey_id
            first[about] = min(told.on, first.get(about, told.on))
    for day in first.values():
        if day in period:
            yield Row()


@counts("survey-outreach", "by-language", "count")
def survey_outreach_by_language(world: World, period: Period) -> Iterable[Row]:
    first: dict[tuple[str, str, str], date] = {}
    for told in world.of(OutreachPerformed):
        if told.survey_id is not None and told.language is not None:
            about = told.association_id, told.survey_id, told.language
            first[about] = min(told.on, first.get(about, told.on))
    for (_, _, language), day in first.items():
        if day in period:
            yield Row(by=(("language", language),))


@counts("survey-feedback", "share", "share")
def survey_feedback(world: World, period: Period) -> Iterable[Row]:
    languages = {survey.survey_id: set(survey.languages) for survey in world.ever(SurveyPublished)}
    planned = {action.action_id for action in world.ever(ActionPlanned)}
    for result in world.of(ResultPublished):
        if result.area_id is None or result.published_on not in period:
            continue
        heard = any(
            sent.action_id in planned
            and (sent.survey_id, sent.area_id, sent.stage) == (result.survey_id, result.area_id, "planned")
            and languages.get(result.survey_id, {"?"}) <= set(sent.available_in)
            and sent.sent_on <= result.published_on + FEEDBACK_WITHIN
            for sent in world.of(FeedbackSent)
        )
        yield Row(heard, 1, area=result.area_id)


def index_of(index: str) -> Count:
    """An index of the yearly tenant survey. The company's is its own result; areas' results are the areas'."""

    def count(world: World, period: Period) -> Iterable[Row]:
        yearly = {s.survey_id for s in world.ever(SurveyPublished) if s.kind == "tenant" and s.is_yearly}
        for result in world.of(ResultPublished):
            found = result.indices.get(index)
            if result.survey_id in yearly and result.published_on in period and found is not None:
                top, bottom = exact(found.numerator), exact(found.denominator)
                yield Row(top, bottom, area=result.area_id, ours=result.area_id is None)

    return count


for name in ("safety", "service", "recommend"):
    counts(name, "index", "share")(index_of(name))
counts("tenant-influence", "index", "share")(index_of("influence"))


@counts("tenant-influence", "agreements", "count")
def agreements(world: World, period: Period) -> Iterable[Row]:
    on = min(period.last, world.as_of)
    for agreement in world.of(TenantInfluenceAgreementSigned):
        if agreement.signed_on <= on and (agreement.valid_to is None or on <= agreement.valid_to):
            yield Row(area=agreement.area_id)


@counts("internship-plan", "share", "share")
def internship_plan(world: World, period: Period) -> Iterable[Row]:
    cancelled = {action.action_id for action in world.ever(ActionCancelled)}
    completed = {action.action_id: action.completed_on for action in world.of(ActionCompleted)}
    for action in world.ever(ActionPlanned):
        said: ActionPlanned | ActionRevised = action
        revisions = [r for r in world.ever(ActionRevised) if r.action_id == action.action_id]
        for revision in sorted(revisions, key=lambda revision: revision.revised_on):
            if revision.revised_on <= said.due_on:  # said before the day had come
                said = revision
        due = said.due_on
        if said.plan == "internship" and action.action_id not in cancelled and due in period and due <= world.as_of:
            done = completed.get(action.action_id)
            yield Row(done is not None and done <= due, 1)
