"""The verbs of the register: who may publish, what was agreed with them, what became of what they sent."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from difflib import get_close_matches

from schemas.door import FROM_OUTSIDE, is_own
from schemas.gateway import PublisherRegistered, PublisherRetired
from services.chassis.clock import local_date
from services.chassis.transaction import Transaction
from services.gateway.domain.door import (
    ALL,
    IDENTITIES_KEPT,
    Answer,
    Publisher,
    Refusal,
    Sender,
    Submission,
)
from services.gateway.domain.keys import Key
from services.gateway.domain.outcomes import (
    EXAMPLES,
    Example,
    Noted,
    Numbers,
    examples,
    numbers,
    outcomes,
    shown_errors,
)
from services.gateway.domain.publishers import (
    Agreed,
    Registered,
    Source,
    Standing,
    sources_of,
    standing,
    widened,
)
from services.gateway.domain.reports import desk_with
from services.gateway.repository import door as ownership
from services.gateway.repository import keys
from services.gateway.repository import outcomes as tally
from services.gateway.repository import publishers as repository

DAYS_SHOWN = 30
OURSELVES = "Hem"
"""The owner of those who publish by our own forms."""
FORGET_AT_ONCE = 10_000
MOST_SOURCES = 100
LONGEST_SOURCE = 128
"""What PublisherRegistered can name."""


class SourceTaken(Exception):
    """A source can't be a publisher's, because it is another's, or Hem's own."""


class NotPublishable(Exception):
    """A type that the catalogue lacks or that only Hem's own services publish."""


class NameTaken(Exception):
    """There is a publisher of that name."""


class OnForms(NameTaken):
    """The name is that of a role of Hem's own, which publishes by our forms and no other way."""


async def find(tx: Transaction, publisher: str) -> Registered | None:
    """What is agreed with a publisher, retired or not; None when it isn't registered."""
    return await repository.find(tx, Publisher(publisher))


async def register(tx: Transaction, name: Publisher, agreed: Agreed, sources: Sequence[str] = ()) -> Registered:
    """A new publisher, or one with an unknown owner of whom the rest is told now. PublisherRegistered says so.

    Raises `NameTaken`, `SourceTaken` or `NotPublishable`.
    """
    refuse_on_forms(name)
    if not await repository.add(tx, name, agreed):
        known = await repository.lock(tx, name)
        if known is None or known.owner is not None or known.retired_at is not None:
            raise NameTaken(f"{name} is registered already.")
    return await change(tx, name, agreed, sources)


async def change(tx: Transaction, name: Publisher, agreed: Agreed, sources: Sequence[str] = ()) -> Registered:
    """What is agreed from now on, and `sources` that it gets besides its own. One that had retired is back.

    Raises `LookupError` when there is none, `SourceTaken` or `NotPublishable`.
    """
    refuse_unpublishable(agreed.allow)
    refuse_own(sources)
    before = await repository.lock(tx, name)
    if before is None:
        raise LookupError(name)
    if agreed.kafka:
        refuse_own(before.sources)
    await repository.change(tx, name, agreed)
    if not await _own(tx, name, sources):
        raise SourceTaken("A source belongs to one publisher for ever, and one of these is another's.")
    if before.expected_interval is not None and agreed.expected_interval is None:
        tx.publish(PublisherRetired(publisher=name, retired_on=local_date(tx.now())))  # no longer waited for
    await _tell(tx, name)
    found = await repository.find(tx, name)
    if found is None:
        raise LookupError(name)
    return found


async def ensure(tx: Transaction, name: Publisher, allow: Sequence[str], *, owner: str | None = None) -> None:
    """Registers whoever is not yet. Without `owner` an operator has to tell it; such a one may be given more types."""
    if await repository.add(tx, name, Agreed(owner, allow=tuple(allow))):
        return
    known = await repository.lock(tx, name)
    if known is not None and known.owner is None:
        wider = widened(known.allow, allow)
        if wider != known.allow:
            await repository.change(tx, name, replace(known.agreed, allow=wider))


async def hold(tx: Transaction, name: Publisher) -> None:
    """Lets nobody else change what is agreed with it, retire it or replace its keys until the transaction ends."""
    await repository.lock(tx, name)


async def retire(tx: Transaction, name: Publisher) -> bool:
    """Takes back its keys and waits for it no more; its sources stay its own. Whether it was there and not yet retired."""
    known = await repository.lock(tx, name)
    if known is None or not await repository.retire(tx, name, tx.now()):
        return False
    await keys.revoke_keys(tx, name, None)
    tx.publish(PublisherRetired(publisher=name, retired_on=local_date(tx.now())))
    return True


async def claim(tx: Transaction, publisher: Publisher, sources: Sequence[str]) -> bool:
    """Whether all of `sources` are the publisher's now. When some are new, PublisherRegistered says so."""
    before = await ownership.owners(tx, sources)
    owned = await _own(tx, publisher, sources)
    if owned and any(source not in before for source in sources):
        await _tell(tx, publisher)
    return owned


async def sources_of_keyless(tx: Transaction, sender: Sender) -> tuple[str, ...]:
    """Those of the sender's sources that are its own: it comes by a road of Hem's, which gives it its sources.

    The first time, they become its own, and it is registered. One that has retired has none.
    """
    known = await repository.find(tx, sender.publisher)
    if known is not None and known.retired_at is not None:
        return ()
    missing = [source for source in sender.sources if known is None or source not in known.sources]
    if missing:
        await ensure(tx, sender.publisher, sender.allow, owner=OURSELVES if sender.road == "form" else None)
        await claim(tx, sender.publisher, missing)
        known = await repository.find(tx, sender.publisher)
    return tuple(source for source in sender.sources if known is not None and source in known.sources)


async def _own(tx: Transaction, publisher: Publisher, sources: Sequence[str]) -> bool:
    if not sources:
        return True
    await ownership.claim_sources(tx, publisher, sources)
    owners = await ownership.owners(tx, sources)
    return all(owners[source] == publisher for source in sources)


async def _tell(tx: Transaction, name: Publisher) -> None:
    """PublisherRegistered, of one that is waited for. The same day again is a correction."""
    found = await repository.find(tx, name)
    if found is None or found.expected_interval is None or found.retired_at is not None:
        return
    named = tuple(source for source in found.sources if len(source) <= LONGEST_SOURCE)[:MOST_SOURCES]
    tx.publish(
        PublisherRegistered(
            publisher=name,
            sources=named,
            expected_interval=found.expected_interval,
            from_=local_date(tx.now()),
        )
    )


def refuse_unpublishable(types: Sequence[str]) -> None:
    """Raises `NotPublishable` unless each can come from outside, or is `all`."""
    for name in types:
        if name != ALL and name not in FROM_OUTSIDE:
            near = get_close_matches(name, FROM_OUTSIDE, n=3, cutoff=0.4)
            raise NotPublishable(f"{name} can't be published here. Near it: {', '.join(near) or 'nothing'}.")


def refuse_on_forms(name: Publisher) -> None:
    """Raises `OnForms` for the name under which a role's people report."""
    if desk_with(name) is not None:
        raise OnForms(f"{name} is a role of Hem's own, which publishes by forms alone.")


def refuse_own(sources: Sequence[str]) -> None:
    """Raises `SourceTaken` when one is of Hem itself."""
    if own := [source for source in sources if is_own(source)]:
        raise SourceTaken(f"{', '.join(own)} belongs to Hem itself.")


async def note_outcomes(
    tx: Transaction, sender: Sender, answers: Sequence[Answer], submissions: Sequence[Submission]
) -> None:
    """Keeps what became of each, for the publisher's page: counts, and the last refusals without their values."""
    own = await _own_among(tx, sender, answers)
    on = local_date(tx.now())
    await tally.note(tx, sender.publisher, sender.road, on, outcomes(sender, own, answers, submissions))
    if refused := examples(sender, own, answers, submissions):
        await tally.add_refusals(tx, sender.publisher, sender.road, refused)


async def note_request(tx: Transaction, sender: Sender, refusal: Refusal) -> None:
    """Keeps that a whole request was refused: what it held was not looked at."""
    noted = Noted(sender.test, "", "", "refused", refusal.type.slug)
    await tally.note(tx, sender.publisher, sender.road, local_date(tx.now()), [(noted, 1)])
    errors = shown_errors(refusal, None)
    await tally.add_refusals(
        tx,
        sender.publisher,
        sender.road,
        [Example(sender.test, None, None, None, None, refusal.type.slug, errors)],
    )


async def _own_among(tx: Transaction, sender: Sender, answers: Sequence[Answer]) -> set[str]:
    """The sender's own sources among those that came."""
    came = {answer.source for answer in answers if answer.source is not None}
    if came <= set(sender.sources):
        return came
    owners = await ownership.owners(tx, came)
    return {source for source in came if owners.get(source) == sender.publisher}


@dataclass(frozen=True, slots=True)
class Overview:
    """A publisher as the list shows it: how it stands, and its live events of the last 30 days by outcome."""

    publisher: Registered
    sources: tuple[Source, ...]
    standing: Standing
    accepted: int
    duplicate: int
    refused: int

    @property
    def heard_at(self) -> datetime | None:
        return max((source.heard_at for source in self.sources if source.heard_at), default=None)


async def sources_heard(tx: Transaction) -> list[tuple[Registered, list[Source]]]:
    """Every publisher, those that have retired last, with when each of its sources was heard."""
    heard = await tally.heard(tx)
    return [(publisher, sources_of(publisher, heard)) for publisher in await repository.list_all(tx)]


async def overview(tx: Transaction) -> list[Overview]:
    """Every publisher, those that have retired last."""
    totals = await tally.totals(tx, _month_ago(tx))
    found = []
    for publisher, sources in await sources_heard(tx):
        counts = [totals.get((publisher.name, outcome), 0) for outcome in ("accepted", "duplicate", "refused")]
        found.append(Overview(publisher, tuple(sources), standing(publisher, sources, tx.now()), *counts))
    return found


@dataclass(frozen=True, slots=True)
class Report:
    """All that is known of one publisher. `live` and `test` are the last 30 days."""

    publisher: Registered
    sources: tuple[Source, ...]
    standing: Standing
    keys: tuple[Key, ...]
    live: Numbers
    test: Numbers
    refusals: tuple[Example, ...]


async def report(tx: Transaction, name: Publisher) -> Report | None:
    """None when there is no such publisher."""
    publisher = await repository.find(tx, name)
    if publisher is None:
        return None
    sources = sources_of(publisher, await tally.heard(tx, name))
    counts = await tally.counts(tx, name, _month_ago(tx))
    return Report(
        publisher,
        tuple(sources),
        standing(publisher, sources, tx.now()),
        tuple(await keys.list_keys(tx, name)),
        numbers(counts, test=False),
        numbers(counts, test=True),
        tuple(await tally.refusals(tx, name, EXAMPLES)),
    )


def _month_ago(tx: Transaction) -> date:
    return local_date(tx.now()) - timedelta(days=DAYS_SHOWN - 1)


async def forget_old_refusals(tx: Transaction) -> int:
    """Drops all but each publisher's last refusals, and those older than 30 days. Returns how many went."""
    return await tally.keep_last_refusals(tx, EXAMPLES, tx.now() - timedelta(days=DAYS_SHOWN), FORGET_AT_ONCE)


async def forget_old_counts(tx: Transaction) -> int:
    """Drops counts of days more than 400 days ago. Returns how many rows went."""
    return await tally.forget_tally(tx, local_date(tx.now()) - IDENTITIES_KEPT, FORGET_AT_ONCE)
