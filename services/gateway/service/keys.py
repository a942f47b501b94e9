"""The verbs of keys: make one, hand over from an old to a new one, recognise who shows one."""

from collections.abc import Sequence
from datetime import timedelta

from services.chassis.transaction import Transaction
from services.gateway.domain.door import KeyId, Publisher
from services.gateway.domain.keys import Key, Kind, hash_key, new_key
from services.gateway.domain.publishers import narrowed
from services.gateway.repository import keys as repository
from services.gateway.service import publishers
from services.gateway.service.publishers import SourceTaken


class Retired(Exception):
    """A publisher that has retired gets no key."""


class NoSource(Exception):
    """A test key is for named sources: it claims none by its first use."""


class NoType(Exception):
    """A key is for at least one type of those agreed with its publisher."""


class WhichKey(Exception):
    """There is no one key that a new one could take over from."""


async def find_key(tx: Transaction, key: str) -> Key | None:
    """The key that a publisher showed, also one that works no more; None when it is unknown."""
    return await repository.find_key(tx, hash_key(key))


async def create_key(
    tx: Transaction,
    publisher: Publisher,
    *,
    allow: Sequence[str] | None = None,
    sources: Sequence[str] = (),
    kind: Kind = "live",
) -> tuple[KeyId, str]:
    """A new key, shown now and never again; the publisher's other keys stay valid. `allow`: None is all it may send.

    Registers a publisher that is not yet, its owner to be told. A key without sources is for those the publisher has;
    a live one is bound to the first it is used with when there are none, or when the publisher's owner is not told.
    Raises `SourceTaken`, `NotPublishable`, `OnForms`, `Retired`, `NoSource` or `NoType`.
    """
    publishers.refuse_on_forms(publisher)
    if allow is not None:
        publishers.refuse_unpublishable(allow)
    publishers.refuse_own(sources)
    await publishers.ensure(tx, publisher, allow or ())
    known = await publishers.find(tx, publisher)
    assert known is not None  # made just now
    if known.retired_at is not None:
        raise Retired(f"{publisher} has retired: register it anew first.")
    if not await publishers.claim(tx, publisher, sources):
        raise SourceTaken("A source belongs to one publisher for ever, and one of these is another's.")
    if kind == "test" and not (sources or known.sources):
        raise NoSource("Name the sources of a test key, or register them with the publisher.")
    types = known.allow if allow is None else tuple(allow)
    if beyond := [name for name in types if name not in narrowed(types, known.allow)]:
        raise NoType(f"{', '.join(beyond)} is not agreed with {publisher}: change what is agreed first.")
    if not types:
        raise NoType(f"Say what the key is for: nothing is agreed with {publisher} yet.")
    agreed = known.sources if kind == "test" or known.owner is not None else ()
    bound = list(sources or agreed)
    key = new_key(publisher, kind)
    made = await repository.add_key(tx, publisher, kind, hash_key(key), allow=types, sources=bound)
    return made, key


async def rotate_key(
    tx: Transaction, publisher: Publisher, *, overlap: timedelta, only: KeyId | None = None
) -> tuple[KeyId, str, Key]:
    """A new key for the same as an old one, which works for `overlap` longer: (id, key, the old one).

    The old one is the publisher's only live key that has no end, or `only`, of which the same is true: one that has
    been replaced isn't replaced again, nor made to work longer. Raises `WhichKey`.
    """
    await publishers.hold(tx, publisher)
    working = [key for key in await repository.list_keys(tx, publisher) if key.works(tx.now())]
    endless = [key for key in working if key.ends_at is None]
    lasting = [key for key in endless if (key.kind == "live" if only is None else key.id == only)]
    if len(lasting) != 1:
        numbers = ", ".join(str(key.id) for key in endless)
        raise WhichKey(f"Say which key: {numbers}." if endless else f"{publisher} has no key that could be replaced.")
    locked = await repository.lock_key(tx, lasting[0].id)
    if locked is None:
        raise WhichKey("The key has been taken back.")
    key = new_key(publisher, locked.kind)
    made = await repository.add_key(
        tx, publisher, locked.kind, hash_key(key), allow=locked.allow, sources=locked.sources
    )
    await repository.end_key(tx, locked.id, tx.now() + overlap)
    return made, key, locked
