"""The verbs of the door: let events in, forget identities that are old enough."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson
from opentelemetry import propagate

from schemas.door import FROM_OUTSIDE, MAX_EVENT, is_own, vouches_for_another
from schemas.event import ANY_TOPIC, Event
from schemas.kafka import wire_time
from schemas.lifecycle import DRAFT
from schemas.tenancy import TenantContactErased
from schemas.topics import TOPICS
from services.chassis.transaction import Transaction
from services.gateway.domain.door import (
    IDENTITIES_KEPT,
    TEST_IDENTITIES_KEPT,
    Answer,
    EventKey,
    FieldError,
    Identity,
    ProblemType,
    Refusal,
    Sender,
    Submission,
    as_test,
    content,
    judge_withdrawal,
    stays_here,
    with_notice,
    without_home,
)
from services.gateway.repository import door as repository
from services.gateway.repository import keys
from services.gateway.service import publishers

FORGET_AT_ONCE = 10_000

Verdicts = dict[int, Refusal]
"""Place in the request → why the submission there is refused."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A submission that nothing speaks against so far, and the topic it is bound for."""

    place: int
    event: Event[Any]
    topic: str
    size: int
    fingerprint: bytes

    @property
    def key(self) -> EventKey:
        return self.event.source, self.event.id


async def publish(
    tx: Transaction, sender: Sender, submissions: Sequence[Submission], *, public_url: str
) -> list[Answer]:
    """Lets in what may come in: identity and outbox rows in this transaction. One answer per submission, in order.

    Raises `Erased` when another transaction erases one of the persons meanwhile: do it again from the start.
    """
    if sender.key is not None and sender.last_used_on != tx.now().date():
        await keys.use_key(tx, sender.key, tx.now().date())
    submissions = [as_test(sender, with_notice(without_home(submission))) for submission in submissions]
    verdicts = {place: s.refusal for place, s in enumerate(submissions) if s.refusal is not None}
    candidates = await asyncio.to_thread(_candidates, tx, submissions)
    accepted: list[Candidate] = []
    for test in (False, True):
        if of_kind := [c for c in candidates if c.event.test is test]:
            accepted += await _let_in(tx, sender, of_kind, verdicts, test=test)
    await _send_on(tx, [c for c in accepted if not stays_here(c.event, c.topic)], public_url)
    new = {candidate.place for candidate in accepted}
    answers = [_answer(s, verdicts.get(place), new=place in new) for place, s in enumerate(submissions)]
    await publishers.note_outcomes(tx, sender, answers, submissions)
    return answers


async def _let_in(
    tx: Transaction, sender: Sender, candidates: list[Candidate], verdicts: Verdicts, *, test: bool
) -> list[Candidate]:
    """Those that are new, now remembered, of live or of test events. What speaks against the others is in `verdicts`."""
    candidates = _of_allowed_types(sender, candidates, verdicts)
    candidates = _of_what_they_know(candidates, verdicts)
    candidates = await _of_own_sources(tx, sender, candidates, verdicts, test=test)
    candidates = _small_enough(candidates, verdicts)
    # Erasures go before everything else about their persons, wherever they stand in the batch.
    erasures = [c for c in candidates if c.event.data.tombstone]
    accepted = await _new(tx, erasures, verdicts, test=test)
    erased = {c.event.subject for c in erasures if c.place not in verdicts}
    others = [c for c in candidates if not c.event.data.tombstone]
    others = await _of_persons_not_erased(tx, others, erased, verdicts)
    accepted += await _new(tx, [c for c in others if c.topic != ANY_TOPIC], verdicts, test=test)
    # Withdrawals come last, so that one may stand in the same batch as what it withdraws.
    withdrawals = [c for c in others if c.topic == ANY_TOPIC]
    withdrawals = await _of_known_events(tx, sender, withdrawals, verdicts, test=test)
    return accepted + await _new(tx, withdrawals, verdicts, test=test)


def _candidates(tx: Transaction, submissions: Sequence[Submission]) -> list[Candidate]:
    return [_candidate(tx, place, s.event) for place, s in enumerate(submissions) if s.event is not None]


def _candidate(tx: Transaction, place: int, event: Event[Any]) -> Candidate:
    data = event.data.json_bytes()
    fingerprint = tx.fingerprint(content(event, orjson.loads(data)))
    return Candidate(place, event, event.data.topic, len(data), fingerprint)


def _of_allowed_types(sender: Sender, candidates: list[Candidate], verdicts: Verdicts) -> list[Candidate]:
    """Those of types the key is for. A withdrawal is judged later, by the type of what it withdraws."""
    kept = []
    for c in candidates:
        if c.event.data.draft:
            verdicts[c.place] = Refusal(ProblemType.DRAFT, f"{c.event.type} is {DRAFT}.")
        elif c.event.type not in FROM_OUTSIDE:
            verdicts[c.place] = Refusal(
                ProblemType.TYPE_NOT_ALLOWED, f"{c.event.type} is published by Hem's own services only."
            )
        elif c.topic != ANY_TOPIC and not sender.allows(c.event.type):
            verdicts[c.place] = Refusal(
                ProblemType.TYPE_NOT_ALLOWED,
                f"This key is for {', '.join(sender.allow) or 'nothing'}, not for {c.event.type}.",
            )
        else:
            kept.append(c)
    return kept


def _of_what_they_know(candidates: list[Candidate], verdicts: Verdicts) -> list[Candidate]:
    """All but a SourceChecked of another source than the one it comes from: no publisher vouches for another's."""
    kept = []
    for c in candidates:
        if vouches_for_another(c.event):
            error = FieldError("data.source", "the event's own source", "another source")
            verdicts[c.place] = Refusal(ProblemType.INVALID, "A source is checked by its own publisher.", (error,))
        else:
            kept.append(c)
    return kept


async def _of_own_sources(
    tx: Transaction, sender: Sender, candidates: list[Candidate], verdicts: Verdicts, *, test: bool
) -> list[Candidate]:
    if sender.key is None:
        sources = await publishers.sources_of_keyless(tx, sender)
    else:
        sources = sender.sources or await _bound_to(tx, sender, candidates, verdicts, test=test)
    kept = []
    for c in candidates:
        if c.event.source in sources:
            kept.append(c)
        elif c.place not in verdicts:
            allowed = f"This key is for {', '.join(sources)}." if sources else "It belongs to another publisher."
            verdicts[c.place] = Refusal(
                ProblemType.SOURCE_NOT_ALLOWED, f"The source is not one this key can be used with. {allowed}"
            )
    return kept


async def _bound_to(
    tx: Transaction, sender: Sender, candidates: list[Candidate], verdicts: Verdicts, *, test: bool
) -> tuple[str, ...]:
    """Binds a key made without sources to the first one it is used with rightly and live, which the publisher then owns.

    When there is none, what speaks against those that came from sources nobody else has goes to `verdicts`.
    """
    used = {c.event.source for c in candidates if not is_own(c.event.source)}
    if not used or sender.key is None:
        return ()
    locked = await keys.lock_key(tx, sender.key)
    if locked is None or locked.sources or test:  # revoked, or bound by a parallel request
        return locked.sources if locked else ()
    owners = await repository.owners(tx, used)
    free = {source for source in used if owners.get(source, sender.publisher) == sender.publisher}
    against: Verdicts = {}
    right = await _right_but_for_source(tx, sender, [c for c in candidates if c.event.source in free], against)
    for source in dict.fromkeys(c.event.source for c in right):
        if await publishers.claim(tx, sender.publisher, [source]):
            await keys.bind_key(tx, locked.id, source)
            return (source,)
    verdicts |= against
    return ()


async def _right_but_for_source(
    tx: Transaction, sender: Sender, candidates: list[Candidate], verdicts: Verdicts
) -> list[Candidate]:
    """Those, in the order sent, that would be let in if each came alone and its source were the key's."""
    candidates = _small_enough(candidates, verdicts)
    candidates = await _of_persons_not_erased(tx, candidates, set(), verdicts)
    withdrawals = [c for c in candidates if c.topic == ANY_TOPIC]
    await _of_known_events(tx, sender, withdrawals, verdicts, test=False)
    candidates = [c for c in candidates if c.place not in verdicts]
    known = await repository.recall(tx, {c.key for c in candidates}, test=False)
    return _in_accord_with(known, candidates, verdicts)


def _small_enough(candidates: list[Candidate], verdicts: Verdicts) -> list[Candidate]:
    for c in candidates:
        if c.size > MAX_EVENT:
            verdicts[c.place] = Refusal(
                ProblemType.TOO_LARGE, f"The event's data takes {c.size} bytes; at most {MAX_EVENT} are let in."
            )
    return [c for c in candidates if c.size <= MAX_EVENT]


async def _of_persons_not_erased(
    tx: Transaction, candidates: list[Candidate], erased: set[str], verdicts: Verdicts
) -> list[Candidate]:
    """Those that are not about somebody who has been erased before, or is one of `erased`."""
    personal = [c for c in candidates if c.topic != ANY_TOPIC and TOPICS[c.topic].personal]
    told = {c.place: c.event.subject for c in personal if not c.event.data.tombstone}
    if not told:
        return candidates
    erased = erased | await tx.erased(sorted(set(told.values()) - erased))
    refused = {place for place, person in told.items() if person in erased}
    for place in refused:
        verdicts[place] = Refusal(
            ProblemType.ERASED, "The person this is about has been erased. The reference is refused for ever."
        )
    return [c for c in candidates if c.place not in refused]


async def _of_known_events(
    tx: Transaction, sender: Sender, withdrawals: list[Candidate], verdicts: Verdicts, *, test: bool
) -> list[Candidate]:
    """Those that withdraw an event of the same publisher, each bound for that event's topic."""
    if not withdrawals:
        return []
    wanted = {c.place: (c.event.data.withdrawn_source, c.event.data.withdrawn_id) for c in withdrawals}
    targets = await repository.recall(tx, set(wanted.values()), test=test)
    owners = await repository.owners(tx, {source for source, _ in wanted.values()})
    kept = []
    for c in withdrawals:
        target = targets.get(wanted[c.place])
        personal = target is not None and TOPICS[target.topic].personal
        refusal = judge_withdrawal(sender, c.event, target, owners.get(wanted[c.place][0]), personal=personal)
        if refusal is not None:
            verdicts[c.place] = refusal
        elif target is not None:
            kept.append(replace(c, topic=target.topic))
    return kept


async def _new(tx: Transaction, candidates: list[Candidate], verdicts: Verdicts, *, test: bool) -> list[Candidate]:
    """Those nobody has sent before, now remembered. Of the others, those that say something else are a conflict."""
    if not candidates:
        return []
    first: dict[EventKey, Candidate] = {}
    for c in candidates:
        first.setdefault(c.key, c)
    identities = {
        key: Identity(*key, fingerprint=c.fingerprint, type=c.event.type, topic=c.topic, subject=c.event.subject)
        for key, c in first.items()
    }
    new = await repository.remember(tx, list(identities.values()), test=test)
    known = await repository.recall(tx, identities.keys() - new, test=test)
    _in_accord_with(identities | known, candidates, verdicts)
    return [c for key, c in first.items() if key in new]


def _in_accord_with(
    known: Mapping[EventKey, Identity], candidates: list[Candidate], verdicts: Verdicts
) -> list[Candidate]:
    """Those that say what is known under their source and id, or of which nothing is."""
    kept = []
    for c in candidates:
        if c.key not in known or c.fingerprint == known[c.key].fingerprint:
            kept.append(c)
        else:
            verdicts[c.place] = Refusal(
                ProblemType.CONFLICT,
                "An event with this source and id says something else. A correction is a new event with its own id.",
            )
    return kept


async def _send_on(tx: Transaction, accepted: list[Candidate], public_url: str) -> None:
    """To the outbox in the order they were sent, with when they were recorded, their schema and a trace."""
    for person in sorted({c.event.subject for c in accepted if c.event.data.tombstone}):
        await tx.erase(person)
    trace: dict[str, str] = {}
    propagate.inject(trace)
    trace = {name: value for name, value in trace.items() if name in ("traceparent", "tracestate")}
    recorded = wire_time(tx.now())
    for c in sorted(accepted, key=lambda c: c.place):
        ours = {"recordedtime": recorded, "dataschema": f"{public_url}/schemas/{c.event.type}"}
        tx.forward(c.event, c.topic, ours if c.event.traceparent else ours | trace)


def _answer(submission: Submission, refusal: Refusal | None, *, new: bool) -> Answer:
    if refusal is not None:
        return Answer(submission.id, submission.source, "refused", refusal, submission.warnings)
    return Answer(submission.id, submission.source, "accepted" if new else "duplicate", warnings=submission.warnings)


async def forget_old_identities(tx: Transaction) -> int:
    """Drops identities older than 400 days, some thousands at a time. Returns how many went."""
    return await repository.forget(tx, tx.now() - IDENTITIES_KEPT, FORGET_AT_ONCE, test=False)


async def forget_test_identities(tx: Transaction) -> int:
    """Drops identities of test events older than 30 days, some thousands at a time. Returns how many went."""
    return await repository.forget(tx, tx.now() - TEST_IDENTITIES_KEPT, FORGET_AT_ONCE, test=True)


async def retell_erasures(tx: Transaction) -> int:
    """Says again who has been erased, an hour and a day after. Returns how many were told.

    Until compaction has run, an older record of the person may come to stand after the tombstone: the last one wins.
    """
    persons = await repository.erasures_to_retell(tx, FORGET_AT_ONCE)
    for person in persons:
        tx.publish(TenantContactErased(tenant_ref=person))
    return len(persons)
