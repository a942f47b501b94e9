"""Brings goal files in force while events flow, and fills new ones from the facts that are known already.

A file is taken over when its goal is new or its `version` is higher than the one in force. From that moment on every
projector works by it (they read the definitions again when the generation has changed), so what comes meanwhile counts;
filling merges in what was known before. Merges are idempotent: it may be cut off and begun again at any point.
"""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import structlog

from services.chassis.context import Context
from services.chassis.errors import describe, is_temporary
from services.chassis.transaction import Transaction
from services.reporting.definitions import DefinitionError, Goal, Goals, parse, shipped, texts_of
from services.reporting.domain.facts import WITHDRAWN, identity, target_of
from services.reporting.records import stored_fact
from services.reporting.repository import definitions, facts, quality
from services.reporting.repository.facts import FactRow
from services.reporting.service.projection import Touched, is_race, key_of, touch, touch_moved, update
from services.reporting.service.shelf import in_force

log = structlog.get_logger(__name__)
LOOK_EVERY = 2.0  # seconds between looks at the folder
FEW = 10
CHUNK = 10_000  # facts merged in one transaction; projectors wait for it


async def run(ctx: Context) -> None:
    """Takes over goal files and fills what isn't filled, until cancelled."""
    librarian = Librarian(ctx)
    while True:
        try:
            await librarian.take_over()
            await fill(ctx)
        except Exception as error:
            if not is_temporary(error):
                raise
            log.warning("goal files wait for the database", error=describe(error))
        await asyncio.sleep(LOOK_EVERY)


class Librarian:
    """Knows which files it has looked at, so that a folder that stays the same costs a look and no more."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._shipped = texts_of(shipped())
        self._seen: dict[str, str] | None = None

    async def take_over(self) -> None:
        """Brings in force what is new in the image and in the folder of HEM_REPORTING_GOALS."""
        texts = await asyncio.to_thread(self._texts)
        if texts == self._seen:
            return
        goals = self._readable(texts)
        async with self._ctx.db.transaction() as tx:
            await take_over(tx, goals)
        self._seen = texts

    def _texts(self) -> dict[str, str]:
        """By path: two files may be of one goal, and the higher version counts."""
        found = {f"shipped/{name}": text for name, text in self._shipped.items()}
        folder: Path | None = self._ctx.settings.goals
        if folder is not None and folder.is_dir():
            found.update({str(folder / name): text for name, text in texts_of(folder).items()})
        return found

    def _readable(self, texts: Mapping[str, str]) -> dict[str, tuple[Goal, str]]:
        found: dict[str, tuple[Goal, str]] = {}
        for path, text in texts.items():
            try:
                goal = parse(Path(path).name, text)
            except DefinitionError as error:
                log.error("a goal file is wrong and not in force", file=path, why=str(error))
                continue
            if goal.id not in found or goal.version > found[goal.id][0].version:
                found[goal.id] = (goal, text)
        return found


async def take_over(tx: Transaction, goals: Mapping[str, tuple[Goal, str]]) -> None:
    """Brings definitions in force that are new, or newer than those that are."""
    standing = {d.goal: d for d in await definitions.definitions(tx.connection)}
    changed = [
        (goal, text) for goal, text in goals.values() if goal.id not in standing or standing[goal.id].text != text
    ]
    if not changed:
        return
    await definitions.hold_alone(tx.connection)
    standing = {d.goal: d for d in await definitions.definitions(tx.connection)}
    has_facts, moved = await tx.fetchval(definitions.HAS_FACTS), dict[str, int]()
    for goal, text in sorted(changed, key=lambda pair: pair[0].id):
        before = standing.get(goal.id)
        if before is not None and goal.version < before.version:
            continue  # a replica of an older image
        same = before is not None and _counts_alike(goal, before.text)
        if before is not None and goal.version == before.version and not same:
            log.error("a goal file counts differently and has the same version: raise it", goal=goal.id)
            continue
        fill = (has_facts and not same) or (before is not None and before.is_filling)
        await definitions.put(tx.connection, goal.id, goal.version, text, tx.now(), fill=fill)
        moved[goal.id] = goal.version
    if moved:
        log.info("definitions of goals are in force", goals=moved if len(moved) < FEW else len(moved))
        await tx.execute(definitions.NEXT_GENERATION)


def _counts_alike(goal: Goal, text: str) -> bool:
    """Whether a definition's figures are those of an older text: only words, targets or looks have changed."""
    try:
        before = parse(f"{goal.id}.yaml", text)
    except DefinitionError:
        return False
    return before.ledgers == goal.ledgers


async def fill(ctx: Context) -> None:
    """Fills every goal that isn't, one at a time; each by one process."""
    async with ctx.db.transaction() as tx:
        waiting = [d for d in await definitions.definitions(tx.connection) if d.is_filling]
        goals = await in_force(ctx, tx.connection)
    for definition in waiting:
        if definition.goal in goals.by_id and goals.by_id[definition.goal].version == definition.version:
            only = Goals({definition.goal: goals.by_id[definition.goal]}, goals.generation)
            if not await _fill(ctx, only, definition.goal):
                return


async def _fill(ctx: Context, only: Goals, goal: str) -> bool:
    """Whether it was filled: not where another process does it, or a definition has changed meanwhile."""
    types = only.by_type.keys()
    read = 0
    async with ctx.db.transaction() as reading:
        if not await reading.fetchval(definitions.FILL_ALONE, goal):
            return True  # another process is at it
        async for rows in definitions.facts_of(reading.connection, types, CHUNK):
            if not await _merge_again_and_again(ctx, only, rows):
                return False
            read += len(rows)
        async with ctx.db.transaction() as tx:
            if await definitions.hold_alone(tx.connection) != only.generation:
                return False
            await tx.execute(definitions.FILLED, goal, only.by_id[goal].version, tx.now())
    log.info("a goal is filled", goal=goal, facts=read)
    return True


async def _merge_again_and_again(ctx: Context, only: Goals, rows: list[FactRow]) -> bool:
    while True:
        try:
            async with ctx.db.transaction() as tx:
                if await definitions.hold_alone(tx.connection) != only.generation:
                    return False
                await _merge(tx, only, rows)
            return True
        except Exception as error:
            if not is_race(error):
                raise


async def _merge(tx: Transaction, only: Goals, rows: list[FactRow]) -> None:
    taken_back = await definitions.withdrawals_about(tx.connection, sorted({row.subject for row in rows}))
    withdrawn = {target for row in taken_back if row.type == WITHDRAWN and (target := target_of(stored_fact(row)))}
    touched: dict[str, Touched] = {}
    links: list[tuple[str, str, str]] = []
    known = [stored_fact(row) for row in rows]
    moved = await touch_moved(tx.connection, only, known, touched)
    for fact in known:
        if fact.data:
            touch(only, fact, touched, links, anew=identity(fact) in withdrawn or key_of(fact) in moved)
    if links:
        await facts.add_links(tx.connection, links)
    await update(tx.connection, only, touched)


async def fill_what_was_missed(tx: Transaction) -> None:
    """Has all goals filled again when facts have come that no ledger was told of: from a replica of 0.3.0 that ran on
    beside the new ones, and knew no ledgers."""
    if await tx.fetchval(definitions.MISSED):
        await definitions.hold_alone(tx.connection)
        await definitions.fill_all_again(tx.connection)
        await quality.look_into_all(tx.connection)
        log.info("facts of an older replica are counted now")
