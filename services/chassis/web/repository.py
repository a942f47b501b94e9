"""The SQL of the web shell."""

from datetime import datetime
from typing import Protocol

USE_SIGN_IN = """
    insert into used_sign_in (nonce, used_at) values ($1, $2)
    on conflict (nonce) do nothing
    returning nonce
"""


class Transaction(Protocol):
    """The part of the chassis' transaction used here."""

    def now(self) -> datetime: ...
    async def fetchval(self, sql: str, /, *args: object) -> object: ...


async def use_sign_in(tx: Transaction, nonce: str) -> bool:
    """Marks a sign-in code as used; False when it already was. Housekeeping forgets it long after it stopped working."""
    return await tx.fetchval(USE_SIGN_IN, nonce, tx.now()) is not None
