"""What the company has decided, folded from all governance.events: pure, and the same in any order."""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal

from schemas.event import EventData
from schemas.governance import (
    AreaDefined,
    ProgrammeEnded,
    ProgrammeStarted,
    SteeringDocumentAdopted,
    SteeringDocumentReplaced,
    TargetRevised,
    TargetSet,
)
from services.reporting.domain.facts import Fact, standing_data
from services.reporting.domain.landlord import Area, Document, Landlord, Programme, Target

SYMBOLS = {"percent": "%", "percentage_points": "points"}


def landlord(facts: Iterable[tuple[Fact, EventData]]) -> Landlord:
    """The areas, programmes, targets and documents that stand after corrections and withdrawals."""
    said = standing_data(facts)
    return Landlord(
        tuple(Area(d.area_id, d.name, d.valid_from) for d in said if isinstance(d, AreaDefined)),
        tuple(_programmes(said)),
        tuple(target for d in said if isinstance(d, TargetSet | TargetRevised) and (target := _target(d))),
        tuple(sorted(_documents(said), key=lambda d: d.id)),
    )


def _programmes(said: Sequence[EventData]) -> Iterable[Programme]:
    ends = [d for d in said if isinstance(d, ProgrammeEnded)]
    for start in (d for d in said if isinstance(d, ProgrammeStarted)):
        last: date | None = min(
            (
                end.ended_on
                for end in ends
                if (end.programme, end.area_id) == (start.programme, start.area_id) and end.ended_on >= start.from_
            ),
            default=None,
        )
        yield Programme(start.programme, start.area_id, start.from_, last)


def _target(data: TargetSet | TargetRevised) -> Target | None:
    """None for a target of several dimensions at once: no figure is told for such."""
    dimension = dict(data.dimension or {})
    area = dimension.pop("area", None)
    if len(dimension) > 1 or (dimension and area is not None):
        return None
    return Target(
        goal=data.goal_id,
        measure=data.measure,
        area=area,
        comparison=data.comparison,
        value=None if data.value is None else Decimal(str(data.value)),
        unit="done" if data.comparison == "done" else SYMBOLS.get(data.unit, data.unit),
        valid_from=data.valid_from,
        valid_to=data.valid_to,
        document=data.document_id,
        revises=isinstance(data, TargetRevised),
        dimension=next((f"{name}={value}" for name, value in dimension.items()), None),
    )


def _documents(said: Sequence[EventData]) -> Iterable[Document]:
    replaced = {d.document_id: d.replaced_on for d in said if isinstance(d, SteeringDocumentReplaced)}
    for d in said:
        if isinstance(d, SteeringDocumentAdopted):
            yield Document(
                d.document_id,
                d.title,
                d.adopted_by,
                d.valid_from,
                d.valid_to,
                d.applies_until_replaced,
                replaced.get(d.document_id),
            )
