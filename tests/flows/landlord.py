"""A made-up housing system for the tests: what it publishes, and a count of its own of what the figures should be."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

SOURCE = "urn:test:housing"
TYPE = "se.vatterhem.{}.v1"


@dataclass
class Landlord:
    """Makes events as JSON objects from a seed; ids are the landlord's own, so two runs with one seed are the same."""

    seed: int
    name: str = "h"
    made: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def event(self, type_: str, subject: str, data: dict[str, Any], **attributes: Any) -> dict[str, Any]:
        event = {
            "specversion": "1.0",
            "id": f"{self.name}-{len(self.made)}",
            "source": SOURCE,
            "type": TYPE.format(type_),
            "subject": subject,
            "time": attributes.pop("time", "2019-03-01T12:00:00+01:00"),
            "data": data,
            **attributes,
        }
        self.made.append(event)
        return event

    def household(self, number: int, area: str = "oxnehaga", *, reachable: bool = True) -> list[dict[str, Any]]:
        """A move-in and its contact, in either order."""
        tenancy, ref = f"{self.name}-t{number}", f"{self.name}-r{number}"
        moved = date(2019, 1, 1) + timedelta(days=self._random.randrange(365))
        rule = "any" if reachable else "letter_only"
        data = {"tenancy_id": tenancy, "tenant_ref": ref, "area_id": area, "moved_in_on": str(moved)}
        events = [self.event("TenantMovedIn", tenancy, {**data, "contact_rule": rule})]
        if reachable:
            language = self._random.choice(["sv", "en", "ar", "so"])
            email = f"{tenancy}@example.org"
            contact = {"tenant_ref": ref, "name": "Eva Påhittad", "email": email, "language": language}
            events.append(self.event("TenantContactChanged", ref, contact))
        self._random.shuffle(events)
        return events

    def cancel(self, number: int) -> dict[str, Any]:
        tenancy = f"{self.name}-t{number}"
        return self.event("MoveInCancelled", tenancy, {"tenancy_id": tenancy, "reason": "tenant_withdrew"})

    def correct(self, move_in: dict[str, Any], **changes: Any) -> dict[str, Any]:
        """The same move-in again with a later time and other data."""
        later = datetime(2019, 12, 1, 12, tzinfo=UTC) + timedelta(seconds=len(self.made))
        return self.event("TenantMovedIn", move_in["subject"], {**move_in["data"], **changes}, time=later.isoformat())

    def withdraw(self, event: dict[str, Any]) -> dict[str, Any]:
        data = {"withdrawn_source": SOURCE, "withdrawn_id": event["id"], "reason": "registered_in_error"}
        return self.event("EventWithdrawn", event["subject"], data)

    def year(self, households: int, *, first: int = 0) -> list[dict[str, Any]]:
        """Move-ins, numbered from `first`, with what life adds: some by hand, cancelled, corrected, withdrawn, told twice, out of order."""
        events: list[dict[str, Any]] = []
        for number in range(first, first + households):
            own = self.household(number, "oxnehaga" if number % 3 else "raslatt", reachable=self._random.random() > 0.1)
            move_in = next(e for e in own if e["type"] == TYPE.format("TenantMovedIn"))
            if self._random.random() < 0.05:
                own.append(self.cancel(number))
            if self._random.random() < 0.05:
                own.append(self.correct(move_in, moved_in_on="2018-12-30"))
            if self._random.random() < 0.03:
                own.append(self.withdraw(move_in))
            events.extend(own)
        events.extend(self._random.sample(events, len(events) // 20))
        return events


def batches(events: Sequence[dict[str, Any]], size: int) -> Iterable[Sequence[dict[str, Any]]]:
    return (events[start : start + size] for start in range(0, len(events), size))


def cohort(made: Iterable[dict[str, Any]], area: str, year: int) -> dict[str, dict[str, Any]]:
    """Tenancy → the move-in that counts, by the words of GOALS.md, straight from the events."""
    made = list(made)
    withdrawn = {e["data"]["withdrawn_id"] for e in made if e["type"] == TYPE.format("EventWithdrawn")}
    valid = [e for e in made if e["id"] not in withdrawn]
    cancelled = {e["subject"] for e in valid if e["type"] == TYPE.format("MoveInCancelled")}
    last: dict[str, dict[str, Any]] = {}
    for event in valid:
        if event["type"] == TYPE.format("TenantMovedIn"):
            known = last.get(event["subject"])
            if known is None or moment(event) > moment(known):
                last[event["subject"]] = event
    return {
        tenancy: event
        for tenancy, event in last.items()
        if tenancy not in cancelled
        and event["data"]["area_id"] == area
        and event["data"]["moved_in_on"].startswith(str(year))
    }


def recount(made: Iterable[dict[str, Any]], offered: set[str], area: str, year: int) -> tuple[int, int]:
    """(numerator, denominator) of the share of `cohort` that is among the `offered`."""
    members = cohort(made, area, year).keys()
    return len(members & offered), len(members)


def moment(event: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(event["time"])
