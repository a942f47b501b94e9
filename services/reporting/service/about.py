"""The facts that bear on a subject: what its state is folded from, and what a page tells of it."""

from collections.abc import Sequence

from services.chassis.postgres import Connection
from services.reporting.definitions.groups import Ledger
from services.reporting.domain.facts import WITHDRAWN, Fact, identity
from services.reporting.domain.rules import Rule
from services.reporting.records import stored_fact
from services.reporting.repository import facts, states


async def about(
    connection: Connection, ledger: Ledger, subjects: Sequence[str], *, most: int | None = None
) -> dict[str, list[Fact]]:
    """The facts that bear on each subject, also about the things they name: as many as its state is made of.

    `most`: for a page, also those that don't stand, up to so many of a subject and type, the latest. Otherwise who looks
    up what is remembered.
    """
    own = {clause.type for clause in ledger.rule.clauses if clause.looked_up_by is None}
    named = {clause.type for clause in ledger.rule.clauses if clause.looked_up_by is not None}
    found = await _said(connection, ledger.rule, subjects, own, most)
    if not ledger.rule.looks_up:
        return found
    had: dict[str, set[str]] = {subject: set() for subject in subjects}
    while wanted := {s: new for s in subjects if (new := ledger.rule.keys(found[s]) - had[s])}:
        keys = set().union(*wanted.values())
        if most is None:
            pairs = [(key, subject) for subject, new in wanted.items() for key in new]
            await states.add_look_ups(connection, ledger.name, pairs)
        more = await _said(connection, ledger.rule, sorted(keys), named, most)
        for subject, new in wanted.items():
            had[subject] |= new
            known = {identity(fact) for fact in found[subject]}
            found[subject] += [fact for key in new for fact in more[key] if identity(fact) not in known]
    return found


async def _said(
    connection: Connection, rule: Rule, subjects: Sequence[str], types: set[str], most: int | None
) -> dict[str, list[Fact]]:
    """The facts of some types about each subject: all that can stand, or up to `most` of a type."""
    read = []
    if most is not None:
        read.append(await facts.latest_about(connection, subjects, WITHDRAWN, types, most))
        read.append(await facts.linked_to(connection, subjects, WITHDRAWN, rule.moving, types=types, most=most))
    else:
        if alone := types & rule.alone:
            read.append(await facts.latest_about(connection, subjects, WITHDRAWN, alone, 1))
        if together := types - rule.alone:
            read.append(await facts.facts_about(connection, subjects, WITHDRAWN, rule.moving, together))
    return {subject: [stored_fact(row) for rows in read for row in rows[subject]] for subject in subjects}
