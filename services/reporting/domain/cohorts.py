"""Cohort ratios: subjects that achieved ÷ subjects that entered, by the day and area of entering."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Literal, assert_never

from services.reporting.domain.clauses import Clause
from services.reporting.domain.rules import Reason, Role, Rule, others_of
from services.reporting.domain.states import Cell, Contribution, State, Version

When = Literal["any_time", "on_or_before_entering", "before_entering", "on_or_after_entering"]


@dataclass(frozen=True, slots=True)
class Wait:
    """How long after entering a subject may still achieve: days, or whole months."""

    days: int = 0
    months: int = 0

    def last(self, day: date) -> date:
        """The last day that counts for one that entered on `day`."""
        if self.months:
            year, month = divmod(day.year * 12 + day.month - 1 + self.months, 12)
            if year > date.max.year:
                return date.max
            return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
        return day + min(timedelta(days=self.days), date.max - day)


@dataclass(frozen=True)
class CohortRatio(Rule):
    """One `enters` puts the subject in the cohort (the earliest, where there are several), all of `requires` must hold
    too; `leaves` takes it out; any of `achieves` fulfils it unless a later `revokes`.

    `all_of`: nothing is achieved until each of these holds too; `unless`: nor while any of these does in time. `within`: no later
    than this after entering. `when`: achieved before, on or after the day of entering. `covers`: (field of achieves, clause, its field): achieved only by what holds all that clause says.
    `revised_by`: a clause whose versions move the day of entering, as far as each was said before the day it moves.
    """

    enters: Clause
    achieves: tuple[Clause, ...]
    requires: tuple[Clause, ...] = ()
    attributes: tuple[Clause, ...] = ()
    leaves: tuple[Clause, ...] = ()
    revokes: tuple[Clause, ...] = ()
    all_of: tuple[Clause, ...] = ()
    unless: tuple[Clause, ...] = ()
    revised_by: Clause | None = None
    within: Wait | None = None
    when: When = "any_time"
    covers: tuple[str, str, str] | None = None

    @cached_property
    def clauses(self) -> tuple[Clause, ...]:  # type: ignore[override]
        revised = () if self.revised_by is None else (self.revised_by,)
        return (
            self.enters, *revised, *self.requires, *self.attributes, *self.leaves, *self.achieves, *self.all_of,
            *self.revokes, *self.unless,
        )  # fmt: skip

    def contribution(self, state: State) -> Contribution:
        """One to the denominator from its day on, one to the numerator when achieved."""
        entered = self._entered(state)
        if entered is None or entered.day is None:
            return {}
        day = date.fromisoformat(entered.day)
        area, others = self._where(entered, state)
        counts: Contribution = {Cell(area, others, day, day): (0, 1)}
        if len(state) == 1 and not self.requires:  # most are just that: nothing else has been said
            return counts
        if self._is_left(state) or not self._belongs(state):
            return {}
        achieved = self.achieved_on(state, day)
        if achieved is not None:
            cell = Cell(area, others, day, max(day, achieved))
            counts[cell] = (1, counts.get(cell, (0, 0))[1])
        return counts

    def achieved_on(self, state: State, day: date) -> date | None:
        """The day the goal was achieved by one that entered on `day`, unless a later event has revoked it."""
        achieved = self._achievement(state, day)
        return None if achieved is None or achieved.day is None else date.fromisoformat(achieved.day)

    def _entered(self, state: State) -> Version | None:
        entered = min(
            (version for version in self.versions(self.enters, state) if version.holds or self.revised_by is not None),
            key=lambda version: (version.day or "", version.id),
            default=None,
        )
        if entered is None or self.revised_by is None:
            return entered
        said = sorted(self.versions(self.revised_by, state), key=lambda v: (v.extra[0], *v[:4]))
        for version in said:  # extra[0]: the day it was said
            if version.extra[0] <= (entered.day or ""):
                entered = version
        return entered if entered.holds else None

    def _where(self, entered: Version, state: State) -> tuple[str, tuple[str | None, ...]]:
        if not self.requires and not self.attributes:
            return entered.area or "", entered.others
        around = [v for clause in (*self.requires, *self.attributes) for v in self.versions(clause, state)]
        area = entered.area or next((v.area for v in around if v.area is not None), None)
        return area or "", others_of([entered, *around], len(entered.others))

    def _belongs(self, state: State) -> bool:
        return all(any(version.holds for version in self.versions(clause, state)) for clause in self.requires)

    def _is_left(self, state: State) -> bool:
        return any(version.holds for clause in self.leaves for version in self.versions(clause, state))

    def _achievement(self, state: State, day: date) -> Version | None:
        """The achievement that stands: the earliest that counts where there is a time limit, else the latest said."""
        found = [
            v
            for clause in self.achieves
            for v in self.versions(clause, state)
            if v.holds and self._in_time(v, day) and self._covers(v, state) and self._goes_with(clause, v, state)
        ]
        if any(v.holds and self._in_time(v, day) for clause in self.unless for v in self.versions(clause, state)):
            return None
        revokes = [v for clause in self.revokes for v in self.versions(clause, state) if v.holds]
        standing = [v for v in found if not any(revoke.time > v.time for revoke in revokes)]
        if not standing:
            return None
        if self.revokes:
            return max(standing)
        return min(standing, key=lambda v: (v.day or "", *v[:4]))

    def _goes_with(self, achieves: Clause, version: Version, state: State) -> bool:
        """Whether all that has to hold too does: of what is looked up by the achievement, what it names itself."""
        for clause in self.all_of:
            about = self.versions(clause, state)
            if clause.looked_up_by is not None and clause.looked_up_by[0] == achieves.name:
                about = clause.standing(state, str(achieves.said(version, clause.looked_up_by[1])))
            if not any(v.holds for v in about):
                return False
        return True

    def _in_time(self, version: Version, day: date) -> bool:
        achieved = date.fromisoformat(version.day or "")
        match self.when:
            case "on_or_before_entering":
                in_order = achieved <= day
            case "before_entering":
                in_order = achieved < day
            case "on_or_after_entering":
                in_order = achieved >= day
            case "any_time":
                in_order = True
            case _:
                assert_never(self.when)
        return in_order and (self.within is None or achieved <= self.within.last(day))

    def _covers(self, version: Version, state: State) -> bool:
        if self.covers is None:
            return True
        field, name, wanted = self.covers
        has = next(c for c in self.achieves if field in c.extra)
        needs = next(c for c in self.clauses if c.name == name)
        versions = self.versions(needs, state)
        return bool(versions) and all(
            set(needs.said(v, wanted) or ()) <= set(has.said(version, field) or ()) for v in versions
        )

    def part_of(
        self, clause: Clause, slot: str, version: Version, state: State, as_of: date
    ) -> tuple[Role, Reason | None]:
        if clause in (self.enters, self.revised_by):
            reason = self._why_not_entered(version, state, as_of)
            return (Role.EXCLUDED if reason else Role.DENOMINATOR), reason
        if clause in self.achieves:
            reason = self._why_not_achieved(version, state, as_of)
            return (Role.EXCLUDED if reason else Role.NUMERATOR), reason
        if clause in self.leaves:
            return Role.EXCLUDED, "cancels" if version.holds else "no_effect"
        if clause in self.revokes:
            before = {name: other for name, other in state.items() if name != slot}
            return Role.EXCLUDED, "revokes" if self.contribution(before) != self.contribution(state) else "no_effect"
        return Role.EXCLUDED, "no_effect"

    def _why_not_entered(self, version: Version, state: State, as_of: date) -> Reason | None:
        if self._is_left(state):
            return "cancelled"
        if not self._belongs(state) or self._entered(state) != version:
            return "no_effect"
        return "not_yet" if version.day is None or date.fromisoformat(version.day) > as_of else None

    def _why_not_achieved(self, version: Version, state: State, as_of: date) -> Reason | None:
        entered = self._entered(state)
        if entered is None or entered.day is None or not self._belongs(state):
            return "no_cohort"
        if self._is_left(state):
            return "cancelled"
        day = date.fromisoformat(entered.day)
        if not version.holds:
            return "no_effect"
        if not self._in_time(version, day):
            return "too_late"
        achieved = self._achievement(state, day)
        if achieved is None:
            return "revoked" if self.revokes else "no_effect"
        if version != achieved:
            return "superseded"
        return "not_yet" if max(achieved.day or "", entered.day) > as_of.isoformat() else None
