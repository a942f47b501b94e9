"""The goals about the company itself, counted the slow way: see `recount`."""

from collections.abc import Iterable
from datetime import date, timedelta

from schemas.gateway import PageRated
from schemas.governance import RoleStaffed
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
