"""The goals about the company itself, counted the slow way: see `recount`."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta

from schemas.gateway import PageRated
from schemas.governance import (
    RoleStaffed,
    SteeringDocumentAdopted,
    SteeringDocumentReplaced,
    Target,
    TargetRevised,
    TargetSet,
)
from schemas.reporting import ReportPublished
from tests.reporting.recount import Period, Row, World, counts, exact, local_day


def days(first: date, last: date) -> Iterable[date]:
    for number in range((last - first).days + 1):
        yield first + timedelta(days=number)


@counts("strategist", "share", "share")
def strategist(world: World, period: Period) -> Iterable[Row]:
    """Each day's per cent; a day before anything is said of the role has nothing."""
    said = {role.from_: exact(role.percent) for role in world.of(RoleStaffed) if role.role == "integration_strategist"}
    for day in days(period.first, min(period.last, world.as_of)):
        begun = [first for first in said if first <= day]
        yield Row(said[max(begun)] / 100 if begun else 0, 1 if said else 0)


@counts("sustainability-report", "published", "count")
def sustainability_report(world: World, period: Period) -> Iterable[Row]:
    for report in world.of(ReportPublished):
        if report.kind == "sustainability" and report.recipient_kind == "owner":
            about = Period.of(report.period)
            if about == period and report.published_on.year == about.first.year + 1:
                yield Row()


@counts("page-helpful", "share", "share")
def page_helpful(world: World, period: Period) -> Iterable[Row]:
    for event in world.events(PageRated):
        if local_day(event.time) in period:
            yield Row(event.data.was_helpful, 1, by=(("page", event.data.page),))


@counts("document-validity", "share", "share")
def document_validity(world: World, period: Period) -> Iterable[Row]:
    """Of the goals with a target in force on the last day, those where a document behind one applies."""
    on = min(period.last, world.as_of)
    adopted = {document.document_id: document for document in world.ever(SteeringDocumentAdopted)}
    replaced = {document.document_id: document.replaced_on for document in world.ever(SteeringDocumentReplaced)}

    def applies(id: str) -> bool:
        document = adopted.get(id)
        if document is None or on < document.valid_from or on >= replaced.get(id, date.max):
            return False
        return document.valid_to is None or on <= document.valid_to or document.applies_until_replaced

    standing: dict[str, list[Target]] = defaultdict(list)
    for target in targets_in_force(world, on):
        standing[target.goal_id].append(target)
    for targets in standing.values():
        yield Row(any(applies(target.document_id) for target in targets), 1)


def targets_in_force(world: World, on: date) -> Iterable[Target]:
    """Of each goal, measure and dimension the target that began last of those that haven't ended; a revised one leaves
    nothing of those before it."""
    said: dict[object, list[Target]] = defaultdict(list)
    for target in (*world.ever(TargetSet), *world.ever(TargetRevised)):
        if target.valid_from <= on:
            dimension = tuple(sorted((target.dimension or {}).items()))
            said[target.goal_id, target.measure, dimension].append(target)
    for targets in said.values():
        revised = max((t.valid_from for t in targets if isinstance(t, TargetRevised)), default=date.min)
        left = [
            target
            for target in targets
            if (target.valid_to is None or on <= target.valid_to)
            and (
                target.valid_from > revised
                or (target.valid_from == revised and isinstance(target, TargetRevised))
                or revised == date.min
            )
        ]
        if left:
            yield max(left, key=lambda t: (t.valid_from, isinstance(t, TargetRevised), t.document_id))
