"""Encryption per person: AES-256-GCM under a key of the person's own, kept wrapped by the service's master key.

Erasing a person destroys the key, which makes every sealed copy unreadable (rows, parked bytes, backups), and leaves a
mark that refuses the person for ever. What is private and no one person's (codes of surveys) is sealed under a key of
the service's own.
"""

import base64
import binascii
import hmac
import os
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.chassis.errors import Erased, Unfit

if TYPE_CHECKING:
    from services.chassis.postgres import Connection

KEY_BYTES = 32
NONCE_BYTES = 12

MAKE_KEYS = """
    insert into person_key (person, wrapped) select * from unnest($1::text[], $2::bytea[]) order by 1
    on conflict (person) do nothing
"""
# Shared lock: an erasure waits for whoever is sealing under the key, and whoever comes later sees the erasure.
FIND_KEYS = "select person, wrapped from person_key where person = any($1::text[]) order by person for share"
ERASE_KEY = """
    insert into person_key (person, wrapped, erased_at) values ($1, null, $2)
    on conflict (person) do update set wrapped = null, erased_at = coalesce(person_key.erased_at, excluded.erased_at)
"""


class Vault:
    """Seals and unseals bytes for persons. Holds the master key; persons' keys live in table `person_key`."""

    def __init__(self, master_key: bytes) -> None:
        if len(master_key) != KEY_BYTES:
            raise ValueError(f"a master key is {KEY_BYTES} bytes, got {len(master_key)}")
        self._wrapping = AESGCM(_derive(master_key, b"hem person keys"))
        self._private = AESGCM(_derive(master_key, b"hem private topics"))
        self._fingerprint_key = _derive(master_key, b"hem fingerprints")

    @classmethod
    def from_base64(cls, text: str) -> "Vault":
        try:
            return cls(base64.b64decode(text, validate=True))
        except binascii.Error as error:
            raise ValueError("a master key is 32 bytes in base64") from error

    def fingerprint(self, data: bytes) -> bytes:
        """A keyed hash of `data`, 32 bytes: tells same from different, without being guessable from outside."""
        return hmac.digest(self._fingerprint_key, data, "sha256")

    async def seal(self, connection: "Connection", person: str, plaintext: bytes) -> bytes:
        """Encrypts under the person's key, which is made on first use. Raises `Erased`."""
        return (await self.seal_many(connection, [(person, plaintext)]))[0]

    async def seal_many(self, connection: "Connection", items: Sequence[tuple[str, bytes]]) -> list[bytes]:
        """`seal` for many (person, plaintext), in three statements at the most. Raises `Erased` if any of them is."""
        keys = await self._keys(connection, {person for person, _ in items})
        if missing := sorted({person for person, _ in items} - keys.keys()):
            fresh = [self._wrap(person, AESGCM.generate_key(256)) for person in missing]
            await connection.execute(MAKE_KEYS, missing, fresh)
            keys |= await self._keys(connection, set(missing))
        return [_encrypt(AESGCM(_living(keys[person])), person, plaintext) for person, plaintext in items]

    async def unseal(self, connection: "Connection", person: str, sealed: bytes) -> bytes:
        """Decrypts what `seal` made. Raises `Erased`, or `Unfit` where the bytes or the key are not the right ones."""
        [opened] = await self.unseal_many(connection, [(person, sealed)])
        if opened is None:
            raise Erased
        return opened

    async def unseal_many(self, connection: "Connection", items: Sequence[tuple[str, bytes]]) -> list[bytes | None]:
        """`unseal` for many (person, sealed) in one statement; None for those of an erased person."""
        if not items:
            return []
        keys = await self._keys(connection, {person for person, _ in items})
        opened: list[bytes | None] = []
        for person, sealed in items:
            if person not in keys:
                raise Unfit("sealed", "no key is kept for the person these bytes are sealed for")
            key = keys[person]
            opened.append(None if key is None else _decrypt(AESGCM(key), person, sealed))
        return opened

    def seal_private(self, topic: str, plaintext: bytes) -> bytes:
        """Encrypts under the service's own key."""
        return _encrypt(self._private, topic, plaintext)

    def unseal_private(self, topic: str, sealed: bytes) -> bytes:
        """Decrypts what `seal_private` made for the same topic. Raises `Unfit` where bytes or key aren't the right ones."""
        return _decrypt(self._private, topic, sealed)

    async def erase(self, connection: "Connection", person: str, at: datetime) -> None:
        """Destroys the person's key and refuses the person from now on. Doing it twice does it once."""
        await connection.execute(ERASE_KEY, person, at)

    async def erased(self, connection: "Connection", persons: Collection[str]) -> set[str]:
        """Which of `persons` have been erased."""
        rows = await connection.fetch(FIND_KEYS, list(persons))
        return {row["person"] for row in rows if row["wrapped"] is None}

    async def _keys(self, connection: "Connection", persons: Collection[str]) -> dict[str, bytes | None]:
        """The unwrapped keys of those who have one; None where the person is erased."""
        rows = await connection.fetch(FIND_KEYS, list(persons))
        return {row["person"]: self._unwrap(row["person"], row["wrapped"]) for row in rows}

    def _unwrap(self, person: str, wrapped: bytes | None) -> bytes | None:
        return None if wrapped is None else _decrypt(self._wrapping, person, wrapped)

    def _wrap(self, person: str, key: bytes) -> bytes:
        return _encrypt(self._wrapping, person, key)


def _living(key: bytes | None) -> bytes:
    if key is None:
        raise Erased
    return key


def _encrypt(cipher: AESGCM, about: str, plaintext: bytes) -> bytes:
    nonce = os.urandom(NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, plaintext, about.encode())


def _decrypt(cipher: AESGCM, about: str, sealed: bytes) -> bytes:
    try:
        return cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], about.encode())
    except InvalidTag as error:
        raise Unfit("sealed", "sealed under another key (is the master key the right one?), or changed") from error


def _derive(master_key: bytes, purpose: bytes) -> bytes:
    return hmac.digest(master_key, purpose, "sha256")
